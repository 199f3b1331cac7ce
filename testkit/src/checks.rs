//! Rules that every response and every log line must satisfy.

use std::collections::HashSet;

use devkit_rules as rules;
use serde_json::Value;

use crate::http::{Request, Response};
use crate::settings::Settings;
use crate::{now, signature};

/// The checks for the responses and the log of one server.
pub struct Checks {
    pub settings: Settings,
    /// Whether responses with status 500 and 503 are allowed.
    pub may_fail: bool,
    secret: Secret,
}

impl Checks {
    pub fn new(settings: Settings, may_fail: bool) -> Self {
        let secret = Secret::new(settings.get("jaas_private_key"));
        Self {
            settings,
            may_fail,
            secret,
        }
    }

    pub fn response(&self, request: &Request, response: &Response) {
        let text = response.to_string();
        let context = format!("{}\n{text}", summary(request));
        let status = response.status;
        if !request.has_text_headers() {
            let is_hosts = status == 500 && response.body.is_empty();
            assert!(is_hosts, "not the host's own response: {context}");
            return;
        }
        let is_expected = status < 500 || self.may_fail && [500, 503].contains(&status);
        assert!(is_expected, "an unexpected 5xx: {context}");
        check_headers(response, &context);
        if request.method == "HEAD" || status == 204 {
            assert!(response.body.is_empty(), "a body: {context}");
        } else {
            self.check_body(response, &context);
        }
        if let Some(piece) = self.secret.find(text.as_bytes()) {
            panic!("{piece:?} of the private key is in {context}");
        }
    }

    fn check_body(&self, response: &Response, context: &str) {
        let body = response.json();
        let kind = response.header("Content-Type");
        assert_eq!(kind, Some("application/json"), "{context}");
        if response.status >= 400 {
            let has_message = body["error"].as_str().is_some_and(|text| !text.is_empty());
            assert!(has_message, "no error message: {context}");
        }
        if let Some(token) = body.get("token") {
            assert_eq!(response.status, 200, "a token: {context}");
            self.check_token(token.as_str().expect("a string"), context);
        }
    }

    fn check_token(&self, token: &str, context: &str) {
        // `member_features` is the only setting that lets members have features.
        let members_have_features = !self.settings.get("member_features").is_empty();
        let mut violations = rules::violations(token, now());
        violations.retain(|it| !members_have_features || it.rule != rules::FEATURES_BY_ROLE);
        assert!(violations.is_empty(), "{violations:?}: {context}");
        assert!(
            signature::is_valid(token, self.settings.key),
            "the signature is not this key's: {context}"
        );
    }

    /// Asserts that the line is a JSON object with a level and contains no part of the private key.
    pub fn log_line(&self, line: &str) {
        if let Some(piece) = self.secret.find(line.as_bytes()) {
            panic!("{piece:?} of the private key is in the log: {line}");
        }
        let fields: Value = serde_json::from_str(line).unwrap_or_default();
        let level = fields["level"].as_str();
        assert!(
            matches!(level, Some("info" | "warn" | "error")),
            "a log line: {line}"
        );
    }
}

fn check_headers(response: &Response, context: &str) {
    let varies = response
        .header_values("Vary")
        .flat_map(|value| value.split(','))
        .any(|name| name.trim().eq_ignore_ascii_case("Origin"));
    assert!(varies, "no Vary: Origin: {context}");
    for (name, value) in [
        ("Cache-Control", Some("no-store")),
        ("X-Content-Type-Options", Some("nosniff")),
        ("Referrer-Policy", Some("no-referrer")),
        ("Access-Control-Allow-Credentials", None),
        ("Access-Control-Allow-Private-Network", None),
    ] {
        assert_eq!(response.header(name), value, "{name}: {context}");
    }
    let allowed = response.header("Access-Control-Allow-Origin");
    assert!(!matches!(allowed, Some("null" | "*")), "{context}");
}

/// Formats the request for an assertion message.
pub fn summary(request: &Request) -> String {
    let target: String = String::from_utf8_lossy(&request.target)
        .chars()
        .take(300)
        .collect();
    let headers = request.headers.iter();
    let headers = headers.map(|(name, value)| (name, String::from_utf8_lossy(value)));
    let headers: Vec<_> = headers.collect();
    format!("{} {target} {headers:?}", request.method)
}

/// All substrings of the private key's value that must appear in no output.
pub struct Secret(HashSet<[u8; Self::SIZE]>);

impl Secret {
    /// The length of a substring, in characters: long enough that a match is not a coincidence.
    const SIZE: usize = 16;

    pub fn new(value: &str) -> Self {
        // A PEM file splits its base64 into lines; a base64-encoded file is a single run.
        let joined: String = value
            .replace("\\r", "")
            .replace("\\n", "")
            .split_whitespace()
            .collect();
        let is_other = |c: char| !c.is_ascii_alphanumeric() && !matches!(c, '+' | '/' | '=');
        let pieces = value
            .split(is_other)
            .chain(joined.split(is_other))
            .flat_map(|run| run.as_bytes().windows(Self::SIZE))
            .map(|window| window.try_into().expect("a window of this size"));
        Self(pieces.collect())
    }

    pub fn find<'a>(&self, text: &'a [u8]) -> Option<std::borrow::Cow<'a, str>> {
        text.windows(Self::SIZE)
            .find(|window| self.0.contains(*window))
            .map(String::from_utf8_lossy)
    }
}
