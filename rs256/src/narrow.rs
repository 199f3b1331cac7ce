//! Montgomery arithmetic with 29-bit limbs, for processors that multiply several 32-bit numbers at a time.
//!
//! # Numbers
//! A number is `Σ dᵢ·βⁱ` with `β = 2²⁹` and signed limbs, `−2²⁸ ≤ dᵢ < 2²⁸`. A product of two limbs is at most 2⁵⁶, so a
//! signed 64-bit column holds 127 of them before it must be carried. Carries are therefore rare, and the loops ([`kernels`])
//! consist of products and sums only. (In the same space, unsigned limbs would have 28 bits, and a 1024-bit number 37 of
//! them, which does not fill vectors of four; with 29 bits it has 36.) Late carrying of columns is the idea of Gueron and
//! Krasnov ("Software Implementation of Modular Exponentiation, Using Advanced Vector Instructions Architectures", 2012).
//!
//! # Reduction
//! Montgomery's reduction adds a multiple of the modulus `m` that makes the low limbs zero, and drops them. Done limb by
//! limb (Koç, Acar, Kaliski, "Analyzing and Comparing Montgomery Multiplication Algorithms", 1996), each limb waits for
//! the previous one. Here many limbs are dropped at once: with `κ ≡ −m⁻¹ (mod βᴮ)` let
//!
//! > `M = (κ·m + 1) / βᴮ`, an integer with `|M| < 0.51·m`, as `|κ| < 0.51·βᴮ`.
//!
//! Then for a number `T` whose low `B` limbs have the value `q`
//!
//! > `T' = (T − q)/βᴮ + q·M` is congruent to `T/βᴮ`, since `βᴮ·T' = T − q + q·(κ·m + 1) = T + q·κ·m`.
//!
//! `q` is read from `T` without a multiplication or waiting, and `M` is a constant of the modulus. The price is that `T'` is
//! as long as `q·M`, so a step of `B` limbs must be followed by steps of at least `B` limbs in total, and the last step must be
//! Montgomery's own, with `q = −T·m⁻¹` and `T' = (T + q·m)/βᴮ`. With `r` limbs left, a step drops `B = 4·⌊r/8⌋`, and the last
//! step four limbs: for 36 limbs 16, 8, 4, 4, 4.
//!
//! **Bounds.** Let there be `N` limbs and `R = βᴺ`. With signed limbs `|q| < 0.51·βᴮ`. A step of `B` limbs with `L ≥ B` limbs
//! after it adds `q·M`, which the later steps divide by `βᴸ`: less than `0.51²·m·β^(B−L)`, so at most `0.261·m` if `B = L`, and
//! a negligible amount if `B < L` (then `B ≤ L − 4`). `B = L` holds for at most three steps (56 limbs: 28, 8, 4; 108: 28,
//! 8, 4; 144: 72, 36, 4). The last step adds `q·m/β⁴ < 0.51·m`. So **the result is less than `1.3·m + T/R`** in absolute value.
//! For a product of two numbers below `6·m` that is less than `1.3·m + 36·m²/R < 1.4·m`, as `R > 2¹⁵·m` for all sizes. So
//! products of products need no comparison with the modulus, and differences of them still fit.
//!
//! # Columns
//! A column receives at most [`MOST_PRODUCTS`] products of two limbs, 112·2⁵⁶, before it is carried. It also holds a carry of
//! less than 2³⁶ and the offset 2²⁸, which is less than 2⁶³ in total. Larger sums occur only in the middle of Karatsuba's
//! method; there they wrap, and the result is in range again. Native debug builds have columns of 128 bits, and check that
//! every value that is read or carried fits in 64.

mod kernels;
mod lanes;

use alloc::vec;
use alloc::vec::Vec;
use core::hint::black_box;

use zeroize::{DefaultIsZeroes, Zeroize, Zeroizing};

use crate::modulus::Modulus;
use lanes::{Pair, Quad};

