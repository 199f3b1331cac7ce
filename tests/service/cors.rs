//! Which origins may call the service, and which headers the responses have.

use serde_json::json;

use crate::harness::{ALLOWED, FOREIGN, Server, Settings};
use crate::http::{Request, Response, TOKEN_ROUTE, get, post_json, preflight};

/// The eleven origins in the Worker's last commit.
const DEFAULT_ORIGINS: [&str; 11] = [
    "https://vtaiwan.pages.dev",
    "https://vue.vtaiwan.tw",
    "http://localhost:3000",
    "http://localhost:3001",
    "http://localhost:4173",
    "http://localhost:4174",
    "http://localhost:8080",
    "http://localhost:8081",
    "https://vtaiwan.tw",
    "https://www.vtaiwan.tw",
    "https://talk.vtaiwan.tw",
];

/// Headers that pages' own code and tracing libraries add to requests.
const DEFAULT_HEADERS: &str =
    "Content-Type, Authorization, sentry-trace, baggage, traceparent, tracestate, x-requested-with";

const ALLOW_ORIGIN: &str = "Access-Control-Allow-Origin";
const PREFLIGHT_HEADERS: [&str; 3] = [
    "Access-Control-Allow-Methods",
    "Access-Control-Allow-Headers",
    "Access-Control-Max-Age",
];

fn assert_rejected(response: &Response, context: &str) {
    assert_eq!(response.status, 403, "{context}: {response}");
    assert_eq!(response.header(ALLOW_ORIGIN), None, "{context}: {response}");
    for name in PREFLIGHT_HEADERS {
        assert_eq!(response.header(name), None, "{context}: {response}");
    }
    let body = response.json();
    assert_eq!(body["error"], "Origin not allowed", "{context}");
    assert!(body.get("token").is_none(), "{context}");
}

#[test]
fn each_default_origin_is_allowed() {
    for origin in DEFAULT_ORIGINS {
        let response = Server::good().send(&get(&[]).origin(origin));
        assert_eq!(response.status, 200, "{origin}: {response}");
        assert_eq!(response.header(ALLOW_ORIGIN), Some(origin));
    }
}

#[test]
fn another_origin_is_rejected_with_the_list() {
    for request in [
        get(&[]),
        get(&[("room", "*")]),
        post_json(&json!({})),
        Request::new("DELETE", TOKEN_ROUTE),
    ] {
        let response = Server::good().send(&request.origin(FOREIGN));
        assert_rejected(&response, "foreign");
        assert_eq!(
            response.json(),
            json!({ "error": "Origin not allowed", "allowed_origins": DEFAULT_ORIGINS })
        );
    }
}

#[test]
fn an_origin_is_compared_byte_for_byte() {
    for origin in [
        "null",
        "NULL",
        "",
        "*",
        "https://vtaiwan.tw/",
        "https://vtaiwan.tw/path",
        "https://vtaiwan.tw?x",
        "https://vtaiwan.tw#x",
        "HTTPS://VTAIWAN.TW",
        "https://VTaiwan.tw",
        "https://vtaiwan.tw.",
        "https://vtaiwan.tw:443",
        "https://vtaiwan.tw:444",
        "http://vtaiwan.tw",
        "//vtaiwan.tw",
        "vtaiwan.tw",
        "https://user@vtaiwan.tw",
        "https://vtaiwan.tw.evil.example",
        "https://evilvtaiwan.tw",
        "https://evil.vtaiwan.tw",
        "https://vtaiwan.twx",
        "https://vtaiwan.t",
        "https://evil.example#https://vtaiwan.tw",
        "https://vtaiwan.tw https://talk.vtaiwan.tw",
        "https://vtaiwan.tw, https://talk.vtaiwan.tw",
        "https://vtaiwan.tw%00.evil.example",
        "https://vtaiwan.tw\t.evil.example",
        "http://localhost",
        "http://localhost:3002",
        "https://localhost:3000",
        "http://127.0.0.1:3000",
        "http://[::1]:3000",
        "file://",
        "chrome-extension://abcdef",
        "https://",
        "://",
        "not an origin",
    ] {
        let response = Server::good().send(&get(&[]).origin(origin));
        assert_rejected(&response, origin);
    }
}

#[test]
fn an_origin_that_is_no_text_is_rejected() {
    let text = "https://\u{516c}.example";
    let response = Server::good().send(&get(&[]).origin(text));
    assert_rejected(&response, text);
    // The host itself rejects these.
    for origin in [b"https://vtaiwan.tw\xff".as_slice(), b"\xff\xfe"] {
        let response = Server::good().send(&get(&[]).origin(origin));
        assert_eq!(response.status, 500, "{response}");
    }
}

