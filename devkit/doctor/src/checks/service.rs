//! What the service itself says: of its configuration, and by the token that it signs.

use crate::check::Repair::{Do, InMessage};
use crate::check::Severity::Error;
use crate::check::{Check, Hit, Subject, Value};
use crate::checks::EXAMPLE_ORIGIN;
use crate::context::Context;
use crate::profile;

/// The command that tells whether a key is whole.
const CHECK_KEY: &str = "openssl rsa -in key.pem -check -noout";

pub const CHECKS: &[Check] = &[
    Check {
        id: "missing",
        severity: Error,
        when: |context| problems(context, true),
        message: "{}",
        repair: InMessage,
    },
    Check {
        id: "invalid",
        severity: Error,
        when: |context| problems(context, false),
        message: "{}",
        repair: InMessage,
    },
    Check {
        id: "token-refused",
        severity: Error,
        when: |context| {
            let refusal = context
                .token
                .as_ref()
                .and_then(|token| token.as_ref().err());
            let hit = refusal.map(|refusal| {
                let hit = Hit::on(Subject::Token)
                    .detail(refusal.status.to_string())
                    .detail(&refusal.message);
                if refusal.status == 403 {
                    hit.repair(context.set(&[("allowed_origins", Value::Text(EXAMPLE_ORIGIN))]))
                } else {
                    hit
                }
            });
            hit.into_iter().collect()
        },
        message: "was not made: the service responds {} with \"{}\".",
        repair: Do(CHECK_KEY),
    },
    Check {
        id: "token-rule",
        severity: Error,
        when: |context| {
            let broken = context
                .token
                .iter()
                .flatten()
                .flat_map(|token| &token.broken_rules);
            broken
                .map(|rule| Hit::on(Subject::Token).detail(*rule))
                .collect()
        },
        message: "breaks a rule of Jitsi's: {}.",
        repair: Do("report this as a fault of the service; no setting causes it"),
    },
    Check {
        id: "token-signature",
        severity: Error,
        when: |context| {
            let wrong = context
                .token
                .iter()
                .flatten()
                .filter(|token| !token.signature_verified);
            wrong.map(|_| Hit::on(Subject::Token)).collect()
        },
        message: "has a signature that does not belong to the key.",
        repair: Do(CHECK_KEY),
    },
    Check {
        id: "weaker-than-production",
        severity: Error,
        when: profile::weaker,
        message: "is weaker than the production profile: {}.",
        repair: InMessage,
    },
];

fn problems(context: &Context, missing: bool) -> Vec<Hit> {
    let problems = context.problems.iter();
    problems
        .filter(|problem| problem.is_missing == missing)
        .map(|problem| Hit::variable(&problem.variable).detail(&problem.message))
        .collect()
}
