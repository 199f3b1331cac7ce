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
#[must_use]
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

fn check_header(found: &mut Found, header: &Map<String, Value>, payload: &Map<String, Value>) {
    let alg = header.get("alg");
    found.unless(
        alg.and_then(Value::as_str) == Some("RS256"),
        "alg is RS256",
        show(alg),
    );
    let typ = header.get("typ");
    found.unless(
        typ.and_then(Value::as_str) == Some("JWT"),
        "typ is JWT",
        show(typ),
    );
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
    match payload.get("exp").and_then(Value::as_i64) {
        None => found.add("exp is a whole number", show(payload.get("exp"))),
        Some(exp) => found.unless(exp > now, "exp is in the future", exp),
    }
    match payload.get("nbf").map(Value::as_i64) {
        None => {}
        Some(None) => found.add("nbf is a whole number", show(payload.get("nbf"))),
        Some(Some(nbf)) => found.unless(nbf <= now - SLOW_CLOCK, PASSED_ON_A_SLOW_CLOCK, nbf),
    }
    match payload.get("iat").map(Value::as_i64) {
        None => {}
        Some(None) => found.add("iat is a whole number", show(payload.get("iat"))),
        Some(Some(iat)) => found.unless(iat <= now, "iat is not in the future", iat),
    }
}