#[test]
fn two_origins_are_rejected() {
    for (first, second) in [
        (ALLOWED, ALLOWED),
        (ALLOWED, FOREIGN),
        (FOREIGN, ALLOWED),
        (ALLOWED, "https://talk.vtaiwan.tw"),
    ] {
        let response = Server::good().send(&get(&[]).origin(first).origin(second));
        assert_rejected(&response, first);
        let response = Server::good().send(&preflight(TOKEN_ROUTE, first).origin(second));
        assert_rejected(&response, first);
    }
}

#[test]
fn no_origin_is_allowed_as_in_the_worker() {
    let response = Server::good().send(&get(&[]));
    assert_eq!(response.status, 200);
    assert_eq!(response.header(ALLOW_ORIGIN), None);
}

#[test]
fn require_origin_rejects_callers_without_one() {
    for value in ["true", "TRUE"] {
        let server = Server::start(Settings::good().set("require_origin", value));
        for request in [get(&[]), post_json(&json!({}))] {
            let response = server.send(&request);
            assert_rejected(&response, "without an origin");
            assert_eq!(response.json()["allowed_origins"], json!(DEFAULT_ORIGINS));
        }
        assert_eq!(server.send(&get(&[]).origin(ALLOWED)).status, 200);
        assert_rejected(&server.send(&get(&[]).origin(FOREIGN)), "foreign");
    }
}

#[test]
fn disclose_origins_false_leaves_the_list_out() {
    let server = Server::start(
        Settings::good().set_all(&[("disclose_origins", "false"), ("require_origin", "true")]),
    );
    for request in [get(&[]).origin(FOREIGN), get(&[])] {
        let response = server.send(&request);
        assert_rejected(&response, "foreign");
        assert_eq!(response.json(), json!({ "error": "Origin not allowed" }));
    }
}

#[test]
fn every_response_to_an_allowed_origin_carries_it() {
    for (request, status) in [
        (get(&[]), 200),
        (post_json(&json!({})), 200),
        (Request::new("HEAD", TOKEN_ROUTE), 200),
        (get(&[("room", "*")]), 400),
        (post_json(&json!([])), 400),
        (Request::new("POST", TOKEN_ROUTE), 415),
        (
            crate::http::post("application/json", " ".repeat(20_000)),
            413,
        ),
        (Request::new("PUT", TOKEN_ROUTE), 405),
        (Request::new("GET", "/"), 404),
        (Request::new("GET", "/healthz"), 200),
        (Request::new("PUT", "/healthz"), 405),
    ] {
        let response = Server::good().send(&request.origin(ALLOWED));
        assert_eq!(response.status, status, "{response}");
        assert_eq!(response.header(ALLOW_ORIGIN), Some(ALLOWED), "{response}");
    }
    let server = Server::start_broken(Settings::good().set("jaas_key_id", ""));
    let response = server.send(&get(&[]).origin(ALLOWED));
    assert_eq!(response.status, 500);
    assert_eq!(response.header(ALLOW_ORIGIN), Some(ALLOWED));
}

#[test]
fn a_preflight_gets_exactly_these_headers() {
    for origin in DEFAULT_ORIGINS {
        for (name, value) in [
            ("Accept", "*/*"),
            ("Access-Control-Request-Headers", "content-type,x-other"),
            ("Access-Control-Request-Private-Network", "true"),
            ("Access-Control-Request-Credentials", "true"),
        ] {
            let request = preflight(TOKEN_ROUTE, origin).header(name, value);
            let response = Server::good().send(&request);
            assert_eq!(response.status, 204, "{response}");
            assert_eq!(response.header(ALLOW_ORIGIN), Some(origin));
            let values = PREFLIGHT_HEADERS.map(|name| response.header(name).unwrap_or("absent"));
            assert_eq!(values, ["GET, POST, OPTIONS", DEFAULT_HEADERS, "86400"]);
        }
    }
}

#[test]
fn a_preflight_succeeds_whatever_method_it_requests() {
    for method in ["POST", "DELETE", "get", "X-Y"] {
        let request = Request::new("OPTIONS", TOKEN_ROUTE)
            .origin(ALLOWED)
            .header("Access-Control-Request-Method", method);
        let response = Server::good().send(&request);
        assert_eq!(response.status, 204, "{method}: {response}");
        assert_eq!(
            response.header("Access-Control-Allow-Methods"),
            Some("GET, POST, OPTIONS")
        );
    }
}

