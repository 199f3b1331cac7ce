//! Key sets (JWKS: RFC 7517, section 5): which keys can be used, why the others cannot, and which key verifies a token.
#![forbid(unsafe_code)]

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jwt_simple::prelude::{ES256PublicKey, Ed25519PublicKey, RS256PublicKey};
use serde_json::{Map, Value};

use super::error::Cause;
use super::public_key::PublicKey;

/// A set of public keys, each with its `kid` if it has one.
pub struct KeySet {
    keys: Vec<(Option<String>, PublicKey)>,
    dropped: Vec<Dropped>,
}

/// A key of the document that is not used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dropped {
    /// The key's `kid`.
    pub kid: Option<String>,
    /// Why the key is not used. Continues a sentence that starts with the key.
    pub reason: &'static str,
}

impl KeySet {
    /// Parses a key set document.
    ///
    /// # Errors
    /// If the text is not a key set, contains a secret or private key, has two keys with the same `kid`, or has no usable key.
    /// The error continues a sentence that starts with the variable's name.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        #[derive(serde::Deserialize)]
        struct Document {
            keys: Vec<Value>,
        }
        // Servers that read the document from a file may send the file's byte order mark.
        let text = text.trim_start_matches('\u{feff}');
        let document: Document = serde_json::from_str(text).map_err(
            |_| "is not a JWKS document; give the whole JSON object with its member keys.",
        )?;
        if document.keys.iter().any(has_secret) {
            return Err(
                "has a private or secret key in it, which only the login may have; give the document of public keys from your provider's jwks_uri, and replace that key.",
            );
        }
        let mut set = Self {
            keys: Vec::new(),
            dropped: Vec::new(),
        };
        for (i, jwk) in document.keys.iter().enumerate() {
            let kid = jwk.get("kid").and_then(Value::as_str).map(str::to_owned);
            let key = if document.keys[..i].contains(jwk) {
                Err("is in the set twice")
            } else {
                public_key(jwk)
            };
            match key {
                Ok(key) if kid.is_some() && set.has(kid.as_deref(), key.algorithm()) => {
                    return Err("has two keys with the same kid; keep one of them.");
                }
                Ok(key) => set.keys.push((kid, key)),
                Err(reason) => set.dropped.push(Dropped { kid, reason }),
            }
        }
        set.drop_ambiguous();
        if set.keys.is_empty() && set.dropped.iter().any(|key| key.reason == AMBIGUOUS) {
            return Err(
                "has several keys of one kind without a kid, of which none can be chosen; give the document with its members kid, as your provider's jwks_uri has it.",
            );
        }
        if set.keys.is_empty() {
            return Err(
                "has no public key that verifies RS256, ES256 or EdDSA; take the document from your provider's jwks_uri.",
            );
        }
        Ok(set)
    }

    /// Returns the keys that are not used.
    #[must_use]
    pub fn dropped(&self) -> &[Dropped] {
        &self.dropped
    }

    fn has(&self, kid: Option<&str>, algorithm: &str) -> bool {
        self.keys
            .iter()
            .any(|(other, key)| other.as_deref() == kid && key.algorithm() == algorithm)
    }

    /// Drops each key without `kid` that is not the only one for its algorithm.
    fn drop_ambiguous(&mut self) {
        let algorithms: Vec<_> = self.keys.iter().map(|(_, key)| key.algorithm()).collect();
        let dropped = &mut self.dropped;
        self.keys.retain(|(kid, key)| {
            let same = algorithms.iter().filter(|alg| **alg == key.algorithm());
            let keep = kid.is_some() || same.count() == 1;
            if !keep {
                dropped.push(Dropped {
                    kid: None,
                    reason: AMBIGUOUS,
                });
            }
            keep
        });
    }

    /// Whether a usable key has this `kid`.
    pub(super) fn has_kid(&self, kid: Option<&str>) -> bool {
        kid.is_some() && self.keys.iter().any(|(other, _)| other.as_deref() == kid)
    }

    /// Chooses the key for a token with this `kid` and `alg`.
    pub(super) fn choose(&self, kid: Option<&str>, alg: &str) -> Result<&PublicKey, Cause> {
        let mut fitting = self.keys.iter().filter(|(_, key)| key.is_for(alg));
        let Some((first_kid, first)) = fitting.next() else {
            return Err(Cause::AlgorithmOfNoKey);
        };
        let only = fitting.next().is_none();
        match kid {
            None if only => Ok(first),
            None => Err(Cause::NoKid),
            // A key without `kid` is the only one for its algorithm.
            Some(_) if first_kid.is_none() => Ok(first),
            Some(kid) => self
                .keys
                .iter()
                .find(|(other, key)| other.as_deref() == Some(kid) && key.is_for(alg))
                .map(|(_, key)| key)
                .ok_or(Cause::UnknownKid),
        }
    }
}

