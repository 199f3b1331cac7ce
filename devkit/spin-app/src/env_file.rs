//! Reads an env file, such as the Worker's `.dev.vars`, the way Wrangler does.
//!
//! `NAME=value` a line, `export` before it or not. A value in double, single or back quotes may go over several lines;
//! in double quotes `\n` and `\r` stand for line ends. A value without quotes ends at `#` or the line's end and may hold
//! spaces. Nothing is substituted: `$` is a dollar sign. Line ends of any system count as `\n`. The last of two equal
//! names wins.
//!
//! Source: the grammar of npm's `dotenv`, which Wrangler reads `.dev.vars` with. Unlike that, a line that is no entry is
//! an error here, not skipped.
//!
//! No error holds any part of a line: it may be a key.

use std::fmt;
use std::fs;
use std::path::Path;

use anyhow::{Result, anyhow};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LineError {
    /// The line's number, from 1.
    pub line: usize,
    pub kind: LineErrorKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineErrorKind {
    /// It is not `NAME=value`.
    NoEntry,
    OpenQuote,
    AfterQuote,
}

impl fmt::Display for LineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: ", self.line)?;
        f.write_str(match self.kind {
            LineErrorKind::NoEntry => {
                "neither NAME=value nor a comment (a value of several lines, such as a PEM, belongs in double quotes)"
            }
            LineErrorKind::OpenQuote => "the quote that begins this value is never closed",
            LineErrorKind::AfterQuote => {
                "text after the closing quote (put the whole value in quotes of the other kind)"
            }
        })
    }
}

impl std::error::Error for LineError {}

/// Reads an env file from disk.
///
/// # Errors
/// It cannot be read, or a line is no entry. The message names the file and the line's number, never its text.
pub fn read(path: &Path) -> Result<Vec<(String, String)>> {
    let bytes = fs::read(path)
        .map_err(|error| anyhow!("the env file {} cannot be read: {error}", path.display()))?;
    let text = String::from_utf8(bytes)
        .map_err(|_| anyhow!("the env file {} is not UTF-8 text", path.display()))?;
    parse(&text).map_err(|error| anyhow!("the env file {}, {error}", path.display()))
}

/// Reads the entries of an env file's text, in their order.
pub fn parse(text: &str) -> Result<Vec<(String, String)>, LineError> {
    let text = text
        .strip_prefix('\u{feff}')
        .unwrap_or(text)
        .replace("\r\n", "\n")
        .replace('\r', "\n");
    let mut entries = Vec::new();
    let mut rest = text.as_str();
    let mut line = 1;
    while !rest.is_empty() {
        let (entry, after) = next_entry(rest).map_err(|kind| LineError { line, kind })?;
        entries.extend(entry);
        line += rest[..rest.len() - after.len()].matches('\n').count();
        rest = after;
    }
    Ok(entries)
}

/// An entry, or none on an empty line or a comment.
type Entry = Option<(String, String)>;

/// The entry at the beginning of the text, and the text after its last line.
fn next_entry(text: &str) -> Result<(Entry, &str), LineErrorKind> {
    let (line, after_line) = first_line(text);
    let line = line.trim_start();
    if line.is_empty() || line.starts_with('#') {
        return Ok((None, after_line));
    }
    // Of the whole text: a quoted value may go on after this line.
    let (name, value) = text.split_once('=').ok_or(LineErrorKind::NoEntry)?;
    let name = name.trim();
    let name = match name.strip_prefix("export") {
        Some(after) if after.starts_with([' ', '\t']) => after.trim_start(),
        _ => name,
    };
    let is_name_char = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    if name.is_empty() || !name.chars().all(is_name_char) {
        return Err(LineErrorKind::NoEntry);
    }

    let value = value.trim_start_matches([' ', '\t']);
    let Some(quote) = value
        .chars()
        .next()
        .filter(|c| matches!(c, '"' | '\'' | '`'))
    else {
        let (value, after) = first_line(value);
        let value = value.split('#').next().unwrap_or_default().trim_end();
        return Ok((Some((name.to_owned(), value.to_owned())), after));
    };
    let quoted = &value[1..];
    let end = closing(quoted, quote).ok_or(LineErrorKind::OpenQuote)?;
    let (tail, after) = first_line(&quoted[end + 1..]);
    let tail = tail.trim_start();
    if !tail.is_empty() && !tail.starts_with('#') {
        return Err(LineErrorKind::AfterQuote);
    }
    let value = &quoted[..end];
    let value = if quote == '"' {
        value.replace("\\n", "\n").replace("\\r", "\r")
    } else {
        value.to_owned()
    };
    Ok((Some((name.to_owned(), value)), after))
}

/// The text's first line, and what comes after it.
fn first_line(text: &str) -> (&str, &str) {
    text.split_once('\n').unwrap_or((text, ""))
}

