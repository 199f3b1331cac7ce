//! Checks the claims of a credential after its signature: whether they are valid now and for this service.
#![forbid(unsafe_code)]

use serde_json::Value;

use super::claim_path::{ClaimValues, Claims};
use super::error::{Cause, Claim, Error, Group};

/// The tolerance for differences between the clocks of the issuer and this host, in seconds.
pub const TOLERANCE_SECONDS: u64 = 30;
/// How far in the future a credential's times may lie, in seconds: 366 days. Times in milliseconds lie thousands of years ahead.
pub const MAX_LIFETIME_SECONDS: u64 = 366 * 24 * 60 * 60;
/// The latest time of this host's clock at which credentials are accepted, in seconds since 1970-01-01 UTC (February 2106).
/// A later clock is wrong, and with it no credential would ever expire.
pub const LATEST_INSTANT: u64 = u32::MAX as u64 - TOLERANCE_SECONDS;

/// Checks times, issuer and audience. `now` is in seconds since 1970-01-01 UTC.
pub(super) fn check(
    claims: &Claims,
    issuer: &str,
    audience: &ClaimValues,
    now: u64,
) -> Result<(), Error> {
    check_times(claims, now).map_err(Error::Invalid)?;
    match claims.get("iss") {
        None | Some(Value::Null) => return Err(Error::Invalid(Cause::NoIssuer)),
        Some(iss) if iss != issuer => return Err(Error::Invalid(Cause::Issuer)),
        Some(_) => (),
    }
    check_audience(claims, audience).map_err(Error::Invalid)?;
    if !claims.contains_key("exp") {
        return Err(Error::Claim(Claim::NoExpiry));
    }
    Ok(())
}

fn check_audience(claims: &Claims, audience: &ClaimValues) -> Result<(), Cause> {
    let path = &audience.claim;
    let wrong = Cause::ClaimType(path.label());
    let (none, another) = if path.is("aud") {
        (Cause::NoAudience, Cause::Audience)
    } else {
        (Cause::NoAudienceClaim, Cause::AudienceClaim)
    };
    let named = match path.find(claims).map_err(|_| wrong)? {
        None | Some(Value::Null) => return Err(none),
        Some(Value::String(text)) => audience.has(text),
        Some(Value::Array(list)) => audience.has_one_of(list).ok_or(wrong)?,
        Some(_) => return Err(wrong),
    };
    if named { Ok(()) } else { Err(another) }
}

/// Checks that the person is in one of the groups that may join.
pub(super) fn check_group(claims: &Claims, group: &ClaimValues) -> Result<(), Error> {
    let path = &group.claim;
    let wrong = Error::Claim(Claim::Type(path.label()));
    let named = match path.find(claims).map_err(|_| wrong)? {
        None | Some(Value::Null) => return Err(Error::NotMember(Group::NoClaim)),
        Some(Value::Bool(flag)) => group.has(if *flag { "true" } else { "false" }),
        Some(Value::String(text)) => group.has(text),
        Some(Value::Array(list)) => group.has_one_of(list).ok_or(wrong)?,
        Some(_) => return Err(wrong),
    };
    if named {
        Ok(())
    } else {
        Err(Error::NotMember(Group::Another))
    }
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

/// Returns a time in seconds, without its fraction.
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

/// Returns the cause for the first registered claim whose type jwt-simple does not accept (RFC 7519, section 4.1).
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
