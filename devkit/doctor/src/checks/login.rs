//! The keys of the login.

use crate::check::checks;
use crate::finding::Hit;
use crate::provider::shown_kid;
use crate::service;

const REPAIR: &str = "let the login sign with RSA of 2048 to 4096 bits, P-256 or Ed25519 and give the key a kid; or remove the key";

checks! {
    // Many providers publish keys for other purposes, which is not a problem.
    Warning "jwks-key-unused" |c| service::unused_keys(c.text("auth_jwks")).into_iter().flatten().filter(|(_, reason)| {
        !reason.ends_with("(use)") && !reason.ends_with("(key_ops)")
    }).map(|(kid, reason)| {
        let kid = shown_kid(kid.as_deref());
        let message = format!("has a key that is not used, so that what it signs gets 401: its kid is {kid}, and it {reason}.");
        Hit::variable("auth_jwks", message).repair(REPAIR)
    });
}
