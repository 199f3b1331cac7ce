//! What a JaaS token must be: the web client's 14 checks (`validateJwt`) and Prosody's rules, the stricter of both.
//! Knows nothing of the service, so that a mistake there is not repeated here.
//!
//! The tests check every token with it, `cargo dev doctor` the one that it signs.
#![forbid(unsafe_code)]

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use icu_normalizer::ComposingNormalizerBorrowed;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde_json::{Map, Value};

/// The features that 8x8 documents. A key left out is denied even to a moderator.
pub const DOCUMENTED_FEATURES: [&str; 11] = [
    "livestreaming",
    "recording",
    "transcription",
    "sip-inbound-call",
    "sip-outbound-call",
    "inbound-call",
    "outbound-call",
    "file-upload",
    "list-visitors",
    "send-groupchat",
    "create-polls",
];

/// Features that the client knows besides; any other key is `featureInvalid` to it.
const OTHER_FEATURES: [&str; 9] = [
    "flip",
    "branding",
    "calendar",
    "live-translation",
    "lobby",
    "moderation",
    "room",
    "screen-sharing",
    "send-private-message",
];

/// How far behind a browser's clock may be, in seconds.
const SLOW_CLOCK: i64 = 10;

/// What JavaScript's `encodeURIComponent` leaves alone.
const URI_COMPONENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'!')
    .remove(b'~')
    .remove(b'*')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')');

/// The one rule that is not Jitsi's but the service's, and that a variable can switch off.
pub const FEATURES_BY_ROLE: &str = "features are a moderator's";

/// The rule that a variable, `token_leeway_seconds`, can break: a browser's clock may be some seconds slow.
pub const PASSED_ON_A_SLOW_CLOCK: &str = "nbf has passed on a slow clock";

/// The web client's checks of a token (`validateJwt`), in its order: what each looks at, and the rules here that hold it.
pub const WEB_CLIENT_CHECKS: [(&str, &[&str]); 14] = [
    ("header decodes", &["three parts", "header decodes"]),
    ("payload decodes", &["payload decodes"]),
    ("kid is present", &["kid is a string"]),
    ("kid begins with sub", &["kid begins with sub"]),
    ("aud is jitsi", &["aud is the string jitsi"]),
    ("iss is chat", &["iss is chat"]),
    ("features are present", &["features are present"]),
    ("nbf is a whole number", &["nbf is a whole number"]),
    ("nbf is not in the future", &[PASSED_ON_A_SLOW_CLOCK]),
    ("exp is a whole number", &["exp is a whole number"]),
    ("exp has not passed", &["exp is in the future"]),
    ("context is present", &["context is present"]),
    ("every feature is known", &["features are known"]),
    ("every feature is true or false", &["features are booleans"]),
];

/// A rule that a token breaks.
#[derive(Debug, PartialEq, Eq)]
pub struct Violation {
    /// The rule, as it should be.
    pub rule: &'static str,
    /// What was found instead. It may be anything of the token's.
    pub detail: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.rule, self.detail)
    }
}

/// Every rule that `token` breaks at `now` (seconds since 1970).
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
    let (Ok(header), Ok(payload)) = (header, payload) else {
        return found.0;
    };
    check_header(&mut found, &header.value, &payload.value);
    check_times(&mut found, &payload.value, now);
    check_claims(&mut found, &payload.value);
    for part in [&header, &payload] {
        // A parser keeps one of two equal members: what it kept is then shorter than what was sent.
        let value = Value::Object(part.value.clone());
        found.unless(
            value.to_string().len() == part.size,
            "each member once",
            &value,
        );
        check_text(&mut found, &value);
    }
    found.0
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
}

struct Part {
    value: Map<String, Value>,
    /// Bytes of the JSON text.
    size: usize,
}

fn object(part: &str) -> Result<Part, String> {
    let bytes = URL_SAFE_NO_PAD
        .decode(part)
        .map_err(|error| error.to_string())?;
    let value = serde_json::from_slice(&bytes).map_err(|error| error.to_string())?;
    Ok(Part {
        value,
        size: bytes.len(),
    })
}

fn show(value: Option<&Value>) -> String {
    value.map_or_else(|| "absent".to_owned(), Value::to_string)
}

/// A member that must have this value.
fn fixed(
    found: &mut Found,
    rule: &'static str,
    object: &Map<String, Value>,
    name: &str,
    expected: impl Into<Value>,
) {
    let value = object.get(name);
    found.unless(value == Some(&expected.into()), rule, show(value));
}

fn check_header(found: &mut Found, header: &Map<String, Value>, payload: &Map<String, Value>) {
    fixed(found, "alg is RS256", header, "alg", "RS256");
    fixed(found, "typ is JWT", header, "typ", "JWT");
    closed(found, "header is closed", header, &["alg", "kid", "typ"]);
    let sub = payload.get("sub").and_then(Value::as_str).unwrap_or("");
    match header.get("kid").and_then(Value::as_str) {
        None => found.add("kid is a string", show(header.get("kid"))),
        Some(kid) => {
            let (prefix, id) = kid.split_once('/').unwrap_or(("", kid));
            found.unless(prefix == sub, "kid begins with sub", kid);
            found.unless(!id.is_empty(), "kid names a key", kid);
        }
    }
}

