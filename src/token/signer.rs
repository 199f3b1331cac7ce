//! Claims and a private key make a token: RS256 (RFC 7518, section 3.3), by one of two engines.
//!
//! The engines give equal tokens for equal claims: a signature of this kind has one right value.
#![forbid(unsafe_code)]

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jwt_simple::prelude::{JWTClaims, RS256KeyPair, RSAKeyPairLike};
use rs256::SigningKey;

use crate::claims::Claims;
use crate::error::Error;

/// What computes signatures: the variable `signing_engine`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// The crate `jwt-simple`, which blinds each signature.
    JwtSimple,
    /// The crate `rs256`, made for Wasm: in constant time, and several times faster.
    Rs256,
}

impl Engine {
    /// All of them, by their names.
    pub const ALL: [(&str, Self); 2] = [("jwt-simple", Self::JwtSimple), ("rs256", Self::Rs256)];

    /// The engine of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        let mut all = Self::ALL.into_iter();
        all.find(|(known, _)| *known == name)
            .map(|(_, engine)| engine)
    }
}

/// Makes a signed token of claims; knows its key and the key's id.
pub trait Sign {
    /// The token.
    ///
    /// # Errors
    /// [`Error::Signing`], which tells nothing of the key.
    fn token(&self, claims: Claims) -> Result<String, Error>;
}

impl Sign for RS256KeyPair {
    fn token(&self, claims: Claims) -> Result<String, Error> {
        // jwt-simple's own claims stay empty: it may write `aud` as an array, and does not keep 8x8's order.
        let claims = JWTClaims {
            issued_at: None,
            expires_at: None,
            invalid_before: None,
            issuer: None,
            subject: None,
            audiences: None,
            jwt_id: None,
            nonce: None,
            custom: claims,
        };
        self.sign(claims).map_err(|_| Error::Signing)
    }
}

/// A key of `rs256`, with the header of its tokens.
struct Rs256 {
    header: String,
    key: SigningKey,
}

/// The header of a token (RFC 7515, section 4.1), in jwt-simple's order.
#[derive(serde::Serialize)]
struct Header<'a> {
    alg: &'static str,
    kid: &'a str,
    typ: &'static str,
}

impl Sign for Rs256 {
    fn token(&self, claims: Claims) -> Result<String, Error> {
        let claims = serde_json::to_vec(&claims).map_err(|_| Error::Signing)?;
        let mut token = format!("{}.{}", self.header, URL_SAFE_NO_PAD.encode(claims));
        let signature = self.key.sign(token.as_bytes(), &mut getrandom::SysRng);
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(signature.map_err(|_| Error::Signing)?, &mut token);
        Ok(token)
    }
}

/// A private key with the names under which 8x8 knows it.
pub struct Signer {
    app_id: String,
    key: Box<dyn Sign>,
}

impl Signer {
    /// Signs by jwt-simple. `key_id` is the `kid` header: App ID, slash, id.
    #[must_use]
    pub fn jwt_simple(app_id: String, key_id: &str, key_pair: RS256KeyPair) -> Self {
        Self {
            app_id,
            key: Box::new(key_pair.with_key_id(key_id)),
        }
    }

    /// Signs by `rs256`. `key_id` as in [`Signer::jwt_simple`].
    #[must_use]
    pub fn rs256(app_id: String, key_id: &str, key: SigningKey) -> Self {
        let header = Header {
            alg: "RS256",
            kid: key_id,
            typ: "JWT",
        };
        // Three texts are always JSON.
        let header = serde_json::to_vec(&header).unwrap_or_default();
        let header = URL_SAFE_NO_PAD.encode(header);
        Self {
            app_id,
            key: Box::new(Rs256 { header, key }),
        }
    }

    /// The `sub` claim of every token that this key signs.
    #[must_use]
    pub fn app_id(&self) -> &str {
        &self.app_id
    }

    /// Signs. In Wasm about 9 ms at 2048 bits and 56 ms at 4096 bits by jwt-simple, 1.2 and 8 ms by `rs256`.
    ///
    /// # Errors
    /// [`Error::Signing`], which tells nothing of the key.
    pub fn sign(&self, claims: Claims) -> Result<String, Error> {
        self.key.token(claims)
    }
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Signer([secret key elided])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::caller::Caller;
    use crate::claims::Validity;
    use crate::config::tests::{APP_ID, config_with};
    use crate::parameters::Parameters;
    use crate::policy;
    use crate::token_request::TokenRequest;

    #[test]
    fn both_engines_make_the_same_token_of_the_same_claims() {
        let pair = RS256KeyPair::generate(2048).unwrap();
        let key = SigningKey::from_pkcs8_der(&pair.to_der().unwrap()).unwrap();
        let key_id = format!("{APP_ID}/4f4910");
        let signers = [
            Signer::jwt_simple(APP_ID.into(), &key_id, pair),
            Signer::rs256(APP_ID.into(), &key_id, key),
        ];
        let variables: [&[(&str, &str)]; 4] = [
            &[],
            &[
                (
                    "moderator_features",
                    "livestreaming, recording, transcription, outbound-call",
                ),
                ("member_features", "recording"),
            ],
            &[
                ("default_user_id", ""),
                ("default_user_name", ""),
                ("default_user_email", ""),
                ("default_moderator", ""),
            ],
            &[
                ("default_user_id", "guest-{random}"),
                ("default_moderator", "false"),
            ],
        ];
        let queries = [
            "",
            "room=general-assembly&user_id=7&user_name=Ann&user_email=a%40b.example&user_moderator=true",
            "room=%E5%85%AC%E6%B0%91%E6%9C%83%E8%AD%B0&user_name=%E7%8E%8B%E5%B0%8F%E6%98%8E&user_moderator=false",
            "user_name=%22%5C%2F%3C%26%E2%80%A8%F0%9F%98%80",
            "user_avatar=https%3A%2F%2Fexample.org%2Fa.png&user_hidden_from_recorder=true",
            "features=recording&user_moderator=true",
        ];
        for variables in variables {
            let config = config_with(variables);
            for query in queries {
                for (now, ttl_seconds) in [(0, 60), (1_700_000_000, 3600), (u64::MAX, 86_400)] {
                    let validity = Validity {
                        ttl_seconds,
                        leeway_seconds: 10,
                    };
                    let tokens = signers.each_ref().map(|signer| {
                        let request = TokenRequest::read(&Parameters::from_form(query)).unwrap();
                        let grant =
                            policy::decide(&config, &Caller::Anyone, request, &mut || [7; 16]);
                        grant.ok().map(|grant| {
                            let claims = Claims::new(signer.app_id(), grant, validity, now);
                            signer.sign(claims).unwrap()
                        })
                    });
                    assert_eq!(tokens[0], tokens[1], "{query} {variables:?}");
                }
            }
        }
    }

    #[test]
    fn engines_are_known_by_their_exact_names() {
        for (name, engine) in Engine::ALL {
            assert_eq!(Engine::from_name(name), Some(engine));
        }
        for name in ["", "RS256", "jwt_simple", "openssl"] {
            assert_eq!(Engine::from_name(name), None, "{name}");
        }
    }
}
