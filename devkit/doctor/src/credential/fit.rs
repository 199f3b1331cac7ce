//! Which `auth_…` values would fit a credential that is rejected, tried with the service's own code.

use super::checks::{CredentialCheck, is_shown};
use super::claims::{AUDIENCE_CLAIMS, audiences};
use super::header::Jwt;
use crate::context::{Context, LOGIN_KEYS};
use crate::hit;
use crate::provider::{Provider, is_plain};
use crate::service::{Opinion, Service};

const NAME: &str = "fit";

pub(super) fn check(
    context: &Context,
    jwt: &Jwt,
    provider: Option<&Provider>,
    opinion: &Opinion,
    identify: impl Fn(&Service) -> Opinion,
) -> Option<CredentialCheck> {
    let lacks_keys = match opinion {
        Opinion::Accepted(_) => return None,
        Opinion::NoLogin => true,
        Opinion::Rejected(check, _) => ["keys", "alg", "kid", "signature"].contains(check),
    };
    let mut values = claims(context, jwt);
    if let Some(login) = provider.filter(|_| lacks_keys) {
        let keys = login.keys().into_iter();
        values.extend(keys.filter(|(name, value)| context.text(name) != value));
        let others = LOGIN_KEYS
            .into_iter()
            .filter(|name| *name != "auth_jwks_url");
        let set = others.filter(|name| !context.text(name).is_empty());
        values.extend(set.map(|name| (name, String::new())));
    }
    if values.is_empty() {
        return None;
    }
    let then = match identify(&context.service_with(&values)) {
        Opinion::Accepted(_) => "if your login made it: with these values the service accepts it",
        _ if lacks_keys && provider.is_none() => {
            "if your login made it: these values are its own, and --issuer URL finds the login's keys"
        }
        _ => "if your login made it: these values are its own; more than them is wrong",
    };
    let values: Vec<(&str, hit::Value)> = values
        .iter()
        .map(|(name, value)| (*name, hit::Value::Text(value)))
        .collect();
    let message = format!("{then}: {}", context.set(&values));
    Some(CredentialCheck::note(NAME, message))
}

/// What the credential itself says. Only what may be shown, and typed.
fn claims(context: &Context, jwt: &Jwt) -> Vec<(&'static str, String)> {
    let mut values = Vec::new();
    let mut set = |name: &'static str, value: &str| {
        if is_plain(value) && is_shown(context, value) {
            values.push((name, value.to_owned()));
        }
    };
    if context.is_open() {
        set("auth_mode", "required");
    }
    let issuer = jwt.claims["iss"].as_str();
    if let Some(issuer) = issuer.filter(|issuer| *issuer != context.text("auth_issuer")) {
        set("auth_issuer", issuer);
    }
    let configured = context.entries("auth_audience");
    let audiences = audiences(context, &jwt.claims);
    let instead = || {
        let mut names = AUDIENCE_CLAIMS.into_iter();
        names.find_map(|name| Some((name, jwt.claims[name].as_str()?)))
    };
    if audiences
        .iter()
        .any(|name| configured.iter().any(|other| other == name))
    {
        return values;
    }
    if let [audience] = audiences[..] {
        set("auth_audience", audience);
    } else if let Some((claim, audience)) = instead().filter(|_| audiences.is_empty()) {
        set("auth_audience_claim", claim);
        set("auth_audience", audience);
    }
    values
}
