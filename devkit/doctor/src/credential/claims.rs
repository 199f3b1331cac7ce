//! The credential's claims: which the service rejects, how they differ from what is configured, and what to do.

use serde_json::{Value, json};

use super::checks::{CredentialCheck, Outcome, kind, shown, shown_value};
use super::header::Jwt;
use super::trial;
use crate::context::Context;

/// In seconds the year 5138, in milliseconds 1973: a time above it is in milliseconds.
const MILLISECONDS: f64 = 1e11;
/// What stands for the audience where the login writes none.
pub(super) const AUDIENCE_CLAIMS: [&str; 2] = ["client_id", "azp"];

/// The checks in the order of the report, and the variable that says which claim it is about.
const CHECKS: [(&str, &str); 12] = [
    ("iss", ""),
    ("aud", "auth_audience_claim"),
    ("exp", ""),
    ("nbf", ""),
    ("iat", ""),
    ("sub", "auth_id_claim"),
    ("name", "auth_name_claim"),
    ("email", "auth_email_claim"),
    ("picture", "auth_picture_claim"),
    ("group", "auth_required_claim"),
    ("moderator", "auth_moderator_claim"),
    ("rooms", "auth_rooms_claim"),
];

const OTHER_NAMES: [(&str, &[&str]); 2] = [
    ("name", &["preferred_username", "nickname", "username"]),
    ("picture", &["image", "avatar_url"]),
];

struct Claim<'a> {
    context: &'a Context<'a>,
    jwt: &'a Jwt<'a>,
    name: &'static str,
    variable: &'static str,
    value: Option<&'a Value>,
    now: u64,
}

pub(super) fn check(context: &Context, jwt: &Jwt, now: u64, checks: &mut Vec<CredentialCheck>) {
    let Some(trial::Outcome { failed, role }) = trial::run(context, jwt, now) else {
        return;
    };
    let reason = |name: &str| failed.iter().find(|(failed, _)| *failed == name);
    let mut other_kind = false;
    for names in CHECKS {
        let (name, claim) = (names.0, Claim::new(context, jwt, names, now));
        let check = match reason(name) {
            Some((_, reason)) => Some(CredentialCheck::fail(name, claim.why(reason))),
            None => claim.passed(role),
        };
        let Some(check) = check else { continue };
        let is_ok = check.result == Outcome::Ok;
        other_kind |= !is_ok && ["iss", "aud", "moderator"].contains(&name);
        if name == "moderator" && other_kind {
            checks.extend(jwt.other_kind());
        }
        checks.push(claim.side_by_side(check));
    }
    let is_known = |name: &str| CHECKS.iter().any(|(known, _)| *known == name);
    let others = failed.iter().filter(|(name, _)| !is_known(name));
    checks.extend(others.map(|(name, reason)| CredentialCheck::fail(name, format!("{reason}."))));
}

/// Follows the path of a claim; a claim whose whole name has dots comes first.
fn follow<'a>(claims: &'a Value, path: &str) -> Option<&'a Value> {
    let pointer = path.replace('~', "~0").replace('/', "~1").replace('.', "/");
    claims
        .get(path)
        .or_else(|| claims.pointer(&format!("/{pointer}")))
}

/// The texts of a claim that may be one text or a list of texts alone.
fn texts(value: Option<&Value>) -> Vec<&str> {
    match value {
        Some(Value::String(text)) => vec![text],
        Some(Value::Array(list)) => {
            let texts: Option<Vec<&str>> = list.iter().map(Value::as_str).collect();
            texts.unwrap_or_default()
        }
        _ => Vec::new(),
    }
}

/// The audiences that a credential names, in the claim that is configured.
pub(super) fn audiences<'a>(context: &Context, claims: &'a Value) -> Vec<&'a str> {
    texts(follow(claims, context.text("auth_audience_claim")))
}

impl<'a> Claim<'a> {
    fn new(
        context: &'a Context,
        jwt: &'a Jwt,
        (name, variable): (&'static str, &'static str),
        now: u64,
    ) -> Self {
        let value = match variable {
            "" => jwt.claims.get(name),
            "auth_name_claim" | "auth_picture_claim" => {
                let paths = context.entries(variable);
                paths.iter().find_map(|path| follow(&jwt.claims, path))
            }
            variable => follow(&jwt.claims, context.text(variable)),
        };
        Self {
            context,
            jwt,
            name,
            variable,
            value,
            now,
        }
    }

    /// What is said of a claim that is as it must be.
    fn passed(&self, role: Option<&str>) -> Option<CredentialCheck> {
        let (name, value) = (self.name, self.value);
        let is_none = value.is_none_or(Value::is_null);
        match name {
            "nbf" | "iat" if value.is_none() => return None,
            "group" if self.context.text(self.variable).is_empty() => return None,
            "name" | "email" | "picture" => return self.other_name(),
            "moderator" if is_none => {
                let names = self.jwt.claims.as_object().into_iter().flatten().take(30);
                let names = names.map(|(name, _)| shown(self.context, name));
                let names = names.collect::<Vec<_>>().join(", ");
                let message =
                    "the claim is absent, so that the caller is a member; the credential has";
                return Some(CredentialCheck::note(name, format!("{message} {names}.")));
            }
            "moderator" => {
                let role = role.map(|role| format!("the caller is a {role}."));
                return Some(CredentialCheck::new(
                    name,
                    Outcome::Ok,
                    role.unwrap_or_default(),
                ));
            }
            "rooms" if value.is_some_and(|rooms| rooms.is_null() || *rooms == json!([])) => {
                let message = "null and an empty list open no room: Go, PHP and Python write null for an empty list; leave the claim out to open all.";
                return Some(CredentialCheck::note(name, message));
            }
            _ => {}
        }
        Some(CredentialCheck::ok(name))
    }

