//! The rules for a JaaS token: the web client's 14 checks (`validateJwt`) and Prosody's rules, whichever is stricter.
//! Independent of the service's code, so that its mistakes are not repeated here.
//!
//! The tests check every token with these rules, and `cargo dev doctor` checks the token that it signs.
#![forbid(unsafe_code)]

mod client;

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

pub use crate::client::{DOCUMENTED_FEATURES, WEB_CLIENT_CHECKS};
use crate::client::{OTHER_FEATURES, client_form};

/// How many seconds a browser's clock may be slow.
const SLOW_CLOCK: i64 = 10;

/// The only rule of the service instead of Jitsi. A variable can switch it off.
pub const FEATURES_BY_ROLE: &str = "features are a moderator's";

/// The rule that the variable `token_leeway_seconds` can break: a browser's clock may be some seconds slow.
pub const PASSED_ON_A_SLOW_CLOCK: &str = "nbf has passed on a slow clock";

/// A broken rule.
#[derive(Debug, PartialEq, Eq)]
pub struct Violation {
    /// The rule, stated as it should hold.
    pub rule: &'static str,
    /// What was found instead. It may quote any part of the token.
    pub detail: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.rule, self.detail)
    }
}

/// Returns every rule that `token` breaks at `now` (seconds since the Unix epoch).
pub fn violations(token: &str, now: i64) -> Vec<Violation> {
    let mut found = Found(Vec::new());
    let parts: Vec<&str> = token.split('.').collect();
    let [header, payload, signature] = parts[..] else {
        found.add("three parts", format!("{} parts", parts.len()));
        return found.0;
    };
    if URL_SAFE_NO_PAD.decode(signature).is_err() || signature.is_empty() {
        found.add("signature decodes", signature);
    }
    let header = object(header).map_err(|why| found.add("header decodes", why));
    let payload = object(payload).map_err(|why| found.add("payload decodes", why));
    let (Ok((header, header_size)), Ok((claims, claims_size))) = (header, payload) else {
        return found.0;
    };
    check_header(&mut found, &header, &claims);
    check_claims(&mut found, &claims, now);
    check_context(&mut found, &claims["context"]);
    for (part, size) in [(&header, header_size), (&claims, claims_size)] {
        // The parser keeps only one of two equal members, so the part is then shorter than what was sent.
        found.unless(part.to_string().len() == size, "each member once", part);
        check_text(&mut found, part);
    }
    found.0
}

/// Decodes a part of a token. Returns the JSON and its length in bytes.
fn object(part: &str) -> Result<(Value, usize), String> {
    let bytes = URL_SAFE_NO_PAD
        .decode(part)
        .map_err(|error| error.to_string())?;
    let members = serde_json::from_slice(&bytes).map_err(|error| error.to_string())?;
    Ok((Value::Object(members), bytes.len()))
}

struct Found(Vec<Violation>);

impl Found {
    fn add(&mut self, rule: &'static str, detail: impl ToString) {
        self.0.push(Violation {
            rule,
            detail: detail.to_string(),
        });
    }

    fn unless(&mut self, holds: bool, rule: &'static str, detail: impl ToString) {
        if !holds {
            self.add(rule, detail);
        }
    }

    /// Requires a member that exists and satisfies `holds`, if `object` is an object.
    fn must(
        &mut self,
        rule: &'static str,
        object: &Value,
        name: &str,
        holds: impl Fn(&Value) -> bool,
    ) {
        if object.is_object() && object.get(name).is_none() {
            self.add(rule, "absent");
        }
        self.may(rule, object.get(name), holds);
    }

    /// Requires a member to satisfy `holds` if it exists.
    fn may(&mut self, rule: &'static str, member: Option<&Value>, holds: impl Fn(&Value) -> bool) {
        if let Some(value) = member {
            self.unless(holds(value), rule, value);
        }
    }

    /// Requires an object to have no other members than these.
    fn closed(&mut self, rule: &'static str, object: &Value, names: &[&str]) {
        for (name, _) in object.as_object().into_iter().flatten() {
            self.unless(names.contains(&name.as_str()), rule, name);
        }
    }
}

fn check_header(found: &mut Found, header: &Value, claims: &Value) {
    found.must("alg is RS256", header, "alg", |it| it == "RS256");
    found.must("typ is JWT", header, "typ", |it| it == "JWT");
    found.closed("header is closed", header, &["alg", "kid", "typ"]);
    found.must("kid is a string", header, "kid", Value::is_string);
    if let Some(kid) = header["kid"].as_str() {
        let (prefix, id) = kid.split_once('/').unwrap_or(("", kid));
        let sub = claims["sub"].as_str().unwrap_or("");
        found.unless(prefix == sub, "kid begins with sub", kid);
        found.unless(!id.is_empty(), "kid names a key", kid);
    }
}

