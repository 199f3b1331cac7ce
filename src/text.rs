//! Rules for text that several stages share: lists in variables, switches, and which characters a value may have.
#![forbid(unsafe_code)]

use icu_properties::CodePointSetData;
use icu_properties::props::{BidiControl, DefaultIgnorableCodePoint};

/// What separates the entries of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Separator {
    /// Commas and white space: for entries that have no spaces of their own.
    CommaOrSpace,
    /// Commas and line breaks: spaces belong to the entry.
    CommaOrLine,
}

/// A list that is not empty and names nothing, such as `,`. Whoever wrote it meant something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NamesNothing;

impl std::fmt::Display for NamesNothing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("is not empty and names nothing; list at least one entry, or empty it.")
    }
}

/// The entries of a list: plain, or as JSON and its look-alikes write one, `["a","b"]` and `['a', 'b',]`.
///
/// # Errors
/// [`NamesNothing`] for a text with anything but white space in it and no entry.
pub fn parse_list(text: &str, separator: Separator) -> Result<Vec<String>, NamesNothing> {
    // Quotes around the whole, and escaped ones within, are what `docker --env-file` and shells leave.
    let unescaped = text.replace("\\\"", "\"");
    let text = without_quotes_around(unescaped.trim());
    let entries = match serde_json::from_str::<Vec<String>>(text) {
        Ok(entries) if separator == Separator::CommaOrSpace => {
            let words = entries
                .iter()
                .flat_map(|entry| split_list(entry, separator));
            words.map(str::to_owned).collect()
        }
        Ok(entries) => entries,
        Err(_) => {
            let bracketed = text
                .strip_prefix('[')
                .and_then(|rest| rest.strip_suffix(']'));
            split_list(bracketed.unwrap_or(text), separator)
                .map(|entry| unquote(entry).to_owned())
                .collect()
        }
    };
    let list: Vec<String> = entries
        .iter()
        .map(|entry| entry.trim().to_owned())
        .filter(|entry| !entry.chars().all(is_punctuation_of_lists))
        .collect();
    if list.is_empty() && !unescaped.trim().is_empty() {
        return Err(NamesNothing);
    }
    Ok(list)
}

/// What is left of a list that names nothing.
fn is_punctuation_of_lists(c: char) -> bool {
    c.is_whitespace() || "\"';{}()[]".contains(c)
}

/// The text within quotes that stand around all of it, and not around its first and last entry.
fn without_quotes_around(text: &str) -> &str {
    for quote in ['"', '\''] {
        let within = text
            .strip_prefix(quote)
            .and_then(|rest| rest.strip_suffix(quote));
        if let Some(within) = within
            && (!within.contains(quote) || (within.starts_with('[') && within.ends_with(']')))
        {
            return within.trim();
        }
    }
    text
}

/// The entries of a plain list, without white space around them.
pub fn split_list(text: &str, separator: Separator) -> impl Iterator<Item = &str> {
    text.split(move |c: char| match separator {
        Separator::CommaOrSpace => c == ',' || c.is_whitespace(),
        Separator::CommaOrLine => matches!(c, ',' | '\n' | '\r'),
    })
    .map(str::trim)
    .filter(|entry| !entry.is_empty())
}

/// The text within a pair of quotes, if it has one.
fn unquote(text: &str) -> &str {
    let within = |quote| text.strip_prefix(quote)?.strip_suffix(quote);
    within('"').or_else(|| within('\'')).unwrap_or(text).trim()
}

/// `true` or `false`, case-insensitively.
#[must_use]
pub fn parse_bool(text: &str) -> Option<bool> {
    let text = text.trim();
    if text.eq_ignore_ascii_case("true") {
        Some(true)
    } else if text.eq_ignore_ascii_case("false") {
        Some(false)
    } else {
        None
    }
}

/// Control characters, and the two code points of the basic plane that XML 1.0 excludes besides: a value of the token
/// must not have them, because the conference's server puts it into XML.
#[must_use]
pub fn is_excluded_from_xml(c: char) -> bool {
    c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}')
}

/// Whether a character changes the direction of the text around it (Unicode property `Bidi_Control`): with them a name
/// reads as another one.
#[must_use]
pub fn is_bidi_control(c: char) -> bool {
    CodePointSetData::new::<BidiControl>().contains(c)
}

