//! One request to one response: the routes, and the order of the checks.
//!
//! A token request passes: route, origin, method, credential, configuration, parameters, policy, signature. A request
//! that is rejected goes no further: for a page that is not allowed no key is parsed, no body read and nothing signed,
//! and no variable is read that its rejection does not need.
#![forbid(unsafe_code)]

#[cfg(test)]
mod tests;

use std::io::Read;

use serde::Serialize;

use crate::caller::Caller;
use crate::config::Config;
use crate::cors::{self, Rejection, RequestOrigin};
use crate::environment::Environment;
use crate::error::Error;
use crate::http::{Headers, Request, Response, split_target};
use crate::log::Line;
use crate::policy;
use crate::request::TokenRequest;
use crate::token::Claims;

/// The path that issues tokens; the Worker's.
pub const TOKEN_PATH: &str = "/api/jitsi-token";
/// The path of the health check.
pub const HEALTH_PATH: &str = "/healthz";
/// What the health check warns of when its query has the parameter `verbose`, and the doctor.
pub const OPEN_WARNING: &str = "auth_mode is none: whoever asks may become moderator";

/// What a request comes to.
#[derive(Debug)]
pub struct Outcome {
    /// What the caller gets.
    pub response: Response,
    /// What the log gets: at most one line, a JSON object, without its line feed. It holds no personal data, no token
    /// and no part of a key.
    pub log: Option<String>,
}

/// What a request that is not rejected comes to.
enum Success {
    Token {
        token: String,
        moderator: bool,
    },
    /// A `HEAD` whose `GET` would get a token: none is signed.
    TokenUnsigned,
    Healthy {
        warnings: Option<Vec<&'static str>>,
    },
    Preflight {
        missing_header: Option<String>,
    },
    /// An `OPTIONS` that is no preflight: the methods of the path (RFC 9110, section 9.3.7).
    Options {
        allow: &'static str,
    },
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Route {
    Token,
    Health,
    Unknown,
}

impl Route {
    fn of(path: &str) -> Self {
        match path {
            TOKEN_PATH => Self::Token,
            HEALTH_PATH => Self::Health,
            _ => Self::Unknown,
        }
    }
}

/// Handles one request.
pub fn handle(
    config: &Config<'_>,
    request: Request<impl Read>,
    environment: Environment<'_>,
) -> Outcome {
    let Request {
        method,
        target,
        headers,
        body,
    } = request;
    let origin = RequestOrigin::of(&headers, || config.allowed_origins());
    let (path, query) = split_target(&target);
    let call = Call {
        config,
        method: &method,
        query,
        headers: &headers,
        origin,
    };
    let result = call.run(Route::of(path), body, environment);
    Outcome {
        log: log_line(&result, &headers),
        response: respond(config, &result, origin, method == "HEAD"),
    }
}

/// A request with what is known of it before its body is read.
struct Call<'a> {
    config: &'a Config<'a>,
    method: &'a str,
    query: &'a str,
    headers: &'a Headers,
    origin: RequestOrigin<'a>,
}

