//! Reads an env file, such as the Worker's `.dev.vars`, the way Wrangler does.
//!
//! Each entry is `NAME=value`, optionally after `export`. A value in double, single or back quotes may span lines; in double
//! quotes `\n` and `\r` stand for line ends. A value without quotes ends at `#` or at the end of the line, and may contain
//! spaces. Nothing is substituted: `$` is a dollar sign. Line ends of any system count as `\n`. The last of two equal names
//! wins.
//!
//! Source: the grammar of npm's `dotenv`, with which Wrangler reads `.dev.vars`. Unlike there, an invalid line is an error
//! instead of being skipped.
//!
//! No error contains any part of a line, because it may be a key.

use std::path::Path;

use anyhow::{Result, anyhow};

use crate::{LineError, file};

const NO_ENTRY: &str = "neither NAME=value nor a comment (a value of several lines, such as a PEM, belongs in double quotes)";
const OPEN_QUOTE: &str = "the quote that begins this value is never closed";
const AFTER_QUOTE: &str =
    "text after the closing quote (put the whole value in quotes of the other kind)";

/// Reads an env file from disk.
///
/// # Errors
/// Fails if the file cannot be read or a line is invalid. The message names the file and the line number, but contains no
/// text of it.
pub fn read(path: &Path) -> Result<Vec<(String, String)>> {
    let shown = path.display();
    let text = file::text(path, format_args!("the env file {shown}"))?;
    parse(&text).map_err(|error| anyhow!("the env file {shown}, {error}"))
}

/// Parses the entries of an env file, in order.
pub fn parse(text: &str) -> Result<Vec<(String, String)>, LineError> {
    let entries = numbered(text)?.into_iter();
    Ok(entries.map(|(_, name, value)| (name, value)).collect())
}

/// Like [`parse`], with the number of each entry's first line, from 1.
pub fn numbered(text: &str) -> Result<Vec<(usize, String, String)>, LineError> {
    let text = text
        .strip_prefix('\u{feff}')
        .unwrap_or(text)
        .replace("\r\n", "\n")
        .replace('\r', "\n");
    let mut entries = Vec::new();
    let mut rest = text.as_str();
    let mut line = 1;
    while !rest.is_empty() {
        let (entry, after) = next_entry(rest).map_err(|reason| LineError { line, reason })?;
        entries.extend(entry.map(|(name, value)| (line, name, value)));
        line += rest[..rest.len() - after.len()].matches('\n').count();
        rest = after;
    }
    Ok(entries)
}

/// An entry, or `None` for an empty line or a comment.
type Entry = Option<(String, String)>;

/// Returns the first entry of the text, and the text after the entry's last line.
fn next_entry(text: &str) -> Result<(Entry, &str), &'static str> {
    let (line, after_line) = first_line(text);
    let line = line.trim_start();
    if line.is_empty() || line.starts_with('#') {
        return Ok((None, after_line));
    }
    // Splits the whole text, because a quoted value may continue after this line.
    let (name, value) = text.split_once('=').ok_or(NO_ENTRY)?;
    let name = name.trim();
    let name = match name.strip_prefix("export") {
        Some(after) if after.starts_with([' ', '\t']) => after.trim_start(),
        _ => name,
    };
    let is_name_char = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    if name.is_empty() || !name.chars().all(is_name_char) {
        return Err(NO_ENTRY);
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
    // A quote after a backslash does not close the value.
    let mut closing = quoted.match_indices(quote).map(|(at, _)| at);
    let end = closing
        .find(|&at| !quoted[..at].ends_with('\\'))
        .ok_or(OPEN_QUOTE)?;
    let (tail, after) = first_line(&quoted[end + 1..]);
    let tail = tail.trim_start();
    if !tail.is_empty() && !tail.starts_with('#') {
        return Err(AFTER_QUOTE);
    }
    let value = &quoted[..end];
    let value = if quote == '"' {
        value.replace("\\n", "\n").replace("\\r", "\r")
    } else {
        value.to_owned()
    };
    Ok((Some((name.to_owned(), value)), after))
}

/// Returns the first line of a text, and the rest.
fn first_line(text: &str) -> (&str, &str) {
    text.split_once('\n').unwrap_or((text, ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns a text in the form of a PEM, which is not a key.
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
    fn an_entry_has_the_number_of_its_first_line_whatever_ends_lines() {
        let text = "\u{feff}A=b\n# c\n\nB=\"c\nD=e\n\"\nexport F=g\n";
        for end in ["\n", "\r\n", "\r"] {
            let found = numbered(&text.replace('\n', end)).expect("entries");
            let found: Vec<_> = found
                .iter()
                .map(|(line, name, _)| (*line, &**name))
                .collect();
            assert_eq!(found, [(1, "A"), (4, "B"), (7, "F")], "{end:?}");
        }
    }

    #[test]
    fn a_line_that_is_no_entry_is_named_by_its_number_only() {
        for (text, line, reason) in [
            ("just words".to_owned(), 1, NO_ENTRY),
            ("A=b\n\n# c\n=d".to_owned(), 4, NO_ENTRY),
            ("A b=c".to_owned(), 1, NO_ENTRY),
            ("A=b\nB=\"c\nd\ne".to_owned(), 2, OPEN_QUOTE),
            ("A=\"b\nc\"\nB='d".to_owned(), 3, OPEN_QUOTE),
            ("A=\"b\" c".to_owned(), 1, AFTER_QUOTE),
            // A PEM without quotes: its second line is not an entry.
            (format!("K={}", pem()), 2, NO_ENTRY),
        ] {
            let error = parse(&text).expect_err(&text);
            assert_eq!(error, LineError { line, reason }, "{text:?}");
            for secret in ["words", "MIIE", "BEGIN"] {
                assert!(!error.to_string().contains(secret), "{error}");
            }
        }
    }
}
