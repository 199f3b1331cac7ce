//! Reads `.env` in a host's current folder, whose entries `SPIN_VARIABLE_…` apply if the environment does not set them.
//!
//! Like Spin's provider of environment variables, this uses the crate dotenvy: in double quotes and without quotes, a
//! backslash escapes and `$NAME` is substituted; the last of two equal names wins. [`crate::env_file`] reads `.dev.vars`
//! and similar files instead, because Wrangler substitutes nothing.

use std::path::Path;

use anyhow::{Result, anyhow};

use crate::{LineError, file, line_of};

pub const FILE: &str = ".env";

/// After such a line, Spin finds no value for any variable that the environment does not set.
const NO_ENTRY: &str = "not an entry as Spin reads it (put the value in single quotes, and each entry on a line of its own)";

/// Reads a `.env` from disk. A missing file counts as empty.
///
/// # Errors
/// Fails if the file cannot be read or parsed. The message names the file and the line number, but contains no text of it.
pub fn read(path: &Path) -> Result<Vec<(String, String)>> {
    if !path.exists() {
        return Ok(Vec::new());
    }
    let shown = path.display();
    let text = file::text(path, &shown)?;
    parse(&text).map_err(|error| anyhow!("{shown}, {error}"))
}

/// Parses the entries of a `.env`, in order.
pub fn parse(text: &str) -> Result<Vec<(String, String)>, LineError> {
    dotenvy::from_read_iter(text.as_bytes())
        .map(|entry| {
            entry.map_err(|error| {
                // The error's own message quotes the line.
                let place = match &error {
                    dotenvy::Error::LineParse(line, _) => text.find(line.trim()),
                    _ => None,
                };
                LineError {
                    line: line_of(text.as_bytes(), place.unwrap_or_default()),
                    reason: NO_ENTRY,
                }
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_read_as_spin_reads_it() {
        for (text, value) in [
            ("A=b", "b"),
            ("export A=b # a comment", "b"),
            ("A = 'b c'", "b c"),
            ("A='$HOME\\n'", "$HOME\\n"),
            ("A=\"b\\nc\"", "b\nc"),
            ("A=\"b\nc\"", "b\nc"),
            ("A=\"\\$b\"", "$b"),
            ("B=b\nA=$B-$B", "b-b"),
        ] {
            let entries = parse(text).expect(text);
            let expected = ("A".to_owned(), value.to_owned());
            assert_eq!(entries.last(), Some(&expected), "{text:?}");
        }
    }

    #[test]
    fn a_line_that_is_no_entry_is_named_by_its_number_only() {
        for (text, line) in [
            ("hidden words", 1),
            ("A=b\n\nB=hidden words", 3),
            ("A=b\n# c\n  hidden words", 3),
            ("A='hidden", 1),
            ("A=\"b\nc\"\nB=\"hidden", 3),
        ] {
            let error = parse(text).expect_err(text);
            assert_eq!(error.line, line, "{text:?}");
            assert!(!error.to_string().contains("hidden"), "{error}");
        }
    }

    #[test]
    fn a_file_that_is_not_there_is_empty() {
        assert_eq!(read(Path::new("no/such/.env")).expect("nothing"), []);
    }
}
