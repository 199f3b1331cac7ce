//! The log: one line for each rejection, token and fault, without secrets or personal data.

use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::{ALLOWED, FOREIGN, Server, Settings};
use crate::http::{Request, TOKEN_ROUTE, get, post, post_form, post_json, preflight};

#[test]
fn each_rejected_request_leaves_one_line() {
    let server = Server::start(Settings::good());
    for (request, status) in [
        (get(&[]).origin(FOREIGN), 403),
        (get(&[]).origin("null"), 403),
        (post_json(&json!({})).origin(FOREIGN), 403),
        (preflight(TOKEN_ROUTE, FOREIGN), 403),
        (get(&[]).origin(ALLOWED).origin(ALLOWED), 403),
        (get(&[]).origin("https://\u{516c}.example"), 403),
        (Request::new("HEAD", TOKEN_ROUTE).origin(FOREIGN), 403),
        (Request::new("GET", "/other"), 404),
        (Request::new("GET", "/other").origin(ALLOWED), 404),
        (Request::new("PUT", TOKEN_ROUTE), 405),
        (Request::new("PUT", "/healthz"), 405),
        (get(&[("room", "*")]), 400),
        (get(&[("room", "*")]).origin(ALLOWED), 400),
        (post("application/json", "{"), 400),
        (post("application/json", " ".repeat(20_000)), 413),
        (post("text/plain", ""), 415),
    ] {
        let lines = server.log_of(|server| {
            let response = server.send(&request);
            assert_eq!(response.status, status, "{request:?}: {response}");
        });
        assert_eq!(lines.len(), 1, "{request:?}: {lines:?}");
        let line = &lines[0];
        assert_eq!(line["level"], "warn", "{line}");
        assert_eq!(line["status"], status, "{line}");
        assert!(
            line["reason"]
                .as_str()
                .is_some_and(|reason| !reason.is_empty()),
            "{line}"
        );
        let origin = request.headers.iter().find(|(name, _)| name == "Origin");
        match origin.map(|(_, value)| std::str::from_utf8(value).expect("text")) {
            None => assert!(line.get("origin").is_none_or(Value::is_null), "{line}"),
            Some(origin) => {
                let logged = line["origin"].as_str().unwrap_or("");
                assert!(logged.contains(origin), "{line}");
            }
        }
    }
}

/// The host responds itself and does not call the component.
#[test]
fn a_request_with_a_header_that_is_no_text_leaves_no_line() {
    let server = Server::start(Settings::good());
    let lines = server.log_of(|server| {
        let response = server.send(&get(&[]).origin(b"https://\xff.example"));
        assert_eq!(response.status, 500, "{response}");
    });
    assert_eq!(lines, Vec::<Value>::new());
}

#[test]
fn lines_of_requests_in_parallel_stay_whole() {
    const REQUESTS: usize = 250;
    const CONNECTIONS: usize = 16;
    let server = Server::start(Settings::good());
    let lines = server.log_of(|server| {
        std::thread::scope(|scope| {
            for _ in 0..CONNECTIONS {
                scope.spawn(|| {
                    let mut connection = server.connect();
                    for _ in 0..REQUESTS {
                        let response = connection.send(&get(&[]).origin(FOREIGN));
                        assert_eq!(response.expect("a response").status, 403);
                    }
                });
            }
        });
    });
    assert_eq!(lines.len(), CONNECTIONS * REQUESTS);
}

#[test]
fn a_client_that_goes_away_leaves_only_lines_of_json() {
    let server = Server::start(Settings::good());
    let head = "Host: x\r\nContent-Type: application/json\r\n";
    let requests = [
        // Disconnected before the response.
        format!("GET {TOKEN_ROUTE}?room=a HTTP/1.1\r\n{head}\r\n"),
        format!("GET {TOKEN_ROUTE}?room=* HTTP/1.1\r\n{head}\r\n"),
        format!("HEAD {TOKEN_ROUTE} HTTP/1.1\r\n{head}\r\n"),
        format!("POST {TOKEN_ROUTE} HTTP/1.1\r\n{head}Content-Length: 2\r\n\r\n{{}}"),
        // Disconnected within the request.
        format!("GET {TOKEN_ROUTE}?room=a HTTP/1.1\r\n{head}"),
        format!("POST {TOKEN_ROUTE} HTTP/1.1\r\n{head}Content-Length: 20\r\n\r\n{{"),
        format!("POST {TOKEN_ROUTE} HTTP/1.1\r\n{head}Transfer-Encoding: chunked\r\n\r\n5\r\n{{"),
    ];
    let lines = server.log_of(|server| {
        for pause in [0, 1, 5] {
            for request in requests.iter().cycle().take(20 * requests.len()) {
                let mut connection = server.connect();
                connection.write(request).expect("the server listens");
                std::thread::sleep(Duration::from_millis(pause));
            }
        }
        // The component may still be handling the last of them.
        std::thread::sleep(Duration::from_millis(500));
    });
    // `log_of` has already checked that each line is JSON.
    for line in lines {
        assert!(line["level"].is_string(), "{line}");
    }
}

#[test]
fn each_token_leaves_one_line() {
    let server = Server::start(Settings::good());
    for request in [
        get(&[]),
        get(&[]).origin(ALLOWED),
        post_json(&json!({})),
        post_form(&[]),
    ] {
        let lines = server.log_of(|server| {
            assert_eq!(server.send(&request).status, 200);
        });
        assert_eq!(lines.len(), 1, "{lines:?}");
        let line = &lines[0];
        assert_eq!(line["level"], "info", "{line}");
        assert_eq!(line["status"], 200, "{line}");
        assert_eq!(line["event"], "token issued", "{line}");
    }
}

