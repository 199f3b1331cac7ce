//! Cross-origin resource sharing (Fetch standard, "CORS protocol"): who may read an answer, and the headers that say so.
//!
//! Two headers are never sent: `Access-Control-Allow-Credentials`, because nothing here depends on a cookie, and
//! `Access-Control-Allow-Private-Network`, because a public page has no business with a service in a private network.
#![forbid(unsafe_code)]

use crate::config::Config;
use crate::origin::Refusal;

/// Methods that a page may use, as the preflight's answer lists them.
const ALLOW_METHODS: &str = "GET, POST, OPTIONS";
/// Headers that a page may set, as the preflight's answer lists them.
const ALLOW_HEADERS: &str = "Content-Type, Authorization";
/// How long a browser may remember a preflight's answer, in seconds: one day. Browsers cap it (Chromium at two hours).
const MAX_AGE_SECONDS: &str = "86400";

/// A request's headers, names in any letter case, in the order in which they came.
pub type Headers = [(String, Vec<u8>)];

/// What the `Origin` header says about a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestOrigin<'a> {
    /// No `Origin` header: not a cross-origin request of a browser.
    Absent,
    /// A page of this origin, which is in the allow list.
    Allowed(&'a str),
    /// Anything else.
    Refused(Refusal),
}

impl<'a> RequestOrigin<'a> {
    /// Reads the `Origin` header and looks it up in the allow list.
    #[must_use]
    pub fn of(headers: &'a Headers, config: &Config) -> Self {
        let mut origins = values(headers, "origin");
        let Some(first) = origins.next() else {
            return if config.require_origin {
                Self::Refused(Refusal::Absent)
            } else {
                Self::Absent
            };
        };
        if origins.next().is_some() {
            return Self::Refused(Refusal::Repeated);
        }
        match std::str::from_utf8(first) {
            Ok("null") => Self::Refused(Refusal::Null),
            Ok(origin) if config.allowed_origins.contains(origin) => Self::Allowed(origin),
            Ok(origin) if origin.contains("://") => Self::Refused(Refusal::NotListed),
            _ => Self::Refused(Refusal::Malformed),
        }
    }

    /// Adds to an answer what lets the page read it. `Vary` keeps a cache from giving one origin's answer to another.
    pub fn add_headers(&self, answer: &mut Vec<(&'static str, String)>) {
        answer.push(("vary", "Origin".into()));
        if let Self::Allowed(origin) = self {
            answer.push(("access-control-allow-origin", (*origin).into()));
            if answer.iter().any(|(name, _)| *name == "www-authenticate") {
                answer.push(("access-control-expose-headers", "WWW-Authenticate".into()));
            }
        }
    }
}

/// Whether a request is a CORS preflight (Fetch standard, "CORS-preflight request"); any other `OPTIONS` is not.
#[must_use]
pub fn is_preflight(method: &str, headers: &Headers) -> bool {
    method == "OPTIONS"
        && values(headers, "origin").next().is_some()
        && values(headers, "access-control-request-method")
            .next()
            .is_some()
}

/// The headers of a preflight's answer, besides those that every answer has.
#[must_use]
pub fn preflight_headers() -> Vec<(&'static str, String)> {
    vec![
        ("access-control-allow-methods", ALLOW_METHODS.into()),
        ("access-control-allow-headers", ALLOW_HEADERS.into()),
        ("access-control-max-age", MAX_AGE_SECONDS.into()),
    ]
}

/// All values of a header; `name` in lower case.
pub fn values<'a>(headers: &'a Headers, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
    headers
        .iter()
        .filter(move |(n, _)| n.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.as_slice())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::tests::config_with;

    fn headers(list: &[(&str, &[u8])]) -> Vec<(String, Vec<u8>)> {
        list.iter()
            .map(|(name, value)| ((*name).to_owned(), value.to_vec()))
            .collect()
    }

    #[test]
    fn exactly_one_listed_origin_is_allowed() {
        let config = config_with(&[("allowed_origins", "https://vtaiwan.tw")]);
        type Row<'a> = (&'a [(&'a str, &'a [u8])], RequestOrigin<'a>);
        let table: &[Row] = &[
            (&[], RequestOrigin::Absent),
            (
                &[("Origin", b"https://vtaiwan.tw")],
                RequestOrigin::Allowed("https://vtaiwan.tw"),
            ),
            (
                &[("oRIGIN", b"https://vtaiwan.tw")],
                RequestOrigin::Allowed("https://vtaiwan.tw"),
            ),
            (
                &[("origin", b"https://evil.example")],
                RequestOrigin::Refused(Refusal::NotListed),
            ),
            (
                &[("origin", b"null")],
                RequestOrigin::Refused(Refusal::Null),
            ),
            (
                &[("origin", b"")],
                RequestOrigin::Refused(Refusal::Malformed),
            ),
            (
                &[("origin", b"vtaiwan.tw")],
                RequestOrigin::Refused(Refusal::Malformed),
            ),
            (
                &[("origin", b"https://vtaiwan.tw\xff")],
                RequestOrigin::Refused(Refusal::Malformed),
            ),
            (
                &[
                    ("origin", b"https://vtaiwan.tw"),
                    ("origin", b"https://vtaiwan.tw"),
                ],
                RequestOrigin::Refused(Refusal::Repeated),
            ),
        ];
        for (list, caller) in table {
            assert_eq!(
                RequestOrigin::of(&headers(list), &config),
                *caller,
                "{list:?}"
            );
        }
    }

    #[test]
    fn an_origin_can_be_required() {
        let config = config_with(&[("require_origin", "true")]);
        assert_eq!(
            RequestOrigin::of(&[], &config),
            RequestOrigin::Refused(Refusal::Absent)
        );
    }

    #[test]
    fn only_an_allowed_origin_is_echoed_and_every_answer_varies() {
        for (caller, origin) in [
            (RequestOrigin::Absent, None),
            (RequestOrigin::Refused(Refusal::Null), None),
            (
                RequestOrigin::Allowed("https://a.example"),
                Some("https://a.example"),
            ),
        ] {
            let mut answer = Vec::new();
            caller.add_headers(&mut answer);
            assert!(answer.contains(&("vary", "Origin".into())));
            let echoed: Vec<_> = answer
                .iter()
                .filter(|(name, _)| *name == "access-control-allow-origin")
                .map(|(_, value)| value.as_str())
                .collect();
            assert_eq!(echoed, origin.into_iter().collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_preflight_has_an_origin_and_asks_for_a_method() {
        let origin: (&str, &[u8]) = ("origin", b"https://a.example");
        let asks: (&str, &[u8]) = ("access-control-request-method", b"POST");
        assert!(is_preflight("OPTIONS", &headers(&[origin, asks])));
        assert!(!is_preflight("OPTIONS", &headers(&[origin])));
        assert!(!is_preflight("OPTIONS", &headers(&[asks])));
        assert!(!is_preflight("GET", &headers(&[origin, asks])));
    }
}
