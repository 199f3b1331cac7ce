//! Keys that look valid but are not, and keys of any size: OpenSSL verifies every signature, or nothing is signed.

use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use devkit_host::Faults;
use num_bigint_dig::{BigUint, ModInverse as _};
use pkcs1::UintRef;
use pkcs1::der::{Decode as _, Encode as _};
use testkit::locked;

use crate::harness::{Secret, Server, Settings};
use crate::health::health;
use crate::http::{Response, get};
use crate::key_material::{Key, Kind, key, key_of, openssl, openssl_key, pem_line};
use crate::signature;

/// The eight numbers of RFC 8017, appendix A.1.2.
#[derive(Clone)]
struct Numbers {
    n: BigUint,
    e: BigUint,
    d: BigUint,
    p: BigUint,
    q: BigUint,
    dp: BigUint,
    dq: BigUint,
    qi: BigUint,
}

fn one() -> BigUint {
    BigUint::from(1_u8)
}

fn of_pem(pem: &str) -> Vec<u8> {
    let base64: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    STANDARD.decode(base64).expect("PEM is base64")
}

impl Numbers {
    fn of(pem: &str) -> Self {
        let der = of_pem(&openssl(&["rsa", "-traditional"], pem));
        let key = pkcs1::RsaPrivateKey::from_der(&der).expect("PKCS #1");
        let number = |value: UintRef<'_>| BigUint::from_bytes_be(value.as_bytes());
        Self {
            n: number(key.modulus),
            e: number(key.public_exponent),
            d: number(key.private_exponent),
            p: number(key.prime1),
            q: number(key.prime2),
            dp: number(key.exponent1),
            dq: number(key.exponent2),
            qi: number(key.coefficient),
        }
    }

    /// Derives all numbers from two factors, which need not be prime, and an exponent.
    fn from_factors(p: BigUint, q: BigUint, e: u32) -> Option<Self> {
        let e = BigUint::from(e);
        let (p1, q1) = (&p - one(), &q - one());
        let inverse =
            |value: &BigUint, modulus: &BigUint| value.clone().mod_inverse(modulus)?.to_biguint();
        let d = inverse(&e, &(&p1 * &q1))?;
        Some(Self {
            n: &p * &q,
            dp: &d % p1,
            dq: &d % q1,
            qi: match p == q {
                true => one(),
                false => inverse(&q, &p)?,
            },
            e,
            d,
            p,
            q,
        })
    }

    fn der(&self) -> Vec<u8> {
        let numbers = [
            &self.n, &self.e, &self.d, &self.p, &self.q, &self.dp, &self.dq, &self.qi,
        ]
        .map(BigUint::to_bytes_be);
        let [n, e, d, p, q, dp, dq, qi] = numbers
            .each_ref()
            .map(|bytes| UintRef::new(bytes).expect("a number"));
        let key = pkcs1::RsaPrivateKey {
            modulus: n,
            public_exponent: e,
            private_exponent: d,
            prime1: p,
            prime2: q,
            exponent1: dp,
            exponent2: dq,
            coefficient: qi,
            other_prime_infos: None,
        };
        key.to_der().expect("DER")
    }
}

fn in_pem(label: &str, der: &[u8]) -> String {
    format!(
        "{}\n{}\n{}\n",
        pem_line("BEGIN", label),
        STANDARD.encode(der),
        pem_line("END", label)
    )
}

/// Returns the key as PKCS #1 and as PKCS #8, in PEM.
fn both(der: &[u8]) -> [String; 2] {
    let info = pkcs8::PrivateKeyInfo::new(pkcs1::ALGORITHM_ID, der);
    [
        in_pem("RSA PRIVATE KEY", der),
        in_pem("PRIVATE KEY", &info.to_der().expect("DER")),
    ]
}

/// Returns a random odd number from OpenSSL with this many bits, of which the highest two are set. It is rarely prime:
/// at 1024 bits, about one in 350 is.
fn odd(bits: usize) -> BigUint {
    let digits = openssl(&["rand", "-hex", &(bits / 8).to_string()], "");
    let number = BigUint::parse_bytes(digits.trim().as_bytes(), 16).expect("digits");
    number | BigUint::from(3_u8) << (bits - 2) | one()
}

/// Returns a key of two factors, not both prime, whose numbers are consistent like those of a valid key.
fn composite(bits: usize) -> Numbers {
    let mut found =
        (0..100).filter_map(|_| Numbers::from_factors(odd(bits / 2), odd(bits / 2), 65537));
    found.next().expect("one of a hundred fits")
}

/// A server whose key changes with each request.
struct Keyring {
    server: Server,
    pem: Arc<Mutex<String>>,
    /// The length of the part of the log that has been checked, in bytes.
    looked_at: Mutex<usize>,
}

