//! RS256 signing: RSASSA-PKCS1-v1_5 with SHA-256 ([RFC 8017], section 8.2), without verification.
//!
//! Supports RSA keys of two primes with 2048, 3072 or 4096 bits and the public exponent 65537, in PKCS#1 or PKCS#8. Written
//! for WebAssembly, where it needs `simd128` to be fast, and `relaxed-simd` to be fastest. Other targets work as well.
//!
//! ```
//! # use rs256::{KeyError, SigningKey};
//! # fn example(der: &[u8], rng: &mut impl rs256::TryCryptoRng) -> Result<(), KeyError> {
//! let key = SigningKey::from_pkcs8_der(der)?;
//! let signature = key.sign(b"header.claims", rng).expect("the generator works");
//! assert_eq!(signature.len(), key.modulus_bits() / 8);
//! # Ok(())
//! # }
//! ```
//!
//! # What it protects
//! - No branch, memory address, loop length or early exit depends on the key or on numbers derived from it, except that a
//!   key or a signature is found to be bad. This holds as far as compilers preserve the code as written; it is tested with
//!   Valgrind and by measurement.
//! - The private exponents are blinded for each signature with fresh random multiples of `p − 1` and `q − 1`. The bases of
//!   the exponentiations are not blinded.
//! - Each signature is verified with the public key before it is released. Otherwise a fault in the computation could reveal
//!   the key (Boneh, DeMillo, Lipton 1997).
//! - Secrets are wiped from memory when they are dropped, as far as the language allows. Copies that the compiler makes on the
//!   stack are not wiped.
//!
//! `docs/signing.md` in the repository explains this in detail.
//!
//! [RFC 8017]: https://www.rfc-editor.org/rfc/rfc8017
#![no_std]
#![forbid(unsafe_code)]
#![deny(missing_docs)]

extern crate alloc;
// Natively, the fused multiply-add is a function of the standard library.
#[cfg(any(test, all(rs256_limbs = "49", not(target_family = "wasm"))))]
extern crate std;

#[allow(dead_code, reason = "the target decides which of them are used")]
mod broad;
mod error;
#[cfg(any(
    test,
    rs256_limbs = "49",
    all(target_feature = "relaxed-simd", not(rs256_limbs = "29"))
))]
#[allow(dead_code, reason = "the target decides which of them are used")]
mod fused;
mod key;
mod modulus;
#[allow(dead_code, reason = "the target decides which of them are used")]
mod narrow;
mod primes;
mod rsa;

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

pub use error::SignError;
pub use key::KeyError;
pub use rand_core::TryCryptoRng;

use modulus::Modulus;
use primes::Primes;
use rsa::{BLIND, PrivateKey, Tap};
use zeroize::Zeroizing;

/// The choice of arithmetic for the primes and the moduli of each length.
///
/// For tests and measurements, `--cfg rs256_limbs="29"`, `"49"` or `"60"` in `RUSTFLAGS` makes the choice.
mod sizes {
    use crate::primes::Separate;

    #[cfg(any(
        rs256_limbs = "49",
        all(target_feature = "relaxed-simd", not(rs256_limbs = "29"))
    ))]
    use crate::fused::{Either, Fused};

    /// For the moduli, and for the primes if the host does not fuse.
    #[cfg(any(
        rs256_limbs = "60",
        all(target_pointer_width = "64", not(rs256_limbs = "29"))
    ))]
    mod moduli {
        use crate::broad::Broad;

        pub(crate) type Modulus1024 = Broad<18, 128>;
        pub(crate) type Modulus1536 = Broad<27, 192>;
        pub(crate) type Modulus2048 = Broad<36, 256>;
        pub(crate) type Modulus3072 = Broad<54, 384>;
        pub(crate) type Modulus4096 = Broad<72, 512>;
    }
    #[cfg(not(any(
        rs256_limbs = "60",
        all(target_pointer_width = "64", not(rs256_limbs = "29"))
    )))]
    mod moduli {
        use crate::narrow::Narrow;

        pub(crate) type Modulus1024 = Narrow<9, 128>;
        pub(crate) type Modulus1536 = Narrow<14, 192>;
        pub(crate) type Modulus2048 = Narrow<18, 256>;
        pub(crate) type Modulus3072 = Narrow<27, 384>;
        pub(crate) type Modulus4096 = Narrow<36, 512>;
    }

    pub(crate) use moduli::{Modulus1024, Modulus1536, Modulus2048, Modulus3072, Modulus4096};

    #[cfg(not(any(
        rs256_limbs = "49",
        all(target_feature = "relaxed-simd", not(rs256_limbs = "29"))
    )))]
    mod primes {
        use super::{Modulus1024, Modulus1536, Modulus2048, Separate};

        pub(crate) type Primes1024 = Separate<Modulus1024>;
        pub(crate) type Primes1536 = Separate<Modulus1536>;
        pub(crate) type Primes2048 = Separate<Modulus2048>;
    }
    #[cfg(any(
        rs256_limbs = "49",
        all(target_feature = "relaxed-simd", not(rs256_limbs = "29"))
    ))]
    mod primes {
        use super::{Either, Fused, Modulus1024, Modulus1536, Modulus2048, Separate};

        pub(crate) type Primes1024 = Either<Fused<21, 43, 128>, Separate<Modulus1024>>;
        pub(crate) type Primes1536 = Either<Fused<32, 65, 192>, Separate<Modulus1536>>;
        pub(crate) type Primes2048 = Either<Fused<42, 85, 256>, Separate<Modulus2048>>;
    }

    pub(crate) use primes::{Primes1024, Primes1536, Primes2048};
}

