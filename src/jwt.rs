//! Claim sets in the form that jwt-simple signs.
#![forbid(unsafe_code)]

use jwt_simple::prelude::JWTClaims;

/// Wraps these claims without adding jwt-simple's own, which may write `aud` as an array and do not keep 8x8's order.
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
