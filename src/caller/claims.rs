//! The claims of a credential whose signature is verified: whether they hold here and now, and whom they name.
//!
//! `null` is what many languages write for a value that is not there. It counts as absent where that gives nothing: no
//! name, no moderator. For `rooms` it is the empty list, which Go, PHP and Python write in this way; and no login's
//! `email_verified` is true by it.
#![forbid(unsafe_code)]

use serde_json::{Map, Value};

use super::error::{Cause, Claim, Error};
use super::identity::Identity;
use crate::person::{Avatar, Email, Id, Name};
use crate::room;
use crate::text::parse_bool;

/// How far the issuer's clock may be off, in seconds.
pub const TOLERANCE_SECONDS: u64 = 30;
/// How far ahead a credential's times may be, in seconds: 366 days. Times in milliseconds are thousands of years ahead.
pub const MAX_LIFETIME_SECONDS: u64 = 366 * 24 * 60 * 60;
/// The last instant at which times are compared, in seconds since 1970-01-01 UTC, in February 2106. A clock that is
/// later is wrong, and on it nothing would ever expire.
pub const LATEST_INSTANT: u64 = u32::MAX as u64 - TOLERANCE_SECONDS;

/// Claims as their object has them.
pub(super) type Claims = Map<String, Value>;

/// Checks times, issuer and audience. `now` is in seconds since 1970-01-01 UTC.
pub(super) fn check(claims: &Claims, issuer: &str, audience: &str, now: u64) -> Result<(), Error> {
    check_times(claims, now).map_err(Error::Invalid)?;
    match claims.get("iss") {
        None | Some(Value::Null) => return Err(Error::Invalid(Cause::NoIssuer)),
        Some(iss) if iss != issuer => return Err(Error::Invalid(Cause::Issuer)),
        Some(_) => (),
    }
    let named = match claims.get("aud") {
        None => return Err(Error::Invalid(Cause::NoAudience)),
        Some(Value::Array(list)) => list.iter().any(|aud| aud == audience),
        Some(aud) => aud == audience,
    };
    if !named {
        return Err(Error::Invalid(Cause::Audience));
    }
    if !claims.contains_key("exp") {
        return Err(Error::Claim(Claim::NoExpiry));
    }
    Ok(())
}

fn check_times(claims: &Claims, now: u64) -> Result<(), Cause> {
    if !(TOLERANCE_SECONDS..=LATEST_INSTANT).contains(&now) {
        return Err(Cause::Clock);
    }
    let (soon, latest) = (now + TOLERANCE_SECONDS, now + MAX_LIFETIME_SECONDS);
    for (name, early, far) in [
        ("iat", Cause::IssuedInFuture, Cause::IssuedTooLate),
        ("nbf", Cause::NotYetValid, Cause::NotBeforeTooLate),
    ] {
        match time(claims, name)? {
            Some(time) if time > latest => return Err(far),
            Some(time) if time > soon => return Err(early),
            _ => (),
        }
    }
    match time(claims, "exp")? {
        Some(exp) if exp < now - TOLERANCE_SECONDS => Err(Cause::Expired),
        Some(exp) if exp > latest => Err(Cause::ExpiresTooLate),
        _ => Ok(()),
    }
}

/// A time in seconds; fractions are cut off.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the cast saturates: what is negative is long past"
)]
fn time(claims: &Claims, name: &'static str) -> Result<Option<u64>, Cause> {
    match claims.get(name) {
        None => Ok(None),
        Some(Value::Number(number)) if number.is_f64() => Ok(number.as_f64().map(|f| f as u64)),
        Some(value) => value.as_u64().map(Some).ok_or(Cause::ClaimType(name)),
    }
}

/// Which registered claim has a type that jwt-simple does not read (RFC 7519, section 4.1).
pub(super) fn wrong_type(claims: &Claims) -> Cause {
    for name in ["iat", "nbf", "exp"] {
        if let Err(cause) = time(claims, name) {
            return cause;
        }
    }
    for name in ["iss", "sub", "jti", "nonce"] {
        if !matches!(
            claims.get(name),
            None | Some(Value::Null | Value::String(_))
        ) {
            return Cause::ClaimType(name);
        }
    }
    match claims.get("aud") {
        None | Some(Value::String(_)) => Cause::ClaimsUnreadable,
        Some(_) => Cause::ClaimType("aud"),
    }
}

