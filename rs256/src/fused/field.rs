//! Montgomery arithmetic modulo two primes at once. The documentation of [`super`] proves its bounds.

use core::array;

use zeroize::{DefaultIsZeroes, Zeroize, Zeroizing};

use super::bias::{
    Bias, LAST, LENGTHS, count_blocks, count_parts, count_reduction, count_square, lengths, part,
    steps,
};
use super::kernels::{self, LOW, MOST_CHAINS};
use super::lanes::{Columns, Doubles};

/// The number of bits in a limb.
pub(super) const LIMB_BITS: u32 = 49;
/// The mask of a limb.
pub(super) const MASK: i64 = (1 << LIMB_BITS) - 1;
/// Added to a column to make it positive. A multiple of β.
const RAISE: i64 = 1 << 62;
/// Added to a column so that signed limbs can be read like unsigned ones.
const HALF: i64 = 1 << (LIMB_BITS - 1);
/// The initial value of each column.
const OFFSET: i64 = RAISE + HALF;
/// What `OFFSET` adds to a limb together with the carry into it.
const EXCESS: i64 = HALF + (RAISE >> LIMB_BITS);
/// A double whose bits can be combined with a non-negative integer below 2⁵² to give the double of their sum.
const WHOLE: f64 = (1_u64 << 52) as f64;

/// The limit of a column's absolute value: the number of parts of chains, each below 2⁵¹.
const LARGEST_COLUMN: i64 = (2 * MOST_CHAINS) << 51;
const _: () = assert!(LARGEST_COLUMN < 1 << 58);

/// A number of `L` limbs for each of the two primes.
#[derive(Clone, Copy)]
pub(super) struct Number<const L: usize>(pub(super) [Doubles; L]);

impl<const L: usize> Default for Number<L> {
    fn default() -> Self {
        Self([Doubles::ZERO; L])
    }
}

impl<const L: usize> DefaultIsZeroes for Number<L> {}

/// Workspace for one computation, `C = 2·L + 1`. Columns 0 to `2·L − 1` start at index 1; index 0 holds the carry into
/// column 0, which is zero.
pub(super) struct Workspace<const L: usize, const C: usize> {
    pub(super) columns: [Columns; C],
    quotient: [Doubles; L],
}

impl<const L: usize, const C: usize> Workspace<L, C> {
    pub(super) fn new() -> Self {
        Self {
            columns: [Columns::ZERO; C],
            quotient: [Doubles::ZERO; L],
        }
    }
}

impl<const L: usize, const C: usize> Drop for Workspace<L, C> {
    fn drop(&mut self) {
        self.columns.zeroize();
        self.quotient.zeroize();
    }
}

/// The constants of a chain in the four columns of the last step, which are read before and after it.
const LAST_BIAS: [i64; LAST] = {
    let both = kernels::LOW_BITS.wrapping_add(kernels::HIGH_BITS);
    [kernels::LOW_BITS, both, both, both]
};

/// Runs a block for each index below a count known at compile time, at most ten. Written out because the crate is optimised
/// for size, where the compiler does not unroll loops and computes and checks the indices in every iteration.
macro_rules! turns {
    ($i:ident < $count:expr => $block:block) => {
        turns!(@ $i, $count, $block; 0 1 2 3 4 5 6 7 8 9)
    };
    (@ $i:ident, $count:expr, $block:block; $($turn:literal)*) => {{
        let count: usize = $count;
        debug_assert!(count <= 10, "more turns than are written out");
        $(
            if $turn < count {
                let $i: usize = $turn;
                $block
            }
        )*
    }};
}

/// Reads four limbs from columns. `columns[0]` is the column before them, which supplies the first carry.
#[inline(always)]
fn read(columns: &[Columns]) -> [Doubles; 4] {
    let [before, a, b, c, d] = *columns
        .first_chunk()
        .expect("all places are constants of the size");
    [limb(before, a), limb(a, b), limb(b, c), limb(c, d)]
}

/// Reads the limb of a column, with the carry from the column before it.
#[inline(always)]
fn limb(before: Columns, column: Columns) -> Doubles {
    #[cfg(debug_assertions)]
    for column in column.lanes() {
        let value = column.wrapping_sub(RAISE);
        debug_assert!(
            value.unsigned_abs() < LARGEST_COLUMN.unsigned_abs(),
            "{value:x}"
        );
    }
    let limb = column
        .and(Columns::splat(MASK))
        .add(before.shift_right(LIMB_BITS));
    limb.doubles()
        .or(Doubles::splat(WHOLE))
        .sub(Doubles::splat(WHOLE + EXCESS as f64))
}

