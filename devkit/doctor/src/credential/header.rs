//! The credential's form, its header and its signature.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Map, Value};

use super::{CredentialCheck, Jwt, Keys, MAX_BYTES, shown_value};
use crate::context::Context;
use crate::jwks::{Dropped, Jwk};
use crate::verify::Key;

/// The words that a page sends when it has no credential.
const NO_CREDENTIAL: [&str; 6] = [
    "undefined",
    "null",
    "[object object]",
    "[object promise]",
    "nan",
    "false",
];

/// Takes a credential apart.
///
/// # Errors
/// The failed check: it is no signed JWT.
pub(super) fn read(token: &str) -> Result<Jwt<'_>, CredentialCheck> {
    let fail = |message: &str| Err(CredentialCheck::fail("form", message));
    if token.is_empty() {
        return fail("nothing is there.");
    }
    if NO_CREDENTIAL.contains(&token.to_ascii_lowercase().as_str()) {
        return Err(CredentialCheck::fail(
            "form",
            "it is a word that a page sends when it has no credential yet; let the page wait for its login's promise.",
        )
        .credential(format!("{token:?}")));
    }
    if token.contains(char::is_whitespace) {
        return fail("it has white space within; put one credential into the file, on one line.");
    }
    if token.len() > MAX_BYTES {
        return fail("it is longer than 8,192 bytes; let the login leave out claims.");
    }
    let parts: Vec<&str> = token.split('.').collect();
    match parts[..] {
        [header, claims, signature] => {
            let Some(header) = object(header) else {
                return fail(
                    "its first part is no JSON object in base64url: it is an opaque token, or was changed on the way.",
                );
            };
            let Some(claims) = object(claims) else {
                return fail(
                    "its second part is no JSON object in base64url; it was cut off or changed on the way.",
                );
            };
            if URL_SAFE_NO_PAD.decode(signature).is_err() || signature.is_empty() {
                return fail(
                    "its signature is empty or no base64url; it was cut off or changed on the way.",
                );
            }
            Ok(Jwt {
                text: token,
                header,
                claims,
            })
        }
        [_, _, _, _, _] => fail(
            "it has five parts: a JWE, encrypted for somebody else; let the login issue a signed JWT (with Auth0, name an API as audience).",
        ),
        [_] => fail(
            "it is an opaque token or a session id, no JWT; take the login's JWT (with Auth0, name an API as audience; with Google and Firebase, take the ID token).",
        ),
        _ => fail(
            "a signed JWT has three parts, and it has another number; it was cut off or joined with something.",
        ),
    }
}

fn object(part: &str) -> Option<Map<String, Value>> {
    let json = URL_SAFE_NO_PAD.decode(part).ok()?;
    serde_json::from_slice(&json).ok()
}

pub(super) fn check(context: &Context, jwt: &Jwt, checks: &mut Vec<CredentialCheck>) {
    let shown = |name: &str| match jwt.header.get(name) {
        Some(value) => shown_value(context, value),
        None => "none".to_owned(),
    };
    let typ = jwt
        .header
        .get("typ")
        .map(|typ| typ.as_str().unwrap_or_default().to_uppercase());
    let is_jwt = typ.is_none_or(|typ| typ == "JWT" || typ.ends_with("+JWT"));
    checks.push(
        match is_jwt {
            true => CredentialCheck::ok("typ"),
            false => CredentialCheck::fail(
                "typ",
                "the header's typ must be JWT, end with +jwt, or be left out.",
            ),
        }
        .credential(shown("typ"))
        .configured("JWT"),
    );
    if jwt
        .header
        .get("crit")
        .and_then(Value::as_array)
        .is_none_or(|list| !list.is_empty())
        && jwt.header.contains_key("crit")
    {
        checks.push(CredentialCheck::fail(
            "crit",
            "the header demands extensions that the service does not have.",
        ));
    }

    let alg = jwt
        .header
        .get("alg")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let keys = Keys::of(context);
    let algorithms = match &keys {
        Keys::None => {
            checks.push(CredentialCheck::note(
                "signature",
                "no usable key of a login is configured, so that the signature was not verified.",
            ));
            return;
        }
        Keys::One(key) => vec![key.algorithm()],
        Keys::Set(keys) => {
            let mut all: Vec<&str> = keys
                .iter()
                .filter_map(|jwk| Some(jwk.key.as_ref().ok()?.algorithm()))
                .collect();
            all.sort_unstable();
            all.dedup();
            all
        }
    };
    let is_verified = algorithms.iter().any(|known| fits(alg, known));
    checks.push(
        match is_verified {
            true => CredentialCheck::ok("alg"),
            false => CredentialCheck::fail("alg", wrong_algorithm(alg)),
        }
        .credential(shown("alg"))
        .configured(algorithms.join(", ")),
    );
    let key = match &keys {
        Keys::None => None,
        Keys::One(key) => Some(key),
        Keys::Set(set) => {
            let kid = jwt.header.get("kid").and_then(Value::as_str);
            let found = choose(set, kid, alg);
            let names: Vec<String> = set.iter().map(Jwk::name).collect();
            checks.push(
                match &found {
                    Ok(_) => CredentialCheck::ok("kid"),
                    Err(why) => CredentialCheck::fail("kid", *why),
                }
                .credential(shown("kid"))
                .configured(names.join(", ")),
            );
            found.ok()
        }
    };
    if let Some(key) = key.filter(|key| fits(alg, key.algorithm())) {
        checks.push(signature(context, jwt, key));
    }
}

