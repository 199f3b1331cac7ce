//! One request to one answer: the routes, and the order of the gates.
//!
//! A token request passes: route, CORS, method, configuration, credential, parameters, policy, signature. Whatever is refused goes
//! no further: for a page that is not allowed no key is parsed, no body read and nothing signed.
#![forbid(unsafe_code)]

use std::io::Read;

use serde::Serialize;

use crate::caller::Caller;
use crate::claims::Claims;
use crate::config::{Config, variable};
use crate::cors::{self, Headers, RequestOrigin};
use crate::error::Error;
use crate::log::Line;
use crate::origin::Refusal;
use crate::parameters::{self, Parameters};
use crate::policy;
use crate::token_request::TokenRequest;

/// The path that issues tokens; the Worker's.
pub const TOKEN_PATH: &str = "/api/jitsi-token";
/// The path of the health check.
pub const HEALTH_PATH: &str = "/healthz";

/// What a caller sent. `body` is read only for a `POST` that has passed the gates before it.
#[derive(Debug)]
pub struct Request<B> {
    /// The method, in the letter case in which it came: methods are case-sensitive (RFC 9110, section 9.1).
    pub method: String,
    /// Path and query, still encoded.
    pub target: String,
    /// The headers, in the order in which they came.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The body.
    pub body: B,
}

/// What the caller gets, and what the log gets.
#[derive(Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The headers; names in lower case.
    pub headers: Vec<(&'static str, String)>,
    /// The body: JSON, or empty for a preflight and for `HEAD`.
    pub body: Vec<u8>,
    /// At most one line, a JSON object, for each request; holds no personal data, no token and no part of a key.
    pub log: Option<String>,
}

/// What the core cannot know by itself.
pub struct Environment<'a> {
    /// The time, in seconds since 1970-01-01 UTC.
    pub now: u64,
    /// 128 random bits, for ids that are made up.
    pub random: &'a mut dyn FnMut() -> [u8; 16],
}

/// What a request comes to before the headers that every answer has.
enum Outcome {
    Token {
        token: String,
        moderator: bool,
    },
    /// A `HEAD` whose `GET` would be answered with a token: none is signed.
    TokenUnsigned,
    Healthy,
    Preflight,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Route {
    Token,
    Health,
}

impl Route {
    fn of(path: &str) -> Result<Self, Error> {
        match path {
            TOKEN_PATH => Ok(Self::Token),
            HEALTH_PATH => Ok(Self::Health),
            _ => Err(Error::NotFound),
        }
    }

    /// The value of `Allow`.
    fn methods(self) -> &'static str {
        match self {
            Self::Token => "GET, HEAD, POST, OPTIONS",
            Self::Health => "GET, HEAD, OPTIONS",
        }
    }
}

/// Answers one request.
pub fn handle(
    config: &Config,
    mut request: Request<impl Read>,
    environment: Environment<'_>,
) -> Answer {
    // Taken out, because the origin borrows from them.
    let headers = std::mem::take(&mut request.headers);
    let origin = RequestOrigin::of(&headers, config);
    let is_head = request.method == "HEAD";
    let outcome = decide(config, origin, request, &headers, environment);
    let log = log_line(config, &outcome, &headers);

    let mut answer = vec![
        ("cache-control", "no-store".to_owned()),
        ("x-content-type-options", "nosniff".to_owned()),
        ("referrer-policy", "no-referrer".to_owned()),
    ];
    if let Err(error) = &outcome {
        answer.extend(error.headers());
    }
    origin.add_headers(&mut answer);
    let (status, json) = match &outcome {
        Ok(Outcome::Token { token, .. }) => (200, Some(to_json(&Token { token }))),
        Ok(Outcome::TokenUnsigned) => (200, Some(Vec::new())),
        Ok(Outcome::Healthy) => (200, Some(to_json(&Health { status: "ok" }))),
        Ok(Outcome::Preflight) => {
            answer.extend(cors::preflight_headers());
            (204, None)
        }
        Err(error) => (error.status(), Some(to_json(&error.body()))),
    };
    let mut body = Vec::new();
    if let Some(json) = json {
        answer.push(("content-type", "application/json".to_owned()));
        if !is_head {
            body = json;
            answer.push(("content-length", body.len().to_string()));
        }
    }
    Answer {
        status,
        headers: answer,
        body,
        log,
    }
}