/// An RSA private key that can sign.
pub struct SigningKey(Size);

enum Size {
    Bits2048(Box<PrivateKey<sizes::Primes1024, sizes::Modulus2048>>),
    Bits3072(Box<PrivateKey<sizes::Primes1536, sizes::Modulus3072>>),
    Bits4096(Box<PrivateKey<sizes::Primes2048, sizes::Modulus4096>>),
}

fn private_key<P: Primes, N: Modulus>(
    parts: &key::Parts<'_>,
) -> Result<Box<PrivateKey<P, N>>, KeyError> {
    let key = Box::new(PrivateKey::new(parts));
    key::decide(key.inverse_fits())?;
    Ok(key)
}

impl SigningKey {
    /// Parses a `PrivateKeyInfo` (RFC 5958) in DER, the content of a `BEGIN PRIVATE KEY` block.
    ///
    /// # Errors
    /// See [`KeyError`].
    pub fn from_pkcs8_der(der: &[u8]) -> Result<Self, KeyError> {
        Self::from_parts(&key::Parts::from_pkcs8(der)?)
    }

    /// Parses an `RSAPrivateKey` (RFC 8017, appendix A.1.2) in DER, the content of a `BEGIN RSA PRIVATE KEY` block.
    ///
    /// # Errors
    /// See [`KeyError`].
    pub fn from_pkcs1_der(der: &[u8]) -> Result<Self, KeyError> {
        Self::from_parts(&key::Parts::from_pkcs1(der)?)
    }

    fn from_parts(parts: &key::Parts<'_>) -> Result<Self, KeyError> {
        parts.check()?;
        Ok(Self(match parts.modulus_bits() {
            2048 => Size::Bits2048(private_key(parts)?),
            3072 => Size::Bits3072(private_key(parts)?),
            4096 => Size::Bits4096(private_key(parts)?),
            _ => return Err(KeyError::Length),
        }))
    }

    /// Returns the length of the modulus in bits: 2048, 3072 or 4096. A signature has an eighth of that in bytes.
    #[must_use]
    pub fn modulus_bits(&self) -> usize {
        match self.0 {
            Size::Bits2048(_) => 2048,
            Size::Bits3072(_) => 3072,
            Size::Bits4096(_) => 4096,
        }
    }

    /// Signs a message. Signatures are deterministic; the 16 bytes taken from `rng` only blind the computation, to protect the
    /// key.
    ///
    /// # Errors
    /// See [`SignError`].
    pub fn sign(
        &self,
        message: &[u8],
        rng: &mut (impl TryCryptoRng + ?Sized),
    ) -> Result<Vec<u8>, SignError> {
        self.sign_tapped(message, rng, &mut |_, _| ())
    }

    /// Signs. `tap` lets tests inspect and change the intermediate numbers.
    fn sign_tapped(
        &self,
        message: &[u8],
        rng: &mut (impl TryCryptoRng + ?Sized),
        tap: Tap<'_>,
    ) -> Result<Vec<u8>, SignError> {
        let mut blinds = Zeroizing::new([[0; BLIND]; 2]);
        for blind in blinds.iter_mut() {
            rng.try_fill_bytes(blind).map_err(|_| SignError::Random)?;
        }
        self.sign_blinded(message, &blinds, tap)
    }

    // Separate from the generic function above, which is compiled by the crate that uses it and with that crate's settings,
    // together with every generic function that it calls.
    fn sign_blinded(
        &self,
        message: &[u8],
        blinds: &[[u8; BLIND]; 2],
        tap: Tap<'_>,
    ) -> Result<Vec<u8>, SignError> {
        match &self.0 {
            Size::Bits2048(key) => key.sign(message, blinds, tap),
            Size::Bits3072(key) => key.sign(message, blinds, tap),
            Size::Bits4096(key) => key.sign(message, blinds, tap),
        }
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey([secret key elided])")
    }
}