/// The number of bits in a limb.
const LIMB_BITS: u32 = 29;
/// The mask of a limb.
const MASK: i64 = (1 << LIMB_BITS) - 1;
/// Added to each column so that signed limbs can be read like unsigned ones.
const OFFSET: i64 = 1 << (LIMB_BITS - 1);
/// The maximum number of products that a column receives before it is carried.
const MOST_PRODUCTS: usize = 112;
const _: () = assert!(MOST_PRODUCTS as i128 * (1 << 56) + (1 << 36) + (OFFSET as i128) < 1 << 63);
/// The maximum number of different lengths of steps.
const LENGTHS: usize = 5;

/// A number of `4·V` limbs.
///
/// It is stored in two alignments: a row of products that starts in an odd column takes its limbs from `shifted`.
#[derive(Clone, Copy)]
pub(crate) struct Number<const V: usize> {
    /// Limbs `4·k` to `4·k + 3`.
    whole: [Quad; V],
    /// Limbs `4·k − 1` to `4·k + 2`.
    shifted: [Quad; V],
}

impl<const V: usize> Default for Number<V> {
    fn default() -> Self {
        Self {
            whole: [Quad::ZERO; V],
            shifted: [Quad::ZERO; V],
        }
    }
}

impl<const V: usize> DefaultIsZeroes for Number<V> {}

impl<const V: usize> Number<V> {
    /// Creates a number from limbs in their range.
    fn from_quads(quads: impl Iterator<Item = Quad>) -> Self {
        let mut number = Self::default();
        let mut before = Quad::ZERO;
        for ((whole, shifted), quad) in number.whole.iter_mut().zip(&mut number.shifted).zip(quads)
        {
            *whole = quad;
            *shifted = quad.after(before);
            before = quad;
        }
        number
    }

    /// Reads a number from columns. The value must fit.
    fn from_columns(columns: &[i64]) -> Self {
        let mut carry = 0;
        let mut quads = Zeroizing::new([Quad::ZERO; V]);
        for (quad, columns) in quads.iter_mut().zip(columns.as_chunks::<4>().0) {
            let [a, b, c, d] = columns.map(|column| column + OFFSET);
            (*quad, carry) = limbs(Pair::new([a, b]), Pair::new([c, d]), carry);
        }
        debug_assert_eq!(carry, 0, "the value does not fit");
        Self::from_quads(quads.iter().copied())
    }

    /// Returns the limbs as columns.
    fn columns(&self) -> Zeroizing<Vec<i64>> {
        let mut columns = Zeroizing::new(Vec::with_capacity(4 * V));
        for quad in &self.whole {
            columns.extend(quad.limbs().map(i64::from));
        }
        columns
    }
}

/// Reads four limbs from two pairs of columns. Returns them and the carry.
///
/// A column `t`, including the offset, and the carry `c` become the limb `d = ((t + c) mod β) − 2²⁸` and the carry
/// `⌊(t + c)/β⌋`. Without the offset, `t − 2²⁸ + c = d + β·carry`.
#[inline(always)]
fn limbs(low: Pair, high: Pair, carry: i64) -> (Quad, i64) {
    let ([t0, t1], [t2, t3]) = (low.columns(), high.columns());
    let t0 = t0 + carry;
    let t1 = t1 + (t0 >> LIMB_BITS);
    let t2 = t2 + (t1 >> LIMB_BITS);
    let t3 = t3 + (t2 >> LIMB_BITS);
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the limb is in the low bits"
    )]
    let quad = Quad::new([t0 as i32, t1 as i32, t2 as i32, t3 as i32])
        .and(Quad::splat(MASK as i32))
        .sub(Quad::splat(OFFSET as i32));
    (quad, t3 >> LIMB_BITS)
}

/// Workspace for one computation.
pub(crate) struct Workspace<const V: usize> {
    /// `8·V` columns. The last four receive only carries.
    product: [[Pair; V]; 4],
    /// The product of the differences of halves, for Karatsuba's method.
    middle: [[Pair; V]; 2],
    /// The differences of halves, in the lower half of each number. Their limbs have twice the normal range.
    differences: [Number<V>; 2],
    /// Each limb, repeated four times.
    spread: [[Quad; 4]; V],
    /// The limbs that a step of the reduction drops.
    quotient: [Quad; V],
}

