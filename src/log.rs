//! The log: at most one line about each request, a JSON object on stderr.
//!
//! Fields: `level` (`info`, `warn`, `error`), `status`, then what there is of `event`, `moderator`, `reason`, `warning`,
//! `header`, `problems`, `origin`. None holds personal data, a token, a credential or a part of a key. JSON keeps whatever a caller
//! sends as its origin on the line.
#![forbid(unsafe_code)]

use serde::Serialize;

use crate::config::Problem;
use crate::http::Headers;

/// How much of an origin is logged, in characters: enough for every host name.
const MAX_ORIGIN_CHARACTERS: usize = 300;

/// The longest line, in bytes and without its line feed: with it, what WASI takes in one call.
pub const MAX_BYTES: usize = 4095;

/// How much of a reason is kept in a line that is too long, in characters.
const CUT_REASON_CHARACTERS: usize = 200;

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
    /// What the operator should know although it does not decide on the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warning: Option<String>,
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

    /// Strings, numbers and booleans always serialise.
    fn text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// How many problems fit into so many bytes, with a comma behind each but the last. There may be thousands, so that each is
/// written once to find out.
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
            // Written once each, and not the whole list for each that is left out.
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
