//! The log: at most one line about each request, a JSON object on stderr.
//!
//! Fields: `level` (`info`, `warn`, `error`), `status`, then what there is of `event`, `moderator`, `reason`, `header`,
//! `problems`, `origin`. None holds personal data, a token, a credential or a part of a key. JSON keeps whatever a caller
//! sends as its origin on the line.
#![forbid(unsafe_code)]

use serde::Serialize;

use crate::config::Problem;
use crate::http::Headers;

/// How much of an origin is logged, in characters: enough for every host name.
const MAX_ORIGIN_CHARACTERS: usize = 300;

/// One line.
#[derive(Debug, Default, Serialize)]
pub struct Line<'a> {
    /// How serious it is.
    pub level: &'static str,
    /// The HTTP status of the response.
    pub status: u16,
    /// What happened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event: Option<&'static str>,
    /// Of a token: whether it is a moderator's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub moderator: Option<bool>,
    /// Why the request is rejected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The header that a preflight requests and `allowed_headers` does not have.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header: Option<String>,
    /// What is wrong with the configuration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problems: Option<&'a [Problem]>,
    /// The `Origin` header, of more than one the first two.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
}

impl Line<'_> {
    /// The line's text, with the origin of the request.
    #[must_use]
    pub fn with_origin(mut self, headers: &Headers) -> String {
        let origins: Vec<String> = headers
            .get_all("origin")
            .take(2)
            .map(|origin| {
                String::from_utf8_lossy(origin)
                    .chars()
                    .take(MAX_ORIGIN_CHARACTERS)
                    .collect()
            })
            .collect();
        self.origin = (!origins.is_empty()).then(|| origins.join(", "));
        // Strings, numbers and booleans always serialise.
        serde_json::to_string(&self).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_its_fields_in_order_and_stays_one_line() {
        let line = Line {
            level: "warn",
            status: 403,
            reason: Some("origin is not in allowed_origins".into()),
            ..Line::default()
        };
        let headers = Headers::new(vec![(
            "Origin".to_owned(),
            b"https://evil.example\n\"}\xff".to_vec(),
        )]);
        assert_eq!(
            line.with_origin(&headers),
            "{\"level\":\"warn\",\"status\":403,\"reason\":\"origin is not in allowed_origins\",\"origin\":\"https://evil.example\\n\\\"}\u{fffd}\"}"
        );
    }

    #[test]
    fn an_origin_is_cut() {
        let headers = Headers::new(vec![("origin".to_owned(), vec![b'a'; 10_000])]);
        let text = Line::default().with_origin(&headers);
        assert!(text.len() < 400, "{text}");
    }
}
