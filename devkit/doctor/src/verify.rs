//! Signatures, verified by another implementation (ring) than the one that makes and verifies them in the service.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jwt_simple::prelude::{
    ECDSAP256PublicKeyLike as _, ES256PublicKey, Ed25519PublicKey, RS256PublicKey,
};
use ring::hmac;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents,
    UnparsedPublicKey,
};

use crate::service::{PublicHalf, plain_pem};

/// A key that verifies signatures. It may be a secret, and has therefore no `Debug`.
#[derive(Clone)]
pub enum Key {
    /// A shared secret.
    Secret(Vec<u8>),
    /// An RSA key: modulus and exponent.
    Rsa(Vec<u8>, Vec<u8>),
    /// A point on P-256.
    P256(Vec<u8>),
    /// A point on Ed25519.
    Ed25519(Vec<u8>),
}

impl Key {
    /// Of a public key in PEM.
    pub fn from_pem(text: &str) -> Option<Self> {
        let pem = plain_pem(text)?;
        let rsa = RS256PublicKey::from_pem(&pem).map(|key| Self::rsa(&key));
        rsa.or_else(|_| ES256PublicKey::from_pem(&pem).map(|key| Self::p256(&key)))
            .or_else(|_| Ed25519PublicKey::from_pem(&pem).map(|key| Self::ed25519(&key)))
            .ok()
    }

    pub(crate) fn rsa(key: &RS256PublicKey) -> Self {
        let components = key.to_components();
        Self::Rsa(components.n, components.e)
    }

    pub(crate) fn p256(key: &ES256PublicKey) -> Self {
        Self::P256(key.public_key().to_bytes_uncompressed())
    }

    pub(crate) fn ed25519(key: &Ed25519PublicKey) -> Self {
        Self::Ed25519(key.to_bytes())
    }

    /// The only algorithm that it verifies.
    pub fn algorithm(&self) -> &'static str {
        match self {
            Self::Secret(_) => "HS256",
            Self::Rsa(..) => "RS256",
            Self::P256(_) => "ES256",
            Self::Ed25519(_) => "EdDSA",
        }
    }

    /// Whether a JWT's signature is this key's.
    pub fn verifies(&self, token: &str) -> bool {
        let Some((message, signature)) = token.rsplit_once('.') else {
            return false;
        };
        let Ok(signature) = URL_SAFE_NO_PAD.decode(signature) else {
            return false;
        };
        let message = message.as_bytes();
        match self {
            Self::Secret(secret) => {
                let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
                hmac::verify(&key, message, &signature).is_ok()
            }
            Self::Rsa(n, e) => RsaPublicKeyComponents { n, e }
                .verify(&RSA_PKCS1_2048_8192_SHA256, message, &signature)
                .is_ok(),
            Self::P256(point) => UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point)
                .verify(message, &signature)
                .is_ok(),
            Self::Ed25519(point) => UnparsedPublicKey::new(&ED25519, point)
                .verify(message, &signature)
                .is_ok(),
        }
    }
}

impl From<&PublicHalf> for Key {
    fn from(half: &PublicHalf) -> Self {
        Self::Rsa(half.n.clone(), half.e.clone())
    }
}