/// Reads as many limbs as `limbs` has.
#[inline(always)]
fn read_all(columns: &[Columns], limbs: &mut [Doubles]) {
    let (fours, rest) = limbs.as_chunks_mut::<4>();
    turns!(i < fours.len() => {
        fours[i] = read(&columns[4 * i..]);
    });
    let at = 4 * fours.len();
    turns!(i < rest.len() => {
        rest[i] = limb(columns[at + i], columns[at + i + 1]);
    });
}

/// Adds `a·b` for one part `a`, and four limbs or one limb as `b`.
#[inline(always)]
fn part_rows(columns: &mut [Columns], a: &[Doubles], b: &[Doubles]) {
    macro_rules! call {
        ($rows:ident, $b:expr) => {
            kernels::$rows(
                columns.first_chunk_mut().expect("all places are constants"),
                a.first_chunk().expect("all parts have this length"),
                $b,
            )
        };
    }
    match (a.len(), b) {
        (21, [b]) => call!(rows_21_1, *b),
        (21, b) => call!(rows_21_4, b.first_chunk().expect("there are four")),
        (_, [b]) => call!(rows_16_1, *b),
        (_, b) => call!(rows_16_4, b.first_chunk().expect("there are four")),
    }
}

/// Adds `a·b` for four limbs or one limb as `b`.
#[inline(always)]
fn rows<const L: usize>(columns: &mut [Columns], a: &[Doubles; L], b: &[Doubles]) {
    let (low, high) = a.split_at(part(L));
    part_rows(columns, low, b);
    if part(L) < L {
        part_rows(&mut columns[part(L)..], high, b);
    }
}

/// Adds `a·b`.
#[inline(always)]
fn blocks<const L: usize>(columns: &mut [Columns], a: &[Doubles; L], b: &[Doubles]) {
    let (fours, ones) = b.as_chunks::<4>();
    turns!(i < fours.len() => {
        rows(&mut columns[4 * i..], a, &fours[i]);
    });
    turns!(i < ones.len() => {
        rows(&mut columns[4 * fours.len() + i..], a, &[ones[i]]);
    });
}

/// Adds the square of a part.
#[inline(always)]
fn part_square(columns: &mut [Columns], a: &[Doubles]) {
    macro_rules! call {
        ($square:ident) => {
            kernels::$square(
                columns.first_chunk_mut().expect("all places are constants"),
                a.first_chunk().expect("all parts have this length"),
            )
        };
    }
    if a.len() == 21 {
        call!(square_21);
    } else {
        call!(square_16);
    }
}

/// Adds `a²`.
#[inline(always)]
fn square_all<const L: usize>(columns: &mut [Columns], a: &[Doubles; L]) {
    let half = part(L);
    let (low, high) = a.split_at(half);
    part_square(columns, low);
    if half == L {
        return;
    }
    part_square(&mut columns[L..], high);
    let (fours, ones) = low.as_chunks::<4>();
    turns!(i < fours.len() => {
        let [b0, b1, b2, b3] = fours[i];
        let twice = [b0.add(b0), b1.add(b1), b2.add(b2), b3.add(b3)];
        part_rows(&mut columns[half + 4 * i..], high, &twice);
    });
    turns!(i < ones.len() => {
        let columns = &mut columns[half + 4 * fours.len() + i..];
        part_rows(columns, high, &[ones[i].add(ones[i])]);
    });
}

/// Two odd moduli.
pub(super) struct Field<const L: usize, const C: usize> {
    pub(super) modulus: Number<L>,
    /// `−m⁻¹ mod β⁴`, in limbs.
    negated_inverse: [Doubles; LAST],
    /// `M` for each length of a step, longest first.
    steps: [Number<L>; LENGTHS],
}

impl<const L: usize, const C: usize> Drop for Field<L, C> {
    fn drop(&mut self) {
        self.modulus.zeroize();
        self.negated_inverse.zeroize();
        self.steps.zeroize();
    }
}

impl<const L: usize, const C: usize> Field<L, C> {
    /// The initial values of the columns for each kind of computation, such that `OFFSET` plus the value remains.
    const PRODUCT: [i64; C] = count_blocks(Bias::<C>::none(), 0, L, L).columns(OFFSET);
    const REDUCTION: [i64; C] = count_reduction(Bias::<C>::none(), L).columns(OFFSET);
    const REDUCED_PRODUCT: [i64; C] =
        count_reduction(count_blocks(Bias::<C>::none(), 0, L, L), L).columns(OFFSET);
    const REDUCED_SQUARE: [i64; C] =
        count_reduction(count_square(Bias::<C>::none(), L), L).columns(OFFSET);

    /// The steps of a reduction before the last one.
    const STEPS: &[usize] = steps(L);
    /// For each of these steps, the index of its constant in `steps`.
    const PLACES: [usize; 10] = {
        let lengths = lengths(L);
        let mut places = [0; 10];
        let mut i = 0;
        while i < Self::STEPS.len() {
            while lengths[places[i]] != Self::STEPS[i] {
                places[i] += 1;
            }
            i += 1;
        }
        places
    };

