//! Compares both implementations with `num-bigint`, for each size that RSA needs.

use alloc::vec;
use alloc::vec::Vec;

use num_bigint::BigUint;
use proptest::prelude::*;

use super::Modulus;
use crate::broad::Broad;
use crate::narrow::Narrow;

fn one<M: Modulus>() -> M::Number {
    M::number(&[1])
}

fn bytes<M: Modulus>(value: &BigUint) -> Vec<u8> {
    padded(value, M::BYTES)
}

/// A number as big-endian bytes with leading zeros.
pub(crate) fn padded(value: &BigUint, length: usize) -> Vec<u8> {
    let value = value.to_bytes_be();
    let mut bytes = vec![0; length - value.len()];
    bytes.extend(value);
    bytes
}

/// `x/R mod m`, computed by `num-bigint`.
pub(crate) fn divided(x: &BigUint, r_bits: u32, m: &BigUint) -> BigUint {
    let r = BigUint::from(1_u8) << r_bits;
    x * r.modinv(m).expect("the modulus is odd") % m
}

fn written<M: Modulus>(m: &M, number: &M::Number) -> BigUint {
    let mut out = vec![0xAA; M::BYTES];
    m.write(number, &mut out);
    BigUint::from_bytes_be(&out)
}

/// Checks all operations on two numbers below `256^BYTES`.
fn check<M: Modulus>(modulus: &BigUint, a: &BigUint, b: &BigUint) {
    let m = M::new(&bytes::<M>(modulus));
    let mut workspace = M::workspace();
    let (x, y) = (M::number(&bytes::<M>(a)), M::number(&bytes::<M>(b)));

    assert_eq!(written(&m, &x), a % modulus, "read and written");

    let mut product = x;
    m.multiply(&mut workspace, &mut product, &y);
    let expected = divided(&(a * b), M::R_BITS, modulus);
    assert_eq!(written(&m, &product), expected, "product");

    let mut square = x;
    m.square(&mut workspace, &mut square);
    let expected = divided(&(a * a), M::R_BITS, modulus);
    assert_eq!(written(&m, &square), expected, "square");

    // Products of differences of products, as in the recombination.
    let mut difference = product;
    m.subtract(&mut difference, &y);
    m.multiply(&mut workspace, &mut difference, &product);
    let product = written(&m, &product);
    let expected = (&product + modulus * 2_u8 - b) * &product;
    assert_eq!(
        written(&m, &difference),
        divided(&expected, M::R_BITS, modulus),
        "product of a difference"
    );

    let wide = a * b;
    let mut wide_bytes = vec![0; 2 * M::BYTES];
    M::write_product(&mut workspace, &x, &y, &one::<M>(), &mut wide_bytes);
    let wide_plus_one = BigUint::from_bytes_be(&wide_bytes);
    assert_eq!(wide_plus_one, wide + 1_u8, "plain product and sum");
    assert_eq!(
        written(&m, &m.reduced(&mut workspace, &wide_bytes)),
        divided(&wide_plus_one, M::R_BITS, modulus),
        "reduction"
    );
}

/// Checks that numbers stay in their range in long chains of operations.
fn chain<M: Modulus>(modulus: &BigUint, start: &BigUint, length: usize) {
    let m = M::new(&bytes::<M>(modulus));
    let mut workspace = M::workspace();
    let first = M::number(&bytes::<M>(start));
    let mut x = first;
    let mut expected = start.clone();
    for i in 0..length {
        if i % 3 == 2 {
            m.multiply(&mut workspace, &mut x, &first);
            expected = divided(&(&expected * start), M::R_BITS, modulus);
        } else {
            m.square(&mut workspace, &mut x);
            expected = divided(&(&expected * &expected), M::R_BITS, modulus);
        }
    }
    assert_eq!(written(&m, &x), expected);
}

