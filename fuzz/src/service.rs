//! A whole request, with a valid configuration. The first byte chooses the configuration, the second the clock, the third
//! how the body arrives. Then follow a line with method and target, lines with headers, an empty line, and the body.

use std::io::{self, Read};
use std::sync::LazyLock;

use jaas_jwt::caller::TOLERANCE_SECONDS;
use jaas_jwt::config::{Config, variable};
use jaas_jwt::environment::Environment;
use jaas_jwt::http::{Headers, Request};
use jaas_jwt::service::{self, Outcome, TOKEN_PATH};
use jwt_simple::prelude::{
    NoCustomClaims, RS256KeyPair, RS256PublicKey, RSAPublicKeyLike, UnixTimeStamp,
    VerificationOptions,
};
use serde_json::Value;

use crate::fixture::{EXPIRY, GOOD, Good, MARKER, NOW, PEM, SECRETS, fill, is_picked};
use crate::origin::stands_for;
use crate::request::check_rules;

/// In 2023, in 2262 and in 9999, in seconds since the Unix epoch.
const CLOCKS: [u64; 3] = [NOW, 9_223_372_036, 253_402_300_799];

static PUBLIC: LazyLock<RS256PublicKey> = LazyLock::new(|| {
    let pair = RS256KeyPair::from_pem(&PEM).expect("a good key");
    pair.public_key()
});

pub fn run(input: &[u8]) {
    let [configuration, clock, body, message @ ..] = input else {
        return;
    };
    let good = &GOOD[usize::from(*configuration) % GOOD.len()];
    let now = CLOCKS[usize::from(*clock) % CLOCKS.len()];
    let message = Message::read(message);

    // HEAD first, and GET only for a sample: signing takes nearly all of the time.
    if message.method == "GET" {
        let head = Message {
            method: "HEAD".into(),
            ..message.clone()
        };
        let unsigned = outcome(good, &head, *body, now);
        check(good, &head, &unsigned, now);
        if unsigned.response.status == 200 && !is_picked(input) {
            return;
        }
        let signed = outcome(good, &message, *body, now);
        assert_eq!(signed.response.status, unsigned.response.status);
        check(good, &message, &signed, now);
    } else {
        check(good, &message, &outcome(good, &message, *body, now), now);
    }
}

#[derive(Clone)]
struct Message {
    method: String,
    target: String,
    headers: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
}

impl Message {
    fn read(text: &[u8]) -> Self {
        let (head, body) = match text.windows(2).position(|pair| pair == b"\n\n") {
            Some(end) => (&text[..end], &text[end + 2..]),
            None => (text, &text[text.len()..]),
        };
        let mut lines = head.split(|b| *b == b'\n');
        let first = String::from_utf8_lossy(lines.next().unwrap_or_default());
        let (method, target) = first.split_once(' ').unwrap_or((&first, ""));
        let headers = lines.filter_map(|line| {
            let colon = line.iter().position(|b| *b == b':')?;
            let name = String::from_utf8_lossy(&line[..colon]).into_owned();
            let value = line[colon + 1..].trim_ascii();
            // Origins are logged unchanged, so no secret is inserted there.
            let is_origin = name.eq_ignore_ascii_case("origin");
            let value = if is_origin {
                value.to_vec()
            } else {
                filled(value)
            };
            Some((name, value))
        });
        Self {
            method: method.to_owned(),
            target: fill(target),
            headers: headers.collect(),
            body: filled(body),
        }
    }

    fn header<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        let headers = self.headers.iter();
        headers
            .filter(move |(other, _)| other.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_slice())
    }

    /// Returns the request's origin, if it has exactly one and the list allows it.
    fn allowed_origin(&self, good: &Good) -> Option<&str> {
        let list = good
            .setting("allowed_origins")
            .or(variable::ALLOWED_ORIGINS.default)?;
        let mut origins = self.header("origin");
        let (Some(origin), None) = (origins.next(), origins.next()) else {
            return None;
        };
        let origin = std::str::from_utf8(origin).ok()?;
        let mut entries = list.split([' ', ',']).filter(|entry| !entry.is_empty());
        entries
            .any(|entry| stands_for(entry, origin))
            .then_some(origin)
    }
}

