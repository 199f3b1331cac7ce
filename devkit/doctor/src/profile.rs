//! The production profile: the values that are recommended, as one table, and what is weaker.
//!
//! `SECURITY.md` shows it as a block of variables to copy; a test keeps both equal.

use devkit::settings::environment_name;
use jaas_jwt::config::{Config, Variable, variable};

use crate::facts::Facts;
use crate::finding::{Finding, Kind};
use crate::policy::{BILLED, is_every_room, keys_in, origins};
use crate::values::set;

/// What a variable must hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// This, in any letter case.
    Is(&'static str),
    /// Anything but nothing.
    Something,
    /// Origins of one's own, none of them on the visitor's machine.
    Pages,
    /// Rooms by name; a star alone is none.
    Rooms,
    /// At most so many seconds.
    AtMost(u64),
    /// Features, and none of these.
    NoneOf(&'static [&'static str]),
}

/// One line of the profile.
#[derive(Debug, Clone, Copy)]
pub struct Requirement {
    /// The variable.
    pub variable: Variable,
    /// The value in the block to copy.
    pub value: &'static str,
    /// What is not weaker than that.
    pub rule: Rule,
    /// Why; the end of a sentence, and a comment in the block.
    pub why: &'static str,
}

/// The features that call telephones at the owner's cost.
const DIALLING: &[&str] = &["sip-outbound-call", "outbound-call"];

/// The profile.
pub const PROFILE: [Requirement; 10] = [
    Requirement {
        variable: variable::AUTH_MODE,
        value: "required",
        rule: Rule::Is("required"),
        why: "only people whom your login knows get a token",
    },
    Requirement {
        variable: variable::AUTH_ISSUER,
        value: "https://login.example.org",
        rule: Rule::Something,
        why: "who makes the credentials: the claim iss",
    },
    Requirement {
        variable: variable::AUTH_AUDIENCE,
        value: "jaas-jwt.example.org",
        rule: Rule::Something,
        why: "for whom they are made: the claim aud",
    },
    Requirement {
        variable: variable::ALLOWED_ORIGINS,
        value: "https://app.example.org",
        rule: Rule::Pages,
        why: "only your own pages, none on a visitor's machine",
    },
    Requirement {
        variable: variable::REQUIRE_ORIGIN,
        value: "true",
        rule: Rule::Is("true"),
        why: "web pages are the only callers",
    },
    Requirement {
        variable: variable::DISCLOSE_ORIGINS,
        value: "false",
        rule: Rule::Is("false"),
        why: "a page that is refused learns nothing of the others",
    },
    Requirement {
        variable: variable::ALLOWED_ROOMS,
        value: "my-room, meetup-*",
        rule: Rule::Rooms,
        why: "only the rooms that you mean to open",
    },
    Requirement {
        variable: variable::MODERATOR_FEATURES,
        value: "livestreaming",
        rule: Rule::NoneOf(DIALLING),
        why: "nobody dials telephones at your cost",
    },
    Requirement {
        variable: variable::MEMBER_FEATURES,
        value: "",
        rule: Rule::NoneOf(&BILLED),
        why: "members have nothing that 8x8 bills",
    },
    Requirement {
        variable: variable::TOKEN_TTL_SECONDS,
        value: "3600",
        rule: Rule::AtMost(3600),
        why: "a token that is passed on is good for an hour at most",
    },
];

/// The findings that say the same of a variable as its line of the profile, in weaker words.
const SAID_BY_THE_PROFILE: [Kind; 12] = [
    Kind::ModeratorOpen,
    Kind::Guests,
    Kind::OriginsEmpty,
    Kind::OriginsDefault,
    Kind::OriginLocal,
    Kind::OriginOptional,
    Kind::OriginsDisclosed,
    Kind::RoomsOpen,
    Kind::OpenFeatures,
    Kind::MemberFeatures,
    Kind::TtlLong,
    Kind::ModeratorDefault,
];

/// The block of variables, in the format of an env file.
#[must_use]
pub fn block() -> String {
    PROFILE
        .iter()
        .map(|line| {
            let name = environment_name(line.variable.name);
            format!("# {}\n{name}=\"{}\"\n", line.why, line.value)
        })
        .collect()
}

/// Refuses what is weaker than the profile.
pub fn examine(facts: &Facts, config: &Config, found: &mut Vec<Finding>) {
    for line in &PROFILE {
        let name = line.variable.name;
        // What cannot be used is an error already.
        if config.is_wrong(line.variable) || line.holds(facts, config) {
            continue;
        }
        found.retain(|finding| {
            !(SAID_BY_THE_PROFILE.contains(&finding.kind)
                && finding.subject == crate::finding::Subject::Variable(name.to_owned()))
        });
        found.push(Finding::of_variable(
            Kind::WeakerThanProduction,
            name,
            format!("is weaker than the production profile: {}.", line.why),
            set(name, &format!("\"{}\"", line.value)),
        ));
    }
}

impl Requirement {
    fn holds(&self, facts: &Facts, config: &Config) -> bool {
        let name = self.variable.name;
        let value = facts.value(name).unwrap_or_default().trim();
        match self.rule {
            Rule::Is(wanted) => value.eq_ignore_ascii_case(wanted),
            Rule::Something => !value.is_empty(),
            Rule::Pages => {
                let origins = origins(value);
                facts.is_changed(name)
                    && !origins.is_empty()
                    && !origins.iter().any(|origin| origin.is_local())
            }
            Rule::Rooms => !is_every_room(config.allowed_rooms.as_ref()),
            Rule::AtMost(seconds) => config.validity.ttl_seconds <= seconds,
            Rule::NoneOf(keys) => {
                let features = if name == variable::MEMBER_FEATURES.name {
                    &config.member_features
                } else {
                    &config.moderator_features
                };
                keys_in(features, keys).is_empty()
            }
        }
    }
}
