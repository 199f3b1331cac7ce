//! The arithmetic modulo the two primes that signing needs, and an implementation for one prime after the other.
//!
//! `fused` is an implementation for both at once.

use alloc::vec;
use alloc::vec::Vec;

use crypto_bigint::{Choice, CtEq};
use zeroize::{Zeroize, Zeroizing};

use crate::key::{Parts, number};
use crate::modulus::{Modulus, square_of_r};

/// The number of bits of an exponent that are processed at once.
pub(crate) const WINDOW: usize = 5;

/// Returns the window at `place` of a big-endian number: the bits from `WINDOW·place` on.
pub(crate) fn window(number: &[u8], place: usize) -> u8 {
    let bit = WINDOW * place;
    let byte = |place| u16::from(number.iter().rev().nth(place).copied().unwrap_or(0));
    let bits = byte(bit / 8) | byte(bit / 8 + 1) << 8;
    (bits >> (bit % 8)).to_le_bytes()[0] & ((1 << WINDOW) - 1)
}

/// Returns the number of windows in an exponent of `bytes` bytes.
pub(crate) fn windows(bytes: usize) -> usize {
    (8 * bytes).div_ceil(WINDOW)
}

/// A secret big-endian number with the length of a prime.
pub(crate) type Bytes = Zeroizing<Vec<u8>>;

/// The two primes of a key. All numbers are big-endian. Numbers modulo a prime are as long as the prime, and less than it.
///
/// As for [`Modulus`], no operation branches on, indexes by, or exits early because of a number.
pub(crate) trait Primes: Sized {
    /// Creates the arithmetic from the numbers of a key, which [`Parts::check`] has checked.
    fn new(parts: &Parts<'_>) -> Self;

    /// Whether `q⁻¹·q ≡ 1 (mod p)`.
    fn inverse_fits(&self) -> Choice;

    /// Returns `message^exponents[0] mod p` and `message^exponents[1] mod q`. The message is as long as the modulus, and both
    /// exponents have the same length.
    fn powers(&self, message: &[u8], exponents: [&[u8]; 2]) -> [Bytes; 2];

    /// Returns `(s_p − s_q)·q⁻¹ mod p`.
    fn coefficient(&self, s_p: &[u8], s_q: &[u8]) -> Bytes;

    /// Returns `s_q + q·coefficient`, as long as the modulus.
    fn join(&self, coefficient: &[u8], s_q: &[u8]) -> Vec<u8>;
}

/// Whether a number is 1.
pub(crate) fn is_one(bytes: &[u8]) -> Choice {
    CtEq::ct_eq(&*number(bytes, bytes.len()), &*number(&[1], bytes.len()))
}

/// One of the two primes.
struct Prime<M: Modulus> {
    modulus: M,
    /// `R`, which is 1 in Montgomery form.
    one: M::Number,
    /// `R³`. Multiplying by it converts a number that was divided by `R` to Montgomery form.
    cube: M::Number,
}

impl<M: Modulus> Drop for Prime<M> {
    fn drop(&mut self) {
        self.one.zeroize();
        self.cube.zeroize();
    }
}

impl<M: Modulus> Prime<M> {
    /// Returns the prime, and `R²`.
    fn new(workspace: &mut M::Workspace, prime: &[u8]) -> (Self, Zeroizing<M::Number>) {
        let modulus = M::new(prime);
        let square = Zeroizing::new(square_of_r(&modulus, workspace, prime));
        let mut one = *square;
        modulus.multiply(workspace, &mut one, &M::number(&[1]));
        let mut cube = *square;
        modulus.square(workspace, &mut cube);
        (Self { modulus, one, cube }, square)
    }

    /// Returns `message^exponent mod p`.
    fn power(&self, workspace: &mut M::Workspace, message: &[u8], exponent: &[u8]) -> Bytes {
        let mut base = self.modulus.reduced(workspace, message);
        self.modulus.multiply(workspace, &mut base, &self.cube);
        let mut power = self.window_power(workspace, &base, exponent);
        base.zeroize();
        // Convert out of Montgomery form.
        self.modulus
            .multiply(workspace, &mut power, &M::number(&[1]));
        let mut bytes = Zeroizing::new(vec![0; M::BYTES]);
        self.modulus.write(&power, &mut bytes);
        power.zeroize();
        bytes
    }

