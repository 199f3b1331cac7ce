//! What the service itself says: of its configuration, and by the token that it signs.

use crate::check::Repair::{Do, InMessage};
use crate::check::checks;
use crate::context::Context;
use crate::hit::{Hit, Subject, Value};
use crate::profile;
use crate::profile::EXAMPLE_ORIGIN;
use crate::token::Judgement;

/// The command that tells whether a key is whole.
const CHECK_KEY: &str = "openssl rsa -in key.pem -check -noout";

checks! {
    Error "missing" |c| problems(c).filter_map(|(missing, hit)| missing.then_some(hit)) => "{}", InMessage;
    Error "invalid" |c| problems(c).filter_map(|(missing, hit)| (!missing).then_some(hit)) => "{}", InMessage;
    Error "token-refused" |c| c.token.as_ref().and_then(|token| token.as_ref().err()).map(|rejection| {
        let hit = Hit::on(Subject::Token).detail(rejection.status).detail(&rejection.message);
        match rejection.status {
            403 => hit.repair(c.set(&[("allowed_origins", Value::Text(EXAMPLE_ORIGIN))])),
            _ => hit,
        }
    })
        => "was not made: the service responds {} with \"{}\".", Do(CHECK_KEY);
    Error "token-rule" |c| judged(c).flat_map(|token| &token.broken_rules).map(|rule| Hit::on(Subject::Token).detail(rule))
        => "breaks a rule of Jitsi's: {}.", Do("report this as a fault of the service; no setting causes it");
    Error "token-signature" |c| judged(c).filter(|token| !token.signature_verified).map(|_| Hit::on(Subject::Token))
        => "has a signature that does not belong to the key.", Do(CHECK_KEY);
    Error "weaker-than-production" |c| profile::weaker(c)
        => "is too weak for production: {}.", InMessage;
}

/// What the service rejects: whether it is missing, and the hit.
fn problems(c: &Context) -> impl Iterator<Item = (bool, Hit)> {
    c.problems.iter().map(|problem| {
        let hit = Hit::variable(problem.variable()).detail(problem.message());
        (problem.is_missing(), hit)
    })
}

fn judged<'a>(c: &'a Context) -> impl Iterator<Item = &'a Judgement> {
    c.token.iter().flatten()
}
