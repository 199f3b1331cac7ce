//! `--credential`: which check a caller's credential fails, with its value and the configured one side by side.
//!
//! The report shows `iss`, `aud`, `kid`, `alg`, `typ`, the times and the roles, but never the credential itself, its
//! signature, `sub` or other personal claims.

mod claims;
mod fit;
mod header;
mod jwt;
mod line;
mod table;
mod trial;

use serde::Serialize;

use crate::context::Context;
use crate::provider::Provider;
use crate::service::{self, Cause, Error, Network, Opinion};
use crate::web;
use jwt::Jwt;
use line::shown;
use table::{CHANGED, explain, sentence};

pub use line::{CredentialCheck, Outcome};

const NO_LOGIN: Error = Error::Invalid(Cause::NoLogin);

const SPACE: &str = "it has white space within";
const ONE_LINE: &str = "put one credential into the file, on one line";
const NO_JWT: &str =
    "its header or claims are no JSON object in base64url, or its signature is empty";
const AN_INVITATION: &str = "it is an invitation and no login's credential; a page sends it as invitation in the body of a POST, or in Authorization.";
const ADMITTED: &str =
    "accepts it, unless it was withdrawn or used up, which only the running service's store knows.";
const ONLY_INVITATIONS: &str = "rejects it with 401: there is no login here, and only an invitation lets anybody in; `cargo dev invite` makes one.";
const NOT_VERIFIED: &str =
    "verifies no credential: auth_mode is none, or the variables of the login have errors.";

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verdict {
    pub accepted: bool,
    /// The checks, in the order in which they were made.
    pub checks: Vec<CredentialCheck>,
}

/// A credential to check.
pub struct Credential<'a> {
    /// The credential, as found in a file or a header.
    pub text: &'a str,
    /// Fetches `auth_jwks_url` and what the login publishes.
    pub network: &'a dyn Network,
    /// The login's address, if it differs from `auth_issuer`.
    pub issuer: Option<&'a str>,
}

/// Checks a credential. Its own claims never determine which URL is fetched. `now` is in seconds since the Unix epoch.
pub fn examine(context: &Context, credential: &Credential, now: u64) -> Verdict {
    let network = credential.network;
    let trimmed = credential.text.trim();
    let token = match trimmed.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token.trim_start(),
        _ => trimmed,
    };
    if service::is_invitation(token) {
        return invitation(service::admit(context, token, now));
    }
    let opinion = service::identify(context, token, network, now);
    let (form, jwt) = form(context, token, opinion);
    let mut checks = vec![form];
    // Without a login there is nothing to compare with.
    if let Some(jwt) = jwt.filter(|_| opinion != Err(NO_LOGIN)) {
        if opinion != Ok(None) {
            let document = key_set(context, network);
            header::check(context, &jwt, &document, opinion.err(), &mut checks);
        }
        let issuer = issuer(context, credential);
        let provider = issuer.map(|issuer| Provider::discover(network, issuer));
        let found = issuer.zip(provider.as_ref());
        checks.extend(found.map(|(issuer, found)| discovery(context, issuer, found)));
        claims::check(context, &jwt, now, &mut checks);
        let provider = provider.and_then(Result::ok);
        let identify = |values: &[(&str, String)]| {
            service::identify(&context.with(values), token, network, now)
        };
        checks.extend(fit::check(context, &jwt, provider, opinion, identify));
    }
    checks.push(last_word(opinion));
    Verdict {
        accepted: matches!(opinion, Ok(Some(_))),
        checks,
    }
}

/// Returns the check of the form, and the parsed credential if it is well-formed.
fn form<'a>(
    context: &Context,
    token: &'a str,
    opinion: Opinion,
) -> (CredentialCheck, Option<Jwt<'a>>) {
    // A word that pages send when they have no credential.
    let is_word = opinion == Err(Error::Invalid(Cause::Unset));
    let message = match (opinion, Jwt::read(token)) {
        _ if token.is_empty() => "nothing is there.".to_owned(),
        _ if token.contains(char::is_whitespace) && !is_word => sentence(SPACE, ONE_LINE),
        (Err(error), _) if explain(error).0 == "form" => {
            sentence(&error.reason(), explain(error).1)
        }
        (_, Some(jwt)) => return (CredentialCheck::new("form", Outcome::Ok, ""), Some(jwt)),
        (_, None) => sentence(NO_JWT, CHANGED),
    };
    let check = CredentialCheck::new("form", Outcome::Fail, message);
    let check = check.beside(is_word.then(|| shown(context, token)), None);
    (check, None)
}

/// Returns the verdict on an invitation, which needs no login.
fn invitation(admitted: Option<Result<(), String>>) -> Verdict {
    let none = Err("an invitation where there is no invitation_secret".to_owned());
    let admitted = admitted.unwrap_or(none);
    let last = match &admitted {
        Ok(()) => CredentialCheck::new("service", Outcome::Ok, ADMITTED),
        Err(reason) => rejected(401, reason),
    };
    Verdict {
        accepted: admitted.is_ok(),
        checks: vec![
            CredentialCheck::new("form", Outcome::Ok, ""),
            CredentialCheck::new("kind", Outcome::Note, AN_INVITATION),
            last,
        ],
    }
}

fn last_word(opinion: Opinion) -> CredentialCheck {
    match opinion {
        Ok(Some(_)) => CredentialCheck::new("service", Outcome::Ok, ""),
        Ok(None) => CredentialCheck::new("service", Outcome::Note, NOT_VERIFIED),
        Err(NO_LOGIN) => CredentialCheck::new("service", Outcome::Fail, ONLY_INVITATIONS),
        Err(error @ Error::KeysUnavailable { .. }) => rejected(503, &error.reason()),
        Err(error @ Error::NotMember(_)) => rejected(403, &error.reason()),
        Err(error) => rejected(401, &error.reason()),
    }
}

fn rejected(status: u16, reason: &str) -> CredentialCheck {
    let message = format!("rejects it with {status}; its log has: {reason}.");
    CredentialCheck::new("service", Outcome::Fail, message)
}

/// Returns the login's key set, or an empty string if it has none.
fn key_set(context: &Context, network: &dyn Network) -> String {
    match context.text("auth_jwks_url") {
        "" => context.text("auth_jwks").to_owned(),
        url => web::document(network, url).unwrap_or_default(),
    }
}

/// Returns the login's address if its metadata is of use. A login with a shared secret publishes no keys.
fn issuer<'a>(context: &'a Context, credential: &Credential<'a>) -> Option<&'a str> {
    let configured = context.text("auth_issuer");
    let is_of_use = web::usable(configured).is_some() && !context.is_set("auth_hs256_secret");
    credential.issuer.or(is_of_use.then_some(configured))
}

fn discovery(context: &Context, issuer: &str, found: &Result<Provider, String>) -> CredentialCheck {
    let jwks_url = context.text("auth_jwks_url");
    let (result, message) = match found {
        Err(error) => (Outcome::Note, error.clone()),
        Ok(Provider { jwks_url: url, .. }) if ["", url].contains(&jwks_url) => {
            (Outcome::Ok, format!("the login's keys are at {url}."))
        }
        Ok(Provider { jwks_url: url, .. }) => {
            let message = format!("the login's keys are at {url}, and auth_jwks_url is another.");
            (Outcome::Note, message)
        }
    };
    let check = CredentialCheck::new("discovery", result, message);
    check.beside(None, Some(shown(context, issuer)))
}
