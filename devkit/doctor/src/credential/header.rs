//! The credential's form, its header and its signature.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::hmac;
use serde_json::Value;

use super::checks::{CredentialCheck, shown, shown_value};
use crate::checks::is_presentable;
use crate::context::Context;
use crate::provider;
use crate::service::{self, MAX_CREDENTIAL_BYTES, Opinion};

/// The words that a page sends when it has no credential.
const NO_CREDENTIAL: [&str; 6] = [
    "undefined",
    "null",
    "[object object]",
    "[object promise]",
    "nan",
    "false",
];

/// A credential, taken apart.
pub(super) struct Jwt<'a> {
    text: &'a str,
    header: Value,
    pub(super) claims: Value,
    pub(super) payload: String,
}

impl Jwt<'_> {
    /// An ID token in place of the access token, and the like, by what the usual logins write.
    pub(super) fn other_kind(&self) -> Option<CredentialCheck> {
        let word = |name: &str| self.claims[name].as_str().unwrap_or_default();
        let has = |names: &[&str]| names.iter().any(|name| self.claims.get(*name).is_some());
        let of_header = self.header["typ"].as_str().unwrap_or_default();
        let message = if word("typ") == "Refresh" || word("token_use") == "refresh" {
            "it is a refresh token, which only the login itself may get; send the access token."
        } else if word("token_use") == "access"
            || of_header.eq_ignore_ascii_case("at+jwt")
            || word("typ") == "Bearer"
            || has(&["scope", "scp"])
        {
            "it is an access token; where claims are missing in it, let the login add them to access tokens, or send the ID token."
        } else if word("token_use") == "id"
            || word("typ") == "ID"
            || has(&["nonce", "at_hash", "c_hash"])
        {
            "it is an ID token, made for the page that logs in; where aud or roles are missing in it, send the access token."
        } else {
            return None;
        };
        Some(CredentialCheck::note("kind", message))
    }
}

pub(super) fn read(token: &str) -> Result<Jwt<'_>, CredentialCheck> {
    const NAME: &str = "form";
    if NO_CREDENTIAL.contains(&token.to_ascii_lowercase().as_str()) {
        let message = "it is a word that a page sends when it has no credential yet; let the page wait for its login's promise.";
        return Err(CredentialCheck::fail(NAME, message).credential(format!("{token:?}")));
    }
    let parts: Vec<&str> = token.split('.').collect();
    let message = match parts[..] {
        _ if token.is_empty() => "nothing is there.",
        _ if token.contains(char::is_whitespace) => {
            "it has white space within; put one credential into the file, on one line."
        }
        _ if token.len() > MAX_CREDENTIAL_BYTES => {
            "it is longer than 8,192 bytes; let the login leave out claims."
        }
        [header, claims, signature] => match (object(header), object(claims)) {
            (None, _) => {
                "its first part is no JSON object in base64url: it is an opaque token, or was changed on the way."
            }
            (_, None) => {
                "its second part is no JSON object in base64url; it was cut off or changed on the way."
            }
            (Some((header, _)), Some((claims, payload))) => {
                if decoded(signature).is_some_and(|bytes| !bytes.is_empty()) {
                    return Ok(Jwt {
                        text: token,
                        header,
                        claims,
                        payload,
                    });
                }
                "its signature is empty or no base64url; it was cut off or changed on the way."
            }
        },
        [_, _, _, _, _] => {
            "it has five parts: a JWE, encrypted for somebody else; let the login issue a signed JWT (with Auth0, name an API as audience)."
        }
        [_] => {
            "it is an opaque token or a session id, no JWT; take the login's JWT (with Auth0, name an API as audience; with Google and Firebase, take the ID token)."
        }
        _ => {
            "a signed JWT has three parts, and it has another number; it was cut off or joined with something."
        }
    };
    Err(CredentialCheck::fail(NAME, message))
}

fn decoded(part: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(part).ok()
}

fn object(part: &str) -> Option<(Value, String)> {
    let text = String::from_utf8(decoded(part)?).ok()?;
    let value: Value = serde_json::from_str(&text).ok()?;
    value.is_object().then_some((value, text))
}

/// A credential with these claims, signed with a shared secret.
pub(super) fn sign(payload: &str, secret: &str) -> String {
    let encode = |text: &str| URL_SAFE_NO_PAD.encode(text);
    let message = format!(
        "{}.{}",
        encode(r#"{"alg":"HS256","typ":"JWT"}"#),
        encode(payload)
    );
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let tag = hmac::sign(&key, message.as_bytes());
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(tag))
}

/// The checks of the header, in the order in which the service makes them: it says nothing of those after the one that
/// fails.
const ORDER: [&str; 6] = ["keys", "alg", "kid", "crit", "typ", "signature"];

/// The key set that the service verifies with.
pub(super) struct Keys {
    pub(super) variable: &'static str,
    /// The document; empty where there is none.
    pub(super) document: String,
}