impl<const V: usize> Drop for Workspace<V> {
    fn drop(&mut self) {
        self.product.as_flattened_mut().zeroize();
        self.middle.as_flattened_mut().zeroize();
        self.differences.zeroize();
        self.spread.as_flattened_mut().zeroize();
        self.quotient.zeroize();
    }
}

/// Returns the number of quads in the parts by which a number of `v` quads is multiplied.
const fn part(v: usize) -> usize {
    if v.is_multiple_of(9) { 9 } else { 7 }
}

/// Returns the `L` pairs from `at` on.
#[inline(always)]
fn pairs<const L: usize>(columns: &mut [Pair], at: usize) -> &mut [Pair; L] {
    columns[at..]
        .first_chunk_mut()
        .expect("all places are constants of the size")
}

/// Returns the first `L` quads.
#[inline(always)]
fn quads<const L: usize>(quads: &[Quad]) -> &[Quad; L] {
    quads.first_chunk().expect("all parts have this length")
}

/// Adds `a·b` for one part `a` and four limbs `b`.
#[inline(always)]
fn part_rows(columns: &mut [Pair], whole: &[Quad], shifted: &[Quad], b: &[Quad; 4]) {
    let [b0, b1, b2, b3] = b;
    if whole.len() == 9 {
        kernels::rows_9(
            pairs(columns, 0),
            quads(whole),
            quads(shifted),
            b0,
            b1,
            b2,
            b3,
        );
    } else {
        kernels::rows_7(
            pairs(columns, 0),
            quads(whole),
            quads(shifted),
            b0,
            b1,
            b2,
            b3,
        );
    }
}

/// Adds `a·b` for four limbs `b`.
#[inline(always)]
fn rows<const V: usize>(columns: &mut [Pair], a: &Number<V>, b: Quad) {
    let b = b.spread();
    let parts = a
        .whole
        .chunks_exact(part(V))
        .zip(a.shifted.chunks_exact(part(V)));
    for (place, (whole, shifted)) in parts.enumerate() {
        part_rows(&mut columns[2 * part(V) * place..], whole, shifted, &b);
    }
}

/// Adds the product of two parts.
#[inline(always)]
fn part_product(columns: &mut [Pair], whole: &[Quad], shifted: &[Quad], b: &[Quad]) {
    for (i, quad) in b.iter().enumerate() {
        part_rows(&mut columns[2 * i..], whole, shifted, &quad.spread());
    }
}

/// Adds the square of a part.
#[inline(always)]
fn part_square(columns: &mut [Pair], whole: &[Quad], shifted: &[Quad], spread: &mut [[Quad; 4]]) {
    for (spread, quad) in spread.iter_mut().zip(whole) {
        *spread = quad.spread();
    }
    if whole.len() == 9 {
        let spread = spread
            .first_chunk()
            .expect("there is workspace for all quads");
        kernels::square_9(pairs(columns, 0), quads(whole), quads(shifted), spread);
    } else {
        let spread = spread
            .first_chunk()
            .expect("there is workspace for all quads");
        kernels::square_7(pairs(columns, 0), quads(whole), quads(shifted), spread);
    }
}

/// Carries every column into the next, each once and independently. Columns are then less than 2³⁶.
///
/// A column `t` with `|t| < 2⁶³` becomes `(t + 2⁶³) mod β`, and the next column receives `⌊(t + 2⁶³)/β⌋ − 2³⁴`: the shift
/// fills with zeros, and `2⁶³ = 2³⁴·β`. The last column only receives a carry, which fits.
fn propagate_carries(columns: &mut [Pair]) {
    let mask = Pair::splat(MASK);
    let half = Pair::splat(1 << (63 - LIMB_BITS));
    let Some((last, columns)) = columns.split_last_mut() else {
        return;
    };
    // Cancels out, because the first column receives no carry.
    let mut before = half;
    for pair in columns {
        debug_assert!(pair.columns().iter().all(|column| *column != i64::MIN));
        let raised = pair.add(Pair::splat(i64::MIN));
        let carry = raised.shift_right(LIMB_BITS);
        *pair = raised.and(mask).add(carry.after(before).sub(half));
        before = carry;
    }
    let [low, high] = last.columns();
    let low = low + before.sub(half).columns()[1];
    *last = Pair::new([low & MASK, high + (low >> LIMB_BITS)]);
}

