use alloc::collections::BTreeSet;
use alloc::vec::Vec;

use num_bigint::BigUint;
use proptest::prelude::*;

use super::*;
use crate::broad::Broad;
use crate::fused::{Either, Fused};
use crate::narrow::Narrow;
use crate::primes::Separate;
use crate::{KeyError, SigningKey, sizes};

const E: u32 = 65537;

/// A key that is made for the test, here and not by OpenSSL: these tests run in WebAssembly as well.
struct Key {
    n: BigUint,
    numbers: [Vec<u8>; 7],
}

/// A number that is prime to all appearance: not divisible by a small one, and Fermat's theorem holds for 2.
fn prime(bits: u64) -> BigUint {
    let mut bytes = vec![0; usize::try_from(bits / 8).unwrap()];
    getrandom::fill(&mut bytes).unwrap();
    // The highest two bits, so that the product of two has full length.
    bytes[0] |= 0xC0;
    let mut candidate = BigUint::from_bytes_be(&bytes) | BigUint::from(1_u8);
    let two = BigUint::from(2_u8);
    loop {
        candidate += 2_u8;
        let divisible = (3..2000_u32)
            .step_by(2)
            .any(|small| &candidate % small == BigUint::ZERO);
        if divisible || &candidate % E == BigUint::from(1_u8) {
            continue;
        }
        if two.modpow(&(&candidate - 1_u8), &candidate) == BigUint::from(1_u8) {
            return candidate;
        }
    }
}

impl Key {
    fn new(bits: u64) -> Self {
        let (p, q, e) = (prime(bits / 2), prime(bits / 2), BigUint::from(E));
        let (p1, q1) = (&p - 1_u8, &q - 1_u8);
        let d = e.modinv(&(&p1 * &q1)).unwrap();
        let n = &p * &q;
        let numbers = [
            &n,
            &e,
            &p,
            &q,
            &(&d % &p1),
            &(&d % &q1),
            &q.modinv(&p).unwrap(),
        ]
        .map(BigUint::to_bytes_be);
        Self { n, numbers }
    }

    fn parts(&self) -> Parts<'_> {
        let [n, e, p, q, d_p, d_q, q_inverse] = &self.numbers;
        Parts {
            n,
            e,
            p,
            q,
            d_p,
            d_q,
            q_inverse,
        }
    }

    fn private_key<P: Primes, N: Modulus>(&self) -> PrivateKey<P, N> {
        self.parts().check().expect("a good key");
        let key = PrivateKey::<P, N>::new(&self.parts());
        assert!(bool::from(key.inverse_fits()));
        key
    }
}

/// `signature^65537 mod n`.
fn opened(key: &Key, signature: &[u8]) -> Vec<u8> {
    let encoded = BigUint::from_bytes_be(signature).modpow(&BigUint::from(E), &key.n);
    [&[0], &encoded.to_bytes_be()[..]].concat()
}

fn blinds(random: [u64; 2]) -> [[u8; BLIND]; 2] {
    random.map(u64::to_be_bytes)
}

/// The signature is right, and the same, whatever the random numbers are.
fn every_blind_signs<P: Primes, N: Modulus>(key: &Key) {
    let private = key.private_key::<P, N>();
    let mut first = None;
    for random in [
        [0, 0],
        [u64::MAX, u64::MAX],
        [0, u64::MAX],
        [1, 1 << 63],
        [0x5A5A_5A5A_5A5A_5A5A, 3],
    ] {
        let signature = private.sign(b"message", &blinds(random), &mut |_, _| ());
        let signature = signature.unwrap();
        assert_eq!(opened(key, &signature), encoded(b"message", N::BYTES));
        assert_eq!(*first.get_or_insert(signature.clone()), signature);
    }
}

