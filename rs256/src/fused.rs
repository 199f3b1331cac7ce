//! Arithmetic modulo both primes at once, for hosts with a fused multiply-add of doubles.
//!
//! # Products
//! The product of two doubles, rounded, is the high part of the exact product; with a fused multiply-add the low part
//! follows from it without error. (Dekker, "A Floating-Point Technique for Extending the Available Precision", 1971; Emmart,
//! Zheng, Weems, "Faster Modular Exponentiation Using Double Precision Floating Point Arithmetic on the GPU", 2018.)
//! WebAssembly's vectors have two doubles: one belongs to a number modulo `p`, the other to a number modulo `q`. All
//! statements below are about one lane.
//!
//! Limbs are signed and have 49 bits. A chain adds products of limbs to a high part `h`, which starts at `1.5·2¹⁰¹`, and to
//! a low part `e`, which starts at `1.5·2⁵²`:
//!
//! > `h' = fma(a, b, h)`, `e' = e + fma(a, b, h − h')`.
//!
//! - Limbs are at most `2⁴⁸ + 2¹⁰` in absolute value, and one factor of a product in a square is at most twice that. So a
//!   product is at most `2⁹⁷·(1 + 2⁻³⁷)`, and a chain of at most seven products is less than `2¹⁰⁰`. Therefore `h` stays
//!   between `2¹⁰¹` and `2¹⁰²`, where doubles are multiples of `2⁴⁹`.
//! - `h − h'` is a multiple of `2⁴⁹` below `2¹⁰⁰`, so it is exact. Its sum with `a·b` is the rounding error of `h'`, an integer
//!   of at most half the distance between doubles there, `2⁴⁸`, so it is exact as well. The first product of a chain takes
//!   `1.5·2¹⁰¹ + 1.5·2⁵²`, which is a double, for `h`, so that `e` starts without an addition.
//! - `e` is an integer and differs from `1.5·2⁵²` by at most `7·2⁴⁸ < 2⁵¹`. So it stays between `2⁵²` and `2⁵³`, where doubles
//!   are exactly the integers, and each sum is exact.
//!
//! So `h` and `e` hold the sum without any error. Between two powers of two, the bits of doubles, read as integers, increase
//! by one from each double to the next. The bits of `e` are therefore a constant plus the low part, and the bits of `h` are a
//! constant plus the high part divided by `2⁴⁹`, which belongs to the next column. Both are added to columns without
//! conversion. Columns start at the negated sum of the constants ([`bias::Bias`]). Sums are modulo 2⁶⁴, so only the final
//! values must fit.
//!
//! No double here is infinite, NaN or subnormal. Zero is the only one below 1 in absolute value.
//!
//! # Columns
//! Each part of a chain is less than 2⁵¹. A column receives at most 48 high and 48 low parts, which are counted at compile
//! time ([`bias::Bias`]), and so stays below 2⁵⁸. It is never carried before it is read. Reading takes the low 49 bits as a
//! signed limb and adds the carry of the previous column, at most 2⁹. A carry does not propagate to a second column, so all
//! limbs are read independently. A number therefore has many representations; its limbs are at most `2⁴⁸ + 2⁹`. Debug builds
//! check chains and columns.
//!
//! # Reduction
//! As in [`crate::narrow`], with `β = 2⁴⁹`: steps that drop many limbs at once by a constant `M`, where a step of `B` limbs is
//! followed by steps of at least `B` limbs in total, and a last step of four limbs by Montgomery's method, whose quotient is
//! the product of the low limbs and `−m⁻¹ mod β⁴`. The value read as `q` need not be unique, only congruent to the dropped
//! columns: what these columns hold beyond `q` is carried to the next column. **Bounds**, as there: the result is less than
//! `1.3·m + T/R`, with `|q| < 0.51·βᴮ`, and with `B` equal to the limbs after it in at most three steps (32 limbs: 16, 8, 4).
//! `R ≥ 2⁵·m` for 21 limbs and 1024 bits, `2³²·m` for 32 and 1536, `2¹⁰·m` for 42 and 2048. So products of numbers below
//! `1.4·m` are less than `1.3·m + 1.96·m/32 < 1.4·m`, and so are those of a number below `2.1·m` and one below `1.4·m`. The
//! message is less than `p·q < 2·m²`, so divided by `R` it is less than `1.4·m`. The highest limb of a number below `2.1·m` is
//! less than 2⁴⁷, so nothing is carried beyond it.

