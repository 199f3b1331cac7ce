//! The credential's claims.

use serde_json::{Map, Value};

use super::parts::{CredentialCheck, Jwt, Outcome, kind, shown, shown_value};
use crate::context::Context;

/// How far the login's clock may be off, in seconds.
const TOLERANCE: f64 = 30.0;
/// The longest life of a credential, in seconds: 366 days.
const LONGEST_LIFE: f64 = 366.0 * 86_400.0;
/// In seconds the year 5138, in milliseconds 1973: a time above it is in milliseconds.
const MILLISECONDS: f64 = 1e11;
/// The longest `sub`, in characters.
const MAX_SUBJECT: usize = 256;

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
    checks.extend(
        [
            ("name", "auth_name_claim"),
            ("email", "auth_email_claim"),
            ("picture", "auth_picture_claim"),
        ]
        .into_iter()
        .filter_map(|(name, variable)| personal(claims, name, &context.entries(variable))),
    );
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
    checks.extend(group(context, claims));
    checks.push(rooms(context, claims));
}

/// Whether the caller is in a group that may join, where there are such groups.
fn group(context: &Context, claims: &Map<String, Value>) -> Option<CredentialCheck> {
    const NAME: &str = "group";
    let path = context.text("auth_required_claim");
    if path.is_empty() {
        return None;
    }
    let values = context.entries("auth_required_values");
    let value = follow(claims, path).ok().flatten();
    let is_member = match value {
        Some(Value::Bool(flag)) => values.contains(&flag.to_string()),
        Some(Value::String(text)) => values.contains(text),
        Some(Value::Array(list)) => {
            list.iter().all(Value::is_string)
                && list.iter().any(|v| values.iter().any(|value| v == value))
        }
        _ => false,
    };
    let check = match is_member {
        true => CredentialCheck::ok(NAME),
        false => CredentialCheck::fail(
            NAME,
            "it has none of auth_required_values, so that the caller gets 403; add the group there, or the person to a group.",
        ),
    };
    let shown_claim = value.map_or_else(|| "none".to_owned(), |value| shown_value(context, value));
    let values: Vec<String> = values.iter().map(|value| shown(context, value)).collect();
    let configured = format!("{}: {}", shown(context, path), values.join(", "));
    Some(check.credential(shown_claim).configured(configured))
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

fn audience(context: &Context, claims: &Map<String, Value>) -> CredentialCheck {
    let configured = context.text("auth_audience");
    let audiences = context.entries("auth_audience");
    let value = audience_claim(context, claims);
    let named: Vec<&str> = match value {
        Some(Value::String(aud)) => vec![aud],
        Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let check = if audiences
        .iter()
        .any(|audience| named.contains(&audience.as_str()))
    {
        CredentialCheck::ok("aud")
    } else if let [aud] = named[..] {
        CredentialCheck::fail("aud", difference(aud, configured, "auth_audience"))
    } else if !named.is_empty() {
        CredentialCheck::fail(
            "aud",
            "auth_audience is not among them; set it to the one that stands for this service.",
        )
    } else if claims.contains_key("client_id") || claims.contains_key("azp") {
        CredentialCheck::fail(
            "aud",
            "it names no audience, only client_id or azp, as access tokens of Cognito and session tokens of Clerk do; set auth_audience_claim to that claim.",
        )
    } else {
        CredentialCheck::fail(
            "aud",
            "it names no audience; let the login write one, for this service alone.",
        )
    };
    side_by_side(context, check, value, configured)
}

/// The claim that names the audience.
pub(super) fn audience_claim<'a>(
    context: &Context,
    claims: &'a Map<String, Value>,
) -> Option<&'a Value> {
    follow(claims, context.text("auth_audience_claim"))
        .ok()
        .flatten()
}

