//! The ledger of monthly users, its limit and the operator's report, with 8x8 simulated.

use std::sync::Mutex;

use serde_json::{Value, json};

use crate::credentials::Login;
use crate::harness::{ALLOWED, FOREIGN, Server, Settings, now};
use crate::http::{Request, Response, get};
use crate::webhook::{SECRET, event, send, sign, usage};

const OPERATOR: &str = "Zm9yIHRoZXNlIHRlc3RzIGFsb25lLCAzMiBieXRlcyBvciBtb3Jl";

fn counted(settings: Settings, limit: &str, reserve: &str) -> Settings {
    settings.set_all(&[
        ("jaas_webhook_secret", SECRET),
        ("default_user_id", "guest-{random}"),
        ("monthly_user_limit", limit),
        ("monthly_user_reserve", reserve),
        ("operator_token", OPERATOR),
    ])
}

fn report(server: &Server) -> Value {
    let response = server.send(&operator(OPERATOR));
    assert_eq!(response.status, 200, "{response}");
    response.json()
}

fn operator(token: &str) -> Request {
    Request::new("GET", "/api/usage").bearer(token)
}

fn device(i: usize) -> Value {
    json!({"deviceId": format!("device {i}"), "userId": format!("person {i}"), "email": null})
}

fn request_token(server: &Server, id: &str) -> Response {
    server.send(&get(&[("user_id", id)]))
}

#[test]
fn the_ledger_counts_each_device_once_whatever_comes_when_and_how_often() {
    let server = Server::start(counted(Settings::good(), "0", "0"));
    // In different orders, repeated, and doubled within one event.
    for devices in [[0, 1], [1, 0], [2, 1], [0, 0]] {
        let devices: Vec<Value> = devices.into_iter().map(device).collect();
        let response = send(&server, &usage(&devices.into()));
        assert_eq!(response.status, 204, "{response}");
    }
    assert_eq!(report(&server)["count"], 3);
    // Forged, and too old.
    let body = usage(&json!([device(99)]));
    for signature in [
        None,
        Some(sign("whsec_11111111111111111111111111111111", now(), &body)),
        Some(sign(SECRET, now() - 400, &body)),
    ] {
        assert_eq!(server.send(&event(&body, signature.as_deref())).status, 401);
    }
    assert_eq!(report(&server)["count"], 3);

    // 100 at once, two for each device.
    std::thread::scope(|scope| {
        for i in 0..100 {
            let server = &server;
            scope.spawn(move || {
                let response = send(server, &usage(&json!([device(i / 2)])));
                assert_eq!(response.status, 204, "{response}");
            });
        }
    });
    let usage = report(&server);
    assert_eq!((&usage["count"], &usage["known"]), (&json!(50), &json!(50)));
    assert_eq!(
        (&usage["source"], &usage["limit"]),
        (&json!("webhook"), &Value::Null)
    );
}

#[test]
fn near_the_limit_guests_wait_and_proven_moderators_get_in() {
    let login = Login::new();
    let server = Server::start(counted(login.configure("optional"), "5", "2"));
    let credential = |moderator: bool| login.sign(&json!({"moderator": moderator}));
    let known = |moderator: bool| server.send(&get(&[]).bearer(&credential(moderator)));
    // A guest whom 8x8 has reported, and who returns with the id of the first token.
    let mine = request_token(&server, "").token();
    let mine = mine.user()["id"].as_str().expect("an id").to_owned();
    assert!(mine.starts_with("guest-"), "{mine}");
    send(
        &server,
        &usage(&json!([{"deviceId": "mine", "userId": mine}])),
    );

    let mut warned = Vec::new();
    for (more, guest, member) in [(1, 200, 200), (2, 429, 200), (4, 429, 429)] {
        let devices: Vec<Value> = (0..more).map(device).collect();
        warned.extend(server.log_of(|server| {
            send(server, &usage(&devices.into()));
        }));
        let request = get(&[("user_id", "somebody")]).origin(ALLOWED);
        let response = server.send(&request);
        assert_eq!(response.status, guest, "{more}: {response}");
        if guest == 429 {
            let message = response.error();
            assert!(
                message.starts_with("The meetings' monthly quota"),
                "{message}"
            );
            let exposed = response.header("Access-Control-Expose-Headers");
            assert_eq!(exposed, Some("Retry-After"));
            let seconds = response.header("Retry-After").expect("a time");
            let seconds: u64 = seconds.parse().expect("seconds");
            assert!((1..=31 * 86_400).contains(&seconds), "{seconds}");
        }
        assert_eq!(known(false).status, member, "{more}");
        assert_eq!(known(true).status, 200, "{more}");
        let back = request_token(&server, &mine).token();
        assert_eq!(back.user()["id"], mine.as_str());
    }
    let warned: Vec<_> = warned.iter().map(|line| line["warning"].clone()).collect();
    assert_eq!(warned, ["100 % of monthly_user_limit is used"]);
}

