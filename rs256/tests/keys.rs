//! Keys that are none, or not quite: rejected when they are read, without a panic and without a word about their numbers.

mod support;

use getrandom::SysRng;
use num_bigint::BigUint;
use pkcs1::UintRef;
use pkcs1::der::Encode;
use rs256::{KeyError, SigningKey};
use support::{new_key, new_key_with, openssl, public_half};

/// The numbers of a key.
#[derive(Clone)]
struct Numbers {
    n: BigUint,
    e: BigUint,
    d: BigUint,
    p: BigUint,
    q: BigUint,
    d_p: BigUint,
    d_q: BigUint,
    q_inverse: BigUint,
}

impl Numbers {
    fn of(der: &[u8]) -> Self {
        let info = pkcs8::PrivateKeyInfo::try_from(der).unwrap();
        let key = pkcs1::RsaPrivateKey::try_from(info.private_key).unwrap();
        let number = |number: UintRef<'_>| BigUint::from_bytes_be(number.as_bytes());
        Self {
            n: number(key.modulus),
            e: number(key.public_exponent),
            d: number(key.private_exponent),
            p: number(key.prime1),
            q: number(key.prime2),
            d_p: number(key.exponent1),
            d_q: number(key.exponent2),
            q_inverse: number(key.coefficient),
        }
    }

    /// All that follows from two primes and an exponent.
    fn from_primes(p: &BigUint, q: &BigUint, e: u32) -> Self {
        let (p1, q1, e) = (p - 1_u8, q - 1_u8, BigUint::from(e));
        let d = e.modinv(&(&p1 * &q1)).expect("the exponent fits");
        Self {
            n: p * q,
            d_p: &d % &p1,
            d_q: &d % &q1,
            q_inverse: q.modinv(p).unwrap_or_default(),
            p: p.clone(),
            q: q.clone(),
            e,
            d,
        }
    }

    fn der(&self) -> Vec<u8> {
        let [n, e, d, p, q, d_p, d_q, q_inverse] = [
            &self.n,
            &self.e,
            &self.d,
            &self.p,
            &self.q,
            &self.d_p,
            &self.d_q,
            &self.q_inverse,
        ]
        .map(BigUint::to_bytes_be);
        let key = pkcs1::RsaPrivateKey {
            modulus: UintRef::new(&n).unwrap(),
            public_exponent: UintRef::new(&e).unwrap(),
            private_exponent: UintRef::new(&d).unwrap(),
            prime1: UintRef::new(&p).unwrap(),
            prime2: UintRef::new(&q).unwrap(),
            exponent1: UintRef::new(&d_p).unwrap(),
            exponent2: UintRef::new(&d_q).unwrap(),
            coefficient: UintRef::new(&q_inverse).unwrap(),
            other_prime_infos: None,
        };
        key.to_der().unwrap()
    }
}

fn error(key: &Numbers) -> Option<KeyError> {
    SigningKey::from_pkcs1_der(&key.der()).err()
}

/// A prime of so many bits, with the two highest set.
fn prime(bits: usize) -> BigUint {
    let text = openssl(&["prime", "-generate", "-bits", &bits.to_string()], &[]);
    let text = String::from_utf8(text).unwrap();
    text.trim().parse().unwrap()
}