    /// Creates the field of two odd moduli of full length.
    pub(super) fn new(moduli: [&[u8]; 2]) -> Self {
        let modulus = Self::number(moduli);
        let low = moduli.map(|modulus| limb_of_bytes(modulus, 0));
        // Newton's method: each step turns an inverse modulo 2^k into one modulo 2^2k. An odd number is its own inverse modulo 8.
        let mut inverse = low;
        for _ in 0..5 {
            for (inverse, low) in inverse.iter_mut().zip(low) {
                let error = 2_i64.wrapping_sub(low.wrapping_mul(*inverse));
                *inverse = inverse.wrapping_mul(error);
            }
        }
        let mut new = Self {
            modulus,
            negated_inverse: [Doubles::ZERO; LAST],
            steps: [Number::default(); LENGTHS],
        };
        // Reduce 1 limb by limb: after B limbs the value is (κ·m + 1)/βᴮ, and the quotients are the limbs of κ.
        let bias = count_parts(Bias::<C>::none(), 0, L, 1, 0).columns(0);
        let mut columns = Zeroizing::new([Columns::ZERO; C]);
        columns[0] = Columns::splat(1);
        for at in 0..lengths(L)[0] {
            let [low, other] = columns[at].lanes();
            let limbs = [
                signed_limb(low.wrapping_mul(inverse[0]).wrapping_neg()),
                signed_limb(other.wrapping_mul(inverse[1]).wrapping_neg()),
            ];
            let quotient = Doubles::new(limbs.map(|limb| limb as f64));
            if let Some(place) = new.negated_inverse.get_mut(at) {
                *place = quotient;
            }
            for (column, bias) in columns[at..].iter_mut().zip(bias).take(L + 1) {
                *column = column.add(Columns::splat(bias));
            }
            rows(&mut columns[at..], &new.modulus.0, &[quotient]);
            let carry = columns[at].lanes().map(|column| column >> LIMB_BITS);
            columns[at + 1] = columns[at + 1].add(Columns::new(carry));
            if let Some(place) = lengths(L).iter().position(|length| *length == at + 1) {
                new.steps[place] = Number::from_columns(&columns[at + 1..]);
            }
        }
        inverse.zeroize();
        new
    }

    /// Reads two big-endian numbers of at most `L` limbs.
    pub(super) fn number(bytes: [&[u8]; 2]) -> Number<L> {
        let columns: Zeroizing<[Columns; L]> = Zeroizing::new(array::from_fn(|place| {
            Columns::new(bytes.map(|bytes| limb_of_bytes(bytes, place)))
        }));
        Number::from_columns(&*columns)
    }

    /// Sets the columns to their initial values.
    #[inline(always)]
    fn start(workspace: &mut Workspace<L, C>, start: &[i64; C]) {
        workspace.columns[0] = Columns::splat(RAISE);
        let (columns, last) = workspace.columns[1..].as_chunks_mut::<8>();
        let (starts, last_starts) = start.as_chunks::<8>();
        turns!(i < columns.len() => {
            let [a, b, c, d, e, f, g, h] = starts[i];
            columns[i] = [
                Columns::splat(a),
                Columns::splat(b),
                Columns::splat(c),
                Columns::splat(d),
                Columns::splat(e),
                Columns::splat(f),
                Columns::splat(g),
                Columns::splat(h),
            ];
        });
        turns!(i < last.len() => {
            last[i] = Columns::splat(last_starts[i]);
        });
    }

    /// `a ← a·b/R`.
    pub(super) fn multiply(
        &self,
        workspace: &mut Workspace<L, C>,
        a: &mut Number<L>,
        b: &Number<L>,
    ) {
        Self::start(workspace, &Self::REDUCED_PRODUCT);
        blocks(&mut workspace.columns[1..], &a.0, &b.0);
        self.reduce(workspace, a);
    }

    /// `a ← a²/R`.
    pub(super) fn square(&self, workspace: &mut Workspace<L, C>, a: &mut Number<L>) {
        Self::start(workspace, &Self::REDUCED_SQUARE);
        square_all(&mut workspace.columns[1..], &a.0);
        self.reduce(workspace, a);
    }

    /// Reads a big-endian number of at most `2·L` limbs, for both moduli, and divides it by `R`.
    pub(super) fn reduced(&self, workspace: &mut Workspace<L, C>, bytes: &[u8]) -> Number<L> {
        Self::start(workspace, &Self::REDUCTION);
        for (place, column) in workspace.columns[1..].iter_mut().enumerate() {
            *column = column.add(Columns::splat(limb_of_bytes(bytes, place)));
        }
        let mut out = Number::default();
        self.reduce(workspace, &mut out);
        out
    }