/// The gates, in their order.
fn decide(
    config: &Config,
    origin: RequestOrigin<'_>,
    request: Request<impl Read>,
    headers: &Headers,
    environment: Environment<'_>,
) -> Result<Outcome, Error> {
    let method = request.method.as_str();
    let (path, query) = match request.target.split_once('?') {
        Some((path, query)) => (path, query),
        None => (request.target.as_str(), ""),
    };
    let route = Route::of(path)?;
    let preflight = cors::is_preflight(method, headers);

    // A probe has no origin to show, and the health check tells nothing that an origin could be refused for.
    if let RequestOrigin::Refused(refusal) = origin
        && (route == Route::Token || preflight)
    {
        // Where the rule itself cannot be read nobody is told to be refused by it.
        let rule = match refusal {
            Refusal::Absent => variable::REQUIRE_ORIGIN,
            _ => variable::ALLOWED_ORIGINS,
        };
        if config.is_wrong(rule) {
            config.check().map_err(Error::Configuration)?;
        }
        return Err(Error::OriginRefused {
            refusal,
            allowed: config
                .disclose_origins
                .then(|| config.allowed_origins.to_vec()),
        });
    }
    if preflight {
        return Ok(Outcome::Preflight);
    }
    match (route, method) {
        (Route::Token, "GET" | "HEAD" | "POST") => {}
        (Route::Health, "GET" | "HEAD") => {
            config.signer().map_err(Error::Unhealthy)?;
            return Ok(Outcome::Healthy);
        }
        _ => {
            return Err(Error::MethodNotAllowed {
                allow: route.methods(),
            });
        }
    }

    config.check().map_err(Error::Configuration)?;
    let caller = match &config.authentication {
        None => Caller::Anyone,
        Some(authentication) => authentication
            .authenticate(headers, environment.now)
            .map_err(Error::Unauthorized)?,
    };
    let signer = config.signer().map_err(Error::Configuration)?;
    let query = Parameters::from_form(query);
    let parameters = if method == "POST" {
        // A personal value in a URL ends in histories and logs, and one that is silently ignored in the wrong room.
        if let Some(name) = parameters::name::ALL
            .into_iter()
            .find(|name| query.has(name))
        {
            return Err(Error::Parameter {
                name,
                problem: "stands in the URL of a POST: put it into the body".into(),
            });
        }
        Parameters::from_body(headers, request.body)?
    } else {
        query
    };
    let asked = TokenRequest::read(&parameters)?;
    let grant = policy::decide(config, &caller, asked, environment.random)?;
    if method == "HEAD" {
        return Ok(Outcome::TokenUnsigned);
    }
    let moderator = grant.moderator == Some(true);
    let claims = Claims::new(signer.app_id(), grant, config.validity, environment.now);
    Ok(Outcome::Token {
        token: signer.sign(claims)?,
        moderator,
    })
}

#[derive(Serialize)]
struct Token<'a> {
    token: &'a str,
}

#[derive(Serialize)]
struct Health {
    status: &'static str,
}

/// The text of an answer; strings and lists of strings always serialise.
fn to_json(body: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(body).unwrap_or_default()
}

