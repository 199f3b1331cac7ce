//! The constants that the chains of a computation add to each column besides the products, counted at compile time.

use super::kernels::{HIGH_BITS, LOW_BITS, MOST_CHAINS};

/// Returns the numbers of limbs that the steps of a reduction drop, without the last step.
pub(super) const fn steps(length: usize) -> &'static [usize] {
    match length {
        21 => &[8, 4, 4, 1],
        32 => &[16, 8, 4],
        42 => &[20, 8, 4, 4, 1, 1],
        _ => panic!("there are three lengths"),
    }
}

/// The number of limbs that the last step drops.
pub(super) const LAST: usize = 4;
/// The maximum number of different lengths of steps.
pub(super) const LENGTHS: usize = 4;

/// Returns the different lengths of steps, longest first, padded with zeros.
pub(super) const fn lengths(length: usize) -> [usize; LENGTHS] {
    match length {
        21 => [8, 4, 1, 0],
        32 => [16, 8, 4, 0],
        _ => [20, 8, 4, 1],
    }
}

/// Returns the number of limbs in the parts by which a number is multiplied.
pub(super) const fn part(length: usize) -> usize {
    if length == 21 { length } else { length / 2 }
}

/// Counts the chains of `a·b` for `count` limbs of `b`.
pub(super) const fn count_blocks<const C: usize>(
    mut bias: Bias<C>,
    mut at: usize,
    length: usize,
    mut count: usize,
) -> Bias<C> {
    while count > 0 {
        let rows = if count >= 4 { 4 } else { 1 };
        bias = count_parts(bias, at, length, rows, 0);
        at += rows;
        count -= rows;
    }
    bias
}

/// Counts the chains of a block of rows, in the columns from `from` on.
pub(super) const fn count_parts<const C: usize>(
    mut bias: Bias<C>,
    at: usize,
    length: usize,
    rows: usize,
    from: usize,
) -> Bias<C> {
    let mut place = 0;
    while place < length {
        bias = bias.rows_from(at + place, part(length), rows, from);
        place += part(length);
    }
    bias
}

/// Counts the chains of a square.
pub(super) const fn count_square<const C: usize>(bias: Bias<C>, length: usize) -> Bias<C> {
    let half = part(length);
    let bias = bias.square(0, half);
    if length == half {
        return bias;
    }
    let bias = bias.square(length, half);
    count_blocks_of_part(bias, half)
}

/// Counts the chains of the product of the two halves.
const fn count_blocks_of_part<const C: usize>(mut bias: Bias<C>, half: usize) -> Bias<C> {
    let mut i = 0;
    while i < half {
        let rows = if half - i >= 4 { 4 } else { 1 };
        bias = bias.rows(half + i, half, rows);
        i += rows;
    }
    bias
}

/// Counts the chains of a reduction.
pub(super) const fn count_reduction<const C: usize>(mut bias: Bias<C>, length: usize) -> Bias<C> {
    let steps = steps(length);
    let (mut at, mut i) = (0, 0);
    while i < steps.len() {
        at += steps[i];
        bias = count_blocks(bias, at, length, steps[i]);
        i += 1;
    }
    count_parts(bias, at, length, LAST, at + LAST)
}

/// Counts the low and the high parts that `count` rows of `length` limbs add from the column `at` on, limited to the columns
/// from `from` on.
const fn count_rows(
    low: &mut [i64],
    high: &mut [i64],
    at: usize,
    length: usize,
    count: usize,
    from: usize,
) {
    let mut k = at;
    while k < at + length + count - 1 {
        if k >= from {
            low[k] += 1;
        }
        if k + 1 >= from {
            high[k + 1] += 1;
        }
        k += 1;
    }
}

/// As [`count_rows`], for the square of `length` limbs.
const fn count_part_square(low: &mut [i64], high: &mut [i64], at: usize, length: usize) {
    let block = if length == 21 { 7 } else { 4 };
    let mut i = 0;
    while i < length {
        count_rows(low, high, at + 2 * i, block, block, 0);
        let mut j = i + block;
        if block == 4 && j < length {
            count_rows(low, high, at + i + j, length - j, block, 0);
            j = length;
        }
        while j < length {
            count_rows(low, high, at + i + j, block, block, 0);
            j += block;
        }
        i += block;
    }
}

/// The constants that the chains of a computation add to each column, as numbers of low and high parts.
#[derive(Clone, Copy)]
pub(super) struct Bias<const C: usize> {
    low: [i64; C],
    high: [i64; C],
}

impl<const C: usize> Bias<C> {
    pub(super) const fn none() -> Self {
        Self {
            low: [0; C],
            high: [0; C],
        }
    }

    /// Counts the chains of a block of rows.
    pub(super) const fn rows(self, at: usize, length: usize, count: usize) -> Self {
        self.rows_from(at, length, count, 0)
    }

    /// Counts the chains of a block of rows, in the columns from `from` on.
    pub(super) const fn rows_from(
        mut self,
        at: usize,
        length: usize,
        count: usize,
        from: usize,
    ) -> Self {
        count_rows(&mut self.low, &mut self.high, at, length, count, from);
        self
    }

    /// Counts the chains of a square.
    pub(super) const fn square(mut self, at: usize, length: usize) -> Self {
        count_part_square(&mut self.low, &mut self.high, at, length);
        self
    }

    /// Returns the initial value of each column such that `start` remains after the constants are added.
    pub(super) const fn columns(self, start: i64) -> [i64; C] {
        let mut columns = [start; C];
        let mut k = 0;
        while k < C {
            assert!(self.low[k] <= MOST_CHAINS && self.high[k] <= MOST_CHAINS);
            columns[k] = columns[k]
                .wrapping_sub(LOW_BITS.wrapping_mul(self.low[k]))
                .wrapping_sub(HIGH_BITS.wrapping_mul(self.high[k]));
            k += 1;
        }
        columns
    }
}
