//! Parses and signs credentials.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;
use serde_json::Value;

pub(super) struct Jwt<'a> {
    text: &'a str,
    pub(super) header: Value,
    pub(super) claims: Value,
    /// The claims as the original text.
    pub(super) payload: String,
}

impl<'a> Jwt<'a> {
    /// Parses a credential. Returns `None` if it is not three parts: two JSON objects and a possible signature.
    pub(super) fn read(text: &'a str) -> Option<Self> {
        let parts: Vec<&str> = text.split('.').collect();
        let [header, claims, signature] = parts[..] else {
            return None;
        };
        let (header, _) = object(header)?;
        let (claims, payload) = object(claims)?;
        let is_signed = !URL_SAFE_NO_PAD.decode(signature).ok()?.is_empty();
        is_signed.then_some(Self {
            text,
            header,
            claims,
            payload,
        })
    }

    /// Returns whether this shared secret made the signature.
    pub(super) fn is_signed_with(&self, secret: &[u8]) -> bool {
        let (message, tag) = self.text.rsplit_once('.').unwrap_or_default();
        let tag = URL_SAFE_NO_PAD.decode(tag).unwrap_or_default();
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
        hmac::verify(&key, message.as_bytes(), &tag).is_ok()
    }
}

fn object(part: &str) -> Option<(Value, String)> {
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(part).ok()?).ok()?;
    let value: Value = serde_json::from_str(&text).ok()?;
    value.is_object().then_some((value, text))
}

/// Signs a credential with these claims and a shared secret.
pub(super) fn sign(payload: &str, secret: &str) -> String {
    let [header, payload] =
        [r#"{"alg":"HS256","typ":"JWT"}"#, payload].map(|text| URL_SAFE_NO_PAD.encode(text));
    let message = format!("{header}.{payload}");
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let tag = hmac::sign(&key, message.as_bytes());
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(tag))
}
