//! Requests and responses as the core sees them, independent of the SDK's types.
//!
//! The core does not use the types of the crate `http`: the host provides the headers as a list, and converting that to a
//! map for every request would not pay for looking up four names.
#![forbid(unsafe_code)]

use std::io::Read;

/// A request. The body is read only when a stage needs it.
#[derive(Debug)]
pub struct Request<B> {
    /// The method, unchanged: methods are case-sensitive (RFC 9110, section 9.1).
    pub method: String,
    /// Path and query, still percent-encoded.
    pub target: String,
    /// The headers.
    pub headers: Headers,
    /// The body.
    pub body: B,
}

/// Why a body cannot be read completely.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyError {
    /// The body is longer than the limit.
    TooLarge,
    /// The body is incomplete.
    Incomplete,
}

/// Reads the whole body, of at most `limit` bytes.
///
/// # Errors
/// See [`BodyError`]. If `Content-Length` exceeds the limit, nothing is read.
pub fn read_body(headers: &Headers, body: impl Read, limit: usize) -> Result<Vec<u8>, BodyError> {
    if headers
        .content_length()
        .is_some_and(|length| length > limit as u64)
    {
        return Err(BodyError::TooLarge);
    }
    let mut bytes = Vec::new();
    body.take(limit as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(|_| BodyError::Incomplete)?;
    if bytes.len() > limit {
        return Err(BodyError::TooLarge);
    }
    Ok(bytes)
}

/// The headers of a request, in their original order.
#[derive(Debug, Clone, Default)]
pub struct Headers(Vec<(String, Vec<u8>)>);

impl Headers {
    /// Creates headers from a list of names and values.
    #[must_use]
    pub const fn new(list: Vec<(String, Vec<u8>)>) -> Self {
        Self(list)
    }

    /// Returns all values of a header. Names are compared case-insensitively.
    pub fn get_all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        self.0
            .iter()
            .filter(move |(n, _)| n.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_slice())
    }

    /// Returns the `Content-Length`, in bytes; `None` if the header is missing or invalid.
    fn content_length(&self) -> Option<u64> {
        self.get_all("content-length")
            .find_map(|value| std::str::from_utf8(value).ok()?.trim().parse().ok())
    }

    /// Whether a header is present.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.get_all(name).next().is_some()
    }
}

impl<const N: usize> From<[(&str, &str); N]> for Headers {
    fn from(list: [(&str, &str); N]) -> Self {
        Self::from(&list[..])
    }
}

impl From<&[(&str, &str)]> for Headers {
    fn from(list: &[(&str, &str)]) -> Self {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).into());
        Self(list.iter().map(owned).collect())
    }
}

/// A response.
#[derive(Debug)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// The headers, with lower-case names.
    pub headers: Vec<(&'static str, String)>,
    /// The body: JSON, or empty.
    pub body: Vec<u8>,
}

/// Splits a request's target into path and query (RFC 9112, section 3.2.1). The query is empty if there is none.
#[must_use]
pub fn split_target(target: &str) -> (&str, &str) {
    target.split_once('?').unwrap_or((target, ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_names_are_case_insensitive_and_values_keep_their_order() {
        let headers = Headers::from([("Origin", "a"), ("accept", "b"), ("oRIGIN", "c")]);
        let values: Vec<_> = headers.get_all("origin").collect();
        assert_eq!(values, [b"a", b"c"]);
        assert!(headers.contains("Accept") && !headers.contains("host"));
    }

    #[test]
    fn a_target_is_split_at_its_first_question_mark() {
        for (target, parts) in [
            ("/a", ("/a", "")),
            ("/a?", ("/a", "")),
            ("/a?b=c?d", ("/a", "b=c?d")),
            ("", ("", "")),
        ] {
            assert_eq!(split_target(target), parts);
        }
    }
}