#[test]
fn a_preflight_of_another_origin_is_rejected() {
    for origin in [FOREIGN, "null", "", "https://vtaiwan.tw/"] {
        let response = Server::good().send(&preflight(TOKEN_ROUTE, origin));
        assert_rejected(&response, origin);
    }
}

/// Without a preflight response the page could not read the 404 and would report a wrong origin.
#[test]
fn a_page_that_is_allowed_can_read_that_a_path_is_unknown() {
    for target in [
        "/",
        "/api",
        "/api/jitsi-token/",
        "/other",
        "/foo/api/jitsi-token",
    ] {
        for origin in [FOREIGN, "null", "https://vtaiwan.tw/"] {
            let response = Server::good().send(&preflight(target, origin));
            assert_eq!(response.status, 404, "{target}: {response}");
            assert_eq!(response.header(ALLOW_ORIGIN), None, "{target}: {response}");
            for name in PREFLIGHT_HEADERS {
                assert_eq!(response.header(name), None, "{target}: {response}");
            }
        }
        let response = Server::good().send(&preflight(target, ALLOWED));
        assert_eq!(response.status, 204, "{target}: {response}");
        assert_eq!(response.header(ALLOW_ORIGIN), Some(ALLOWED));
        assert_eq!(
            response.header("Access-Control-Allow-Headers"),
            Some(DEFAULT_HEADERS)
        );
        for method in ["GET", "POST", "PUT"] {
            let response = Server::good().send(&Request::new(method, target).origin(ALLOWED));
            assert_eq!(response.status, 404, "{target}: {response}");
            assert_eq!(response.header(ALLOW_ORIGIN), Some(ALLOWED));
            assert!(response.error().starts_with("Not found"), "{response}");
        }
    }
    let response = Server::good().send(&preflight("/healthz", ALLOWED));
    assert_eq!(response.status, 204, "{response}");
    let response = Server::good().send(&preflight("/healthz", FOREIGN));
    assert_eq!(response.header(ALLOW_ORIGIN), None, "{response}");
}

#[test]
fn options_that_is_no_preflight_is_a_405() {
    for request in [
        Request::new("OPTIONS", TOKEN_ROUTE),
        Request::new("OPTIONS", TOKEN_ROUTE).origin(ALLOWED),
        Request::new("OPTIONS", TOKEN_ROUTE).header("Access-Control-Request-Method", "GET"),
    ] {
        let response = Server::good().send(&request);
        assert_eq!(response.status, 405, "{request:?}: {response}");
        assert_eq!(response.header("Allow"), Some("GET, HEAD, POST, OPTIONS"));
        for name in PREFLIGHT_HEADERS {
            assert_eq!(response.header(name), None, "{response}");
        }
    }
}

#[test]
fn responses_without_preflight_lack_its_headers() {
    for request in [get(&[]), get(&[("room", "*")]), post_json(&json!({}))] {
        let response = Server::good().send(&request.origin(ALLOWED));
        for name in PREFLIGHT_HEADERS {
            assert_eq!(response.header(name), None, "{response}");
        }
    }
}

