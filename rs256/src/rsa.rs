//! From a message to its signature: RSASSA-PKCS1-v1_5 (RFC 8017, section 8.2.1) by the Chinese remainder theorem.

use alloc::vec;
use alloc::vec::Vec;

use crypto_bigint::{BoxedUint, Choice, ConcatenatingMul, CtEq};
use sha2::{Digest, Sha256};
use zeroize::{Zeroize, Zeroizing};

use crate::SignError;
use crate::key::{Parts, not_zero, number};
use crate::modulus::Modulus;

/// Bits of an exponent that are worked off at once.
const WINDOW: usize = 5;

/// Bytes of the random multiple by which an exponent is blinded.
const BLIND: usize = 8;

/// The part of `EMSA-PKCS1-v1_5` before a SHA-256 hash: `DigestInfo` up to the hash (RFC 8017, section 9.2, note 1).
const DIGEST_INFO: [u8; 19] = [
    0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05,
    0x00, 0x04, 0x20,
];

/// The encoded message `EM` of `length` bytes (RFC 8017, section 9.2).
fn encoded(message: &[u8], length: usize) -> Vec<u8> {
    let hash = Sha256::digest(message);
    let padding = length - 3 - DIGEST_INFO.len() - hash.len();
    let mut encoded = Vec::with_capacity(length);
    encoded.extend([0, 1]);
    encoded.resize(2 + padding, 0xFF);
    encoded.push(0);
    encoded.extend(DIGEST_INFO);
    encoded.extend(hash);
    encoded
}

/// `R² mod m`: what a number is multiplied by to come into Montgomery form.
///
/// `m` has its highest bit set, so that the next power of two is `m` and `2^bits − m` together. That is doubled until it is
/// `2·R mod m`, the Montgomery form of 2; and `R`, as a power of 2, is computed in that form: then it is `R·R`.
fn square_of_r<M: Modulus>(arithmetic: &M, room: &mut M::Room, modulus: &[u8]) -> M::Number {
    let modulus = number(modulus, M::BYTES);
    let mut power = Zeroizing::new(modulus.wrapping_neg());
    let mut modulus = not_zero(&modulus);
    for _ in 8 * M::BYTES..=M::R_BITS as usize {
        *power = power.double_mod(&modulus);
    }
    modulus.zeroize();
    let two = Zeroizing::new(M::number(&Zeroizing::new(power.to_be_bytes())));
    let mut square = *two;
    let bits = u32::BITS - M::R_BITS.leading_zeros();
    for bit in (0..bits - 1).rev() {
        arithmetic.square(room, &mut square);
        if M::R_BITS >> bit & 1 == 1 {
            arithmetic.multiply(room, &mut square, &two);
        }
    }
    square
}

/// One of the two primes.
struct Prime<M: Modulus> {
    modulus: M,
    /// `R`: one in Montgomery form.
    one: M::Number,
    /// `R³`: what a number that was divided by `R` is multiplied by to come into Montgomery form.
    cube: M::Number,
    /// `d mod (p − 1)`.
    exponent: Zeroizing<BoxedUint>,
    /// `p − 1`.
    order: Zeroizing<BoxedUint>,
}

impl<M: Modulus> Drop for Prime<M> {
    fn drop(&mut self) {
        self.one.zeroize();
        self.cube.zeroize();
    }
}

impl<M: Modulus> Prime<M> {
    fn new(prime: &[u8], exponent: &[u8]) -> Self {
        let modulus = M::new(prime);
        let mut room = M::room();
        let mut square = square_of_r(&modulus, &mut room, prime);
        let mut one = square;
        modulus.multiply(&mut room, &mut one, &M::number(&[1]));
        let mut cube = square;
        modulus.square(&mut room, &mut cube);
        square.zeroize();
        let order = number(prime, M::BYTES);
        Self {
            modulus,
            one,
            cube,
            exponent: number(exponent, M::BYTES),
            order: Zeroizing::new(order.wrapping_sub(BoxedUint::one())),
        }
    }

    /// `d + blind·(p − 1)`, which as an exponent does what `d` does. Big-endian, `BYTES + BLIND` bytes.
    fn blinded_exponent(&self, blind: [u8; BLIND]) -> Zeroizing<Vec<u8>> {
        let blind = number(&blind, BLIND);
        let mut sum = Zeroizing::new(self.order.concatenating_mul(&*blind));
        // (p − 1)·(2⁶⁴ − 1) + d < (p − 1)·2⁶⁴.
        sum.wrapping_add_assign(&*self.exponent);
        let mut bytes = sum.to_be_bytes();
        let exponent = Zeroizing::new(bytes.to_vec());
        bytes.zeroize();
        exponent
    }

