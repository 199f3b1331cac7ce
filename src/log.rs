//! The log: at most one line for each request, a JSON object on stderr.
//!
//! Fields: `level` (`info`, `warn`, `error`) and `status`, then those that apply of `event`, `moderator`, `reason`,
//! `warning`, `header`, `problems`, `origin`. None holds personal data, a token, a credential or a part of a key. JSON
//! escaping keeps any origin that a caller sends on one line.
#![forbid(unsafe_code)]

use serde::Serialize;

use crate::config::Problem;
use crate::http::Headers;

/// The maximum length of a logged origin, in characters: enough for every host name.
const MAX_ORIGIN_CHARACTERS: usize = 300;

/// The maximum length of a line, in bytes: with its line feed, as much as WASI writes in one call.
pub const MAX_BYTES: usize = 4095;

/// The length, in characters, to which the reason is cut in a line that is too long.
const CUT_REASON_CHARACTERS: usize = 200;

/// One line of the log.
#[derive(Debug, Default, Serialize)]
pub struct Line<'a> {
    /// The severity.
    pub level: &'static str,
    /// The HTTP status of the response.
    pub status: u16,
    /// What happened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event: Option<&'static str>,
    /// For a token: whether it grants the moderator role.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub moderator: Option<bool>,
    /// Why the request is rejected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Something that the operator should know, although it does not decide the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warning: Option<String>,
    /// The header that a preflight requests and `allowed_headers` does not contain.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header: Option<String>,
    /// What is wrong with the configuration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problems: Option<&'a [Problem]>,
    /// The `Origin` header; if there are several, the first two.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
}

impl Line<'_> {
    /// Returns the text of the line, including the origin of the request.
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
        let mut text = self.text();
        if text.len() > MAX_BYTES
            && let Some(problems) = self.problems
        {
            self.problems = Some(&[]);
            self.reason = Some("configuration; /healthz has the problems that follow".into());
            let room = MAX_BYTES.saturating_sub(self.text().len());
            self.problems = Some(&problems[..fitting(problems, room)]);
            text = self.text();
        }
        if text.len() > MAX_BYTES {
            let reason = self.reason.unwrap_or_default();
            self.reason = Some(reason.chars().take(CUT_REASON_CHARACTERS).collect());
            text = self.text();
        }
        text
    }

    /// Serialises the line. Strings, numbers and booleans cannot fail to serialise.
    fn text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// Returns how many of the problems fit into `room` bytes, separated by commas. There may be thousands, so each is
/// serialised only once.
fn fitting(problems: &[Problem], room: usize) -> usize {
    let mut length = 0;
    problems
        .iter()
        .take_while(|problem| {
            length += serde_json::to_string(problem).map_or(room, |text| text.len()) + 1;
            length - 1 <= room
        })
        .count()
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
    fn no_line_exceeds_what_one_call_takes() {
        let variable = crate::config::variable::ALL[0];
        let problems = vec![Problem::invalid(variable, "is wrong. ".repeat(20)); 100];
        let thousands = vec![Problem::invalid(variable, "is wrong. "); 30_000];
        let longest_origin = "\u{10ffff}".repeat(1_000).into_bytes();
        let headers = Headers::new(vec![("origin".to_owned(), longest_origin); 2]);
        for (problems, reason) in [
            (Some(problems.as_slice()), "configuration".to_owned()),
            // Each is serialised once, not the whole list once for each problem left out.
            (Some(thousands.as_slice()), "configuration".to_owned()),
            (Some(&problems[..1]), "\u{1}".repeat(5_000)),
            (None, "\u{1}".repeat(5_000)),
        ] {
            let line = Line {
                problems,
                reason: Some(reason),
                ..Line::default()
            };
            let text = line.with_origin(&headers);
            assert!(text.len() <= MAX_BYTES, "{}", text.len());
            assert!(text.len() > 2_400, "{}", text.len());
            serde_json::from_str::<serde_json::Value>(&text).unwrap();
        }
    }

    #[test]
    fn an_origin_is_cut() {
        let headers = Headers::new(vec![("origin".to_owned(), vec![b'a'; 10_000])]);
        let text = Line::default().with_origin(&headers);
        assert!(text.len() < 400, "{text}");
    }
}
