//! `/healthz`: suitable for probes, and tells operators what is wrong.

use serde_json::json;

use crate::credentials::Login;
use crate::harness::{ALLOWED, APP_ID, FOREIGN, Server, Settings};
use crate::http::Request;

pub fn health() -> Request {
    Request::new("GET", "/healthz")
}

/// Asserts that the health check reports problems of exactly these variables, in any order. Returns the messages.
pub fn assert_problems(server: &Server, variables: &[&str]) -> Vec<String> {
    let response = server.send(&health());
    assert_eq!(response.status, 503, "{response}");
    let body = response.json();
    assert_eq!(body["status"], "error", "{response}");
    let problems = body["problems"].as_array().cloned().unwrap_or_default();
    let mut found = Vec::new();
    let mut messages = Vec::new();
    for problem in &problems {
        found.push(problem["variable"].as_str().expect("a variable").to_owned());
        messages.push(problem["message"].as_str().expect("a message").to_owned());
    }
    found.sort();
    let mut expected = variables.to_vec();
    expected.sort_unstable();
    assert_eq!(found, expected, "{response}");
    messages
}

#[test]
fn a_complete_configuration_is_healthy() {
    for origin in [None, Some(ALLOWED), Some(FOREIGN), Some("null")] {
        let response = Server::good().send(&origin.into_iter().fold(health(), Request::origin));
        assert_eq!(response.status, 200, "{origin:?}: {response}");
        assert_eq!(response.json(), json!({ "status": "ok" }));
        assert_eq!(
            response.header("Access-Control-Allow-Origin"),
            origin.filter(|origin| *origin == ALLOWED)
        );
    }
    let response = Server::good().send(&Request::new("GET", "/healthz?probe=1"));
    assert_eq!(response.status, 200, "{response}");
    assert_eq!(
        Server::good()
            .send(&Request::new("HEAD", "/healthz"))
            .status,
        200
    );
}

/// Not in the log: in WASI 0.2 the component cannot tell its start from a request, and every probe would add a line.
#[test]
fn verbose_health_warns_about_open_moderation() {
    let verbose = |server: &Server, target: &str| {
        let response = server.send(&Request::new("GET", target));
        assert_eq!(response.status, 200, "{response}");
        response.json()
    };
    let open = json!({
        "status": "ok",
        "warnings": ["auth_mode is none: anyone can become a moderator"],
    });
    for target in [
        "/healthz?verbose",
        "/healthz?verbose=1",
        "/healthz?a&verbose",
    ] {
        assert_eq!(verbose(Server::good(), target), open, "{target}");
    }
    for target in ["/healthz", "/healthz?", "/healthz?verbosely"] {
        let body = verbose(Server::good(), target);
        assert_eq!(body, json!({ "status": "ok" }), "{target}");
    }
    for auth_mode in ["optional", "required"] {
        let server = Server::start(Login::new().configure(auth_mode));
        assert_eq!(
            verbose(&server, "/healthz?verbose"),
            json!({ "status": "ok", "warnings": [] })
        );
    }
}

#[test]
fn a_healthy_probe_leaves_no_line() {
    let server = Server::start(Settings::good());
    let lines = server.log_of(|server| {
        for method in ["GET", "HEAD"] {
            for target in ["/healthz", "/healthz?verbose"] {
                let response = server.send(&Request::new(method, target).origin(ALLOWED));
                assert_eq!(response.status, 200);
            }
        }
    });
    assert!(lines.is_empty(), "{lines:?}");
}

/// 8x8 keeps the private key for this key id: its console signs its own sample app with it.
#[test]
fn the_key_id_of_the_sample_app_is_told() {
    for id in [
        format!("{APP_ID}/fee1bc-SAMPLE_APP"),
        "fee1bc-SAMPLE_APP".to_owned(),
        format!("{APP_ID}/a1b2c3-sample_app"),
    ] {
        let server = Server::start_broken(Settings::good().set("jaas_key_id", &id));
        let messages = assert_problems(&server, &["jaas_key_id"]);
        assert!(messages[0].contains("sample app"), "{messages:?}");
        assert!(messages[0].contains("upload"), "{messages:?}");
    }
}

#[test]
fn a_probe_needs_no_origin() {
    let server = Server::start(Settings::good().set("require_origin", "true"));
    assert_eq!(server.send(&health()).status, 200);
    assert_eq!(server.send(&health().origin(FOREIGN)).status, 200);
}

#[test]
fn each_wrong_variable_is_told_by_name() {
    for (variable, value) in [
        ("jaas_app_id", "vpaas-magic-cookie-0123"),
        (
            "jaas_key_id",
            "vpaas-magic-cookie-ffffffffffffffffffffffffffffffff/1",
        ),
        ("jaas_private_key", "no key"),
        ("jaas_key_id", ""),
        ("jaas_private_key", ""),
        ("allowed_origins", "*"),
        ("disclose_origins", "maybe"),
        ("require_origin", "maybe"),
        ("default_room", "*"),
        ("default_user_id", "a\u{7}b"),
        ("default_user_name", "a\u{7}b"),
        ("default_user_email", "nobody"),
        ("default_moderator", "maybe"),
    ] {
        let server = Server::start_broken(Settings::good().set(variable, value));
        assert_problems(&server, &[variable]);
        let head = server.send(&Request::new("HEAD", "/healthz"));
        assert_eq!(head.status, 503, "{variable}: {head}");
    }
}

#[test]
fn all_problems_are_told_together() {
    let server = Server::start_broken(Settings::good().set_all(&[
        ("jaas_app_id", "someone"),
        ("jaas_private_key", "no key"),
        ("allowed_origins", "https://vtaiwan.tw/path"),
        ("default_moderator", "maybe"),
    ]));
    assert_problems(
        &server,
        &[
            "jaas_app_id",
            "jaas_private_key",
            "allowed_origins",
            "default_moderator",
        ],
    );
}

#[test]
fn missing_and_wrong_are_told_together() {
    let server = Server::start_broken(Settings::good().set_all(&[
        ("jaas_app_id", ""),
        ("jaas_key_id", ""),
        ("require_origin", "maybe"),
    ]));
    assert_problems(&server, &["jaas_app_id", "jaas_key_id", "require_origin"]);
}

#[test]
fn a_health_response_tells_no_value() {
    let server = Server::start_broken(Settings::good().set_all(&[
        (
            "jaas_key_id",
            "vpaas-magic-cookie-ffffffffffffffffffffffffffffffff/hidden",
        ),
        ("default_user_email", "hidden"),
        ("allowed_origins", "https://hidden.example/"),
    ]));
    let response = server.send(&health());
    assert_eq!(response.status, 503);
    for value in ["hidden", APP_ID, "ffffffff"] {
        assert!(!response.to_string().contains(value), "{value}: {response}");
    }
}

#[test]
fn health_signs_nothing() {
    let server = Server::start(Settings::good());
    let lines = server.log_of(|server| {
        for method in ["GET", "HEAD"] {
            let response = server.send(&Request::new(method, "/healthz"));
            assert_eq!(response.status, 200);
        }
    });
    assert!(
        lines.iter().all(|line| line["event"] != "token issued"),
        "{lines:?}"
    );
}