/// A role that the request only claims proves nothing.
#[test]
fn without_a_login_everybody_is_a_guest() {
    let server = Server::start(counted(Settings::good(), "1", "0"));
    send(&server, &usage(&json!([device(1)])));
    let moderator = [("user_moderator", "true"), ("user_id", "boss")];
    assert_eq!(server.send(&get(&moderator)).status, 429);
    assert_eq!(request_token(&server, "person 1").status, 200);
}

#[test]
fn tokens_are_counted_where_there_is_no_webhook() {
    let server = Server::start(Settings::good().set_all(&[
        ("count_issued", "true"),
        ("default_user_id", "guest-{random}"),
        ("monthly_user_limit", "4"),
        ("monthly_user_reserve", "1"),
        ("operator_token", OPERATOR),
    ]));
    let issued = Mutex::new(0);
    std::thread::scope(|scope| {
        for i in 0..16 {
            let (server, issued) = (&server, &issued);
            scope.spawn(move || {
                let response = request_token(server, &format!("guest {i}"));
                assert!([200, 429].contains(&response.status), "{response}");
                *issued.lock().expect("a number") += usize::from(response.status == 200);
            });
        }
    });
    assert_eq!(issued.into_inner().expect("a number"), 3);
    let usage = report(&server);
    assert_eq!(
        (&usage["count"], &usage["source"]),
        (&json!(3), &json!("issued"))
    );
}

#[test]
fn the_count_is_for_the_operator_alone() {
    let server = Server::start(counted(Settings::good(), "25", "20%"));
    for (request, status) in [
        (operator(OPERATOR), 200),
        (operator(OPERATOR).origin(ALLOWED), 200),
        (operator(OPERATOR).origin(FOREIGN), 403),
        (operator(&OPERATOR[1..]), 401),
        (Request::new("GET", "/api/usage"), 401),
        (Request::new("POST", "/api/usage"), 405),
    ] {
        let response = server.send(&request);
        assert_eq!(response.status, status, "{response}");
        let is_told = response.json().get("count").is_some();
        assert_eq!(is_told, status == 200, "{response}");
    }
    assert_eq!(report(&server)["reserve"], 5);
}

/// Lets guests join around the limit while 8x8 reports each of them. Guests already on their way may exceed the limit.
fn join(seconds: u64) {
    const AT_ONCE: usize = 8;
    const LIMIT: usize = 60;
    let server = Server::start(counted(Settings::good(), &LIMIT.to_string(), "0"));
    let (let_in, rejected) = (Mutex::new(0), Mutex::new(0));
    let start = std::time::Instant::now();
    std::thread::scope(|scope| {
        for worker in 0..AT_ONCE {
            let (server, let_in, rejected) = (&server, &let_in, &rejected);
            scope.spawn(move || {
                for i in 0.. {
                    if start.elapsed().as_secs() >= seconds {
                        return;
                    }
                    let id = format!("guest {worker} {i}");
                    if request_token(server, &id).status == 200 {
                        let devices = json!([{"deviceId": id, "userId": id}]);
                        assert_eq!(send(server, &usage(&devices)).status, 204);
                        *let_in.lock().expect("a number") += 1;
                    } else {
                        *rejected.lock().expect("a number") += 1;
                    }
                }
            });
        }
    });
    let let_in = let_in.into_inner().expect("a number");
    let rejected = rejected.into_inner().expect("a number");
    println!("limit {LIMIT}, {AT_ONCE} at once, {seconds} s: {let_in} let in, {rejected} rejected");
    assert!(let_in >= LIMIT && rejected > 0, "{let_in} {rejected}");
    assert!(let_in <= LIMIT + AT_ONCE, "{let_in}");
    assert_eq!(report(&server)["count"], let_in);
}

#[test]
fn no_more_guests_get_in_than_the_limit_and_those_who_are_on_their_way() {
    join(4);
}

/// `cargo dev test -- --test service a_minute_of_joins -- --ignored --nocapture`
#[test]
#[ignore = "takes a minute"]
fn a_minute_of_joins_stays_within_the_same_bound() {
    join(60);
}
