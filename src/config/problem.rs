//! What is wrong with the configuration.
#![forbid(unsafe_code)]

use std::fmt;

use serde::Serialize;

use super::variable::Variable;

/// One thing that is wrong with the configuration: the variable, and a sentence that repairs it.
///
/// The sentence never holds a part of the variable's value. Serialised, it is one entry of the list `problems` in the
/// health check's response and in the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    variable: &'static str,
    #[serde(skip)]
    missing: bool,
    message: String,
}

impl Problem {
    /// A credential is not set, or set to nothing.
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

    /// A variable holds something that cannot be used. `message` continues a sentence that starts with its name.
    #[must_use]
    pub fn invalid(variable: Variable, message: impl fmt::Display) -> Self {
        Self {
            variable: variable.name,
            missing: false,
            message: message.to_string(),
        }
    }

    /// The variable's name.
    #[must_use]
    pub const fn variable(&self) -> &'static str {
        self.variable
    }

    /// The rest of the sentence that starts with the variable's name.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Whether the variable is missing rather than wrong.
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