    /// `message^d mod p`, in the range that products keep to.
    fn power(&self, room: &mut M::Room, message: &[u8], blind: [u8; BLIND]) -> M::Number {
        let mut base = self.modulus.reduced(room, message);
        self.modulus.multiply(room, &mut base, &self.cube);
        let mut power = self.window_power(room, &base, &self.blinded_exponent(blind));
        base.zeroize();
        // Out of Montgomery form.
        self.modulus.multiply(room, &mut power, &M::number(&[1]));
        power
    }

    /// `base^exponent` by a fixed window: for each five bits of the exponent five squarings and one multiplication, by an
    /// entry of a table of which all of it is read.
    fn window_power(&self, room: &mut M::Room, base: &M::Number, exponent: &[u8]) -> M::Number {
        let m = &self.modulus;
        let mut table = Zeroizing::new(vec![M::Number::default(); 1 << WINDOW]);
        table[0] = self.one;
        table[1] = *base;
        for i in 2..table.len() {
            let mut entry = table[i & !1];
            if i % 2 == 0 {
                entry = table[i / 2];
                m.square(room, &mut entry);
            } else {
                m.multiply(room, &mut entry, base);
            }
            table[i] = entry;
        }
        let windows = (8 * exponent.len()).div_ceil(WINDOW);
        let mut power = M::Number::default();
        let mut factor = Zeroizing::new(M::Number::default());
        for place in (0..windows).rev() {
            let index = window(exponent, place);
            if place == windows - 1 {
                M::select(&table, index, &mut power);
                continue;
            }
            for _ in 0..WINDOW {
                m.square(room, &mut power);
            }
            M::select(&table, index, &mut factor);
            m.multiply(room, &mut power, &factor);
        }
        power
    }
}

/// The bits from `WINDOW·place` on of a big-endian number.
fn window(number: &[u8], place: usize) -> u8 {
    let bit = WINDOW * place;
    let byte = |place| u16::from(number.iter().rev().nth(place).copied().unwrap_or(0));
    let bits = byte(bit / 8) | byte(bit / 8 + 1) << 8;
    (bits >> (bit % 8)).to_le_bytes()[0] & ((1 << WINDOW) - 1)
}

/// A private key: `P` computes with the primes, `N` with their product.
pub(crate) struct PrivateKey<P: Modulus, N: Modulus> {
    p: Prime<P>,
    q: Prime<P>,
    /// `q⁻¹·R mod p`.
    q_inverse: P::Number,
    /// `q`.
    q_number: P::Number,
    n: N,
    /// `R² mod n`.
    n_square: N::Number,
}

impl<P: Modulus, N: Modulus> Drop for PrivateKey<P, N> {
    fn drop(&mut self) {
        self.q_inverse.zeroize();
        self.q_number.zeroize();
    }
}

impl<P: Modulus, N: Modulus> PrivateKey<P, N> {
    /// From numbers that belong together and have the right length.
    pub(crate) fn new(parts: &Parts<'_>) -> Self {
        let p = Prime::<P>::new(parts.p, parts.d_p);
        let mut room = P::room();
        let mut q_inverse = P::number(parts.q_inverse);
        let mut square = square_of_r(&p.modulus, &mut room, parts.p);
        p.modulus.multiply(&mut room, &mut q_inverse, &square);
        square.zeroize();
        let n = N::new(parts.n);
        let n_square = square_of_r(&n, &mut N::room(), parts.n);
        Self {
            p,
            q: Prime::new(parts.q, parts.d_q),
            q_inverse,
            q_number: P::number(parts.q),
            n,
            n_square,
        }
    }

    /// Whether `q⁻¹·q ≡ 1 (mod p)`.
    pub(crate) fn inverse_fits(&self) -> Choice {
        let mut product = Zeroizing::new(self.q_number);
        let mut bytes = Zeroizing::new(vec![0; P::BYTES]);
        let p = &self.p.modulus;
        p.multiply(&mut P::room(), &mut product, &self.q_inverse);
        p.write(&product, &mut bytes);
        CtEq::ct_eq(&*number(&bytes, P::BYTES), &*number(&[1], P::BYTES))
    }

    /// Signs. `halfway` is for tests, which change a number there.
    pub(crate) fn sign(
        &self,
        message: &[u8],
        blinds: [[u8; BLIND]; 2],
        halfway: impl FnOnce(&mut P::Number),
    ) -> Result<Vec<u8>, SignError> {
        let encoded = encoded(message, N::BYTES);
        let mut room = P::room();
        let [p_blind, q_blind] = blinds;
        let mut s_p = self.p.power(&mut room, &encoded, p_blind);
        halfway(&mut s_p);
        let mut s_q = self.q.power(&mut room, &encoded, q_blind);
        let signature = self.join(&mut room, &mut s_p, &mut s_q);
        s_p.zeroize();
        s_q.zeroize();
        release(self.opens(&signature, &encoded), signature)
    }