impl Keyring {
    fn new() -> Self {
        let pem = Arc::new(Mutex::new(String::new()));
        let current = pem.clone();
        let faults = Faults {
            variables: Some(Arc::new(move |name| {
                (name == "jaas_private_key").then(|| Ok(current.lock().unwrap().clone()))
            })),
            ..Faults::default()
        };
        Self {
            server: Server::start_faulty(Settings::good(), faults),
            pem,
            looked_at: Mutex::new(0),
        }
    }

    /// Requests a token with this key. Asserts that no response contains any part of it.
    fn ask(&self, pem: &str) -> Response {
        *locked(&self.pem) = pem.to_owned();
        let response = self.server.send_unchecked(&get(&[])).expect("a response");
        let probe = self.server.send_unchecked(&health()).expect("a response");
        let secret = Secret::new(pem);
        let log = self.server.log();
        let shown = *locked(&self.looked_at);
        for text in [&response.to_string(), &probe.to_string(), &log[shown..]] {
            let piece = secret.find(text.as_bytes());
            assert!(piece.is_none(), "a piece of the key: {text}");
        }
        *locked(&self.looked_at) = log.len();
        response
    }
}

#[test]
fn a_key_whose_numbers_are_wrong_is_rejected_with_a_message() {
    let pem = &key(Kind::Pkcs8, 2048).pem;
    let good = Numbers::of(pem);
    let (two, zero) = (BigUint::from(2_u8), BigUint::from(0_u8));
    let with = |change: &dyn Fn(&mut Numbers)| {
        let mut numbers = good.clone();
        change(&mut numbers);
        numbers.der()
    };
    let same = Numbers::from_factors(good.p.clone(), good.p.clone(), 65537).expect("an inverse");
    let of_exponent = |e: u32| {
        let pem = openssl_key(&["RSA", "-pkeyopt", &format!("rsa_keygen_pubexp:{e}")]);
        Numbers::of(&pem).der()
    };
    let larger = |bits| composite(bits).der();
    let trailing = [with(&|_| {}), vec![0]].concat();
    let inconsistent = "is not a valid RSA key with public exponent 65537";
    let cases: Vec<(&str, Vec<u8>, &str)> = vec![
        ("p = q", same.der(), inconsistent),
        (
            "p = q, another n",
            with(&|k| k.q = k.p.clone()),
            inconsistent,
        ),
        ("wrong dp", with(&|k| k.dp += &two), inconsistent),
        ("wrong dq", with(&|k| k.dq += &two), inconsistent),
        ("wrong qi", with(&|k| k.qi += &two), inconsistent),
        ("no dp", with(&|k| k.dp = zero.clone()), inconsistent),
        ("no qi", with(&|k| k.qi = zero.clone()), inconsistent),
        (
            "dp and dq exchanged",
            with(&|k| std::mem::swap(&mut k.dp, &mut k.dq)),
            inconsistent,
        ),
        (
            "p and q exchanged",
            with(&|k| std::mem::swap(&mut k.p, &mut k.q)),
            inconsistent,
        ),
        ("wrong d", with(&|k| k.d += &two), inconsistent),
        ("d of no use", with(&|k| k.d = one()), inconsistent),
        ("wrong n", with(&|k| k.n += &two), inconsistent),
        ("even n", with(&|k| k.n += one()), inconsistent),
        (
            "even n = p q",
            with(&|k| {
                k.p += one();
                k.n = &k.p * &k.q;
            }),
            inconsistent,
        ),
        (
            "q = 1",
            with(&|k| {
                k.p = k.n.clone();
                k.q = one();
            }),
            inconsistent,
        ),
        ("q = 0", with(&|k| k.q = zero.clone()), inconsistent),
        ("n = 0", with(&|k| k.n = zero.clone()), ""),
        ("e = 0", with(&|k| k.e = zero.clone()), inconsistent),
        (
            "e = 1",
            with(&|k| {
                k.e = one();
                k.d = one();
                k.dp = one();
                k.dq = one();
            }),
            inconsistent,
        ),
        ("e = 2", with(&|k| k.e = two.clone()), inconsistent),
        ("e = 3", of_exponent(3), inconsistent),
        ("e = 65539", of_exponent(65539), inconsistent),
        (
            "an e of 2048 bits",
            with(&|k| k.e = &k.n - &two),
            inconsistent,
        ),
        ("trailing data", trailing, inconsistent),
        (
            "a byte too few",
            good.der()[..good.der().len() - 1].to_vec(),
            inconsistent,
        ),
        (
            "1,024 bits",
            Numbers::of(&openssl_key(&["RSA", "-pkeyopt", "rsa_keygen_bits:1024"])).der(),
            "has fewer than 2048 bits",
        ),
        (
            "2,047 bits",
            Numbers::of(&openssl_key(&["RSA", "-pkeyopt", "rsa_keygen_bits:2047"])).der(),
            "has fewer than 2048 bits",
        ),
        ("4,112 bits", larger(4112), "has more than 4096 bits"),
        ("16,384 bits", larger(16_384), "has more than 4096 bits"),
    ];
    let keyring = Keyring::new();
    for (name, der, message) in cases {
        for pem in both(&der) {
            let response = keyring.ask(&pem);
            assert_eq!(response.status, 500, "{name}: {response}");
            let text = response.error();
            let expected = format!("jaas_private_key {message}");
            assert!(text.starts_with(&expected), "{name}: {text}");
            assert!(
                text.ends_with('.') && text.contains("openssl"),
                "{name}: {text}"
            );
        }
    }
    // The numbers that the cases start from are valid.
    for pem in both(&good.der()) {
        assert_eq!(keyring.ask(&pem).status, 200);
    }
}

