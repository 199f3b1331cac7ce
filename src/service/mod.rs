//! One request to one response: the routes, and the order of the checks.
//!
//! A token request passes: route, origin, method, credential, configuration, parameters, policy, signature. A request
//! that is rejected goes no further: for a page that is not allowed no key is parsed, no body read and nothing signed,
//! and no variable is read that its rejection does not need.
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

/// The path that issues tokens; the Worker's.
pub const TOKEN_PATH: &str = "/api/jitsi-token";
/// The path that makes invitations, and with an id behind it the one that withdraws them. Without `invitation_secret`
/// it does not exist.
pub const INVITATIONS_PATH: &str = "/api/invitations";
/// The path that 8x8 calls. Without `jaas_webhook_secret` and `jaas_webhook_authorization` it does not exist.
pub const WEBHOOK_PATH: &str = "/webhooks/jaas";
/// The path that tells the operator what was counted. Without `operator_token` it does not exist.
pub const USAGE_PATH: &str = "/api/usage";
/// The path of the health check.
pub const HEALTH_PATH: &str = "/healthz";

/// What a request comes to.
#[derive(Debug)]
pub struct Outcome {
    /// What the caller gets.
    pub response: Response,
    /// What the log gets: at most one line, a JSON object, without its line feed. It holds no personal data, no token
    /// and no part of a key.
    pub log: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Route<'a> {
    Token,
    Invitations,
    /// One invitation, by the id in the path.
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

    /// The methods that a page may use, as a preflight's response lists them.
    const fn page_methods(self) -> &'static str {
        match self {
            Self::Invitations => "POST, OPTIONS",
            Self::Invitation(_) => "DELETE, OPTIONS",
            _ => "GET, POST, OPTIONS",
        }
    }

    /// All methods, as the header `Allow` lists them.
    const fn methods(self) -> &'static str {
        match self {
            Self::Health | Self::Usage => "GET, HEAD, OPTIONS",
            Self::Webhook => "POST",
            Self::Invitations | Self::Invitation(_) => self.page_methods(),
            Self::Token | Self::Unknown => "GET, HEAD, POST, OPTIONS",
        }
    }
}

/// Handles one request. It is lent, for an entry that begins again when more of the body has come.
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
        // Without a preflight that succeeds, a page could not read the 404 that follows it.
        Route::Unknown if preflight && matches!(call.origin, RequestOrigin::Allowed(_)) => {}
        Route::Unknown => return Err(Error::NotFound),
        Route::Token | Route::Invitations | Route::Invitation(_) | Route::Usage => {
            call.check_origin()?
        }
        Route::Health if preflight => call.check_origin()?,
        // A probe has no origin to show, and the health check tells nothing that a page could be rejected for.
        Route::Health => {}
        // No page calls it, so that there is nothing to allow to one.
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
