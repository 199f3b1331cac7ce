//! Verifies the header `X-Jaas-Signature`: `t=<seconds>,v1=<base64>`, with any number of `v1` and of future schemes.
#![forbid(unsafe_code)]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac_sha256::HMAC;

use super::error::{Error, TOLERANCE_SECONDS};
use crate::http::Headers;
use crate::secret::Secret;

const NAME: &str = "x-jaas-signature";

/// The maximum number of signatures that are checked.
const MAX_SIGNATURES: usize = 8;

/// Verifies the signature with each of the secrets. Returns `false` if the request has no signature.
pub(super) fn check(
    secrets: &[Secret<String>],
    headers: &Headers,
    body: &[u8],
    now: u64,
) -> Result<bool, Error> {
    let mut values = headers.get_all(NAME);
    let value = match (values.next(), values.next()) {
        (None, _) => return Ok(false),
        (Some(value), None) => std::str::from_utf8(value).ok(),
        _ => None,
    };
    let Header { time, signatures } = value.and_then(parse).ok_or(Error::SignatureMalformed)?;
    let is_by = |secret: &Secret<String>, signature: &[u8; 32]| {
        let mut mac = HMAC::new(secret.expose());
        mac.update(time);
        mac.update(".");
        mac.update(body);
        mac.finalize_verify(signature)
    };
    let is_signed = secrets
        .iter()
        .any(|secret| signatures.iter().any(|signature| is_by(secret, signature)));
    if !is_signed {
        return Err(Error::SignatureWrong);
    }
    // All digits, so parsing can only fail because there are too many.
    let signed_at = time.parse().unwrap_or(u64::MAX);
    if now.abs_diff(signed_at) > TOLERANCE_SECONDS {
        return Err(Error::SignatureOld);
    }
    Ok(true)
}

struct Header<'a> {
    /// The time as written in the header, because that text is signed.
    time: &'a str,
    signatures: Vec<[u8; 32]>,
}

fn parse(value: &str) -> Option<Header<'_>> {
    let (mut time, mut signatures) = (None, Vec::new());
    for part in value.split(',') {
        match part.trim().split_once('=')? {
            ("t", text) if time.is_none() && is_number(text) => time = Some(text),
            ("t", _) => return None,
            ("v1", text) if signatures.len() < MAX_SIGNATURES => {
                signatures.push(STANDARD.decode(text).ok()?.try_into().ok()?);
            }
            _ => {}
        }
    }
    let time = time.filter(|_| !signatures.is_empty())?;
    Some(Header { time, signatures })
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}
