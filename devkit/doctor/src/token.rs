//! A token, signed by the service's own code, and judged by code that knows nothing of the service.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use devkit_rules::{FEATURES_BY_ROLE, PASSED_ON_A_SLOW_CLOCK, WEB_CLIENT_CHECKS, violations};
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};
use serde::Serialize;

use crate::service::{PublicHalf, Response, Service, signed_by_each_engine};

/// What the service says of a room that is not in `allowed_rooms`.
const ROOM_NOT_ALLOWED: &str = "Room not allowed";

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Judgement {
    /// The web client's checks, in its order.
    pub checks: Vec<WebClientCheck>,
    pub signature_verified: bool,
    /// Whether both engines make the same token with this key; `None` where only one takes it.
    pub engines_agree: Option<bool>,
    /// The rules of Jitsi's that it breaks.
    #[serde(skip)]
    pub broken_rules: Vec<&'static str>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WebClientCheck {
    pub name: &'static str,
    pub ok: bool,
}

/// The service's response in place of a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    pub status: u16,
    pub message: String,
}

/// A query that names the first of these rooms.
fn open_room(allowed_rooms: &[String]) -> String {
    let room = allowed_rooms.first().map(|room| room.replace('*', ""));
    let room = room
        .as_deref()
        .map(str::trim)
        .filter(|room| !room.is_empty());
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("room", room.unwrap_or("doctor"));
    format!("?{}", query.finish())
}

/// A token, or the service's response in place of it.
pub struct Signed {
    pub token: Result<String, Rejection>,
    /// A request without a room is rejected because of `allowed_rooms`.
    pub default_room_is_closed: bool,
}

/// Signs a token as for a page of the first allowed origin, for a room that is open. Nobody here has a credential of the
/// login, so `service` is without one.
pub fn sign(service: &Service<'_>, allowed_rooms: &[String], now: u64) -> Signed {
    let mut response = service.request_token("", now);
    let default_room_is_closed = response.error.as_deref() == Some(ROOM_NOT_ALLOWED);
    if default_room_is_closed || response.status == 400 {
        response = service.request_token(&open_room(allowed_rooms), now);
    }
    let Response {
        status,
        token,
        error,
    } = response;
    let token = token.filter(|_| status == 200).ok_or_else(|| Rejection {
        status,
        message: error.unwrap_or_else(|| "no message".to_owned()),
    });
    Signed {
        token,
        default_room_is_closed,
    }
}

/// Judges a token; `now` is in seconds since 1970-01-01 UTC.
///
/// What variables decide, and other checks say, breaks no rule here: features of members, and a short leeway.
pub fn judge(token: &str, key: &PublicHalf, now: u64) -> Judgement {
    let broken_rules: Vec<&str> = violations(token, now.try_into().unwrap_or(i64::MAX))
        .into_iter()
        .map(|violation| violation.rule)
        .filter(|rule| ![FEATURES_BY_ROLE, PASSED_ON_A_SLOW_CLOCK].contains(rule))
        .collect();
    // What does not decode cannot pass a later check either.
    let mut undecoded = false;
    let checks = WEB_CLIENT_CHECKS.iter().map(|(name, rules)| {
        let ok = !undecoded && !rules.iter().any(|rule| broken_rules.contains(rule));
        undecoded |= !ok && name.ends_with("decodes");
        WebClientCheck { name, ok }
    });
    Judgement {
        checks: checks.collect(),
        signature_verified: is_signed(token, key),
        engines_agree: None,
        broken_rules,
    }
}

/// Whether both engines make the same token with this key, as there is one right signature; `None` where only one takes it.
pub fn engines_agree(private_key: &str, now: u64) -> Option<bool> {
    let [one, other] = signed_by_each_engine(private_key, now);
    Some(one? == other?)
}

/// Whether the signature is this key's, by another implementation than the one that makes it.
fn is_signed(token: &str, key: &PublicHalf) -> bool {
    let Some((message, signature)) = token.rsplit_once('.') else {
        return false;
    };
    let Ok(signature) = URL_SAFE_NO_PAD.decode(signature) else {
        return false;
    };
    let key = RsaPublicKeyComponents {
        n: &key.n,
        e: &key.e,
    };
    key.verify(&RSA_PKCS1_2048_8192_SHA256, message.as_bytes(), &signature)
        .is_ok()
}
