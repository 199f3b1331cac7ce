//! The modular arithmetic that signing needs.
//!
//! There are two implementations: [`crate::narrow`] for processors that multiply 32-bit numbers, and [`crate::broad`] for
//! processors that multiply two 64-bit numbers into 128 bits.
//!
//! Both use Montgomery's method (1985). For a constant `R`, a power of two larger than the modulus, the "product" of `a` and
//! `b` is `a·b/R`, which needs no division. A number `x` in *Montgomery form* is represented by `x·R`. Products of such
//! numbers are in that form again.

use alloc::vec;
use alloc::vec::Vec;
use core::hint::black_box;

use zeroize::{Zeroize, Zeroizing};

/// An odd modulus, secret or not, with the values that are precomputed from it.
///
/// No operation branches on, indexes by, or exits early because of a number or a modulus. Only their lengths, which are
/// public, determine what is done.
pub(crate) trait Modulus: Sized {
    /// A number in the range that products stay in: a few times the modulus, of either sign.
    type Number: Copy + Default + Zeroize;

    /// Workspace for one computation, wiped when it is dropped.
    type Workspace;

    /// The length of the modulus, in bytes. Its highest bit is set.
    const BYTES: usize;

    /// The binary logarithm of `R`.
    const R_BITS: u32;

    /// Reads a big-endian modulus of `BYTES` bytes.
    fn new(modulus: &[u8]) -> Self;

    /// Creates a workspace.
    fn workspace() -> Self::Workspace;

    /// Reads a big-endian number of at most `BYTES` bytes.
    fn number(bytes: &[u8]) -> Self::Number;

    /// Reads a big-endian number of at most `2·BYTES` bytes, and divides it by `R`.
    fn reduced(&self, workspace: &mut Self::Workspace, bytes: &[u8]) -> Self::Number;

    /// `a ← a·b/R`.
    fn multiply(&self, workspace: &mut Self::Workspace, a: &mut Self::Number, b: &Self::Number);

    /// `a ← a²/R`.
    fn square(&self, workspace: &mut Self::Workspace, a: &mut Self::Number);

    /// `a ← a − b`, which stays in the range of products.
    fn subtract(&self, a: &mut Self::Number, b: &Self::Number);

    /// Selects the entry `index` from a table, reading all of the table.
    fn select(table: &[Self::Number], index: u8, out: &mut Self::Number);

    /// Writes `a`, reduced to the range from 0 to below the modulus, as `BYTES` big-endian bytes.
    fn write(&self, a: &Self::Number, out: &mut [u8]);

    /// Writes `a·b + c` for non-negative numbers, as `2·BYTES` big-endian bytes.
    fn write_product(
        workspace: &mut Self::Workspace,
        a: &Self::Number,
        b: &Self::Number,
        c: &Self::Number,
        out: &mut [u8],
    );
}

/// Returns `2^exponent mod m`, big-endian and as long as `m`. The highest bit of `m` must be set, and `exponent` must be at
/// least the number of bits of `m`.
///
/// `2^bits mod m` is `2^bits − m`. That is doubled once for each further bit of the exponent.
pub(crate) fn power_of_two(modulus: &[u8], exponent: usize) -> Zeroizing<Vec<u8>> {
    let bits = 8 * modulus.len();
    let modulus: Zeroizing<Vec<u64>> = Zeroizing::new(limbs(modulus).collect());
    let mut power = Zeroizing::new(vec![0; modulus.len()]);
    // Computes 0 − m modulo 2^bits, which ignores the borrow.
    subtract(&mut power, &modulus);
    let mut less = Zeroizing::new(vec![0; modulus.len()]);
    for _ in bits..exponent {
        let mut carry = 0;
        for limb in power.iter_mut() {
            (*limb, carry) = (*limb << 1 | carry, *limb >> 63);
        }
        less.copy_from_slice(&power);
        let borrow = subtract(&mut less, &modulus);
        // All ones if the double is below the modulus. The compiler must not know this, or it could introduce a branch.
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

/// Returns the limbs of a big-endian number, lowest first.
fn limbs(bytes: &[u8]) -> impl ExactSizeIterator<Item = u64> {
    let limbs = bytes.as_rchunks::<8>().1;
    limbs.iter().rev().map(|limb| u64::from_be_bytes(*limb))
}

/// `a ← a − b`. Returns the borrow.
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

/// Returns `R² mod m`. Multiplying by it converts a number to Montgomery form.
///
/// `2·R` is the Montgomery form of 2. `R` is a power of 2, so its Montgomery form, `R·R`, is computed as a power of that.
pub(crate) fn square_of_r<M: Modulus>(
    arithmetic: &M,
    workspace: &mut M::Workspace,
    modulus: &[u8],
) -> M::Number {
    let power = power_of_two(modulus, M::R_BITS as usize + 1);
    let two = Zeroizing::new(M::number(&power));
    let mut square = *two;
    let bits = u32::BITS - M::R_BITS.leading_zeros();
    for bit in (0..bits - 1).rev() {
        arithmetic.square(workspace, &mut square);
        if M::R_BITS >> bit & 1 == 1 {
            arithmetic.multiply(workspace, &mut square, &two);
        }
    }
    square
}

#[cfg(test)]
pub(crate) mod tests;
