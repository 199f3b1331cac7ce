//! What a signature takes, and reading the key: `cargo bench --package devkit-bench --no-default-features --bench rs256`.

use std::process::{Command, Stdio};

use divan::Bencher;
use getrandom::SysRng;
use rs256::SigningKey;

const BITS: [u32; 3] = [2048, 3072, 4096];

fn main() {
    divan::main();
}

/// A key in PKCS#8, which is made for this and never kept.
fn der(bits: u32) -> Vec<u8> {
    let make = "openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:$0 | openssl pkcs8 -topk8 -nocrypt -outform DER";
    let output = Command::new("sh")
        .args(["-c", make, &bits.to_string()])
        .stderr(Stdio::null())
        .output()
        .expect("sh starts");
    assert!(output.status.success(), "openssl makes no key");
    output.stdout
}

#[divan::bench(args = BITS)]
fn sign(bencher: Bencher, bits: u32) {
    let key = SigningKey::from_pkcs8_der(&der(bits)).expect("a good key");
    bencher.bench_local(|| {
        key.sign(b"header.claims", &mut SysRng)
            .expect("a signature")
    });
}

#[divan::bench(args = BITS)]
fn read_key(bencher: Bencher, bits: u32) {
    let der = der(bits);
    bencher.bench_local(|| SigningKey::from_pkcs8_der(&der).expect("a good key"));
}
