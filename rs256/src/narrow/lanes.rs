//! The vectors of the arithmetic: four limbs, or two columns.
//!
//! There are two implementations of the same dozen operations: WebAssembly's `simd128`, and arrays. The first wraps
//! `core::arch::wasm32` and uses only its safe functions, without pointers.

pub(super) use implementation::{Pair, Quad};

#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
mod implementation {
    use core::arch::wasm32::{
        i32x4, i32x4_add, i32x4_extract_lane, i32x4_shuffle, i32x4_splat, i32x4_sub, i64x2,
        i64x2_add, i64x2_extmul_high_i32x4, i64x2_extmul_low_i32x4, i64x2_extract_lane,
        i64x2_shuffle, i64x2_splat, i64x2_sub, u64x2_shr, v128, v128_and, v128_or,
    };

    /// Four signed limbs.
    #[derive(Clone, Copy)]
    #[repr(transparent)]
    pub(crate) struct Quad(v128);

    /// Two signed columns.
    #[derive(Clone, Copy)]
    #[repr(transparent)]
    pub(crate) struct Pair(v128);

    impl Quad {
        pub(crate) const ZERO: Self = Self(i32x4(0, 0, 0, 0));

        #[inline(always)]
        pub(crate) fn new(limbs: [i32; 4]) -> Self {
            Self(i32x4(limbs[0], limbs[1], limbs[2], limbs[3]))
        }

        #[inline(always)]
        pub(crate) fn splat(limb: i32) -> Self {
            Self(i32x4_splat(limb))
        }

        #[inline(always)]
        pub(crate) fn limbs(self) -> [i32; 4] {
            [
                i32x4_extract_lane::<0>(self.0),
                i32x4_extract_lane::<1>(self.0),
                i32x4_extract_lane::<2>(self.0),
                i32x4_extract_lane::<3>(self.0),
            ]
        }

        #[inline(always)]
        pub(crate) fn add(self, other: Self) -> Self {
            Self(i32x4_add(self.0, other.0))
        }

        #[inline(always)]
        pub(crate) fn sub(self, other: Self) -> Self {
            Self(i32x4_sub(self.0, other.0))
        }

        #[inline(always)]
        pub(crate) fn and(self, other: Self) -> Self {
            Self(v128_and(self.0, other.0))
        }

        #[inline(always)]
        pub(crate) fn or(self, other: Self) -> Self {
            Self(v128_or(self.0, other.0))
        }

        /// Returns the last limb of `before`, followed by the first three limbs of `self`.
        #[inline(always)]
        pub(crate) fn after(self, before: Self) -> Self {
            Self(i32x4_shuffle::<3, 4, 5, 6>(before.0, self.0))
        }

        /// Returns each limb repeated in all four places.
        #[inline(always)]
        pub(crate) fn spread(self) -> [Self; 4] {
            [
                Self(i32x4_shuffle::<0, 0, 0, 0>(self.0, self.0)),
                Self(i32x4_shuffle::<1, 1, 1, 1>(self.0, self.0)),
                Self(i32x4_shuffle::<2, 2, 2, 2>(self.0, self.0)),
                Self(i32x4_shuffle::<3, 3, 3, 3>(self.0, self.0)),
            ]
        }
    }

    impl Pair {
        #[inline(always)]
        pub(crate) fn new(columns: [i64; 2]) -> Self {
            Self(i64x2(columns[0], columns[1]))
        }

        #[inline(always)]
        pub(crate) fn splat(column: i64) -> Self {
            Self(i64x2_splat(column))
        }

        #[inline(always)]
        pub(crate) fn columns(self) -> [i64; 2] {
            [
                i64x2_extract_lane::<0>(self.0),
                i64x2_extract_lane::<1>(self.0),
            ]
        }

        #[inline(always)]
        pub(crate) fn add(self, other: Self) -> Self {
            Self(i64x2_add(self.0, other.0))
        }

        #[inline(always)]
        pub(crate) fn sub(self, other: Self) -> Self {
            Self(i64x2_sub(self.0, other.0))
        }

        #[inline(always)]
        pub(crate) fn and(self, other: Self) -> Self {
            Self(v128_and(self.0, other.0))
        }

        /// Shifts right, filling with zeros.
        #[inline(always)]
        pub(crate) fn shift_right(self, bits: u32) -> Self {
            Self(u64x2_shr(self.0, bits))
        }

        /// Returns the second column of `before`, followed by the first column of `self`.
        #[inline(always)]
        pub(crate) fn after(self, before: Self) -> Self {
            Self(i64x2_shuffle::<1, 2>(before.0, self.0))
        }

        /// Adds the products of the first two limbs of each.
        #[inline(always)]
        pub(crate) fn add_low(self, a: Quad, b: Quad) -> Self {
            Self(i64x2_add(self.0, i64x2_extmul_low_i32x4(a.0, b.0)))
        }

        /// Adds the products of the last two limbs of each.
        #[inline(always)]
        pub(crate) fn add_high(self, a: Quad, b: Quad) -> Self {
            Self(i64x2_add(self.0, i64x2_extmul_high_i32x4(a.0, b.0)))
        }
    }
}