#[test]
fn the_list_may_be_separated_by_commas_spaces_and_lines() {
    let (one, two, three) = (
        "https://one.example",
        "https://two.example:8443",
        "http://localhost:5173",
    );
    for text in [
        format!("{one},{two},{three}"),
        format!("{one} {two} {three}"),
        format!("{one}\n{two}\n{three}\n"),
        format!("  {one},\r\n {two} ,\t{three},"),
        format!("{one},,{two}  {three} {one}"),
        // JSON lists, and near-JSON that people write.
        format!(r#"["{one}","{two}","{three}"]"#),
        format!("['{one}', '{two}', '{three}',]"),
        format!("[{one}, {two}, {three}]"),
        format!("[\"{one}\",\n '{two}',\n{three}\n]"),
        format!(r#""{one}", "{two}", '{three}'"#),
    ] {
        let server = Server::start(Settings::good().set("allowed_origins", &text));
        for origin in [one, two, three] {
            let response = server.send(&get(&[]).origin(origin));
            assert_eq!(response.status, 200, "{text:?}: {response}");
            assert_eq!(response.header(ALLOW_ORIGIN), Some(origin));
        }
        // The variable replaces the default list instead of extending it.
        assert_rejected(&server.send(&get(&[]).origin(ALLOWED)), &text);
    }
}

#[test]
fn an_entry_means_what_a_browser_sends() {
    // The entry, origins that match, origins that do not.
    let cases: &[(&str, &[&str], &[&str])] = &[
        (
            "HTTPS://Example.ORG:443",
            &["https://example.org"],
            &[
                "https://example.org:443",
                "https://Example.ORG",
                "HTTPS://Example.ORG:443",
            ],
        ),
        (
            "http://localhost:80",
            &["http://localhost"],
            &["http://localhost:80"],
        ),
        (
            "https://bücher.example",
            &["https://xn--bcher-kva.example"],
            &["https://b%C3%BCcher.example"],
        ),
        (
            "https://公民.example:8443",
            &["https://xn--55q826d.example:8443"],
            &["https://xn--55q826d.example"],
        ),
        (
            "http://127.0.0.1:5000",
            &["http://127.0.0.1:5000"],
            &["http://127.0.0.1", "https://127.0.0.1:5000"],
        ),
        (
            "http://[::1]:3000",
            &["http://[::1]:3000"],
            &["http://[0:0:0:0:0:0:0:1]:3000"],
        ),
        (
            "https://*.example.org",
            &["https://a.example.org", "https://a-1.example.org"],
            &[
                "https://example.org",
                "https://a.b.example.org",
                "https://.example.org",
                "https://*.example.org",
                "http://a.example.org",
                "https://a.example.org:8443",
                "https://a.example.org.evil.example",
                "https://aexample.org",
                "https://evil.example/.example.org",
                "https://evil.example#.example.org",
                "https://evil:x@a.example.org",
                "https://A.example.org",
                "https://a b.example.org",
                "https://-.example.org/",
            ],
        ),
        (
            "https://app-*-team.vercel.app",
            &[
                "https://app-a-team.vercel.app",
                "https://app-git-main-1-team.vercel.app",
            ],
            &[
                "https://app--team.vercel.app",
                "https://app-team.vercel.app",
                "https://app-a.b-team.vercel.app",
                "https://app-*-team.vercel.app",
                "https://xapp-a-team.vercel.app",
                "https://app-a-teams.vercel.app",
                "http://app-a-team.vercel.app",
            ],
        ),
        (
            "https://*-team.example.org:8443",
            &["https://a-team.example.org:8443"],
            &[
                "https://a-team.example.org",
                "https://-team.example.org:8443",
            ],
        ),
        (
            "https://preview*.example.org",
            &["https://preview1.example.org"],
            &[
                "https://preview.example.org",
                "https://preview1.a.example.org",
            ],
        ),
        (
            "capacitor://localhost",
            &["capacitor://localhost"],
            &[
                "ionic://localhost",
                "capacitor://localhost:80",
                "capacitor://localhost/",
                "capacitor://localhost.evil.example",
                "capacitor://",
                "http://localhost",
                "https://localhost",
            ],
        ),
        (
            "ionic://localhost, tauri://localhost",
            &["ionic://localhost", "tauri://localhost"],
            &["capacitor://localhost", "tauri://tauri.localhost"],
        ),
    ];
    for (entry, matching, others) in cases {
        let server = Server::start(Settings::good().set("allowed_origins", entry));
        for origin in *matching {
            let response = server.send(&get(&[]).origin(origin));
            assert_eq!(response.status, 200, "{entry} and {origin}: {response}");
            assert_eq!(response.header(ALLOW_ORIGIN), Some(*origin));
        }
        for origin in *others {
            assert_rejected(
                &server.send(&get(&[]).origin(origin)),
                &format!("{entry} and {origin}"),
            );
        }
    }
}

#[test]
fn an_empty_list_allows_no_origin() {
    let server = Server::start_broken(Settings::good().set("allowed_origins", ""));
    for origin in [ALLOWED, FOREIGN, ""] {
        let response = server.send(&get(&[]).origin(origin));
        assert!([403, 500].contains(&response.status), "{response}");
        assert_eq!(response.header(ALLOW_ORIGIN), None, "{response}");
    }
}

#[test]
fn a_wrong_entry_is_rejected_with_a_message_of_its_own() {
    // The entry, and a part of it that no response may repeat.
    let cases = [
        ("*", None),
        ("null", None),
        ("https://path.secret.example/app", Some("secret")),
        ("https://query.secret.example?x=1", Some("secret")),
        ("https://user:secret@example.org", Some("secret")),
        ("ftp://secret.example.org", Some("secret")),
        ("http://secret.example.org", Some("secret")),
    ];
    let mut messages = Vec::new();
    for (entry, secret) in cases {
        let settings = Settings::good().set("allowed_origins", &format!("{ALLOWED} {entry}"));
        let server = Server::start_broken(settings);
        for request in [get(&[]), get(&[]).origin(FOREIGN)] {
            let response = server.send(&request);
            assert_eq!(response.status, 500, "{entry}: {response}");
            assert_eq!(response.header(ALLOW_ORIGIN), None, "{entry}: {response}");
            let message = response.error();
            assert!(message.contains("allowed_origins"), "{entry}: {message}");
            if let Some(secret) = secret {
                assert!(!message.contains(secret), "{entry}: {message}");
            }
            messages.push(message);
        }
        // An allowed page can read the reason.
        let response = server.send(&get(&[]).origin(ALLOWED));
        assert_eq!(response.status, 500, "{entry}: {response}");
        assert_eq!(response.header(ALLOW_ORIGIN), Some(ALLOWED), "{entry}");
    }
    messages.sort();
    messages.dedup();
    assert_eq!(messages.len(), cases.len(), "{messages:#?}");
}

#[test]
fn other_wrong_entries_are_rejected_too() {
    for entry in [
        "https://vtaiwan.tw/",
        "https://user@vtaiwan.tw",
        "https://*",
        "https://*.*.example.org",
        "https://a.*.example.org",
        "https://a*b*.example.org",
        "https://a*",
        "https://a*.org",
        "https://公*.example.org",
        "http://*.example.org",
        "capacitor://*",
        "capacitor://localhost/",
        "capacitor://localhost/app",
        "capacitor://user@localhost",
        "htps://vtaiwan.tw",
        "data://localhost",
        "ws://vtaiwan.tw",
        "vtaiwan.tw",
        "https://",
        "https://vtaiwan.tw:99999",
        "https://vtaiwan.tw#x",
        "javascript:alert(1)",
        "file:///",
        "http://localhost.evil.example",
        "http://127.0.0.1.evil.example",
    ] {
        let server = Server::start_broken(Settings::good().set("allowed_origins", entry));
        let response = server.send(&get(&[]));
        assert_eq!(response.status, 500, "{entry}: {response}");
        assert!(response.error().contains("allowed_origins"), "{response}");
    }
}

/// Tracing libraries add their own headers; if one is not allowed, the browser's error looks like a wrong origin.
#[test]
fn headers_that_tracing_adds_pass_and_another_is_logged_by_name() {
    let server = Server::start(Settings::good());
    for (requested, missing) in [
        ("sentry-trace", None),
        ("baggage", None),
        ("traceparent", None),
        ("tracestate", None),
        ("x-requested-with", None),
        ("content-type", None),
        ("Authorization", None),
        ("baggage,content-type, sentry-trace", None),
        ("x-other", Some("x-other")),
        (
            "content-type,X-Datadog-Origin,x-b",
            Some("X-Datadog-Origin"),
        ),
    ] {
        let lines = server.log_of(|server| {
            let request =
                preflight(TOKEN_ROUTE, ALLOWED).header("Access-Control-Request-Headers", requested);
            let response = server.send(&request);
            assert_eq!(response.status, 204, "{requested}: {response}");
            let allowed = response
                .header("Access-Control-Allow-Headers")
                .unwrap_or_default();
            let is_allowed = |name: &str| {
                allowed
                    .split(',')
                    .any(|known| known.trim().eq_ignore_ascii_case(name.trim()))
            };
            let passes = requested.split(',').all(is_allowed);
            assert_eq!(passes, missing.is_none(), "{requested}: {response}");
        });
        let Some(missing) = missing else {
            assert!(lines.is_empty(), "{requested}: {lines:?}");
            continue;
        };
        let [line] = &lines[..] else {
            panic!("{requested}: {lines:?}");
        };
        assert_eq!(line["level"], "warn", "{line}");
        assert_eq!(line["header"], missing, "{line}");
        assert!(
            line["reason"].as_str().unwrap().contains("allowed_headers"),
            "{line}"
        );
    }
}

#[test]
fn the_headers_that_pages_may_set_are_a_variable() {
    for (list, allowed) in [
        ("X-Mine", Some("X-Mine")),
        ("X-Mine,\n x-other", Some("X-Mine, x-other")),
        (r#"["X-Mine","x-other"]"#, Some("X-Mine, x-other")),
        ("", None),
    ] {
        let server = Server::start(Settings::good().set("allowed_headers", list));
        let response = server.send(&preflight(TOKEN_ROUTE, ALLOWED));
        assert_eq!(response.status, 204, "{response}");
        assert_eq!(response.header("Access-Control-Allow-Headers"), allowed);
    }
    for list in ["*", "x y(z)", "X-Mine:", "公"] {
        let server = Server::start_broken(Settings::good().set("allowed_headers", list));
        let response = server.send(&get(&[]).origin(ALLOWED));
        assert_eq!(response.status, 500, "{list}: {response}");
        assert!(
            response.error().starts_with("allowed_headers "),
            "{response}"
        );
    }
}
