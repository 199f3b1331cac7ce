//! Which claims the service's own code rejects. It names one at a time: that one is made good, and the service tries again.

use serde_json::{Value, json};

use super::header::{Jwt, sign};
use crate::context::{Context, LOGIN_KEYS};
use crate::service::{NoNetwork, Opinion};

/// Signs the claims in place of the login.
const SECRET: &str = "v7Qm2ZxK9tRw4LcY6pHs3NfBe8JdUa5G";

/// What a trial finds.
pub(super) struct Outcome {
    /// The checks that fail, each with the reason.
    pub failed: Vec<(&'static str, String)>,
    /// The role of a credential whose claims are otherwise as they must be.
    pub role: Option<&'static str>,
}

/// Tries the claims; `None`: there is no login.
pub(super) fn run(context: &Context, jwt: &Jwt, now: u64) -> Option<Outcome> {
    let mut values: Vec<_> = LOGIN_KEYS.map(|name| (name, String::new())).into();
    let origin = context.facts.settings.default("auth_jwks_origin");
    values.push(("auth_jwks_origin", origin.unwrap_or_default().to_owned()));
    values[0].1 = SECRET.to_owned();
    let mut claims = jwt.claims.clone();
    let mut payload = jwt.payload.clone();
    let mut failed: Vec<(&str, String)> = Vec::new();
    loop {
        let credential = sign(&payload, SECRET);
        let service = context.service_with(&values);
        let opinion = service.identify(&credential, &NoNetwork, now);
        drop(service);
        match opinion {
            Opinion::NoLogin => return None,
            Opinion::Accepted(role) => {
                let is_read = failed.iter().all(|(name, _)| *name != "moderator");
                let role = is_read.then_some(role);
                return Some(Outcome { failed, role });
            }
            Opinion::Rejected(check, _) if failed.iter().any(|(name, _)| *name == check) => {
                return Some(Outcome { failed, role: None });
            }
            Opinion::Rejected(check, reason) => failed.push((check, reason)),
        }
        let (check, _) = failed[failed.len() - 1];
        make_good(context, check, &mut claims, &mut values, now);
        payload = claims.to_string();
    }
}

/// Lets a check pass: by another value of the claim, or by reading another claim.
fn make_good(
    context: &Context,
    check: &'static str,
    claims: &mut Value,
    values: &mut Vec<(&'static str, String)>,
    now: u64,
) {
    // No claim of a credential.
    const NOWHERE: &str = "devkit-doctor";
    let mut read = |variable, claim: &str| values.push((variable, claim.to_owned()));
    match check {
        "iss" => claims["iss"] = json!(context.text("auth_issuer")),
        "aud" => {
            read("auth_audience_claim", "aud");
            claims["aud"] = json!(context.entries("auth_audience").first());
        }
        "exp" => claims["exp"] = json!(now + 60),
        "sub" => {
            read("auth_id_claim", "sub");
            claims["sub"] = json!(NOWHERE);
        }
        "name" => read("auth_name_claim", ""),
        "email" => read("auth_email_claim", ""),
        "picture" => read("auth_picture_claim", ""),
        "group" => ["auth_required_claim", "auth_required_values"]
            .into_iter()
            .for_each(|variable| read(variable, "")),
        "moderator" => read("auth_moderator_claim", NOWHERE),
        "rooms" => read("auth_rooms_claim", NOWHERE),
        other => {
            if let Some(claims) = claims.as_object_mut() {
                claims.remove(other);
            }
        }
    }
}
