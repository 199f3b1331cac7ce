//! A signature of this kind has one right value: what OpenSSL and jwt-simple compute must be equal byte for byte.
//!
//! The ordinary run takes 50 keys. The long run takes a thousand, and writes all cases to a file, on which
//! `examples/vectors.rs` runs in WebAssembly:
//!
//! ```text
//! RS256_KEYS=1000 RS256_MESSAGES=20 RS256_VECTORS=$PWD/target/vectors cargo test --release -p rs256 --test equality
//! cargo run --release -p rs256 --example vectors --target wasm32-wasip2 < target/vectors
//! ```

mod support;

use std::fmt::Write as _;
use std::num::NonZero;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::{env, fs, thread};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use getrandom::SysRng;
use jwt_simple::prelude::{Claims, Duration, RS256KeyPair, RSAKeyPairLike};
use rs256::SigningKey;
use support::{File, new_key, openssl};

/// A number from the environment.
fn setting(name: &str, otherwise: usize) -> usize {
    env::var(name).map_or(otherwise, |text| text.parse().expect("a number"))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a string can be written");
        text
    })
}

/// Mostly 2048 bits, because the others take long to make.
fn bits(place: usize) -> usize {
    match place % 25 {
        7 | 15 => 3072,
        24 => 4096,
        _ => 2048,
    }
}

/// Compares signatures of one key; gives the cases as lines of hexadecimal key, message and signature.
fn compare(place: usize, messages: usize) -> String {
    let der = new_key(bits(place));
    let key = SigningKey::from_pkcs8_der(&der).expect("OpenSSL's keys are good");
    assert_eq!(key.modulus_bits(), bits(place));
    let jwt_simple = RS256KeyPair::from_der(&der).expect("OpenSSL's keys are good");
    let file = File::new(&format!("equality-{place}.der"), &der);
    let mut lines = String::new();
    for i in 0..messages {
        let mut message = vec![0; i * i * 37 % 4096];
        getrandom::fill(&mut message).expect("there is randomness");
        let (message, expected) = if i % 2 == 0 {
            let arguments = ["dgst", "-sha256", "-keyform", "DER", "-sign", file.path()];
            let signature = openssl(&arguments, &message);
            (message, signature)
        } else {
            let claims = Claims::create(Duration::from_secs(60)).with_jwt_id(hex(&message));
            let token = jwt_simple.sign(claims).expect("jwt-simple signs");
            let (message, signature) = token.rsplit_once('.').expect("three parts");
            let signature = URL_SAFE_NO_PAD.decode(signature).expect("base64url");
            (message.as_bytes().to_vec(), signature)
        };
        let signature = key.sign(&message, &mut SysRng).expect("it signs");
        assert!(
            signature == expected,
            "key {}, message {}",
            hex(&der),
            hex(&message)
        );
        writeln!(lines, "{} {} {}", hex(&der), hex(&message), hex(&signature))
            .expect("a string can be written");
    }
    lines
}

#[test]
fn signatures_equal_those_of_openssl_and_jwt_simple() {
    let keys = setting("RS256_KEYS", 50);
    let messages = setting("RS256_MESSAGES", 2);
    let next = AtomicUsize::new(0);
    let lines = Mutex::new(String::new());
    let threads = thread::available_parallelism().map_or(2, NonZero::get);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let place = next.fetch_add(1, Ordering::Relaxed);
                    if place >= keys {
                        break;
                    }
                    let some = compare(place, messages);
                    lines.lock().expect("nobody panicked").push_str(&some);
                }
            });
        }
    });
    let lines = lines.into_inner().expect("nobody panicked");
    assert_eq!(lines.lines().count(), keys * messages);
    if let Ok(path) = env::var("RS256_VECTORS") {
        fs::write(path, lines).expect("the file can be written");
    }
}
