//! The login: keys and secrets of it.

use serde_json::Value;

use crate::check::Repair::{Do, Output};
use crate::check::checks;
use crate::hit::Hit;
use crate::service;

checks! {
    Error "jwks-private" |c| private_keys(c.text("auth_jwks")).into_iter().map(|kid| Hit::variable("auth_jwks").detail(kid))
        => "holds the private part of a key{}, which only your login may have; make a new pair.",
        Output("curl -fsS JWKS_URI_OF_YOUR_LOGIN");
    // Keys for other purposes are published by many providers, and nothing is wrong with them.
    Warning "jwks-key-unused" |c| service::unused_keys(c.text("auth_jwks")).into_iter().filter(|(_, reason)| {
        !reason.ends_with("(use)") && !reason.ends_with("(key_ops)")
    }).map(|(kid, reason)| Hit::variable("auth_jwks").detail(named(kid.as_deref())).detail(reason))
        => "has a key{} that is not used, so that what it signs gets 401: it {}.",
        Do("let the login sign with RSA of 2048 to 4096 bits, P-256 or Ed25519 and give the key a kid; or remove the key");
}

/// The private keys of a key set, as a message calls them. The service rejects the set as a whole.
fn private_keys(document: &str) -> Vec<String> {
    const PRIVATE: [&str; 9] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"];
    let document: Value = serde_json::from_str(document).unwrap_or_default();
    let keys = document["keys"].as_array().into_iter().flatten();
    keys.filter(|key| PRIVATE.iter().any(|name| key.get(name).is_some()))
        .map(|key| named(key["kid"].as_str()))
        .collect()
}

/// How a message calls a key. A `kid` that is longer than any hash may be a misplaced key, and is not shown.
fn named(kid: Option<&str>) -> String {
    match kid {
        Some(kid) if is_presentable(kid) => format!(" (kid {kid})"),
        Some(_) => " (a long kid)".to_owned(),
        None => " without kid".to_owned(),
    }
}

/// Whether a `kid` has the length and the characters of one.
pub fn is_presentable(kid: &str) -> bool {
    let of_kid = |b: u8| b.is_ascii_alphanumeric() || b"-_.:=+".contains(&b);
    (1..=48).contains(&kid.len()) && kid.bytes().all(of_kid)
}
