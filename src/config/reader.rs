//! Reads variables, and collects their problems beside the valid values.
#![forbid(unsafe_code)]

use std::fmt;

use super::problem::Problem;
use super::variable::Variable;
use crate::features::{Feature, FeatureSet};
use crate::text::{Separator, parse_bool, parse_list};

/// A source of variables.
pub trait Source {
    /// Returns a variable's value; `None` if the manifest does not declare the variable, so that its default applies.
    ///
    /// # Errors
    /// [`Unavailable`] if the provider fails.
    fn get(&self, name: &str) -> Result<Option<String>, Unavailable>;
}

impl<F: Fn(&str) -> Result<Option<String>, Unavailable>> Source for F {
    fn get(&self, name: &str) -> Result<Option<String>, Unavailable> {
        self(name)
    }
}

/// The provider of a variable failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unavailable;

/// A setting, and the problems of the variables that it was read from.
#[derive(Debug)]
pub(super) struct Setting<T> {
    pub(super) value: T,
    pub(super) problems: Vec<Problem>,
}

impl<T> Setting<T> {
    pub(super) fn read(source: &dyn Source, read: impl FnOnce(&mut Reader<'_>) -> T) -> Self {
        let mut reader = Reader {
            source,
            problems: Vec::new(),
        };
        let value = read(&mut reader);
        Self {
            value,
            problems: reader.problems,
        }
    }
}

pub(super) struct Reader<'a> {
    source: &'a dyn Source,
    pub(super) problems: Vec<Problem>,
}

impl Reader<'_> {
    /// Reads a value, without surrounding white space and byte order marks. Returns `None` if the provider failed, which is
    /// recorded as a problem.
    pub(super) fn text(&mut self, variable: Variable) -> Option<String> {
        match self.source.get(variable.name) {
            Ok(Some(value)) => Some(trimmed(value, is_blank)),
            Ok(None) => Some(variable.default.unwrap_or_default().to_owned()),
            Err(Unavailable) => {
                self.problem(
                    variable,
                    "could not be read from its provider; see Spin's log and the variables_provider in runtime-config.toml.",
                );
                None
            }
        }
    }

    /// As [`Reader::text`], for a key: also removes surrounding quotes, escaped or not, that files and shells leave.
    pub(super) fn key(&mut self, variable: Variable) -> Option<String> {
        let is_around = |c| is_blank(c) || matches!(c, '"' | '\'' | '\\');
        self.text(variable).map(|text| trimmed(text, is_around))
    }

    /// Records a problem.
    pub(super) fn problem(&mut self, variable: Variable, message: impl fmt::Display) {
        self.problems.push(Problem::invalid(variable, message));
    }

    /// Returns the value of a result, or records its error as a problem.
    pub(super) fn keep<T>(&mut self, parsed: Result<T, Problem>) -> Option<T> {
        parsed.map_err(|problem| self.problems.push(problem)).ok()
    }

    /// Reads a value with `parse`, whose error continues a sentence that starts with the variable's name.
    pub(super) fn parsed<T, E: fmt::Display>(
        &mut self,
        variable: Variable,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let text = self.text(variable)?;
        self.keep(parse(&text).map_err(|error| Problem::invalid(variable, error)))
    }

    /// As [`Reader::parsed`], but an empty variable is no problem and returns `None`. The error has no full stop.
    pub(super) fn optional<T, E: fmt::Display>(
        &mut self,
        variable: Variable,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let text = self.text(variable).filter(|text| !text.is_empty())?;
        self.keep(parse(&text).map_err(|error| Problem::invalid(variable, format!("{error}."))))
    }

    /// Reads a switch. If it is invalid, `otherwise` applies: the stricter of its two meanings.
    pub(super) fn switch(&mut self, variable: Variable, otherwise: bool) -> bool {
        self.parsed(variable, |text| {
            parse_bool(text).ok_or("is neither true nor false; set it to one of them.")
        })
        .unwrap_or(otherwise)
    }

    /// Reads a whole number of seconds. If it is invalid, `least` applies.
    pub(super) fn seconds(&mut self, variable: Variable, least: u64, most: u64) -> u64 {
        self.parsed(variable, |text| {
            text.parse()
                .ok()
                .filter(|seconds| (least..=most).contains(seconds))
                .ok_or_else(|| {
                    format!("is not a whole number of seconds from {least} to {most}; set it to one, without unit.")
                })
        })
        .unwrap_or(least)
    }

    /// Reads a list of features. If it is invalid, the set is empty.
    pub(super) fn features(&mut self, variable: Variable) -> FeatureSet {
        self.parsed(variable, |text| {
            let keys = parse_list(text, Separator::CommaOrSpace).map_err(|e| e.to_string())?;
            keys.iter()
                .zip(1..)
                .map(|(key, position)| {
                    Feature::from_key(key).ok_or_else(|| {
                        format!(
                            "entry {position} is not a feature that Jitsi knows; the nearest is {}.",
                            Feature::nearest(key)
                        )
                    })
                })
                .collect::<Result<FeatureSet, String>>()
        })
        .unwrap_or_default()
    }

    /// Reads a list of texts that may contain spaces. Returns `None` if it is invalid.
    pub(super) fn texts(&mut self, variable: Variable) -> Option<Vec<String>> {
        self.parsed(variable, |text| parse_list(text, Separator::CommaOrLine))
    }
}

/// Whether a character around a value is not part of it. Editors and .NET write a byte order mark before a text.
fn is_blank(c: char) -> bool {
    c.is_whitespace() || c == '\u{feff}'
}

/// Trims a text in place: a copy of the private key would not be wiped.
fn trimmed(mut text: String, is_around: impl Fn(char) -> bool + Copy) -> String {
    text.truncate(text.trim_end_matches(is_around).len());
    let leading = text.len() - text.trim_start_matches(is_around).len();
    text.drain(..leading);
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::variable::AUTH_JWKS;

    #[test]
    fn a_key_may_stand_in_quotes() {
        for value in [
            "key",
            "\"key\"",
            " 'key'\n",
            "\\\"key\\\"",
            "\u{feff}\"key\"",
        ] {
            let source = |_: &str| Ok(Some(value.to_owned()));
            let setting = Setting::read(&source, |reader| reader.key(AUTH_JWKS));
            assert_eq!(setting.value.as_deref(), Some("key"), "{value}");
        }
    }

    #[test]
    fn values_are_trimmed_where_they_lie() {
        for (text, expected) in [
            ("", ""),
            (" \r\n ", ""),
            ("key", "key"),
            ("\n\u{3000} a key \t", "a key"),
            ("\u{feff} a key\r\n", "a key"),
            ("\"a key\"", "\"a key\""),
        ] {
            let text = text.to_owned();
            let memory = text.as_ptr();
            let trimmed = trimmed(text, is_blank);
            assert_eq!(trimmed, expected);
            assert_eq!(trimmed.as_ptr(), memory, "{expected:?} is a copy");
        }
    }
}
