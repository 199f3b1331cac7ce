//! Tests of 8x8's webhook, of the limit of monthly users, and of the operator's report.

use std::sync::atomic::{AtomicU64, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::*;
use crate::environment::tests::MemoryStore;
use crate::environment::{Isolated, Store, StoreUnavailable};

const SECRET: &str = "whsec_9635df66714a4cf088ee9d0979dd3bf6";
const OPERATOR: &str = "f3b1c9d27a64e8500f3b1c9d27a64e85";
/// `NOW` is 2023-11-14, 23 days and 6,400 seconds before the end of the period from 8 November.
const UNTIL: &str = "8 December";
const RETRY_AFTER: &str = "1993600";

const COUNTED: [(&str, &str); 6] = [
    ("jaas_webhook_secret", SECRET),
    ("default_user_id", "guest-{random}"),
    ("monthly_user_limit", "10"),
    ("monthly_user_reserve", "2"),
    ("billing_day", "8"),
    ("operator_token", OPERATOR),
];

const OPTIONAL: [(&str, &str); 1] = [("auth_mode", "optional")];

fn send_to(
    store: &dyn Store,
    variables: &[(&str, &str)],
    mut request: Request<impl Read>,
) -> Outcome {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let mut random = |bytes: &mut [u8]| {
        let next = NEXT.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        for (byte, next) in bytes.iter_mut().rev().zip(next.into_iter().rev().cycle()) {
            *byte = next;
        }
    };
    let environment = Environment {
        store,
        ..Environment::isolated(NOW, &mut random)
    };
    handle(&Config::new(&source(variables)), &mut request, environment)
}

fn sign(body: &str) -> String {
    let mac = hmac_sha256::HMAC::mac(format!("{NOW}.{body}"), SECRET);
    format!("t={NOW},v1={}", STANDARD.encode(mac))
}

fn usage_event(devices: &Value) -> String {
    json!({
        "eventType": "USAGE", "appId": APP_ID, "fqn": format!("{APP_ID}/room"),
        "idempotencyKey": "1", "timestamp": NOW * 1000, "data": devices,
    })
    .to_string()
}

fn report(store: &dyn Store, variables: &[(&str, &str)], body: &str) -> Outcome {
    let signature = sign(body);
    let headers = [("x-jaas-signature", signature.as_str())];
    send_to(
        store,
        variables,
        request("POST", WEBHOOK_PATH, &headers, body),
    )
}

/// Counts this many devices, each of a different person.
fn count(store: &dyn Store, variables: &[(&str, &str)], devices: usize) -> Outcome {
    let devices: Vec<_> = (0..devices)
        .map(|i| json!({"deviceId": format!("device {i}"), "userId": format!("person {i}")}))
        .collect();
    report(store, variables, &usage_event(&devices.into()))
}

fn body(outcome: &Outcome) -> Value {
    serde_json::from_slice(&outcome.response.body).unwrap()
}

fn read_usage(store: &dyn Store, variables: &[(&str, &str)]) -> Value {
    let token = format!("Bearer {OPERATOR}");
    let headers = [("authorization", token.as_str())];
    let outcome = send_to(store, variables, request("GET", USAGE_PATH, &headers, ""));
    assert_eq!(outcome.response.status, 200);
    assert!(outcome.log.is_none());
    body(&outcome)
}

fn ask_for_token(store: &dyn Store, variables: &[(&str, &str)], id: &str) -> Outcome {
    let target = format!("{TOKEN_PATH}?room=room&user_id={id}");
    send_to(store, variables, request("GET", &target, &[], ""))
}

/// A store that panics when it is used.
struct Untouched;

impl Store for Untouched {
    fn get(&self, _: &str) -> Result<Option<Vec<u8>>, StoreUnavailable> {
        panic!("the store was read")
    }
    fn set(&self, _: &str, _: &[u8]) -> Result<(), StoreUnavailable> {
        panic!("the store was written")
    }
    fn replace(&self, _: &str, _: Option<&[u8]>, _: &[u8]) -> Result<bool, StoreUnavailable> {
        panic!("the store was written")
    }
    fn delete(&self, _: &str) -> Result<(), StoreUnavailable> {
        panic!("the store was written")
    }
    fn keys(&self) -> Result<Vec<String>, StoreUnavailable> {
        panic!("the store was read")
    }
}

#[test]
fn by_default_none_of_it_exists_and_no_store_is_touched() {
    let variables = complete(&[]);
    let event = usage_event(&json!([{"deviceId": "d"}]));
    let signature = sign(&event);
    let signed = [("x-jaas-signature", signature.as_str())];
    let operator = [("authorization", "Bearer ")];
    for (method, path, headers, status) in [
        ("POST", WEBHOOK_PATH, &signed[..], 404),
        ("GET", WEBHOOK_PATH, &[], 404),
        ("GET", USAGE_PATH, &operator, 404),
        ("OPTIONS", USAGE_PATH, &[], 404),
        ("GET", TOKEN_PATH, &[], 200),
        ("GET", HEALTH_PATH, &[], 200),
    ] {
        let outcome = send_to(
            &Untouched,
            &variables,
            request(method, path, headers, &event),
        );
        assert_eq!(outcome.response.status, status, "{method} {path}");
        if path == TOKEN_PATH {
            let members = body(&outcome).as_object().map(serde_json::Map::len);
            assert_eq!(members, Some(1));
        }
    }
}

#[test]
fn events_become_a_ledger_that_the_operator_reads() {
    let store = MemoryStore::default();
    let variables = complete(&COUNTED);
    let guest = format!("guest-{}", "0".repeat(32));
    let event = usage_event(&json!([
        {"deviceId": "a", "userId": guest},
        {"deviceId": "b", "userId": "somebody"},
        {"deviceId": "+886212345678", "userId": null},
    ]));
    for _ in 0..2 {
        let outcome = report(&store, &variables, &event);
        assert_eq!(outcome.response.status, 204);
        assert!(outcome.response.body.is_empty() && outcome.log.is_none());
    }
    let usage = read_usage(&store, &variables);
    assert_eq!(
        (&usage["count"], &usage["guests"], &usage["known"]),
        (&json!(3), &json!(2), &json!(1))
    );
    assert_eq!(
        usage["period"],
        json!({"start": "2023-11-08", "end": "2023-12-08"})
    );
    assert_eq!(
        (&usage["limit"], &usage["reserve"]),
        (&json!(10), &json!(2))
    );
    assert_eq!(usage["source"], "webhook");
}

#[test]
fn what_is_forged_or_is_no_usage_changes_nothing_and_is_logged() {
    let store = MemoryStore::default();
    let variables = complete(&COUNTED);
    let event = usage_event(&json!([{"deviceId": "d"}]));
    let good = sign(&event);
    let old = good.replace(&NOW.to_string(), &(NOW - 301).to_string());
    let foreign = event.replace(
        APP_ID,
        "vpaas-magic-cookie-00000000000000000000000000000000",
    );
    let foreign_signature = sign(&foreign);
    let joined = event.replace("USAGE", "PARTICIPANT_JOINED");
    let joined_signature = sign(&joined);
    let large = " ".repeat(70_000);
    for (headers, body, status, logged) in [
        (&[][..], &event, 401, "not signed"),
        (
            &[("x-jaas-signature", old.as_str())],
            &event,
            401,
            "not signed with",
        ),
        (
            &[("x-jaas-signature", good.as_str())],
            &joined,
            401,
            "not signed with",
        ),
        (
            &[("x-jaas-signature", &foreign_signature)],
            &foreign,
            401,
            "another App ID",
        ),
        (&[("x-jaas-signature", &good)], &large, 413, "too large"),
        (&[("x-jaas-signature", &joined_signature)], &joined, 204, ""),
    ] {
        let outcome = send_to(
            &store,
            &variables,
            request("POST", WEBHOOK_PATH, headers, body),
        );
        assert_eq!(outcome.response.status, status, "{headers:?}");
        let log = outcome.log.unwrap_or_default();
        assert!(
            log.contains(logged) && log.is_empty() == logged.is_empty(),
            "{log}"
        );
        let challenge = header(&outcome.response, "www-authenticate");
        assert_eq!(challenge.is_some(), status == 401);
    }
    assert!(store.keys().unwrap().is_empty());
}

#[test]
fn a_hundred_events_at_once_count_each_device_once() {
    let store = MemoryStore::default();
    let variables = complete(&COUNTED);
    let logs = std::sync::Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for i in 0..100 {
            let (store, variables, logs) = (&store, &variables, &logs);
            scope.spawn(move || {
                let devices = json!([{"deviceId": format!("device {}", i % 50)}]);
                let outcome = report(store, variables, &usage_event(&devices));
                assert_eq!(outcome.response.status, 204);
                logs.lock().unwrap().extend(outcome.log);
            });
        }
    });
    assert_eq!(read_usage(&store, &variables)["count"], 50);
    let mut logs = logs.into_inner().unwrap();
    logs.sort();
    let warned: Vec<String> = [100, 80, 90]
        .iter()
        .map(|percent| {
            format!(r#"{{"level":"warn","status":204,"warning":"{percent} % of monthly_user_limit is used"}}"#)
        })
        .collect();
    assert_eq!(logs, warned);
}

