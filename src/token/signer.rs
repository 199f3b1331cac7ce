//! Signs claims with a private key, as a token with RS256 (RFC 7518, section 3.3), by one of two engines.
//!
//! Both engines return the same token for the same claims, because these signatures are deterministic.
#![forbid(unsafe_code)]

use std::convert::Infallible;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jwt_simple::prelude::{RS256KeyPair, RSAKeyPairLike};
use rand_core::{TryCryptoRng, TryRng};
use rs256::SigningKey;
use serde::Serialize;

use crate::environment::Random;
use crate::jwt;
use crate::private_key::{self, PrivateKeyText};

/// The engine that computes signatures, chosen by `signing_engine`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// The crate `jwt-simple`, which blinds each signature.
    JwtSimple,
    /// The crate `rs256`, written for Wasm: runs in constant time, and several times faster.
    ConstantTime,
}

impl Engine {
    /// All engines, by name.
    pub const ALL: [(&str, Self); 2] = [
        ("jwt-simple", Self::JwtSimple),
        ("rs256", Self::ConstantTime),
    ];

    /// Returns the engine with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        let mut all = Self::ALL.into_iter();
        all.find(|(known, _)| *known == name)
            .map(|(_, engine)| engine)
    }

    /// Returns the engine's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::JwtSimple => "jwt-simple",
            Self::ConstantTime => "rs256",
        }
    }
}

/// Why a signer cannot be created.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignerError {
    /// No engine can use the private key.
    #[error(transparent)]
    Key(#[from] private_key::Error),
    /// Only the other engine can use the private key.
    #[error("does not fit the engine")]
    UnsupportedByEngine,
}

/// Signing failed. The error reveals nothing about the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the token could not be signed")]
pub struct SigningError;

/// A private key, with the App ID and key id that 8x8 assigned to it.
pub struct Signer {
    app_id: String,
    key: Key,
}

/// A private key in the form that its engine uses, with the key id.
enum Key {
    JwtSimple(Box<RS256KeyPair>),
    ConstantTime { header: String, key: SigningKey },
}

/// The header of a token (RFC 7515, section 4.1), in jwt-simple's order.
#[derive(Serialize)]
struct Header<'a> {
    alg: &'static str,
    kid: &'a str,
    typ: &'static str,
}

impl Signer {
    /// Parses the private key for an engine. `key_id` is the `kid` header: App ID, slash, id.
    ///
    /// # Errors
    /// See [`SignerError`].
    pub fn new(
        engine: Engine,
        app_id: String,
        key_id: &str,
        key: &PrivateKeyText,
    ) -> Result<Self, SignerError> {
        let key = match engine {
            Engine::JwtSimple => Key::JwtSimple(Box::new(key.parse()?.with_key_id(key_id))),
            Engine::ConstantTime => Key::ConstantTime {
                key: key
                    .parse_for_rs256()?
                    .ok_or(SignerError::UnsupportedByEngine)?,
                header: encoded_header(key_id),
            },
        };
        Ok(Self { app_id, key })
    }

    /// Returns the App ID, the `sub` claim of every token that this signer signs.
    #[must_use]
    pub fn app_id(&self) -> &str {
        &self.app_id
    }

    /// Signs claims. `random` is used by `rs256`; jwt-simple has its own generator, which the host seeds. The token does not
    /// depend on the random bytes.
    ///
    /// # Errors
    /// See [`SigningError`].
    pub fn sign(
        &self,
        claims: &impl Serialize,
        random: &mut dyn Random,
    ) -> Result<String, SigningError> {
        match &self.key {
            Key::JwtSimple(key) => key.sign(jwt::only(claims)).map_err(|_| SigningError),
            Key::ConstantTime { header, key } => {
                let claims = serde_json::to_vec(claims).map_err(|_| SigningError)?;
                let mut token = format!("{header}.{}", URL_SAFE_NO_PAD.encode(claims));
                let signature = key.sign(token.as_bytes(), &mut Generator(random));
                token.push('.');
                URL_SAFE_NO_PAD.encode_string(signature.map_err(|_| SigningError)?, &mut token);
                Ok(token)
            }
        }
    }
}

