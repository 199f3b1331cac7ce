//! Signs messages: RSASSA-PKCS1-v1_5 (RFC 8017, section 8.2.1) with the Chinese remainder theorem.

use alloc::vec;
use alloc::vec::Vec;

use crypto_bigint::{BoxedUint, Choice, ConcatenatingMul};
use sha2::{Digest, Sha256};
use zeroize::{Zeroize, Zeroizing};

use crate::error::SignError;
use crate::key::{Parts, number};
use crate::modulus::{Modulus, square_of_r};
use crate::primes::Primes;

/// The length, in bytes, of the random factor that blinds an exponent.
pub(crate) const BLIND: usize = 8;

/// The part of `EMSA-PKCS1-v1_5` before the SHA-256 hash: `DigestInfo` up to the hash (RFC 8017, section 9.2, note 1).
const DIGEST_INFO: [u8; 19] = [
    0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05,
    0x00, 0x04, 0x20,
];

/// Returns the encoded message `EM` of `length` bytes (RFC 8017, section 9.2).
fn encoded(message: &[u8], length: usize) -> Vec<u8> {
    let hash = Sha256::digest(message);
    let padding = length - 3 - DIGEST_INFO.len() - hash.len();
    let mut encoded = Vec::with_capacity(length);
    encoded.extend([0, 1]);
    encoded.resize(2 + padding, 0xFF);
    encoded.push(0);
    encoded.extend(DIGEST_INFO);
    encoded.extend(hash);
    encoded
}

/// An intermediate number of a signature, which tests inspect and change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Step {
    /// The blinded exponent of `p`.
    ExponentP,
    /// The blinded exponent of `q`.
    ExponentQ,
    /// `s_p`.
    ResidueP,
    /// `s_q`.
    ResidueQ,
    /// `(s_p − s_q)·q⁻¹ mod p`.
    Coefficient,
    /// The signature before it is verified.
    Signature,
}

/// A function that receives every number of [`Step`], big-endian.
pub(crate) type Tap<'a> = &'a mut dyn FnMut(Step, &mut [u8]);

/// The private exponent of one prime.
struct Exponent {
    /// `d mod (p − 1)`.
    exponent: Zeroizing<BoxedUint>,
    /// `p − 1`.
    order: Zeroizing<BoxedUint>,
}

impl Exponent {
    fn new(prime: &[u8], exponent: &[u8]) -> Self {
        let length = prime.len();
        let prime = number(prime, length);
        Self {
            exponent: number(exponent, length),
            order: Zeroizing::new(prime.wrapping_sub(BoxedUint::one())),
        }
    }

    /// Returns `d + blind·(p − 1)`, which is equivalent to `d` as an exponent. Big-endian, `BLIND` bytes longer than the prime.
    fn blinded(&self, blind: [u8; BLIND]) -> Zeroizing<Vec<u8>> {
        let blind = number(&blind, BLIND);
        let mut sum = Zeroizing::new(self.order.concatenating_mul(&*blind));
        // This cannot overflow: (p − 1)·(2⁶⁴ − 1) + d < (p − 1)·2⁶⁴.
        sum.wrapping_add_assign(&*self.exponent);
        let mut bytes = sum.to_be_bytes();
        let exponent = Zeroizing::new(bytes.to_vec());
        bytes.zeroize();
        exponent
    }
}

/// A private key. `P` computes with the primes, `N` with their product.
pub(crate) struct PrivateKey<P: Primes, N: Modulus> {
    /// The exponents of `p` and `q`.
    exponents: [Exponent; 2],
    primes: P,
    n: N,
    /// `R² mod n`.
    n_square: N::Number,
}

impl<P: Primes, N: Modulus> PrivateKey<P, N> {
    /// Creates a key from its numbers, which [`Parts::check`] has checked.
    pub(crate) fn new(parts: &Parts<'_>) -> Self {
        let n = N::new(parts.n);
        let n_square = square_of_r(&n, &mut N::workspace(), parts.n);
        Self {
            exponents: [
                Exponent::new(parts.p, parts.d_p),
                Exponent::new(parts.q, parts.d_q),
            ],
            primes: P::new(parts),
            n,
            n_square,
        }
    }

    /// Whether `q⁻¹·q ≡ 1 (mod p)`.
    pub(crate) fn inverse_fits(&self) -> Choice {
        self.primes.inverse_fits()
    }

    /// Signs a message.
    pub(crate) fn sign(
        &self,
        message: &[u8],
        blinds: &[[u8; BLIND]; 2],
        tap: Tap<'_>,
    ) -> Result<Vec<u8>, SignError> {
        let encoded = encoded(message, N::BYTES);
        let [p, q] = &self.exponents;
        let mut exponents = [p.blinded(blinds[0]), q.blinded(blinds[1])];
        tap(Step::ExponentP, &mut exponents[0]);
        tap(Step::ExponentQ, &mut exponents[1]);
        let [mut s_p, mut s_q] = self.primes.powers(&encoded, [&exponents[0], &exponents[1]]);
        tap(Step::ResidueP, &mut s_p);
        tap(Step::ResidueQ, &mut s_q);
        // Garner's recombination: s_q + q·((s_p − s_q)·q⁻¹ mod p) (RFC 8017, section 5.1.2).
        let mut coefficient = self.primes.coefficient(&s_p, &s_q);
        tap(Step::Coefficient, &mut coefficient);
        let mut signature = self.primes.join(&coefficient, &s_q);
        tap(Step::Signature, &mut signature);
        release(self.difference(&signature, &encoded), signature)
    }

    /// Verifies a signature: returns zero if the signature, raised to the power 65537, is the encoded message.
    fn difference(&self, signature: &[u8], encoded: &[u8]) -> u8 {
        let mut workspace = N::workspace();
        let s = N::number(signature);
        let mut power = s;
        self.n.multiply(&mut workspace, &mut power, &self.n_square);
        for _ in 0..16 {
            self.n.square(&mut workspace, &mut power);
        }
        // s^65536·R·s/R
        self.n.multiply(&mut workspace, &mut power, &s);
        let mut opened = Zeroizing::new(vec![0; N::BYTES]);
        self.n.write(&power, &mut opened);
        opened
            .iter()
            .zip(encoded)
            .fold(0, |difference, (a, b)| difference | (a ^ b))
    }
}

/// Releases a valid signature. Apart from the acceptance of a key, this is the only branch on a value derived from the key.
#[inline(never)]
fn release(difference: u8, mut signature: Vec<u8>) -> Result<Vec<u8>, SignError> {
    if difference == 0 {
        Ok(signature)
    } else {
        signature.zeroize();
        Err(SignError::Fault)
    }
}

#[cfg(test)]
mod tests;
