//! One request to one response: the routes, and the order of the checks.
//!
//! The order for a token request: route, origin, method, credential, configuration, parameters, policy, signature. The
//! first check that fails ends the request. For a page that is not allowed, no key is parsed, no body is read and nothing
//! is signed. A rejection reads only the variables that it needs.
#![forbid(unsafe_code)]

mod call;
mod guard;
mod health;
mod invitations;
mod response;
#[cfg(test)]
mod tests;
mod token;
mod usage;
mod webhook;
mod who;

use std::io::Read;

use crate::config::Config;
use crate::cors::{self, RequestOrigin};
use crate::environment::Environment;
use crate::error::Error;
use crate::http::{Request, Response, split_target};

use call::Call;
use response::Success;

pub use health::OPEN_WARNING;

/// The path that issues tokens, the same as the Worker's.
pub const TOKEN_PATH: &str = "/api/jitsi-token";
/// The path that makes invitations. Followed by `/` and an id, it withdraws that invitation. Both exist if
/// `invitation_secret` is set.
pub const INVITATIONS_PATH: &str = "/api/invitations";
/// The path that 8x8 calls. It exists if `jaas_webhook_secret` or `jaas_webhook_authorization` is set.
pub const WEBHOOK_PATH: &str = "/webhooks/jaas";
/// The path of the operator's usage report. It exists if `operator_token` is set.
pub const USAGE_PATH: &str = "/api/usage";
/// The path of the health check.
pub const HEALTH_PATH: &str = "/healthz";

/// The outcome of a request.
#[derive(Debug)]
pub struct Outcome {
    /// The response to the caller.
    pub response: Response,
    /// The log line, if there is one: a JSON object without a line feed. It holds no personal data, no token and no part of a
    /// key.
    pub log: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Route<'a> {
    Token,
    Invitations,
    /// One invitation, with the id from the path.
    Invitation(&'a str),
    Webhook,
    Usage,
    Health,
    Unknown,
}

impl<'a> Route<'a> {
    fn of(path: &'a str, config: &Config<'_>) -> Self {
        match path {
            TOKEN_PATH => Self::Token,
            HEALTH_PATH => Self::Health,
            WEBHOOK_PATH if config.has_webhook() => Self::Webhook,
            USAGE_PATH if config.has_operator() => Self::Usage,
            _ => match path.strip_prefix(INVITATIONS_PATH) {
                Some(rest) if rest.is_empty() && config.has_invitations() => Self::Invitations,
                Some(rest) => match rest.strip_prefix('/') {
                    Some(id) if config.has_invitations() => Self::Invitation(id),
                    _ => Self::Unknown,
                },
                None => Self::Unknown,
            },
        }
    }

    /// The methods that a page may use, for a preflight's response.
    const fn page_methods(self) -> &'static str {
        match self {
            Self::Invitations => "POST, OPTIONS",
            Self::Invitation(_) => "DELETE, OPTIONS",
            _ => "GET, POST, OPTIONS",
        }
    }

    /// All methods, for the `Allow` header.
    const fn methods(self) -> &'static str {
        match self {
            Self::Health | Self::Usage => "GET, HEAD, OPTIONS",
            Self::Webhook => "POST",
            Self::Invitations | Self::Invitation(_) => self.page_methods(),
            Self::Token | Self::Unknown => "GET, HEAD, POST, OPTIONS",
        }
    }
}

/// Handles one request. The request is borrowed, so that an entry can start again when more of the body has arrived.
pub fn handle(
    config: &Config<'_>,
    request: &mut Request<impl Read>,
    environment: Environment<'_>,
) -> Outcome {
    let Request {
        method,
        target,
        headers,
        body,
    } = request;
    let (path, query) = split_target(target);
    let call = Call::new(config, method, query, headers);
    let origin = call.origin;
    let result = run(&call, Route::of(path, config), body, environment);
    Outcome {
        log: response::log_line(&result, call.warning.get(), headers),
        response: response::respond(config, &result, origin, method == "HEAD"),
    }
}

fn run(
    call: &Call<'_>,
    route: Route<'_>,
    body: impl Read,
    environment: Environment<'_>,
) -> Result<Success, Error> {
    let preflight = cors::is_preflight(call.method, call.headers);
    match route {
        // Unless the preflight succeeds, the page cannot read the 404 of the request that follows.
        Route::Unknown if preflight && matches!(call.origin, RequestOrigin::Allowed(_)) => {}
        Route::Unknown => return Err(Error::NotFound),
        Route::Token | Route::Invitations | Route::Invitation(_) | Route::Usage => {
            call.check_origin()?
        }
        Route::Health if preflight => call.check_origin()?,
        // A probe sends no origin, and the health check reveals nothing that must be kept from a page.
        Route::Health => {}
        // Only 8x8's servers call this route, so no page needs permission.
        Route::Webhook => {}
    }
    if preflight && route != Route::Webhook {
        let allowed = call.config.allowed_headers();
        return Ok(Success::Preflight {
            methods: route.page_methods(),
            missing_header: allowed.first_missing(call.headers),
        });
    }
    let allow = route.methods();
    match (route, call.method) {
        (Route::Token, "GET" | "HEAD" | "POST") => token::issue(call, body, environment),
        (Route::Invitations, "POST") => invitations::make(call, body, environment),
        (Route::Invitation(id), "DELETE") => invitations::withdraw(call, id, environment),
        (Route::Health, "GET" | "HEAD") => health::check(call, &environment),
        (Route::Webhook, "POST") => webhook::receive(call, body, environment),
        (Route::Usage, "GET" | "HEAD") => usage::report(call, &environment),
        _ => Err(Error::MethodNotAllowed { allow }),
    }
}