#[test]
fn near_the_limit_guests_wait_and_moderators_get_in() {
    let anyone = complete(&COUNTED);
    let guarded = complete(&[&OPTIONAL[..], &COUNTED, &LOGIN].concat());
    let credential = |moderator: bool| credential(json!({"moderator": moderator}));
    for (devices, guest, member) in [(7, 200, 200), (8, 429, 200), (10, 429, 429)] {
        let store = MemoryStore::default();
        count(&store, &anyone, devices);
        for (variables, authorization, id, status) in [
            (&anyone, None, "somebody&user_moderator=true", guest),
            (&anyone, None, "person%201", 200),
            (&guarded, None, "somebody", guest),
            (&guarded, Some(credential(false)), "x", member),
            (&guarded, Some(credential(true)), "x", 200),
            (
                &guarded,
                Some(credential(true)),
                "x&user_moderator=false",
                200,
            ),
        ] {
            let target = format!("{TOKEN_PATH}?room=room&user_id={id}");
            let authorization = authorization.as_deref().map(|text| ("authorization", text));
            let headers: Vec<_> = authorization.into_iter().collect();
            for method in ["HEAD", "GET"] {
                let outcome = send_to(&store, variables, request(method, &target, &headers, ""));
                assert_eq!(
                    outcome.response.status, status,
                    "{devices} {method} {id} {headers:?}"
                );
                if status == 429 {
                    assert_eq!(header(&outcome.response, "retry-after"), Some(RETRY_AFTER));
                    let log = outcome.log.unwrap_or_default();
                    assert!(log.contains("monthly_user_limit"), "{log}");
                }
            }
        }
        assert_eq!(read_usage(&store, &anyone)["count"], devices);
    }
    let store = MemoryStore::default();
    for (devices, message) in [
        (8, "The meetings' monthly quota of guests is used up until"),
        (10, "The meetings' monthly quota is used up until"),
    ] {
        count(&store, &anyone, devices);
        let outcome = ask_for_token(&store, &anyone, "somebody");
        assert_eq!(
            body(&outcome),
            json!({ "error": format!("{message} {UNTIL}") })
        );
    }
}

