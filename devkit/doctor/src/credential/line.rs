//! The results of the checks of a credential: one line for each, without values that may not be shown.

use std::fmt;

use serde::Serialize;
use serde_json::Value;

use crate::context::Context;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    Ok,
    Note,
    /// The service rejects the credential because of this check.
    Fail,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CredentialCheck {
    pub name: &'static str,
    pub result: Outcome,
    /// The credential's value, if it may be shown.
    pub credential: Option<String>,
    /// The configured value, or the current time.
    pub configured: Option<String>,
    /// The explanation, which may be empty.
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

    /// Adds both values, if they may be shown.
    pub(super) fn beside(self, credential: Option<String>, configured: Option<String>) -> Self {
        Self {
            credential,
            configured,
            ..self
        }
    }
}

impl fmt::Display for CredentialCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let result = match self.result {
            Outcome::Ok => "ok",
            Outcome::Note => "note",
            Outcome::Fail => "fail",
        };
        write!(f, "{result}[{}]", self.name)?;
        if let Some(value) = &self.credential {
            write!(f, " credential {value}")?;
        }
        if let Some(value) = &self.configured {
            write!(f, " configured {value}")?;
        }
        let has_value = self.credential.is_some() || self.configured.is_some();
        match (self.message.as_str(), has_value) {
            ("", _) => Ok(()),
            (message, true) => write!(f, ": {message}"),
            (message, false) => write!(f, " {message}"),
        }
    }
}

/// Returns a value in a form that may be shown: quoted, without control characters, and without what could be a key, a
/// secret, a token or an email address.
pub(super) fn shown(context: &Context, text: &str) -> String {
    match is_shown(context, text) {
        true => format!("{text:?}"),
        false => format!("(a text of {} characters, not shown)", text.chars().count()),
    }
}

pub(super) fn is_shown(context: &Context, text: &str) -> bool {
    let is_of = |name: &str| {
        let secret = context.text(name);
        text.len() >= 8 && !secret.is_empty() && (text.contains(secret) || secret.contains(text))
    };
    let of_base64 = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=' | '_');
    let mut words = text.split(|c| !of_base64(c));
    text.len() <= 200
        && words.all(|word| word.len() <= 34)
        && !text.starts_with("eyJ")
        && !["-----", "@", "%40"].iter().any(|mark| text.contains(mark))
        && !["auth_hs256_secret", "jaas_private_key"]
            .into_iter()
            .any(is_of)
}

/// Returns a JSON value in a form that may be shown.
pub(super) fn shown_value(context: &Context, value: Option<&Value>) -> String {
    match value {
        Some(Value::String(text)) => shown(context, text),
        Some(Value::Array(list)) => {
            let items = list.iter().take(10);
            let items = items.map(|item| shown_value(context, Some(item)));
            let more = (list.len() > 10).then(|| "…".to_owned());
            format!("[{}]", items.chain(more).collect::<Vec<_>>().join(", "))
        }
        Some(other @ (Value::Bool(_) | Value::Number(_))) => other.to_string(),
        other => kind(other).to_owned(),
    }
}

pub(super) fn kind(value: Option<&Value>) -> &'static str {
    match value {
        None => "none",
        Some(Value::Null) => "null",
        Some(Value::Bool(_)) => "a boolean",
        Some(Value::Number(_)) => "a number",
        Some(Value::String(_)) => "a string",
        Some(Value::Array(_)) => "a list",
        Some(Value::Object(_)) => "an object",
    }
}
