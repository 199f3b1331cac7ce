//! The production profile: a table of recommended values, and the check for weaker ones.
//!
//! `SECURITY.md` shows it as a block of variables to copy; a test keeps both equal.

use devkit_spin_app::environment_name;

use crate::context::Context;
use crate::finding::Hit;

/// The features that 8x8 bills to the account's owner.
pub const BILLED: &[&str] = &[
    "livestreaming",
    "recording",
    "transcription",
    "sip-inbound-call",
    "sip-outbound-call",
    "inbound-call",
    "outbound-call",
];

/// The features that call telephones at the owner's cost.
const DIALLING: &[&str] = &["sip-outbound-call", "outbound-call"];

pub const EXAMPLE_ORIGIN: &str = "https://app.example.org";

/// A row of the profile: the variable, its value in the block to copy, whether the configured value is at least as strong,
/// and the reason (the end of a sentence, and a comment in the block).
pub struct Requirement(&'static str, &'static str, Holds, &'static str);

/// Returns whether the value of the variable with this name is at least as strong.
type Holds = fn(&Context, &str) -> bool;

#[rustfmt::skip]
pub const PROFILE: [Requirement; 12] = [
    Requirement("auth_mode", "required", |c, it| c.is(it, "required"), "only people whom your login knows get a token"),
    Requirement("auth_issuer", "https://login.example.org", describes_a_login, "who makes the credentials: the claim iss"),
    Requirement("auth_audience", "jaas-jwt.example.org", describes_a_login, "for whom they are made: the claim aud"),
    Requirement("allowed_origins", EXAMPLE_ORIGIN, has_own_pages, "only your own pages, none on a visitor's machine"),
    Requirement("require_origin", "true", |c, it| c.is(it, "true"), "web pages are the only callers"),
    Requirement("disclose_origins", "false", |c, it| c.is(it, "false"), "a page that is rejected learns nothing of the others"),
    Requirement("allowed_rooms", "my-room, meetup-*", names_rooms, "only the rooms that you mean to open"),
    Requirement("default_room", "", |c, it| !c.is_set(it) || c.facts.is_changed(it), "a request that names no room gets none"),
    Requirement("moderator_features", "livestreaming", |c, it| c.features(it, DIALLING).is_none(), "nobody dials telephones at your cost"),
    Requirement("member_features", "", |c, it| c.features(it, BILLED).is_none(), "members have nothing that 8x8 bills"),
    Requirement("token_ttl_seconds", "3600", |c, it| c.number(it).is_some_and(|it| it <= 3600), "a token that is passed on is good for an hour at most"),
    // A recommendation, which is not demanded.
    Requirement("signing_engine", "rs256", |_, _| true, "the same tokens as by jwt-simple, several times faster; `cargo dev doctor` signs with both and compares the bytes"),
];

fn describes_a_login(context: &Context, variable: &str) -> bool {
    context.is_set(variable) || context.is_by_invitation_alone()
}

fn has_own_pages(context: &Context, variable: &str) -> bool {
    let origins = &context.origins;
    let is_local = origins.iter().any(|origin| origin.is_local());
    context.facts.is_changed(variable) && !origins.is_empty() && !is_local
}

/// Returns whether the list names rooms. A `*` alone does not.
fn names_rooms(context: &Context, variable: &str) -> bool {
    let rooms = context.entries(variable);
    let is_any = |room: &String| room.bytes().all(|b| b == b'*');
    !rooms.is_empty() && !rooms.iter().any(is_any)
}

/// Returns the block of variables in the format of an env file.
pub fn block() -> String {
    let lines = PROFILE.iter().map(|Requirement(variable, value, _, why)| {
        format!("# {why}\n{}=\"{value}\"\n", environment_name(variable))
    });
    lines.collect()
}

/// Returns what is weaker than the profile, if it is required. What the service rejects is reported as an error already.
pub fn weaker(context: &Context) -> Vec<Hit> {
    let weaker = PROFILE.iter().filter(|Requirement(variable, _, holds, _)| {
        context.production && !context.is_wrong(variable) && !holds(context, variable)
    });
    weaker
        .map(|Requirement(variable, value, _, why)| {
            let repair = match *variable {
                "auth_mode" => context.set_login(),
                _ => context.set(variable, value),
            };
            Hit::variable(variable, format!("is too weak for production: {why}.")).repair(repair)
        })
        .collect()
}
