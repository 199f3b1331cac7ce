//! `--credential`: which check a caller's credential fails, with its value and the configured one side by side.
//!
//! The values of `iss`, `aud`, `kid`, `alg`, `typ`, the times and the roles are shown, never the credential itself, its
//! signature, `sub` or what else is personal.

mod claims;
mod header;

use std::fmt;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::context::Context;
use crate::service::Opinion;

/// The longest credential that the service reads, in bytes.
const MAX_BYTES: usize = 8 * 1024;

/// What was found of a credential.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// No check failed.
    pub accepted: bool,
    /// The checks, in the order of their making.
    pub checks: Vec<CredentialCheck>,
}

/// The result of one check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// As it must be.
    Ok,
    /// Worth knowing.
    Note,
    /// The service rejects the credential for it.
    Fail,
}

/// One check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CredentialCheck {
    /// What was checked.
    pub name: &'static str,
    /// The result.
    pub result: Outcome,
    /// The credential's value, where it may be shown.
    pub credential: Option<String>,
    /// The configured value, or the present time.
    pub configured: Option<String>,
    /// What it means; empty where nothing is to be said.
    pub message: String,
}

impl CredentialCheck {
    fn new(name: &'static str, result: Outcome, message: impl Into<String>) -> Self {
        Self {
            name,
            result,
            credential: None,
            configured: None,
            message: message.into(),
        }
    }

    fn ok(name: &'static str) -> Self {
        Self::new(name, Outcome::Ok, "")
    }

    fn note(name: &'static str, message: impl Into<String>) -> Self {
        Self::new(name, Outcome::Note, message)
    }

    fn fail(name: &'static str, message: impl Into<String>) -> Self {
        Self::new(name, Outcome::Fail, message)
    }

    fn credential(mut self, value: impl Into<String>) -> Self {
        self.credential = Some(value.into());
        self
    }

    fn configured(mut self, value: impl Into<String>) -> Self {
        self.configured = Some(value.into());
        self
    }
}

/// One line.
impl fmt::Display for CredentialCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let result = match self.result {
            Outcome::Ok => "ok",
            Outcome::Note => "note",
            Outcome::Fail => "fail",
        };
        write!(f, "{result}[{}]", self.name)?;
        for (label, value) in [
            ("credential", &self.credential),
            ("configured", &self.configured),
        ] {
            if let Some(value) = value {
                write!(f, " {label} {value}")?;
            }
        }
        if self.message.is_empty() {
            return Ok(());
        }
        let separator = if self.credential.is_none() && self.configured.is_none() {
            ""
        } else {
            ":"
        };
        write!(f, "{separator} {}", self.message)
    }
}

/// A credential, taken apart.
struct Jwt<'a> {
    text: &'a str,
    header: Map<String, Value>,
    claims: Map<String, Value>,
}

/// Checks a credential. `now` is in seconds since 1970-01-01 UTC.
#[must_use]
pub fn examine(context: &Context, text: &str, now: u64) -> Verdict {
    let mut checks = Vec::new();
    let trimmed = text.trim();
    let token = match trimmed.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token.trim_start(),
        _ => trimmed,
    };
    let opinion = context.service().identify(token, now);
    match header::read(token) {
        Err(check) => checks.push(check),
        Ok(jwt) => {
            checks.push(CredentialCheck::ok("form"));
            header::check(context, &jwt, &opinion, &mut checks);
            claims::check(context, &jwt, now, &mut checks);
        }
    }
    let failed = |checks: &[CredentialCheck]| checks.iter().any(|c| c.result == Outcome::Fail);
    checks.push(by_the_service(opinion, failed(&checks)));
    Verdict {
        accepted: !failed(&checks),
        checks,
    }
}

/// What the service says of it: the last word, also on what nobody here looks at.
fn by_the_service(opinion: Opinion, a_check_failed: bool) -> CredentialCheck {
    const NAME: &str = "service";
    match opinion {
        Opinion::Accepted if a_check_failed => {
            CredentialCheck::note(NAME, "accepts it, although a check above fails.")
        }
        Opinion::Accepted => CredentialCheck::ok(NAME),
        Opinion::NoLogin => CredentialCheck::note(
            NAME,
            "verifies no credential: auth_mode is none, or the variables of the login have errors.",
        ),
        Opinion::Rejected(_, reason) => {
            CredentialCheck::fail(NAME, format!("rejects it with 401; its log has: {reason}."))
        }
    }
}

/// A value as it may be shown: quoted, without control characters, and nothing that may be a key, a secret or a token.
fn shown(context: &Context, text: &str) -> String {
    let is_secret = |name: &str| {
        let secret = context.text(name);
        !secret.is_empty() && (text.contains(secret) || secret.contains(text))
    };
    let of_base64 = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=' | '_');
    let longest = text
        .split(|c| !of_base64(c))
        .map(str::len)
        .max()
        .unwrap_or_default();
    let may_be_secret = text.len() > 200
        || longest > 34
        || text.starts_with("eyJ")
        || text.contains("-----")
        || (text.len() >= 8
            && ["auth_hs256_secret", "jaas_private_key"]
                .iter()
                .any(|name| is_secret(name)));
    if may_be_secret {
        format!("(a text of {} characters, not shown)", text.chars().count())
    } else {
        format!("{text:?}")
    }
}

/// A JSON value as it may be shown.
fn shown_value(context: &Context, value: &Value) -> String {
    match value {
        Value::String(text) => shown(context, text),
        Value::Array(list) => {
            let mut items: Vec<String> = list
                .iter()
                .take(10)
                .map(|item| shown_value(context, item))
                .collect();
            if list.len() > items.len() {
                items.push("…".to_owned());
            }
            format!("[{}]", items.join(", "))
        }
        Value::Object(_) => "an object".to_owned(),
        other => other.to_string(),
    }
}

/// The kind of a JSON value.
fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
