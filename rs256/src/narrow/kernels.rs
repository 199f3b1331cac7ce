//! The two inner loops, written out: rows of products, and squares.
//!
//! Both add to columns, where column *k* stands for `columns[k] · 2^(29·k)` and is not carried into the next one. They are
//! not written as loops for one reason: the compiler moves the widening of a repeated limb out of a loop, and what is left
//! inside is a multiplication of 64-bit lanes, which processors do not have. In straight-line code it remains `extmul`, which
//! is one instruction on ARM and three on x86.
//!
//! The repeated limbs come as arguments or from memory for the same reason, and the functions are never inlined. If the
//! compiler sees that all lanes are equal, it uses the low lanes for the high ones, and `extmul` is lost again.

use super::lanes::{Pair, Quad};

/// For a part of `U` quads of a number `a`: `whole` holds its limbs `4·k` to `4·k + 3`, `shifted` the limbs `4·k − 1` to
/// `4·k + 2`. The value in the very first place of `shifted` does not matter.
macro_rules! kernels {
    ($rows:ident, $square:ident, $u:literal, $last:literal; $($k:literal)*; $($i:literal: $($j:literal)*;)*) => {
        /// Adds `a · (b0 + b1·β + b2·β² + b3·β³)`. Each argument holds its limb four times.
        ///
        /// Each column receives at most four products.
        #[inline(never)]
        pub(super) fn $rows(
            columns: &mut [Pair; 2 * $u + 2],
            whole: &[Quad; $u],
            shifted: &[Quad; $u],
            b0: &Quad,
            b1: &Quad,
            b2: &Quad,
            b3: &Quad,
        ) {
            let (b0, b1, b2, b3) = (*b0, *b1, *b2, *b3);
            let x = whole[0];
            let y = shifted[0].and(Quad::new([0, -1, -1, -1]));
            columns[0] = columns[0].add_low(x, b0).add_low(y, b1);
            columns[1] = columns[1]
                .add_high(x, b0)
                .add_high(y, b1)
                .add_low(x, b2)
                .add_low(y, b3);
            let (mut before_x, mut before_y) = (x, y);
            $(
                let (x, y) = (whole[$k], shifted[$k]);
                columns[2 * $k] = columns[2 * $k]
                    .add_low(x, b0)
                    .add_low(y, b1)
                    .add_high(before_x, b2)
                    .add_high(before_y, b3);
                columns[2 * $k + 1] = columns[2 * $k + 1]
                    .add_high(x, b0)
                    .add_high(y, b1)
                    .add_low(x, b2)
                    .add_low(y, b3);
                (before_x, before_y) = (x, y);
            )*
            // The last limb again, as the first limb of a next quad.
            let y = Quad::ZERO.after(before_x);
            columns[2 * $u] = columns[2 * $u]
                .add_low(y, b1)
                .add_high(before_x, b2)
                .add_high(before_y, b3);
            columns[2 * $u + 1] = columns[2 * $u + 1].add_low(y, b3);
        }

        /// Adds `a²`. `spread` holds each limb of `a` four times.
        ///
        /// The product of two different limbs is computed once and counts twice: of the rows of quad *i*, the quad of columns
        /// where it meets itself takes it undoubled, and everything to the right takes it doubled.
        #[inline(never)]
        pub(super) fn $square(
            columns: &mut [Pair; 4 * $u],
            whole: &[Quad; $u],
            shifted: &[Quad; $u],
            spread: &[[Quad; 4]; $u],
        ) {
            let last = Quad::ZERO.after(whole[$last]);
            // Called only for quads that exist.
            let left = |k: usize| whole[k % $u];
            let right = |k: usize| if k == $u { last } else { shifted[k] };
            $({
                let [b0, b1, b2, b3] = spread[$i];
                let doubled = spread[$i].map(|limb| limb.add(limb));
                let beyond_first = Quad::new([0, -1, -1, -1]);
                // The quad itself.
                let x = whole[$i];
                let y = shifted[$i].and(beyond_first);
                columns[4 * $i] = columns[4 * $i].add_low(x, b0).add_low(y, b1);
                columns[4 * $i + 1] = columns[4 * $i + 1]
                    .add_high(x, b0)
                    .add_high(y, b1)
                    .add_low(x, b2)
                    .add_low(y, b3);
                // The next quad, whose first shifted limb belongs to the quad itself.
                let y1 = right($i + 1);
                let y1 = y1.add(y1.and(beyond_first));
                columns[4 * $i + 2] = columns[4 * $i + 2]
                    .add_low(y1, b1)
                    .add_high(x, b2)
                    .add_high(y, b3);
                columns[4 * $i + 3] = columns[4 * $i + 3].add_high(y1, b1).add_low(y1, b3);
                if $i < $last {
                    let x = left($i + 1);
                    columns[4 * $i + 2] = columns[4 * $i + 2].add_low(x, doubled[0]);
                    columns[4 * $i + 3] = columns[4 * $i + 3].add_high(x, doubled[0]).add_low(x, doubled[2]);
                }
                // The other quads.
                $(
                    let (before_x, before_y, y) = (whole[$j - 1], shifted[$j - 1], right($j));
                    columns[2 * ($i + $j)] = columns[2 * ($i + $j)]
                        .add_low(y, doubled[1])
                        .add_high(before_x, doubled[2])
                        .add_high(before_y, doubled[3]);
                    columns[2 * ($i + $j) + 1] = columns[2 * ($i + $j) + 1].add_low(y, doubled[3]);
                    if $j < $u {
                        let x = left($j);
                        columns[2 * ($i + $j)] = columns[2 * ($i + $j)].add_low(x, doubled[0]);
                        columns[2 * ($i + $j) + 1] = columns[2 * ($i + $j) + 1]
                            .add_high(x, doubled[0])
                            .add_high(y, doubled[1])
                            .add_low(x, doubled[2]);
                    }
                )*
            })*
        }
    };
}

kernels! { rows_7, square_7, 7, 6; 1 2 3 4 5 6;
    0: 2 3 4 5 6 7;
    1: 3 4 5 6 7;
    2: 4 5 6 7;
    3: 5 6 7;
    4: 6 7;
    5: 7;
    6: ;
}

kernels! { rows_9, square_9, 9, 8; 1 2 3 4 5 6 7 8;
    0: 2 3 4 5 6 7 8 9;
    1: 3 4 5 6 7 8 9;
    2: 4 5 6 7 8 9;
    3: 5 6 7 8 9;
    4: 6 7 8 9;
    5: 7 8 9;
    6: 8 9;
    7: 9;
    8: ;
}
