//! A check: its id, how much it matters, when it applies, what it says and what repairs it.

use std::fmt;

use serde::Serialize;

use crate::context::Context;
use crate::hit::{Hit, Subject, Value};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The service does not work, or a secret is exposed.
    Error,
    /// It works, but hardly as intended; for production it is too weak.
    Warning,
    /// Something the operator may want to decide otherwise.
    Hint,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Hint => "hint",
        })
    }
}

/// One row of the tables in [`crate::checks`].
pub struct Check {
    /// The name in the report; stable.
    pub id: &'static str,
    pub severity: Severity,
    /// What it applies to in this configuration.
    pub when: fn(&Context) -> Vec<Hit>,
    /// The rest of a sentence that starts with the subject; each `{}` is one of the hit's details.
    pub message: &'static str,
    pub repair: Repair,
}

/// A table of checks: `SEVERITY ID |context| HITS => MESSAGE, REPAIR;`.
macro_rules! checks {
    ($($severity:ident $id:literal |$context:ident| $hits:expr => $message:expr, $repair:expr;)*) => {
        pub const CHECKS: &[$crate::check::Check] = &[$($crate::check::Check {
            id: $id,
            severity: $crate::check::Severity::$severity,
            when: |$context| $hits.into_iter().collect(),
            message: $message,
            repair: $repair,
        }),*];
    };
}
pub(crate) use checks;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repair {
    /// The message says it.
    InMessage,
    /// This; `{}` is the subject, as a word of a shell.
    Do(&'static str),
    Set(&'static str),
    /// Give the variable the output of this command.
    Output(&'static str),
    /// Give every variable a value that a login needs.
    Login,
}

/// One finding. None of its texts holds any part of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    pub id: &'static str,
    pub severity: Severity,
    pub subject: Subject,
    /// The rest of the sentence that starts with the subject.
    pub message: String,
    /// The command or the line that repairs it; `None` where the message says what to do.
    pub repair: Option<String>,
}

impl Finding {
    pub fn label(&self) -> String {
        format!("{}[{}]", self.severity, self.id)
    }

    pub fn sentence(&self) -> String {
        format!("{} {}", self.subject, self.message)
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.label(), self.sentence())?;
        match &self.repair {
            Some(repair) => write!(f, " Repair: {repair}"),
            None => Ok(()),
        }
    }
}

impl Check {
    pub fn run(&self, context: &Context) -> Vec<Finding> {
        let hits = (self.when)(context).into_iter();
        hits.map(|hit| self.finding(context, hit)).collect()
    }

    fn finding(&self, context: &Context, hit: Hit) -> Finding {
        let mut message = self.message.to_owned();
        for detail in &hit.details {
            message = message.replacen("{}", detail, 1);
        }
        let name = hit.subject.to_string();
        let own = || match self.repair {
            Repair::InMessage => None,
            Repair::Do(text) => Some(text.replace("{}", &devkit::serve::key::quoted(&name))),
            Repair::Set(value) => Some(context.set(&[(&name, Value::Text(value))])),
            Repair::Output(command) => Some(context.set(&[(&name, Value::Output(command))])),
            Repair::Login => Some(context.set_login()),
        };
        Finding {
            id: self.id,
            severity: self.severity,
            message,
            repair: hit.repair.or_else(own),
            subject: hit.subject,
        }
    }
}
