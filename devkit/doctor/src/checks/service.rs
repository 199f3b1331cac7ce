//! What the service itself reports: on its configuration, and by the token that it signs.

use crate::check::checks;
use crate::context::Context;
use crate::finding::Hit;
use crate::profile::{self, EXAMPLE_ORIGIN};
use crate::token::Judgement;

/// The command that checks a key for consistency.
const CHECK_KEY: &str = "openssl rsa -in key.pem -check -noout";

checks! {
    Error "missing" |c| problems(c, true);
    Error "invalid" |c| problems(c, false);
    Error "token-refused" |c| c.token.as_ref().and_then(|token| token.as_ref().err()).map(|rejection| {
        let (status, message) = (rejection.status, &rejection.message);
        let message = format!("was not made: the service responds {status} with \"{message}\".");
        Hit::token(message).repair(match status {
            403 => c.set("allowed_origins", EXAMPLE_ORIGIN),
            _ => CHECK_KEY.to_owned(),
        })
    });
    Error "token-rule" |c| judged(c).flat_map(|token| &token.broken_rules).map(|rule| {
        let hit = Hit::token(format!("breaks a rule of Jitsi's: {rule}."));
        hit.repair("report this as a fault of the service; no setting causes it")
    });
    Error "token-signature" |c| judged(c).filter(|token| !token.signature_verified).map(|_| {
        Hit::token("has a signature that does not belong to the key.").repair(CHECK_KEY)
    });
    Error "weaker-than-production" |c| profile::weaker(c);
}

/// Returns hits for the variables that the service rejects: those that are missing, or those that are wrong.
fn problems(c: &Context, missing: bool) -> impl Iterator<Item = Hit> {
    let problems = c.problems.iter();
    let problems = problems.filter(move |problem| problem.is_missing() == missing);
    problems.map(|problem| Hit::variable(problem.variable(), problem.message()))
}

fn judged<'a>(c: &'a Context) -> impl Iterator<Item = &'a Judgement> {
    c.token.iter().flatten()
}
