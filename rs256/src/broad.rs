//! Montgomery arithmetic with 60-bit limbs, for processors that multiply two 64-bit numbers into 128 bits.
//!
//! A number is `Σ dᵢ·βⁱ` with `β = 2⁶⁰` and `0 ≤ dᵢ < β`. A product of two limbs is less than 2¹²⁰, so a 128-bit column holds
//! 255 of them, and carries can wait until all products of a multiplication are added. Limbs of 64 bits would need a carry
//! after each product, which costs more than the few additional products of shorter limbs.
//!
//! Reduction is Montgomery's (1985), three limbs at a time, after the whole product has been computed ("separated operand
//! scanning" of Koç, Acar, Kaliski 1996).
//!
//! **Bounds.** With `L` limbs and `R = βᴸ`, a result is `(a·b + q·m)/R` with `q < R`. For `a, b < 2·m` and `R > 4·m`, which holds
//! by far for all sizes, it is less than `4·m²/R + m < 2·m`, so no comparison is needed between products. As `R > 2²⁰·m`,
//! factors may be larger: for factors below `8·m` the result is still less than `2·m`. A column receives `2·L ≤ 144` products
//! and a carry of less than 2⁶⁹, which is less than 2¹²⁸ together.
//! than 2¹²⁸.

use alloc::vec;
use core::hint::black_box;

use zeroize::{DefaultIsZeroes, Zeroize, Zeroizing};

use crate::modulus::Modulus;

/// The number of bits in a limb.
const LIMB_BITS: u32 = 60;
/// The mask of a limb.
const MASK: u64 = (1 << LIMB_BITS) - 1;
/// How many limbs are processed at once. All sizes are multiples of it.
const ROWS: usize = 3;

/// A number of `L` limbs.
#[derive(Clone, Copy)]
pub(crate) struct Number<const L: usize>([u64; L]);

impl<const L: usize> Default for Number<L> {
    fn default() -> Self {
        Self([0; L])
    }
}

impl<const L: usize> DefaultIsZeroes for Number<L> {}

/// Workspace for the columns of one product.
pub(crate) struct Workspace<const L: usize>([[u128; L]; 2]);

impl<const L: usize> Drop for Workspace<L> {
    fn drop(&mut self) {
        self.0.as_flattened_mut().zeroize();
    }
}

/// Multiplies two limbs.
#[inline(always)]
fn times(a: u64, b: u64) -> u128 {
    u128::from(a) * u128::from(b)
}

/// Returns the low limb of a column.
#[inline(always)]
fn low(column: u128) -> u64 {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the limb is in the low bits"
    )]
    let low = column as u64;
    low & MASK
}

/// Adds `a · (b₀ + b₁·β + b₂·β²)`, which is at most three products for a column.
///
/// The length of `a` is a multiple of three, and `columns` has at least two more than that.
#[inline(always)]
fn rows(columns: &mut [u128], a: &[u64], [b0, b1, b2]: [u64; ROWS]) {
    let (mut before, mut second_before) = (0, 0);
    let (columns, last) = columns.split_at_mut(a.len());
    // Three columns at a time, so that the limbs stay in registers.
    let triples = columns.as_chunks_mut::<ROWS>().0.iter_mut();
    for ([c0, c1, c2], [a0, a1, a2]) in triples.zip(a.as_chunks::<ROWS>().0) {
        *c0 += times(*a0, b0) + times(before, b1) + times(second_before, b2);
        *c1 += times(*a1, b0) + times(*a0, b1) + times(before, b2);
        *c2 += times(*a2, b0) + times(*a1, b1) + times(*a0, b2);
        (before, second_before) = (*a2, *a1);
    }
    last[0] += times(before, b1) + times(second_before, b2);
    last[1] += times(before, b2);
}

/// Returns the first three limbs of a slice, which must have them.
#[inline(always)]
fn three(limbs: &[u64]) -> [u64; ROWS] {
    [limbs[0], limbs[1], limbs[2]]
}

/// Propagates carries through the columns, writes their limbs, and returns the last carry.
#[inline(always)]
fn carry_through(columns: &[u128], mut carry: u128, limbs: &mut [u64]) -> u128 {
    for (column, limb) in columns.iter().zip(limbs) {
        let sum = column + carry;
        *limb = low(sum);
        carry = sum >> LIMB_BITS;
    }
    carry
}

