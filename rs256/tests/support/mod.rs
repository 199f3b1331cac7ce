//! Keys for tests, made by OpenSSL when the tests run.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// Runs `openssl` and gives what it writes.
///
/// # Panics
/// It fails.
pub fn openssl(arguments: &[&str], input: &[u8]) -> Vec<u8> {
    let mut child = Command::new("openssl")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("openssl is installed: `apt-get install openssl`");
    let mut stdin = child.stdin.take().expect("it is piped");
    stdin.write_all(input).expect("openssl reads");
    drop(stdin);
    let output = child.wait_with_output().expect("openssl ends");
    assert!(output.status.success(), "openssl {arguments:?} failed");
    output.stdout
}

/// A key in PKCS#8, DER.
pub fn new_key(bits: usize) -> Vec<u8> {
    new_key_with(&format!("rsa_keygen_bits:{bits}"))
}

/// A key in PKCS#8, DER, made with an option. (`genpkey` itself writes another format in DER.)
pub fn new_key_with(option: &str) -> Vec<u8> {
    let pem = openssl(&["genpkey", "-algorithm", "RSA", "-pkeyopt", option], &[]);
    openssl(&["pkcs8", "-topk8", "-nocrypt", "-outform", "DER"], &pem)
}

/// The public half of a key, DER in and out (`SubjectPublicKeyInfo`). `name` is of a file that no other test writes.
#[allow(dead_code, reason = "not every test file needs it")]
pub fn public_half(name: &str, key: &[u8]) -> Vec<u8> {
    let file = File::new(name, key);
    openssl(
        &[
            "pkey",
            "-inform",
            "DER",
            "-in",
            file.path(),
            "-pubout",
            "-outform",
            "DER",
        ],
        &[],
    )
}

/// A file below `target`, removed when it is dropped.
pub struct File(PathBuf);

impl File {
    /// Writes it.
    pub fn new(name: &str, content: &[u8]) -> Self {
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
        std::fs::write(&path, content).expect("target can be written");
        Self(path)
    }

    /// Its path.
    pub fn path(&self) -> &str {
        self.0.to_str().expect("cargo's paths are text")
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}
