//! The order of the checks, the log line and what a request costs.

mod usage;

use super::*;
use crate::config::Source;
use crate::config::tests::{APP_ID, source};
use jwt_simple::prelude::RS256KeyPair;

const NOW: u64 = 1_700_000_000;
const ALLOWED: &str = "https://vtaiwan.tw";

/// A complete configuration with a key made for this run, changed by `variables`.
fn complete<'a>(variables: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    static PEM: std::sync::OnceLock<String> = std::sync::OnceLock::new();
    let pem = PEM.get_or_init(|| RS256KeyPair::generate(2048).unwrap().to_pem().unwrap());
    let credentials = [
        ("jaas_app_id", APP_ID),
        ("jaas_key_id", "4f4910"),
        ("jaas_private_key", pem.as_str()),
    ];
    [variables, &credentials].concat()
}

fn request<'a>(
    method: &str,
    target: &str,
    headers: &[(&str, &str)],
    body: &'a str,
) -> Request<&'a [u8]> {
    Request {
        method: method.into(),
        target: target.into(),
        headers: headers.into(),
        body: body.as_bytes(),
    }
}

fn handle_with(source: &dyn Source, request: Request<impl Read>) -> Outcome {
    let mut random = |bytes: &mut [u8]| bytes.fill(7);
    let environment = Environment::isolated(NOW, &mut random);
    handle(&Config::new(source), request, environment)
}

fn send(variables: &[(&str, &str)], request: Request<impl Read>) -> Outcome {
    handle_with(&source(variables), request)
}

fn header<'a>(response: &'a Response, name: &str) -> Option<&'a str> {
    let mut values = response.headers.iter().filter(|(n, _)| *n == name);
    let value = values.next().map(|(_, value)| value.as_str());
    assert!(values.next().is_none(), "{name} twice");
    value
}

#[test]
fn the_checks_come_in_their_order() {
    let good = complete(&[]);
    let empty = Vec::new();
    let wrong_list = complete(&[("allowed_origins", "https://vtaiwan.tw *")]);
    let wrong_switch = complete(&[("require_origin", "maybe")]);
    let evil = ("origin", "https://evil.example");
    let page = ("origin", ALLOWED);
    let asks = ("access-control-request-method", "GET");
    let room = "/api/jitsi-token?room=%ff";
    let login = complete(&[
        ("auth_mode", "required"),
        ("auth_hs256_secret", "f3b1c9d27a64e8500f3b1c9d27a64e85"),
        ("auth_issuer", "https://login.example"),
        ("auth_audience", "jaas"),
    ]);
    let wrong_login = [&login[..], &[("token_ttl_seconds", "x")]].concat();
    let mut wrong_key = wrong_login.clone();
    wrong_key.retain(|(name, _)| *name != "auth_audience");
    for (config, method, target, headers, status) in [
        // Route before everything.
        (&good, "GET", "/", &[evil][..], 404),
        (&good, "GET", "/api/jitsi-token/", &[], 404),
        // A preflight to an unknown path succeeds, so that the page can read the 404 that follows.
        (&good, "OPTIONS", "/api/other", &[page, asks], 204),
        (&good, "OPTIONS", "/api/other", &[evil, asks], 404),
        (&good, "OPTIONS", "/api/other", &[page], 404),
        // CORS before method, configuration and parameters.
        (&good, "DELETE", room, &[evil], 403),
        (&empty, "GET", room, &[evil], 403),
        (&good, "OPTIONS", TOKEN_PATH, &[evil, asks], 403),
        // A list that is wrong refuses nobody: it is the operator who must be told.
        (&wrong_list, "GET", TOKEN_PATH, &[evil], 500),
        (&wrong_list, "GET", TOKEN_PATH, &[page], 500),
        (&wrong_switch, "GET", TOKEN_PATH, &[], 500),
        (&wrong_switch, "GET", TOKEN_PATH, &[page], 500),
        (&wrong_switch, "GET", TOKEN_PATH, &[evil], 403),
        // Method before configuration.
        (&empty, "DELETE", room, &[page], 405),
        // OPTIONS that is no preflight lists the methods.
        (&empty, "OPTIONS", TOKEN_PATH, &[page], 204),
        (&empty, "OPTIONS", TOKEN_PATH, &[asks], 204),
        (&empty, "OPTIONS", HEALTH_PATH, &[], 204),
        (&empty, "OPTIONS", TOKEN_PATH, &[evil], 403),
        (&empty, "get", TOKEN_PATH, &[], 405),
        (&empty, "POST", HEALTH_PATH, &[], 405),
        // A preflight needs no configuration but the list.
        (&empty, "OPTIONS", TOKEN_PATH, &[page, asks], 204),
        (&empty, "OPTIONS", HEALTH_PATH, &[page, asks], 204),
        // Who is calling before the rest of the configuration, and its own configuration before that.
        (&wrong_login, "GET", room, &[page], 401),
        (&wrong_key, "GET", room, &[page], 500),
        // Configuration before parameters.
        (&empty, "GET", room, &[page], 500),
        (&good, "GET", room, &[page], 400),
        (&good, "HEAD", room, &[page], 400),
        (&good, "POST", TOKEN_PATH, &[], 415),
        (&good, "GET", TOKEN_PATH, &[], 200),
        (&good, "HEAD", TOKEN_PATH, &[], 200),
        // The health check is for everybody.
        (&good, "GET", HEALTH_PATH, &[evil], 200),
        (&empty, "GET", HEALTH_PATH, &[], 503),
        (&empty, "HEAD", HEALTH_PATH, &[evil], 503),
        (&good, "OPTIONS", HEALTH_PATH, &[evil, asks], 403),
    ] {
        let response = send(config, request(method, target, headers, "")).response;
        assert_eq!(response.status, status, "{method} {target} {headers:?}");
        let echoed = header(&response, "access-control-allow-origin");
        let page_calls = headers.contains(&page);
        assert_eq!(echoed, page_calls.then_some(ALLOWED), "{method} {target}");
        for (name, value) in [
            ("vary", "Origin"),
            ("cache-control", "no-store"),
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
        ] {
            assert_eq!(header(&response, name), Some(value));
        }
        let is_preflight = headers.contains(&page) && headers.contains(&asks);
        let lists_methods = status == 405 || (status == 204 && !is_preflight);
        assert_eq!(header(&response, "allow").is_some(), lists_methods);
        assert_eq!(response.body.is_empty(), method == "HEAD" || status == 204);
    }
}

