//! Guests: invitations, webhooks, and the limit of monthly users.

use crate::check::Repair::{Do, Set};
use crate::check::checks;
use crate::context::Context;
use crate::hit::Hit;

/// Secrets that others know too, or who hold one of these may do what the other is for.
const SECRETS: [&str; 3] = [
    "operator_token",
    "jaas_webhook_authorization",
    "jaas_webhook_secret",
];

checks! {
    Warning "secret-shared" |c| shared(c)
        => "is invitation_secret as well: who knows one can use the other.", Do("make another: `openssl rand -base64 48`");
    Warning "guest-rooms-unused" |c| c.hit("guest_rooms", is_set(c, "guest_rooms") && c.text("auth_mode") == "required")
        => "is for guests, and auth_mode is required: there are none.", Set("");
    Warning "invitation-unused" |c| ["invitation_link", "invitations_not_before"].into_iter()
        .filter(|name| is_set(c, name) && !is_set(c, "invitation_secret"))
        .map(Hit::variable)
        => "is for invitations, and there is no invitation_secret.", Set("");
    Warning "usage-uncounted" |c| {
        let is_counted = is_set(c, "jaas_webhook_secret") || c.is_true("count_issued");
        c.hit("operator_token", is_set(c, "operator_token") && !is_counted)
    }
        => "is set and nothing counts users: /api/usage says 0 for ever.", Do("set jaas_webhook_secret, or count_issued = true");
    Warning "reserve-lost" |c| {
        let has_login = c.text("auth_mode") != "none" && !c.is_by_invitation_alone();
        let is_kept = !["0", "0%"].contains(&c.text("monthly_user_reserve"));
        let is_limited = c.number("monthly_user_limit").is_some_and(|limit| limit > 0);
        c.hit("monthly_user_reserve", is_limited && is_kept && !has_login)
    }
        => "keeps places for people with a login, and there is none: nobody can take them.", Set("0");
}

fn is_set(c: &Context, name: &str) -> bool {
    !c.text(name).is_empty()
}

fn shared(c: &Context) -> impl Iterator<Item = Hit> {
    let secret = c.text("invitation_secret");
    SECRETS
        .into_iter()
        .filter(move |name| {
            !secret.is_empty()
                && c.text(name)
                    .split([',', ' ', '\n'])
                    .any(|text| text == secret)
        })
        .map(Hit::variable)
}