#[test]
fn a_guest_who_comes_back_with_his_id_gets_in() {
    let store = MemoryStore::default();
    let variables = complete(&[&OPTIONAL[..], &COUNTED, &LOGIN].concat());
    let mine = format!("guest-{}", "5".repeat(32));
    let other = format!("guest-{}", "6".repeat(32));
    report(
        &store,
        &variables,
        &usage_event(&json!([{"deviceId": "d", "userId": mine}])),
    );
    count(&store, &variables, 10);
    for (id, status) in [(mine.as_str(), 200), (&other, 429), ("person%201", 429)] {
        let outcome = ask_for_token(&store, &variables, id);
        assert_eq!(outcome.response.status, status, "{id}");
    }
}

#[test]
fn a_store_that_fails_lets_in_moderators_alone_and_has_events_sent_again() {
    let variables = complete(&COUNTED);
    let damaged = MemoryStore::default();
    damaged
        .set("jaas-jwt.v1.usage.webhook-2023-11-08", b"{}")
        .unwrap();
    for (store, logged) in [
        (&Isolated as &dyn Store, "key_value_stores"),
        (&damaged, "delete it"),
    ] {
        for outcome in [
            ask_for_token(store, &variables, "somebody"),
            count(store, &variables, 1),
        ] {
            assert_eq!(outcome.response.status, 503);
            let log = outcome.log.unwrap_or_default();
            assert!(log.contains(logged), "{log}");
        }
    }
}