/// A modulus of `BYTES` bytes in `4·V` limbs.
pub(crate) struct Narrow<const V: usize, const BYTES: usize> {
    modulus: Number<V>,
    /// `−m⁻¹ mod 2⁵⁸`, which has two limbs.
    negated_inverse: i64,
    /// `M` for each length of a step, longest first.
    steps: [Number<V>; LENGTHS],
}

impl<const V: usize, const BYTES: usize> Drop for Narrow<V, BYTES> {
    fn drop(&mut self) {
        self.modulus.zeroize();
        self.negated_inverse.zeroize();
        self.steps.zeroize();
    }
}

/// Returns the length of the next step if `limbs` are left; `None` if only the last step is.
const fn step(limbs: usize) -> Option<usize> {
    if limbs > 4 { Some(limbs / 8 * 4) } else { None }
}

/// Returns the different lengths of steps for `limbs` limbs, longest first, padded with zeros.
const fn lengths(limbs: usize) -> [usize; LENGTHS] {
    let mut lengths = [0; LENGTHS];
    let (mut left, mut count) = (limbs, 0);
    while let Some(length) = step(left) {
        if count == 0 || lengths[count - 1] != length {
            lengths[count] = length;
            count += 1;
        }
        left -= length;
    }
    lengths
}

/// Returns the unsigned limb at `place` of a number in big-endian bytes.
fn limb_of_bytes(bytes: &[u8], place: usize) -> i64 {
    let bit = place * LIMB_BITS as usize;
    let mut window = 0;
    // Five bytes contain the 29 bits and up to 7 bits before them.
    for i in 0..5 {
        let byte = bytes.iter().rev().nth(bit / 8 + i).copied().unwrap_or(0);
        window |= i64::from(byte) << (8 * i);
    }
    (window >> (bit % 8)) & MASK
}

/// Writes unsigned limbs as big-endian bytes.
fn write_bytes(limbs: &[i64], out: &mut [u8]) {
    let (mut window, mut bits) = (0_i64, 0);
    let mut limbs = limbs.iter();
    for byte in out.iter_mut().rev() {
        if bits < 8 {
            window |= limbs.next().copied().unwrap_or(0) << bits;
            bits += LIMB_BITS;
        }
        *byte = window.to_le_bytes()[0];
        window >>= 8;
        bits -= 8;
    }
}

/// Propagates carries until each column is an unsigned limb, and returns the last carry.
fn carry_through(columns: &mut [i64]) -> i64 {
    let mut carry = 0;
    for column in columns {
        let sum = *column + carry;
        *column = sum & MASK;
        carry = sum >> LIMB_BITS;
    }
    carry
}

/// Returns the low bits as a signed limb.
fn signed_limb(bits: i64) -> i64 {
    bits << (64 - LIMB_BITS) >> (64 - LIMB_BITS)
}

impl<const V: usize, const BYTES: usize> Narrow<V, BYTES> {
    const LIMBS: usize = 4 * V;
    const LENGTHS: [usize; LENGTHS] = lengths(Self::LIMBS);
    /// Whether Karatsuba's method is used, which needs a number of two parts.
    const HALVES: bool = V == 2 * part(V);

    /// Sets the columns to `a·b` plus the offset. Returns how many products a column has received since it was last carried.
    fn product(workspace: &mut Workspace<V>, a: &Number<V>, b: &Number<V>) -> usize {
        let columns = workspace.product.as_flattened_mut();
        columns.fill(Pair::splat(OFFSET));
        if Self::HALVES {
            let half = V / 2;
            let (low, high) = columns.split_at_mut(2 * V);
            part_product(low, &a.whole[..half], &a.shifted[..half], &b.whole[..half]);
            part_product(high, &a.whole[half..], &a.shifted[half..], &b.whole[half..]);
            let [x, y] = &mut workspace.differences;
            Self::subtract_halves(x, a);
            Self::subtract_halves(y, b);
            let middle = workspace.middle.as_flattened_mut();
            middle.fill(Pair::splat(2 * OFFSET));
            part_product(
                middle,
                &x.whole[..half],
                &x.shifted[..half],
                &y.whole[..half],
            );
            Self::join_halves(workspace);
            return Self::LIMBS;
        }
        let mut products = 0;
        for (i, quad) in b.whole.iter().enumerate() {
            if products + 4 > MOST_PRODUCTS {
                propagate_carries(columns);
                products = 0;
            }
            rows(&mut columns[2 * i..], a, *quad);
            products += 4;
        }
        products
    }