mod bias;
mod field;
mod kernels;
mod lanes;

use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;
use core::hint::black_box;

use crypto_bigint::Choice;
use zeroize::{Zeroize, Zeroizing};

use crate::key::Parts;
use crate::modulus::power_of_two;
use crate::primes::{Bytes, Primes, WINDOW, is_one, window, windows};
use field::{Field, LIMB_BITS, MASK, Number, Workspace};
use lanes::{Columns, Doubles};

/// Whether the host fuses: then `(1 + ε)² − (1 + 2·ε)` is `ε²`, and otherwise 0, because the product is rounded.
pub(crate) fn is_available() -> bool {
    let factor = black_box(Doubles::splat(1.0 + f64::EPSILON));
    let summand = black_box(Doubles::splat(-1.0 - 2.0 * f64::EPSILON));
    let [p, q] = factor.multiply_add(factor, summand).lanes();
    let square = f64::EPSILON * f64::EPSILON;
    p.to_bits() == square.to_bits() && q.to_bits() == square.to_bits()
}

/// Adds the limbs of eight entries from `at` on, each masked, to `out`. Written out like [`kernels`], so that the masks stay in
/// registers: a compiler that optimises for size does not unroll loops.
macro_rules! select_limbs {
    ($entries:expr, $masks:expr, $out:ident, $at:expr; $($j:literal)*) => {
        let ([e0, e1, e2, e3, e4, e5, e6, e7], [m0, m1, m2, m3, m4, m5, m6, m7]) =
            ($entries, $masks);
        $(
            let low = e0.0[$at + $j]
                .and(m0)
                .or(e1.0[$at + $j].and(m1))
                .or(e2.0[$at + $j].and(m2))
                .or(e3.0[$at + $j].and(m3));
            let high = e4.0[$at + $j]
                .and(m4)
                .or(e5.0[$at + $j].and(m5))
                .or(e6.0[$at + $j].and(m6))
                .or(e7.0[$at + $j].and(m7));
            $out[$j] = $out[$j].or(low.or(high));
        )*
    };
}

/// Two primes of `BYTES` bytes in `L` limbs, `C = 2·L + 1`.
pub(crate) struct Fused<const L: usize, const C: usize, const BYTES: usize> {
    field: Field<L, C>,
    /// `R`, which is 1 in Montgomery form.
    one: Number<L>,
    /// `R³`. Multiplying by it converts a number that was divided by `R` to Montgomery form.
    cube: Number<L>,
    /// `q⁻¹·R mod p` in the first lane.
    q_inverse: Number<L>,
    /// `q` in the first lane.
    q: Number<L>,
}

impl<const L: usize, const C: usize, const BYTES: usize> Drop for Fused<L, C, BYTES> {
    fn drop(&mut self) {
        self.one.zeroize();
        self.cube.zeroize();
        self.q_inverse.zeroize();
        self.q.zeroize();
    }
}

