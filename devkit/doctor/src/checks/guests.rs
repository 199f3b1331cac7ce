//! Guests: invitations, webhooks, and the limit of monthly users.

use crate::check::checks;
use crate::context::Context;
use crate::finding::Hit;

/// Secrets that must differ from `invitation_secret`: otherwise, anybody who knows one can also do what the other is for.
const SECRETS: [&str; 3] = [
    "operator_token",
    "jaas_webhook_authorization",
    "jaas_webhook_secret",
];

checks! {
    Warning "secret-shared" |c| shared(c);
    Warning "guest-rooms-unused" |c| c.hit("guest_rooms", c.is_set("guest_rooms") && c.text("auth_mode") == "required",
        "is for guests, and auth_mode is required: there are none.", "");
    Warning "invitation-unused" |c| ["invitation_link", "invitations_not_before"].into_iter().filter_map(|name| {
        let is_unused = c.is_set(name) && !c.is_set("invitation_secret");
        c.hit(name, is_unused, "is for invitations, and there is no invitation_secret.", "")
    });
    Warning "usage-uncounted" |c| {
        let is_counted = c.is_set("jaas_webhook_secret") || c.is("count_issued", "true");
        let hit = c.hit("operator_token", c.is_set("operator_token") && !is_counted,
            "is set and nothing counts users: /api/usage says 0 for ever.", "");
        hit.map(|hit| hit.repair("set jaas_webhook_secret, or count_issued = true"))
    };
    Warning "reserve-lost" |c| {
        let has_login = c.text("auth_mode") != "none" && !c.is_by_invitation_alone();
        let is_kept = !["0", "0%"].contains(&c.text("monthly_user_reserve"));
        let is_limited = c.number("monthly_user_limit").is_some_and(|limit| limit > 0);
        c.hit("monthly_user_reserve", is_limited && is_kept && !has_login,
            "keeps places for people with a login, and there is none: nobody can take them.", "0")
    };
}

fn shared(c: &Context) -> impl Iterator<Item = Hit> {
    let secret = c.text("invitation_secret");
    let has = move |name: &&str| {
        let mut texts = c.text(name).split([',', ' ', '\n']);
        !secret.is_empty() && texts.any(|text| text == secret)
    };
    let message = "is invitation_secret as well: who knows one can use the other.";
    let hit =
        move |name| Hit::variable(name, message).repair("make another: `openssl rand -base64 48`");
    SECRETS.into_iter().filter(has).map(hit)
}
