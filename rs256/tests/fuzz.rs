//! Whatever the key and the message are, nothing panics, and a key that is accepted signs correctly.
//!
//! The seed is random and printed; `RS256_SEED` repeats a run and `RS256_ROUNDS` lengthens it.

mod support;

use std::env;

use getrandom::SysRng;
use rs256::{SignError, SigningKey};
use support::{new_key, public_half};

/// `SplitMix64`: good enough to choose changes.
struct Random(u64);

impl Random {
    fn new() -> Self {
        let seed = env::var("RS256_SEED").map_or_else(
            |_| getrandom::u64().expect("there is randomness"),
            |text| text.parse().expect("a number"),
        );
        println!("RS256_SEED={seed}");
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let x = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        x ^ (x >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % limit as u64).expect("below a usize")
    }
}

fn rounds(otherwise: usize) -> usize {
    env::var("RS256_ROUNDS").map_or(otherwise, |text| text.parse().expect("a number"))
}

/// Changes a key file in one of the ways that files are damaged, or attacked.
fn damage(key: &mut Vec<u8>, random: &mut Random) {
    if key.is_empty() {
        return;
    }
    let place = random.below(key.len());
    match random.below(8) {
        0 => key[place] ^= 1 << random.below(8),
        1 => key[place] = random.next().to_le_bytes()[0],
        2 => key.truncate(place),
        3 => drop(key.remove(place)),
        4 => key.insert(place, random.next().to_le_bytes()[0]),
        // Within the headers, where the lengths are.
        5 => {
            let place = random.below(key.len().min(40));
            key[place] = random.next().to_le_bytes()[0];
        }
        6 => {
            let end = (place + random.below(64)).min(key.len());
            key[place..end].fill([0, 0xFF][random.below(2)]);
        }
        _ => {
            let from = random.below(key.len());
            let length = random.below(64).min(key.len() - from.max(place));
            key.copy_within(from..from + length, place);
        }
    }
}

#[test]
fn damaged_keys_do_no_harm() {
    let mut random = Random::new();
    let good = new_key(2048);
    let expected = {
        let key = SigningKey::from_pkcs8_der(&good).unwrap();
        key.sign(b"message", &mut SysRng).unwrap()
    };
    let mut accepted = 0;
    for _ in 0..rounds(3000) {
        let mut der = good.clone();
        for _ in 0..=random.below(3) {
            damage(&mut der, &mut random);
        }
        // What follows the 26 bytes of the wrapper is PKCS#1.
        for key in [
            SigningKey::from_pkcs8_der(&der),
            SigningKey::from_pkcs1_der(der.get(26..).unwrap_or_default()),
        ] {
            let Ok(key) = key else { continue };
            // Only a change beside the numbers leaves a key that is accepted.
            accepted += 1;
            assert!(key.sign(b"message", &mut SysRng) == Ok(expected.clone()));
        }
    }
    println!("{accepted} accepted");
}

#[test]
fn messages_of_any_length_are_signed_correctly() {
    let mut random = Random::new();
    let der = new_key(2048);
    let key = SigningKey::from_pkcs8_der(&der).unwrap();
    let public = public_half("messages.der", &der);
    // SubjectPublicKeyInfo: 24 bytes before the key itself.
    let public = ring::signature::UnparsedPublicKey::new(
        &ring::signature::RSA_PKCS1_2048_8192_SHA256,
        &public[24..],
    );
    for i in 0..rounds(300) {
        // Around the lengths of SHA-256's blocks, and any.
        let length = if i < 130 { i } else { random.below(20_000) };
        let message: Vec<_> = (0..length)
            .map(|_| random.next().to_le_bytes()[0])
            .collect();
        let signature = key.sign(&message, &mut SysRng).unwrap();
        public
            .verify(&message, &signature)
            .expect("another library verifies it");
    }
}

/// A generator that fails.
struct Broken;

impl rand_core::TryRng for Broken {
    type Error = std::io::Error;

    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        Err(std::io::Error::other("broken"))
    }

    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        Err(std::io::Error::other("broken"))
    }

    fn try_fill_bytes(&mut self, _: &mut [u8]) -> Result<(), Self::Error> {
        Err(std::io::Error::other("broken"))
    }
}

impl rand_core::TryCryptoRng for Broken {}

#[test]
fn without_randomness_there_is_no_signature() {
    let key = SigningKey::from_pkcs8_der(&new_key(2048)).unwrap();
    assert_eq!(key.sign(b"", &mut Broken), Err(SignError::Random));
}