/// The one line about a request that is worth one.
fn log_line(
    config: &Config,
    outcome: &Result<Outcome, Error>,
    headers: &Headers,
) -> Option<String> {
    let line = match outcome {
        Ok(Outcome::Token { moderator, .. }) => Line {
            moderator: Some(*moderator),
            ..Line::event("info", 200, "token issued")
        },
        Ok(Outcome::Healthy) if config.authentication.is_none() => Line::event(
            "warn",
            200,
            "auth_mode is none: whoever asks may become moderator",
        ),
        Ok(_) => return None,
        Err(error) => error.log_line(),
    };
    Some(line.with_origin(headers))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::tests::{APP_ID, config_with};
    use jwt_simple::prelude::RS256KeyPair;

    const NOW: u64 = 1_700_000_000;
    const ALLOWED: &str = "https://vtaiwan.tw";

    /// A complete configuration with a key made for this run, changed by `variables`.
    fn good_config(variables: &[(&str, &str)]) -> Config {
        static PEM: std::sync::OnceLock<String> = std::sync::OnceLock::new();
        let pem = PEM.get_or_init(|| RS256KeyPair::generate(2048).unwrap().to_pem().unwrap());
        let complete = [
            ("jaas_app_id", APP_ID),
            ("jaas_key_id", "4f4910"),
            ("jaas_private_key", pem.as_str()),
        ];
        config_with(&[variables, &complete].concat())
    }

    fn request<'a>(
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &'a str,
    ) -> Request<&'a [u8]> {
        Request {
            method: method.into(),
            target: target.into(),
            headers: headers
                .iter()
                .map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec()))
                .collect(),
            body: body.as_bytes(),
        }
    }

    fn answer_to(config: &Config, request: Request<impl Read>) -> Answer {
        let environment = Environment {
            now: NOW,
            random: &mut || [7; 16],
        };
        handle(config, request, environment)
    }

    fn header<'a>(answer: &'a Answer, name: &str) -> Option<&'a str> {
        let mut values = answer.headers.iter().filter(|(n, _)| *n == name);
        let value = values.next().map(|(_, value)| value.as_str());
        assert!(values.next().is_none(), "{name} twice");
        value
    }

    #[test]
    fn the_gates_come_in_their_order() {
        let good = good_config(&[]);
        let empty = config_with(&[]);
        let wrong_list = good_config(&[("allowed_origins", "https://vtaiwan.tw *")]);
        let wrong_switch = good_config(&[("require_origin", "maybe")]);
        let evil = ("origin", "https://evil.example");
        let page = ("origin", ALLOWED);
        let asks = ("access-control-request-method", "GET");
        let room = "/api/jitsi-token?room=%ff";
        for (config, method, target, headers, status) in [
            // Route before everything.
            (&good, "GET", "/", &[evil][..], 404),
            (&good, "GET", "/api/jitsi-token/", &[], 404),
            (&good, "OPTIONS", "/api/other", &[page, asks], 404),
            // CORS before method, configuration and parameters.
            (&good, "DELETE", room, &[evil], 403),
            (&empty, "GET", room, &[evil], 403),
            (&good, "OPTIONS", TOKEN_PATH, &[evil, asks], 403),
            // A list that is wrong refuses nobody: it is the operator who must be told.
            (&wrong_list, "GET", TOKEN_PATH, &[evil], 500),
            (&wrong_list, "GET", TOKEN_PATH, &[page], 500),
            (&wrong_switch, "GET", TOKEN_PATH, &[], 500),
            (&wrong_switch, "GET", TOKEN_PATH, &[page], 500),
            (&wrong_switch, "GET", TOKEN_PATH, &[evil], 403),
            // Method before configuration.
            (&empty, "DELETE", room, &[page], 405),
            (&empty, "OPTIONS", TOKEN_PATH, &[page], 405),
            (&empty, "OPTIONS", TOKEN_PATH, &[asks], 405),
            (&empty, "get", TOKEN_PATH, &[], 405),
            (&empty, "POST", HEALTH_PATH, &[], 405),
            // A preflight needs no configuration but the list.
            (&empty, "OPTIONS", TOKEN_PATH, &[page, asks], 204),
            (&empty, "OPTIONS", HEALTH_PATH, &[page, asks], 204),
            // Configuration before parameters.
            (&empty, "GET", room, &[page], 500),
            (&good, "GET", room, &[page], 400),
            (&good, "HEAD", room, &[page], 400),
            (&good, "POST", TOKEN_PATH, &[], 415),
            (&good, "GET", TOKEN_PATH, &[], 200),
            (&good, "HEAD", TOKEN_PATH, &[], 200),
            // The health check is for everybody.
            (&good, "GET", HEALTH_PATH, &[evil], 200),
            (&empty, "GET", HEALTH_PATH, &[], 503),
            (&empty, "HEAD", HEALTH_PATH, &[evil], 503),
            (&good, "OPTIONS", HEALTH_PATH, &[evil, asks], 403),
        ] {
            let answer = answer_to(config, request(method, target, headers, ""));
            assert_eq!(answer.status, status, "{method} {target} {headers:?}");
            let echoed = header(&answer, "access-control-allow-origin");
            let page_calls = headers.contains(&page);
            assert_eq!(echoed, page_calls.then_some(ALLOWED), "{method} {target}");
            for (name, value) in [
                ("vary", "Origin"),
                ("cache-control", "no-store"),
                ("x-content-type-options", "nosniff"),
                ("referrer-policy", "no-referrer"),
            ] {
                assert_eq!(header(&answer, name), Some(value));
            }
            assert_eq!(header(&answer, "allow").is_some(), status == 405);
            assert_eq!(answer.body.is_empty(), method == "HEAD" || status == 204);
        }
    }

    #[test]
    fn a_refused_request_reads_no_body() {
        struct Unread;
        impl Read for Unread {
            fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
                panic!("the body was read");
            }
        }
        let config = good_config(&[]);
        let json = ("content-type", "application/json");
        for (target, headers) in [
            (TOKEN_PATH, &[json, ("origin", "https://evil.example")][..]),
            ("/elsewhere", &[json]),
            (HEALTH_PATH, &[json]),
            (TOKEN_PATH, &[("content-type", "text/plain")]),
            ("/api/jitsi-token?user_email=x", &[json]),
        ] {
            let Request {
                method,
                target,
                headers,
                ..
            } = request("POST", target, headers, "");
            let answer = answer_to(
                &config,
                Request {
                    method,
                    target,
                    headers,
                    body: Unread,
                },
            );
            assert!(answer.status >= 400);
        }
    }

    #[test]
    fn a_parameter_in_the_url_of_a_post_is_refused_and_an_unknown_one_ignored() {
        let config = good_config(&[]);
        let json = [("content-type", "application/json")];
        for name in parameters::name::ALL {
            let target = format!("{TOKEN_PATH}?x=1&{name}=hunter2");
            let answer = answer_to(&config, request("POST", &target, &json, "{}"));
            assert_eq!(answer.status, 400);
            let body = String::from_utf8(answer.body).unwrap();
            assert!(body.contains(name) && !body.contains("hunter2"), "{body}");
        }
        let target = format!("{TOKEN_PATH}?x=1");
        assert_eq!(
            answer_to(&config, request("POST", &target, &json, "{}")).status,
            200
        );
    }

    #[test]
    fn get_and_post_of_the_same_values_give_the_same_token() {
        // PKCS#1 v1.5 signatures are deterministic, so equal claims give equal bytes.
        let config = good_config(&[]);
        let query =
            "room=R%C3%A9union&user_id=u&user_name=J+S&user_email=j%40x&user_moderator=false";
        let json = r#"{"room":"Réunion","user_id":"u","user_name":"J S","user_email":"j@x","user_moderator":false}"#;
        let target = format!("{TOKEN_PATH}?{query}");
        let form = [("content-type", "application/x-www-form-urlencoded")];
        let get = answer_to(&config, request("GET", &target, &[], ""));
        assert_eq!(get.status, 200);
        for (headers, body) in [
            (form, query),
            ([("content-type", "application/json")], json),
        ] {
            let post = answer_to(&config, request("POST", TOKEN_PATH, &headers, body));
            assert_eq!(post.body, get.body, "{headers:?}");
        }
    }

    #[test]
    fn the_log_has_one_line_for_a_refusal_and_for_a_token_and_none_otherwise() {
        let good = good_config(&[]);
        let empty = config_with(&[]);
        let evil = ("origin", "https://evil.example\n{\"level\":\"info\"}");
        for (config, method, target, headers, expected) in [
            (
                &good,
                "GET",
                TOKEN_PATH,
                &[][..],
                Some(r#""event":"token issued""#),
            ),
            (&good, "HEAD", TOKEN_PATH, &[], None),
            (&good, "GET", HEALTH_PATH, &[], Some("auth_mode is none")),
            (
                &good,
                "GET",
                TOKEN_PATH,
                &[evil],
                Some(r#""reason":"origin is not in allowed_origins""#),
            ),
            (&good, "GET", "/hunter2", &[], Some(r#""status":404"#)),
            (
                &good,
                "GET",
                "/api/jitsi-token?user_name=hunter2%00",
                &[],
                Some(r#""status":400"#),
            ),
            (
                &good,
                "GET",
                "/api/jitsi-token?user_moderator=hunter2",
                &[],
                Some(r#""status":400"#),
            ),
            (&empty, "GET", TOKEN_PATH, &[], Some(r#""level":"error""#)),
            (
                &empty,
                "GET",
                HEALTH_PATH,
                &[],
                Some(r#""variable":"jaas_private_key""#),
            ),
        ] {
            let answer = answer_to(config, request(method, target, headers, ""));
            let line = answer.log.unwrap_or_default();
            assert_eq!(!line.is_empty(), expected.is_some(), "{line}");
            assert!(line.contains(expected.unwrap_or_default()), "{line}");
            assert!(!line.contains('\n') && !line.contains("hunter2"), "{line}");
            if expected.is_some() {
                serde_json::from_str::<serde_json::Map<_, _>>(&line).unwrap();
            }
        }
    }

    #[test]
    fn the_list_of_origins_is_told_unless_that_is_switched_off() {
        let evil = [("origin", "https://evil.example")];
        for (disclose, told) in [("true", true), ("false", false)] {
            let config = good_config(&[("disclose_origins", disclose)]);
            let answer = answer_to(&config, request("GET", TOKEN_PATH, &evil, ""));
            let body: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
            assert_eq!(body["error"], "Origin not allowed");
            assert_eq!(body.get("allowed_origins").is_some(), told);
        }
    }
}