fn check_claims(found: &mut Found, payload: &Map<String, Value>) {
    let text = |name: &str| payload.get(name).and_then(Value::as_str);
    found.unless(
        text("aud") == Some("jitsi"),
        "aud is the string jitsi",
        show(payload.get("aud")),
    );
    found.unless(
        text("iss") == Some("chat"),
        "iss is chat",
        show(payload.get("iss")),
    );
    let app_id = text("sub").and_then(|sub| sub.strip_prefix("vpaas-magic-cookie-"));
    found.unless(
        app_id.is_some_and(|id| id.len() == 32 && id.bytes().all(|b| b.is_ascii_hexdigit())),
        "sub is an app id",
        show(payload.get("sub")),
    );
    // The same key signs 8x8's administration tokens.
    found.unless(!payload.contains_key("admin"), "no admin claim", "present");
    closed(
        found,
        "claims are closed",
        payload,
        &[
            "aud", "context", "exp", "iat", "iss", "nbf", "room", "sub", "admin",
        ],
    );
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
    closed(
        found,
        "user is closed",
        user,
        &[
            "id",
            "name",
            "email",
            "moderator",
            "role",
            "avatar",
            "hidden-from-recorder",
        ],
    );
    for (name, value) in user {
        match name.as_str() {
            "hidden-from-recorder" => {}
            "moderator" => found.unless(
                value == "true" || value == "false",
                "moderator is the string true or false",
                value,
            ),
            "role" => found.unless(
                value == "visitor",
                "the only role that is written is visitor",
                value,
            ),
            _ => found.unless(value.is_string(), "user fields are strings", value),
        }
    }

    let Some(features) = context.get("features").and_then(Value::as_object) else {
        found.add("features are present", show(context.get("features")));
        return;
    };
    let moderator = user
        .get("moderator")
        .is_some_and(|value| value == "true" || *value == Value::Bool(true));
    // The client lets no visitor speak, stream or dial, whatever the token says.
    let more = moderator || features.values().any(|value| *value != Value::Bool(false));
    found.unless(
        user.get("role").is_none_or(|role| role != "visitor") || !more,
        "a visitor neither moderates nor has a feature",
        "role",
    );
    for (name, value) in features {
        found.unless(
            DOCUMENTED_FEATURES.contains(&name.as_str()) || OTHER_FEATURES.contains(&name.as_str()),
            "features are known",
            name,
        );
        found.unless(value.is_boolean(), "features are booleans", value);
        // 8x8 lets a participant with a feature record and dial out, and bills it.
        found.unless(
            moderator || *value == Value::Bool(false),
            FEATURES_BY_ROLE,
            name,
        );
    }
    for name in DOCUMENTED_FEATURES {
        found.unless(
            features.contains_key(name),
            "documented features are written out",
            name,
        );
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
#[must_use]
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
mod tests {
    use serde_json::json;

    use super::*;

    const NOW: i64 = 1_800_000_000;
    const APP_ID: &str = "vpaas-magic-cookie-0123456789abcdef0123456789abcdef";

    fn good() -> (Value, Value) {
        let features: Map<String, Value> = DOCUMENTED_FEATURES
            .iter()
            .map(|name| ((*name).to_owned(), json!(*name == "livestreaming")))
            .collect();
        (
            json!({ "alg": "RS256", "kid": format!("{APP_ID}/abc123"), "typ": "JWT" }),
            json!({
                "aud": "jitsi",
                "context": {
                    "user": { "id": "1", "name": "公民", "email": "a@b", "moderator": "true" },
                    "features": features,
                    "room": { "regex": false },
                },
                "exp": NOW + 3600,
                "iat": NOW,
                "iss": "chat",
                "nbf": NOW - 10,
                "room": "%e5%85%ac-1",
                "sub": APP_ID,
            }),
        )
    }

    fn encode(header: &str, payload: &str) -> String {
        format!(
            "{}.{}.c2lnbmF0dXJl",
            URL_SAFE_NO_PAD.encode(header),
            URL_SAFE_NO_PAD.encode(payload)
        )
    }

    fn rules_broken_by(token: &str) -> Vec<&'static str> {
        violations(token, NOW).iter().map(|v| v.rule).collect()
    }

    #[test]
    fn a_good_token_breaks_no_rule() {
        let (header, payload) = good();
        let token = encode(&header.to_string(), &payload.to_string());
        assert_eq!(violations(&token, NOW), []);
    }

    #[test]
    fn a_user_without_fields_breaks_no_rule() {
        let (header, mut payload) = good();
        payload["context"]["user"] = json!({});
        payload["context"]["features"]["livestreaming"] = json!(false);
        let token = encode(&header.to_string(), &payload.to_string());
        assert_eq!(violations(&token, NOW), []);
    }

    fn no_tokens() -> Vec<(String, &'static str)> {
        let (header, payload) = good();
        let (header, payload) = (header.to_string(), payload.to_string());
        let token = encode(&header, &payload);
        let twice = payload.replacen('{', r#"{"aud":"jitsi","#, 1);
        let (unsigned, _) = token.rsplit_once('.').expect("three parts");
        vec![
            (unsigned.to_owned(), "three parts"),
            (format!("{unsigned}."), "signature decodes"),
            (format!("{unsigned}.a+b/"), "signature decodes"),
            (format!("{token}="), "signature decodes"),
            (encode("RS256", &payload), "header decodes"),
            (encode(&header, "[]"), "payload decodes"),
            (encode(&header, &twice), "each member once"),
        ]
    }

    #[test]
    fn a_token_that_is_no_token_is_caught() {
        for (token, rule) in no_tokens() {
            assert_eq!(rules_broken_by(&token), [rule], "{token}");
        }
    }

    /// Each case: where in header (`h`) or payload (`p`), the value to put there (null: take it away), the rule it breaks.
    fn wrong_values() -> Vec<(&'static str, Value, &'static str)> {
        vec![
            ("h/alg", json!("HS256"), "alg is RS256"),
            ("h/alg", json!("none"), "alg is RS256"),
            ("h/typ", json!("jwt"), "typ is JWT"),
            ("h/typ", Value::Null, "typ is JWT"),
            ("h/jku", json!("https://x"), "header is closed"),
            ("h/kid", Value::Null, "kid is a string"),
            ("h/kid", json!("abc123"), "kid begins with sub"),
            (
                "h/kid",
                json!(format!("{}/abc123", APP_ID.to_uppercase())),
                "kid begins with sub",
            ),
            ("h/kid", json!(format!("{APP_ID}/")), "kid names a key"),
            ("p/aud", json!(["jitsi"]), "aud is the string jitsi"),
            ("p/aud", json!("Jitsi"), "aud is the string jitsi"),
            ("p/iss", json!("jitsi"), "iss is chat"),
            ("p/exp", Value::Null, "exp is a whole number"),
            ("p/exp", json!(NOW as f64 + 9.5), "exp is a whole number"),
            (
                "p/exp",
                json!((NOW + 9).to_string()),
                "exp is a whole number",
            ),
            ("p/exp", json!(NOW), "exp is in the future"),
            ("p/nbf", json!(NOW as f64 - 99.5), "nbf is a whole number"),
            ("p/nbf", json!(NOW), "nbf has passed on a slow clock"),
            ("p/nbf", json!(NOW - 9), "nbf has passed on a slow clock"),
            ("p/iat", json!("now"), "iat is a whole number"),
            ("p/iat", json!(NOW + 1), "iat is not in the future"),
            ("p/room", Value::Null, "room is a string"),
            ("p/room", json!("*"), "room is not every room"),
            ("p/room", json!(""), "room is in the client's form"),
            ("p/room", json!("My-Room"), "room is in the client's form"),
            ("p/room", json!("公"), "room is in the client's form"),
            ("p/room", json!("%E5%85%AC"), "room is in the client's form"),
            ("p/room", json!("%ef%bc%a1"), "room is in the client's form"),
            ("p/room", json!("%ff"), "room is in the client's form"),
            ("p/room", json!("a b"), "room is in the client's form"),
            ("p/scope", json!("x"), "claims are closed"),
            ("p/admin", json!(true), "no admin claim"),
            ("p/context", Value::Null, "context is present"),
            ("p/context/group", json!("x"), "context is closed"),
            ("p/context/room", Value::Null, "regex is false"),
            ("p/context/room/regex", json!(true), "regex is false"),
            ("p/context/room/regex", json!("false"), "regex is false"),
            ("p/context/user/group", json!("x"), "user is closed"),
            (
                "p/context/user/role",
                json!("x"),
                "the only role that is written is visitor",
            ),
            (
                "p/context/user/role",
                json!("visitor"),
                "a visitor neither moderates nor has a feature",
            ),
            ("p/context/user/id", json!(1), "user fields are strings"),
            (
                "p/context/user/moderator",
                json!(true),
                "moderator is the string true or false",
            ),
            ("p/context/user/moderator", json!("false"), FEATURES_BY_ROLE),
            ("p/context/features", Value::Null, "features are present"),
            (
                "p/context/features/dial-out",
                json!(false),
                "features are known",
            ),
            (
                "p/context/features/recording",
                json!("true"),
                "features are booleans",
            ),
            (
                "p/context/features/recording",
                Value::Null,
                "documented features are written out",
            ),
            (
                "p/context/user/name",
                json!("a\u{1}"),
                "no control characters",
            ),
            (
                "p/context/user/name",
                json!("a\u{7f}"),
                "no control characters",
            ),
        ]
    }

    #[test]
    fn each_rule_is_seen_to_fail() {
        for (place, value, rule) in wrong_values() {
            let (mut header, mut payload) = good();
            let (part, path) = place.split_once('/').expect("a part and a path");
            let mut target = if part == "h" {
                &mut header
            } else {
                &mut payload
            };
            let (parents, name) = path.rsplit_once('/').unwrap_or(("", path));
            for parent in parents.split('/').filter(|parent| !parent.is_empty()) {
                target = &mut target[parent];
            }
            let members = target.as_object_mut().expect("an object");
            if value.is_null() {
                members.remove(name);
            } else {
                members.insert(name.to_owned(), value.clone());
            }
            let token = encode(&header.to_string(), &payload.to_string());
            assert_eq!(rules_broken_by(&token), [rule], "{place} = {value}");
        }
    }

    #[test]
    fn each_check_of_the_web_client_is_held_by_rules_that_are_seen_to_fail() {
        let no_tokens = no_tokens();
        let broken: Vec<&str> = no_tokens
            .iter()
            .map(|(_, rule)| *rule)
            .chain(wrong_values().iter().map(|(_, _, rule)| *rule))
            .collect();
        for (check, rules) in WEB_CLIENT_CHECKS {
            assert!(!rules.is_empty(), "{check}");
            for rule in rules {
                assert!(broken.contains(rule), "{check}: {rule}");
            }
        }
    }

    #[test]
    fn a_sub_that_is_no_app_id_is_caught() {
        for sub in [
            "chat",
            "vpaas-magic-cookie-0123",
            "vpaas-magic-cookie-0123456789abcdef0123456789abcdeg",
        ] {
            let (mut header, mut payload) = good();
            header["kid"] = json!(format!("{sub}/abc123"));
            payload["sub"] = json!(sub);
            let token = encode(&header.to_string(), &payload.to_string());
            assert_eq!(rules_broken_by(&token), ["sub is an app id"]);
        }
    }

    #[test]
    fn null_fields_and_missing_users_are_caught() {
        let (header, payload) = good();
        for (user, rule) in [
            (json!({ "name": null }), "user fields are strings"),
            (json!({ "email": null }), "user fields are strings"),
            (Value::Null, "user is present"),
        ] {
            let mut payload = payload.clone();
            payload["context"]["user"] = user;
            payload["context"]["features"]["livestreaming"] = json!(false);
            let token = encode(&header.to_string(), &payload.to_string());
            assert_eq!(rules_broken_by(&token), [rule]);
        }
    }
}