/// A modulus of `BYTES` bytes in `L` limbs.
pub(crate) struct Broad<const L: usize, const BYTES: usize> {
    modulus: Number<L>,
    /// `−m⁻¹ mod 2⁶⁰`.
    negated_inverse: u64,
}

impl<const L: usize, const BYTES: usize> Drop for Broad<L, BYTES> {
    fn drop(&mut self) {
        self.modulus.zeroize();
        self.negated_inverse.zeroize();
    }
}

/// Returns the limb at `place` of a number in big-endian bytes.
fn limb_of_bytes(bytes: &[u8], place: usize) -> u64 {
    let bit = place * LIMB_BITS as usize;
    let mut window = 0;
    // Eight bytes contain the 60 bits and up to 4 bits before them.
    for i in 0..8 {
        let byte = bytes.iter().rev().nth(bit / 8 + i).copied().unwrap_or(0);
        window |= u64::from(byte) << (8 * i);
    }
    (window >> (bit % 8)) & MASK
}

/// Writes limbs as big-endian bytes.
fn write_bytes(limbs: &[u64], out: &mut [u8]) {
    let (mut window, mut bits) = (0_u128, 0);
    let mut limbs = limbs.iter();
    for byte in out.iter_mut().rev() {
        if bits < 8 {
            window |= u128::from(limbs.next().copied().unwrap_or(0)) << bits;
            bits += LIMB_BITS;
        }
        *byte = window.to_le_bytes()[0];
        window >>= 8;
        bits -= 8;
    }
}

/// Computes `a + factor·m − b` and returns 0. If that is negative, returns all ones and the limbs are meaningless.
fn combine(a: &[u64], m: &[u64], factor: i64, b: &[u64], out: &mut [u64]) -> u64 {
    let mut carry = 0_i64;
    for (((a, m), b), out) in a.iter().zip(m).zip(b).zip(out) {
        // As |factor| ≤ 2, the sum is less than 2⁶³.
        let sum = a.cast_signed() + factor * m.cast_signed() - b.cast_signed() + carry;
        *out = sum.cast_unsigned() & MASK;
        carry = sum >> LIMB_BITS;
    }
    carry.cast_unsigned()
}

impl<const L: usize, const BYTES: usize> Broad<L, BYTES> {
    fn product(workspace: &mut Workspace<L>, a: &Number<L>, b: &Number<L>) {
        let columns = workspace.0.as_flattened_mut();
        columns.fill(0);
        for (i, b) in b.0.as_chunks::<ROWS>().0.iter().enumerate() {
            // The last rows use L + 2 columns from L − 3 on, so the last column used is the last but one of the 2·L columns.
            rows(&mut columns[ROWS * i..], &a.0, *b);
        }
    }

    /// Computes the product of two different limbs only once, and doubles it.
    fn square_columns(workspace: &mut Workspace<L>, a: &Number<L>) {
        let columns = workspace.0.as_flattened_mut();
        columns.fill(0);
        for i in (0..L).step_by(ROWS) {
            let [a0, a1, a2] = three(&a.0[i..]);
            let columns = &mut columns[2 * i..];
            columns[0] += times(a0, a0);
            columns[1] += times(2 * a0, a1);
            columns[2] += times(a1, a1) + times(2 * a0, a2);
            columns[3] += times(2 * a1, a2);
            columns[4] += times(a2, a2);
            let rest = &a.0[i + ROWS..];
            if !rest.is_empty() {
                rows(&mut columns[ROWS..], rest, [2 * a0, 2 * a1, 2 * a2]);
            }
        }
    }

    /// Divides the columns by `R`.
    fn reduce(&self, workspace: &mut Workspace<L>, out: &mut Number<L>) {
        let columns = workspace.0.as_flattened_mut();
        let m = &self.modulus.0;
        let mut carry = 0;
        for at in (0..L).step_by(ROWS) {
            let columns = &mut columns[at..];
            // Three limbs of q that make three columns zero, and the carry out of these columns.
            let mut sum = columns[0] + carry;
            let q0 = low(sum).wrapping_mul(self.negated_inverse) & MASK;
            sum = (sum + times(q0, m[0])) >> LIMB_BITS;
            sum += columns[1] + times(q0, m[1]);
            let q1 = low(sum).wrapping_mul(self.negated_inverse) & MASK;
            sum = (sum + times(q1, m[0])) >> LIMB_BITS;
            sum += columns[2] + times(q0, m[2]) + times(q1, m[1]);
            let q2 = low(sum).wrapping_mul(self.negated_inverse) & MASK;
            carry = (sum + times(q2, m[0])) >> LIMB_BITS;
            // The columns after those three.
            columns[3] += times(q1, m[2]) + times(q2, m[1]);
            columns[4] += times(q2, m[2]);
            rows(&mut columns[3..], &m[3..], [q0, q1, q2]);
        }
        carry_through(&columns[L..], carry, &mut out.0);
    }
}

