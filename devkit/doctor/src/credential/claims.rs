//! The credential's claims.

use serde_json::{Map, Value};

use super::parts::{CredentialCheck, Jwt, Outcome, kind, side_by_side};
use super::person::{PERSONAL, follow, group, moderator, personal, rooms, subject, texts};
use crate::context::Context;

/// How far the login's clock may be off, in seconds.
const TOLERANCE: f64 = 30.0;
/// The longest life of a credential, in seconds: 366 days.
const LONGEST_LIFE: f64 = 366.0 * 86_400.0;
/// In seconds the year 5138, in milliseconds 1973: a time above it is in milliseconds.
const MILLISECONDS: f64 = 1e11;
/// What stands for the audience where the login writes none.
pub(super) const AUDIENCE_CLAIMS: [&str; 2] = ["client_id", "azp"];

pub(super) fn check(context: &Context, jwt: &Jwt, now: u64, checks: &mut Vec<CredentialCheck>) {
    let claims = &jwt.claims;
    #[allow(clippy::cast_precision_loss)]
    let now = now as f64;
    checks.push(issuer(context, claims));
    checks.push(audience(context, claims));
    checks.push(expiry(claims, now));
    checks.extend(
        ["nbf", "iat"]
            .into_iter()
            .filter_map(|name| beginning(claims, name, now)),
    );
    checks.push(subject(context, claims));
    let personal = PERSONAL
        .iter()
        .filter_map(|row| personal(context, claims, row));
    checks.extend(personal);
    checks.extend(group(context, claims));
    let moderator = moderator(context, claims);
    let failed = |name: &str| {
        checks
            .iter()
            .any(|check| check.name == name && check.result == Outcome::Fail)
    };
    if failed("aud") || failed("iss") || moderator.result != Outcome::Ok {
        checks.extend(other_kind(jwt));
    }
    checks.push(moderator);
    checks.push(rooms(context, claims));
}

fn issuer(context: &Context, claims: &Map<String, Value>) -> CredentialCheck {
    let configured = context.text("auth_issuer");
    let check = match claims.get("iss") {
        Some(Value::String(iss)) if iss == configured => CredentialCheck::ok("iss"),
        Some(Value::String(iss)) => {
            CredentialCheck::fail("iss", difference(iss, configured, "auth_issuer"))
        }
        Some(other) => CredentialCheck::fail(
            "iss",
            format!("it is {}, and must be a string.", kind(other)),
        ),
        None => CredentialCheck::fail("iss", "the credential does not name its issuer."),
    };
    side_by_side(context, check, claims.get("iss"), configured)
}

/// How two values differ that should be equal.
fn difference(value: &str, configured: &str, variable: &str) -> String {
    let without_slash = |text: &str| text.trim_end_matches('/').to_owned();
    let without_scheme = |text: &str| {
        text.split_once("://")
            .map_or(text.to_owned(), |(_, rest)| rest.to_owned())
    };
    let how = if configured.is_empty() {
        return format!("{variable} is not set; set it to what the login writes.");
    } else if without_slash(value) == without_slash(configured) {
        "they differ by the slash at the end"
    } else if value.trim() == configured {
        "the credential's has white space around it"
    } else if value.eq_ignore_ascii_case(configured) {
        "they differ in upper and lower case"
    } else if without_scheme(value) == without_scheme(configured) {
        "they differ in https and http"
    } else {
        "they differ"
    };
    format!("{how}; set {variable} to what the login writes, character by character.")
}

/// The audiences that a credential names, in the claim that is configured.
pub(super) fn audiences<'a>(context: &Context, claims: &'a Map<String, Value>) -> Vec<&'a str> {
    let found = follow(claims, context.text("auth_audience_claim"));
    texts(found.ok().flatten())
}

fn audience(context: &Context, claims: &Map<String, Value>) -> CredentialCheck {
    const NAME: &str = "aud";
    let configured = context.entries("auth_audience");
    let named = audiences(context, claims);
    let is = |name: &&str| configured.iter().any(|configured| configured == name);
    let check = if named.iter().any(is) {
        CredentialCheck::ok(NAME)
    } else if let ([audience], [] | [_]) = (&named[..], &configured[..]) {
        let configured = configured.first().map_or("", String::as_str);
        CredentialCheck::fail(NAME, difference(audience, configured, "auth_audience"))
    } else if !named.is_empty() {
        CredentialCheck::fail(
            NAME,
            "none is in auth_audience; set it to the one that stands for this service.",
        )
    } else if AUDIENCE_CLAIMS
        .iter()
        .any(|name| claims.contains_key(*name))
    {
        CredentialCheck::fail(
            NAME,
            "it names no audience, only client_id or azp, as access tokens of Cognito and session tokens of Clerk do; set auth_audience_claim to that claim, and auth_audience to its value.",
        )
    } else {
        CredentialCheck::fail(
            NAME,
            "it names no audience; let the login write one, for this service alone.",
        )
    };
    let found = follow(claims, context.text("auth_audience_claim"));
    side_by_side(context, check, found.ok().flatten(), &configured.join(", "))
}