#[test]
fn tokens_are_counted_where_there_is_no_webhook() {
    let issued = |limit| {
        complete(&[
            ("count_issued", "true"),
            ("default_user_id", "guest-{random}"),
            ("monthly_user_limit", limit),
            ("monthly_user_reserve", "0"),
            ("operator_token", OPERATOR),
        ])
    };
    let (limited, unlimited) = (issued("3"), issued("0"));
    for (variables, expected) in [(&limited, [200, 200, 200, 429]), (&unlimited, [200; 4])] {
        let store = MemoryStore::default();
        for (i, status) in expected.into_iter().enumerate() {
            for method in ["HEAD", "GET", "GET"] {
                let target = format!("{TOKEN_PATH}?user_id={i}");
                let outcome = send_to(&store, variables, request(method, &target, &[], ""));
                assert_eq!(outcome.response.status, status, "{method} {i}");
            }
        }
        let usage = read_usage(&store, variables);
        let tokens = expected.iter().filter(|status| **status == 200).count();
        assert_eq!(
            (&usage["count"], &usage["source"]),
            (&json!(tokens), &json!("issued"))
        );
        // An event from 8x8 is not counted in addition: its route does not exist.
        assert_eq!(count(&store, variables, 1).response.status, 404);
    }
    // Without a limit, a failure to count does not cost the caller the token.
    let outcome = ask_for_token(&Isolated, &unlimited, "a");
    assert_eq!(outcome.response.status, 200);
    assert!(
        outcome
            .log
            .unwrap()
            .contains("not counted: the key-value store")
    );
    assert_eq!(ask_for_token(&Isolated, &limited, "a").response.status, 503);
}

const ROOMS: &str = r#"[{"rooms":"town*","lobby":"wait-for-moderator","passcode":"4711"},{"rooms":"quiet","max_occupants":9}]"#;

