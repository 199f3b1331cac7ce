//! The token: its claims, and the signature over them.
#![forbid(unsafe_code)]

mod claims;
mod signer;

pub use claims::{AUDIENCE, Claims, ISSUER, Validity};
pub use signer::{Engine, Signer, SignerError, SigningError};