#[test]
fn a_refused_request_reads_no_body() {
    struct Unread;
    impl Read for Unread {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            panic!("the body was read");
        }
    }
    let config = complete(&[]);
    let json = ("content-type", "application/json");
    for (target, headers) in [
        (TOKEN_PATH, &[json, ("origin", "https://evil.example")][..]),
        ("/elsewhere", &[json]),
        (HEALTH_PATH, &[json]),
        (TOKEN_PATH, &[("content-type", "text/plain")]),
        ("/api/jitsi-token?user_email=x", &[json]),
    ] {
        let Request {
            method,
            target,
            headers,
            ..
        } = request("POST", target, headers, "");
        let request = Request {
            method,
            target,
            headers,
            body: Unread,
        };
        assert!(send(&config, request).response.status >= 400);
    }
}

#[test]
fn a_parameter_in_the_url_of_a_post_is_refused_and_an_unknown_one_ignored() {
    let config = complete(&[]);
    let json = [("content-type", "application/json")];
    for name in crate::request::name::ALL {
        let target = format!("{TOKEN_PATH}?x=1&{name}=hunter2");
        let response = send(&config, request("POST", &target, &json, "{}")).response;
        assert_eq!(response.status, 400);
        let body = String::from_utf8(response.body).unwrap();
        assert!(body.contains(name) && !body.contains("hunter2"), "{body}");
    }
    let target = format!("{TOKEN_PATH}?x=1");
    assert_eq!(
        send(&config, request("POST", &target, &json, "{}"))
            .response
            .status,
        200
    );
}

#[test]
fn get_and_post_of_the_same_values_give_the_same_token() {
    // PKCS#1 v1.5 signatures are deterministic, so equal claims give equal bytes.
    let config = complete(&[]);
    let query = "room=R%C3%A9union&user_id=u&user_name=J+S&user_email=j%40x&user_moderator=false";
    let json = r#"{"room":"Réunion","user_id":"u","user_name":"J S","user_email":"j@x","user_moderator":false}"#;
    let target = format!("{TOKEN_PATH}?{query}");
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let get = send(&config, request("GET", &target, &[], "")).response;
    assert_eq!(get.status, 200);
    for (headers, body) in [
        (form, query),
        ([("content-type", "application/json")], json),
    ] {
        let post = send(&config, request("POST", TOKEN_PATH, &headers, body)).response;
        assert_eq!(post.body, get.body, "{headers:?}");
    }
}

