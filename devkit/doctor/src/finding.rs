//! The findings of checks, and their form in the report.

use std::fmt;

use serde::Serialize;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The service does not work, or a secret is exposed.
    Error,
    /// The service works, but probably not as intended, or is too weak for production.
    Warning,
    /// The operator may want to decide otherwise.
    Hint,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Hint => "hint",
        })
    }
}

/// A problem with a variable, with a file or, if both are `None`, with the token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Hit {
    /// The name of a variable of `spin.toml`, an environment variable or an entry of a file.
    pub variable: Option<String>,
    /// The path of a file in a form for messages.
    pub file: Option<String>,
    /// One sentence that starts with the variable, the file or "the token".
    pub message: String,
    /// The command or the line that solves the problem, or `None` if the message says what to do.
    pub repair: Option<String>,
}

/// The constructors take the sentence without its subject.
impl Hit {
    pub fn variable(name: &str, message: impl fmt::Display) -> Self {
        Self::on(Some(name), None, message)
    }

    pub fn file(path: &str, message: impl fmt::Display) -> Self {
        Self::on(None, Some(path), message)
    }

    pub fn token(message: impl fmt::Display) -> Self {
        Self::on(None, None, message)
    }

    fn on(variable: Option<&str>, file: Option<&str>, message: impl fmt::Display) -> Self {
        let subject = variable.or(file).unwrap_or("the token");
        Self {
            variable: variable.map(str::to_owned),
            file: file.map(str::to_owned),
            message: format!("{subject} {message}"),
            repair: None,
        }
    }

    pub fn repair(mut self, repair: impl Into<String>) -> Self {
        self.repair = Some(repair.into());
        self
    }
}

/// A finding, as in the JSON report. None of its texts contains any part of a value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    pub id: &'static str,
    pub severity: Severity,
    #[serde(flatten)]
    pub hit: Hit,
}

impl Finding {
    /// Formats the finding for a person. `before_repair` separates the repair from the sentence.
    pub fn shown(&self, before_repair: &str) -> String {
        let (severity, id, hit) = (self.severity, self.id, &self.hit);
        let line = format!("{severity}[{id}] {}", hit.message);
        match &hit.repair {
            Some(repair) => format!("{line}{before_repair}{repair}"),
            None => line,
        }
    }
}
