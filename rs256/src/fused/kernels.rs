//! The inner loops, written out: rows of products, and squares.
//!
//! Both add products of limbs to columns, where column *k* stands for `columns[k]·2^(49·k)`. They are not written as loops,
//! because a host that can interrupt a guest in every iteration keeps the variables of a loop in memory instead of
//! registers.

use super::lanes::{Columns, Doubles};

/// The initial high part, `1.5·2¹⁰¹`. Doubles near it are multiples of 2⁴⁹.
const HIGH: f64 = 3.0 * (1_u128 << 100) as f64;
/// The initial low part, `1.5·2⁵²`. Doubles near it are the integers.
pub(super) const LOW: f64 = 3.0 * (1_u64 << 51) as f64;

/// The bits of the two doubles above, which a high and a low part of zero add to their columns.
pub(super) const HIGH_BITS: i64 = HIGH.to_bits().cast_signed();
pub(super) const LOW_BITS: i64 = LOW.to_bits().cast_signed();

/// The maximum number of high parts, and of low parts, that a column receives.
pub(super) const MOST_CHAINS: i64 = 48;

/// A sum of products, as a high and a low part.
#[derive(Clone, Copy)]
struct Chain {
    high: Doubles,
    low: Doubles,
}

impl Chain {
    /// Starts a chain with `a·b`.
    #[inline(always)]
    fn new(a: Doubles, b: Doubles) -> Self {
        let high = a.multiply_add(b, Doubles::splat(HIGH));
        // Adds LOW and the rounding error of `high` at once.
        let low = a.multiply_add(b, Doubles::splat(HIGH + LOW).sub(high));
        Self { high, low }
    }

    /// Adds `a·b`.
    #[inline(always)]
    fn and(self, a: Doubles, b: Doubles) -> Self {
        let high = a.multiply_add(b, self.high);
        let low = a.multiply_add(b, self.high.sub(high));
        Self {
            high,
            low: self.low.add(low),
        }
    }

    /// Checks that both parts are in the range where the bits of doubles increase by one.
    #[inline(always)]
    fn check(self) {
        #[cfg(debug_assertions)]
        for lane in 0..2 {
            let (high, low) = (self.high.lanes()[lane], self.low.lanes()[lane]);
            debug_assert!(
                (HIGH / 1.5..HIGH / 0.75).contains(&high),
                "high part {high}"
            );
            debug_assert!((LOW / 1.5..LOW / 0.75).contains(&low), "low part {low}");
        }
    }

    /// Adds the low part to its column, together with the high part of the previous chain. Returns this chain's high part.
    #[inline(always)]
    fn put(self, column: &mut Columns, before: Columns) -> Columns {
        self.check();
        *column = column.add(before.add(self.low.bits()));
        self.high.bits()
    }

    /// As [`Self::put`], for the first column.
    #[inline(always)]
    fn put_first(self, column: &mut Columns) -> Columns {
        self.check();
        *column = column.add(self.low.bits());
        self.high.bits()
    }
}

/// Returns the low four limbs of `a·b`, as columns without offset. They include the constants of one chain each.
#[inline(always)]
pub(super) fn low_product(a: &[Doubles; 4], b: &[Doubles; 4]) -> [Columns; 4] {
    let [a0, a1, a2, a3] = *a;
    let [b0, b1, b2, b3] = *b;
    let mut columns = [Columns::ZERO; 4];
    let [c0, c1, c2, c3] = &mut columns;
    let high = Chain::new(a0, b0).put_first(c0);
    let high = Chain::new(a1, b0).and(a0, b1).put(c1, high);
    let high = Chain::new(a2, b0).and(a1, b1).and(a0, b2).put(c2, high);
    Chain::new(a3, b0)
        .and(a2, b1)
        .and(a1, b2)
        .and(a0, b3)
        .put(c3, high);
    columns
}

