//! `--credential`: which check a caller's credential fails, with its value and the configured one side by side.
//!
//! The values of `iss`, `aud`, `kid`, `alg`, `typ`, the times and the roles are shown, never the credential itself, its
//! signature, `sub` or what else is personal.

mod claims;
mod header;
mod parts;

use serde::Serialize;

use crate::context::Context;
use crate::service::Opinion;

pub use parts::{CredentialCheck, Outcome};

/// What was found of a credential.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// No check failed.
    pub accepted: bool,
    /// The checks, in the order of their making.
    pub checks: Vec<CredentialCheck>,
}

/// Checks a credential. `now` is in seconds since 1970-01-01 UTC.
#[must_use]
pub fn examine(context: &Context, text: &str, now: u64) -> Verdict {
    let mut checks = Vec::new();
    let trimmed = text.trim();
    let token = match trimmed.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token.trim_start(),
        _ => trimmed,
    };
    let opinion = context.service().identify(token, now);
    match header::read(token) {
        Err(check) => checks.push(check),
        Ok(jwt) => {
            checks.push(CredentialCheck::ok("form"));
            header::check(context, &jwt, &opinion, &mut checks);
            claims::check(context, &jwt, now, &mut checks);
        }
    }
    let failed = |checks: &[CredentialCheck]| checks.iter().any(|c| c.result == Outcome::Fail);
    checks.push(by_the_service(opinion, failed(&checks)));
    Verdict {
        accepted: !failed(&checks),
        checks,
    }
}

/// What the service says of it: the last word, also on what nobody here looks at.
fn by_the_service(opinion: Opinion, a_check_failed: bool) -> CredentialCheck {
    const NAME: &str = "service";
    match opinion {
        Opinion::Accepted if a_check_failed => {
            CredentialCheck::note(NAME, "accepts it, although a check above fails.")
        }
        Opinion::Accepted => CredentialCheck::ok(NAME),
        Opinion::NoLogin => CredentialCheck::note(
            NAME,
            "verifies no credential: auth_mode is none, or the variables of the login have errors.",
        ),
        Opinion::Rejected(_, reason) => {
            CredentialCheck::fail(NAME, format!("rejects it with 401; its log has: {reason}."))
        }
    }
}
