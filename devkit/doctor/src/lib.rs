//! `cargo dev doctor`: finds what is wrong with a configuration before users do.
//!
//! [`facts`] gathers files, environment and variables like `cargo dev up`; [`context`] has the service's own code read them
//! and sign a token; [`checks`] are tables of checks, which yield [`finding`]s; [`report`] formats them. [`credential`]
//! checks a caller's credential, for which [`web`] fetches what the login publishes ([`provider`]). No finding contains any
//! part of a value.
#![forbid(unsafe_code)]
// Not published, and the names are self-explanatory.
#![allow(missing_docs)]

pub mod check;
pub mod checks;
pub mod context;
pub mod credential;
pub mod examples;
pub mod facts;
pub mod finding;
pub mod origins;
pub mod profile;
pub mod provider;
pub mod repair;
pub mod report;
pub mod scan;
pub mod service;
pub mod token;
pub mod web;

use checks::TABLES;
use context::Context;
use credential::Credential;
use facts::Facts;
use report::Report;

/// Examines a configuration, and a caller's credential if there is one. `now` is in seconds since the Unix epoch.
pub fn examine(
    facts: &Facts,
    production: bool,
    credential: Option<&Credential>,
    now: u64,
) -> Report {
    let context = Context::new(facts, production, now);
    let tables = match facts.broken.is_empty() {
        true => &TABLES[..],
        false => &TABLES[..1],
    };
    let checks = tables.iter().copied().flatten();
    let findings = checks.flat_map(|check| check.run(&context)).collect();
    let credential = credential.map(|credential| credential::examine(&context, credential, now));
    let token = context.token.and_then(Result::ok);
    Report::new(production, findings, token, credential)
}