#[test]
fn eight_by_eight_gets_the_settings_of_a_room() {
    let variables = complete(&[
        ("jaas_webhook_authorization", OPERATOR),
        ("room_settings", ROOMS),
    ]);
    let right = [("authorization", OPERATOR)];
    let full = r#"{"lobbyEnabled":true,"lobbyType":"WAIT_FOR_MODERATOR","passcode":"4711"}"#;
    for (headers, room, status, expected) in [
        (&right[..], "townhall", 200, full),
        (&right, "TOWN%20HALL", 200, full),
        (&right, "quiet", 200, r#"{"maxOccupants":9}"#),
        (&right, "other", 200, "{}"),
        (&right, "*", 200, "{}"),
        (&[], "townhall", 401, ""),
        (&[("authorization", "x")], "townhall", 401, ""),
    ] {
        let event = format!(r#"{{"fqn":"{APP_ID}/{room}"}}"#);
        // Pages do not call this route, so `require_origin` does not apply to it.
        let strict = [&variables[..], &[("require_origin", "true")]].concat();
        let outcome = send_to(
            &Untouched,
            &strict,
            request("POST", WEBHOOK_PATH, headers, &event),
        );
        assert_eq!(outcome.response.status, status, "{room}");
        let body = String::from_utf8(outcome.response.body).unwrap();
        assert!(status != 200 || body == expected, "{room}: {body}");
        assert!(!body.contains("4711") || status == 200);
    }
}

#[test]
fn a_passcode_is_told_to_those_whom_somebody_knows() {
    let rooms = [
        ("jaas_webhook_authorization", OPERATOR),
        ("room_settings", ROOMS),
    ];
    let optional = complete(&[&OPTIONAL[..], &rooms, &LOGIN].concat());
    let open = complete(&rooms);
    let credential = credential(json!({}));
    let known = [("authorization", credential.as_str())];
    for (variables, headers, room, passcode) in [
        (&optional, &known[..], "Town Hall", Some("4711")),
        (&optional, &known, "quiet", None),
        (&optional, &[], "townhall", None),
        (&open, &[], "townhall", None),
    ] {
        let room = room.replace(' ', "%20");
        let target = format!("{TOKEN_PATH}?room={room}&user_moderator=true");
        let outcome = send_to(&Untouched, variables, request("GET", &target, headers, ""));
        assert_eq!(outcome.response.status, 200);
        let body = body(&outcome);
        assert_eq!(
            body.get("passcode").and_then(Value::as_str),
            passcode,
            "{room}"
        );
        assert!(!outcome.log.unwrap().contains("4711"));
    }
}

#[test]
fn an_invitation_proves_a_moderator_and_otherwise_a_guest_who_knows_the_passcode() {
    let rooms = [("room_settings", ROOMS)];
    let variables = inviting(&[&COUNTED[..], &rooms].concat());
    let store = MemoryStore::default();
    count(&store, &variables, 8);
    for (role, status) in [("moderator", 200), ("member", 429), ("visitor", 429)] {
        let order = json!({"room": "townhall", "role": role}).to_string();
        let made = invite(&variables, &store, &order);
        let bearer = format!("Bearer {}", made["invitation"].as_str().unwrap());
        let headers = [JSON, ("authorization", bearer.as_str())];
        // An id in the ledger that was not generated for guests is ignored.
        for id in ["", "person 1"] {
            let body = json!({ "user_id": id }).to_string();
            let outcome = send_to(
                &store,
                &variables,
                request("POST", TOKEN_PATH, &headers, &body),
            );
            assert_eq!(outcome.response.status, status, "{role} {id}");
            let passcode = json_of(&outcome)["passcode"].as_str().map(str::to_owned);
            assert_eq!(passcode.as_deref(), (status == 200).then_some("4711"));
        }
        // An id in the ledger that was generated for guests is used.
        let guest = format!("guest-{}", "7".repeat(32));
        let event = usage_event(&json!([{"deviceId": "device 1", "userId": guest}]));
        report(&store, &variables, &event);
        let body = json!({ "user_id": guest }).to_string();
        let outcome = send_to(
            &store,
            &variables,
            request("POST", TOKEN_PATH, &headers, &body),
        );
        assert_eq!(outcome.response.status, 200, "{role}");
        assert_eq!(payload(&outcome)["context"]["user"]["id"], guest.as_str());
    }
}

/// A caller rejected by the limit can come back after the limit is raised.
#[test]
fn a_429_uses_up_no_invitation_and_a_used_up_one_no_quota() {
    let variables = inviting(&[
        ("count_issued", "true"),
        ("default_user_id", "guest-{random}"),
        ("monthly_user_limit", "1"),
        ("monthly_user_reserve", "0"),
        ("operator_token", OPERATOR),
    ]);
    let raised = [&variables[..], &[("monthly_user_limit", "9")]].concat();
    let raised: Vec<_> = raised.into_iter().rev().collect();
    let store = MemoryStore::default();
    let made = invite(&variables, &store, r#"{"room":"r","max_uses":1}"#);
    let bearer = format!("Bearer {}", made["invitation"].as_str().unwrap());
    let headers = [JSON, ("authorization", bearer.as_str())];
    let join = |variables: &[(&str, &str)]| {
        let request = request("POST", TOKEN_PATH, &headers, "{}");
        send_to(&store, variables, request).response.status
    };
    let other = invite(&variables, &store, r#"{"room":"r"}"#);
    let other = format!("Bearer {}", other["invitation"].as_str().unwrap());
    let first = [JSON, ("authorization", other.as_str())];
    let outcome = send_to(
        &store,
        &variables,
        request("POST", TOKEN_PATH, &first, "{}"),
    );
    assert_eq!(outcome.response.status, 200);
    assert_eq!(join(&variables), 429);
    assert_eq!(join(&raised), 200);
    for _ in 0..3 {
        assert_eq!(join(&raised), 401);
    }
    assert_eq!(read_usage(&store, &raised)["count"], 2);
}

#[test]
fn the_routes_have_their_methods_and_the_operators_page_its_origin() {
    let variables = complete(&COUNTED);
    let page = ("origin", ALLOWED);
    let evil = ("origin", "https://evil.example");
    let asks = ("access-control-request-method", "GET");
    let right = format!("Bearer {OPERATOR}");
    let right = ("authorization", right.as_str());
    for (method, path, headers, status) in [
        ("GET", WEBHOOK_PATH, &[][..], 405),
        ("OPTIONS", WEBHOOK_PATH, &[page, asks], 405),
        ("POST", WEBHOOK_PATH, &[evil], 401),
        ("OPTIONS", USAGE_PATH, &[page, asks], 204),
        ("OPTIONS", USAGE_PATH, &[evil, asks], 403),
        ("GET", USAGE_PATH, &[evil, right], 403),
        ("GET", USAGE_PATH, &[page], 401),
        (
            "GET",
            USAGE_PATH,
            &[page, ("authorization", "Bearer x")],
            401,
        ),
        ("GET", USAGE_PATH, &[page, right], 200),
        ("GET", USAGE_PATH, &[right], 200),
        ("HEAD", USAGE_PATH, &[right], 200),
        ("POST", USAGE_PATH, &[right], 405),
    ] {
        let store = MemoryStore::default();
        let response = send_to(&store, &variables, request(method, path, headers, "")).response;
        assert_eq!(response.status, status, "{method} {path} {headers:?}");
        let echoed = header(&response, "access-control-allow-origin");
        assert_eq!(echoed.is_some(), headers.contains(&page), "{method} {path}");
    }
}

#[test]
fn a_wrong_variable_is_told_where_it_matters() {
    for (variables, target, status) in [
        (&[("operator_token", "x")][..], USAGE_PATH, 500),
        (&[("operator_token", "x")], TOKEN_PATH, 200),
        (&[("operator_token", "x")], HEALTH_PATH, 503),
        (&[("monthly_user_limit", "x")], TOKEN_PATH, 500),
        (&[("room_settings", "x")], TOKEN_PATH, 500),
        (&[("jaas_webhook_secret", "x")], TOKEN_PATH, 200),
        (&[("jaas_webhook_secret", "x")], HEALTH_PATH, 503),
        (&[("billing_day", "x")], TOKEN_PATH, 200),
        (&[("billing_day", "x")], HEALTH_PATH, 503),
    ] {
        let variables = complete(variables);
        let outcome = send_to(&Untouched, &variables, request("GET", target, &[], ""));
        assert_eq!(
            outcome.response.status, status,
            "{target} {}",
            variables[0].0
        );
    }
}
