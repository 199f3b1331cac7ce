//! What the signature needs of modular arithmetic, and nothing more.
//!
//! Two implementations: [`crate::narrow`] for processors that multiply 32-bit numbers, [`crate::broad`] for those that
//! multiply 64-bit numbers into 128 bits.
//!
//! All of it is Montgomery's (1985): for a constant `R`, a power of two larger than the modulus, a "product" of `a` and
//! `b` is `a·b/R`, which costs no division. A number `x` is in *Montgomery form* when `x·R` stands for it; products of
//! such numbers are again in that form.

use alloc::vec;
use alloc::vec::Vec;
use core::hint::black_box;

use zeroize::{Zeroize, Zeroizing};

/// An odd modulus, secret or not, with everything that is computed from it once.
///
/// Nothing here branches on, indexes by, or ends early for a number or a modulus; only their sizes, which are public,
/// decide what is done.
pub(crate) trait Modulus: Sized {
    /// A number in the range that products keep to: a few times the modulus, of either sign.
    type Number: Copy + Default + Zeroize;

    /// Room for one computation, wiped when it is dropped.
    type Room;

    /// The length of the modulus in bytes. Its highest bit is set.
    const BYTES: usize;

    /// `R` is two to the power of this.
    const R_BITS: u32;

    /// Reads a modulus of `BYTES` bytes, big-endian.
    fn new(modulus: &[u8]) -> Self;

    /// Room to compute in.
    fn room() -> Self::Room;

    /// Reads a number of at most `BYTES` bytes, big-endian.
    fn number(bytes: &[u8]) -> Self::Number;

    /// Reads a number of at most `2·BYTES` bytes, big-endian, and divides it by `R`.
    fn reduced(&self, room: &mut Self::Room, bytes: &[u8]) -> Self::Number;

    /// `a ← a·b/R`.
    fn multiply(&self, room: &mut Self::Room, a: &mut Self::Number, b: &Self::Number);

    /// `a ← a²/R`.
    fn square(&self, room: &mut Self::Room, a: &mut Self::Number);

    /// `a ← a − b`, still in the range that products keep to.
    fn subtract(&self, a: &mut Self::Number, b: &Self::Number);

    /// Takes the entry `index` out of a table, and touches all of it.
    fn select(table: &[Self::Number], index: u8, out: &mut Self::Number);

    /// Writes the one number from zero to below the modulus that `a` is congruent to; `BYTES` bytes, big-endian.
    fn write(&self, a: &Self::Number, out: &mut [u8]);

    /// Writes `a·b + c` of three numbers that are not negative: `2·BYTES` bytes, big-endian.
    fn write_product(
        room: &mut Self::Room,
        a: &Self::Number,
        b: &Self::Number,
        c: &Self::Number,
        out: &mut [u8],
    );
}

/// `2^exponent mod m`, for an exponent of at least the bits of `m`, whose highest bit is set; big-endian, as long as `m`.
///
/// The next power of two is then `m` and `2^bits − m` together; that is doubled.
pub(crate) fn power_of_two(modulus: &[u8], exponent: usize) -> Zeroizing<Vec<u8>> {
    let bits = 8 * modulus.len();
    let modulus: Zeroizing<Vec<u64>> = Zeroizing::new(limbs(modulus).collect());
    let mut power = Zeroizing::new(vec![0; modulus.len()]);
    // Modulo 2^bits, so that what is borrowed is left out.
    subtract(&mut power, &modulus);
    let mut less = Zeroizing::new(vec![0; modulus.len()]);
    for _ in bits..exponent {
        let mut carry = 0;
        for limb in power.iter_mut() {
            (*limb, carry) = (*limb << 1 | carry, *limb >> 63);
        }
        less.copy_from_slice(&power);
        let borrow = subtract(&mut less, &modulus);
        // All ones where the double is below the modulus. The compiler must not know that, or it may make a branch of it.
        let keep = black_box((borrow & !carry).wrapping_neg());
        for (power, less) in power.iter_mut().zip(less.iter()) {
            *power = (*power & keep) | (less & !keep);
        }
    }
    let bytes = power.iter().rev().flat_map(|limb| limb.to_be_bytes());
    let mut out = Zeroizing::new(Vec::with_capacity(8 * power.len()));
    out.extend(bytes);
    out
}

/// The limbs of a big-endian number, lowest first.
fn limbs(bytes: &[u8]) -> impl ExactSizeIterator<Item = u64> {
    let limbs = bytes.as_rchunks::<8>().1;
    limbs.iter().rev().map(|limb| u64::from_be_bytes(*limb))
}

/// `a ← a − b`; returns what is borrowed.
fn subtract(a: &mut [u64], b: &[u64]) -> u64 {
    let mut borrow = 0;
    for (a, b) in a.iter_mut().zip(b) {
        let (difference, first) = a.overflowing_sub(*b);
        let (difference, second) = difference.overflowing_sub(borrow);
        *a = difference;
        borrow = u64::from(first) | u64::from(second);
    }
    borrow
}

/// `R² mod m`: what a number is multiplied by to come into Montgomery form.
///
/// `2·R` is the Montgomery form of 2; and `R`, as a power of 2, is computed in that form: then it is `R·R`.
pub(crate) fn square_of_r<M: Modulus>(
    arithmetic: &M,
    room: &mut M::Room,
    modulus: &[u8],
) -> M::Number {
    let power = power_of_two(modulus, M::R_BITS as usize + 1);
    let two = Zeroizing::new(M::number(&power));
    let mut square = *two;
    let bits = u32::BITS - M::R_BITS.leading_zeros();
    for bit in (0..bits - 1).rev() {
        arithmetic.square(room, &mut square);
        if M::R_BITS >> bit & 1 == 1 {
            arithmetic.multiply(room, &mut square, &two);
        }
    }
    square
}

#[cfg(test)]
pub(crate) mod tests;
