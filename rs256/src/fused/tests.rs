//! Compares the arithmetic with `num-bigint`, with different moduli and numbers in the two lanes.

use alloc::vec;
use alloc::vec::Vec;

use num_bigint::BigUint;
use proptest::prelude::*;

use super::*;
use crate::modulus::tests::{divided, edge_moduli, edges, extremes, number, padded, setting};

/// The arithmetic of two moduli, without the other parts of a key.
fn fused<const L: usize, const C: usize, const B: usize>(moduli: [&BigUint; 2]) -> Fused<L, C, B> {
    let moduli = moduli.map(|modulus| padded(modulus, B));
    Fused {
        field: Field::new([&moduli[0], &moduli[1]]),
        one: Number::default(),
        cube: Number::default(),
        q_inverse: Number::default(),
        q: Number::default(),
    }
}

fn pair<const L: usize, const C: usize>(numbers: [&BigUint; 2]) -> Number<L> {
    let numbers = numbers.map(BigUint::to_bytes_be);
    Field::<L, C>::number([&numbers[0], &numbers[1]])
}

/// Checks all operations on two numbers below `256^B` in each lane.
fn check<const L: usize, const C: usize, const B: usize>(
    moduli: [&BigUint; 2],
    a: [&BigUint; 2],
    b: [&BigUint; 2],
) {
    let r_bits = Fused::<L, C, B>::R_BITS;
    let m = fused::<L, C, B>(moduli);
    let mut workspace = Workspace::new();
    let (x, y) = (pair::<L, C>(a), pair::<L, C>(b));
    let written =
        |number: &Number<L>| [0, 1].map(|lane| BigUint::from_bytes_be(&m.write(number, lane)));
    let expected =
        |of: &dyn Fn(usize) -> BigUint| [0, 1].map(|lane| divided(&of(lane), r_bits, moduli[lane]));
    assert_eq!(written(&x), [0, 1].map(|lane| a[lane] % moduli[lane]));

    let mut product = x;
    m.field.multiply(&mut workspace, &mut product, &y);
    let products = expected(&|lane| a[lane] * b[lane]);
    assert_eq!(written(&product), products, "product");

    let mut square = x;
    m.field.square(&mut workspace, &mut square);
    assert_eq!(
        written(&square),
        expected(&|lane| a[lane] * a[lane]),
        "square"
    );

    // Products of differences of products, as in the recombination.
    let mut difference = Field::<L, C>::difference(&product, &y);
    m.field.multiply(&mut workspace, &mut difference, &product);
    assert_eq!(
        written(&difference),
        expected(&|lane| (&products[lane] + moduli[lane] * 2_u8 - b[lane]) * &products[lane]),
        "product of a difference"
    );

    let wide = a[0] * b[0];
    let bytes = padded(&wide, 2 * B);
    assert_eq!(
        written(&m.field.reduced(&mut workspace, &bytes)),
        expected(&|_| wide.clone()),
        "reduction"
    );
    let mut recombination = fused::<L, C, B>(moduli);
    recombination.q = y;
    let joined = recombination.join(&padded(a[0], B), &padded(&BigUint::from(1_u8), B));
    assert_eq!(
        BigUint::from_bytes_be(&joined),
        wide + 1_u8,
        "recombination"
    );
}

/// See `fullest_columns` in `modulus/tests.rs`.
fn fullest_columns<const L: usize, const C: usize, const B: usize>() {
    let bits = 8 * u32::try_from(B).unwrap();
    let extremes = extremes(bits);
    for modulus in &extremes {
        let modulus = modulus | (BigUint::from(1_u8) << (bits - 1)) | BigUint::from(1_u8);
        for a in &extremes {
            for b in &extremes {
                check::<L, C, B>([&modulus, &modulus], [a, b], [b, b]);
            }
        }
    }
}

fn all_edges<const L: usize, const C: usize, const B: usize>(stride: usize) {
    let bits = 8 * u32::try_from(B).unwrap();
    let edges = edges(bits);
    let mut count = usize::try_from(getrandom::u32().unwrap()).unwrap() % stride;
    for (i, modulus) in edge_moduli(bits).iter().enumerate() {
        let mut numbers = edges.clone();
        numbers.extend([modulus - 1_u8, modulus - 2_u8, modulus.clone()]);
        let other = edge_moduli(bits).swap_remove(i * 7 % edges.len());
        for (j, a) in numbers.iter().enumerate() {
            for b in &numbers[j..] {
                count += 1;
                if count.is_multiple_of(stride) {
                    check::<L, C, B>(
                        [modulus, &other],
                        [a, b],
                        [b, &numbers[count % numbers.len()]],
                    );
                }
            }
        }
    }
}

fn properties<const L: usize, const C: usize, const B: usize>(cases: u32) {
    let top = BigUint::from(1_u8) << (8 * B - 1);
    let pair = || (number(B), number(B));
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(cases));
    runner
        .run(&(pair(), pair(), pair()), |(moduli, a, b)| {
            let [p, q] = [moduli.0, moduli.1].map(|m| m | &top | BigUint::from(1_u8));
            check::<L, C, B>([&p, &q], [&a.0, &a.1], [&b.0, &b.1]);
            Ok(())
        })
        .unwrap();
}

