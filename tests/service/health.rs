//! `/healthz`: fit for a probe, and tells an operator what is wrong.

use serde_json::json;

use crate::harness::{ALLOWED, APP_ID, FOREIGN, Server, Settings};
use crate::http::Request;

pub fn health() -> Request {
    Request::new("GET", "/healthz")
}

/// Asserts that the health check tells problems of exactly these variables, in any order.
pub fn assert_problems(server: &Server, variables: &[&str]) -> Vec<String> {
    let answer = server.send(&health());
    assert_eq!(answer.status, 503, "{answer}");
    let body = answer.json();
    assert_eq!(body["status"], "error", "{answer}");
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
    assert_eq!(found, expected, "{answer}");
    messages
}

#[test]
fn a_complete_configuration_is_healthy() {
    for origin in [None, Some(ALLOWED), Some(FOREIGN), Some("null")] {
        let answer = Server::good().send(&health().maybe_origin(origin));
        assert_eq!(answer.status, 200, "{origin:?}: {answer}");
        assert_eq!(answer.json(), json!({ "status": "ok" }));
        assert_eq!(
            answer.header("Access-Control-Allow-Origin"),
            origin.filter(|origin| *origin == ALLOWED)
        );
    }
    let answer = Server::good().send(&Request::new("GET", "/healthz?probe=1"));
    assert_eq!(answer.status, 200, "{answer}");
    assert_eq!(
        Server::good()
            .send(&Request::new("HEAD", "/healthz"))
            .status,
        200
    );
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
fn a_health_answer_tells_no_value() {
    let server = Server::start_broken(Settings::good().set_all(&[
        (
            "jaas_key_id",
            "vpaas-magic-cookie-ffffffffffffffffffffffffffffffff/hidden",
        ),
        ("default_user_email", "hidden"),
        ("allowed_origins", "https://hidden.example/"),
    ]));
    let answer = server.send(&health());
    assert_eq!(answer.status, 503);
    for value in ["hidden", APP_ID, "ffffffff"] {
        assert!(!answer.to_string().contains(value), "{value}: {answer}");
    }
}

#[test]
fn health_signs_nothing() {
    let server = Server::start(Settings::good());
    let lines = server.log_of(|server| {
        for method in ["GET", "HEAD"] {
            let answer = server.send(&Request::new(method, "/healthz"));
            assert_eq!(answer.status, 200);
        }
    });
    assert!(
        lines.iter().all(|line| line["event"] != "token issued"),
        "{lines:?}"
    );
}