impl<const L: usize, const BYTES: usize> Modulus for Broad<L, BYTES> {
    type Number = Number<L>;
    type Workspace = Workspace<L>;
    const BYTES: usize = BYTES;
    const R_BITS: u32 = LIMB_BITS * L as u32;

    fn new(modulus: &[u8]) -> Self {
        let modulus = Self::number(modulus);
        let low = modulus.0[0];
        // Newton's method: each step turns an inverse modulo 2^k into one modulo 2^2k. An odd number is its own inverse modulo 8.
        let mut inverse = low;
        for _ in 0..5 {
            let error = 2_u64.wrapping_sub(low.wrapping_mul(inverse));
            inverse = inverse.wrapping_mul(error);
        }
        Self {
            modulus,
            negated_inverse: inverse.wrapping_neg() & MASK,
        }
    }

    fn workspace() -> Workspace<L> {
        Workspace([[0; L]; 2])
    }

    fn number(bytes: &[u8]) -> Number<L> {
        Number(core::array::from_fn(|place| limb_of_bytes(bytes, place)))
    }

    fn reduced(&self, workspace: &mut Workspace<L>, bytes: &[u8]) -> Number<L> {
        for (place, column) in workspace.0.as_flattened_mut().iter_mut().enumerate() {
            *column = limb_of_bytes(bytes, place).into();
        }
        let mut out = Number::default();
        self.reduce(workspace, &mut out);
        out
    }

    fn multiply(&self, workspace: &mut Workspace<L>, a: &mut Number<L>, b: &Number<L>) {
        Self::product(workspace, a, b);
        self.reduce(workspace, a);
    }

    fn square(&self, workspace: &mut Workspace<L>, a: &mut Number<L>) {
        Self::square_columns(workspace, a);
        self.reduce(workspace, a);
    }

    fn subtract(&self, a: &mut Number<L>, b: &Number<L>) {
        // b is below 2·m, so a + 2·m − b is positive.
        let mut difference = Number::default();
        combine(&a.0, &self.modulus.0, 2, &b.0, &mut difference.0);
        *a = difference;
    }

    fn select(table: &[Number<L>], index: u8, out: &mut Number<L>) {
        out.0.fill(0);
        for (place, entry) in (0_u8..).zip(table) {
            // All ones if the two are equal, because only then does the subtraction borrow. The compiler must not know this,
            // or it could introduce a branch.
            let mask = black_box((i64::from(place ^ index) - 1) >> 63).cast_unsigned();
            for (out, limb) in out.0.iter_mut().zip(&entry.0) {
                *out |= limb & mask;
            }
        }
    }

    fn write(&self, a: &Number<L>, out: &mut [u8]) {
        // a is below 2·m, as is every number of BYTES bytes. Subtract m if the result is not negative.
        let mut value = Zeroizing::new(*a);
        let mut less = Zeroizing::new(Number::<L>::default());
        let zero = [0; L];
        let keep = black_box(combine(&value.0, &self.modulus.0, -1, &zero, &mut less.0));
        for (value, less) in value.0.iter_mut().zip(&less.0) {
            *value = (*value & keep) | (less & !keep);
        }
        write_bytes(&value.0, out);
    }

    fn write_product(
        workspace: &mut Workspace<L>,
        a: &Number<L>,
        b: &Number<L>,
        c: &Number<L>,
        out: &mut [u8],
    ) {
        Self::product(workspace, a, b);
        let columns = workspace.0.as_flattened_mut();
        for (column, c) in columns.iter_mut().zip(&c.0) {
            *column += u128::from(*c);
        }
        let mut limbs = Zeroizing::new(vec![0; 2 * L]);
        carry_through(columns, 0, &mut limbs);
        write_bytes(&limbs, out);
    }
}
