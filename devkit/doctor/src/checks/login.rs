//! The login: its keys.

use crate::check::checks;
use crate::finding::Hit;
use crate::service;

const REPAIR: &str = "let the login sign with RSA of 2048 to 4096 bits, P-256 or Ed25519 and give the key a kid; or remove the key";

checks! {
    // Keys for other purposes are published by many providers, and nothing is wrong with them.
    Warning "jwks-key-unused" |c| service::unused_keys(c.text("auth_jwks")).into_iter().filter(|(_, reason)| {
        !reason.ends_with("(use)") && !reason.ends_with("(key_ops)")
    }).map(|(kid, reason)| {
        let named = named(kid.as_deref());
        let message = format!("has a key{named} that is not used, so that what it signs gets 401: it {reason}.");
        Hit::variable("auth_jwks", message).repair(REPAIR)
    });
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