// `src/rsa/tests.rs` has the keys of which one relation alone does not hold.
#[test]
fn keys_whose_numbers_do_not_belong_together_are_rejected() {
    use KeyError::{Inconsistent, Length, PublicExponent};
    let good = Numbers::of(&new_key(2048));
    let other = Numbers::of(&new_key(2048));
    assert_eq!(error(&good), None);
    let change = |change: &dyn Fn(&mut Numbers)| {
        let mut key = good.clone();
        change(&mut key);
        key
    };
    let one = || BigUint::from(1_u8);
    for (what, key, expected) in [
        (
            "p = q",
            Numbers {
                n: &good.p * &good.p,
                q: good.p.clone(),
                d_q: good.d_p.clone(),
                ..good.clone()
            },
            Inconsistent,
        ),
        (
            "p of another key",
            change(&|key| key.p = other.p.clone()),
            Inconsistent,
        ),
        (
            "q of another key",
            change(&|key| key.q = other.q.clone()),
            Inconsistent,
        ),
        (
            "n of another key",
            change(&|key| key.n = other.n.clone()),
            Inconsistent,
        ),
        (
            "p and q exchanged",
            change(&|key| core::mem::swap(&mut key.p, &mut key.q)),
            Inconsistent,
        ),
        (
            "dP of another key",
            change(&|key| key.d_p = other.d_p.clone()),
            Inconsistent,
        ),
        ("dP + 1", change(&|key| key.d_p += 1_u8), Inconsistent),
        (
            "dP = 0",
            change(&|key| key.d_p = BigUint::ZERO),
            Inconsistent,
        ),
        (
            "dQ of another key",
            change(&|key| key.d_q = other.d_q.clone()),
            Inconsistent,
        ),
        ("dQ − 1", change(&|key| key.d_q -= 1_u8), Inconsistent),
        (
            "qInv of another key",
            change(&|key| key.q_inverse = other.q_inverse.clone()),
            Inconsistent,
        ),
        (
            "qInv + 1",
            change(&|key| key.q_inverse += 1_u8),
            Inconsistent,
        ),
        (
            "qInv = 0",
            change(&|key| key.q_inverse = BigUint::ZERO),
            Inconsistent,
        ),
        ("n + 1", change(&|key| key.n += 1_u8), Inconsistent),
        ("p + 1", change(&|key| key.p += 1_u8), Inconsistent),
        (
            "p = 1, q = n",
            change(&|key| (key.p, key.q) = (one(), key.n.clone())),
            Length,
        ),
        ("p = 0", change(&|key| key.p = BigUint::ZERO), Length),
        ("n = 0", change(&|key| key.n = BigUint::ZERO), Length),
        ("n shorter by a bit", change(&|key| key.n >>= 1), Length),
        (
            "e = 3",
            change(&|key| key.e = BigUint::from(3_u8)),
            PublicExponent,
        ),
        ("e = 1", change(&|key| key.e = one()), PublicExponent),
        (
            "e = 2^32 + 1",
            change(&|key| key.e = (one() << 32) + 1_u8),
            PublicExponent,
        ),
    ] {
        assert_eq!(error(&key), Some(expected), "{what}");
    }
}

#[test]
fn the_exponent_that_is_not_used_is_not_looked_at() {
    let mut key = Numbers::of(&new_key(2048));
    key.d += 2_u8;
    assert_eq!(error(&key), None);
}

#[test]
fn primes_of_different_lengths_are_rejected_and_the_smaller_may_come_first() {
    let (p, q) = (prime(1024), prime(1024));
    assert_eq!(error(&Numbers::from_primes(&p, &q, 65537)), None);
    assert_eq!(error(&Numbers::from_primes(&q, &p, 65537)), None);
    // 2048 bits together, but not half each.
    let (long, short) = (prime(1040), prime(1008));
    let uneven = Numbers::from_primes(&long, &short, 65537);
    assert_eq!(uneven.n.bits(), 2048);
    assert_eq!(error(&uneven), Some(KeyError::Length));
}

#[test]
fn both_orders_of_the_primes_sign_alike() {
    let key = Numbers::of(&new_key(2048));
    let other = Numbers::from_primes(&key.q, &key.p, 65537);
    let [one, other] = [key, other].map(|key| {
        let key = SigningKey::from_pkcs1_der(&key.der()).unwrap();
        key.sign(b"message", &mut SysRng).unwrap()
    });
    assert_eq!(one, other);
}

#[test]
fn other_lengths_are_rejected() {
    for bits in [1024, 2056, 2560] {
        let key = SigningKey::from_pkcs8_der(&new_key(bits));
        assert_eq!(key.err(), Some(KeyError::Length), "{bits}");
    }
}

#[test]
fn what_is_no_rsa_key_is_rejected() {
    let ed25519 = openssl(
        &["genpkey", "-algorithm", "ED25519", "-outform", "DER"],
        &[],
    );
    assert_eq!(
        SigningKey::from_pkcs8_der(&ed25519).err(),
        Some(KeyError::Algorithm)
    );
    let three_primes = new_key_with("rsa_keygen_primes:3");
    assert_eq!(
        SigningKey::from_pkcs8_der(&three_primes).err(),
        Some(KeyError::Damaged)
    );
    let key = new_key(2048);
    let public = public_half("public.der", &key);
    for (what, der) in [
        ("nothing", &[][..]),
        ("text", b"no key at all"),
        ("a public key", &public),
        ("a key without its end", &key[..key.len() - 1]),
        ("a key and more", &[&key[..], &[0]].concat()),
    ] {
        assert_eq!(
            SigningKey::from_pkcs8_der(der).err(),
            Some(KeyError::Damaged),
            "{what}"
        );
        assert_eq!(
            SigningKey::from_pkcs1_der(der).err(),
            Some(KeyError::Damaged),
            "{what}"
        );
    }
}

#[test]
fn nothing_of_the_key_is_shown() {
    let key = SigningKey::from_pkcs8_der(&new_key(2048)).unwrap();
    assert_eq!(format!("{key:?}"), "SigningKey([secret key elided])");
}
