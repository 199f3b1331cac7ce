//! Signatures of `rs256`. The first byte chooses the key's length (`2`, `3` or `4` for 2048, 3072 or 4096 bits); the next 32
//! are the random bytes that blind the exponents; the rest is the message. After `d` follow changes to the DER of a key as
//! in `key.rs`: if the changed key is accepted, it must sign like the original.

use std::convert::Infallible;
use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use rs256::{SigningKey, TryCryptoRng};
use testkit::key_material::{Kind, SIZES, key};

/// The random bytes for a signature; zeros after they are used up.
struct Input<'a>(&'a [u8]);

impl rand_core::TryRng for Input<'_> {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        let (now, later) = self.0.split_at(bytes.len().min(self.0.len()));
        bytes.fill(0);
        bytes[..now.len()].copy_from_slice(now);
        self.0 = later;
        Ok(())
    }
}

impl TryCryptoRng for Input<'_> {}

/// A key of the testkit: the signing key, its DER, and the public key.
struct Pair {
    key: SigningKey,
    der: Vec<u8>,
    public: UnparsedPublicKey<&'static [u8]>,
}

static PAIRS: [LazyLock<Pair>; 3] = [
    LazyLock::new(|| pair(SIZES[0])),
    LazyLock::new(|| pair(SIZES[1])),
    LazyLock::new(|| pair(SIZES[2])),
];

fn pair(bits: u32) -> Pair {
    let key = key(Kind::Pkcs8, bits);
    let base64: String = key.pem.lines().filter(|it| !it.starts_with('-')).collect();
    let der = STANDARD.decode(base64).expect("a PEM file is base64");
    Pair {
        key: SigningKey::from_pkcs8_der(&der).expect("OpenSSL's keys are good"),
        der,
        public: UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &key.public_der),
    }
}

pub fn run(input: &[u8]) {
    let Some((form, rest)) = input.split_first() else {
        return;
    };
    let pair = match form {
        b'3' => &PAIRS[1],
        b'4' => &PAIRS[2],
        _ => &PAIRS[0],
    };
    if *form == b'd' {
        changed(pair, rest);
    } else {
        let (random, message) = rest.split_at(rest.len().min(32));
        check(pair, &pair.key, random, message);
    }
}

fn changed(pair: &Pair, changes: &[u8]) {
    let mut der = pair.der.clone();
    for change in changes.chunks_exact(3) {
        let place = usize::from(u16::from_be_bytes([change[0], change[1]])) % der.len();
        der[place] ^= change[2];
    }
    // PKCS#1 starts after the wrapper's 26 bytes.
    let keys = [
        SigningKey::from_pkcs8_der(&der),
        SigningKey::from_pkcs1_der(&der[26..]),
    ];
    for key in keys.iter().flatten() {
        check(pair, key, changes, b"message");
    }
}

fn check(pair: &Pair, key: &SigningKey, random: &[u8], message: &[u8]) {
    let signature = key
        .sign(message, &mut Input(random))
        .expect("a key that was accepted signs");
    let verified = pair.public.verify(message, &signature);
    assert!(verified.is_ok(), "the signature is wrong");
}
