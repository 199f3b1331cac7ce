//! `/webhooks/jaas`: which events are authentic, and how rooms start.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::credentials::Login;
use crate::harness::{ALLOWED, APP_ID, Server, Settings, now};
use crate::http::{Body, Request, Response, get, preflight};

const PATH: &str = "/webhooks/jaas";
/// The secret of an endpoint at 8x8, made up for these tests.
pub const SECRET: &str = "whsec_2c1f0a9be4d37586a1b2c3d4e5f60718";

/// Signs a body as 8x8 does.
pub fn sign(secret: &str, at: i64, body: &str) -> String {
    let mac = hmac_sha256::HMAC::mac(format!("{at}.{body}"), secret);
    format!("t={at},v1={}", STANDARD.encode(mac))
}

pub fn event(body: &str, signature: Option<&str>) -> Request {
    let request = Request::new("POST", PATH)
        .header("Content-Type", "application/json")
        .body(Body::Whole(body.into()));
    match signature {
        Some(signature) => request.header("X-Jaas-Signature", signature),
        None => request,
    }
}

/// Sends an event as 8x8 does.
pub fn send(server: &Server, body: &str) -> Response {
    server.send(&event(body, Some(&sign(SECRET, now(), body))))
}

/// Returns a `USAGE` event.
pub fn usage(devices: &Value) -> String {
    json!({
        "eventType": "USAGE", "sessionId": "s", "idempotencyKey": "k", "appId": APP_ID,
        "customerId": &APP_ID["vpaas-magic-cookie-".len()..], "fqn": format!("{APP_ID}/room"),
        "timestamp": now() * 1000, "data": devices,
    })
    .to_string()
}

#[test]
fn without_its_variables_the_route_does_not_exist() {
    let body = usage(&json!([]));
    let response = send(Server::good(), &body);
    assert_eq!(response.status, 404, "{response}");
    let response = Server::good().send(&Request::new("GET", "/api/usage"));
    assert_eq!(response.status, 404, "{response}");
    // As for every unknown path.
    let response = Server::good().send(&preflight(PATH, ALLOWED));
    assert_eq!(response.status, 204, "{response}");
}

#[test]
fn what_is_not_proven_to_come_from_8x8_is_a_401_and_a_line_in_the_log() {
    let authorization = "Bearer 5dc0a8c1b6f94f3e8a7b2c1d0e9f8a7b";
    let server = Server::start(Settings::good().set_all(&[
        (
            "jaas_webhook_secret",
            &format!("whsec_00000000000000000000000000000000 {SECRET}"),
        ),
        ("jaas_webhook_authorization", authorization),
    ]));
    let body = usage(&json!([{"deviceId": "d"}]));
    let starting = format!(r#"{{"fqn":"{APP_ID}/room"}}"#);
    let good = sign(SECRET, now(), &body);
    let other = body.replace("deviceId", "deviceid");
    let foreign = body.replace(APP_ID, &APP_ID.replace('0', "1"));
    let foreign_signature = sign(SECRET, now(), &foreign);
    let old = sign(SECRET, now() - 400, &body);
    let ahead = sign(SECRET, now() + 400, &body);
    let forged = sign("whsec_11111111111111111111111111111111", now(), &body);
    for (body, signature, has_authorization, status) in [
        (&body, Some(good.as_str()), true, 204),
        (&starting, None, true, 200),
        (&body, Some(&good), false, 401),
        (&starting, None, false, 401),
        (&body, None, true, 401),
        (&other, Some(&good), true, 401),
        (&foreign, Some(&foreign_signature), true, 401),
        (&body, Some(&old), true, 401),
        (&body, Some(&ahead), true, 401),
        (&body, Some(&forged), true, 401),
        (&body, Some("t=x"), true, 401),
        (&" ".repeat(65_537), Some(&good), true, 413),
    ] {
        let mut request = event(body, signature);
        if has_authorization {
            request = request.header("Authorization", authorization);
        }
        let lines = server.log_of(|server| {
            let response = server.send(&request);
            assert_eq!(response.status, status, "{signature:?} {response}");
        });
        assert_eq!(lines.len(), usize::from(status >= 400), "{lines:?}");
        for line in lines {
            assert_eq!(
                (&line["level"], &line["status"]),
                (&json!("warn"), &json!(status))
            );
        }
    }
    // No page calls this route, and it has no other methods.
    let response = server.send(&preflight(PATH, ALLOWED));
    assert_eq!(response.header("Access-Control-Allow-Methods"), None);
    for method in ["OPTIONS", "GET"] {
        let response = server.send(&Request::new(method, PATH));
        assert_eq!(
            (response.status, response.header("Allow")),
            (405, Some("POST"))
        );
    }
}

#[test]
fn a_room_starts_as_the_operator_says_and_the_members_know_its_passcode() {
    let login = Login::new();
    let rooms = json!([
        {"rooms": "town*, 公民*", "lobby": "wait-for-moderator", "max_occupants": 200,
         "participants_soft_limit": 30, "visitors": true},
        {"rooms": "board", "lobby": "wait-for-approval", "passcode_from": "8f14e45fceea167a5a36dedd4bea2543"},
        {"rooms": "radio", "passcode": "428613"},
    ]);
    let settings = login.configure("optional");
    let server = Server::start(settings.set_all(&[
        ("jaas_webhook_secret", SECRET),
        ("room_settings", &rooms.to_string()),
    ]));
    let start = |room: &str| {
        let response = send(
            &server,
            &json!({"fqn": format!("{APP_ID}/{room}")}).to_string(),
        );
        assert_eq!(response.status, 200, "{response}");
        response.json()
    };
    let town = json!({
        "lobbyEnabled": true, "lobbyType": "WAIT_FOR_MODERATOR", "maxOccupants": 200,
        "participantsSoftLimit": 30, "visitorsEnabled": true,
    });
    assert_eq!(start("townhall"), town);
    assert_eq!(start("%e5%85%ac%e6%b0%91%e6%9c%83%e8%ad%b0"), town);
    assert_eq!(start("radio"), json!({"passcode": "428613"}));
    assert_eq!(start("other"), json!({}));
    let board = start("board");
    let passcode = board["passcode"].as_str().expect("a passcode");
    assert!(passcode.len() == 6 && passcode.bytes().all(|b| b.is_ascii_digit()));

    let known = |room| {
        server
            .send(&get(&[("room", room)]).bearer(&login.sign(&json!({}))))
            .json()
    };
    assert_eq!(known("board")["passcode"], passcode);
    assert_eq!(known("radio")["passcode"], "428613");
    assert!(known("townhall").get("passcode").is_none());
    let guest = server.send(&get(&[("room", "board")]));
    assert!(guest.json().get("passcode").is_none(), "{guest}");
}

#[test]
fn settings_that_are_wrong_are_told_and_no_room_opens_without_them() {
    let server = Server::start_broken(Settings::good().set_all(&[
        ("jaas_webhook_secret", SECRET),
        (
            "room_settings",
            r#"[{"rooms":"a"},{"rooms":"b","lobby":"hunter2"}]"#,
        ),
    ]));
    let messages = crate::health::assert_problems(&server, &["room_settings"]);
    assert!(messages[0].contains("entry 2 has a lobby"), "{messages:?}");
    assert!(!messages[0].contains("hunter2"), "{messages:?}");
    assert_eq!(server.send(&get(&[])).status, 500);
    assert_eq!(
        send(&server, &json!({"fqn": format!("{APP_ID}/a")}).to_string()).status,
        500
    );
}
