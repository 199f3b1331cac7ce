//! What verifies a credential: a shared secret, a public key, or a key set; and the verifying.
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

/// What verifies a credential.
pub enum VerificationKey {
    /// A shared secret: HS256.
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
    /// A shared secret, as text.
    ///
    /// # Errors
    /// The rest of a sentence that starts with the variable's name, as for the other two.
    pub fn from_secret(text: &str) -> Result<Self, &'static str> {
        secret_text::check(text)?;
        Ok(Self::Secret(HS256Key::from_bytes(text.as_bytes())))
    }

    /// A public key in PEM, in any of the shapes in which a private key may come.
    ///
    /// # Errors
    /// A text that is no public key of a supported kind.
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

    /// A key set (RFC 7517, section 5). Keys for other purposes and of other kinds are passed over.
    ///
    /// # Errors
    /// A text that is no key set, or has no usable key.
    pub fn from_jwks(text: &str) -> Result<Self, &'static str> {
        KeySet::parse(text).map(Self::Set)
    }

    /// Verifies a token's signature, and nothing of its claims but that they can be read.
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

/// Verifies a token's signature by this key, which is for the token's algorithm.
pub(super) fn verify_by(key: &PublicKey, token: &str) -> Result<Map<String, Value>, Cause> {
    verified_claims(token, key.verify(token))
}

/// The claims of a token that jwt-simple has looked at.
fn verified_claims<T>(
    token: &str,
    verified: Result<T, jwt_simple::Error>,
) -> Result<Map<String, Value>, Cause> {
    match verified {
        Ok(_) => claims(token),
        // jwt-simple reads the claims after it has verified the signature.
        Err(error) if error.is::<serde_json::Error>() => {
            Err(claims(token).map_or_else(|cause| cause, |claims| claims::wrong_type(&claims)))
        }
        Err(error) => Err(cause(&error)),
    }
}

/// The JSON object that is one of a token's parts, counted from 0.
fn part(token: &str, index: usize) -> Option<json::Object> {
    let text = URL_SAFE_NO_PAD.decode(token.split('.').nth(index)?).ok()?;
    serde_json::from_slice(&text).ok()
}

fn claims(token: &str) -> Result<Map<String, Value>, Cause> {
    let claims = part(token, 1).ok_or(Cause::ClaimsUnreadable)?;
    claims.unique().ok_or(Cause::Repeated)
}

/// The time at which a token says that it was issued, in seconds since 1970-01-01 UTC. Nothing is verified.
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

/// The header of a token, as far as its structure lets it be read.
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

/// Why jwt-simple does not read a token's header: it knows the members of RFC 7515, section 4.1, of which it takes all
/// but two for texts, also `jwk`, which is an object.
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

/// Why jwt-simple did not accept a token whose header could be read.
fn cause(error: &jwt_simple::Error) -> Cause {
    match error.downcast_ref::<JWTError>() {
        Some(JWTError::UnknownCriticalExtension) => Cause::CriticalExtension,
        Some(JWTError::NotJWT) => Cause::WrongType,
        _ => Cause::Signature,
    }
}
