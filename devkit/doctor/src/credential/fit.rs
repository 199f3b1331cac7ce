//! Finds `auth_…` values that would fit a rejected credential, using the service's own code.

use serde_json::Value;

use super::claims;
use super::jwt::Jwt;
use super::line::{CredentialCheck, Outcome, is_shown};
use super::table::explain;
use crate::context::{Context, LOGIN_KEYS};
use crate::provider::{Provider, is_plain};
use crate::repair;
use crate::service::Opinion;

/// Claims that some logins write instead of an audience.
const AUDIENCE_CLAIMS: [&str; 2] = ["client_id", "azp"];

/// Suggests values that fit, if there are any. `identify` verifies the credential with other values.
pub(super) fn check(
    context: &Context,
    jwt: &Jwt,
    provider: Option<Provider>,
    opinion: Opinion,
    identify: impl Fn(&[(&str, String)]) -> Opinion,
) -> Option<CredentialCheck> {
    let lacks_keys = match opinion {
        Ok(Some(_)) => return None,
        Ok(None) => true,
        Err(error) => ["keys", "alg", "kid", "signature"].contains(&explain(error).0),
    };
    let mut values = said(context, jwt);
    if let Some(login) = provider.as_ref().filter(|_| lacks_keys) {
        let keys = login.keys().into_iter();
        values.extend(keys.filter(|(name, value)| context.text(name) != value));
        let others = LOGIN_KEYS.into_iter();
        let others = others.filter(|name| *name != "auth_jwks_url" && context.is_set(name));
        values.extend(others.map(|name| (name, String::new())));
    }
    if values.is_empty() {
        return None;
    }
    let then = match identify(&values) {
        Ok(Some(_)) => "with these values the service accepts it",
        _ if lacks_keys && provider.is_none() => {
            "these values are its own, and --issuer URL finds the login's keys"
        }
        _ => "these values are its own; more than them is wrong",
    };
    let values = values.iter().map(|(name, value)| (*name, value.as_str()));
    let command = repair::set(context.facts, &values.collect::<Vec<_>>());
    let message = format!("if your login made it: {then}: {command}");
    Some(CredentialCheck::new("fit", Outcome::Note, message))
}

/// Returns the values that the credential itself implies, if they have the right type and may be shown.
fn said(context: &Context, jwt: &Jwt) -> Vec<(&'static str, String)> {
    let text = |name: &str| jwt.claims[name].as_str();
    let mut values = Vec::new();
    if context.is_open() {
        values.push(("auth_mode", "required"));
    }
    let issuer = text("iss").filter(|issuer| *issuer != context.text("auth_issuer"));
    values.extend(issuer.map(|issuer| ("auth_issuer", issuer)));
    let audiences: Vec<&str> = match claims::value(context, jwt, "aud", "auth_audience_claim") {
        Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).collect(),
        value => value.and_then(Value::as_str).into_iter().collect(),
    };
    let configured = context.entries("auth_audience");
    let is_configured = |name: &&str| configured.iter().any(|other| other == name);
    let mut others = AUDIENCE_CLAIMS.iter();
    match (
        &audiences[..],
        others.find_map(|name| Some((*name, text(name)?))),
    ) {
        (named, _) if named.iter().any(is_configured) => {}
        ([audience], _) => values.push(("auth_audience", audience)),
        ([], Some((claim, audience))) => {
            values.extend([("auth_audience_claim", claim), ("auth_audience", audience)]);
        }
        _ => {}
    }
    values.retain(|(_, value)| {
        let is_personal = || claims::is_personal(context, jwt, &(*value).into());
        is_plain(value) && is_shown(context, value) && !is_personal()
    });
    let values = values
        .into_iter()
        .map(|(name, value)| (name, value.to_owned()));
    values.collect()
}