macro_rules! rows {
    ($rows_4:ident, $rows_1:ident, $length:literal; $($k:literal)*) => {
        /// Adds `a·(b₀ + b₁·β + b₂·β² + b₃·β³)`.
        #[inline(never)]
        pub(super) fn $rows_4(
            columns: &mut [Columns; $length + 4],
            a: &[Doubles; $length],
            b: &[Doubles; 4],
        ) {
            let [b0, b1, b2, b3] = *b;
            let (mut w, mut x, mut y) = (a[0], a[1], a[2]);
            let high = Chain::new(w, b0).put_first(&mut columns[0]);
            let high = Chain::new(x, b0).and(w, b1).put(&mut columns[1], high);
            let mut high = Chain::new(y, b0)
                .and(x, b1)
                .and(w, b2)
                .put(&mut columns[2], high);
            $(
                let z = a[$k];
                high = Chain::new(z, b0)
                    .and(y, b1)
                    .and(x, b2)
                    .and(w, b3)
                    .put(&mut columns[$k], high);
                (w, x, y) = (x, y, z);
            )*
            let high = Chain::new(y, b1)
                .and(x, b2)
                .and(w, b3)
                .put(&mut columns[$length], high);
            let high = Chain::new(y, b2).and(x, b3).put(&mut columns[$length + 1], high);
            let high = Chain::new(y, b3).put(&mut columns[$length + 2], high);
            columns[$length + 3] = columns[$length + 3].add(high);
        }

        /// Adds `a·b`.
        #[inline(never)]
        pub(super) fn $rows_1(
            columns: &mut [Columns; $length + 1],
            a: &[Doubles; $length],
            b: Doubles,
        ) {
            let high = Chain::new(a[0], b).put_first(&mut columns[0]);
            let high = Chain::new(a[1], b).put(&mut columns[1], high);
            let mut high = Chain::new(a[2], b).put(&mut columns[2], high);
            $(
                high = Chain::new(a[$k], b).put(&mut columns[$k], high);
            )*
            columns[$length] = columns[$length].add(high);
        }
    };
}

rows! { rows_16_4, rows_16_1, 16; 3 4 5 6 7 8 9 10 11 12 13 14 15 }
rows! { rows_21_4, rows_21_1, 21; 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 }

/// Adds `a·b`.
#[inline(never)]
fn product_7(columns: &mut [Columns; 14], a: &[Doubles; 7], b: &[Doubles; 7]) {
    let high = Chain::new(a[0], b[0]).put_first(&mut columns[0]);
    let high = Chain::new(a[0], b[1])
        .and(a[1], b[0])
        .put(&mut columns[1], high);
    let high = Chain::new(a[0], b[2])
        .and(a[1], b[1])
        .and(a[2], b[0])
        .put(&mut columns[2], high);
    let high = Chain::new(a[0], b[3])
        .and(a[1], b[2])
        .and(a[2], b[1])
        .and(a[3], b[0])
        .put(&mut columns[3], high);
    let high = Chain::new(a[0], b[4])
        .and(a[1], b[3])
        .and(a[2], b[2])
        .and(a[3], b[1])
        .and(a[4], b[0])
        .put(&mut columns[4], high);
    let high = Chain::new(a[0], b[5])
        .and(a[1], b[4])
        .and(a[2], b[3])
        .and(a[3], b[2])
        .and(a[4], b[1])
        .and(a[5], b[0])
        .put(&mut columns[5], high);
    let high = Chain::new(a[0], b[6])
        .and(a[1], b[5])
        .and(a[2], b[4])
        .and(a[3], b[3])
        .and(a[4], b[2])
        .and(a[5], b[1])
        .and(a[6], b[0])
        .put(&mut columns[6], high);
    let high = Chain::new(a[1], b[6])
        .and(a[2], b[5])
        .and(a[3], b[4])
        .and(a[4], b[3])
        .and(a[5], b[2])
        .and(a[6], b[1])
        .put(&mut columns[7], high);
    let high = Chain::new(a[2], b[6])
        .and(a[3], b[5])
        .and(a[4], b[4])
        .and(a[5], b[3])
        .and(a[6], b[2])
        .put(&mut columns[8], high);
    let high = Chain::new(a[3], b[6])
        .and(a[4], b[5])
        .and(a[5], b[4])
        .and(a[6], b[3])
        .put(&mut columns[9], high);
    let high = Chain::new(a[4], b[6])
        .and(a[5], b[5])
        .and(a[6], b[4])
        .put(&mut columns[10], high);
    let high = Chain::new(a[5], b[6])
        .and(a[6], b[5])
        .put(&mut columns[11], high);
    let high = Chain::new(a[6], b[6]).put(&mut columns[12], high);
    columns[13] = columns[13].add(high);
}