#[test]
fn the_log_has_one_line_for_a_refusal_and_for_a_token_and_none_otherwise() {
    let good = complete(&[]);
    let empty = Vec::new();
    let evil = ("origin", "https://evil.example\n{\"level\":\"info\"}");
    for (config, method, target, headers, expected) in [
        (
            &good,
            "GET",
            TOKEN_PATH,
            &[][..],
            Some(r#""event":"token issued""#),
        ),
        (&good, "HEAD", TOKEN_PATH, &[], None),
        (&good, "GET", HEALTH_PATH, &[], None),
        (
            &good,
            "OPTIONS",
            TOKEN_PATH,
            &[
                ("origin", ALLOWED),
                ("access-control-request-method", "GET"),
                ("access-control-request-headers", "content-type,x-trace"),
            ],
            Some(r#""header":"x-trace""#),
        ),
        (
            &good,
            "GET",
            TOKEN_PATH,
            &[evil],
            Some(r#""reason":"origin is not in allowed_origins""#),
        ),
        (&good, "GET", "/hunter2", &[], Some(r#""status":404"#)),
        (
            &good,
            "GET",
            "/api/jitsi-token?user_name=hunter2%00",
            &[],
            Some(r#""status":400"#),
        ),
        (
            &good,
            "GET",
            "/api/jitsi-token?user_moderator=hunter2",
            &[],
            Some(r#""status":400"#),
        ),
        (&empty, "GET", TOKEN_PATH, &[], Some(r#""level":"error""#)),
        (
            &empty,
            "GET",
            HEALTH_PATH,
            &[],
            Some(r#""variable":"jaas_private_key""#),
        ),
    ] {
        let outcome = send(config, request(method, target, headers, ""));
        let line = outcome.log.unwrap_or_default();
        assert_eq!(!line.is_empty(), expected.is_some(), "{line}");
        assert!(line.contains(expected.unwrap_or_default()), "{line}");
        assert!(!line.contains('\n') && !line.contains("hunter2"), "{line}");
        if expected.is_some() {
            serde_json::from_str::<serde_json::Map<_, _>>(&line).unwrap();
        }
    }
}

#[test]
fn the_list_of_origins_is_told_unless_that_is_switched_off() {
    let evil = [("origin", "https://evil.example")];
    for (disclose, told) in [("true", true), ("false", false)] {
        let config = complete(&[("disclose_origins", disclose)]);
        let response = send(&config, request("GET", TOKEN_PATH, &evil, "")).response;
        let body: serde_json::Value = serde_json::from_slice(&response.body).unwrap();
        assert_eq!(body["error"], "Origin not allowed");
        assert_eq!(body.get("allowed_origins").is_some(), told);
    }
}

#[test]
fn the_health_check_warns_where_it_is_asked_to() {
    let open = complete(&[]);
    let closed = complete(&[
        ("auth_mode", "optional"),
        ("auth_hs256_secret", "f3b1c9d27a64e8500f3b1c9d27a64e85"),
        ("auth_issuer", "https://login.example"),
        ("auth_audience", "jaas"),
    ]);
    let warned = format!(r#"{{"status":"ok","warnings":["{OPEN_WARNING}"]}}"#);
    for (config, target, body) in [
        (&open, "/healthz", r#"{"status":"ok"}"#),
        (&open, "/healthz?verbose", warned.as_str()),
        (&open, "/healthz?x&verbose=1", &warned),
        (&open, "/healthz?verbosely", r#"{"status":"ok"}"#),
        (
            &closed,
            "/healthz?verbose",
            r#"{"status":"ok","warnings":[]}"#,
        ),
    ] {
        let response = send(config, request("GET", target, &[], "")).response;
        assert_eq!(String::from_utf8(response.body).unwrap(), body, "{target}");
    }
}

/// `docs/deploy.md` has the same numbers, because a provider such as Vault is asked once for each read.
#[test]
fn a_request_reads_only_the_variables_that_its_response_needs() {
    let open = complete(&[]);
    let login = complete(&[
        ("auth_mode", "required"),
        ("auth_hs256_secret", "f3b1c9d27a64e8500f3b1c9d27a64e85"),
        ("auth_issuer", "https://login.example"),
        ("auth_audience", "jaas"),
    ]);
    let page = ("origin", ALLOWED);
    let evil = ("origin", "https://evil.example");
    let method = ("access-control-request-method", "GET");
    for (variables, name, target, headers, status, reads) in [
        (&open, "GET", "/elsewhere", &[][..], 404, 0),
        (&open, "GET", "/elsewhere", &[page], 404, 1),
        (&open, "OPTIONS", "/elsewhere", &[page, method], 204, 2),
        (&open, "POST", WEBHOOK_PATH, &[], 404, 2),
        (&open, "GET", USAGE_PATH, &[], 404, 1),
        (&open, "DELETE", TOKEN_PATH, &[], 405, 1),
        (&open, "DELETE", TOKEN_PATH, &[page], 405, 1),
        (&open, "GET", TOKEN_PATH, &[evil], 403, 2),
        (&open, "GET", TOKEN_PATH, &[("origin", "null")], 403, 2),
        (&open, "OPTIONS", TOKEN_PATH, &[page, method], 204, 2),
        (&login, "GET", TOKEN_PATH, &[page], 401, 20),
        (&login, "GET", TOKEN_PATH, &[], 401, 20),
        (&open, "GET", TOKEN_PATH, &[page], 200, 32),
        (&open, "GET", HEALTH_PATH, &[], 200, 37),
        (&login, "GET", HEALTH_PATH, &[], 200, 45),
    ] {
        let count = std::cell::Cell::new(0);
        let values = source(variables);
        let counting = |variable: &str| {
            count.set(count.get() + 1);
            values.get(variable)
        };
        let response = handle_with(&counting, request(name, target, headers, "")).response;
        assert_eq!(response.status, status, "{name} {target} {headers:?}");
        assert_eq!(count.get(), reads, "{name} {target} {headers:?}");
    }
}
