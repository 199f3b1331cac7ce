//! The credential's header and signature.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

use super::jwt::Jwt;
use super::line::{CredentialCheck, Outcome, shown, shown_value};
use super::table::{explain, sentence};
use crate::context::Context;
use crate::provider::{self, shown_kid};
use crate::service::{self, Error};

/// The checks in the service's order: it reports nothing on the checks after one that fails.
const ORDER: [&str; 6] = ["typ", "keys", "alg", "kid", "crit", "signature"];

/// Checks header and signature. `document` is the service's key set, or empty if there is none.
pub(super) fn check(
    context: &Context,
    jwt: &Jwt,
    document: &str,
    failed: Option<Error>,
    checks: &mut Vec<CredentialCheck>,
) {
    let url = context.text("auth_jwks_url");
    let algorithm = service::algorithm(context);
    let keys = match algorithm {
        Some(_) => Vec::new(),
        None => provider::keys(document),
    };
    for name in ORDER {
        let error = failed.filter(|error| explain(*error).0 == name);
        let configured = match name {
            "keys" if url.is_empty() => continue,
            "kid" if keys.is_empty() => continue,
            "crit" if error.is_none() => continue,
            "typ" => Some("JWT".to_owned()),
            "keys" => Some(shown(context, url)),
            "alg" => {
                let all = keys.iter().map(|(_, algorithm)| *algorithm);
                let mut all: Vec<&str> = all.chain(algorithm).collect();
                all.sort_unstable();
                all.dedup();
                Some(all.join(", "))
            }
            "kid" => {
                let kids = keys.iter().map(|(kid, _)| shown_kid(kid.as_deref()));
                let kids = kids.map(|kid| match kid.starts_with('(') {
                    true => kid.to_owned(),
                    false => format!("{kid:?}"),
                });
                Some(kids.collect::<Vec<_>>().join(", "))
            }
            _ => None,
        };
        let member = ["typ", "alg", "kid"].contains(&name);
        let credential = member.then(|| shown_value(context, jwt.header.get(name)));
        let check = match error {
            None => CredentialCheck::new(name, Outcome::Ok, ""),
            Some(error) => {
                CredentialCheck::new(name, Outcome::Fail, why(context, jwt, document, error))
            }
        };
        checks.push(check.beside(credential, configured));
        if error.is_some() {
            return;
        }
    }
}

fn why(context: &Context, jwt: &Jwt, document: &str, error: Error) -> String {
    let kid = jwt.header["kid"].as_str();
    let unused = service::unused_keys(document).unwrap_or_default();
    let mut unused = unused
        .iter()
        .filter(|(other, _)| kid.is_some() && other.as_deref() == kid);
    match (explain(error), unused.next()) {
        (("kid", _), Some((_, reason))) => {
            format!("the key set has this key, but it {reason}.")
        }
        (("signature", advice), _) => {
            let advice = other_secret(context, jwt).unwrap_or(advice);
            sentence(&error.reason(), advice)
        }
        ((_, advice), _) => sentence(&error.reason(), advice),
    }
}

/// Returns what the login does differently with the shared secret, if it is one of two common mistakes.
fn other_secret(context: &Context, jwt: &Jwt) -> Option<&'static str> {
    const SPACE: &str = "the login signs with white space around the secret, such as the line feed at a file's end; let it use the secret without";
    const BASE64: &str = "the login signs with the secret decoded from base64; the service takes the text as it is written, so must the login";
    let secret = context.text("auth_hs256_secret");
    let untrimmed = context.value("auth_hs256_secret").to_owned();
    let decoded = STANDARD.decode(secret);
    let decoded = decoded.or_else(|_| URL_SAFE_NO_PAD.decode(secret));
    let others = [
        (untrimmed.into_bytes(), SPACE),
        (format!("{secret}\n").into_bytes(), SPACE),
        (format!("{secret}\r\n").into_bytes(), SPACE),
        (decoded.unwrap_or_default(), BASE64),
    ];
    let mut others = others.iter();
    let (_, advice) = others.find(|(secret, _)| jwt.is_signed_with(secret))?;
    Some(*advice)
}