/// Whether a header's `alg` names this algorithm; Ed25519 is EdDSA's newer name (RFC 9864).
fn fits(alg: &str, known: &str) -> bool {
    alg == known || (alg == "Ed25519" && known == "EdDSA")
}

fn wrong_algorithm(alg: &str) -> &'static str {
    match alg {
        "none" | "" => "it is not signed.",
        "HS256" => {
            "it is signed with a shared secret; set auth_hs256_secret instead of the public key, or let the login sign with its private key."
        }
        "RS256" | "ES256" | "EdDSA" => {
            "it is signed with a key of another kind; set auth_jwks or auth_public_key to the login's present key."
        }
        _ => {
            "the service verifies HS256, RS256, ES256 and EdDSA alone; let the login sign with one of them."
        }
    }
}

/// The key of a set that the service takes for a credential.
fn choose<'a>(set: &'a [Jwk], kid: Option<&str>, alg: &str) -> Result<&'a Key, &'static str> {
    let with_kid = set
        .iter()
        .filter(|jwk| kid.is_some() && jwk.kid.as_deref() == kid);
    let mut unusable = None;
    for jwk in with_kid {
        match &jwk.key {
            Ok(key) => return Ok(key),
            Err(Dropped::Because(why)) => unusable = Some(*why),
            Err(Dropped::Private) => unusable = Some("the key holds its private part"),
            Err(Dropped::OtherPurpose) => unusable = Some("the key is not for signatures"),
        }
    }
    if let Some(why) = unusable {
        return Err(why);
    }
    let nameless = set.iter().filter(|jwk| jwk.kid.is_none());
    let mut fitting = nameless
        .filter_map(|jwk| jwk.key.as_ref().ok())
        .filter(|key| fits(alg, key.algorithm()));
    fitting.next().ok_or(match kid {
        Some(_) => "auth_jwks has no key with this kid; fetch the login's JWKS again, its keys may have changed.",
        None => "the header has no kid, and auth_jwks has kids; let the login write the kid into the header.",
    })
}

fn signature(context: &Context, jwt: &Jwt, key: &Key) -> CredentialCheck {
    if key.verifies(jwt.text) {
        return CredentialCheck::ok("signature");
    }
    let Key::Secret(secret) = key else {
        return CredentialCheck::fail(
            "signature",
            "it is not that of the configured key: the login signs with another, or the credential was changed.",
        );
    };
    let with_newline = |end: &str| [secret, end.as_bytes()].concat();
    let untrimmed = context.value("auth_hs256_secret").as_bytes().to_vec();
    let decoded = STANDARD
        .decode(secret)
        .or_else(|_| URL_SAFE_NO_PAD.decode(secret))
        .unwrap_or_default();
    let as_written = [untrimmed, with_newline("\n"), with_newline("\r\n")];
    let message = if as_written
        .into_iter()
        .any(|secret| Key::Secret(secret).verifies(jwt.text))
    {
        "the login signs with white space around the secret, such as the line feed at a file's end; let it use the secret without."
    } else if Key::Secret(decoded).verifies(jwt.text) {
        "the login signs with the secret decoded from base64; the service takes the text as it is written, so must the login."
    } else {
        "it is not made with auth_hs256_secret: the login has another secret, or the credential was changed."
    };
    CredentialCheck::fail("signature", message)
}
