//! The production profile: the values that are recommended, as one table, and what is weaker.
//!
//! `SECURITY.md` shows it as a block of variables to copy; a test keeps both equal.

use devkit_spin_app::environment_name;

use crate::check::Finding;
use crate::context::Context;
use crate::hit::{Hit, Subject, Value};

/// The features that 8x8 bills to the owner.
pub const BILLED: &[&str] = &[
    "livestreaming",
    "recording",
    "transcription",
    "sip-inbound-call",
    "sip-outbound-call",
    "inbound-call",
    "outbound-call",
];

pub const EXAMPLE_ORIGIN: &str = "https://app.example.org";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// This, case-insensitively.
    Is(&'static str),
    /// Anything but nothing.
    Something,
    /// Nothing, or a value of one's own: not the default.
    Chosen,
    /// Origins of one's own, none of them on the visitor's machine.
    Pages,
    /// Rooms by name; a star alone is none.
    Rooms,
    /// At most so many seconds.
    AtMost(u64),
    /// Features, and none of these.
    NoneOf(&'static [&'static str]),
    /// Anything: it is recommended, and not demanded.
    Recommended,
}

/// One line of the profile: the variable, its value in the block to copy, what is not weaker than that, and why (the
/// end of a sentence, and a comment in the block).
pub struct Requirement(&'static str, &'static str, Rule, &'static str);

/// The features that call telephones at the owner's cost.
const DIALLING: &[&str] = &["sip-outbound-call", "outbound-call"];

#[rustfmt::skip]
pub const PROFILE: [Requirement; 12] = [
    Requirement("auth_mode", "required", Rule::Is("required"), "only people whom your login knows get a token"),
    Requirement("auth_issuer", "https://login.example.org", Rule::Something, "who makes the credentials: the claim iss"),
    Requirement("auth_audience", "jaas-jwt.example.org", Rule::Something, "for whom they are made: the claim aud"),
    Requirement("allowed_origins", EXAMPLE_ORIGIN, Rule::Pages, "only your own pages, none on a visitor's machine"),
    Requirement("require_origin", "true", Rule::Is("true"), "web pages are the only callers"),
    Requirement("disclose_origins", "false", Rule::Is("false"), "a page that is rejected learns nothing of the others"),
    Requirement("allowed_rooms", "my-room, meetup-*", Rule::Rooms, "only the rooms that you mean to open"),
    Requirement("default_room", "", Rule::Chosen, "a request that names no room gets none"),
    Requirement("moderator_features", "livestreaming", Rule::NoneOf(DIALLING), "nobody dials telephones at your cost"),
    Requirement("member_features", "", Rule::NoneOf(BILLED), "members have nothing that 8x8 bills"),
    Requirement("token_ttl_seconds", "3600", Rule::AtMost(3600), "a token that is passed on is good for an hour at most"),
    Requirement("signing_engine", "rs256", Rule::Recommended, "the same tokens as by jwt-simple, several times faster; `cargo dev doctor` signs with both and compares the bytes"),
];

/// The checks that say the same of a variable as its line of the profile, in weaker words.
pub const SAID_BY_THE_PROFILE: [&str; 6] = [
    "moderator-open",
    "origins-empty",
    "origins-default",
    "open-features",
    "member-features",
    "ttl-long",
];

/// The block of variables, in the format of an env file.
pub fn block() -> String {
    PROFILE
        .iter()
        .map(|Requirement(variable, value, _, why)| {
            format!("# {why}\n{}=\"{value}\"\n", environment_name(variable))
        })
        .collect()
}

/// What is weaker than the profile, where that is required.
pub fn weaker(context: &Context) -> Vec<Hit> {
    let lines = PROFILE.iter().filter(|line| {
        let describes_a_login = ["auth_issuer", "auth_audience"].contains(&line.0);
        let is_needless = describes_a_login && context.is_by_invitation_alone();
        // What the service rejects is an error already.
        context.production && !is_needless && !context.is_wrong(line.0) && !line.holds(context)
    });
    lines
        .map(|Requirement(variable, value, rule, why)| {
            let local: Vec<String> = context
                .origins
                .iter()
                .filter(|origin| *rule == Rule::Pages && origin.is_local())
                .map(|origin| origin.place.to_string())
                .collect();
            let entries = match local.is_empty() {
                true => String::new(),
                false => format!(" (entry {})", local.join(", ")),
            };
            let repair = match *variable {
                "auth_mode" => context.set_login(),
                _ => context.set(&[(variable, Value::Text(value))]),
            };
            Hit::variable(variable)
                .detail(format!("{why}{entries}"))
                .repair(repair)
        })
        .collect()
}

impl Requirement {
    fn holds(&self, context: &Context) -> bool {
        let Self(variable, _, rule, _) = *self;
        let text = context.text(variable);
        match rule {
            Rule::Is(wanted) => text.eq_ignore_ascii_case(wanted),
            Rule::Something => !text.is_empty(),
            Rule::Chosen => text.is_empty() || context.facts.is_changed(variable),
            Rule::Pages => {
                context.facts.is_changed(variable)
                    && !context.origins.is_empty()
                    && !context.origins.iter().any(|origin| origin.is_local())
            }
            Rule::Rooms => {
                let rooms = context.entries(variable);
                let is_any = |room: &String| room.bytes().all(|b| b == b'*');
                !rooms.is_empty() && !rooms.iter().any(is_any)
            }
            Rule::AtMost(seconds) => context
                .number(variable)
                .is_some_and(|value| value <= seconds),
            Rule::Recommended => true,
            Rule::NoneOf(features) => context.features(variable, features).is_none(),
        }
    }
}

/// Removes what the profile says of the same variable.
pub fn remove_weaker_words(findings: &mut Vec<Finding>) {
    let said: Vec<Subject> = findings
        .iter()
        .filter(|finding| finding.id == "weaker-than-production")
        .map(|finding| finding.subject.clone())
        .collect();
    findings.retain(|finding| {
        !(SAID_BY_THE_PROFILE.contains(&finding.id) && said.contains(&finding.subject))
    });
}