/// Numbers where carries, signs or comparisons change.
pub(crate) fn edges(bits: u32) -> Vec<BigUint> {
    let one = BigUint::from(1_u8);
    let full = (&one << bits) - 1_u8;
    let mut edges = vec![
        BigUint::ZERO,
        one.clone(),
        BigUint::from(2_u8),
        full.clone(),
        &full - 1_u8,
        &one << (bits - 1),
        (&one << (bits - 1)) - 1_u8,
        (&one << (bits - 1)) + 1_u8,
        // Alternating bits.
        &full / 3_u8,
        &full / 3_u8 * 2_u8,
    ];
    // For each length of limbs: all limbs at their maximum or minimum, and numbers next to these.
    for limb in [28_u32, 29, 30, 32, 48, 49, 50, 57, 60, 61, 64] {
        let mut pattern = BigUint::ZERO;
        for place in (0..bits).step_by(limb as usize) {
            pattern |= &one << (place + limb - 1);
        }
        let pattern = pattern & &full;
        edges.push(&full - &pattern);
        edges.push((&pattern + 1_u8) & &full);
        edges.push(pattern);
        edges.push(&one << (bits / limb * limb - 1));
        edges.push((&one << (bits / limb * limb - limb)) - 1_u8);
    }
    edges.extend(extremes(bits));
    edges
}

/// All signed limbs at their maximum, or at their minimum, as far as these fit, for both lengths of signed limbs.
pub(crate) fn extremes(bits: u32) -> Vec<BigUint> {
    let one = BigUint::from(1_u8);
    let mut extremes = vec![(&one << bits) - 1_u8];
    for limb in [29_u32, 49] {
        let ones =
            (0..bits / limb).fold(BigUint::ZERO, |sum, place| sum + (&one << (place * limb)));
        let half = &ones << (limb - 1);
        extremes.extend([(&one << bits) - &half, half - ones]);
    }
    extremes
}

/// Odd moduli of full length: near powers of two and limb boundaries, and with long runs of zeros and ones.
pub(crate) fn edge_moduli(bits: u32) -> Vec<BigUint> {
    let top = BigUint::from(1_u8) << (bits - 1);
    edges(bits)
        .into_iter()
        .map(|edge| edge | &top | BigUint::from(1_u8))
        .collect()
}

/// Compares products of all kinds of numbers, with a new modulus every 500.
fn long_run<M: Modulus>(multiplications: usize) {
    let bits = 8 * u32::try_from(M::BYTES).unwrap();
    let (edges, moduli) = (edges(bits), edge_moduli(bits));
    let random = || {
        let mut bytes = vec![0; M::BYTES];
        getrandom::fill(&mut bytes).unwrap();
        BigUint::from_bytes_be(&bytes)
    };
    let top = BigUint::from(1_u8) << (bits - 1);
    let mut done = 0;
    for round in 0.. {
        if done >= multiplications {
            break;
        }
        // Every eighth modulus is an edge case.
        let modulus = match round % 8 {
            0 => moduli[round / 8 % moduli.len()].clone(),
            _ => random() | &top | BigUint::from(1_u8),
        };
        let r = BigUint::from(1_u8) << M::R_BITS;
        let inverse = r.modinv(&modulus).unwrap();
        let m = M::new(&bytes::<M>(&modulus));
        let mut workspace = M::workspace();
        let (mut x, mut expected) = (one::<M>(), BigUint::from(1_u8));
        for i in 0..250 {
            let factor = match i % 5 {
                0 => edges[(round + i) % edges.len()].clone(),
                _ => random(),
            };
            m.multiply(&mut workspace, &mut x, &M::number(&bytes::<M>(&factor)));
            expected = expected * factor * &inverse % &modulus;
            assert_eq!(written(&m, &x), expected, "product modulo {modulus}");
            m.square(&mut workspace, &mut x);
            expected = &expected * &expected * &inverse % &modulus;
            assert_eq!(written(&m, &x), expected, "square modulo {modulus}");
            done += 2;
        }
    }
}

/// Reads a number from an environment variable.
pub(crate) fn setting(name: &str, otherwise: usize) -> usize {
    std::env::var(name).map_or(otherwise, |text| text.parse().expect("a number"))
}

