//! Parses encoded keys, and checks the relations between their numbers.

use core::fmt;
use core::hint::black_box;

use crypto_bigint::{BoxedUint, Choice, ConcatenatingMul, CtEq, CtLt, CtSelect};
use pkcs1::RsaPrivateKey;
use pkcs8::{ObjectIdentifier, PrivateKeyInfo};
use zeroize::Zeroizing;

/// `rsaEncryption` (RFC 8017, appendix A.1).
const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
/// 65537.
const PUBLIC_EXPONENT: [u8; 3] = [1, 0, 1];

/// Why a key is rejected. Reveals nothing about its numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyError {
    /// The key cannot be parsed, or has more than two primes.
    Damaged,
    /// The key is for an algorithm other than RSA.
    Algorithm,
    /// The modulus does not have 2048, 3072 or 4096 bits, or a prime does not have half of its length.
    Length,
    /// The public exponent is not 65537.
    PublicExponent,
    /// The numbers are inconsistent.
    Inconsistent,
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Damaged => "the private key cannot be read as an RSA key of two primes",
            Self::Algorithm => "the private key is not an RSA key",
            Self::Length => {
                "the private key has not 2048, 3072 or 4096 bits, half of them in each prime"
            }
            Self::PublicExponent => "the private key's public exponent is not 65537",
            Self::Inconsistent => "the private key's numbers do not belong together",
        })
    }
}

impl core::error::Error for KeyError {}

/// The numbers of a key, big-endian and without leading zeros.
pub(crate) struct Parts<'a> {
    pub(crate) n: &'a [u8],
    pub(crate) p: &'a [u8],
    pub(crate) q: &'a [u8],
    /// `d mod (p − 1)`.
    pub(crate) d_p: &'a [u8],
    /// `d mod (q − 1)`.
    pub(crate) d_q: &'a [u8],
    /// `q⁻¹ mod p`.
    pub(crate) q_inverse: &'a [u8],
    pub(crate) e: &'a [u8],
}

impl<'a> Parts<'a> {
    pub(crate) fn from_pkcs8(der: &'a [u8]) -> Result<Self, KeyError> {
        let info = PrivateKeyInfo::try_from(der).map_err(|_| KeyError::Damaged)?;
        if info.algorithm.oid != RSA {
            return Err(KeyError::Algorithm);
        }
        Self::from_pkcs1(info.private_key)
    }

    pub(crate) fn from_pkcs1(der: &'a [u8]) -> Result<Self, KeyError> {
        let key = RsaPrivateKey::try_from(der).map_err(|_| KeyError::Damaged)?;
        if key.other_prime_infos.is_some() {
            return Err(KeyError::Damaged);
        }
        Ok(Self {
            n: key.modulus.as_bytes(),
            p: key.prime1.as_bytes(),
            q: key.prime2.as_bytes(),
            d_p: key.exponent1.as_bytes(),
            d_q: key.exponent2.as_bytes(),
            q_inverse: key.coefficient.as_bytes(),
            e: key.public_exponent.as_bytes(),
        })
    }

    /// Returns the length of the modulus in bits, if that is a multiple of 8, and 0 otherwise.
    pub(crate) fn modulus_bits(&self) -> usize {
        match self.n {
            [first, ..] if *first >= 0x80 => 8 * self.n.len(),
            _ => 0,
        }
    }

    /// Checks the relations between the numbers, except that of `q⁻¹` to `q`. Does not check that `p` and `q` are prime.
    ///
    /// # Errors
    /// [`KeyError::Length`], [`KeyError::PublicExponent`] or [`KeyError::Inconsistent`].
    pub(crate) fn check(&self) -> Result<(), KeyError> {
        let half = self.n.len() / 2;
        let full = |prime: &[u8]| prime.len() == half && prime[0] >= 0x80;
        if !matches!(self.modulus_bits(), 2048 | 3072 | 4096) || !full(self.p) || !full(self.q) {
            return Err(KeyError::Length);
        }
        if self.e != PUBLIC_EXPONENT {
            return Err(KeyError::PublicExponent);
        }
        let short = [self.d_p, self.d_q, self.q_inverse];
        if short.iter().any(|number| number.len() > half) {
            return Err(KeyError::Inconsistent);
        }
        decide(self.consistent())
    }

    /// Whether the numbers satisfy the relations of RFC 8017, section 3.2; in constant time. Two relations are not checked here.
    /// `q·q⁻¹ ≡ 1 (mod p)`, which also excludes `p = q`, is checked where there is arithmetic modulo `p`. `d` is not checked at
    /// all, because nothing is computed from it.
    fn consistent(&self) -> Choice {
        let half = self.p.len();
        let [p, q] = [self.p, self.q].map(|prime| number(prime, half));
        let one = number(&[1], half);
        let n = number(self.n, 2 * half);
        let mut good = CtEq::ct_eq(&*Zeroizing::new(p.concatenating_mul(&*q)), &*n);
        for (prime, exponent) in [(&p, self.d_p), (&q, self.d_q)] {
            let exponent = number(exponent, half);
            // Odd, because the lowest bit is one.
            good &= CtEq::ct_eq(&*Zeroizing::new(&**prime & &*one), &*one);
            let order = Zeroizing::new(prime.wrapping_sub(&*one));
            good &= CtLt::ct_lt(&*exponent, &*order);
            good &= inverts_e(&exponent, &order);
        }
        good & CtLt::ct_lt(&*number(self.q_inverse, half), &*p)
    }
}

/// Accepts or rejects a key. Apart from the release of a signature, this is the only branch on a value derived from secrets.
#[inline(never)]
pub(crate) fn decide(consistent: Choice) -> Result<(), KeyError> {
    if bool::from(consistent) {
        Ok(())
    } else {
        // Keeps the compiler from moving the branch into the caller.
        Err(black_box(KeyError::Inconsistent))
    }
}

/// Whether `e·d ≡ 1 (mod m)`, for `d < m`.
///
/// `e·d − 1` is then a multiple of `m` by a factor less than `e`, which has 17 bits, so the division has 17 steps.
fn inverts_e(d: &BoxedUint, m: &BoxedUint) -> Choice {
    let bits = m.bits_precision();
    let length = bits as usize / 8 + 8;
    let e = number(&PUBLIC_EXPONENT, 8);
    let mut rest = Zeroizing::new(d.concatenating_mul(&*e));
    // Not `*rest =`, which would free the previous number without wiping it, and that number may be secret.
    rest = Zeroizing::new(rest.wrapping_sub(&*number(&[1], length)));
    let m = number(&Zeroizing::new(m.to_be_bytes()), length);
    for place in (0..17).rev() {
        let multiple = Zeroizing::new(m.unbounded_shl_vartime(place));
        let (less, negative) = rest.underflowing_sub(&*multiple);
        let less = Zeroizing::new(less);
        rest = Zeroizing::new(BoxedUint::ct_select(&less, &rest, negative));
    }
    rest.is_zero()
}

/// Returns a number of `length` bytes.
pub(crate) fn number(bytes: &[u8], length: usize) -> Zeroizing<BoxedUint> {
    let bits = u32::try_from(8 * length).unwrap_or(u32::MAX);
    Zeroizing::new(BoxedUint::from_be_slice_truncated(bytes, bits))
}
