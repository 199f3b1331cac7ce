//! Who gets what: origins, roles, rooms, features, times. With the production profile, its stricter findings replace some of
//! these.

use crate::check::checks;
use crate::context::Context;
use crate::finding::Hit;
use crate::profile::{BILLED, EXAMPLE_ORIGIN};
use crate::service;

const ORIGINS: &str = "allowed_origins";

checks! {
    Warning "origins-empty" |c| {
        let who = if c.is("require_origin", "true") { "nobody at all" } else { "no web page" };
        let message = format!("is empty, so that {who} can get a token.");
        c.hit(ORIGINS, !c.production && !c.is_set(ORIGINS), message, EXAMPLE_ORIGIN)
    };
    Hint "origins-default" |c| c.hit(ORIGINS, !c.production && !c.facts.is_changed(ORIGINS),
        "has its default, vTaiwan's pages: yours are not among them.", EXAMPLE_ORIGIN);
    Error "origin-shared" |c| shared(c).filter(|_| c.production);
    Hint "origin-shared" |c| shared(c).filter(|_| !c.production);

    Warning "moderator-open" |c| c.hit("auth_mode", !c.production && c.is_open(),
        "is none: anybody can become moderator of every open room.", "").map(|hit| hit.repair(c.set_login()));
    Warning "open-features" |c| billed(c, "moderator_features", "lets anybody use what 8x8 bills to you")
        .filter(|_| !c.production && c.is_open());
    Warning "member-features" |c| billed(c, "member_features", "lets people who are no moderators use what 8x8 bills to you")
        .filter(|_| !c.production);
    Warning "default-room-closed" |c| {
        let is_open = service::is_room_of(c.text("allowed_rooms"), c.text("default_room"));
        c.hit("default_room", is_open == Some(false),
            "is not among allowed_rooms: a request without a room is rejected.", "")
    };

    Warning "ttl-long" |c| c.hit("token_ttl_seconds", !c.production && c.number("token_ttl_seconds") > Some(3600),
        "is more than 3600: a token that is passed on stays valid that long.", "3600");
    Warning "leeway-short" |c| c.hit("token_leeway_seconds", c.number("token_leeway_seconds").is_some_and(|s| s < 10),
        "is less than 10: a browser whose clock is a little slow rejects the token.", "60");
}

fn shared(c: &Context) -> impl Iterator<Item = Hit> {
    let shared = c.origins.iter().filter(|origin| origin.is_shared());
    shared.map(|origin| {
        let message = format!(
            "entry {} allows the pages of strangers: anybody can register a name in place of its *.",
            origin.place
        );
        Hit::variable(ORIGINS, message).repair("name your own origins instead, without a *")
    })
}

fn billed(c: &Context, variable: &str, message: &str) -> Option<Hit> {
    let features = c.features(variable, BILLED)?;
    Some(Hit::variable(variable, format!("{message}: {features}.")).repair(c.set(variable, "")))
}