impl Call<'_> {
    fn run(
        &self,
        route: Route,
        body: impl Read,
        environment: Environment<'_>,
    ) -> Result<Success, Error> {
        let preflight = cors::is_preflight(self.method, self.headers);
        match route {
            // Without a preflight that succeeds, a page could not read the 404 that follows it.
            Route::Unknown if preflight && matches!(self.origin, RequestOrigin::Allowed(_)) => {}
            Route::Unknown => return Err(Error::NotFound),
            Route::Token => self.check_origin()?,
            Route::Health if preflight => self.check_origin()?,
            // A probe has no origin to show, and the health check tells nothing that a page could be rejected for.
            Route::Health => {}
        }
        if preflight {
            let allowed = self.config.allowed_headers();
            return Ok(Success::Preflight {
                missing_header: allowed.first_missing(self.headers),
            });
        }
        let allow = match route {
            Route::Health => "GET, HEAD, OPTIONS",
            _ => "GET, HEAD, POST, OPTIONS",
        };
        match (route, self.method) {
            (Route::Token, "GET" | "HEAD" | "POST") => self.token(body, environment),
            (Route::Health, "GET" | "HEAD") => self.health(),
            (_, "OPTIONS") => Ok(Success::Options { allow }),
            _ => Err(Error::MethodNotAllowed { allow }),
        }
    }

    fn check_origin(&self) -> Result<(), Error> {
        let (rejection, rule_is_wrong) = match self.origin {
            RequestOrigin::Allowed(_) => return Ok(()),
            RequestOrigin::Absent if !self.config.require_origin() => return Ok(()),
            RequestOrigin::Absent => (Rejection::Absent, self.config.require_origin_is_wrong()),
            RequestOrigin::Rejected(rejection) => {
                (rejection, self.config.allowed_origins_is_wrong())
            }
        };
        // Where the rule itself cannot be read, nobody is told to be rejected by it.
        if rule_is_wrong {
            return Err(Error::Configuration(self.config.problems()));
        }
        let disclose = self.config.disclose_origins();
        Err(Error::Origin {
            rejection,
            allowed: disclose.then(|| self.config.allowed_origins().to_vec()),
        })
    }

    fn health(&self) -> Result<Success, Error> {
        self.config.signer().map_err(Error::Unhealthy)?;
        let verbose =
            url::form_urlencoded::parse(self.query.as_bytes()).any(|(name, _)| name == "verbose");
        let is_open = matches!(self.config.login(), Ok(None));
        Ok(Success::Healthy {
            warnings: verbose.then(|| is_open.then_some(OPEN_WARNING).into_iter().collect()),
        })
    }

    fn token(&self, body: impl Read, environment: Environment<'_>) -> Result<Success, Error> {
        let Environment { now, random, .. } = environment;
        let caller = match self.config.login().map_err(Error::Configuration)? {
            None => Caller::Anyone,
            Some(login) => login.authenticate(self.headers, now)?,
        };
        let signer = self.config.signer().map_err(Error::Configuration)?;
        let request = if self.method == "POST" {
            TokenRequest::from_post(self.query, self.headers, body)?
        } else {
            TokenRequest::from_query(self.query)?
        };
        let grant = policy::decide(self.config.policy(), &caller, request, random)?;
        if self.method == "HEAD" {
            return Ok(Success::TokenUnsigned);
        }
        let moderator = grant.moderator == Some(true);
        let claims = Claims::new(signer.app_id(), grant, self.config.validity(), now);
        Ok(Success::Token {
            token: signer.sign(&claims, random)?,
            moderator,
        })
    }
}

#[derive(Serialize)]
struct Token<'a> {
    token: &'a str,
}

#[derive(Serialize)]
struct Health<'a> {
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    warnings: Option<&'a [&'static str]>,
}

/// The response, with the headers that every response has.
fn respond(
    config: &Config<'_>,
    result: &Result<Success, Error>,
    origin: RequestOrigin<'_>,
    is_head: bool,
) -> Response {
    let mut headers = vec![
        ("cache-control", "no-store".to_owned()),
        ("x-content-type-options", "nosniff".to_owned()),
        ("referrer-policy", "no-referrer".to_owned()),
    ];
    if let Err(error) = result {
        headers.extend(error.headers());
    }
    origin.add_headers(&mut headers);
    let (status, json) = match result {
        Ok(Success::Token { token, .. }) => (200, Some(to_json(&Token { token }))),
        Ok(Success::TokenUnsigned) => (200, Some(Vec::new())),
        Ok(Success::Healthy { warnings }) => {
            let warnings = warnings.as_deref();
            let status = "ok";
            (200, Some(to_json(&Health { status, warnings })))
        }
        Ok(Success::Preflight { .. }) => {
            headers.extend(cors::preflight_headers(config.allowed_headers()));
            (204, None)
        }
        Ok(Success::Options { allow }) => {
            headers.push(("allow", (*allow).to_owned()));
            (204, None)
        }
        Err(error) => (error.status(), Some(to_json(&error.body()))),
    };
    let mut body = Vec::new();
    if let Some(json) = json {
        headers.push(("content-type", "application/json".to_owned()));
        if !is_head {
            body = json;
            headers.push(("content-length", body.len().to_string()));
        }
    }
    Response {
        status,
        headers,
        body,
    }
}

/// The text of a response; strings and lists of strings always serialise.
fn to_json(body: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(body).unwrap_or_default()
}

/// The one line about a request that is worth one. A health check that succeeds is not: probes come every few seconds.
fn log_line(result: &Result<Success, Error>, headers: &Headers) -> Option<String> {
    let line = match result {
        Ok(Success::Token { moderator, .. }) => Line {
            level: "info",
            status: 200,
            event: Some("token issued"),
            moderator: Some(*moderator),
            ..Line::default()
        },
        Ok(Success::Preflight {
            missing_header: Some(header),
        }) => Line {
            level: "warn",
            status: 204,
            reason: Some("the preflight requests a header that is not in allowed_headers".into()),
            header: Some(header.clone()),
            ..Line::default()
        },
        Ok(_) => return None,
        Err(error) => error.log_line(),
    };
    Some(line.with_origin(headers))
}
