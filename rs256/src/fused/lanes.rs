//! The vectors of the arithmetic: two doubles or two columns, one for each prime.
//!
//! There are two implementations of the same operations: WebAssembly's vectors with `f64x2.relaxed_madd`, and arrays. The
//! first wraps `core::arch::wasm32` and uses only its safe functions, without pointers. The second returns the same bits,
//! and is for tests.

pub(super) use implementation::{Columns, Doubles};

#[cfg(all(target_arch = "wasm32", target_feature = "relaxed-simd"))]
mod implementation {
    use core::arch::wasm32::{
        f64x2, f64x2_add, f64x2_extract_lane, f64x2_relaxed_madd, f64x2_splat, f64x2_sub, i64x2,
        i64x2_add, i64x2_eq, i64x2_extract_lane, i64x2_splat, u64x2_shr, v128, v128_and, v128_or,
    };

    /// Two doubles.
    #[derive(Clone, Copy)]
    #[repr(transparent)]
    pub(crate) struct Doubles(v128);

    /// Two columns of 64 bits.
    #[derive(Clone, Copy)]
    #[repr(transparent)]
    pub(crate) struct Columns(v128);

    impl Doubles {
        pub(crate) const ZERO: Self = Self(f64x2(0.0, 0.0));

        #[inline(always)]
        pub(crate) fn new(doubles: [f64; 2]) -> Self {
            Self(f64x2(doubles[0], doubles[1]))
        }

        #[inline(always)]
        pub(crate) fn splat(double: f64) -> Self {
            Self(f64x2_splat(double))
        }

        #[inline(always)]
        pub(crate) fn lanes(self) -> [f64; 2] {
            [
                f64x2_extract_lane::<0>(self.0),
                f64x2_extract_lane::<1>(self.0),
            ]
        }

        /// Returns `self·b + c`, rounded once if the host fuses, and twice if it does not.
        #[inline(always)]
        pub(crate) fn multiply_add(self, b: Self, c: Self) -> Self {
            Self(f64x2_relaxed_madd(self.0, b.0, c.0))
        }

        #[inline(always)]
        pub(crate) fn add(self, other: Self) -> Self {
            Self(f64x2_add(self.0, other.0))
        }

        #[inline(always)]
        pub(crate) fn sub(self, other: Self) -> Self {
            Self(f64x2_sub(self.0, other.0))
        }

        #[inline(always)]
        pub(crate) fn or(self, other: Self) -> Self {
            Self(v128_or(self.0, other.0))
        }

        #[inline(always)]
        pub(crate) fn and(self, mask: Columns) -> Self {
            Self(v128_and(self.0, mask.0))
        }

        #[inline(always)]
        pub(crate) fn bits(self) -> Columns {
            Columns(self.0)
        }
    }

    impl Columns {
        pub(crate) const ZERO: Self = Self(i64x2(0, 0));

        #[inline(always)]
        pub(crate) fn new(columns: [i64; 2]) -> Self {
            Self(i64x2(columns[0], columns[1]))
        }

        #[inline(always)]
        pub(crate) fn splat(column: i64) -> Self {
            Self(i64x2_splat(column))
        }

        #[inline(always)]
        pub(crate) fn lanes(self) -> [i64; 2] {
            [
                i64x2_extract_lane::<0>(self.0),
                i64x2_extract_lane::<1>(self.0),
            ]
        }

        /// Adds, modulo 2⁶⁴.
        #[inline(always)]
        pub(crate) fn add(self, other: Self) -> Self {
            Self(i64x2_add(self.0, other.0))
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

        /// Returns all ones in the lanes that are equal, and zeros in the others.
        #[inline(always)]
        pub(crate) fn equal(self, other: Self) -> Self {
            Self(i64x2_eq(self.0, other.0))
        }

        /// Returns the doubles with these bits.
        #[inline(always)]
        pub(crate) fn doubles(self) -> Doubles {
            Doubles(self.0)
        }
    }
}

#[cfg(not(all(target_arch = "wasm32", target_feature = "relaxed-simd")))]
mod implementation {
    use core::array;

    /// Two doubles.
    #[derive(Clone, Copy)]
    pub(crate) struct Doubles([f64; 2]);

    /// Two columns of 64 bits.
    #[derive(Clone, Copy)]
    pub(crate) struct Columns([i64; 2]);

    impl Doubles {
        pub(crate) const ZERO: Self = Self([0.0; 2]);

        #[inline(always)]
        pub(crate) fn new(doubles: [f64; 2]) -> Self {
            Self(doubles)
        }

        #[inline(always)]
        pub(crate) fn splat(double: f64) -> Self {
            Self([double; 2])
        }

        #[inline(always)]
        pub(crate) fn lanes(self) -> [f64; 2] {
            self.0
        }

        /// Returns `self·b + c`, rounded once.
        #[inline(always)]
        pub(crate) fn multiply_add(self, b: Self, c: Self) -> Self {
            Self(array::from_fn(|i| self.0[i].mul_add(b.0[i], c.0[i])))
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
        pub(crate) fn or(self, other: Self) -> Self {
            let [a, b] = [self.bits().0, other.bits().0];
            Columns(array::from_fn(|i| a[i] | b[i])).doubles()
        }

        #[inline(always)]
        pub(crate) fn and(self, mask: Columns) -> Self {
            self.bits().and(mask).doubles()
        }

        #[inline(always)]
        pub(crate) fn bits(self) -> Columns {
            Columns(self.0.map(|double| double.to_bits().cast_signed()))
        }
    }

    impl Columns {
        pub(crate) const ZERO: Self = Self([0; 2]);

        #[inline(always)]
        pub(crate) fn new(columns: [i64; 2]) -> Self {
            Self(columns)
        }

        #[inline(always)]
        pub(crate) fn splat(column: i64) -> Self {
            Self([column; 2])
        }

        #[inline(always)]
        pub(crate) fn lanes(self) -> [i64; 2] {
            self.0
        }

        /// Adds, modulo 2⁶⁴.
        #[inline(always)]
        pub(crate) fn add(self, other: Self) -> Self {
            Self(array::from_fn(|i| self.0[i].wrapping_add(other.0[i])))
        }

        #[inline(always)]
        pub(crate) fn and(self, other: Self) -> Self {
            Self(array::from_fn(|i| self.0[i] & other.0[i]))
        }

        /// Shifts right, filling with zeros.
        #[inline(always)]
        pub(crate) fn shift_right(self, bits: u32) -> Self {
            Self(
                self.0
                    .map(|column| (column.cast_unsigned() >> bits).cast_signed()),
            )
        }

        /// Returns all ones in the lanes that are equal, and zeros in the others.
        #[inline(always)]
        pub(crate) fn equal(self, other: Self) -> Self {
            Self(array::from_fn(|i| -i64::from(self.0[i] == other.0[i])))
        }

        /// Returns the doubles with these bits.
        #[inline(always)]
        pub(crate) fn doubles(self) -> Doubles {
            Doubles(self.0.map(|column| f64::from_bits(column.cast_unsigned())))
        }
    }
}

impl Default for Doubles {
    fn default() -> Self {
        Self::ZERO
    }
}

impl Default for Columns {
    fn default() -> Self {
        Self::ZERO
    }
}

impl zeroize::DefaultIsZeroes for Doubles {}
impl zeroize::DefaultIsZeroes for Columns {}
