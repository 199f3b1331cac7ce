//! What a page of an allowed origin learns when it gets no token: the status and the service's message.

use browser_tests::Browser;
use serde_json::{Value, json};

use crate::credentials::Login;
use crate::harness::Settings;
use crate::site::{Service, own_pages, serve, tokens};

/// Sends the request and returns the error response. Asserts that the page can read its status.
fn rejected(browser: &Browser, service: &Service, url: &str, init: &Value, status: u16) -> Value {
    let mut response = Value::Null;
    let lines = service.log_of(|| response = browser.fetch(url, init));
    assert_eq!(response["status"], status, "{response}");
    assert_eq!(tokens(&lines), 0, "{lines:?}");
    let message = response["body"]["error"].as_str();
    assert!(message.is_some_and(|text| !text.is_empty()), "{response}");
    response
}

#[test]
fn a_page_reads_why_its_credential_is_refused() {
    let browser = Browser::take();
    let pages = serve(&own_pages());
    let login = Login::new();
    let settings = login.configure("required");
    let service = Service::start(settings.set("allowed_origins", &pages.origin()));
    browser.open(&format!("{}/empty.html", pages.origin()));

    let url = service.bare_route();
    let with = |credential: &str| json!({ "headers": { "Authorization": format!("Bearer {credential}") } });
    for (init, message) in [
        (json!({}), "Authorization"),
        (with("a.b.c"), "credential"),
        (with(&login.sign(&json!({ "exp": 1 }))), "expired"),
    ] {
        let response = rejected(&browser, &service, &url, &init, 401);
        let text = response["body"]["error"].as_str().expect("a message");
        assert!(text.contains(message), "{text}");
        let challenge = response["headers"]["www-authenticate"].as_str();
        assert!(
            challenge.is_some_and(|text| text.starts_with("Bearer")),
            "{response}"
        );
    }
    let response = browser.fetch(&url, &with(&login.sign(&json!({}))));
    assert_eq!(response["status"], 200, "{response}");
}

#[test]
fn a_page_reads_which_parameter_is_wrong() {
    let browser = Browser::take();
    let pages = serve(&own_pages());
    let origin = pages.origin();
    let settings =
        Settings::good().set_all(&[("allowed_origins", &*origin), ("allowed_rooms", "meetup-*")]);
    let service = Service::start(settings);
    browser.open(&format!("{}/empty.html", pages.origin()));
    let post = |kind: &str, body: &str| json!({ "method": "POST", "headers": { "Content-Type": kind }, "body": body });
    for (parameters, init, status, start) in [
        (vec![("room", "*")], json!({}), 400, "room"),
        (
            vec![("user_moderator", "maybe")],
            json!({}),
            400,
            "user_moderator",
        ),
        (vec![], post("application/json", "{"), 400, ""),
        (
            vec![],
            post("application/json", &" ".repeat(20_000)),
            413,
            "",
        ),
        (vec![], post("text/plain", "room=a"), 415, ""),
        (vec![("room", "other")], json!({}), 403, "Room not allowed"),
    ] {
        let url = service.route(&parameters);
        let response = rejected(&browser, &service, &url, &init, status);
        let text = response["body"]["error"].as_str().expect("a message");
        assert!(text.starts_with(start), "{text}");
    }
}

#[test]
fn a_page_reads_that_the_service_is_not_configured() {
    let browser = Browser::take();
    let pages = serve(&own_pages());
    let origin = pages.origin();
    browser.open(&format!("{origin}/empty.html"));
    for (name, value, message) in [
        (
            "jaas_app_id",
            "",
            "Missing required environment variables: JAAS_APP_ID, JAAS_KEY_ID, or JAAS_PRIVATE_KEY",
        ),
        ("jaas_private_key", "no key", "jaas_private_key"),
        ("token_ttl_seconds", "never", "token_ttl_seconds"),
    ] {
        let settings = Settings::good().set_all(&[("allowed_origins", &*origin), (name, value)]);
        let service = Service::start_broken(settings);
        let url = service.bare_route();
        let response = rejected(&browser, &service, &url, &json!({}), 500);
        let text = response["body"]["error"].as_str().expect("a message");
        assert!(text.contains(message), "{text}");
    }
}
