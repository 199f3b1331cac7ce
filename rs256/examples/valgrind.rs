//! Shows that nothing branches on, or addresses memory by, the key: the method of Langley's `ctgrind`.
//!
//! Valgrind follows which bits are undefined, and complains when a branch or an address depends on one. This program
//! declares the secret numbers of a key undefined, and the random numbers as well, then reads the key and signs.
//!
//! ```text
//! cargo build --release -p rs256 --example valgrind
//! for bits in 2048 3072 4096; do openssl genrsa $bits | openssl pkcs8 -topk8 -nocrypt -outform DER -out target/key.der
//!   valgrind --suppressions=rs256/valgrind.supp --error-exitcode=1 target/release/examples/valgrind target/key.der; done
//! ```
//!
//! and once more with `RUSTFLAGS='--cfg rs256_limbs="29"'` and `"49"`, which are WebAssembly's arithmetics; `.ci/valgrind`
//! does it with one key and the last of them. `rs256/valgrind.supp` names the two functions that may look: whether a key
//! is good, and whether a signature is good. The first two bytes of each number stay defined: the
//! ASN.1 decoder looks at them, and they tell the sign and the length.
//!
//! `valgrind target/key.der leak` branches on a secret on purpose: then there must be a complaint.
#![allow(unsafe_code, reason = "requests to Valgrind are machine code")]

use std::hint::black_box;
use std::{env, fs};

use getrandom::SysRng;
use rand_core::{TryCryptoRng, TryRng};
use rs256::SigningKey;

/// `MAKE_MEM_UNDEFINED` and `MAKE_MEM_DEFINED` of `valgrind/memcheck.h`.
const UNDEFINED: usize = 0x4d43_0001;
const DEFINED: usize = 0x4d43_0002;

/// A request to Valgrind; outside of it these instructions do nothing (`valgrind/valgrind.h`).
#[cfg(target_arch = "x86_64")]
fn request(what: usize, memory: &[u8]) {
    let arguments = [what, memory.as_ptr().addr(), memory.len(), 0, 0, 0];
    // SAFETY: the rotations add up to 128 bits, and the exchange is of a register with itself.
    unsafe {
        core::arch::asm!(
            "rol rdi, 3",
            "rol rdi, 13",
            "rol rdi, 61",
            "rol rdi, 51",
            "xchg rbx, rbx",
            in("rax") arguments.as_ptr(),
            inout("rdx") 0_usize => _,
        );
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn request(_: usize, _: &[u8]) {
    panic!("this is written for x86-64");
}

/// Randomness that Valgrind takes for undefined.
struct Secret;

impl TryRng for Secret {
    type Error = getrandom::Error;

    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        SysRng.try_next_u32()
    }

    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        SysRng.try_next_u64()
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Self::Error> {
        SysRng.try_fill_bytes(bytes)?;
        request(UNDEFINED, bytes);
        Ok(())
    }
}

impl TryCryptoRng for Secret {}

fn main() {
    let file = env::args().nth(1).expect("a key in PKCS#8, DER, is named");
    let der = fs::read(file).expect("the key can be read");
    let info = pkcs8::PrivateKeyInfo::try_from(&der[..]).expect("PKCS#8");
    let key = pkcs1::RsaPrivateKey::try_from(info.private_key).expect("PKCS#1");
    for secret in [
        key.private_exponent,
        key.prime1,
        key.prime2,
        key.exponent1,
        key.exponent2,
        key.coefficient,
    ] {
        request(UNDEFINED, &secret.as_bytes()[2..]);
    }
    if env::args().nth(2).is_some() && black_box(&key.prime1.as_bytes()[9]) % 2 == 1 {
        println!("a secret bit is set");
    }
    let key = SigningKey::from_pkcs8_der(&der).expect("a good key");
    for message in [&b""[..], b"message"] {
        let signature = key.sign(message, &mut Secret).expect("it signs");
        request(DEFINED, &signature);
        println!("{}", signature.iter().fold(0, |sum, byte| sum ^ byte));
    }
}
