//! The key that verifies a credential: a shared secret, a public key or a key set. Also the verification itself.
#![forbid(unsafe_code)]

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jwt_simple::JWTError;
use jwt_simple::claims::NoCustomClaims;
use jwt_simple::prelude::{HS256Key, MACLike};
use jwt_simple::token::{Token, TokenMetadata};
use serde_json::{Map, Value};

use super::claims;
use super::error::Cause;
use super::key_set::KeySet;
use super::public_key::{PublicKey, UNSUPPORTED, signature_alone};
use crate::json;
use crate::private_key::pem::{self, Document, Kind};
use crate::secret_text;

/// A key that verifies credentials.
pub enum VerificationKey {
    /// A shared secret, for HS256.
    Secret(HS256Key),
    /// A public key.
    Public(PublicKey),
    /// Public keys by `kid`.
    Set(KeySet),
}

const PRIVATE: &str = "is a private key, which only the login may have; give the public key, `openssl pkey -in key.pem -pubout`.";
const NOT_PEM: &str =
    "is not PEM; give the public key as `openssl pkey -in key.pem -pubout` prints it.";
const SEVERAL: &str = "holds more than one public key; give the one that verifies the login's credentials, or all of them as auth_jwks.";

impl std::fmt::Debug for VerificationKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[verification key elided]")
    }
}

impl VerificationKey {
    /// Creates a key from a shared secret, used as UTF-8.
    ///
    /// # Errors
    /// If the secret is too weak. As for the other two constructors, the error continues a sentence that starts with the
    /// variable's name.
    pub fn from_secret(text: &str) -> Result<Self, &'static str> {
        secret_text::check(text)?;
        Ok(Self::Secret(HS256Key::from_bytes(text.as_bytes())))
    }

    /// Parses a public key in PEM, in any of the forms that are accepted for a private key.
    ///
    /// # Errors
    /// If the text is not a public key of a supported kind.
    pub fn from_pem(text: &str) -> Result<Self, &'static str> {
        let pem = match pem::read(text).map_err(|_| NOT_PEM)? {
            Document::Pem(pem) => pem,
            Document::Der(der, Kind::Public) => return PublicKey::from_der(&der).map(Self::Public),
            Document::Der(_, Kind::Certificate) | Document::SshPublicKey => {
                return Err(UNSUPPORTED);
            }
            Document::Der(..) => return Err(PRIVATE),
        };
        let mut key = None;
        for block in pem::blocks(&pem) {
            let block = block.map_err(|_| UNSUPPORTED)?;
            if block.label.ends_with(b"PRIVATE KEY") {
                return Err(PRIVATE);
            }
            if block.label.ends_with(b"PUBLIC KEY") && key.replace(block).is_some() {
                return Err(SEVERAL);
            }
        }
        let der = key.ok_or(UNSUPPORTED)?.decode().map_err(|_| UNSUPPORTED)?;
        PublicKey::from_der(&der).map(Self::Public)
    }

    /// Parses a key set (RFC 7517, section 5). Keys of other kinds and for other purposes are ignored.
    ///
    /// # Errors
    /// See [`KeySet::parse`].
    pub fn from_jwks(text: &str) -> Result<Self, &'static str> {
        KeySet::parse(text).map(Self::Set)
    }

    /// Verifies a token's signature and returns its claims, which are not checked otherwise.
    pub(super) fn verify(
        &self,
        token: &str,
        metadata: &TokenMetadata,
    ) -> Result<Map<String, Value>, Cause> {
        match self {
            Self::Secret(key) => {
                check_algorithm(metadata.algorithm() == "HS256", "HS256")?;
                let verified = key.verify_token::<NoCustomClaims>(token, Some(signature_alone()));
                verified_claims(token, verified)
            }
            Self::Public(key) => {
                check_algorithm(key.is_for(metadata.algorithm()), key.algorithm())?;
                verify_by(key, token)
            }
            Self::Set(keys) => {
                let key = keys.choose(metadata.key_id(), metadata.algorithm())?;
                verify_by(key, token)
            }
        }
    }
}