    /// Sets the columns to `a²` plus the offset. Returns the same as [`Self::product`].
    fn square_columns(workspace: &mut Workspace<V>, a: &Number<V>) -> usize {
        let half = V / 2;
        let columns = workspace.product.as_flattened_mut();
        if V == part(V) {
            columns.fill(Pair::splat(OFFSET));
            part_square(columns, &a.whole, &a.shifted, &mut workspace.spread);
        } else if Self::HALVES {
            columns.fill(Pair::splat(OFFSET));
            let (low, high) = columns.split_at_mut(2 * V);
            part_square(
                low,
                &a.whole[..half],
                &a.shifted[..half],
                &mut workspace.spread,
            );
            part_square(
                high,
                &a.whole[half..],
                &a.shifted[half..],
                &mut workspace.spread,
            );
            let [x, _] = &mut workspace.differences;
            Self::subtract_halves(x, a);
            let middle = workspace.middle.as_flattened_mut();
            middle.fill(Pair::splat(2 * OFFSET));
            part_square(
                middle,
                &x.whole[..half],
                &x.shifted[..half],
                &mut workspace.spread,
            );
            Self::join_halves(workspace);
        } else {
            return Self::product(workspace, a, a);
        }
        Self::LIMBS
    }

    /// Subtracts the higher half from the lower one, limb by limb.
    fn subtract_halves(difference: &mut Number<V>, a: &Number<V>) {
        for (difference, limbs) in [
            (&mut difference.whole, &a.whole),
            (&mut difference.shifted, &a.shifted),
        ] {
            let (low, high) = limbs.split_at(V / 2);
            for ((difference, low), high) in difference.iter_mut().zip(low).zip(high) {
                *difference = low.sub(*high);
            }
        }
    }

    /// Karatsuba's method: adds `a₀b₁ + a₁b₀ = a₀b₀ + a₁b₁ − (a₀ − a₁)(b₀ − b₁)` to the middle of the product.
    ///
    /// The offsets of the first two terms on the right cancel with that of the third, which is twice theirs.
    fn join_halves(workspace: &mut Workspace<V>) {
        let columns = workspace.product.as_flattened_mut();
        let middle = workspace.middle.as_flattened_mut();
        let (low, high) = columns.split_at(2 * V);
        for ((middle, low), high) in middle.iter_mut().zip(low).zip(high) {
            *middle = low.add(*high).sub(*middle);
        }
        for (column, middle) in columns[V..].iter_mut().zip(middle) {
            *column = column.add(*middle);
        }
    }

    /// Divides the columns by `R`. `products` is how many products they have received since they were last carried.
    fn reduce(&self, workspace: &mut Workspace<V>, mut products: usize, out: &mut Number<V>) {
        let columns = workspace.product.as_flattened_mut();
        // The number of limbs dropped so far.
        let mut at = 0;
        while let Some(length) = step(Self::LIMBS - at) {
            // Four more for the last step, which is not checked again.
            if products + length + 4 > MOST_PRODUCTS {
                propagate_carries(&mut columns[at / 2..]);
                products = 0;
            }
            let place = Self::LENGTHS.iter().position(|l| *l == length);
            let m = &self.steps[place.unwrap_or(0)];
            let quotient = &mut workspace.quotient[..length / 4];
            let mut carry = 0;
            for (quad, pairs) in quotient
                .iter_mut()
                .zip(columns[at / 2..].as_chunks::<2>().0)
            {
                (*quad, carry) = limbs(pairs[0], pairs[1], carry);
            }
            at += length;
            let columns = &mut columns[at / 2..];
            columns[0] = columns[0].add(Pair::new([carry, 0]));
            for (i, quad) in quotient.iter().enumerate() {
                rows(&mut columns[2 * i..], m, *quad);
            }
            products += length;
        }
        let columns = &mut columns[at / 2..];
        let (quotient, carry) = self.last_quotient(columns);
        rows(columns, &self.modulus, quotient);
        let columns = &mut columns[2..];
        columns[0] = columns[0].add(Pair::new([carry, 0]));
        let mut carry = 0;
        let mut before = Quad::ZERO;
        for (i, pairs) in columns.as_chunks::<2>().0.iter().enumerate().take(V) {
            let quad;
            (quad, carry) = limbs(pairs[0], pairs[1], carry);
            out.whole[i] = quad;
            out.shifted[i] = quad.after(before);
            before = quad;
        }
        debug_assert_eq!(carry, 0, "the value does not fit");
    }