    /// Returns the columns of `a·b`, without offset.
    pub(super) fn product<'a>(
        workspace: &'a mut Workspace<L, C>,
        a: &Number<L>,
        b: &Number<L>,
    ) -> &'a mut [Columns] {
        Self::start(workspace, &Self::PRODUCT);
        let columns = &mut workspace.columns[1..];
        blocks(columns, &a.0, &b.0);
        for column in columns.iter_mut() {
            *column = column.add(Columns::splat(-OFFSET));
        }
        columns
    }

    /// Returns `a − b`, which must fit.
    pub(super) fn difference(a: &Number<L>, b: &Number<L>) -> Number<L> {
        let (a_p, a_q, b_p, b_q) = (a.limbs(0), a.limbs(1), b.limbs(0), b.limbs(1));
        let columns: Zeroizing<[Columns; L]> = Zeroizing::new(array::from_fn(|k| {
            Columns::new([a_p[k] - b_p[k], a_q[k] - b_q[k]])
        }));
        Number::from_columns(&*columns)
    }

    /// Divides the columns by `R`. It is one function because it is most of both a product and a square.
    #[inline(never)]
    fn reduce(&self, workspace: &mut Workspace<L, C>, out: &mut Number<L>) {
        let columns = &mut workspace.columns;
        // The number of limbs dropped so far. Column k is at index k + 1.
        let mut at = 0;
        turns!(i < Self::STEPS.len() => {
            let length = Self::STEPS[i];
            let m = &self.steps[Self::PLACES[i]].0;
            let quotient = &mut workspace.quotient[..length];
            read_all(&columns[at..], quotient);
            at += length;
            blocks(&mut columns[at + 1..], m, quotient);
        });
        self.last_step(&mut columns[at..]);
        at += LAST;
        read_all(&columns[at..], &mut out.0);
        #[cfg(debug_assertions)]
        for last in columns[C - 1].lanes() {
            debug_assert_eq!(
                last >> LIMB_BITS,
                RAISE >> LIMB_BITS,
                "the value does not fit"
            );
        }
    }

    /// The last step: adds `q·m` to `T`, with `q ≡ −T·m⁻¹ (mod β⁴)`. The carry out of the four columns that become zero remains
    /// in the last of them.
    #[inline(always)]
    fn last_step(&self, columns: &mut [Columns]) {
        let low = read(columns);
        let product = kernels::low_product(&low, &self.negated_inverse);
        let mut raised = [Columns::splat(RAISE); LAST + 1];
        for ((raised, product), bias) in raised[1..].iter_mut().zip(product).zip(LAST_BIAS) {
            *raised = product.add(Columns::splat(OFFSET.wrapping_sub(bias)));
        }
        rows(&mut columns[1..], &self.modulus.0, &read(&raised));
        for (k, bias) in LAST_BIAS.into_iter().enumerate() {
            columns[k + 1] = columns[k]
                .shift_right(LIMB_BITS)
                .add(columns[k + 1])
                .add(Columns::splat((-EXCESS).wrapping_sub(bias)));
            #[cfg(debug_assertions)]
            for column in columns[k + 1].lanes() {
                debug_assert_eq!(column & MASK, 0, "the last step leaves no remainder");
            }
        }
    }
}

impl<const L: usize> Number<L> {
    /// Reads a number from columns without offset. The values must fit.
    pub(super) fn from_columns(columns: &[Columns]) -> Self {
        let mut number = Self::default();
        let mut before = Columns::splat(RAISE);
        for (limb_of, column) in number.0.iter_mut().zip(columns) {
            let column = column.add(Columns::splat(OFFSET));
            *limb_of = limb(before, column);
            before = column;
        }
        number
    }

    /// Returns the limbs of one of the two numbers.
    pub(super) fn limbs(&self, lane: usize) -> Zeroizing<[i64; L]> {
        // Uses the bits, like the low part of a chain, because a conversion might branch.
        Zeroizing::new(array::from_fn(|k| {
            let bits = self.0[k].add(Doubles::splat(LOW)).bits();
            bits.add(Columns::splat(-kernels::LOW_BITS)).lanes()[lane]
        }))
    }
}

/// Returns the low bits as a signed limb.
fn signed_limb(bits: i64) -> i64 {
    bits << (64 - LIMB_BITS) >> (64 - LIMB_BITS)
}

/// Returns the unsigned limb at `place` of a number in big-endian bytes.
pub(super) fn limb_of_bytes(bytes: &[u8], place: usize) -> i64 {
    let bit = place * LIMB_BITS as usize;
    let mut window = 0;
    // Seven bytes contain the 49 bits and up to 7 bits before them.
    for i in 0..7 {
        let byte = bytes.iter().rev().nth(bit / 8 + i).copied().unwrap_or(0);
        window |= i64::from(byte) << (8 * i);
    }
    (window >> (bit % 8)) & MASK
}
