//! What a Spin application is configured by: read here once, for `cargo dev up`, the embedded host, the doctor and tests.
//!
//! [`file`](mod@file) reads each file as text. [`manifest`] reads `spin.toml`, [`providers`] `runtime-config.toml`, [`dot_env`] the `.env` that Spin reads by itself,
//! [`env_file`] the files that `--env-file` names. [`settings`] says which value counts and where it stands, [`resolve`] what
//! the component gets, [`outbound`] whom it may call. No error holds any part of a value: it may be a key.
#![forbid(unsafe_code)]
// It is not published: what a name says already is not said again.
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

/// What Spin puts before a variable's upper-case name.
pub const PREFIX: &str = "SPIN_VARIABLE_";

/// The environment variable that sets a variable of the application.
pub fn environment_name(variable: &str) -> String {
    format!("{PREFIX}{}", variable.to_ascii_uppercase())
}

/// A name from a file as it may be shown: a line of a key can have the shape of an entry, so that only capital letters,
/// digits and underscores, in words of up to eleven characters, are shown as they are.
pub fn presented(name: &str) -> &str {
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

/// A line of an env file that cannot be read. It may hold a part of a key, so that its text is not shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LineError {
    /// The line's number, from 1.
    pub line: usize,
    reason: &'static str,
}

impl fmt::Display for LineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.reason)
    }
}

impl std::error::Error for LineError {}

/// The line, from 1, on which a place of a text is; lines end as on any system.
fn line_of(text: &[u8], place: usize) -> usize {
    let is_end = |(at, byte): &(usize, &u8)| {
        **byte == b'\n' || **byte == b'\r' && text.get(at + 1) != Some(&b'\n')
    };
    text.iter().enumerate().take(place).filter(is_end).count() + 1
}
