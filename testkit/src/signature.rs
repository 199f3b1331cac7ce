//! Verifies signatures with implementations independent of the signers: `ring` and the `openssl` program.

use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};

use crate::key_material::{Directory, Key};

fn split(token: &str) -> (&str, Vec<u8>) {
    let (message, signature) = token.rsplit_once('.').expect("a signed token");
    (
        message,
        URL_SAFE_NO_PAD.decode(signature).expect("base64url"),
    )
}

pub fn is_valid(token: &str, key: &Key) -> bool {
    let (message, signature) = split(token);
    UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &key.public_der)
        .verify(message.as_bytes(), &signature)
        .is_ok()
}

/// Verifies the signature with `openssl dgst -sha256 -verify`.
pub fn is_valid_for_openssl(token: &str, key: &Key) -> bool {
    let (message, signature) = split(token);
    let directory = Directory::new("signature");
    let write = |name, bytes: &[u8]| {
        let path = directory.path().join(name);
        std::fs::write(&path, bytes).expect("a temporary file");
        path
    };
    let output = Command::new("openssl")
        .args(["dgst", "-sha256", "-verify"])
        .arg(write("public.pem", key.public_pem.as_bytes()))
        .arg("-signature")
        .arg(write("signature", &signature))
        .arg(write("message", message.as_bytes()))
        .output()
        .expect("openssl runs");
    output.status.success()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::harness::Server;
    use crate::http::get;
    use crate::key_material::{Kind, key};

    #[test]
    fn a_changed_token_and_a_foreign_key_are_caught() {
        let server = Server::good();
        let token = server.send(&get(&[])).token().raw;
        let other = server.send(&get(&[("room", "other")])).token().raw;
        let (message, _) = other.rsplit_once('.').expect("a signature");
        let (_, signature) = token.rsplit_once('.').expect("a signature");
        let mixed = format!("{message}.{signature}");

        let good = key(Kind::Pkcs8, 2048);
        let foreign = key(Kind::Pkcs1, 2048);
        for check in [is_valid, is_valid_for_openssl] {
            assert!(check(&token, good));
            assert!(!check(&mixed, good));
            assert!(!check(&token, foreign));
        }
    }
}
