//! What a check applies to, and the value that its repair gives.

use std::fmt;

/// What a finding is about; the sentence starts with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// A variable of `spin.toml`, an environment variable or an entry of a file, by its name.
    Variable(String),
    /// A file, as a person would write its path.
    File(String),
    Token,
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Variable(name) | Self::File(name) => f.write_str(name),
            Self::Token => f.write_str("the token"),
        }
    }
}

pub struct Hit {
    pub(crate) subject: Subject,
    pub(crate) details: Vec<String>,
    pub(crate) repair: Option<String>,
}

impl Hit {
    pub fn on(subject: Subject) -> Self {
        Self {
            subject,
            details: Vec::new(),
            repair: None,
        }
    }

    pub fn variable(name: &str) -> Self {
        Self::on(Subject::Variable(name.to_owned()))
    }

    pub fn file(path: &str) -> Self {
        Self::on(Subject::File(path.to_owned()))
    }

    pub fn detail(mut self, detail: impl fmt::Display) -> Self {
        self.details.push(detail.to_string());
        self
    }

    /// A repair in place of the check's own.
    pub fn repair(mut self, repair: impl Into<String>) -> Self {
        self.repair = Some(repair.into());
        self
    }
}

#[derive(Debug, Clone, Copy)]
pub enum Value<'a> {
    Text(&'a str),
    Output(&'static str),
}
