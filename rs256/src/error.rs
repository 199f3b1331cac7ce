//! Why signing fails.

use core::fmt;

/// Why signing failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SignError {
    /// The random generator failed.
    Random,
    /// The signature did not verify: the computation was wrong, because of a hardware fault or an attack.
    Fault,
}

impl fmt::Display for SignError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Random => "the random generator failed",
            Self::Fault => "the signature came out wrong and is withheld",
        })
    }
}

impl core::error::Error for SignError {}
