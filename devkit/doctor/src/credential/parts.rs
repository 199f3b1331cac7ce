//! A credential taken apart, and what is said of it.

use std::fmt;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::context::Context;

/// The longest credential that the service reads, in bytes.
pub(super) const MAX_BYTES: usize = 8 * 1024;

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
    pub(super) fn new(name: &'static str, result: Outcome, message: impl Into<String>) -> Self {
        Self {
            name,
            result,
            credential: None,
            configured: None,
            message: message.into(),
        }
    }

    pub(super) fn ok(name: &'static str) -> Self {
        Self::new(name, Outcome::Ok, "")
    }

    pub(super) fn note(name: &'static str, message: impl Into<String>) -> Self {
        Self::new(name, Outcome::Note, message)
    }

    pub(super) fn fail(name: &'static str, message: impl Into<String>) -> Self {
        Self::new(name, Outcome::Fail, message)
    }

    pub(super) fn credential(mut self, value: impl Into<String>) -> Self {
        self.credential = Some(value.into());
        self
    }

    pub(super) fn configured(mut self, value: impl Into<String>) -> Self {
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
pub(super) struct Jwt<'a> {
    pub(super) text: &'a str,
    pub(super) header: Map<String, Value>,
    pub(super) claims: Map<String, Value>,
}

/// A value as it may be shown: quoted, without control characters, and nothing that may be a key, a secret or a token.
pub(super) fn shown(context: &Context, text: &str) -> String {
    if is_shown(context, text) {
        format!("{text:?}")
    } else {
        format!("(a text of {} characters, not shown)", text.chars().count())
    }
}

/// Whether a value may be shown.
pub(super) fn is_shown(context: &Context, text: &str) -> bool {
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
    !may_be_secret
}

/// A JSON value as it may be shown.
pub(super) fn shown_value(context: &Context, value: &Value) -> String {
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
pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// A check with both values.
pub(super) fn side_by_side(
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