#[test]
fn head_and_preflight_sign_nothing() {
    let server = Server::start(Settings::good());
    let lines = server.log_of(|server| {
        for request in [
            Request::new("HEAD", TOKEN_ROUTE),
            Request::new("HEAD", TOKEN_ROUTE).origin(ALLOWED),
        ] {
            assert_eq!(server.send(&request).status, 200);
        }
        assert_eq!(server.send(&preflight(TOKEN_ROUTE, ALLOWED)).status, 204);
    });
    assert_eq!(lines, Vec::<Value>::new());
}

#[test]
fn configuration_problems_are_one_line_per_request_that_finds_them() {
    let server = Server::start_broken(Settings::good().set_all(&[
        ("jaas_app_id", ""),
        ("jaas_private_key", "no key"),
        ("allowed_origins", "https://vtaiwan.tw *"),
        ("default_moderator", "maybe"),
    ]));
    for (request, status) in [
        (get(&[]), 500),
        (get(&[]).origin(ALLOWED), 500),
        (get(&[]).origin(FOREIGN), 500),
        (post_json(&json!({})), 500),
        (Request::new("HEAD", TOKEN_ROUTE), 500),
        (Request::new("GET", "/healthz"), 503),
        (Request::new("HEAD", "/healthz"), 503),
    ] {
        let lines = server.log_of(|server| {
            let response = server.send(&request);
            assert_eq!(response.status, status, "{request:?}: {response}");
        });
        assert_eq!(lines.len(), 1, "{request:?}: {lines:?}");
        let line = &lines[0];
        assert_eq!(line["level"], "error", "{line}");
        let mut variables: Vec<&str> = line["problems"]
            .as_array()
            .expect("problems")
            .iter()
            .map(|problem| problem["variable"].as_str().expect("a variable"))
            .collect();
        variables.sort_unstable();
        assert_eq!(
            variables,
            [
                "allowed_origins",
                "default_moderator",
                "jaas_app_id",
                "jaas_private_key"
            ],
            "{line}"
        );
    }
}

#[test]
fn an_origin_cannot_forge_a_line() {
    let server = Server::start(Settings::good());
    for origin in [
        r#"https://x","level":"info","event":"token issued","y":""#,
        r"https://x\n{}",
        "https://x\t\u{2028}\u{202e}",
        &format!("https://{}.example", "a".repeat(10_000)),
    ] {
        let lines = server.log_of(|server| {
            assert_eq!(server.send(&get(&[]).origin(origin)).status, 403);
        });
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert_eq!(lines[0]["level"], "warn");
        assert_eq!(lines[0].get("event"), None);
    }
}

/// Words that only the callers' input contains.
const PERSONAL: [&str; 4] = ["Quxname", "quxid", "quxmail", "quxroom"];

#[test]
fn the_log_has_no_person_and_no_token() {
    let server = Server::start(Settings::good().set_all(&[
        ("default_user_name", "Quxname-default"),
        ("default_user_email", "quxmail-default@example.com"),
        ("default_user_id", "quxid-default"),
    ]));
    let person = [
        ("user_name", "Quxname"),
        ("user_id", "quxid"),
        ("user_email", "quxmail@example.com"),
    ];
    let with = |name: &'static str, value: &'static str| {
        let mut parameters: Vec<_> = person.into_iter().filter(|(n, _)| *n != name).collect();
        parameters.push((name, value));
        parameters
    };
    let mut tokens = Vec::new();
    let lines = server.log_of(|server| {
        for parameters in [vec![], person.to_vec(), with("room", "a")] {
            for request in [get(&parameters), post_form(&parameters)] {
                let response = server.send(&request);
                assert_eq!(response.status, 200, "{response}");
                tokens.push(response.token().raw);
            }
        }
        for parameters in [
            with("room", "quxroom*"),
            with("user_email", "quxmail@\u{7}"),
            with("user_name", "Quxname\u{1}"),
            with("user_id", "quxid\u{1}"),
            with("user_moderator", "quxroom"),
        ] {
            for request in [get(&parameters), post_form(&parameters)] {
                assert_eq!(server.send(&request).status, 400);
                let rejected = server.send(&request.origin(FOREIGN));
                assert_eq!(rejected.status, 403);
            }
        }
        for body in [
            r#"{"user_name":"Quxname","user_email":quxmail}"#,
            r#"{"user_name":["Quxname"]}"#,
            r#"{"user_email":{"quxmail":1}}"#,
        ] {
            assert_eq!(server.send(&post("application/json", body)).status, 400);
        }
        let unknown = server.send(&Request::new(
            "GET",
            "/other?user_email=quxmail@example.com",
        ));
        assert_eq!(unknown.status, 404);
    });
    assert_eq!(lines.len(), 6 + 20 + 3 + 1);
    for line in &lines {
        let line = line.to_string();
        for word in PERSONAL {
            assert!(!line.contains(word), "{line}");
        }
        assert!(
            !line.contains("@example") && !line.contains("eyJ"),
            "{line}"
        );
        for token in &tokens {
            for part in token.split('.') {
                assert!(!line.contains(&part[..16]), "{line}");
            }
        }
    }
}