/// Compares products of all kinds of numbers, with new moduli every 500. The first operand is the previous result, because
/// its representation differs from that of a number that was just read.
fn long_run<const L: usize, const C: usize, const B: usize>(multiplications: usize) {
    let bits = 8 * u32::try_from(B).unwrap();
    let (edges, moduli) = (edges(bits), edge_moduli(bits));
    let random = || {
        let mut bytes = vec![0; B];
        getrandom::fill(&mut bytes).unwrap();
        BigUint::from_bytes_be(&bytes)
    };
    let top = BigUint::from(1_u8) << (bits - 1);
    let r = BigUint::from(1_u8) << Fused::<L, C, B>::R_BITS;
    let mut done = 0;
    for round in 0.. {
        if done >= multiplications {
            break;
        }
        // In half of the rounds, one of the moduli is an edge case.
        let modulus = |lane: usize| match round % 4 {
            edge if edge == 2 * lane => moduli[(round / 4 + lane) % moduli.len()].clone(),
            _ => random() | &top | BigUint::from(1_u8),
        };
        let two = [modulus(0), modulus(1)];
        let inverse = two.each_ref().map(|m| r.modinv(m).unwrap());
        let m = fused::<L, C, B>([&two[0], &two[1]]);
        let mut workspace = Workspace::new();
        let mut x = Field::<L, C>::number([&[1], &[1]]);
        let mut expected = [0, 1].map(|_| BigUint::from(1_u8));
        for i in 0..250 {
            let factor = |lane| match i % 5 {
                place if place == lane => edges[(round + i) % edges.len()].clone(),
                _ => random(),
            };
            let factor = [factor(0), factor(1)];
            m.field.multiply(
                &mut workspace,
                &mut x,
                &pair::<L, C>([&factor[0], &factor[1]]),
            );
            for lane in 0..2 {
                expected[lane] = &expected[lane] * &factor[lane] * &inverse[lane] % &two[lane];
                let found = BigUint::from_bytes_be(&m.write(&x, lane));
                assert_eq!(found, expected[lane], "product modulo {}", two[lane]);
            }
            m.field.square(&mut workspace, &mut x);
            for lane in 0..2 {
                expected[lane] = &expected[lane] * &expected[lane] * &inverse[lane] % &two[lane];
                let found = BigUint::from_bytes_be(&m.write(&x, lane));
                assert_eq!(found, expected[lane], "square modulo {}", two[lane]);
            }
            done += 4;
        }
    }
}

fn every_entry<const L: usize, const C: usize, const B: usize>() {
    let bytes = || {
        let mut bytes = vec![0; B];
        getrandom::fill(&mut bytes).unwrap();
        bytes
    };
    let table: Vec<_> = (0..1 << WINDOW)
        .map(|_| Field::<L, C>::number([&bytes(), &bytes()]))
        .collect();
    for p in 0..1_u8 << WINDOW {
        for q in [0, 31, p, 31 - p] {
            let mut found = Number::default();
            Fused::<L, C, B>::select(&table, [p, q], &mut found);
            assert_eq!(found.limbs(0), table[usize::from(p)].limbs(0));
            assert_eq!(found.limbs(1), table[usize::from(q)].limbs(1));
        }
    }
}

#[test]
fn a_host_that_fuses_is_told_from_one_that_does_not() {
    assert!(is_available(), "the tests' host fuses");
    // The result on a host that rounds twice.
    let factor = 1.0 + f64::EPSILON;
    assert_eq!(factor * factor - (1.0 + 2.0 * f64::EPSILON), 0.0);
}

macro_rules! sizes {
    ($($name:ident: $l:literal, $c:literal, $b:literal;)*) => { $(
        mod $name {
            use super::*;

            #[test]
            fn edge_operands_give_what_another_library_gives() {
                all_edges::<$l, $c, $b>(setting("RS256_STRIDE", 1997));
            }

            #[test]
            fn every_entry_of_a_table_is_found_for_each_lane() {
                every_entry::<$l, $c, $b>();
            }

            #[test]
            fn the_fullest_columns_do_not_overflow() {
                fullest_columns::<$l, $c, $b>();
            }

            #[test]
            #[ignore = "takes minutes; RS256_MULTIPLICATIONS tells how many, over all sizes"]
            fn long_run_gives_what_another_library_gives() {
                long_run::<$l, $c, $b>(setting("RS256_MULTIPLICATIONS", 100_000) / 10);
            }

            #[test]
            fn random_operands_give_what_another_library_gives() {
                properties::<$l, $c, $b>(32);
            }

            #[test]
            fn chains_of_products_give_what_another_library_gives() {
                long_run::<$l, $c, $b>(1000);
            }
        }
    )* };
}

sizes! {
    fused_1024: 21, 43, 128;
    fused_1536: 32, 65, 192;
    fused_2048: 42, 85, 256;
}
