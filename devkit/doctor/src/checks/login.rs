//! The login: keys and secrets of it.

use std::collections::BTreeSet;

use crate::check::Repair::{Do, Output};
use crate::check::Severity::{Error, Hint, Warning};
use crate::check::{Check, Hit};
use crate::context::Context;
use crate::jwks::Dropped;

/// Every random secret of 32 bytes has as many different characters, in hexadecimal too.
const MIN_DIFFERENT_CHARACTERS: usize = 10;

const SECRET: &str = "auth_hs256_secret";

pub const CHECKS: &[Check] = &[
    Check {
        id: "jwks-private",
        severity: Error,
        when: |context| {
            dropped(context, |reason| {
                (*reason == Dropped::Private).then_some("")
            })
        },
        message: "holds the private part of key {}, which only your login may have; make a new pair.",
        repair: Output("curl -fsS JWKS_URI_OF_YOUR_LOGIN"),
    },
    Check {
        id: "jwks-key-unused",
        severity: Warning,
        when: |context| {
            dropped(context, |reason| match reason {
                Dropped::Because(why) => Some(why),
                Dropped::Private | Dropped::OtherPurpose => None,
            })
        },
        message: "key {} is not used, and what it signs gets 401: {}.",
        repair: Do(
            "let the login sign with RSA of 2048 to 4096 bits, P-256 or Ed25519 and give the key a kid; or remove the key",
        ),
    },
    Check {
        id: "secret-guessable",
        severity: Warning,
        when: |context| {
            let secret = context.text(SECRET);
            let different: BTreeSet<char> = secret.chars().collect();
            let few = different.len() < MIN_DIFFERENT_CHARACTERS;
            context.hit(SECRET, !secret.is_empty() && few)
        },
        message: "has fewer than 10 different characters and can be guessed; it must be random.",
        repair: Output("openssl rand -base64 48"),
    },
    Check {
        id: "secret-newline",
        severity: Hint,
        when: |context| {
            let secret = context.value(SECRET);
            let is_given = !secret.trim().is_empty() && !context.is_open();
            context.hit(SECRET, is_given && secret.ends_with(['\n', '\r']))
        },
        message: "ends with a line feed, which the service removes: the login must sign without it.",
        repair: Do("printf %s \"$(cat FILE)\" > FILE.new, for the login's own copy"),
    },
];

fn dropped(context: &Context, why: impl Fn(&Dropped) -> Option<&'static str>) -> Vec<Hit> {
    let keys = context.jwks.iter();
    keys.filter_map(|jwk| {
        let why = why(jwk.key.as_ref().err()?)?;
        Some(Hit::variable("auth_jwks").detail(jwk.name()).detail(why))
    })
    .collect()
}