/// Why a key without `kid` is not used.
const AMBIGUOUS: &str = "has no kid, and is not the only key of its kind";

/// Whether a key has a member that is secret (RFC 7518, section 6).
fn has_secret(jwk: &Value) -> bool {
    ["d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"]
        .into_iter()
        .any(|name| jwk.get(name).is_some())
}

/// Parses a key, or returns why it is not used.
fn public_key(jwk: &Value) -> Result<PublicKey, &'static str> {
    let member = |name: &str| jwk.get(name).and_then(Value::as_str).unwrap_or_default();
    if jwk.get("use").is_some_and(|usage| usage != "sig") {
        return Err("is not for signatures (use)");
    }
    let verifies = |list: &Vec<Value>| list.iter().any(|operation| operation == "verify");
    if jwk
        .get("key_ops")
        .and_then(Value::as_array)
        .is_some_and(|list| !verifies(list))
    {
        return Err("is not for verifying signatures (key_ops)");
    }
    let algorithms: &[&str] = match (member("kty"), member("crv")) {
        ("RSA", _) => &["RS256"],
        ("EC", "P-256") => &["ES256"],
        ("OKP", "Ed25519") => &["EdDSA", "Ed25519"],
        ("EC" | "OKP", _) => return Err("is on a curve other than P-256 and Ed25519 (crv)"),
        _ => return Err("is of an unknown kind (kty)"),
    };
    if jwk
        .get("alg")
        .is_some_and(|alg| !algorithms.iter().any(|known| alg == known))
    {
        return Err("is for an algorithm other than RS256, ES256 and EdDSA (alg)");
    }
    let text = material(jwk, member("kty"));
    let key = match member("kty") {
        "RSA" => RS256PublicKey::from_jwk(&text)
            .map(|key| PublicKey::Rs256(Box::new(key)))
            .map_err(|_| rsa_reason(member("n"), member("e")))?,
        "EC" => PublicKey::Es256(ES256PublicKey::from_jwk(&text).map_err(|_| POINT)?),
        _ => PublicKey::EdDsa(Ed25519PublicKey::from_jwk(&text).map_err(|_| POINT)?),
    };
    Ok(key)
}

const POINT: &str = "has no point of its curve (x, y)";

/// Returns only the members that define the key. Others, such as a certificate chain, may be long.
fn material(jwk: &Value, kty: &str) -> String {
    let names: &[&str] = match kty {
        "RSA" => &["kty", "n", "e"],
        "EC" => &["kty", "crv", "x", "y"],
        _ => &["kty", "crv", "x"],
    };
    let members: Map<String, Value> = names
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), jwk.get(*name)?.clone())))
        .collect();
    Value::Object(members).to_string()
}

/// Returns why an RSA key cannot be used.
fn rsa_reason(n: &str, e: &str) -> &'static str {
    let Ok(modulus) = URL_SAFE_NO_PAD.decode(n) else {
        return "has a modulus that is not base64url without padding (n)";
    };
    let zeros = modulus.iter().take_while(|byte| **byte == 0).count();
    let bits = modulus[zeros..].first().map_or(0, |first| {
        8 * (modulus.len() - zeros) - first.leading_zeros() as usize
    });
    match bits {
        0..2048 => "has fewer than 2048 bits",
        4097.. => "has more than 4096 bits",
        _ if e != "AQAB" => "has a public exponent other than 65537 (e)",
        _ => "has a modulus that cannot be used (n)",
    }
}