fn check_times(found: &mut Found, payload: &Map<String, Value>, now: i64) {
    let mut check = |name, whole, holds: fn(i64, i64) -> bool, rule| match payload.get(name) {
        None if name != "exp" => {}
        value => match value.and_then(Value::as_i64) {
            None => found.add(whole, show(value)),
            Some(time) => found.unless(holds(time, now), rule, time),
        },
    };
    let (exp, nbf, iat) = (
        "exp is a whole number",
        "nbf is a whole number",
        "iat is a whole number",
    );
    check("exp", exp, |exp, now| exp > now, "exp is in the future");
    check(
        "nbf",
        nbf,
        |nbf, now| nbf <= now - SLOW_CLOCK,
        PASSED_ON_A_SLOW_CLOCK,
    );
    check(
        "iat",
        iat,
        |iat, now| iat <= now,
        "iat is not in the future",
    );
}

fn check_claims(found: &mut Found, payload: &Map<String, Value>) {
    let text = |name: &str| payload.get(name).and_then(Value::as_str);
    fixed(found, "aud is the string jitsi", payload, "aud", "jitsi");
    fixed(found, "iss is chat", payload, "iss", "chat");
    let app_id = text("sub").and_then(|sub| sub.strip_prefix("vpaas-magic-cookie-"));
    found.unless(
        app_id.is_some_and(|id| id.len() == 32 && id.bytes().all(|b| b.is_ascii_hexdigit())),
        "sub is an app id",
        show(payload.get("sub")),
    );
    // The same key signs 8x8's administration tokens.
    found.unless(!payload.contains_key("admin"), "no admin claim", "present");
    let names = [
        "aud", "context", "exp", "iat", "iss", "nbf", "room", "sub", "admin",
    ];
    closed(found, "claims are closed", payload, &names);
    match text("room") {
        None => found.add("room is a string", show(payload.get("room"))),
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
    match payload.get("context").and_then(Value::as_object) {
        None => found.add("context is present", show(payload.get("context"))),
        Some(context) => check_context(found, context),
    }
}

fn check_context(found: &mut Found, context: &Map<String, Value>) {
    closed(
        found,
        "context is closed",
        context,
        &["user", "features", "room"],
    );
    let regex = context.get("room").and_then(|room| room.get("regex"));
    found.unless(
        regex == Some(&Value::Bool(false)),
        "regex is false",
        show(regex),
    );
    let none = Map::new();
    let user = context.get("user").and_then(Value::as_object);
    found.unless(user.is_some(), "user is present", show(context.get("user")));
    let user = user.unwrap_or(&none);
    check_user(found, user);
    match context.get("features").and_then(Value::as_object) {
        None => found.add("features are present", show(context.get("features"))),
        Some(features) => check_features(found, user, features),
    }
}

fn check_user(found: &mut Found, user: &Map<String, Value>) {
    for (name, value) in user {
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
}

fn check_features(found: &mut Found, user: &Map<String, Value>, features: &Map<String, Value>) {
    let moderator = user.get("moderator");
    let moderator = moderator.is_some_and(|value| value == "true" || *value == Value::Bool(true));
    // The client lets no visitor speak, stream or dial, whatever the token says.
    let more = moderator || features.values().any(|value| *value != Value::Bool(false));
    found.unless(
        user.get("role").is_none_or(|role| role != "visitor") || !more,
        "a visitor neither moderates nor has a feature",
        "role",
    );
    for (name, value) in features {
        let is_known = |known: &[&str]| known.contains(&name.as_str());
        let is_known = is_known(&DOCUMENTED_FEATURES) || is_known(&OTHER_FEATURES);
        found.unless(is_known, "features are known", name);
        found.unless(value.is_boolean(), "features are booleans", value);
        // 8x8 lets a participant with a feature record and dial out, and bills it.
        found.unless(
            moderator || *value == Value::Bool(false),
            FEATURES_BY_ROLE,
            name,
        );
    }
    for name in DOCUMENTED_FEATURES {
        let is_there = features.contains_key(name);
        found.unless(is_there, "documented features are written out", name);
    }
}

fn closed(found: &mut Found, rule: &'static str, object: &Map<String, Value>, names: &[&str]) {
    for name in object.keys() {
        found.unless(names.contains(&name.as_str()), rule, name);
    }
}

/// Every text becomes XML in a presence.
fn check_text(found: &mut Found, value: &Value) {
    match value {
        Value::String(text) => found.unless(
            !text.chars().any(is_control),
            "no control characters",
            format!("{text:?}"),
        ),
        Value::Array(values) => values.iter().for_each(|value| check_text(found, value)),
        Value::Object(members) => members.values().for_each(|value| check_text(found, value)),
        _ => {}
    }
}

fn is_control(c: char) -> bool {
    matches!(c, '\0'..='\x1f' | '\x7f') && c != '\t' && c != '\n'
}

/// The room as the client asks the MUC for it; `None` when it cannot be one.
pub fn client_form(room: &str) -> Option<String> {
    let name = percent_decode_str(room).decode_utf8().ok()?;
    let name = ComposingNormalizerBorrowed::new_nfkc()
        .normalize(&name)
        .to_lowercase();
    Some(
        utf8_percent_encode(&name, URI_COMPONENT)
            .to_string()
            .to_lowercase(),
    )
}

#[cfg(test)]
mod tests;