fn expiry(claims: &Map<String, Value>, now: f64) -> CredentialCheck {
    let check = match claims.get("exp") {
        None => CredentialCheck::fail("exp", "it never expires; let the login write exp."),
        Some(value) => match value.as_f64() {
            None => CredentialCheck::fail("exp", not_a_number(value)),
            Some(exp) if exp > MILLISECONDS => CredentialCheck::fail("exp", in_milliseconds()),
            Some(exp) if exp - now > LONGEST_LIFE => CredentialCheck::fail(
                "exp",
                "it is more than 366 days ahead; let the login write a shorter life.",
            ),
            Some(exp) if exp < now - TOLERANCE => CredentialCheck::fail(
                "exp",
                format!(
                    "it expired {} ago; {}.",
                    span(now - exp),
                    time_zone(now - exp, "the page sent an old credential")
                ),
            ),
            Some(_) => CredentialCheck::ok("exp"),
        },
    };
    with_times(check, claims.get("exp"), now)
}

/// `nbf` and `iat`: neither may lie in the future.
fn beginning(claims: &Map<String, Value>, name: &'static str, now: f64) -> Option<CredentialCheck> {
    let value = claims.get(name)?;
    let check = match value.as_f64() {
        None => CredentialCheck::fail(name, not_a_number(value)),
        Some(time) if time > MILLISECONDS => CredentialCheck::fail(name, in_milliseconds()),
        Some(time) if time > now + TOLERANCE => CredentialCheck::fail(
            name,
            format!(
                "it begins in {}; {}.",
                span(time - now),
                time_zone(time - now, "the login's clock is fast")
            ),
        ),
        Some(_) => CredentialCheck::ok(name),
    };
    Some(with_times(check, Some(value), now))
}

fn with_times(check: CredentialCheck, value: Option<&Value>, now: f64) -> CredentialCheck {
    let value = match value {
        None => "none".to_owned(),
        Some(Value::Number(number)) => number.to_string(),
        Some(other) => kind(other).to_owned(),
    };
    check.credential(value).configured(format!("now {now}"))
}

fn not_a_number(value: &Value) -> String {
    format!(
        "it is {}, and must be a number of seconds since 1970 (RFC 7519).",
        kind(value)
    )
}

fn in_milliseconds() -> &'static str {
    "it is in milliseconds and must be in seconds: let the login divide by 1000, as in Math.floor(Date.now() / 1000)."
}

/// A difference of whole half hours, but for some minutes, is that of a time zone.
fn time_zone(seconds: f64, otherwise: &str) -> String {
    let half_hours = (seconds / 1800.0).round();
    let is_whole = (seconds - half_hours * 1800.0).abs() <= 180.0;
    if (1.0..=28.0).contains(&half_hours) && is_whole {
        format!(
            "if the credential is fresh, the login writes local time in place of UTC (the difference is {} h)",
            half_hours / 2.0
        )
    } else {
        otherwise.to_owned()
    }
}

fn span(seconds: f64) -> String {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let seconds = seconds.max(0.0) as u64;
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min", seconds / 60),
        3600..86_400 => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
        _ => format!("{} days", seconds / 86_400),
    }
}

/// An ID token in place of the access token, and the like, by what the usual logins write.
fn other_kind(jwt: &Jwt) -> Option<CredentialCheck> {
    let claims = &jwt.claims;
    let word = |name: &str| claims.get(name).and_then(Value::as_str).unwrap_or_default();
    let has = |names: &[&str]| names.iter().any(|name| claims.contains_key(*name));
    let header_type = jwt
        .header
        .get("typ")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let message = if word("typ") == "Refresh" || word("token_use") == "refresh" {
        "it is a refresh token, which only the login itself may get; send the access token."
    } else if word("token_use") == "access"
        || header_type.eq_ignore_ascii_case("at+jwt")
        || word("typ") == "Bearer"
        || has(&["scope", "scp"])
    {
        "it is an access token; where claims are missing in it, let the login add them to access tokens, or send the ID token."
    } else if word("token_use") == "id"
        || word("typ") == "ID"
        || has(&["nonce", "at_hash", "c_hash"])
    {
        "it is an ID token, made for the page that logs in; where aud or roles are missing in it, send the access token."
    } else {
        return None;
    };
    Some(CredentialCheck::note("kind", message))
}