#[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
mod implementation {
    use core::array;

    /// Four signed limbs.
    #[derive(Clone, Copy)]
    pub(crate) struct Quad([i32; 4]);

    /// A column. Sums wrap as in a vector.
    #[cfg(not(debug_assertions))]
    type Column = core::num::Wrapping<i64>;

    /// A column that cannot overflow, so that values can be checked when they are read: see [`Pair::columns`].
    #[cfg(debug_assertions)]
    type Column = core::num::Wrapping<i128>;

    /// Two signed columns.
    #[derive(Clone, Copy)]
    pub(crate) struct Pair([Column; 2]);

    #[inline(always)]
    fn column(value: i64) -> Column {
        core::num::Wrapping(value.into())
    }

    /// Returns the low 64 bits.
    #[inline(always)]
    #[allow(
        clippy::cast_possible_truncation,
        clippy::unnecessary_cast,
        reason = "columns are longer in debug builds"
    )]
    fn low(column: Column) -> i64 {
        column.0 as i64
    }

    impl Quad {
        pub(crate) const ZERO: Self = Self([0; 4]);

        #[inline(always)]
        pub(crate) fn new(limbs: [i32; 4]) -> Self {
            Self(limbs)
        }

        #[inline(always)]
        pub(crate) fn splat(limb: i32) -> Self {
            Self([limb; 4])
        }

        #[inline(always)]
        pub(crate) fn limbs(self) -> [i32; 4] {
            self.0
        }

        #[inline(always)]
        pub(crate) fn add(self, other: Self) -> Self {
            Self(array::from_fn(|i| self.0[i].wrapping_add(other.0[i])))
        }

        #[inline(always)]
        pub(crate) fn sub(self, other: Self) -> Self {
            Self(array::from_fn(|i| self.0[i].wrapping_sub(other.0[i])))
        }

        #[inline(always)]
        pub(crate) fn and(self, other: Self) -> Self {
            Self(array::from_fn(|i| self.0[i] & other.0[i]))
        }

        #[inline(always)]
        pub(crate) fn or(self, other: Self) -> Self {
            Self(array::from_fn(|i| self.0[i] | other.0[i]))
        }

        /// Returns the last limb of `before`, followed by the first three limbs of `self`.
        #[inline(always)]
        pub(crate) fn after(self, before: Self) -> Self {
            Self([before.0[3], self.0[0], self.0[1], self.0[2]])
        }

        /// Returns each limb repeated in all four places.
        #[inline(always)]
        pub(crate) fn spread(self) -> [Self; 4] {
            self.0.map(Self::splat)
        }
    }

    impl Pair {
        #[inline(always)]
        pub(crate) fn new(columns: [i64; 2]) -> Self {
            Self(columns.map(column))
        }

        #[inline(always)]
        pub(crate) fn splat(value: i64) -> Self {
            Self([column(value); 2])
        }

        /// # Panics
        /// In debug builds, if a column has more than 64 bits.
        #[inline(always)]
        pub(crate) fn columns(self) -> [i64; 2] {
            self.0.map(|value| {
                debug_assert_eq!(column(low(value)), value, "a column overflows");
                low(value)
            })
        }

        #[inline(always)]
        pub(crate) fn add(self, other: Self) -> Self {
            Self(array::from_fn(|i| self.0[i] + other.0[i]))
        }

        #[inline(always)]
        pub(crate) fn sub(self, other: Self) -> Self {
            Self(array::from_fn(|i| self.0[i] - other.0[i]))
        }

        #[inline(always)]
        pub(crate) fn and(self, other: Self) -> Self {
            Self(array::from_fn(|i| column(low(self.0[i]) & low(other.0[i]))))
        }

        /// Shifts right, filling with zeros.
        #[inline(always)]
        pub(crate) fn shift_right(self, bits: u32) -> Self {
            Self(
                self.0
                    .map(|value| column((low(value).cast_unsigned() >> bits).cast_signed())),
            )
        }

        /// Returns the second column of `before`, followed by the first column of `self`.
        #[inline(always)]
        pub(crate) fn after(self, before: Self) -> Self {
            Self([before.0[1], self.0[0]])
        }

        /// Adds the products of the first two limbs of each.
        #[inline(always)]
        pub(crate) fn add_low(self, a: Quad, b: Quad) -> Self {
            Self(array::from_fn(|i| {
                self.0[i] + column(i64::from(a.0[i]) * i64::from(b.0[i]))
            }))
        }

        /// Adds the products of the last two limbs of each.
        #[inline(always)]
        pub(crate) fn add_high(self, a: Quad, b: Quad) -> Self {
            Self(array::from_fn(|i| {
                self.0[i] + column(i64::from(a.0[i + 2]) * i64::from(b.0[i + 2]))
            }))
        }
    }
}

impl Default for Quad {
    fn default() -> Self {
        Self::ZERO
    }
}

impl Default for Pair {
    fn default() -> Self {
        Self::splat(0)
    }
}

impl zeroize::DefaultIsZeroes for Quad {}
impl zeroize::DefaultIsZeroes for Pair {}