/// Propagates carries until no limb is negative, and returns the last carry.
fn carry_through(limbs: &mut [i64]) -> i64 {
    let mut carry = 0;
    for limb in limbs {
        let sum = *limb + carry;
        *limb = sum & MASK;
        carry = sum >> LIMB_BITS;
    }
    carry
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

impl<const L: usize, const C: usize, const BYTES: usize> Fused<L, C, BYTES> {
    const R_BITS: u32 = LIMB_BITS * L as u32;

    /// Returns `R²`, computed as in [`crate::modulus::square_of_r`].
    fn square_of_r(
        field: &Field<L, C>,
        workspace: &mut Workspace<L, C>,
        primes: [&[u8]; 2],
    ) -> Number<L> {
        let [p, q] = primes.map(|prime| power_of_two(prime, Self::R_BITS as usize + 1));
        let two = Zeroizing::new(Field::<L, C>::number([&p, &q]));
        let mut square = *two;
        let bits = u32::BITS - Self::R_BITS.leading_zeros();
        for bit in (0..bits - 1).rev() {
            field.square(workspace, &mut square);
            if Self::R_BITS >> bit & 1 == 1 {
                field.multiply(workspace, &mut square, &two);
            }
        }
        square
    }

    /// Writes the number in one lane, reduced to the range from 0 to below its prime.
    fn write(&self, number: &Number<L>, lane: usize) -> Bytes {
        // |a| < 1.4·m, so a + 2·m is positive and less than 4·m. Subtract 2·m and then m if the result is not negative.
        let modulus = self.field.modulus.limbs(lane);
        let mut value = number.limbs(lane);
        for (limb, modulus) in value.iter_mut().zip(modulus.iter()) {
            *limb += 2 * modulus;
        }
        carry_through(&mut *value);
        for multiple in [2, 1] {
            let mut less = value.clone();
            for (limb, modulus) in less.iter_mut().zip(modulus.iter()) {
                *limb -= multiple * modulus;
            }
            // All ones if it is negative.
            let keep = black_box(carry_through(&mut *less));
            for (value, less) in value.iter_mut().zip(less.iter()) {
                *value = (*value & keep) | (less & !keep);
            }
        }
        let mut bytes = Zeroizing::new(vec![0; BYTES]);
        write_bytes(&*value, &mut bytes);
        bytes
    }

    /// Selects an entry for each lane from a table, reading all of the table.
    fn select(table: &[Number<L>], index: [u8; 2], out: &mut Number<L>) {
        let [p, q] = index;
        let index = Columns::new([i64::from(p), i64::from(q)]);
        *out = Number::default();
        let mut place = 0;
        for entries in table.as_chunks::<8>().0 {
            // The compiler must not know the values of masks, or it could introduce branches.
            let mask = |i: i64| black_box(Columns::splat(place + i).equal(index));
            let masks = [
                mask(0),
                mask(1),
                mask(2),
                mask(3),
                mask(4),
                mask(5),
                mask(6),
                mask(7),
            ];
            place += 8;
            if L.is_multiple_of(7) {
                for (k, out) in out.0.as_chunks_mut::<7>().0.iter_mut().enumerate() {
                    select_limbs!(entries, masks, out, 7 * k; 0 1 2 3 4 5 6);
                }
            } else {
                for (k, out) in out.0.as_chunks_mut::<8>().0.iter_mut().enumerate() {
                    select_limbs!(entries, masks, out, 8 * k; 0 1 2 3 4 5 6 7);
                }
            }
        }
    }

    /// Returns `base^exponents` by a fixed window: five squarings and one multiplication for each five bits of the exponents. The
    /// factor is selected by reading the whole table.
    fn window_power(
        &self,
        workspace: &mut Workspace<L, C>,
        base: &Number<L>,
        exponents: [&[u8]; 2],
    ) -> Number<L> {
        let mut table = Zeroizing::new(vec![Number::default(); 1 << WINDOW]);
        table[0] = self.one;
        table[1] = *base;
        for i in 2..table.len() {
            let mut entry = table[i & !1];
            if i % 2 == 0 {
                entry = table[i / 2];
                self.field.square(workspace, &mut entry);
            } else {
                self.field.multiply(workspace, &mut entry, base);
            }
            table[i] = entry;
        }
        let windows = windows(exponents[0].len());
        let mut power = Number::default();
        let mut factor = Zeroizing::new(Number::default());
        for place in (0..windows).rev() {
            let index = exponents.map(|exponent| window(exponent, place));
            if place == windows - 1 {
                Self::select(&table, index, &mut power);
                continue;
            }
            for _ in 0..WINDOW {
                self.field.square(workspace, &mut power);
            }
            Self::select(&table, index, &mut factor);
            self.field.multiply(workspace, &mut power, &factor);
        }
        power
    }
}

impl<const L: usize, const C: usize, const BYTES: usize> Primes for Fused<L, C, BYTES> {
    fn new(parts: &Parts<'_>) -> Self {
        let primes = [parts.p, parts.q];
        let field = Field::new(primes);
        let mut workspace = Workspace::new();
        let square = Zeroizing::new(Self::square_of_r(&field, &mut workspace, primes));
        let mut one = *square;
        field.multiply(
            &mut workspace,
            &mut one,
            &Field::<L, C>::number([&[1], &[1]]),
        );
        let mut cube = *square;
        field.square(&mut workspace, &mut cube);
        let mut q_inverse = Field::<L, C>::number([parts.q_inverse, &[]]);
        field.multiply(&mut workspace, &mut q_inverse, &square);
        Self {
            field,
            one,
            cube,
            q_inverse,
            q: Field::<L, C>::number([parts.q, &[]]),
        }
    }

    fn inverse_fits(&self) -> Choice {
        let mut product = Zeroizing::new(self.q);
        self.field
            .multiply(&mut Workspace::new(), &mut product, &self.q_inverse);
        is_one(&self.write(&product, 0))
    }

    fn powers(&self, message: &[u8], exponents: [&[u8]; 2]) -> [Bytes; 2] {
        let mut workspace = Workspace::new();
        let mut base = Zeroizing::new(self.field.reduced(&mut workspace, message));
        self.field.multiply(&mut workspace, &mut base, &self.cube);
        let power = self.window_power(&mut workspace, &base, exponents);
        let mut power = Zeroizing::new(power);
        // Convert out of Montgomery form.
        let one = Field::<L, C>::number([&[1], &[1]]);
        self.field.multiply(&mut workspace, &mut power, &one);
        [self.write(&power, 0), self.write(&power, 1)]
    }

    fn coefficient(&self, s_p: &[u8], s_q: &[u8]) -> Bytes {
        let numbers = [s_p, s_q].map(|s| Zeroizing::new(Field::<L, C>::number([s, &[]])));
        // s_q is below q, and q below 2·p, so the difference is within 2·p.
        let mut difference = Zeroizing::new(Field::<L, C>::difference(&numbers[0], &numbers[1]));
        self.field
            .multiply(&mut Workspace::new(), &mut difference, &self.q_inverse);
        self.write(&difference, 0)
    }

    fn join(&self, coefficient: &[u8], s_q: &[u8]) -> Vec<u8> {
        let coefficient = Zeroizing::new(Field::<L, C>::number([coefficient, &[]]));
        let s_q = Zeroizing::new(Field::<L, C>::number([s_q, &[]]));
        let mut workspace = Workspace::new();
        let product = Field::<L, C>::product(&mut workspace, &coefficient, &self.q);
        let mut limbs: Zeroizing<Vec<_>> =
            Zeroizing::new(product.iter().map(|columns| columns.lanes()[0]).collect());
        for (limb, s_q) in limbs.iter_mut().zip(s_q.limbs(0).iter()) {
            *limb += s_q;
        }
        carry_through(&mut limbs);
        let mut signature = vec![0; 2 * BYTES];
        write_bytes(&limbs, &mut signature);
        signature
    }
}

/// Uses the fused arithmetic if the host fuses, and another one if it does not.
pub(crate) enum Either<F, O> {
    Fused(Box<F>),
    Other(O),
}

impl<F: Primes, O: Primes> Primes for Either<F, O> {
    fn new(parts: &Parts<'_>) -> Self {
        if is_available() {
            Self::Fused(Box::new(F::new(parts)))
        } else {
            Self::Other(O::new(parts))
        }
    }

    fn inverse_fits(&self) -> Choice {
        match self {
            Self::Fused(primes) => primes.inverse_fits(),
            Self::Other(primes) => primes.inverse_fits(),
        }
    }

    fn powers(&self, message: &[u8], exponents: [&[u8]; 2]) -> [Bytes; 2] {
        match self {
            Self::Fused(primes) => primes.powers(message, exponents),
            Self::Other(primes) => primes.powers(message, exponents),
        }
    }

    fn coefficient(&self, s_p: &[u8], s_q: &[u8]) -> Bytes {
        match self {
            Self::Fused(primes) => primes.coefficient(s_p, s_q),
            Self::Other(primes) => primes.coefficient(s_p, s_q),
        }
    }

    fn join(&self, coefficient: &[u8], s_q: &[u8]) -> Vec<u8> {
        match self {
            Self::Fused(primes) => primes.join(coefficient, s_q),
            Self::Other(primes) => primes.join(coefficient, s_q),
        }
    }
}

#[cfg(test)]
mod tests;
