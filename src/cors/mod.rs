//! Cross-origin resource sharing (Fetch standard, "CORS protocol"): which pages may read a response, and the headers
//! that say so.
//!
//! Two headers are never sent: `Access-Control-Allow-Credentials`, because nothing here depends on a cookie, and
//! `Access-Control-Allow-Private-Network`, because a public page has no business with a service in a private network.
#![forbid(unsafe_code)]

mod headers;
mod origin;

pub use headers::{AllowedHeaders, HeaderError};
pub use origin::{AllowedOrigins, EntryError, is_loopback};

use crate::http::Headers;

/// The response headers that pages may read if they are present, besides those that pages can always read (Fetch standard,
/// "CORS-safelisted response-header name").
const EXPOSED: [&str; 2] = ["WWW-Authenticate", "Retry-After"];

/// How long a browser may cache a preflight's response, in seconds: one day. Browsers cap it (Chromium at two hours).
const MAX_AGE_SECONDS: &str = "86400";

/// The origin of a request, according to its `Origin` header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestOrigin<'a> {
    /// No `Origin` header: not a CORS request.
    Absent,
    /// An origin in the allow list.
    Allowed(&'a str),
    /// Any other `Origin` header.
    Rejected(Rejection),
}

/// Why a request's origin is rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// The origin is not in the allow list.
    #[error("origin is not in allowed_origins")]
    NotListed,
    /// `Origin: null`: an opaque origin.
    #[error("origin is null")]
    Null,
    /// More than one `Origin` header.
    #[error("more than one Origin header")]
    Repeated,
    /// Not an origin.
    #[error("malformed Origin header")]
    Malformed,
    /// No `Origin` header, although `require_origin` is `true`.
    #[error("no Origin header, and require_origin is true")]
    Absent,
}

impl<'a> RequestOrigin<'a> {
    /// Reads the `Origin` header and looks it up in the allow list. `allowed` is called only for a single well-formed origin.
    #[must_use]
    pub fn of<'s>(headers: &'a Headers, allowed: impl FnOnce() -> &'s AllowedOrigins) -> Self {
        let mut origins = headers.get_all("origin");
        let Some(first) = origins.next() else {
            return Self::Absent;
        };
        if origins.next().is_some() {
            return Self::Rejected(Rejection::Repeated);
        }
        match std::str::from_utf8(first) {
            Ok("null") => Self::Rejected(Rejection::Null),
            Ok(origin) if !origin.contains("://") => Self::Rejected(Rejection::Malformed),
            Ok(origin) if allowed().contains(origin) => Self::Allowed(origin),
            Ok(_) => Self::Rejected(Rejection::NotListed),
            Err(_) => Self::Rejected(Rejection::Malformed),
        }
    }

    /// Adds the headers that let the page read the response. `Vary` keeps caches from serving one origin's response to
    /// another.
    pub fn add_headers(&self, response: &mut Vec<(&'static str, String)>) {
        response.push(("vary", "Origin".into()));
        if let Self::Allowed(origin) = self {
            response.push(("access-control-allow-origin", (*origin).into()));
            let is_there = |exposed: &&str| {
                let mut names = response.iter().map(|(name, _)| name);
                names.any(|name| exposed.eq_ignore_ascii_case(name))
            };
            let exposed: Vec<&str> = EXPOSED.into_iter().filter(is_there).collect();
            if !exposed.is_empty() {
                response.push(("access-control-expose-headers", exposed.join(", ")));
            }
        }
    }
}

/// Whether a request is a CORS preflight (Fetch standard, "CORS-preflight request"). No other `OPTIONS` request is one.
#[must_use]
pub fn is_preflight(method: &str, headers: &Headers) -> bool {
    method == "OPTIONS"
        && headers.contains("origin")
        && headers.contains("access-control-request-method")
}

/// Returns the headers of a preflight's response, besides those common to all responses. `methods` lists the methods that a
/// page may use.
#[must_use]
pub fn preflight_headers(methods: &str, allowed: &AllowedHeaders) -> Vec<(&'static str, String)> {
    let mut headers = vec![("access-control-allow-methods", methods.into())];
    if !allowed.is_empty() {
        headers.push(("access-control-allow-headers", allowed.to_string()));
    }
    headers.push(("access-control-max-age", MAX_AGE_SECONDS.into()));
    headers
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "https://vtaiwan.tw";

    fn origin_of(headers: &Headers) -> RequestOrigin<'_> {
        static ALLOWED: std::sync::OnceLock<AllowedOrigins> = std::sync::OnceLock::new();
        RequestOrigin::of(headers, || {
            ALLOWED.get_or_init(|| AllowedOrigins::parse(PAGE).0)
        })
    }

    #[test]
    fn exactly_one_listed_origin_is_allowed() {
        use Rejection::{Malformed, NotListed, Null, Repeated};
        use RequestOrigin::{Absent, Allowed, Rejected};
        let table: &[(&[(&str, &str)], RequestOrigin)] = &[
            (&[], Absent),
            (&[("Origin", PAGE)], Allowed(PAGE)),
            (&[("oRIGIN", PAGE)], Allowed(PAGE)),
            (&[("origin", "https://evil.example")], Rejected(NotListed)),
            (&[("origin", "null")], Rejected(Null)),
            (&[("origin", "")], Rejected(Malformed)),
            (&[("origin", "vtaiwan.tw")], Rejected(Malformed)),
            (&[("origin", PAGE), ("origin", PAGE)], Rejected(Repeated)),
        ];
        for (list, origin) in table {
            assert_eq!(origin_of(&Headers::from(*list)), *origin, "{list:?}");
        }
        let bytes = vec![("origin".to_owned(), b"https://vtaiwan.tw\xff".to_vec())];
        assert_eq!(origin_of(&Headers::new(bytes)), Rejected(Malformed));
    }

    #[test]
    fn the_allow_list_is_read_only_for_one_origin() {
        for list in [
            &[][..],
            &[("origin", "null")],
            &[("origin", "x")],
            &[("origin", PAGE), ("origin", PAGE)],
        ] {
            let _ = RequestOrigin::of(&Headers::from(list), || panic!("{list:?}"));
        }
    }

    #[test]
    fn only_an_allowed_origin_is_echoed_and_every_response_varies() {
        for (origin, echoed) in [
            (RequestOrigin::Absent, None),
            (RequestOrigin::Rejected(Rejection::Null), None),
            (RequestOrigin::Allowed(PAGE), Some(PAGE)),
        ] {
            let mut response = Vec::new();
            origin.add_headers(&mut response);
            assert!(response.contains(&("vary", "Origin".into())));
            let values: Vec<_> = response
                .iter()
                .filter(|(name, _)| *name == "access-control-allow-origin")
                .map(|(_, value)| value.as_str())
                .collect();
            assert_eq!(values, echoed.into_iter().collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_preflight_has_an_origin_and_a_request_method() {
        let origin = ("origin", "https://a.example");
        let method = ("access-control-request-method", "POST");
        assert!(is_preflight("OPTIONS", &[origin, method].into()));
        assert!(!is_preflight("OPTIONS", &[origin].into()));
        assert!(!is_preflight("OPTIONS", &[method].into()));
        assert!(!is_preflight("GET", &[origin, method].into()));
    }
}