/// Whether a text has a character that leaves a mark on the screen. White space, what Unicode says to ignore (zero-width
/// characters, fillers, tags), the blank Braille pattern, the null notehead and the marks of annotations leave none.
#[must_use]
pub fn is_visible(text: &str) -> bool {
    let ignorable = CodePointSetData::new::<DefaultIgnorableCodePoint>();
    text.chars().any(|c| {
        !c.is_whitespace()
            && !ignorable.contains(c)
            && !matches!(c, '\u{2800}' | '\u{1d159}' | '\u{fff9}'..='\u{fffb}')
            && !is_excluded_from_xml(c)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_plain_or_as_json_writes_it() {
        use Separator::{CommaOrLine, CommaOrSpace};
        for (text, separator, entries) in [
            ("", CommaOrSpace, &[][..]),
            (" \n ", CommaOrSpace, &[]),
            ("a,b c\r\nd", CommaOrSpace, &["a", "b", "c", "d"]),
            ("a b, c\nd e", CommaOrLine, &["a b", "c", "d e"]),
            (r#"["a","b"]"#, CommaOrSpace, &["a", "b"]),
            (r#"["a, b", "c"]"#, CommaOrLine, &["a, b", "c"]),
            ("['a', 'b',]", CommaOrSpace, &["a", "b"]),
            ("['a b', 'c',]", CommaOrLine, &["a b", "c"]),
            ("[a, b]", CommaOrSpace, &["a", "b"]),
            (r#""a", "b""#, CommaOrSpace, &["a", "b"]),
            (r#""a,b""#, CommaOrSpace, &["a", "b"]),
            ("'a b'", CommaOrSpace, &["a", "b"]),
            (r#"'["a","b"]'"#, CommaOrSpace, &["a", "b"]),
            (r#""[\"a\",\"b\"]""#, CommaOrSpace, &["a", "b"]),
            (r#"[\"a\",\"b\"]"#, CommaOrLine, &["a", "b"]),
            (r#"["a b","c,d"]"#, CommaOrSpace, &["a", "b", "c", "d"]),
            ("['a'\n 'b']", CommaOrSpace, &["a", "b"]),
        ] {
            let list = parse_list(text, separator).expect(text);
            assert_eq!(list, entries, "{text}");
        }
    }

    #[test]
    fn a_list_that_is_not_empty_names_something() {
        for text in [
            ",", " , ", ",\n,", "[]", "[ ]", "[,]", r#"[""]"#, "['']", r#""""#, "''", "[' ']", ";",
            "{}", "'", "[[]]",
        ] {
            for separator in [Separator::CommaOrSpace, Separator::CommaOrLine] {
                assert_eq!(parse_list(text, separator), Err(NamesNothing), "{text}");
            }
        }
    }

    #[test]
    fn a_switch_is_true_or_false_in_any_case() {
        for (text, value) in [
            ("true", Some(true)),
            (" TRUE\n", Some(true)),
            ("False", Some(false)),
            ("", None),
            ("1", None),
            ("yes", None),
        ] {
            assert_eq!(parse_bool(text), value, "{text}");
        }
    }

    #[test]
    fn what_leaves_no_mark_is_invisible() {
        for (text, visible) in [
            ("a", true),
            ("會", true),
            ("😀", true),
            ("\u{200b}a", true),
            ("", false),
            (" \u{a0}\u{3000}", false),
            ("\u{200b}", false),
            ("\u{200d}\u{2060}\u{feff}", false),
            ("\u{ad}", false),
            ("\u{3164}\u{115f}\u{1160}\u{ffa0}", false),
            ("\u{2800}", false),
            ("\u{e0041}", false),
            ("\u{202e}\u{2066}", false),
            ("\u{fe0f}", false),
            ("\u{fff9}\u{fffb}\u{1d159}", false),
        ] {
            assert_eq!(is_visible(text), visible, "{}", text.escape_unicode());
        }
    }

    #[test]
    fn bidirectional_controls_are_those_of_unicode() {
        let controls = "\u{61c}\u{200e}\u{200f}\u{202a}\u{202b}\u{202c}\u{202d}\u{202e}\u{2066}\u{2067}\u{2068}\u{2069}";
        assert!(controls.chars().all(is_bidi_control));
        assert!(!"a\u{200b}\u{200d}א".chars().any(is_bidi_control));
    }
}
