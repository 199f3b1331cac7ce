//! Signs a token with the service's own code, and judges it with code that is independent of the service.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use devkit_rules::{FEATURES_BY_ROLE, PASSED_ON_A_SLOW_CLOCK, WEB_CLIENT_CHECKS, violations};
use ring::signature::RSA_PKCS1_2048_8192_SHA256;
use serde::Serialize;

use crate::service::{Rejection, Source, public_half, request_token, signed_by_each_engine};

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Judgement {
    /// The web client's checks, in its order.
    pub checks: Vec<WebClientCheck>,
    pub signature_verified: bool,
    /// Whether both engines make the same token with this key: there is only one valid signature. `None` if only one engine
    /// accepts the key.
    pub engines_agree: Option<bool>,
    /// Jitsi's rules that the token breaks.
    #[serde(skip)]
    pub broken_rules: Vec<&'static str>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WebClientCheck {
    pub name: &'static str,
    pub ok: bool,
}

/// Signs a token as for a page of the first allowed origin, for the first allowed room.
///
/// # Errors
/// Returns the service's error response.
pub fn sign(source: &dyn Source, rooms: &[String], now: u64) -> Result<String, Rejection> {
    let room = rooms.first().map(|room| room.replace('*', ""));
    let room = room.filter(|room| !room.trim().is_empty());
    let mut query = url::form_urlencoded::Serializer::new("?".to_owned());
    query.append_pair("room", room.as_deref().unwrap_or("doctor"));
    request_token(source, &query.finish(), now)
}

/// Judges a token signed with this private key. `now` is in seconds since the Unix epoch.
///
/// Rules that variables can break, and that other checks report, are left out: features of members, and a short leeway.
pub fn judge(token: &str, private_key: &str, now: u64) -> Judgement {
    let broken_rules: Vec<&str> = violations(token, now.try_into().unwrap_or(i64::MAX))
        .into_iter()
        .map(|violation| violation.rule)
        .filter(|rule| ![FEATURES_BY_ROLE, PASSED_ON_A_SLOW_CLOCK].contains(rule))
        .collect();
    // If a part does not decode, the later checks cannot pass either.
    let mut undecoded = false;
    let checks = WEB_CLIENT_CHECKS.iter().map(|(name, rules)| {
        let ok = !undecoded && !rules.iter().any(|rule| broken_rules.contains(rule));
        undecoded |= !ok && name.ends_with("decodes");
        WebClientCheck { name, ok }
    });
    let [one, other] = signed_by_each_engine(private_key, now);
    Judgement {
        checks: checks.collect(),
        signature_verified: is_signed(token, private_key).is_some(),
        engines_agree: one.zip(other).map(|(one, other)| one == other),
        broken_rules,
    }
}

/// Returns `Some` if this key made the signature, verified by an implementation independent of the signer.
fn is_signed(token: &str, private_key: &str) -> Option<()> {
    let (message, signature) = token.rsplit_once('.')?;
    let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
    public_half(private_key)?
        .verify(&RSA_PKCS1_2048_8192_SHA256, message.as_bytes(), &signature)
        .ok()
}
