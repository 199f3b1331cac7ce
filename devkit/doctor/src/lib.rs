//! `cargo dev doctor`: what is wrong with a configuration, before people find out.
//!
//! The service's own code says what it cannot use ([`jaas_jwt::config`]); the modules here add what it cannot know or has
//! no say in: [`facts`] gathers files, environment and their sources as `cargo dev up` does, [`files`] looks at who can
//! read them, [`values`] at texts and names, [`credentials`] and [`policy`] at what they decide, [`profile`] at what production should have, and [`token`]
//! signs one and judges it. No finding holds any part of a value.
#![forbid(unsafe_code)]

pub mod credentials;
pub mod facts;
pub mod files;
pub mod finding;
pub mod policy;
pub mod profile;
pub mod report;
pub mod token;
pub mod values;

use jaas_jwt::config::Config;

use credentials::PublicHalf;
use facts::Facts;
use finding::{Finding, Kind, Subject};
use report::Report;

/// Examines a configuration. `now` is in seconds since 1970-01-01 UTC.
#[must_use]
pub fn examine(facts: &Facts, production: bool, now: u64) -> Report {
    let mut found = facts.broken.clone();
    let mut token = None;
    files::examine(facts, &mut found);
    if facts.broken.is_empty() {
        token = examine_settings(facts, production, now, &mut found);
    }
    found.sort_by_key(|finding| finding.kind.severity());
    Report {
        production,
        findings: found,
        token,
    }
}

fn examine_settings(
    facts: &Facts,
    production: bool,
    now: u64,
    found: &mut Vec<Finding>,
) -> Option<token::Judgement> {
    let config = Config::read(|name| Ok(facts.value(name).map(str::to_owned)));
    let problems = config.signer().err().unwrap_or_default();
    let complete = problems.is_empty();
    for problem in problems {
        // A provider that only the host asks may give it.
        if problem.is_missing() && !facts.settings.other_providers().is_empty() {
            continue;
        }
        found.push(Finding {
            kind: if problem.is_missing() {
                Kind::Missing
            } else {
                Kind::Invalid
            },
            subject: Subject::Variable(problem.variable().to_owned()),
            message: problem.message().to_owned(),
            repair: None,
        });
    }
    values::examine(facts, found);
    values::examine_names(facts, found);
    let key = PublicHalf::of(facts);
    credentials::examine(facts, &config, key.as_ref(), found);
    policy::examine(facts, &config, found);
    if production {
        profile::examine(facts, &config, found);
    }

    let key = key.filter(|_| complete)?;
    match token::sign(facts, now) {
        Ok(token) => {
            let (judgement, findings) =
                token::judge(&token, &key, now.try_into().unwrap_or(i64::MAX));
            found.extend(findings);
            Some(judgement)
        }
        Err(finding) => {
            found.push(finding);
            None
        }
    }
}