    /// Garner's recombination: `s_q + q·((s_p − s_q)·q⁻¹ mod p)` (RFC 8017, section 5.1.2).
    fn join(&self, room: &mut P::Room, s_p: &mut P::Number, s_q: &mut P::Number) -> Vec<u8> {
        let mut bytes = Zeroizing::new(vec![0; P::BYTES]);
        self.q.modulus.write(s_q, &mut bytes);
        *s_q = P::number(&bytes);
        // s_q is below q, and q below 2·p: the difference is within 4·p.
        self.p.modulus.subtract(s_p, s_q);
        self.p.modulus.multiply(room, s_p, &self.q_inverse);
        self.p.modulus.write(s_p, &mut bytes);
        *s_p = P::number(&bytes);
        let mut signature = vec![0; N::BYTES];
        P::write_product(room, s_p, &self.q_number, s_q, &mut signature);
        signature
    }

    /// Zero if the signature, raised to the power 65537, is the message.
    fn opens(&self, signature: &[u8], encoded: &[u8]) -> u8 {
        let mut room = N::room();
        let s = N::number(signature);
        let mut power = s;
        self.n.multiply(&mut room, &mut power, &self.n_square);
        for _ in 0..16 {
            self.n.square(&mut room, &mut power);
        }
        // s^65536·R·s/R
        self.n.multiply(&mut room, &mut power, &s);
        let mut opened = Zeroizing::new(vec![0; N::BYTES]);
        self.n.write(&power, &mut opened);
        opened
            .iter()
            .zip(encoded)
            .fold(0, |difference, (a, b)| difference | (a ^ b))
    }
}

/// Gives the signature out, or not: the one place where something that comes from the key decides what happens next.
#[inline(never)]
fn release(difference: u8, mut signature: Vec<u8>) -> Result<Vec<u8>, SignError> {
    if difference == 0 {
        Ok(signature)
    } else {
        signature.zeroize();
        Err(SignError::Fault)
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use num_bigint::BigUint;

    use super::*;
    use crate::broad::Broad;
    use crate::narrow::Narrow;

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

        fn private_key<P: Modulus, N: Modulus>(&self) -> PrivateKey<P, N> {
            let [n, e, p, q, d_p, d_q, q_inverse] = &self.numbers;
            let parts = Parts {
                n,
                e,
                p,
                q,
                d_p,
                d_q,
                q_inverse,
            };
            parts.check().expect("a good key");
            let key = PrivateKey::<P, N>::new(&parts);
            assert!(bool::from(key.inverse_fits()));
            key
        }
    }

    fn opened(key: &Key, signature: &[u8]) -> Vec<u8> {
        let encoded = BigUint::from_bytes_be(signature).modpow(&BigUint::from(E), &key.n);
        [&[0], &encoded.to_bytes_be()[..]].concat()
    }

    /// Signs with every extreme of the random numbers, and with faults.
    fn check<P: Modulus, N: Modulus>(key: &Key) {
        let private = key.private_key::<P, N>();
        let mut first = None;
        for blind in [
            [0; 8],
            [0xFF; 8],
            [0, 0, 0, 0, 0, 0, 0, 1],
            [0x80; 8],
            [0x5A; 8],
        ] {
            let signature = private.sign(b"message", [blind, blind], |_| ()).unwrap();
            assert_eq!(opened(key, &signature), encoded(b"message", N::BYTES));
            assert_eq!(*first.get_or_insert(signature.clone()), signature);
        }
        for bit in (0..8 * P::BYTES - 1).step_by(61) {
            let fault = |number: &mut P::Number| {
                let mut bytes = vec![0; P::BYTES];
                private.p.modulus.write(number, &mut bytes);
                bytes[bit / 8] ^= 1 << (bit % 8);
                *number = P::number(&bytes);
            };
            let outcome = private.sign(b"message", [[7; 8]; 2], fault);
            assert_eq!(outcome, Err(SignError::Fault), "bit {bit}");
        }
    }

    #[test]
    fn a_fault_gives_an_error_and_never_a_signature() {
        let key = Key::new(2048);
        check::<Narrow<9, 128>, Narrow<18, 256>>(&key);
        check::<Broad<18, 128>, Broad<36, 256>>(&key);
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
            0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02,
            0x01, 0x05, 0x00, 0x04, 0x20,
        ]);
        expected[204] = 0;
        assert_eq!(encoded(b"abc", 256), expected);
    }

    #[test]
    fn windows_are_the_digits_of_the_exponent() {
        let number = BigUint::parse_bytes(b"f0e1d2c3b4a5968778695a4b3c2d1e0f", 16).unwrap();
        let bytes = number.to_bytes_be();
        let windows = (8 * bytes.len()).div_ceil(WINDOW);
        let sum = (0..windows).rev().fold(BigUint::ZERO, |sum, place| {
            (sum << WINDOW) + window(&bytes, place)
        });
        assert_eq!(sum, number);
    }
}