/// Where the quote is closed; a backslash keeps it open.
fn closing(quoted: &str, quote: char) -> Option<usize> {
    let mut before = None;
    quoted.char_indices().find_map(|(at, c)| {
        let closes = c == quote && before != Some('\\');
        before = Some(c);
        closes.then_some(at)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A text in the shape of a PEM; no key.
    fn pem() -> String {
        let label = ["PRIVATE", "KEY"].join(" ");
        format!("-----BEGIN {label}-----\nMIIEvQ+/AbCd==\nxyz0+/=\n-----END {label}-----")
    }

    #[test]
    fn an_entry_is_read_as_wrangler_reads_it() {
        for (text, name, value) in [
            ("A=b", "A", "b"),
            ("A=b\n", "A", "b"),
            ("A=b\r\n", "A", "b"),
            ("A=b\r", "A", "b"),
            ("\u{feff}A=b", "A", "b"),
            ("  A = b  ", "A", "b"),
            ("export A=b", "A", "b"),
            ("export=b", "export", "b"),
            ("exported=b", "exported", "b"),
            ("A=", "A", ""),
            ("A=\"\"", "A", ""),
            ("A=b # a comment", "A", "b"),
            ("A='b' # a comment", "A", "b"),
            ("A='b#c'", "A", "b#c"),
            ("A=Your User", "A", "Your User"),
            ("A=O'Brien", "A", "O'Brien"),
            ("A=\"O'Brien\"", "A", "O'Brien"),
            ("A='say \"b\"'", "A", "say \"b\""),
            ("A=`b`", "A", "b"),
            ("A=$HOME and ${HOME}", "A", "$HOME and ${HOME}"),
            ("A=\"$HOME ${PATH}\"", "A", "$HOME ${PATH}"),
            ("A='$HOME'", "A", "$HOME"),
            ("A=\"b\\nc\"", "A", "b\nc"),
            ("A='b\\nc'", "A", "b\\nc"),
            ("A=b\\nc", "A", "b\\nc"),
            ("A=\"b\nc\"", "A", "b\nc"),
            ("A=\"b\r\nc\"\r\n", "A", "b\nc"),
            ("A='b\nc'", "A", "b\nc"),
            ("A=b=c==", "A", "b=c=="),
            ("A=a+b/c==", "A", "a+b/c=="),
            ("A=\"b\\\\c\\t\"", "A", "b\\\\c\\t"),
            ("A=會議室", "A", "會議室"),
            ("# A=c\n\n   # d\nA=b", "A", "b"),
        ] {
            assert_eq!(
                parse(text),
                Ok(vec![(name.to_owned(), value.to_owned())]),
                "{text:?}"
            );
        }
    }

    #[test]
    fn the_workers_dev_vars_are_read_unchanged() {
        let text = format!(
            "# .dev.vars\nJAAS_APP_ID=your_app_id_here\nJAAS_PRIVATE_KEY=\"{}\"\nJAAS_KEY_ID=k/1",
            pem()
        );
        let expected = [
            ("JAAS_APP_ID", "your_app_id_here"),
            ("JAAS_PRIVATE_KEY", &pem()),
            ("JAAS_KEY_ID", "k/1"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(parse(&text).as_deref(), Ok(&expected[..]));
        assert_eq!(
            parse(&text.replace('\n', "\r\n")).as_deref(),
            Ok(&expected[..]),
            "with CRLF"
        );
    }

    #[test]
    fn a_key_on_one_line_is_read_with_or_without_quotes() {
        let one_line = pem().replace('\n', "\\n");
        for (text, value) in [
            (format!("K=\"{one_line}\""), pem()),
            (format!("K='{one_line}'"), one_line.clone()),
            (format!("K={one_line}"), one_line.clone()),
        ] {
            assert_eq!(parse(&text), Ok(vec![("K".to_owned(), value)]));
        }
    }

    #[test]
    fn a_line_that_is_no_entry_is_named_by_its_number_only() {
        use LineErrorKind::{AfterQuote, NoEntry, OpenQuote};
        for (text, line, kind) in [
            ("just words".to_owned(), 1, NoEntry),
            ("A=b\n\n# c\n=d".to_owned(), 4, NoEntry),
            ("A b=c".to_owned(), 1, NoEntry),
            ("A=b\nB=\"c\nd\ne".to_owned(), 2, OpenQuote),
            ("A=\"b\nc\"\nB='d".to_owned(), 3, OpenQuote),
            ("A=\"b\" c".to_owned(), 1, AfterQuote),
            // A PEM without quotes: its second line is no entry.
            (format!("K={}", pem()), 2, NoEntry),
        ] {
            let error = parse(&text).expect_err(&text);
            assert_eq!(error, LineError { line, kind }, "{text:?}");
            for secret in ["words", "MIIE", "BEGIN"] {
                assert!(!error.to_string().contains(secret), "{error}");
            }
        }
    }
}