/// The person whom the claims name, and what they may.
pub(super) fn identity(
    claims: &Claims,
    moderator_claim: &[String],
    moderator_values: &[String],
) -> Result<Identity, Error> {
    let read = || -> Result<Identity, Claim> {
        let email = text(claims, "email")?.filter(|_| email_is_verified(claims));
        Ok(Identity {
            id: subject(claims)?,
            // What cannot be shown is left out: it must not lock its owner out.
            name: text(claims, "name")?.and_then(|text| Name::parse(text).ok()),
            email: email.and_then(|text| Email::parse(text).ok()),
            avatar: text(claims, "picture")?.and_then(|text| Avatar::parse(text).ok()),
            moderator: is_moderator(claims, moderator_claim, moderator_values)?,
            rooms: rooms(claims)?,
        })
    };
    read().map_err(Error::Claim)
}

fn subject(claims: &Claims) -> Result<Id, Claim> {
    let text = match claims.get("sub") {
        None | Some(Value::Null) => return Err(Claim::NoSubject),
        Some(Value::String(text)) => text.trim(),
        Some(_) => return Err(Claim::Type("sub")),
    };
    if text.is_empty() {
        return Err(Claim::EmptySubject);
    }
    Id::parse(text).map_err(|_| Claim::UnusableSubject)
}

/// The text of a claim; `None` when it is absent or empty.
fn text<'a>(claims: &'a Claims, name: &'static str) -> Result<Option<&'a str>, Claim> {
    match claims.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.trim()).filter(|text| !text.is_empty())),
        Some(_) => Err(Claim::Type(name)),
    }
}

/// Whether no claim says anything else: OpenID Connect's, which some providers write as text, and Better Auth's.
fn email_is_verified(claims: &Claims) -> bool {
    ["email_verified", "emailVerified"]
        .into_iter()
        .filter_map(|name| claims.get(name))
        .all(|value| match value {
            Value::Bool(verified) => *verified,
            Value::String(text) => parse_bool(text) == Some(true),
            _ => false,
        })
}

/// Follows the path and reads what is there: true, one of the values, or a list that holds one of them.
fn is_moderator(claims: &Claims, path: &[String], values: &[String]) -> Result<bool, Claim> {
    match find(claims, path)? {
        None | Some(Value::Null) => Ok(false),
        Some(Value::Bool(moderator)) => Ok(*moderator),
        Some(Value::String(text)) => Ok(text == "true" || values.contains(text)),
        Some(Value::Array(list)) => {
            let mut moderator = false;
            for value in list {
                match value {
                    Value::String(text) => moderator |= values.contains(text),
                    _ => return Err(Claim::Moderator),
                }
            }
            Ok(moderator)
        }
        Some(_) => Err(Claim::Moderator),
    }
}

fn find<'a>(claims: &'a Claims, path: &[String]) -> Result<Option<&'a Value>, Claim> {
    // A provider may put a dot or a whole URL into one name: such a name is looked for first.
    if let Some(value) = claims.get(&path.join(".")) {
        return Ok(Some(value));
    }
    let Some((last, objects)) = path.split_last() else {
        return Ok(None);
    };
    let mut object = claims;
    for name in objects {
        match object.get(name) {
            None | Some(Value::Null) => return Ok(None),
            Some(Value::Object(inner)) => object = inner,
            Some(_) => return Err(Claim::Moderator),
        }
    }
    Ok(object.get(last))
}

fn rooms(claims: &Claims) -> Result<Option<room::List>, Claim> {
    let wrong = Claim::Type("rooms");
    match claims.get("rooms") {
        None => Ok(None),
        Some(Value::Null) => Ok(Some(room::List::from_names([]))),
        Some(Value::Array(list)) => {
            let names: Option<Vec<&str>> = list.iter().map(Value::as_str).collect();
            Ok(Some(room::List::from_names(names.ok_or(wrong)?)))
        }
        Some(_) => Err(wrong),
    }
}
