//! Who gets what: origins, roles, rooms, features, times.

use crate::check::Repair::{self, Do, Login, Set};
use crate::check::checks;
use crate::context::Context;
use crate::hit::Hit;
use crate::profile::{BILLED, EXAMPLE_ORIGIN};

const ORIGINS: &str = "allowed_origins";
const SHARED: &str =
    "entry {} allows the pages of strangers: anybody can register a name in place of its *.";
const NAME_THEM: Repair = Do("name your own origins instead, without a *");

checks! {
    Warning "origins-empty" |c| c.hit(ORIGINS, c.text(ORIGINS).is_empty()).map(|hit| {
        let nobody = c.is_true("require_origin");
        hit.detail(if nobody { "nobody at all" } else { "no web page" })
    })
        => "is empty, so that {} can get a token.", Set(EXAMPLE_ORIGIN);
    Hint "origins-default" |c| c.hit(ORIGINS, !c.facts.is_changed(ORIGINS))
        => "has its default, vTaiwan's pages: yours are not among them.", Set(EXAMPLE_ORIGIN);
    Error "origin-shared" |c| shared(c).filter(|_| c.production) => SHARED, NAME_THEM;
    Hint "origin-shared" |c| shared(c).filter(|_| !c.production) => SHARED, NAME_THEM;

    Warning "moderator-open" |c| c.hit("auth_mode", c.is_open())
        => "is none: anybody can become moderator of every open room.", Login;
    Warning "open-features" |c| billed(c, "moderator_features").filter(|_| c.is_open())
        => "lets anybody use what 8x8 bills to you: {}.", Set("");
    Warning "member-features" |c| billed(c, "member_features")
        => "lets people who are no moderators use what 8x8 bills to you: {}.", Set("");
    Warning "default-room-closed" |c| c.hit("default_room", c.default_room_is_closed)
        => "is not among allowed_rooms: a request without a room is rejected.", Set("");
    Hint "person-default" |c| {
        let id = c.text("default_user_id");
        let is_shared = !id.is_empty() && !id.contains("{random}");
        let some_are_unknown = matches!(c.text("auth_mode"), "none" | "optional");
        c.hit("default_user_id", is_shared && some_are_unknown)
    }
        => "is the same for everybody without a login: a ban of one in a meeting hits all.", Set("guest-{random}");

    Warning "ttl-long" |c| c.hit("token_ttl_seconds", c.number("token_ttl_seconds") > Some(3600))
        => "is more than 3600: a token that is passed on stays valid that long.", Set("3600");
    Warning "leeway-short" |c| c.hit("token_leeway_seconds", c.number("token_leeway_seconds").is_some_and(|s| s < 10))
        => "is less than 10: a browser whose clock is a little slow rejects the token.", Set("60");
}

fn shared(c: &Context) -> impl Iterator<Item = Hit> {
    let shared = c.origins.iter().filter(|origin| origin.is_shared());
    shared.map(|origin| Hit::variable(ORIGINS).detail(origin.place))
}

fn billed(c: &Context, variable: &str) -> Option<Hit> {
    let features = c.features(variable, BILLED)?;
    Some(Hit::variable(variable).detail(features))
}
