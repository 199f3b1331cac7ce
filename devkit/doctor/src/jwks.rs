//! The keys of `auth_jwks`: which the service uses, and why it leaves out the others.
//!
//! A key must be one that the service's own library reads; the reasons are found by looking at its members.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jwt_simple::prelude::{ES256PublicKey, Ed25519PublicKey, RS256PublicKey};
use serde_json::Value;

use crate::verify::Key;

/// The members of a key that only its owner may have.
const PRIVATE_MEMBERS: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "k", "priv"];

/// One key of the set.
pub struct Jwk {
    /// Its place in the set, from 1.
    place: usize,
    /// Its id.
    pub kid: Option<String>,
    /// The key, or why it is not used.
    pub key: Result<Key, Dropped>,
}

/// Why a key is not used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dropped {
    /// It holds its private part.
    Private,
    /// It has another purpose, as many providers publish one: nothing is wrong.
    OtherPurpose,
    /// This.
    Because(&'static str),
}

/// The keys of a document; none where it is no key set, which the service says itself.
pub fn read(document: &str) -> Vec<Jwk> {
    let document: Value = serde_json::from_str(document.trim()).unwrap_or_default();
    let Some(list) = document["keys"].as_array() else {
        return Vec::new();
    };
    let mut keys: Vec<Jwk> = list
        .iter()
        .zip(1..)
        .map(|(jwk, place)| Jwk {
            place,
            kid: jwk["kid"].as_str().map(str::to_owned),
            key: key(jwk),
        })
        .collect();
    let kinds: Vec<&str> = keys
        .iter()
        .filter_map(|jwk| Some(jwk.key.as_ref().ok()?.algorithm()))
        .collect();
    for jwk in keys.iter_mut().filter(|jwk| jwk.kid.is_none()) {
        let is_alone = jwk.key.as_ref().is_ok_and(|key| {
            kinds
                .iter()
                .filter(|kind| **kind == key.algorithm())
                .count()
                == 1
        });
        if jwk.key.is_ok() && !is_alone {
            jwk.key = Err(Dropped::Because(
                "it has no kid and is not the only key of its kind",
            ));
        }
    }
    keys
}

impl Jwk {
    /// How a message calls it. A `kid` that is longer than any hash may be a misplaced key and is not shown.
    pub fn name(&self) -> String {
        match &self.kid {
            Some(kid) if is_presentable(kid) => format!("{} (kid {kid})", self.place),
            _ => self.place.to_string(),
        }
    }
}

/// Whether a `kid` has the length and the characters of one.
pub fn is_presentable(kid: &str) -> bool {
    (1..=48).contains(&kid.len())
        && kid
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-_.:=+".contains(&b))
}

fn key(jwk: &Value) -> Result<Key, Dropped> {
    let text = |name: &str| jwk[name].as_str().unwrap_or_default();
    if PRIVATE_MEMBERS.iter().any(|name| jwk.get(name).is_some()) || text("kty") == "oct" {
        return Err(Dropped::Private);
    }
    let operations = jwk["key_ops"].as_array();
    let verifies = operations.is_none_or(|list| list.iter().any(|operation| operation == "verify"));
    if !matches!(text("use"), "" | "sig") || !verifies {
        return Err(Dropped::OtherPurpose);
    }
    let whole = jwk.to_string();
    let (key, algorithms): (Option<Key>, &[&str]) = match (text("kty"), text("crv")) {
        ("RSA", _) => {
            let bits = URL_SAFE_NO_PAD
                .decode(text("n"))
                .map_or(0, |n| bit_length(&n));
            if text("e") != "AQAB" {
                return Err(Dropped::Because("its exponent e is not 65537 (AQAB)"));
            }
            if bits > 4096 {
                return Err(Dropped::Because("it has more than 4096 bits"));
            }
            if bits < 2048 {
                return Err(Dropped::Because(
                    "it has fewer than 2048 bits, or its n is not base64url",
                ));
            }
            (
                RS256PublicKey::from_jwk(&whole)
                    .ok()
                    .map(|key| Key::rsa(&key)),
                &["RS256"],
            )
        }
        ("EC", "P-256") => (
            ES256PublicKey::from_jwk(&whole)
                .ok()
                .map(|key| Key::p256(&key)),
            &["ES256"],
        ),
        ("EC", _) => return Err(Dropped::Because("its curve crv is not P-256")),
        ("OKP", "Ed25519") => (
            Ed25519PublicKey::from_jwk(&whole)
                .ok()
                .map(|key| Key::ed25519(&key)),
            &["EdDSA", "Ed25519"],
        ),
        ("OKP", _) => return Err(Dropped::Because("its curve crv is not Ed25519")),
        _ => return Err(Dropped::Because("its kind kty is none of RSA, EC and OKP")),
    };
    if !matches!(text("alg"), "") && !algorithms.contains(&text("alg")) {
        return Err(Dropped::Because(
            "its alg is none of RS256, ES256 and EdDSA",
        ));
    }
    key.ok_or(Dropped::Because("its members do not form a valid key"))
}

/// The length of a big-endian number.
pub fn bit_length(bytes: &[u8]) -> usize {
    let mut bytes = bytes.iter().skip_while(|byte| **byte == 0);
    bytes.next().map_or(0, |first| {
        8 - first.leading_zeros() as usize + 8 * bytes.count()
    })
}