    /// Returns `q ≡ −T·m⁻¹ (mod β⁴)` of the last step, and the carry out of the four columns that become zero.
    ///
    /// Computes two limbs at a time: their 58 bits are the low bits of a 64-bit product.
    fn last_quotient(&self, columns: &[Pair]) -> (Quad, i64) {
        let ([t0, t1], [t2, t3]) = (columns[0].columns(), columns[1].columns());
        let [t0, t1, t2, t3] = [t0, t1, t2, t3].map(|column| column - OFFSET);
        let [m0, m1, m2, m3] = self.modulus.whole[0].limbs().map(i64::from);
        let two_limbs = |low: i64, high: i64| {
            let value = low.wrapping_add(high << LIMB_BITS);
            let quotient = value.wrapping_mul(self.negated_inverse);
            let first = signed_limb(quotient);
            (
                first,
                signed_limb(quotient.wrapping_sub(first) >> LIMB_BITS),
            )
        };
        let (q0, q1) = two_limbs(t0, t1);
        let t0 = t0 + q0 * m0;
        let t1 = t1 + q0 * m1 + q1 * m0 + (t0 >> LIMB_BITS);
        let t2 = t2 + q0 * m2 + q1 * m1 + (t1 >> LIMB_BITS);
        let t3 = t3 + q0 * m3 + q1 * m2;
        let (q2, q3) = two_limbs(t2, t3);
        let t2 = t2 + q2 * m0;
        let t3 = t3 + q2 * m1 + q3 * m0 + (t2 >> LIMB_BITS);
        #[expect(clippy::cast_possible_truncation, reason = "a limb has 29 bits")]
        let quotient = Quad::new([q0 as i32, q1 as i32, q2 as i32, q3 as i32]);
        (quotient, t3 >> LIMB_BITS)
    }
}

impl<const V: usize, const BYTES: usize> Modulus for Narrow<V, BYTES> {
    type Number = Number<V>;
    type Workspace = Workspace<V>;
    const BYTES: usize = BYTES;
    const R_BITS: u32 = LIMB_BITS * Self::LIMBS as u32;

    fn new(modulus: &[u8]) -> Self {
        let low = (0..3).fold(0_i64, |low, i| {
            low | limb_of_bytes(modulus, i).wrapping_shl(29 * i as u32)
        });
        // Newton's method: each step turns an inverse modulo 2^k into one modulo 2^2k. An odd number is its own inverse modulo 8.
        let mut inverse = low;
        for _ in 0..5 {
            let error = 2_i64.wrapping_sub(low.wrapping_mul(inverse));
            inverse = inverse.wrapping_mul(error);
        }
        let mut new = Self {
            modulus: Self::number(modulus),
            negated_inverse: inverse.wrapping_neg() & ((1 << (2 * LIMB_BITS)) - 1),
            steps: [Number::default(); LENGTHS],
        };
        // Reduce 1 limb by limb: after B limbs the value is (κ·m + 1)/βᴮ. A column receives as many products as there are
        // limbs in the longest step.
        let limbs = new.modulus.columns();
        let mut state = Zeroizing::new(vec![0_i64; Self::LIMBS + 1]);
        state[0] = 1;
        for count in 1..=Self::LENGTHS[0] {
            let quotient = signed_limb(state[0].wrapping_mul(new.negated_inverse));
            for (column, limb) in state.iter_mut().zip(limbs.iter()) {
                *column += quotient * limb;
            }
            let carry = state[0] >> LIMB_BITS;
            state.rotate_left(1);
            state[Self::LIMBS] = 0;
            state[0] += carry;
            if let Some(place) = Self::LENGTHS.iter().position(|length| *length == count) {
                new.steps[place] = Number::from_columns(&state[..Self::LIMBS]);
            }
        }
        new
    }