/// Limbs that are all at their maximum or minimum, with moduli of the same kind. No columns can be fuller.
fn fullest_columns<M: Modulus>() {
    let bits = 8 * u32::try_from(M::BYTES).unwrap();
    let extremes = extremes(bits);
    for modulus in &extremes {
        let modulus = modulus | (BigUint::from(1_u8) << (bits - 1)) | BigUint::from(1_u8);
        for a in &extremes {
            for b in &extremes {
                check::<M>(&modulus, a, b);
            }
        }
    }
}

fn all_edges<M: Modulus>(stride: usize) {
    let bits = 8 * u32::try_from(M::BYTES).unwrap();
    let edges = edges(bits);
    // Each run checks a different subset; `RS256_STRIDE=1` checks all.
    let mut count = usize::try_from(getrandom::u32().unwrap()).unwrap() % stride;
    for modulus in edge_moduli(bits) {
        let mut numbers = edges.clone();
        numbers.extend([&modulus - 1_u8, &modulus - 2_u8, modulus.clone()]);
        for (i, a) in numbers.iter().enumerate() {
            for b in &numbers[i..] {
                count += 1;
                if count.is_multiple_of(stride) {
                    check::<M>(&modulus, a, b);
                }
            }
        }
        chain::<M>(&modulus, &(&modulus - 1_u8), 12);
    }
}

pub(crate) fn number(length: usize) -> impl Strategy<Value = BigUint> {
    prop_oneof![
        prop::collection::vec(any::<u8>(), length),
        // Long runs of zeros and ones.
        prop::collection::vec(prop_oneof![Just(0_u8), Just(0xFF), any::<u8>()], length),
        prop::collection::vec((any::<u8>(), 1..40_usize), length).prop_map(move |runs| {
            let mut bytes: Vec<_> = runs
                .into_iter()
                .flat_map(|(byte, count)| {
                    core::iter::repeat_n(if byte > 127 { 0xFF } else { 0 }, count)
                })
                .collect();
            bytes.truncate(length);
            bytes
        }),
    ]
    .prop_map(|bytes| BigUint::from_bytes_be(&bytes))
}

fn properties<M: Modulus>(cases: u32) {
    let length = M::BYTES;
    let top = BigUint::from(1_u8) << (8 * length - 1);
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(cases));
    runner
        .run(
            &(number(length), number(length), number(length)),
            |(modulus, a, b)| {
                let modulus = modulus | &top | BigUint::from(1_u8);
                check::<M>(&modulus, &a, &b);
                Ok(())
            },
        )
        .unwrap();
}

macro_rules! sizes {
    ($($name:ident: $implementation:ty;)*) => { $(
        mod $name {
            use super::*;

            #[test]
            fn edge_operands_give_what_another_library_gives() {
                all_edges::<$implementation>(setting("RS256_STRIDE", 997));
            }

            #[test]
            fn the_fullest_columns_do_not_overflow() {
                fullest_columns::<$implementation>();
            }

            #[test]
            #[ignore = "takes minutes; RS256_MULTIPLICATIONS tells how many, over all sizes"]
            fn long_run_gives_what_another_library_gives() {
                long_run::<$implementation>(setting("RS256_MULTIPLICATIONS", 100_000) / 10);
            }

            #[test]
            fn random_operands_give_what_another_library_gives() {
                properties::<$implementation>(32);
            }
        }
    )* };
}

sizes! {
    narrow_1024: Narrow<9, 128>;
    narrow_1536: Narrow<14, 192>;
    narrow_2048: Narrow<18, 256>;
    narrow_3072: Narrow<27, 384>;
    narrow_4096: Narrow<36, 512>;
    broad_1024: Broad<18, 128>;
    broad_1536: Broad<27, 192>;
    broad_2048: Broad<36, 256>;
    broad_3072: Broad<54, 384>;
    broad_4096: Broad<72, 512>;
}
