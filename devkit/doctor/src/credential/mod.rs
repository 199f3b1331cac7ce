//! `--credential`: which check a caller's credential fails, with its value and the configured one side by side.
//!
//! The values of `iss`, `aud`, `kid`, `alg`, `typ`, the times and the roles are shown, never the credential itself, its
//! signature, `sub` or what else is personal.

mod checks;
mod claims;
mod fit;
mod header;
mod trial;

use serde::Serialize;

use crate::context::Context;
use crate::provider::Provider;
use crate::service::{self, Network, Opinion, Service};
use crate::web;
use checks::shown;
use header::Keys;

pub use checks::{CredentialCheck, Outcome};

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verdict {
    pub accepted: bool,
    /// The checks, in the order of their making.
    pub checks: Vec<CredentialCheck>,
}

/// What is to be checked, and how.
pub struct Credential<'a> {
    /// The credential, as it stands in a file or in a header.
    pub text: &'a str,
    /// The way to `auth_jwks_url` and to what the login publishes.
    pub network: &'a dyn Network,
    /// The address of the login, where it is not that of `auth_issuer`.
    pub issuer: Option<&'a str>,
}

/// Checks a credential. What it says itself chooses no address that is fetched. `now` is in seconds since 1970-01-01 UTC.
pub fn examine(context: &Context, credential: &Credential, now: u64) -> Verdict {
    let network = credential.network;
    let trimmed = credential.text.trim();
    let token = match trimmed.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token.trim_start(),
        _ => trimmed,
    };
    if service::is_invitation(token) {
        return invitation(context.service().admit(token, now));
    }
    let identify = |service: &Service| service.identify(token, network, now);
    let opinion = identify(&context.service());
    let mut checks = Vec::new();
    match header::read(token) {
        Err(check) => checks.push(check),
        Ok(_) if context.is_by_invitation_alone() => {
            checks.push(CredentialCheck::ok("form"));
            return Verdict::new(false, checks, CredentialCheck::fail(SERVICE, NO_LOGIN));
        }
        Ok(jwt) => {
            checks.push(CredentialCheck::ok("form"));
            header::check(
                context,
                &jwt,
                &keys(context, network),
                &opinion,
                &mut checks,
            );
            let provider = issuer(context, credential).and_then(|issuer| {
                let found = Provider::discover(network, issuer);
                checks.push(discovery(context, issuer, &found));
                found.ok()
            });
            claims::check(context, &jwt, now, &mut checks);
            checks.extend(fit::check(
                context,
                &jwt,
                provider.as_ref(),
                &opinion,
                identify,
            ));
        }
    }
    let accepted = matches!(opinion, Opinion::Accepted(_));
    Verdict::new(accepted, checks, by_the_service(opinion))
}

/// The check that has the service's last word.
const SERVICE: &str = "service";

const NO_LOGIN: &str = "rejects it with 401: there is no login here, and only an invitation lets anybody in; `cargo dev invite` makes one.";

impl Verdict {
    fn new(accepted: bool, mut checks: Vec<CredentialCheck>, last: CredentialCheck) -> Self {
        checks.push(last);
        Self { accepted, checks }
    }
}

/// What is said of an invitation: it needs no login.
fn invitation(admitted: Option<Result<(), String>>) -> Verdict {
    let kind = "it is an invitation and no login's credential; a page sends it as invitation in the body of a POST, or in Authorization.";
    let checks = vec![
        CredentialCheck::ok("form"),
        CredentialCheck::note("kind", kind),
    ];
    let (accepted, message) = match admitted {
        Some(Ok(())) => (
            true,
            "accepts it, unless it was withdrawn or used up, which only the running service's store knows.".to_owned(),
        ),
        Some(Err(reason)) => (false, rejection(401, &reason)),
        None => (
            false,
            rejection(401, "an invitation where there is no invitation_secret"),
        ),
    };
    let outcome = if accepted { Outcome::Ok } else { Outcome::Fail };
    Verdict::new(
        accepted,
        checks,
        CredentialCheck::new(SERVICE, outcome, message),
    )
}

fn rejection(status: u16, reason: &str) -> String {
    format!("rejects it with {status}; its log has: {reason}.")
}

/// The document of the login's keys, as far as it has one.
fn keys(context: &Context, network: &dyn Network) -> Keys {
    match context.text("auth_jwks_url") {
        "" => Keys {
            variable: "auth_jwks",
            document: context.text("auth_jwks").to_owned(),
        },
        url => Keys {
            variable: "auth_jwks_url",
            document: web::document(network, url).unwrap_or_default(),
        },
    }
}

/// The address of the login, if what it publishes is of use: a login with a shared secret publishes no keys.
fn issuer<'a>(context: &'a Context, credential: &Credential<'a>) -> Option<&'a str> {
    let configured = Some(context.text("auth_issuer")).filter(|issuer| {
        web::usable(issuer).is_some() && context.text("auth_hs256_secret").is_empty()
    });
    credential.issuer.or(configured)
}

fn discovery(context: &Context, issuer: &str, found: &Result<Provider, String>) -> CredentialCheck {
    const NAME: &str = "discovery";
    let configured = context.text("auth_jwks_url");
    let check = match found {
        Err(error) => CredentialCheck::note(NAME, error),
        Ok(login) => {
            let keys = format!("the login's keys are at {}", login.jwks_url);
            match ["", &login.jwks_url].contains(&configured) {
                true => CredentialCheck::new(NAME, Outcome::Ok, format!("{keys}.")),
                false => {
                    CredentialCheck::note(NAME, format!("{keys}, and auth_jwks_url is another."))
                }
            }
        }
    };
    check.configured(shown(context, issuer))
}

fn by_the_service(opinion: Opinion) -> CredentialCheck {
    match opinion {
        Opinion::Accepted(_) => CredentialCheck::ok(SERVICE),
        Opinion::NoLogin => CredentialCheck::note(
            SERVICE,
            "verifies no credential: auth_mode is none, or the variables of the login have errors.",
        ),
        Opinion::Rejected(check, reason) => {
            let status = match check {
                "keys" => 503,
                "group" => 403,
                _ => 401,
            };
            CredentialCheck::fail(SERVICE, rejection(status, &reason))
        }
    }
}