/// A flipped bit in any number on the way is found. `bits` of each number are tried.
fn every_fault_is_found<P: Primes, N: Modulus>(key: &Key, bits: usize) {
    let private = key.private_key::<P, N>();
    let mut seen = BTreeSet::new();
    for fault in STEPS {
        for i in 0..bits {
            let mut tap = |step, number: &mut [u8]| {
                seen.insert(step);
                if step == fault {
                    // The last of all is bit 1: bit 0 of an exponent is that of an odd number.
                    let bit = 8 * number.len() - 2 - i * (8 * number.len() - 2) / bits;
                    number[bit / 8] ^= 1 << (bit % 8);
                }
            };
            let outcome = private.sign(b"message", &blinds([7, 8]), &mut tap);
            assert_eq!(outcome, Err(SignError::Fault), "{fault:?}, bit {i}");
        }
    }
    assert!(seen.into_iter().eq(STEPS), "each number was looked at");
}

/// A fault in what is kept of the modulus is found.
fn a_fault_of_the_modulus_is_found<P: Primes, N: Modulus>(key: &Key) {
    let other = |bit: usize| {
        let mut n = key.numbers[0].clone();
        let place = n.len() - 1 - bit / 8;
        n[place] ^= 1 << (bit % 8);
        n
    };
    let sign = |private: &PrivateKey<P, N>| private.sign(b"", &blinds([1, 2]), &mut |_, _| ());
    for bit in [1, 64, 8 * N::BYTES / 2, 8 * N::BYTES - 2] {
        let mut private = key.private_key::<P, N>();
        private.n = N::new(&other(bit));
        assert_eq!(sign(&private), Err(SignError::Fault), "n, bit {bit}");
        let mut private = key.private_key::<P, N>();
        private.n_square = square_of_r(&private.n, &mut N::room(), &other(bit));
        assert_eq!(sign(&private), Err(SignError::Fault), "R², bit {bit}");
    }
}

/// Each exponent is blinded by its own random number, as `d + blind·(p − 1)`.
fn exponents_are_blinded<P: Primes, N: Modulus>(key: &Key) {
    let private = key.private_key::<P, N>();
    let [_, _, p, q, d_p, d_q, _] = key.numbers.each_ref().map(|n| BigUint::from_bytes_be(n));
    for random in [[0, 0], [1, 2], [u64::MAX, 0], [0x0123_4567_89AB_CDEF, 9]] {
        let mut found = vec![];
        let mut tap = |step, number: &mut [u8]| {
            if matches!(step, Step::ExponentP | Step::ExponentQ) {
                assert_eq!(number.len(), N::BYTES / 2 + BLIND, "one length for all");
                found.push(BigUint::from_bytes_be(number));
            }
        };
        private.sign(b"", &blinds(random), &mut tap).unwrap();
        let expected = [
            &d_p + (&p - 1_u8) * random[0],
            &d_q + (&q - 1_u8) * random[1],
        ];
        assert_eq!(found, expected);
    }
}

const STEPS: [Step; 6] = [
    Step::ExponentP,
    Step::ExponentQ,
    Step::ResidueP,
    Step::ResidueQ,
    Step::Coefficient,
    Step::Signature,
];

macro_rules! engines {
    ($($name:ident: $bits:literal, $primes:ty, $modulus:ty;)*) => { $(
        mod $name {
            use super::*;

            #[test]
            fn signatures_do_not_depend_on_the_random_numbers() {
                every_blind_signs::<$primes, $modulus>(&Key::new($bits));
            }

            #[test]
            fn a_fault_is_an_error_and_never_a_signature() {
                let key = Key::new($bits);
                every_fault_is_found::<$primes, $modulus>(&key, 20480 / $bits);
                a_fault_of_the_modulus_is_found::<$primes, $modulus>(&key);
            }

            #[test]
            fn each_exponent_is_blinded_by_a_random_number_of_its_own() {
                exponents_are_blinded::<$primes, $modulus>(&Key::new($bits));
            }
        }
    )* };
}

