//! Which kind of token a credential may be, by the member `typ` of its header (RFC 8725, section 3.11).
#![forbid(unsafe_code)]

use jwt_simple::token::TokenMetadata;

use super::error::Cause;

/// `JWT`, and the access tokens of RFC 9068. jwt-simple takes whatever ends with `+jwt`, and another kind, such as a
/// logout token, must not be taken for a login.
const ACCEPTED: [&str; 3] = ["JWT", "at+jwt", "application/at+jwt"];

pub(super) fn check(metadata: &TokenMetadata) -> Result<(), Cause> {
    match metadata.signature_type() {
        None => Ok(()),
        Some(typ) if ACCEPTED.iter().any(|good| typ.eq_ignore_ascii_case(good)) => Ok(()),
        Some(_) => Err(Cause::WrongType),
    }
}