pub(super) fn check(
    context: &Context,
    jwt: &Jwt,
    set: &Keys,
    opinion: &Opinion,
    checks: &mut Vec<CredentialCheck>,
) {
    let (failed, reason) = match opinion {
        Opinion::NoLogin => return,
        Opinion::Accepted(_) => (None, ""),
        Opinion::Rejected(check, reason) => (Some(*check), reason.as_str()),
    };
    let keys = match context.service().algorithm() {
        Some(_) => Vec::new(),
        None => provider::keys(&set.document),
    };
    for name in ORDER {
        let is_failed = failed == Some(name);
        let is_told = match name {
            "crit" => is_failed,
            "keys" => set.variable == "auth_jwks_url",
            "kid" => !keys.is_empty(),
            _ => true,
        };
        if is_told {
            let check = match (is_failed, name) {
                (false, _) => CredentialCheck::ok(name),
                (true, "alg") => CredentialCheck::fail(name, wrong_algorithm(jwt)),
                (true, "kid") => CredentialCheck::fail(name, wrong_kid(set, jwt)),
                (true, "signature") => CredentialCheck::fail(name, wrong_signature(context, jwt)),
                (true, _) => CredentialCheck::fail(name, format!("{reason}.")),
            };
            checks.push(side_by_side(context, jwt, &keys, check));
        }
        if is_failed {
            return;
        }
    }
}

fn side_by_side(
    context: &Context,
    jwt: &Jwt,
    keys: &[(Option<String>, &str)],
    check: CredentialCheck,
) -> CredentialCheck {
    let configured = match check.name {
        "keys" => return check.configured(shown(context, context.text("auth_jwks_url"))),
        "typ" => "JWT".to_owned(),
        "alg" => match context.service().algorithm() {
            Some(algorithm) => algorithm.to_owned(),
            None => {
                let mut all: Vec<&str> = keys.iter().map(|(_, algorithm)| *algorithm).collect();
                all.sort_unstable();
                all.dedup();
                all.join(", ")
            }
        },
        "kid" => {
            let names = keys.iter().map(|(kid, _)| match kid {
                Some(kid) if is_presentable(kid) => format!("{kid:?}"),
                Some(_) => "(a long one)".to_owned(),
                None => "none".to_owned(),
            });
            names.collect::<Vec<_>>().join(", ")
        }
        _ => return check,
    };
    let value = shown_value(context, jwt.header.get(check.name));
    check.credential(value).configured(configured)
}

fn wrong_algorithm(jwt: &Jwt) -> &'static str {
    match jwt.header["alg"].as_str().unwrap_or_default() {
        "none" | "" => "it is not signed.",
        "HS256" => {
            "it is signed with a shared secret; set auth_hs256_secret instead of the public key, or let the login sign with its private key."
        }
        "RS256" | "ES256" | "EdDSA" | "Ed25519" => {
            "it is signed with a key of another kind; set auth_jwks_url, auth_jwks or auth_public_key to the login's own."
        }
        _ => {
            "the service verifies HS256, RS256, ES256 and EdDSA alone; let the login sign with one of them."
        }
    }
}

fn wrong_kid(set: &Keys, jwt: &Jwt) -> String {
    let variable = set.variable;
    let Some(kid) = jwt.header["kid"].as_str() else {
        return format!(
            "the header has no kid, and {variable} has more than one key for its alg; let the login write the kid into the header."
        );
    };
    let mut unused = service::unused_keys(&set.document).into_iter();
    match unused.find(|(other, _)| other.as_deref() == Some(kid)) {
        Some((_, reason)) => format!("{variable} has this key, but it {reason}."),
        None if variable == "auth_jwks_url" => {
            "auth_jwks_url has no key with this kid for its alg: the key was retired, or another login signed.".to_owned()
        }
        None => "auth_jwks has no key with this kid for its alg; fetch the login's JWKS again, its keys may have changed.".to_owned(),
    }
}

fn wrong_signature(context: &Context, jwt: &Jwt) -> &'static str {
    if context.service().algorithm() != Some("HS256") {
        return "it is not that of the configured key: the login signs with another, or the credential was changed.";
    }
    let secret = context.text("auth_hs256_secret");
    let with = |end: &str| [secret, end].concat().into_bytes();
    let untrimmed = context.value("auth_hs256_secret").as_bytes().to_vec();
    let decoded = STANDARD
        .decode(secret)
        .or_else(|_| URL_SAFE_NO_PAD.decode(secret));
    if [untrimmed, with("\n"), with("\r\n")]
        .iter()
        .any(|secret| is_tagged(jwt.text, secret))
    {
        "the login signs with white space around the secret, such as the line feed at a file's end; let it use the secret without."
    } else if decoded.is_ok_and(|secret| is_tagged(jwt.text, &secret)) {
        "the login signs with the secret decoded from base64; the service takes the text as it is written, so must the login."
    } else {
        "it is not made with auth_hs256_secret: the login has another secret, or the credential was changed."
    }
}

fn is_tagged(token: &str, secret: &[u8]) -> bool {
    let Some((message, tag)) = token.rsplit_once('.') else {
        return false;
    };
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
    hmac::verify(&key, message.as_bytes(), &decoded(tag).unwrap_or_default()).is_ok()
}