    fn workspace() -> Workspace<V> {
        Workspace {
            product: [[Pair::default(); V]; 4],
            middle: [[Pair::default(); V]; 2],
            differences: [Number::default(); 2],
            spread: [[Quad::ZERO; 4]; V],
            quotient: [Quad::ZERO; V],
        }
    }

    fn number(bytes: &[u8]) -> Number<V> {
        let columns: Zeroizing<Vec<_>> = Zeroizing::new(
            (0..Self::LIMBS)
                .map(|place| limb_of_bytes(bytes, place))
                .collect(),
        );
        Number::from_columns(&columns)
    }

    fn reduced(&self, workspace: &mut Workspace<V>, bytes: &[u8]) -> Number<V> {
        for (i, pair) in workspace.product.as_flattened_mut().iter_mut().enumerate() {
            let columns = [2 * i, 2 * i + 1].map(|place| limb_of_bytes(bytes, place) + OFFSET);
            *pair = Pair::new(columns);
        }
        let mut out = Number::default();
        self.reduce(workspace, 0, &mut out);
        out
    }

    fn multiply(&self, workspace: &mut Workspace<V>, a: &mut Number<V>, b: &Number<V>) {
        let products = Self::product(workspace, a, b);
        self.reduce(workspace, products, a);
    }

    fn square(&self, workspace: &mut Workspace<V>, a: &mut Number<V>) {
        let products = Self::square_columns(workspace, a);
        self.reduce(workspace, products, a);
    }

    fn subtract(&self, a: &mut Number<V>, b: &Number<V>) {
        let mut columns = a.columns();
        for (a, b) in columns.iter_mut().zip(b.columns().iter()) {
            *a -= b;
        }
        *a = Number::from_columns(&columns);
    }

    fn select(table: &[Number<V>], index: u8, out: &mut Number<V>) {
        let mut quads = Zeroizing::new([Quad::ZERO; V]);
        for (place, entry) in (0_u8..).zip(table) {
            // All ones if the two are equal, because only then does the subtraction borrow. The compiler must not know this,
            // or it could introduce a branch.
            let equal = (i32::from(place ^ index) - 1) >> 31;
            let mask = Quad::splat(black_box(equal));
            for (quad, entry) in quads.iter_mut().zip(&entry.whole) {
                *quad = quad.or(entry.and(mask));
            }
        }
        *out = Number::from_quads(quads.iter().copied());
    }

    fn write(&self, a: &Number<V>, out: &mut [u8]) {
        // |a| < 1.4·m, so a + 2·m is positive and less than 4·m. Subtract 2·m and then m if the result is not negative.
        let modulus = self.modulus.columns();
        let mut value = a.columns();
        for (column, modulus) in value.iter_mut().zip(modulus.iter()) {
            *column += 2 * modulus;
        }
        carry_through(&mut value);
        for multiple in [2, 1] {
            let mut less = value.clone();
            for (column, modulus) in less.iter_mut().zip(modulus.iter()) {
                *column -= multiple * modulus;
            }
            // All ones if it is negative.
            let keep = black_box(carry_through(&mut less));
            for (value, less) in value.iter_mut().zip(less.iter()) {
                *value = (*value & keep) | (less & !keep);
            }
        }
        write_bytes(&value, out);
    }

    fn write_product(
        workspace: &mut Workspace<V>,
        a: &Number<V>,
        b: &Number<V>,
        c: &Number<V>,
        out: &mut [u8],
    ) {
        Self::product(workspace, a, b);
        let mut columns = Zeroizing::new(Vec::with_capacity(2 * Self::LIMBS));
        for pair in workspace.product.as_flattened() {
            columns.extend(pair.columns().map(|column| column - OFFSET));
        }
        for (column, c) in columns.iter_mut().zip(c.columns().iter()) {
            *column += c;
        }
        carry_through(&mut columns);
        write_bytes(&columns, out);
    }
}
