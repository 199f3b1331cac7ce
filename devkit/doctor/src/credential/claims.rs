//! The credential's claims: which ones the service rejects, and how they differ from the configuration.

use serde_json::{Value, json};

use super::jwt::Jwt;
use super::line::{CredentialCheck, Outcome, kind, shown, shown_value};
use super::table::{CLAIMS, explain, sentence};
use super::trial;
use crate::context::Context;
use crate::service::{Cause, Error, Role};

/// Other names that logins use for a claim.
const OTHER_NAMES: [(&str, &[&str]); 2] = [
    ("name", &["preferred_username", "nickname", "username"]),
    ("picture", &["image", "avatar_url"]),
];

struct Claim<'a> {
    context: &'a Context<'a>,
    jwt: &'a Jwt<'a>,
    /// The name of the check.
    name: &'static str,
    /// The variable with the claim's name.
    variable: &'static str,
    /// The required type.
    kind: &'static str,
    value: Option<&'a Value>,
    now: u64,
}

pub(super) fn check(context: &Context, jwt: &Jwt, now: u64, checks: &mut Vec<CredentialCheck>) {
    let Some(trial) = trial::run(context, jwt, now) else {
        return;
    };
    for (name, variable, kind) in CLAIMS {
        let claim = Claim {
            context,
            jwt,
            name,
            variable,
            kind,
            value: value(context, jwt, name, variable),
            now,
        };
        let said = match trial.error(name) {
            Some(error) => Some((Outcome::Fail, claim.why(error))),
            None => claim.passed(trial.role),
        };
        if let Some((result, message)) = said {
            let check = CredentialCheck::new(name, result, message);
            checks.push(check.beside(Some(claim.shown()), Some(claim.configured())));
        }
    }
    let may_be_of_another = |it: &CredentialCheck| {
        ["iss", "aud", "moderator"].contains(&it.name) && it.result != Outcome::Ok
    };
    if checks.iter().any(may_be_of_another) {
        let message = other_kind(jwt).into_iter();
        checks.extend(message.map(|it| CredentialCheck::new("kind", Outcome::Note, it)));
    }
    for error in trial.failed {
        let (name, advice) = explain(error);
        if CLAIMS.iter().all(|(known, ..)| *known != name) {
            let message = sentence(&error.reason(), advice);
            checks.push(CredentialCheck::new(name, Outcome::Fail, message));
        }
    }
}

/// Returns a note if the credential is another kind of token, such as an ID token, judging by common logins' claims.
fn other_kind(jwt: &Jwt) -> Option<&'static str> {
    const ACCESS: &str = "it is an access token; where claims are missing in it, let the login add them to access tokens, or send the ID token.";
    const ID: &str = "it is an ID token, made for the page that logs in; where aud or roles are missing in it, send the access token.";
    let word = |name: &str| jwt.claims[name].as_str();
    let has = |names: &[&str]| names.iter().any(|name| jwt.claims.get(*name).is_some());
    match (word("typ"), word("token_use")) {
        (Some("Refresh"), _) | (_, Some("refresh")) => Some(
            "it is a refresh token, which only the login itself may get; send the access token.",
        ),
        (Some("Bearer"), _) | (_, Some("access")) => Some(ACCESS),
        _ if jwt.header["typ"] == "at+jwt" || has(&["scope", "scp"]) => Some(ACCESS),
        (Some("ID"), _) | (_, Some("id")) => Some(ID),
        _ if has(&["nonce", "at_hash", "c_hash"]) => Some(ID),
        _ => None,
    }
}

/// Returns the claim that the service reads. Only names and pictures may have several, of which the first present one counts.
pub(super) fn value<'a>(
    context: &Context,
    jwt: &'a Jwt,
    name: &str,
    variable: &str,
) -> Option<&'a Value> {
    match variable {
        "" => jwt.claims.get(name),
        variable => {
            let paths = context.entries(variable);
            paths.iter().find_map(|path| follow(&jwt.claims, path))
        }
    }
}

/// Claims that identify a person, in addition to those that variables name.
#[rustfmt::skip]
const PERSONAL: [&str; 10] = [
    "sub", "name", "given_name", "family_name", "nickname", "preferred_username", "email", "phone_number", "upn", "unique_name",
];

/// Returns whether a value identifies a person: whether it equals or contains a personal claim.
pub(super) fn is_personal(context: &Context, jwt: &Jwt, value: &Value) -> bool {
    if let Some(list) = value.as_array() {
        return list.iter().any(|value| is_personal(context, jwt, value));
    }
    let named = CLAIMS.iter().filter(|(name, ..)| PERSONAL.contains(name));
    let named = named.filter_map(|(name, variable, _)| self::value(context, jwt, name, variable));
    let usual = PERSONAL.iter().filter_map(|name| jwt.claims.get(name));
    named
        .chain(usual)
        .any(|other| match (value.as_str(), other.as_str()) {
            // Shorter words occur in many texts.
            (Some(text), Some(other)) if other.len() >= 4 => text.contains(other),
            _ => value == other && !value.is_boolean(),
        })
}