    /// Whether the login has another claim in place of one that is absent.
    fn other_name(&self) -> Option<CredentialCheck> {
        let text = |value: &Value| value.as_str().is_some_and(|text| !text.trim().is_empty());
        let (_, others) = OTHER_NAMES.iter().find(|(name, _)| *name == self.name)?;
        let other = others
            .iter()
            .find(|other| self.jwt.claims[**other].is_string())?;
        let message = format!(
            "the login calls it {other}: name that in {}.",
            self.variable
        );
        (!self.value.is_some_and(text)).then(|| CredentialCheck::note(self.name, message))
    }

    /// What is wrong with it, and what to do.
    fn why(&self, reason: &str) -> String {
        match (self.name, self.value) {
            ("iss", Some(Value::String(iss))) => {
                difference(iss, self.context.text("auth_issuer"), "auth_issuer")
            }
            ("aud", _) => self.audience(),
            ("exp", None) => "it never expires; let the login write exp.".to_owned(),
            ("exp" | "nbf" | "iat", Some(value)) => match value.as_f64() {
                Some(time) => self.time(time),
                None => format!("{reason}; it must be a number of seconds since 1970 (RFC 7519)."),
            },
            ("sub", _) => {
                format!("{reason}; let the login write the person's id, as in String(user.id).")
            }
            ("name" | "email" | "picture", _) => "it must be a string, or be left out.".to_owned(),
            ("rooms", _) => "it must be a list of strings, or be left out.".to_owned(),
            ("group", _) => {
                "it has none of auth_required_values, so that the caller gets 403; add the group there, or the person to a group.".to_owned()
            }
            ("moderator", _) => {
                "it must be true, false, a string or a list of strings.".to_owned()
            }
            _ => format!("{reason}."),
        }
    }

    fn audience(&self) -> String {
        let configured = self.context.entries("auth_audience");
        let has = |name: &&str| self.jwt.claims.get(*name).is_some();
        match (&texts(self.value)[..], &configured[..]) {
            ([audience], [configured]) => return difference(audience, configured, "auth_audience"),
            ([_, ..], _) => {
                "none is in auth_audience; set it to the one that stands for this service."
            }
            _ if AUDIENCE_CLAIMS.iter().any(has) => {
                "it names no audience, only client_id or azp, as access tokens of Cognito and session tokens of Clerk do; set auth_audience_claim to that claim, and auth_audience to its value."
            }
            _ => "it names no audience; let the login write one, for this service alone.",
        }
        .to_owned()
    }

    fn time(&self, time: f64) -> String {
        #[allow(clippy::cast_precision_loss)]
        let ahead = time - self.now as f64;
        if time > MILLISECONDS {
            "it is in milliseconds and must be in seconds: let the login divide by 1000, as in Math.floor(Date.now() / 1000).".to_owned()
        } else if self.name != "exp" {
            let reason = time_zone(ahead, "the login's clock is fast");
            format!("it begins in {}; {reason}.", span(ahead))
        } else if ahead < 0.0 {
            let reason = time_zone(-ahead, "the page sent an old credential");
            format!("it expired {} ago; {reason}.", span(-ahead))
        } else {
            "it is more than 366 days ahead; let the login write a shorter life.".to_owned()
        }
    }

    /// The check with both values. Of what is personal the kind is shown alone.
    fn side_by_side(&self, check: CredentialCheck) -> CredentialCheck {
        let (context, value) = (self.context, self.value);
        let path = || shown(context, context.text(self.variable));
        let listed = |variable: &str| {
            let values = context.entries(variable).into_iter();
            let values: Vec<String> = values.map(|value| shown(context, &value)).collect();
            values.join(", ")
        };
        let configured = match self.name {
            "iss" => listed("auth_issuer"),
            "aud" => listed("auth_audience"),
            "exp" | "nbf" | "iat" => format!("now {}", self.now),
            "group" => format!("{}: {}", path(), listed("auth_required_values")),
            "moderator" => {
                let values = listed("auth_moderator_values");
                let values = ["true", &values].join(if values.is_empty() { "" } else { ", " });
                format!("{}: {values}", path())
            }
            "rooms" => format!("{}: a list of strings", path()),
            _ => format!("{}: a string", path()),
        };
        let value = match self.name {
            "iss" | "aud" | "group" | "moderator" => shown_value(context, value),
            "exp" | "nbf" | "iat" if value.is_some_and(Value::is_number) => {
                shown_value(context, value)
            }
            _ => kind(value).to_owned(),
        };
        check.credential(value).configured(configured)
    }
}

/// How two values differ that should be equal.
fn difference(value: &str, configured: &str, variable: &str) -> String {
    let without_slash = |text: &str| text.trim_end_matches('/').to_owned();
    let without_scheme = |text: &str| {
        let rest = text.split_once("://").map(|(_, rest)| rest);
        rest.unwrap_or(text).to_owned()
    };
    let how = if without_slash(value) == without_slash(configured) {
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
