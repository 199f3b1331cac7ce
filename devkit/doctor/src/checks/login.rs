//! The login: keys and secrets of it.

use std::collections::BTreeSet;

use crate::check::Repair::{Do, Output};
use crate::check::{Hit, checks};
use crate::context::Context;
use crate::jwks::Dropped;

/// Every random secret of 32 bytes has as many different characters, in hexadecimal too.
const MIN_DIFFERENT_CHARACTERS: usize = 10;

const SECRET: &str = "auth_hs256_secret";

checks! {
    Error "jwks-private" |c| dropped(c, |why| (*why == Dropped::Private).then_some(""))
        => "holds the private part of key {}, which only your login may have; make a new pair.",
        Output("curl -fsS JWKS_URI_OF_YOUR_LOGIN");
    Warning "jwks-key-unused" |c| dropped(c, |why| match why {
        Dropped::Because(why) => Some(why),
        Dropped::Private | Dropped::OtherPurpose => None,
    })
        => "key {} is not used, and what it signs gets 401: {}.",
        Do("let the login sign with RSA of 2048 to 4096 bits, P-256 or Ed25519 and give the key a kid; or remove the key");
    Warning "secret-guessable" |c| {
        let different: BTreeSet<char> = c.text(SECRET).chars().collect();
        c.hit(SECRET, !different.is_empty() && different.len() < MIN_DIFFERENT_CHARACTERS)
    }
        => "has fewer than 10 different characters and can be guessed; it must be random.",
        Output("openssl rand -base64 48");
    Hint "secret-newline" |c| {
        let is_used = !c.is_open() && !c.text(SECRET).is_empty();
        c.hit(SECRET, is_used && c.value(SECRET).ends_with(['\n', '\r']))
    }
        => "ends with a line feed, which the service removes: the login must sign without it.",
        Do("printf %s \"$(cat FILE)\" > FILE.new, for the login's own copy");
}

fn dropped<'a>(
    c: &'a Context,
    why: impl Fn(&Dropped) -> Option<&'static str> + 'a,
) -> impl Iterator<Item = Hit> + 'a {
    c.jwks.iter().filter_map(move |jwk| {
        let why = why(jwk.key.as_ref().err()?)?;
        Some(Hit::variable("auth_jwks").detail(jwk.name()).detail(why))
    })
}