engines! {
    narrow_2048: 2048, Separate<Narrow<9, 128>>, Narrow<18, 256>;
    narrow_3072: 3072, Separate<Narrow<14, 192>>, Narrow<27, 384>;
    narrow_4096: 4096, Separate<Narrow<18, 256>>, Narrow<36, 512>;
    fused_2048: 2048, Fused<21, 43, 128>, Broad<36, 256>;
    fused_3072: 3072, Fused<32, 65, 192>, Broad<54, 384>;
    fused_4096: 4096, Fused<42, 85, 256>, Broad<72, 512>;
    broad_2048: 2048, Separate<Broad<18, 128>>, Broad<36, 256>;
    broad_3072: 3072, Separate<Broad<27, 192>>, Broad<54, 384>;
    broad_4096: 4096, Separate<Broad<36, 256>>, Broad<72, 512>;
}

#[test]
fn a_host_that_does_not_fuse_gets_the_same_signature() {
    type Other = Separate<Narrow<9, 128>>;
    type Fusing = Fused<21, 43, 128>;
    let key = Key::new(2048);
    let mut private = key.private_key::<Either<Fusing, Other>, Narrow<18, 256>>();
    assert!(
        matches!(private.primes, Either::Fused(_)),
        "the tests' host fuses"
    );
    let sign = |private: &PrivateKey<_, _>| private.sign(b"", &blinds([5, 6]), &mut |_, _| ());
    let fused = sign(&private);
    private.primes = Either::Other(Other::new(&key.parts()));
    assert!(bool::from(private.inverse_fits()));
    assert_eq!(sign(&private), fused);
    assert!(fused.is_ok());
}

/// Whatever the message and the random numbers are, three arithmetics make one signature, and it opens to the message.
fn engines_sign_alike<A: Primes, B: Primes, C: Primes, N: Modulus>(bits: u64, cases: u32) {
    let key = Key::new(bits);
    let a = key.private_key::<A, N>();
    let b = key.private_key::<B, N>();
    let c = key.private_key::<C, N>();
    let message = prop::collection::vec(any::<u8>(), 0..200);
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(cases));
    runner
        .run(&(message, any::<[u64; 2]>()), |(message, random)| {
            let random = blinds(random);
            let signature = a.sign(&message, &random, &mut |_, _| ()).unwrap();
            prop_assert_eq!(opened(&key, &signature), encoded(&message, N::BYTES));
            for other in [
                b.sign(&message, &random, &mut |_, _| ()),
                c.sign(&message, &random, &mut |_, _| ()),
            ] {
                prop_assert_eq!(other.as_ref(), Ok(&signature));
            }
            Ok(())
        })
        .unwrap();
}

#[test]
fn all_engines_make_one_signature() {
    engines_sign_alike::<
        Fused<21, 43, 128>,
        Separate<Narrow<9, 128>>,
        Separate<Broad<18, 128>>,
        Narrow<18, 256>,
    >(2048, 32);
    engines_sign_alike::<
        Fused<32, 65, 192>,
        Separate<Narrow<14, 192>>,
        Separate<Broad<27, 192>>,
        Narrow<27, 384>,
    >(3072, 8);
    engines_sign_alike::<
        Fused<42, 85, 256>,
        Separate<Narrow<18, 256>>,
        Separate<Broad<36, 256>>,
        Narrow<36, 512>,
    >(4096, 4);
}

/// Randomness that is known.
struct Counter(u64);

impl rand_core::TryRng for Counter {
    type Error = core::convert::Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        unreachable!("bytes are taken")
    }

    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        unreachable!("bytes are taken")
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Self::Error> {
        self.0 += 1;
        bytes.copy_from_slice(&(self.0 << 40).to_be_bytes());
        Ok(())
    }
}

impl rand_core::TryCryptoRng for Counter {}

