//! Reads the configuration of a Spin application, for `cargo dev up`, the embedded host, the doctor and tests.
//!
//! [`file`](mod@file) reads each file as text. [`manifest`] parses `spin.toml`, [`providers`] `runtime-config.toml`,
//! [`dot_env`] the `.env` that Spin reads by itself, [`env_file`] the files of `--env-file`. [`settings`] determines which
//! value applies and where it comes from, [`resolve`] what the component gets, [`outbound`] which servers it may call. No
//! error contains any part of a value, because it may be a key.
#![forbid(unsafe_code)]
// Not published, and the names are self-explanatory.
#![allow(missing_docs)]

pub mod dot_env;
pub mod env_file;
pub mod file;
pub mod manifest;
pub mod outbound;
pub mod providers;
pub mod resolve;
pub mod settings;

use std::fmt;

/// The prefix of the environment variables that set Spin variables.
pub const PREFIX: &str = "SPIN_VARIABLE_";

/// Returns the name of the environment variable that sets an application's variable.
pub fn environment_name(variable: &str) -> String {
    format!("{PREFIX}{}", variable.to_ascii_uppercase())
}

/// Returns a name from a file in a form that may be shown. A line of a key can look like an entry, so only capital letters,
/// digits and underscores, in words of up to eleven characters, are shown.
pub fn redact_name(name: &str) -> &str {
    let is_word = |word: &str| {
        word.len() < 12
            && word
                .bytes()
                .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
    };
    if name.len() <= 48 && name.split('_').all(is_word) {
        name
    } else {
        "a name"
    }
}

/// An invalid line of an env file. Its text is not shown, because it may contain a part of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LineError {
    /// The line number, from 1.
    pub line: usize,
    reason: &'static str,
}

impl fmt::Display for LineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.reason)
    }
}

impl std::error::Error for LineError {}

/// Returns the line number, from 1, of a position in a text. Lines may end as on any system.
fn line_of(text: &[u8], place: usize) -> usize {
    let is_end = |(at, byte): &(usize, &u8)| {
        **byte == b'\n' || **byte == b'\r' && text.get(at + 1) != Some(&b'\n')
    };
    text.iter().enumerate().take(place).filter(is_end).count() + 1
}