#[test]
fn a_key_in_a_wrong_envelope_is_rejected_with_a_message() {
    let der = Numbers::of(&key(Kind::Pkcs8, 2048).pem).der();
    let info = |algorithm, key: &[u8]| {
        let info = pkcs8::PrivateKeyInfo::new(algorithm, key);
        in_pem("PRIVATE KEY", &info.to_der().expect("DER"))
    };
    let without_parameters = pkcs8::AlgorithmIdentifierRef {
        oid: pkcs1::ALGORITHM_OID,
        parameters: None,
    };
    let of_pss = openssl_key(&["RSA-PSS", "-pkeyopt", "rsa_keygen_bits:2048"]);
    let three_primes = openssl_key(&[
        "RSA",
        "-pkeyopt",
        "rsa_keygen_bits:2048",
        "-pkeyopt",
        "rsa_keygen_primes:3",
    ]);
    let keyring = Keyring::new();
    for (name, pem) in [
        (
            "trailing data inside",
            info(pkcs1::ALGORITHM_ID, &[der.as_slice(), &[0]].concat()),
        ),
        ("nothing inside", info(pkcs1::ALGORITHM_ID, &[])),
        ("no parameters", info(without_parameters, &der)),
        ("for PSS alone", of_pss),
        ("three primes", three_primes),
        ("an empty sequence", in_pem("RSA PRIVATE KEY", &[0x30, 0])),
        (
            "an endless length",
            in_pem("RSA PRIVATE KEY", &[0x30, 0x84, 0xff, 0xff, 0xff, 0xff]),
        ),
        (
            "indefinite length",
            in_pem("RSA PRIVATE KEY", &[0x30, 0x80, 0, 0]),
        ),
    ] {
        let response = keyring.ask(&pem);
        assert_eq!(response.status, 500, "{name}: {response}");
        let text = response.error();
        assert!(
            text.starts_with("jaas_private_key is not "),
            "{name}: {text}"
        );
    }
}

/// Such a key passes every consistency check, but its signatures are wrong, as a faulty processor's would be. `rsa` raises
/// each signature to the public exponent before it returns it; if that does not yield the digest, superboring traps, and
/// the client gets the host's own response.
#[test]
fn a_signature_that_does_not_verify_is_not_given_out() {
    let keyring = Keyring::new();
    for pem in both(&composite(2048).der()) {
        let response = keyring.ask(&pem);
        assert_eq!(response.status, 500, "{response}");
        assert!(response.body.is_empty(), "{response}");
    }
}

fn openssl_verifies_keys_of_any_size(count: usize) {
    let keyring = Keyring::new();
    for number in 0..count {
        // From 2048 to 4096 bits: both limits, and random lengths between them.
        let bits = match number {
            0 => 2048,
            1 => 4096,
            _ => 2048 + random(2049),
        };
        let kind = [Kind::Pkcs8, Kind::Pkcs1][number % 2];
        let key: Key = key_of(kind, bits);
        let response = keyring.ask(&key.pem);
        assert_eq!(response.status, 200, "{bits} bits: {response}");
        let token = response.token().raw;
        assert!(signature::is_valid_for_openssl(&token, &key), "{bits} bits");
        assert!(signature::is_valid(&token, &key), "{bits} bits");
    }
}

/// Returns a random number below `limit`.
fn random(limit: u32) -> u32 {
    let digits = openssl(&["rand", "-hex", "4"], "");
    u32::from_str_radix(digits.trim(), 16).expect("digits") % limit
}

#[test]
fn openssl_verifies_tokens_of_some_random_keys() {
    openssl_verifies_keys_of_any_size(4);
}

#[test]
#[ignore = "takes minutes: cargo test --test service -- --ignored random_keys"]
fn openssl_verifies_tokens_of_a_hundred_random_keys() {
    openssl_verifies_keys_of_any_size(100);
}