#[test]
fn each_signature_takes_two_new_random_numbers_from_the_generator() {
    let key = Key::new(2048);
    let [_, _, p, q, d_p, d_q, _] = key.numbers.each_ref().map(|n| BigUint::from_bytes_be(n));
    let signing_key = SigningKey::from_parts(&key.parts()).unwrap();
    let mut rng = Counter(0);
    for signature in 0..3_u64 {
        let mut found = vec![];
        let mut tap = |step, number: &mut [u8]| match step {
            Step::ExponentP => found.push((BigUint::from_bytes_be(number) - &d_p) / (&p - 1_u8)),
            Step::ExponentQ => found.push((BigUint::from_bytes_be(number) - &d_q) / (&q - 1_u8)),
            _ => {}
        };
        signing_key.sign_tapped(b"", &mut rng, &mut tap).unwrap();
        let expected = [2 * signature + 1, 2 * signature + 2].map(|n| BigUint::from(n << 40));
        assert_eq!(found, expected);
    }
}

/// A key for which `holds`, of at most 100.
fn key_for_which(holds: impl Fn(&Key) -> bool) -> Key {
    (0..100)
        .map(|_| Key::new(2048))
        .find(|key| holds(key))
        .expect("every fifth key does")
}

/// The sum of two of a key's numbers, in 1024 bits.
fn sum(key: &Key, one: usize, other: usize) -> Option<BigUint> {
    let [one, other] = [one, other].map(|place| BigUint::from_bytes_be(&key.numbers[place]));
    let sum = one + other;
    (sum.bits() <= 1024).then_some(sum)
}

// Each of these keys has one thing wrong, and is rejected for that alone.

#[test]
fn an_exponent_that_is_not_below_its_order_is_rejected() {
    for (prime, exponent) in [(2, 4), (3, 5)] {
        let mut key = key_for_which(|key| sum(key, prime, exponent).is_some());
        key.parts().check().expect("a good key");
        let longer = sum(&key, prime, exponent).unwrap() - 1_u8;
        key.numbers[exponent] = longer.to_bytes_be();
        assert_eq!(key.parts().check(), Err(KeyError::Inconsistent));
    }
}

#[test]
fn an_inverse_that_is_not_below_its_modulus_is_rejected() {
    let mut key = key_for_which(|key| sum(key, 2, 6).is_some());
    key.parts().check().expect("a good key");
    key.numbers[6] = sum(&key, 2, 6).unwrap().to_bytes_be();
    assert_eq!(key.parts().check(), Err(KeyError::Inconsistent));
}

#[test]
fn an_even_prime_is_rejected() {
    for place in [2, 3] {
        let mut key = Key::new(2048);
        let [_, e, mut p, mut q, ..] = key.numbers.each_ref().map(|n| BigUint::from_bytes_be(n));
        // All that follows from the primes is made anew, so that nothing else is wrong.
        let changed = if place == 2 { &mut p } else { &mut q };
        while changed.bit(0) || e.modinv(&(&*changed - 1_u8)).is_none() {
            *changed -= 1_u8;
        }
        key.numbers[0] = (&p * &q).to_bytes_be();
        for (at, prime) in [(2, &p), (3, &q)] {
            key.numbers[at] = prime.to_bytes_be();
            key.numbers[at + 2] = e.modinv(&(prime - 1_u8)).unwrap().to_bytes_be();
        }
        assert_eq!(key.parts().check(), Err(KeyError::Inconsistent));
    }
}

#[test]
fn equal_primes_are_rejected() {
    let mut key = Key::new(2048);
    let p = BigUint::from_bytes_be(&key.numbers[2]);
    key.numbers[0] = (&p * &p).to_bytes_be();
    key.numbers[3] = key.numbers[2].clone();
    key.numbers[5] = key.numbers[4].clone();
    key.parts().check().expect("their relations hold");
    let key = SigningKey::from_parts(&key.parts());
    assert_eq!(key.err(), Some(KeyError::Inconsistent));
}