fn encoded_header(key_id: &str) -> String {
    let header = Header {
        alg: "RS256",
        kid: key_id,
        typ: "JWT",
    };
    // Serialising three strings cannot fail.
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(&header).unwrap_or_default())
}

/// Adapts the environment's random bytes to the traits of `rand_core`, which `rs256` uses.
struct Generator<'a>(&'a mut dyn Random);

impl TryRng for Generator<'_> {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.0.fill(&mut bytes);
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.0.fill(&mut bytes);
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        self.0.fill(bytes);
        Ok(())
    }
}

impl TryCryptoRng for Generator<'_> {}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Signer([elided])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jwt_simple::prelude::RSAPublicKeyLike;
    use serde_json::{Value, json};

    const KEY_ID: &str = "vpaas-magic-cookie-0123456789abcdef0123456789abcdef/4f4910";

    fn key_text(bits: usize) -> (RS256KeyPair, PrivateKeyText) {
        let pair = RS256KeyPair::generate(bits).unwrap();
        let text = PrivateKeyText::new(pair.to_pem().unwrap());
        (pair, text)
    }

    #[test]
    fn both_engines_make_the_same_token_of_the_same_claims() {
        let (pair, text) = key_text(2048);
        let signers = Engine::ALL
            .map(|(_, engine)| Signer::new(engine, "app".into(), KEY_ID, &text).unwrap());
        for claims in [
            json!({}),
            json!({"sub": "app", "exp": 1_700_000_000, "room": "*"}),
            json!({"name": "王小明", "text": "\"\\/<&\u{2028}😀"}),
            json!({"nested": {"list": [1, true, null, -1.5]}, "exp": u64::MAX}),
        ] {
            let tokens = signers.each_ref().map(|signer| {
                signer
                    .sign(&claims, &mut |bytes: &mut [u8]| bytes.fill(7))
                    .unwrap()
            });
            assert_eq!(tokens[0], tokens[1], "{claims}");
            let (header, rest) = tokens[0].split_once('.').unwrap();
            let decode = |part: &str| -> Value {
                serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
            };
            let expected = json!({"alg": "RS256", "kid": KEY_ID, "typ": "JWT"});
            assert_eq!(decode(header), expected);
            assert_eq!(decode(rest.split_once('.').unwrap().0), claims);
        }
        let claims = json!({"sub": "app"});
        let token = signers[1]
            .sign(&claims, &mut |bytes: &mut [u8]| bytes.fill(0))
            .unwrap();
        assert!(
            pair.public_key()
                .verify_token::<Value>(&token, None)
                .is_ok()
        );
    }

    #[test]
    fn the_constant_time_engine_takes_its_random_bytes_from_the_environment() {
        let (_, text) = key_text(2048);
        let signer = Signer::new(Engine::ConstantTime, "app".into(), KEY_ID, &text).unwrap();
        let mut taken = 0;
        let mut random = |bytes: &mut [u8]| {
            taken += bytes.len();
            bytes.fill(1);
        };
        signer.sign(&json!({}), &mut random).unwrap();
        assert_eq!(taken, 16);
    }

    #[test]
    fn a_key_that_only_one_engine_takes_is_told_from_one_that_none_takes() {
        let new = |engine, text: &PrivateKeyText| {
            Signer::new(engine, "app".into(), KEY_ID, text)
                .map(|_| ())
                .err()
        };
        let bad = PrivateKeyText::new("no key".into());
        for (_, engine) in Engine::ALL {
            let error = SignerError::Key(private_key::Error::NoPem);
            assert_eq!(new(engine, &bad), Some(error));
        }
    }

    #[test]
    fn engines_are_known_by_their_exact_names() {
        for (name, engine) in Engine::ALL {
            assert_eq!(Engine::from_name(name), Some(engine));
            assert_eq!(engine.name(), name);
        }
        for name in ["", "RS256", "jwt_simple", "openssl"] {
            assert_eq!(Engine::from_name(name), None, "{name}");
        }
    }

    #[test]
    fn debug_output_shows_nothing_of_the_key() {
        let (_, text) = key_text(2048);
        for (_, engine) in Engine::ALL {
            let signer = Signer::new(engine, "hunter2".into(), KEY_ID, &text).unwrap();
            assert_eq!(format!("{signer:?}"), "Signer([elided])");
        }
    }
}
