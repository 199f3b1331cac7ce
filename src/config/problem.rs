//! Problems of the configuration.
#![forbid(unsafe_code)]

use std::fmt;

use serde::Serialize;

use super::variable::Variable;

/// A problem of the configuration: the name of a variable, and a sentence that says how to repair it.
///
/// The sentence never contains any part of the variable's value. Serialised, it is an entry of the list `problems` in the
/// health check's response and in the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    variable: &'static str,
    #[serde(skip)]
    missing: bool,
    message: String,
}

impl Problem {
    /// Creates the problem of a JaaS credential that is not set or empty.
    #[must_use]
    pub fn missing(variable: Variable) -> Self {
        Self {
            variable: variable.name,
            missing: true,
            message: format!(
                "is not set; give it to Spin, for example as SPIN_VARIABLE_{}.",
                variable.name.to_ascii_uppercase()
            ),
        }
    }

    /// Creates the problem of an invalid value. `message` continues a sentence that starts with the variable's name.
    #[must_use]
    pub fn invalid(variable: Variable, message: impl fmt::Display) -> Self {
        Self {
            variable: variable.name,
            missing: false,
            message: message.to_string(),
        }
    }

    /// Returns the variable's name.
    #[must_use]
    pub const fn variable(&self) -> &'static str {
        self.variable
    }

    /// Returns the rest of the sentence that starts with the variable's name.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Whether the variable is missing rather than invalid.
    #[must_use]
    pub const fn is_missing(&self) -> bool {
        self.missing
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.variable, self.message)
    }
}
