//! Shows that each rule can fail.

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

/// The cases: a path in the header (`h`) or the payload (`p`), the value to set (null removes it), the rule it breaks.
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