/// Returns the claim at a path. A claim whose whole name contains the dots takes precedence.
fn follow<'a>(claims: &'a Value, path: &str) -> Option<&'a Value> {
    let pointer = path.replace('~', "~0").replace('/', "~1").replace('.', "/");
    let whole = claims.get(path);
    whole.or_else(|| claims.pointer(&format!("/{pointer}")))
}

impl Claim<'_> {
    /// Returns the result and message for a claim that is valid, if there is something to report.
    fn passed(&self, role: Option<Role>) -> Option<(Outcome, String)> {
        let is_null = self.value.is_none_or(Value::is_null);
        let is_empty_list = self.value == Some(&json!([]));
        let ok = |message| Some((Outcome::Ok, message));
        let note = |message| Some((Outcome::Note, message));
        match self.name {
            "nbf" | "iat" if self.value.is_none() => None,
            "group" if !self.context.is_set(self.variable) => None,
            "name" | "email" | "picture" => self.other_name().and_then(note),
            "moderator" if is_null => {
                let names = self.jwt.claims.as_object().into_iter().flatten().take(30);
                let names = names.map(|(name, _)| shown(self.context, name));
                let names = names.collect::<Vec<_>>().join(", ");
                note(format!(
                    "the claim is absent, so that the caller is a member; the credential has {names}."
                ))
            }
            "moderator" => {
                let role = role.map(|role| format!("the caller is a {}.", role.name()));
                ok(role.unwrap_or_default())
            }
            "rooms" if is_empty_list || self.value == Some(&Value::Null) => note(
                "null and an empty list open no room: Go, PHP and Python write null for an empty list; leave the claim out to open all.".to_owned(),
            ),
            _ => ok(String::new()),
        }
    }

    /// Returns a message if the claim is absent but the login has it under another name.
    fn other_name(&self) -> Option<String> {
        let text = |value: &Value| value.as_str().is_some_and(|text| !text.trim().is_empty());
        let (_, others) = OTHER_NAMES.iter().find(|(name, _)| *name == self.name)?;
        let mut others = others.iter();
        let other = others.find(|other| self.jwt.claims[**other].is_string())?;
        let message = format!(
            "the login calls it {other}: name that in {}.",
            self.variable
        );
        (!self.value.is_some_and(text)).then_some(message)
    }

    /// Returns why the service rejects the claim, and what to do.
    fn why(&self, error: Error) -> String {
        let (_, advice) = explain(error);
        let reason = format!("{}{}", error.reason(), self.difference(error));
        match advice {
            "" => sentence(&reason, &format!("let the login write {}", self.kind)),
            advice => sentence(&reason, advice),
        }
    }

    /// Returns a hint on how the claim differs, if the reason does not say so.
    fn difference(&self, error: Error) -> String {
        let configured = match error {
            Error::Invalid(Cause::Issuer) => self.context.text("auth_issuer"),
            Error::Invalid(Cause::Audience | Cause::AudienceClaim) => {
                self.context.text("auth_audience")
            }
            Error::Invalid(Cause::Expired | Cause::NotYetValid | Cause::IssuedInFuture) => {
                return format!(" by {}", span(self.seconds_off()));
            }
            _ => return String::new(),
        };
        // Auth0, for example, writes the slash.
        let without_slash = |text: &str| text.trim_end_matches('/').to_owned();
        let text = self.value.and_then(Value::as_str).map(without_slash);
        match text == Some(without_slash(configured)) {
            true => " (they differ by the slash at the end)".to_owned(),
            false => String::new(),
        }
    }

    #[allow(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the service compares times of a few decades, and the cast saturates"
    )]
    fn seconds_off(&self) -> u64 {
        let time = self.value.and_then(Value::as_f64).unwrap_or_default();
        (time - self.now as f64).abs() as u64
    }

    /// Returns the claim's value in a form that may be shown. For personal values, that is only the type.
    fn shown(&self) -> String {
        let is_shown = match self.name {
            "iss" | "aud" | "group" | "moderator" => true,
            "exp" | "nbf" | "iat" => self.value.is_some_and(Value::is_number),
            _ => false,
        };
        let is_personal = |value| is_personal(self.context, self.jwt, value);
        match is_shown && !self.value.is_some_and(is_personal) {
            true => shown_value(self.context, self.value),
            false => kind(self.value).to_owned(),
        }
    }

    fn configured(&self) -> String {
        let context = self.context;
        let listed = |variable: &str| {
            let values = context.entries(variable).into_iter();
            let values: Vec<String> = values.map(|value| shown(context, &value)).collect();
            values.join(", ")
        };
        let path = || shown(context, context.text(self.variable));
        match self.name {
            "iss" => listed("auth_issuer"),
            "aud" => listed("auth_audience"),
            "exp" | "nbf" | "iat" => format!("now {}", self.now),
            "group" => format!("{}: {}", path(), listed("auth_required_values")),
            "moderator" if !context.is_set("auth_moderator_values") => format!("{}: true", path()),
            "moderator" => format!("{}: true, {}", path(), listed("auth_moderator_values")),
            _ => format!("{}: {}", path(), self.kind),
        }
    }
}

fn span(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min", seconds / 60),
        3600..86_400 => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
        _ => format!("{} days", seconds / 86_400),
    }
}
