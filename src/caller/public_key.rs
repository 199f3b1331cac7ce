//! Public keys that verify signatures.
#![forbid(unsafe_code)]

use jwt_simple::claims::NoCustomClaims;
use jwt_simple::prelude::{
    Duration, ECDSAP256PublicKeyLike, ES256PublicKey, Ed25519PublicKey, EdDSAPublicKeyLike,
    JWTClaims, RS256PublicKey, RSAPublicKeyLike, UnixTimeStamp, VerificationOptions,
};

use super::error::MAX_CREDENTIAL_BYTES;

/// A public key. Its variant determines the algorithm.
pub enum PublicKey {
    /// RSA: RS256. Boxed because it is much larger than the other variants.
    Rs256(Box<RS256PublicKey>),
    /// P-256: ES256.
    Es256(ES256PublicKey),
    /// Ed25519: EdDSA.
    EdDsa(Ed25519PublicKey),
}

pub(super) const UNSUPPORTED: &str = "is not a public key of a supported kind: RSA of 2048 to 4096 bits, P-256 or Ed25519; give it as `openssl pkey -in key.pem -pubout` prints it.";

impl PublicKey {
    /// Returns the algorithm's name as it appears in a token's header.
    #[must_use]
    pub const fn algorithm(&self) -> &'static str {
        match self {
            Self::Rs256(_) => "RS256",
            Self::Es256(_) => "ES256",
            Self::EdDsa(_) => "EdDSA",
        }
    }

    /// Whether a token's `alg` names the algorithm of this key. Ed25519 has two names (RFC 8037, RFC 9864).
    pub(super) fn is_for(&self, alg: &str) -> bool {
        alg == self.algorithm() || (matches!(self, Self::EdDsa(_)) && alg == "Ed25519")
    }

    pub(super) fn from_der(der: &[u8]) -> Result<Self, &'static str> {
        RS256PublicKey::from_der(der)
            .map(|key| Self::Rs256(Box::new(key)))
            .or_else(|_| ES256PublicKey::from_der(der).map(Self::Es256))
            .or_else(|_| Ed25519PublicKey::from_der(der).map(Self::EdDsa))
            .map_err(|_| UNSUPPORTED)
    }

    pub(super) fn verify(
        &self,
        token: &str,
    ) -> Result<JWTClaims<NoCustomClaims>, jwt_simple::Error> {
        let options = Some(signature_alone());
        match self {
            Self::Rs256(key) => key.verify_token(token, options),
            Self::Es256(key) => key.verify_token(token, options),
            Self::EdDsa(key) => key.verify_token(token, options),
        }
    }
}

/// Returns options for verifying the signature alone. jwt-simple's checks of times, issuer and audience are not used, because
/// its errors do not distinguish them and it keeps seconds in 32 bits; [`super::claims::check`] does them instead.
pub(super) fn signature_alone() -> VerificationOptions {
    VerificationOptions {
        accept_future: true,
        // At time 0 nothing has expired.
        artificial_time: Some(UnixTimeStamp::from_secs(0)),
        time_tolerance: Some(Duration::from_secs(0)),
        max_token_length: Some(MAX_CREDENTIAL_BYTES),
        ..VerificationOptions::default()
    }
}
