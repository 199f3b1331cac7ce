//! Pseudonyms, which the ledger stores in place of ids and telephone numbers.
//!
//! A pseudonym is eight bytes of an HMAC whose key only the service has. Whoever reads the store can neither read an id nor
//! test telephone numbers. The probability that any two of 100,000 pseudonyms are equal is less than one in 10^9.
#![forbid(unsafe_code)]

use hmac_sha256::HMAC;
use zeroize::Zeroizing;

/// The purpose of the derived key, which separates it from other uses of the same secret.
const PURPOSE: &[u8] = b"jaas-jwt usage ledger 1";

const BYTES: usize = 8;

/// The pseudonym of a device or a person.
pub type Pseudonym = [u8; BYTES];

/// A generator of pseudonyms.
pub struct Pseudonyms(Zeroizing<[u8; 32]>);

impl Pseudonyms {
    /// Creates a generator whose key is derived from this secret.
    #[must_use]
    pub fn new(secret: &[u8]) -> Self {
        Self(Zeroizing::new(HMAC::mac(PURPOSE, secret)))
    }

    /// Returns the pseudonym of a device.
    #[must_use]
    pub fn device(&self, id: &str) -> Pseudonym {
        self.make(b"device", id)
    }

    /// Returns the pseudonym of a person.
    #[must_use]
    pub fn person(&self, id: &str) -> Pseudonym {
        self.make(b"person", id)
    }

    fn make(&self, kind: &[u8], id: &str) -> Pseudonym {
        let mut mac = HMAC::new(*self.0);
        mac.update(kind);
        mac.update([0]);
        mac.update(id);
        let mut short = [0; BYTES];
        short.copy_from_slice(&mac.finalize()[..BYTES]);
        short
    }
}

impl std::fmt::Debug for Pseudonyms {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Pseudonyms")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pseudonym_depends_on_secret_kind_and_id_alone() {
        let pseudonyms = Pseudonyms::new(b"secret");
        assert_eq!(
            pseudonyms.device("a"),
            Pseudonyms::new(b"secret").device("a")
        );
        let all = [
            pseudonyms.device("a"),
            pseudonyms.device("b"),
            pseudonyms.person("a"),
            Pseudonyms::new(b"Secret").device("a"),
        ];
        for (i, one) in all.iter().enumerate() {
            assert!(!all[i + 1..].contains(one), "{i}");
        }
    }
}