#[test]
fn a_composite_prime_signs_nothing() {
    let mut key = Key::new(2048);
    let [_, e, _, q, ..] = key.numbers.each_ref().map(|n| BigUint::from_bytes_be(n));
    let half = || prime(512);
    let p = loop {
        let p = half() * half();
        if p.bits() == 1024 && e.modinv(&(&p - 1_u8)).is_some() {
            break p;
        }
    };
    key.n = &p * &q;
    key.numbers[0] = key.n.to_bytes_be();
    key.numbers[2] = p.to_bytes_be();
    key.numbers[4] = e.modinv(&(&p - 1_u8)).unwrap().to_bytes_be();
    key.numbers[6] = q.modinv(&p).unwrap().to_bytes_be();
    let key = SigningKey::from_parts(&key.parts()).expect("all relations hold");
    assert_eq!(key.sign(b"", &mut Counter(0)), Err(SignError::Fault));
}

#[test]
fn the_encoding_is_that_of_the_standard() {
    // RFC 8017, section 9.2; the hash of "abc" is an example of FIPS 180-4.
    let mut expected = vec![0xFF; 256];
    expected[..2].copy_from_slice(&[0, 1]);
    let hash = BigUint::parse_bytes(
        b"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        16,
    );
    expected[224..].copy_from_slice(&hash.unwrap().to_bytes_be());
    expected[205..224].copy_from_slice(&[
        0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01,
        0x05, 0x00, 0x04, 0x20,
    ]);
    expected[204] = 0;
    assert_eq!(encoded(b"abc", 256), expected);
}

/// The shortest of the times, in microseconds: whatever disturbs makes a time longer.
fn shortest(times: Vec<f64>) -> f64 {
    times.into_iter().fold(f64::INFINITY, f64::min)
}

/// Times of reading a key and of signatures, of two engines in turns.
fn compare<A: Primes, B: Primes, N: Modulus>(key: &Key, rounds: usize) {
    fn time(work: impl FnOnce()) -> f64 {
        let start = std::time::Instant::now();
        work();
        start.elapsed().as_secs_f64() * 1e6
    }
    fn engine<P: Primes, N: Modulus>(key: &Key, times: &mut [Vec<f64>; 2]) {
        let mut private = None;
        times[0].push(time(|| {
            private = Some(PrivateKey::<P, N>::new(&key.parts()))
        }));
        let private = private.unwrap();
        for _ in 0..3 {
            times[1].push(time(|| {
                private.sign(b"", &blinds([3, 4]), &mut |_, _| ()).unwrap();
            }));
        }
    }
    let (mut a, mut b) = ([vec![], vec![]], [vec![], vec![]]);
    for _ in 0..rounds {
        engine::<A, N>(key, &mut a);
        engine::<B, N>(key, &mut b);
    }
    let [[a_set_up, a_sign], [b_set_up, b_sign]] = [a, b].map(|times| times.map(shortest));
    std::println!(
        "{} bits: set-up {a_set_up:.0} and {b_set_up:.0} µs, {:.3}; signature {a_sign:.0} and {b_sign:.0} µs, {:.3}",
        8 * N::BYTES,
        a_set_up / b_set_up,
        a_sign / b_sign,
    );
}

#[test]
#[ignore = "measures, and prints: fused, the other arithmetic of this build, and the one divided by the other"]
fn time_of_fused_and_other() {
    let rounds = crate::modulus::tests::setting("RS256_ROUNDS", 100);
    for _ in 0..3 {
        compare::<Fused<21, 43, 128>, Separate<sizes::Modulus1024>, sizes::Modulus2048>(
            &Key::new(2048),
            rounds,
        );
        compare::<Fused<32, 65, 192>, Separate<sizes::Modulus1536>, sizes::Modulus3072>(
            &Key::new(3072),
            rounds / 2,
        );
        compare::<Fused<42, 85, 256>, Separate<sizes::Modulus2048>, sizes::Modulus4096>(
            &Key::new(4096),
            rounds / 3,
        );
    }
}
