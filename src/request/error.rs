//! Errors of a request for a token.
#![forbid(unsafe_code)]

use std::borrow::Cow;

use super::name;
use crate::secret::Secret;

/// The maximum length of the body of a `POST`, in bytes.
pub const MAX_BODY_BYTES: usize = 16 * 1024;

/// Why a request for a token is invalid. `Display` is the public message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A parameter has an invalid value.
    #[error("{name} {problem}")]
    Parameter {
        /// The parameter's name.
        name: &'static str,
        /// What is wrong and what would be right. Follows the name in the message, and reveals nothing of the value.
        problem: String,
    },
    /// A body has unknown names.
    #[error(transparent)]
    UnknownParameters(UnknownParameters),
    /// The body cannot be read or parsed.
    #[error("{0}")]
    MalformedBody(String),
    /// The body is longer than [`MAX_BODY_BYTES`].
    #[error("The body is too large: send at most {MAX_BODY_BYTES} bytes")]
    BodyTooLarge,
    /// The body is neither JSON nor a form.
    #[error(
        "Unsupported Content-Type: send one Content-Type header, application/json or \
         application/x-www-form-urlencoded, in UTF-8"
    )]
    UnsupportedMediaType,
    /// The body is compressed.
    #[error(
        "Unsupported Content-Encoding: send the body uncompressed, without a Content-Encoding header"
    )]
    UnsupportedEncoding,
}

impl Error {
    pub(super) fn parameter(name: &'static str, problem: impl ToString) -> Self {
        let problem = problem.to_string();
        Self::Parameter { name, problem }
    }

    /// Returns the text for the log: the public message, but without anything that the caller wrote.
    #[must_use]
    pub fn reason(&self) -> Cow<'static, str> {
        match self {
            Self::UnknownParameters(_) => "the request has an unknown parameter".into(),
            error => error.to_string().into(),
        }
    }
}

/// The maximum number of unknown names in a message.
const MAX_LISTED: usize = 3;

/// The first unknown names in a body. A message lists several, so that a caller can correct them at once.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct UnknownParameters(Vec<UnknownParameter>);

impl UnknownParameters {
    pub(super) fn push(&mut self, name: &str) {
        let shown = Some(name).filter(|name| is_identifier(name));
        let is_told = |told: &UnknownParameter| {
            told.name.as_ref().map(|name| name.expose().as_str()) == shown
        };
        // The nearest name is computed only for names in the message: a body can have thousands.
        if self.0.len() < MAX_LISTED && !self.0.iter().any(is_told) {
            self.0.push(UnknownParameter {
                name: shown.map(|name| Secret::new(name.to_owned())),
                nearest: shown.and_then(nearest),
            });
        }
    }

    /// As [`UnknownParameters::push`], but ignores a name unless it resembles a known one.
    pub(super) fn push_if_near(&mut self, name: &str) {
        if is_identifier(name) && nearest(name).is_some() {
            self.push(name);
        }
    }

    /// Returns the values if there are no unknown names.
    pub(super) fn or<T>(self, values: T) -> Result<T, Error> {
        if self.0.is_empty() {
            Ok(values)
        } else {
            Err(Error::UnknownParameters(self))
        }
    }
}

impl std::error::Error for UnknownParameters {}

impl std::fmt::Display for UnknownParameters {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (i, parameter) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str(" ")?;
            }
            write!(f, "{parameter}")?;
        }
        Ok(())
    }
}

/// An unknown name in a body. Only the public message shows it, and only if it looks like a name.
#[derive(Debug, Clone, PartialEq, Eq)]
struct UnknownParameter {
    name: Option<Secret<String>>,
    nearest: Option<&'static str>,
}

/// The maximum length of an unknown name in a message, in bytes.
const MAX_SHOWN_BYTES: usize = 40;

/// The minimum similarity, from 0 to 1, at which a known name is suggested.
const MIN_LIKENESS: f64 = 0.4;

/// Whether a text looks like a name, and so may be shown.
fn is_identifier(text: &str) -> bool {
    (1..=MAX_SHOWN_BYTES).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-'))
}

impl std::fmt::Display for UnknownParameter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.name {
            Some(name) => write!(f, "{} is not a parameter; ", name.expose())?,
            None => f.write_str("The body has an unknown parameter; ")?,
        }
        match self.nearest {
            Some(nearest) => write!(f, "did you mean {nearest}?"),
            None => write!(f, "the parameters are {}", name::ALL.join(", ")),
        }
    }
}

/// Returns the most similar known name, if any is similar enough. The style in which words are joined does not matter, nor
/// does the prefix `user_` of the known name.
fn nearest(name: &str) -> Option<&'static str> {
    let name = snake_case(name);
    let name = name.strip_prefix("is_").unwrap_or(&name);
    let likeness = |known: &str| {
        let bare = known.strip_prefix("user_").unwrap_or(known);
        strsim::sorensen_dice(name, known).max(strsim::sorensen_dice(name, bare))
    };
    let mut best = (MIN_LIKENESS, None);
    for known in name::ALL {
        let likeness = likeness(known);
        if likeness > best.0 || (likeness == best.0 && best.1.is_none()) {
            best = (likeness, Some(known));
        }
    }
    best.1
}

/// Converts names such as `isModerator`, `is-moderator` and `IsModerator` to `is_moderator`.
fn snake_case(name: &str) -> String {
    let mut snake = String::with_capacity(name.len() + 4);
    let mut after_lower_case = false;
    for c in name.chars() {
        if c.is_ascii_uppercase() && after_lower_case {
            snake.push('_');
        }
        after_lower_case = c.is_ascii_lowercase() || c.is_ascii_digit();
        snake.push(match c {
            '-' | '.' => '_',
            c => c.to_ascii_lowercase(),
        });
    }
    snake
}
