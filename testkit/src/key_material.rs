//! Keys generated with `openssl` and `ssh-keygen` while the tests run, so that none is stored or committed.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock};

use crate::locked;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// As OpenSSL writes it.
    Pkcs8,
    /// As 8x8's instructions make it: `ssh-keygen -t rsa -m PEM`.
    Pkcs1,
}

pub const SIZES: [u32; 3] = [2048, 3072, 4096];

#[derive(Debug)]
pub struct Key {
    pub pem: String,
    pub public_pem: String,
    /// The PKCS #1 `RSAPublicKey`, in DER.
    pub public_der: Vec<u8>,
}

/// Returns the key of this kind and size, which is generated on first use.
pub fn key(kind: Kind, bits: u32) -> &'static Key {
    static KEYS: Mutex<BTreeMap<(Kind, u32), &OnceLock<Key>>> = Mutex::new(BTreeMap::new());
    let place = *locked(&KEYS)
        .entry((kind, bits))
        .or_insert_with(|| Box::leak(Box::default()));
    // The map is not locked here, so that several keys can be generated in parallel.
    place.get_or_init(|| key_of(kind, bits))
}

/// Generates a new key of this kind and size.
pub fn key_of(kind: Kind, bits: u32) -> Key {
    let pem = match kind {
        Kind::Pkcs8 => openssl_key(&["RSA", "-pkeyopt", &format!("rsa_keygen_bits:{bits}")]),
        Kind::Pkcs1 => ssh_key(&["-t", "rsa", "-b", &bits.to_string(), "-m", "PEM"], ""),
    };
    Key {
        public_pem: public_key(&pem),
        public_der: run(
            "openssl",
            &["rsa", "-RSAPublicKey_out", "-outform", "DER"],
            &pem,
        ),
        pem,
    }
}

/// Generates a private key with `openssl genpkey -algorithm …`.
pub fn openssl_key(algorithm_and_options: &[&str]) -> String {
    let arguments = [&["genpkey", "-algorithm"], algorithm_and_options].concat();
    text(run("openssl", &arguments, ""))
}

/// Generates a key with `ssh-keygen …` and returns the private key.
pub fn ssh_key(options: &[&str], passphrase: &str) -> String {
    let directory = Directory::new("key");
    let file = directory.path().join("key");
    let file_name = file.to_str().expect("a path in UTF-8");
    let arguments = [options, &["-q", "-N", passphrase, "-f", file_name]].concat();
    run("ssh-keygen", &arguments, "");
    std::fs::read_to_string(file).expect("ssh-keygen wrote a key")
}

pub fn public_key(pem: &str) -> String {
    openssl(&["pkey", "-pubout"], pem)
}

pub fn openssl(arguments: &[&str], input: &str) -> String {
    text(run("openssl", arguments, input))
}

/// Returns a PEM header or footer line. It is composed here so that no file in the repository contains one.
pub fn pem_line(edge: &str, label: &str) -> String {
    format!("{0}{edge} {label}{0}", "-".repeat(5))
}

fn text(output: Vec<u8>) -> String {
    String::from_utf8(output).expect("PEM is ASCII")
}

fn run(program: &str, arguments: &[&str], input: &str) -> Vec<u8> {
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("these tests need `{program}`: {error}"));
    let mut stdin = child.stdin.take().expect("piped");
    // Some commands read no input and may have exited already.
    let _ = stdin.write_all(input.as_bytes());
    drop(stdin);
    let output = child.wait_with_output().expect("it runs");
    assert!(
        output.status.success(),
        "{program} {arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    output.stdout
}

/// A temporary directory, deleted with its contents on drop.
pub struct Directory(PathBuf);

impl Directory {
    pub fn new(purpose: &str) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("jaas-jwt-test-{}-{purpose}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path).expect("a temporary directory");
        Self(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Returns the path; the caller deletes the directory.
    pub fn keep(self) -> PathBuf {
        std::mem::ManuallyDrop::new(self).0.clone()
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