/// Adds `a²`.
#[inline(never)]
fn square_7(columns: &mut [Columns; 14], a: &[Doubles; 7]) {
    let twice = doubled(a);
    let high = Chain::new(a[0], a[0]).put_first(&mut columns[0]);
    let high = Chain::new(twice[0], a[1]).put(&mut columns[1], high);
    let high = Chain::new(twice[0], a[2])
        .and(a[1], a[1])
        .put(&mut columns[2], high);
    let high = Chain::new(twice[0], a[3])
        .and(twice[1], a[2])
        .put(&mut columns[3], high);
    let high = Chain::new(twice[0], a[4])
        .and(twice[1], a[3])
        .and(a[2], a[2])
        .put(&mut columns[4], high);
    let high = Chain::new(twice[0], a[5])
        .and(twice[1], a[4])
        .and(twice[2], a[3])
        .put(&mut columns[5], high);
    let high = Chain::new(twice[0], a[6])
        .and(twice[1], a[5])
        .and(twice[2], a[4])
        .and(a[3], a[3])
        .put(&mut columns[6], high);
    let high = Chain::new(twice[1], a[6])
        .and(twice[2], a[5])
        .and(twice[3], a[4])
        .put(&mut columns[7], high);
    let high = Chain::new(twice[2], a[6])
        .and(twice[3], a[5])
        .and(a[4], a[4])
        .put(&mut columns[8], high);
    let high = Chain::new(twice[3], a[6])
        .and(twice[4], a[5])
        .put(&mut columns[9], high);
    let high = Chain::new(twice[4], a[6])
        .and(a[5], a[5])
        .put(&mut columns[10], high);
    let high = Chain::new(twice[5], a[6]).put(&mut columns[11], high);
    let high = Chain::new(a[6], a[6]).put(&mut columns[12], high);
    columns[13] = columns[13].add(high);
}

/// Adds `a²`, in blocks of seven limbs: a single function would be larger than the decoded code that processors cache.
pub(super) fn square_21(columns: &mut [Columns; 42], a: &[Doubles; 21]) {
    let [x, y, z] = a.as_chunks::<7>().0 else {
        unreachable!("21 is three times seven");
    };
    square_7(seven(columns, 0), x);
    square_7(seven(columns, 14), y);
    square_7(seven(columns, 28), z);
    let (twice_x, twice_y) = (doubled(x), doubled(y));
    product_7(seven(columns, 7), &twice_x, y);
    product_7(seven(columns, 14), &twice_x, z);
    product_7(seven(columns, 21), &twice_y, z);
}

/// Returns `2·a`, limb by limb.
#[inline(always)]
fn doubled(a: &[Doubles; 7]) -> [Doubles; 7] {
    let [a0, a1, a2, a3, a4, a5, a6] = *a;
    [
        a0.add(a0),
        a1.add(a1),
        a2.add(a2),
        a3.add(a3),
        a4.add(a4),
        a5.add(a5),
        a6.add(a6),
    ]
}

/// Returns the columns from `at` on to which a product of two blocks of seven limbs is added.
#[inline(always)]
fn seven(columns: &mut [Columns; 42], at: usize) -> &mut [Columns; 14] {
    columns[at..]
        .first_chunk_mut()
        .expect("all places are constants")
}

