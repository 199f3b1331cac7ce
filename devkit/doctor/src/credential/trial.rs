//! Finds all claims that the service rejects. The service reports one at a time: that claim is corrected, then the service
//! tries again.

use serde_json::{Value, json};

use super::jwt::{Jwt, sign};
use super::table::{CLAIMS, explain};
use crate::context::{Context, LOGIN_KEYS};
use crate::service::{self, Error, Isolated, Role};

/// Signs the claims in place of the login.
const SECRET: &str = "v7Qm2ZxK9tRw4LcY6pHs3NfBe8JdUa5G";

/// The result of a trial.
pub(super) struct Outcome {
    /// The errors, at most one for each check.
    pub failed: Vec<Error>,
    /// The caller's role, if the other claims are valid or corrected.
    pub role: Option<Role>,
}

impl Outcome {
    /// Returns the error of this check, if it fails.
    pub(super) fn error(&self, check: &str) -> Option<Error> {
        let mut failed = self.failed.iter().copied();
        failed.find(|error| explain(*error).0 == check)
    }
}

/// Tries the claims. Returns `None` if there is no login.
pub(super) fn run(context: &Context, jwt: &Jwt, now: u64) -> Option<Outcome> {
    let mut values: Vec<_> = LOGIN_KEYS.map(|name| (name, String::new())).into();
    let origin = context.facts.settings.default("auth_jwks_origin");
    values.push(("auth_jwks_origin", origin.unwrap_or_default().to_owned()));
    values[0].1 = SECRET.to_owned();
    let mut claims = jwt.claims.clone();
    let mut payload = jwt.payload.clone();
    let mut found = Outcome {
        failed: Vec::new(),
        role: None,
    };
    loop {
        let credential = sign(&payload, SECRET);
        let source = context.with(&values);
        let error = match service::identify(&source, &credential, &Isolated, now) {
            Ok(None) => return None,
            Ok(role) => {
                found.role = role.filter(|_| found.error("moderator").is_none());
                return Some(found);
            }
            Err(error) => error,
        };
        drop(source);
        let (check, _) = explain(error);
        if found.error(check).is_some() {
            return Some(found);
        }
        found.failed.push(error);
        make_good(context, check, &mut claims, &mut values, now);
        payload = claims.to_string();
    }
}

/// Makes a check pass, by setting its claim to a valid value or removing it. If a variable names the claim, the variable is
/// changed to a name that is in no credential.
fn make_good(
    context: &Context,
    check: &'static str,
    claims: &mut Value,
    values: &mut Vec<(&'static str, String)>,
    now: u64,
) {
    let good = match check {
        "iss" => json!(context.text("auth_issuer")),
        "aud" => json!(context.entries("auth_audience").first()),
        "exp" => json!(now + 60),
        "sub" => json!("somebody"),
        "group" => json!(context.entries("auth_required_values").first()),
        _ => Value::Null,
    };
    let row = CLAIMS.iter().find(|(name, ..)| *name == check);
    let variable = row.map_or("", |(_, variable, _)| *variable);
    let claim = match check {
        // Their types are also checked under these names.
        "aud" | "sub" => check,
        _ if variable.is_empty() => check,
        _ => variable,
    };
    if !variable.is_empty() {
        values.push((variable, claim.to_owned()));
    }
    match (good, claims.as_object_mut()) {
        (Value::Null, Some(claims)) => drop(claims.remove(claim)),
        (good, _) => claims[claim] = good,
    }
}
