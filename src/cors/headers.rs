//! The request headers that a page may set, besides those that need no permission (Fetch standard, "CORS-safelisted
//! request-header").
#![forbid(unsafe_code)]

use std::fmt;

use crate::http::Headers;
use crate::text::{Separator, parse_list, split_list};

/// The maximum length of a logged header name, in bytes: longer than any real one.
const MAX_LOGGED_BYTES: usize = 64;

/// The allow list of header names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AllowedHeaders(Vec<String>);

/// Why the list is invalid. `Display` continues a sentence that starts with the variable's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    /// See [`crate::text::NamesNothing`].
    #[error("{0}")]
    NamesNothing(crate::text::NamesNothing),
    /// An entry is `*`, which does not cover `Authorization` in browsers.
    #[error(
        "has * as entry {0}, which does not cover Authorization (Fetch standard); list the headers' names instead."
    )]
    Any(usize),
    /// An entry is not a header name (RFC 9110, section 5.6.2).
    #[error(
        "has no header name as entry {0}; write names such as Content-Type, separated by commas."
    )]
    NotAName(usize),
}

impl AllowedHeaders {
    /// Parses a list of header names separated by commas or white space.
    ///
    /// # Errors
    /// See [`HeaderError`].
    pub fn parse(text: &str) -> Result<Self, HeaderError> {
        let mut names = Vec::new();
        let list = parse_list(text, Separator::CommaOrSpace).map_err(HeaderError::NamesNothing)?;
        for (name, position) in list.into_iter().zip(1..) {
            if name == "*" {
                return Err(HeaderError::Any(position));
            }
            if !is_name(&name) {
                return Err(HeaderError::NotAName(position));
            }
            names.push(name);
        }
        Ok(Self(names))
    }

    /// Whether no header is allowed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the first header that a preflight requests and the list does not contain. The name is cut to the logged length
    /// and stripped of characters that no header name has.
    #[must_use]
    pub fn first_missing(&self, preflight: &Headers) -> Option<String> {
        preflight
            .get_all("access-control-request-headers")
            .filter_map(|value| std::str::from_utf8(value).ok())
            .flat_map(|value| split_list(value, Separator::CommaOrSpace))
            .find(|name| !self.0.iter().any(|known| known.eq_ignore_ascii_case(name)))
            .map(|name| {
                let is_part = |c: &char| is_name(c.encode_utf8(&mut [0; 4]));
                name.chars()
                    .filter(is_part)
                    .take(MAX_LOGGED_BYTES)
                    .collect()
            })
    }
}

impl fmt::Display for AllowedHeaders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(", "))
    }
}

/// Whether a text is a token (RFC 9110, section 5.6.2), as header names are.
fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_has_names_of_headers_only() {
        let names = |text| AllowedHeaders::parse(text).map(|list| list.to_string());
        assert_eq!(
            names("Content-Type, x-a\nb"),
            Ok("Content-Type, x-a, b".into())
        );
        assert_eq!(names(r#"["a","b"]"#), Ok("a, b".into()));
        assert_eq!(names(""), Ok(String::new()));
        assert!(matches!(names(","), Err(HeaderError::NamesNothing(_))));
        assert_eq!(names("a, *"), Err(HeaderError::Any(2)));
        for text in ["a:b", "a(b)", "公", "a/b", "\u{7f}"] {
            assert_eq!(names(text), Err(HeaderError::NotAName(1)), "{text}");
        }
    }

    #[test]
    fn a_requested_header_that_is_not_listed_is_named() {
        let list = AllowedHeaders::parse("Content-Type, Authorization").unwrap();
        for (requested, missing) in [
            ("content-type", None),
            ("AUTHORIZATION,content-type", None),
            ("", None),
            ("content-type, x-trace", Some("x-trace")),
            ("x-a\"}\u{e9},x-b", Some("x-a")),
        ] {
            let headers = Headers::from([("Access-Control-Request-Headers", requested)]);
            assert_eq!(
                list.first_missing(&headers).as_deref(),
                missing,
                "{requested}"
            );
        }
        let long = "x".repeat(1000);
        let headers = Headers::from([("access-control-request-headers", long.as_str())]);
        assert_eq!(
            list.first_missing(&headers).map(|name| name.len()),
            Some(64)
        );
    }
}