fn filled(text: &[u8]) -> Vec<u8> {
    match std::str::from_utf8(text) {
        Ok(text) => fill(text).into_bytes(),
        Err(_) => text.to_vec(),
    }
}

/// A body that arrives in pieces of `size` bytes, and may break off.
struct Pieces<'a> {
    rest: &'a [u8],
    size: usize,
    breaks: bool,
}

impl Read for Pieces<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.rest.is_empty() && self.breaks {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        let size = self.size.min(self.rest.len()).min(buffer.len());
        let (piece, rest) = self.rest.split_at(size);
        buffer[..size].copy_from_slice(piece);
        self.rest = rest;
        Ok(size)
    }
}

fn outcome(good: &Good, message: &Message, body: u8, now: u64) -> Outcome {
    let mut request = Request {
        method: message.method.clone(),
        target: message.target.clone(),
        headers: Headers::new(message.headers.clone()),
        body: Pieces {
            rest: &message.body,
            size: 1 + usize::from(body & 0x3f) * 64,
            breaks: body & 0x80 != 0,
        },
    };
    let mut random = |bytes: &mut [u8]| bytes.fill(0xab);
    let environment = Environment::isolated(now, &mut random);
    let source = |name: &str| Ok(good.variable(name));
    service::handle(&Config::new(&source), &mut request, environment)
}

fn check(good: &Good, message: &Message, outcome: &Outcome, now: u64) {
    let response = &outcome.response;
    let status = response.status;
    assert!(
        [200, 204, 400, 401, 403, 404, 405, 413, 415].contains(&status),
        "{status}"
    );
    let values = |name: &str| -> Vec<&str> {
        let headers = response.headers.iter();
        headers
            .filter(|(other, _)| *other == name)
            .map(|(_, value)| value.as_str())
            .collect()
    };
    for (name, value) in [
        ("cache-control", "no-store"),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("vary", "Origin"),
    ] {
        assert_eq!(values(name), [value]);
    }
    let allowed = message.allowed_origin(good);
    assert_eq!(
        values("access-control-allow-origin"),
        allowed.into_iter().collect::<Vec<_>>()
    );
    for name in [
        "access-control-allow-credentials",
        "access-control-allow-private-network",
    ] {
        assert!(values(name).is_empty());
    }
    for (_, value) in &response.headers {
        assert!(
            value.bytes().all(|b| (b' '..=b'~').contains(&b)),
            "{value:?}"
        );
        SECRETS.check(value.as_bytes());
    }
    SECRETS.check(&response.body);

    if let Some(line) = &outcome.log {
        SECRETS.check(line.as_bytes());
        assert!(!line.contains('\n'));
        let line: Value = serde_json::from_str(line).expect("a line of JSON");
        assert_eq!(line["status"], status);
    }
    if status == 200
        && message.target.starts_with(TOKEN_PATH)
        && good.setting("auth_mode") == Some("required")
    {
        assert!(message.header("authorization").next().is_some());
        // Only the fixture's credentials verify, and they expire at `EXPIRY`.
        assert!(now <= EXPIRY + TOLERANCE_SECONDS, "an expired credential");
    }
    if message.method == "HEAD" || status == 204 {
        assert!(response.body.is_empty());
        return;
    }
    let body: Value = serde_json::from_slice(&response.body).expect("a body of JSON");
    assert_eq!(status >= 400, body["error"].is_string());
    if let Some(token) = body["token"].as_str() {
        let origins = message.header("origin").count();
        assert_eq!(status, 200);
        assert!(
            allowed.is_some() || (origins == 0 && good.setting("require_origin").is_none()),
            "a token for a refused origin"
        );
        check_token(good, token, now);
    } else {
        assert!(!String::from_utf8_lossy(&response.body).contains(MARKER));
    }
}

fn check_token(good: &Good, token: &str, now: u64) {
    check_rules(token, now, good.setting("member_features").is_some());
    let options = VerificationOptions {
        // The rules have checked the times; jwt-simple's own check does not work after 2106.
        artificial_time: Some(UnixTimeStamp::from_secs(NOW)),
        accept_future: true,
        ..VerificationOptions::default()
    };
    let verified = PUBLIC.verify_token::<NoCustomClaims>(token, Some(options));
    assert!(verified.is_ok(), "the signature is wrong");
}