fn side_by_side(
    context: &Context,
    check: CredentialCheck,
    value: Option<&Value>,
    configured: &str,
) -> CredentialCheck {
    let value = value.map_or_else(|| "none".to_owned(), |value| shown_value(context, value));
    check.credential(value).configured(match configured {
        "" => "none".to_owned(),
        text => shown(context, text),
    })
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

/// `sub`, or the claim in its place, is a person's id: its type is shown alone.
fn subject(context: &Context, claims: &Map<String, Value>) -> CredentialCheck {
    let value = follow(claims, context.text("auth_id_claim")).ok().flatten();
    let check = match value {
        None => CredentialCheck::fail("sub", "it is missing; let the login write the person's id."),
        Some(Value::String(sub)) if sub.trim().is_empty() => {
            CredentialCheck::fail("sub", "it is empty; let the login write the person's id.")
        }
        Some(Value::String(sub))
            if sub.chars().any(char::is_control) || sub.chars().count() > MAX_SUBJECT =>
        {
            CredentialCheck::fail(
                "sub",
                "it has control characters or more than 256 characters.",
            )
        }
        Some(Value::String(_)) => CredentialCheck::ok("sub"),
        Some(_) => CredentialCheck::fail(
            "sub",
            "it must be a string (RFC 7519); let the login write a numeric id in quotes, as in String(user.id).",
        ),
    };
    check
        .credential(value.map_or("none", kind))
        .configured("a string")
}

/// The first of the claims that is there must be a text.
fn personal(
    claims: &Map<String, Value>,
    name: &'static str,
    paths: &[String],
) -> Option<CredentialCheck> {
    let value = paths
        .iter()
        .filter_map(|path| follow(claims, path).ok().flatten())
        .find(|value| value.as_str().is_none_or(|text| !text.trim().is_empty()))
        .filter(|value| !value.is_string())?;
    let check = CredentialCheck::fail(name, "it must be a string, or be left out.");
    Some(check.credential(kind(value)).configured("a string"))
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

fn moderator(context: &Context, claims: &Map<String, Value>) -> CredentialCheck {
    const NAME: &str = "moderator";
    let path = context.text("auth_moderator_claim");
    let values = context.entries("auth_moderator_values");
    let found = follow(claims, path);
    let check = match found {
        Err(()) => CredentialCheck::fail(NAME, "its path leads through a claim that is no object."),
        Ok(None) => {
            let names = claims.keys().take(30).map(|name| shown(context, name));
            let names = names.collect::<Vec<_>>().join(", ");
            let message = format!(
                "the claim is absent, so that the caller is a member; the credential has {names}."
            );
            CredentialCheck::note(NAME, message)
        }
        Ok(Some(value)) => match is_moderator(value, &values) {
            Some(true) => CredentialCheck::new(NAME, Outcome::Ok, "the caller is a moderator."),
            Some(false) => CredentialCheck::new(NAME, Outcome::Ok, "the caller is a member."),
            None => CredentialCheck::fail(
                NAME,
                format!(
                    "it is {}, and must be true, false, a string or a list of strings.",
                    kind(value)
                ),
            ),
        },
    };
    let value = found.ok().flatten();
    let value = value.map_or_else(|| "none".to_owned(), |value| shown_value(context, value));
    let values = values.iter().map(|value| shown(context, value));
    let values: Vec<String> = std::iter::once("true".to_owned()).chain(values).collect();
    let configured = format!("{}: {}", shown(context, path), values.join(", "));
    check.credential(value).configured(configured)
}

/// Whether a claim's value makes a moderator; `None` for a type that it cannot have.
fn is_moderator(value: &Value, values: &[String]) -> Option<bool> {
    match value {
        Value::Bool(is) => Some(*is),
        Value::String(text) => Some(text == "true" || values.contains(text)),
        Value::Array(list) => {
            let roles: Option<Vec<&str>> = list.iter().map(Value::as_str).collect();
            let is_listed = |role: &str| values.iter().any(|value| value == role);
            roles.map(|roles| roles.into_iter().any(is_listed))
        }
        _ => None,
    }
}

/// Follows the path of a claim, for which `null` is absent.
fn follow<'a>(claims: &'a Map<String, Value>, path: &str) -> Result<Option<&'a Value>, ()> {
    Ok(at(claims, path)?.filter(|value| !value.is_null()))
}

/// Follows the path of a claim; a claim whose whole name has dots comes first.
fn at<'a>(claims: &'a Map<String, Value>, path: &str) -> Result<Option<&'a Value>, ()> {
    if let Some(value) = claims.get(path) {
        return Ok(Some(value));
    }
    let mut object = claims;
    let mut names = path.split('.').peekable();
    while let Some(name) = names.next() {
        match object.get(name) {
            Some(value) if names.peek().is_none() => return Ok(Some(value)),
            None | Some(Value::Null) => return Ok(None),
            Some(Value::Object(inner)) => object = inner,
            Some(_) => return Err(()),
        }
    }
    Ok(None)
}

fn rooms(context: &Context, claims: &Map<String, Value>) -> CredentialCheck {
    const NAME: &str = "rooms";
    match at(claims, context.text("auth_rooms_claim")).ok().flatten() {
        None => CredentialCheck::ok(NAME).credential("none").configured("every room of allowed_rooms"),
        Some(Value::Null) => CredentialCheck::note(
            NAME,
            "null opens no room: it is what Go, PHP and Python write for an empty list; leave the claim out to open all.",
        )
        .credential("null"),
        Some(Value::Array(list)) if list.iter().all(Value::is_string) => {
            let rooms = format!("a list of {}", list.len());
            match list.is_empty() {
                true => CredentialCheck::note(NAME, "an empty list opens no room; leave the claim out to open all."),
                false => CredentialCheck::ok(NAME),
            }
            .credential(rooms)
        }
        Some(other) => CredentialCheck::fail(NAME, "it must be a list of strings, or be left out.")
            .credential(match other {
                Value::Array(_) => "a list with other things than strings",
                other => kind(other),
            }),
    }
}
