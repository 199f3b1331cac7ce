//! The kinds of tokens accepted as a credential, by `typ` in the header (RFC 8725, section 3.11).
#![forbid(unsafe_code)]

use jwt_simple::token::TokenMetadata;

use super::error::Cause;

/// The accepted values of `typ`: `JWT`, and the access tokens of RFC 9068. jwt-simple alone would accept every type that ends
/// with `+jwt`, and other kinds, such as logout tokens, must not be accepted as a login.
const ACCEPTED: [&str; 3] = ["JWT", "at+jwt", "application/at+jwt"];

pub(super) fn check(metadata: &TokenMetadata) -> Result<(), Cause> {
    match metadata.signature_type() {
        None => Ok(()),
        Some(typ) if ACCEPTED.iter().any(|good| typ.eq_ignore_ascii_case(good)) => Ok(()),
        Some(_) => Err(Cause::WrongType),
    }
}