fn check_claims(found: &mut Found, claims: &Value, now: i64) {
    found.must("aud is the string jitsi", claims, "aud", |it| it == "jitsi");
    found.must("iss is chat", claims, "iss", |it| it == "chat");
    found.must("sub is an app id", claims, "sub", is_app_id);
    // 8x8 accepts the same key for administration tokens.
    found.may("no admin claim", claims.get("admin"), |_| false);
    let names = [
        "aud", "context", "exp", "iat", "iss", "nbf", "room", "sub", "admin",
    ];
    found.closed("claims are closed", claims, &names);

    found.must("exp is a whole number", claims, "exp", Value::is_i64);
    found.may("nbf is a whole number", claims.get("nbf"), Value::is_i64);
    found.may("iat is a whole number", claims.get("iat"), Value::is_i64);
    for (rule, name, earliest, latest) in [
        ("exp is in the future", "exp", now + 1, i64::MAX),
        (PASSED_ON_A_SLOW_CLOCK, "nbf", i64::MIN, now - SLOW_CLOCK),
        ("iat is not in the future", "iat", i64::MIN, now),
    ] {
        if let Some(time) = claims[name].as_i64() {
            found.unless((earliest..=latest).contains(&time), rule, time);
        }
    }

    found.must("room is a string", claims, "room", Value::is_string);
    match claims["room"].as_str() {
        None => {}
        Some("*") => found.add("room is not every room", "*"),
        Some(room) => {
            let normal = client_form(room);
            found.unless(
                normal.as_deref() == Some(room) && !room.is_empty(),
                "room is in the client's form",
                format!("{room:?}, the client asks for {normal:?}"),
            );
        }
    }
    found.must("context is present", claims, "context", Value::is_object);
}

fn is_app_id(sub: &Value) -> bool {
    let id = sub
        .as_str()
        .and_then(|sub| sub.strip_prefix("vpaas-magic-cookie-"));
    id.is_some_and(|id| id.len() == 32 && id.bytes().all(|b| b.is_ascii_hexdigit()))
}

fn check_context(found: &mut Found, context: &Value) {
    let (user, features) = (&context["user"], &context["features"]);
    let names = ["user", "features", "room"];
    found.closed("context is closed", context, &names);
    let is_exact = |room: &Value| room["regex"] == false;
    found.must("regex is false", context, "room", is_exact);
    found.must("user is present", context, "user", Value::is_object);
    found.must("features are present", context, "features", |it| {
        it.is_object()
    });
    for (name, value) in user.as_object().into_iter().flatten() {
        let (holds, rule) = match name.as_str() {
            "hidden-from-recorder" => continue,
            "moderator" => (
                value == "true" || value == "false",
                "moderator is the string true or false",
            ),
            "role" => (
                value == "visitor",
                "the only role that is written is visitor",
            ),
            "id" | "name" | "email" | "avatar" => (value.is_string(), "user fields are strings"),
            _ => (false, "user is closed"),
        };
        found.unless(holds, rule, value);
    }
    if let Some(features) = features.as_object() {
        check_features(found, user, features);
    }
}

fn check_features(found: &mut Found, user: &Value, features: &Map<String, Value>) {
    let is_moderator = user["moderator"] == "true" || user["moderator"] == true;
    // The client lets no visitor speak, stream or dial, whatever the token says.
    let has_more = is_moderator || features.values().any(|value| *value != false);
    found.unless(
        user["role"] != "visitor" || !has_more,
        "a visitor neither moderates nor has a feature",
        "role",
    );
    for (name, value) in features {
        let is_known = |known: &[&str]| known.contains(&name.as_str());
        let is_known = is_known(&DOCUMENTED_FEATURES) || is_known(&OTHER_FEATURES);
        found.unless(is_known, "features are known", name);
        found.unless(value.is_boolean(), "features are booleans", value);
        // 8x8 lets any participant with a feature record and dial out, and bills it.
        found.unless(is_moderator || *value == false, FEATURES_BY_ROLE, name);
    }
    for name in DOCUMENTED_FEATURES {
        let is_there = features.contains_key(name);
        found.unless(is_there, "documented features are written out", name);
    }
}

/// Checks every string: the client puts them into the XML of a presence.
fn check_text(found: &mut Found, value: &Value) {
    let is_control = |c| matches!(c, '\0'..='\x1f' | '\x7f') && c != '\t' && c != '\n';
    match value {
        Value::String(text) => found.unless(
            !text.contains(is_control),
            "no control characters",
            format!("{text:?}"),
        ),
        Value::Array(values) => values.iter().for_each(|value| check_text(found, value)),
        Value::Object(members) => members.values().for_each(|value| check_text(found, value)),
        _ => {}
    }
}

#[cfg(test)]
mod tests;
