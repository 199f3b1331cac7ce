//! Who gets what: origins, roles, rooms, features, times.

use crate::check::Repair::{Do, Login, Set};
use crate::check::Severity::{Error, Hint, Warning};
use crate::check::{Check, Hit};
use crate::context::Context;

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

/// The origin in repairs.
pub const EXAMPLE_ORIGIN: &str = "https://app.example.org";

const ORIGINS: &str = "allowed_origins";

pub const CHECKS: &[Check] = &[
    Check {
        id: "origins-empty",
        severity: Warning,
        when: |context| {
            let nobody = context.is_true("require_origin");
            let hits = context.hit(ORIGINS, context.words(ORIGINS).next().is_none());
            let who = if nobody {
                "nobody at all"
            } else {
                "no web page"
            };
            hits.into_iter().map(|hit| hit.detail(who)).collect()
        },
        message: "is empty, so that {} can get a token.",
        repair: Set(EXAMPLE_ORIGIN),
    },
    Check {
        id: "origins-default",
        severity: Hint,
        when: |context| context.hit(ORIGINS, !context.facts.is_changed(ORIGINS)),
        message: "has its default, vTaiwan's pages: yours are not among them.",
        repair: Set(EXAMPLE_ORIGIN),
    },
    Check {
        id: "origin-shared",
        severity: Error,
        when: |context| shared(context, true),
        message: "entry {} allows the pages of strangers: anybody can register a name in place of its *.",
        repair: Do("name your own origins instead, without a *"),
    },
    Check {
        id: "origin-shared",
        severity: Hint,
        when: |context| shared(context, false),
        message: "entry {} allows the pages of strangers: anybody can register a name in place of its *.",
        repair: Do("name your own origins instead, without a *"),
    },
    Check {
        id: "origin-unlikely",
        severity: Warning,
        when: |context| {
            let origins = context.origins.iter();
            let unlikely = origins.filter_map(|origin| {
                let why = origin.why_unlikely()?;
                Some(
                    Hit::variable(ORIGINS)
                        .detail(origin.place.to_string())
                        .detail(why),
                )
            });
            unlikely.collect()
        },
        message: "entry {} will hardly ever match: {}.",
        repair: Do("copy it from `location.origin` in the page's console"),
    },
    Check {
        id: "moderator-open",
        severity: Warning,
        when: |context| context.hit("auth_mode", context.is_open()),
        message: "is none: anybody can become moderator of every open room.",
        repair: Login,
    },
    Check {
        id: "open-features",
        severity: Warning,
        when: |context| {
            let billed = context.features("moderator_features", BILLED);
            billed_to_you("moderator_features", billed.filter(|_| context.is_open()))
        },
        message: "lets anybody use what 8x8 bills to you: {}.",
        repair: Set(""),
    },
    Check {
        id: "member-features",
        severity: Warning,
        when: |context| {
            billed_to_you(
                "member_features",
                context.features("member_features", BILLED),
            )
        },
        message: "lets people who are no moderators use what 8x8 bills to you: {}.",
        repair: Set(""),
    },
    Check {
        id: "default-room-closed",
        severity: Warning,
        when: |context| context.hit("default_room", context.default_room_is_closed()),
        message: "is not among allowed_rooms: a request without a room is rejected.",
        repair: Set(""),
    },
    Check {
        id: "person-default",
        severity: Hint,
        when: |context| {
            let id = context.text("default_user_id");
            let same = !id.is_empty() && !id.contains("{random}");
            let some_are_unknown = matches!(context.text("auth_mode"), "none" | "optional");
            context.hit("default_user_id", same && some_are_unknown)
        },
        message: "is the same for everybody without a login: a ban of one in a meeting hits all.",
        repair: Set("guest-{random}"),
    },
    Check {
        id: "ttl-long",
        severity: Warning,
        when: |context| {
            let seconds = context.number("token_ttl_seconds");
            context.hit(
                "token_ttl_seconds",
                seconds.is_some_and(|seconds| seconds > 3600),
            )
        },
        message: "is more than 3600: a token that is passed on stays valid that long.",
        repair: Set("3600"),
    },
    Check {
        id: "leeway-short",
        severity: Warning,
        when: |context| {
            let seconds = context.number("token_leeway_seconds");
            context.hit(
                "token_leeway_seconds",
                seconds.is_some_and(|seconds| seconds < 10),
            )
        },
        message: "is less than 10: a browser whose clock is a little slow rejects the token.",
        repair: Set("60"),
    },
];

fn shared(context: &Context, production: bool) -> Vec<Hit> {
    let origins = context.origins.iter();
    origins
        .filter(|origin| context.production == production && origin.is_shared())
        .map(|origin| Hit::variable(ORIGINS).detail(origin.place.to_string()))
        .collect()
}

fn billed_to_you(variable: &str, features: Option<String>) -> Vec<Hit> {
    features
        .map(|features| Hit::variable(variable).detail(features))
        .into_iter()
        .collect()
}