/// Verifies a token's signature with this key. The caller has checked that the key is for the token's algorithm.
pub(super) fn verify_by(key: &PublicKey, token: &str) -> Result<Map<String, Value>, Cause> {
    verified_claims(token, key.verify(token))
}

/// Returns the claims of a token, given the result of verifying it with jwt-simple.
fn verified_claims<T>(
    token: &str,
    verified: Result<T, jwt_simple::Error>,
) -> Result<Map<String, Value>, Cause> {
    match verified {
        Ok(_) => claims(token),
        // jwt-simple parses the claims only after it has verified the signature.
        Err(error) if error.is::<serde_json::Error>() => {
            Err(claims(token).map_or_else(|cause| cause, |claims| claims::wrong_type(&claims)))
        }
        Err(error) => Err(cause(&error)),
    }
}

/// Decodes a part of a token, counted from 0, as a JSON object.
fn part(token: &str, index: usize) -> Option<json::Object> {
    let text = URL_SAFE_NO_PAD.decode(token.split('.').nth(index)?).ok()?;
    serde_json::from_slice(&text).ok()
}

fn claims(token: &str) -> Result<Map<String, Value>, Cause> {
    let claims = part(token, 1).ok_or(Cause::ClaimsUnreadable)?;
    claims.unique().ok_or(Cause::Repeated)
}

/// Returns the `iat` of a token, in seconds since 1970-01-01 UTC. The token may be unverified.
pub(super) fn issued_at(token: &str) -> Option<u64> {
    claims(token).ok()?.get("iat")?.as_u64()
}

fn check_algorithm(good: bool, expected: &'static str) -> Result<(), Cause> {
    if good {
        Ok(())
    } else {
        Err(Cause::Algorithm(expected))
    }
}

/// Reads a token's header.
pub(super) fn metadata(token: &str) -> Result<TokenMetadata, Cause> {
    match token.split('.').count() {
        3 => (),
        5 => return Err(Cause::Encrypted),
        _ => return Err(Cause::Opaque),
    }
    let metadata = Token::decode_metadata(token).map_err(|_| header_cause(token))?;
    if metadata.algorithm().eq_ignore_ascii_case("none") {
        return Err(Cause::AlgorithmNone);
    }
    Ok(metadata)
}

/// Returns why jwt-simple rejects a token's header. It parses the members of RFC 7515, section 4.1, and expects all but two
/// of them to be texts, including `jwk`, which is an object.
fn header_cause(token: &str) -> Cause {
    let Some(header) = part(token, 0).and_then(json::Object::unique) else {
        return Cause::HeaderUnreadable;
    };
    if header.get("jwk").is_some_and(Value::is_object) {
        return Cause::EmbeddedKey;
    }
    let is_text = |value: &Value| value.is_string() || value.is_null();
    let is_list = |value: &Value| {
        let texts = |list: &Vec<Value>| list.iter().all(Value::is_string);
        value.is_null() || value.as_array().is_some_and(texts)
    };
    for (names, has_type) in [
        (&TEXTS[..], &is_text as &dyn Fn(&Value) -> bool),
        (&LISTS, &is_list),
    ] {
        let wrong = |name: &&&str| header.get(**name).is_some_and(|value| !has_type(value));
        if let Some(name) = names.iter().find(wrong) {
            return Cause::HeaderMember(name);
        }
    }
    Cause::HeaderUnreadable
}

const TEXTS: [&str; 10] = [
    "alg", "kid", "typ", "cty", "jku", "jwk", "x5u", "x5t", "x5t#S256", "salt",
];
const LISTS: [&str; 2] = ["crit", "x5c"];

/// Returns why jwt-simple rejected a token whose header it could read.
fn cause(error: &jwt_simple::Error) -> Cause {
    match error.downcast_ref::<JWTError>() {
        Some(JWTError::UnknownCriticalExtension) => Cause::CriticalExtension,
        Some(JWTError::NotJWT) => Cause::WrongType,
        _ => Cause::Signature,
    }
}
