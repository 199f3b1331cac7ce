//! Claim sets as jwt-simple signs them.
#![forbid(unsafe_code)]

use jwt_simple::prelude::JWTClaims;

/// These claims and none of jwt-simple's own: it may write `aud` as an array, and does not keep 8x8's order.
pub(crate) fn only<C>(claims: C) -> JWTClaims<C> {
    JWTClaims {
        issued_at: None,
        expires_at: None,
        invalid_before: None,
        issuer: None,
        subject: None,
        audiences: None,
        jwt_id: None,
        nonce: None,
        custom: claims,
    }
}
