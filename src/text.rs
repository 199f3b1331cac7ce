//! Rules for text that several stages share: lists in variables, switches, and the characters that values may contain.
#![forbid(unsafe_code)]

use icu_properties::CodePointSetData;
use icu_properties::props::{BidiControl, DefaultIgnorableCodePoint};

/// What separates the entries of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Separator {
    /// Commas and white space, for entries without spaces.
    CommaOrSpace,
    /// Commas and line breaks, for entries that may contain spaces.
    CommaOrLine,
}

/// The error of a list that is not empty but has no entry, such as `,`. It is treated as a mistake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NamesNothing;

impl std::fmt::Display for NamesNothing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("is not empty and names nothing; list at least one entry, or empty it.")
    }
}

/// Parses a list: plain, or in JSON and similar notations, such as `["a","b"]` and `['a', 'b',]`.
///
/// # Errors
/// [`NamesNothing`] for a text with anything but white space in it and no entry.
pub fn parse_list(text: &str, separator: Separator) -> Result<Vec<String>, NamesNothing> {
    // `docker --env-file` and shells may leave quotes around the whole list, and escaped quotes within it.
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

/// Whether a character may be left over from a list without entries.
fn is_punctuation_of_lists(c: char) -> bool {
    c.is_whitespace() || "\"';{}()[]".contains(c)
}

/// Removes quotes that surround the whole text, unless they belong to its first and last entry.
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

/// Splits a plain list into its entries, without white space around them.
pub fn split_list(text: &str, separator: Separator) -> impl Iterator<Item = &str> {
    text.split(move |c: char| match separator {
        Separator::CommaOrSpace => c == ',' || c.is_whitespace(),
        Separator::CommaOrLine => matches!(c, ',' | '\n' | '\r'),
    })
    .map(str::trim)
    .filter(|entry| !entry.is_empty())
}

/// Removes a pair of surrounding quotes, if there is one.
fn unquote(text: &str) -> &str {
    let within = |quote| text.strip_prefix(quote)?.strip_suffix(quote);
    within('"').or_else(|| within('\'')).unwrap_or(text).trim()
}

/// Parses `true` or `false`, case-insensitively.
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

/// Whether a character is a control character or one of the two other code points of the basic plane that XML 1.0 excludes.
/// Values of the token must not contain them, because the conference's server writes the values to XML.
#[must_use]
pub fn is_excluded_from_xml(c: char) -> bool {
    c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}')
}

/// Whether a character changes the direction of the surrounding text (Unicode property `Bidi_Control`). Such characters can
/// make a name look like another one.
#[must_use]
pub fn is_bidi_control(c: char) -> bool {
    CodePointSetData::new::<BidiControl>().contains(c)
}

/// Whether a text contains a visible character. Invisible are white space, characters that Unicode says to ignore (zero-width
/// characters, fillers, tags), the blank Braille pattern, the null notehead and the marks of annotations.
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