/// Adds `a²`, four limbs at a time. The product of two different limbs is computed once, with one of them doubled.
macro_rules! square {
    ($square:ident, $length:literal; $($i:literal)*) => {
        /// Adds `a²`.
        #[inline(never)]
        pub(super) fn $square(columns: &mut [Columns; 2 * $length], a: &[Doubles; $length]) {
            square!(@from columns, a, $length; $($i)*);
        }
    };
    // Four limbs, and all that follow. Each has its own function: in a single one, the compiler keeps more values live than a
    // processor has registers.
    (@from $columns:ident, $a:ident, $length:literal;
        $i:literal $i1:literal $i2:literal $i3:literal $($j:literal)*) => {{
        #[inline(never)]
        fn block(columns: &mut [Columns; 2 * $length], a: &[Doubles; $length]) {
            let (a0, a1, a2, a3) = (a[$i], a[$i1], a[$i2], a[$i3]);
            let (d0, d1, d2, d3) = (a0.add(a0), a1.add(a1), a2.add(a2), a3.add(a3));
            let high = Chain::new(a0, a0).put_first(&mut columns[2 * $i]);
            let high = Chain::new(a1, d0).put(&mut columns[2 * $i + 1], high);
            let high = Chain::new(a2, d0).and(a1, a1).put(&mut columns[2 * $i + 2], high);
            let high = Chain::new(a3, d0).and(a2, d1).put(&mut columns[2 * $i + 3], high);
            let high = Chain::new(a3, d1).and(a2, a2).put(&mut columns[2 * $i + 4], high);
            let high = Chain::new(a3, d2).put(&mut columns[2 * $i + 5], high);
            let high = Chain::new(a3, a3).put(&mut columns[2 * $i + 6], high);
            columns[2 * $i + 7] = columns[2 * $i + 7].add(high);
            square!(@rest columns, a, $length, $i, d0, d1, d2, d3; $($j)*);
        }
        block($columns, $a);
        square!(@from $columns, $a, $length; $($j)*);
    }};
    (@from $columns:ident, $a:ident, $length:literal;) => {};
    // The limbs after the four from `i` on, multiplied by these four.
    (@rest $columns:ident, $a:ident, $length:literal, $i:literal,
        $d0:ident, $d1:ident, $d2:ident, $d3:ident;
        $j:literal $j1:literal $j2:literal $($k:literal)*) => {
        let (mut w, mut x, mut y) = ($a[$j], $a[$j1], $a[$j2]);
        let high = Chain::new(w, $d0).put_first(&mut $columns[$i + $j]);
        let high = Chain::new(x, $d0).and(w, $d1).put(&mut $columns[$i + $j1], high);
        let mut high = Chain::new(y, $d0)
            .and(x, $d1)
            .and(w, $d2)
            .put(&mut $columns[$i + $j2], high);
        $(
            let z = $a[$k];
            high = Chain::new(z, $d0)
                .and(y, $d1)
                .and(x, $d2)
                .and(w, $d3)
                .put(&mut $columns[$i + $k], high);
            (w, x, y) = (x, y, z);
        )*
        let high = Chain::new(y, $d1)
            .and(x, $d2)
            .and(w, $d3)
            .put(&mut $columns[$i + $length], high);
        let high = Chain::new(y, $d2).and(x, $d3).put(&mut $columns[$i + $length + 1], high);
        let high = Chain::new(y, $d3).put(&mut $columns[$i + $length + 2], high);
        $columns[$i + $length + 3] = $columns[$i + $length + 3].add(high);
    };
    (@rest $columns:ident, $a:ident, $length:literal, $i:literal,
        $d0:ident, $d1:ident, $d2:ident, $d3:ident;) => {
        let _ = ($d0, $d1, $d2, $d3);
    };
}

square! { square_16, 16; 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 }