    /// Returns `base^exponent` by a fixed window: five squarings and one multiplication for each five bits of the exponent. The
    /// factor is selected by reading the whole table.
    fn window_power(
        &self,
        workspace: &mut M::Workspace,
        base: &M::Number,
        exponent: &[u8],
    ) -> M::Number {
        let m = &self.modulus;
        let mut table = Zeroizing::new(vec![M::Number::default(); 1 << WINDOW]);
        table[0] = self.one;
        table[1] = *base;
        for i in 2..table.len() {
            let mut entry = table[i & !1];
            if i % 2 == 0 {
                entry = table[i / 2];
                m.square(workspace, &mut entry);
            } else {
                m.multiply(workspace, &mut entry, base);
            }
            table[i] = entry;
        }
        let windows = windows(exponent.len());
        let mut power = M::Number::default();
        let mut factor = Zeroizing::new(M::Number::default());
        for place in (0..windows).rev() {
            let index = window(exponent, place);
            if place == windows - 1 {
                M::select(&table, index, &mut power);
                continue;
            }
            for _ in 0..WINDOW {
                m.square(workspace, &mut power);
            }
            M::select(&table, index, &mut factor);
            m.multiply(workspace, &mut power, &factor);
        }
        power
    }
}

/// Computes modulo one prime after the other.
pub(crate) struct Separate<M: Modulus> {
    p: Prime<M>,
    q: Prime<M>,
    /// `q⁻¹·R mod p`.
    q_inverse: M::Number,
    /// `q`.
    q_number: M::Number,
}

impl<M: Modulus> Drop for Separate<M> {
    fn drop(&mut self) {
        self.q_inverse.zeroize();
        self.q_number.zeroize();
    }
}

impl<M: Modulus> Primes for Separate<M> {
    fn new(parts: &Parts<'_>) -> Self {
        let mut workspace = M::workspace();
        let (p, square) = Prime::<M>::new(&mut workspace, parts.p);
        let (q, _) = Prime::new(&mut workspace, parts.q);
        let mut q_inverse = M::number(parts.q_inverse);
        p.modulus.multiply(&mut workspace, &mut q_inverse, &square);
        Self {
            p,
            q,
            q_inverse,
            q_number: M::number(parts.q),
        }
    }

    fn inverse_fits(&self) -> Choice {
        let mut product = Zeroizing::new(self.q_number);
        let mut bytes = Zeroizing::new(vec![0; M::BYTES]);
        let p = &self.p.modulus;
        p.multiply(&mut M::workspace(), &mut product, &self.q_inverse);
        p.write(&product, &mut bytes);
        is_one(&bytes)
    }

    fn powers(&self, message: &[u8], [d_p, d_q]: [&[u8]; 2]) -> [Bytes; 2] {
        let mut workspace = M::workspace();
        let s_p = self.p.power(&mut workspace, message, d_p);
        [s_p, self.q.power(&mut workspace, message, d_q)]
    }

    fn coefficient(&self, s_p: &[u8], s_q: &[u8]) -> Bytes {
        let mut difference = Zeroizing::new(M::number(s_p));
        // s_q is below q, and q below 2·p, so the difference is within 2·p.
        let s_q = Zeroizing::new(M::number(s_q));
        let p = &self.p.modulus;
        p.subtract(&mut difference, &s_q);
        p.multiply(&mut M::workspace(), &mut difference, &self.q_inverse);
        let mut bytes = Zeroizing::new(vec![0; M::BYTES]);
        p.write(&difference, &mut bytes);
        bytes
    }

    fn join(&self, coefficient: &[u8], s_q: &[u8]) -> Vec<u8> {
        let coefficient = Zeroizing::new(M::number(coefficient));
        let s_q = Zeroizing::new(M::number(s_q));
        let mut signature = vec![0; 2 * M::BYTES];
        M::write_product(
            &mut M::workspace(),
            &coefficient,
            &self.q_number,
            &s_q,
            &mut signature,
        );
        signature
    }
}

#[cfg(test)]
mod tests {
    use num_bigint::BigUint;

    use super::*;

    #[test]
    fn windows_put_together_are_the_exponent() {
        let number = BigUint::parse_bytes(b"f0e1d2c3b4a5968778695a4b3c2d1e0f", 16).unwrap();
        let bytes = number.to_bytes_be();
        let sum = (0..windows(bytes.len()))
            .rev()
            .fold(BigUint::ZERO, |sum, place| {
                (sum << WINDOW) + window(&bytes, place)
            });
        assert_eq!(sum, number);
    }
}
