//! Tests of the order of the checks, of the log line and of what a request costs.

mod usage;

use super::*;
use crate::config::Source;
use crate::config::tests::{APP_ID, source};
use crate::environment::tests::MemoryStore;
use crate::invitation::tests::SECRET;
use jwt_simple::prelude::RS256KeyPair;

const NOW: u64 = 1_700_000_000;
const ALLOWED: &str = "https://vtaiwan.tw";
const PAGE: (&str, &str) = ("origin", ALLOWED);
const EVIL: (&str, &str) = ("origin", "https://evil.example");
/// Together with an origin, makes an `OPTIONS` request a preflight.
const PREFLIGHT: (&str, &str) = ("access-control-request-method", "GET");
const LOGIN: [(&str, &str); 4] = [
    ("auth_mode", "required"),
    ("auth_hs256_secret", "f3b1c9d27a64e8500f3b1c9d27a64e85"),
    ("auth_issuer", "https://login.example"),
    ("auth_audience", "jaas"),
];
const JSON: (&str, &str) = ("content-type", "application/json");

/// A complete configuration with a key generated for this run, with `variables` replaced.
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

fn handle_with(source: &dyn Source, mut request: Request<impl Read>) -> Outcome {
    let mut random = |bytes: &mut [u8]| bytes.fill(7);
    let environment = Environment::isolated(NOW, &mut random);
    handle(&Config::new(source), &mut request, environment)
}

fn send_with_store(
    variables: &[(&str, &str)],
    store: &MemoryStore,
    mut request: Request<impl Read>,
) -> Outcome {
    let mut random = |bytes: &mut [u8]| bytes.fill(7);
    let environment = Environment {
        store,
        ..Environment::isolated(NOW, &mut random)
    };
    handle(&Config::new(&source(variables)), &mut request, environment)
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
    let room = "/api/jitsi-token?room=%ff";
    let login = complete(&LOGIN);
    let wrong_login = [&login[..], &[("token_ttl_seconds", "x")]].concat();
    let mut wrong_key = wrong_login.clone();
    wrong_key.retain(|(name, _)| *name != "auth_audience");
    for (config, method, target, headers, status) in [
        // Route before everything.
        (&good, "GET", "/", &[EVIL][..], 404),
        (&good, "GET", "/api/jitsi-token/", &[], 404),
        // A preflight to an unknown path succeeds, so that the page can read the 404 that follows.
        (&good, "OPTIONS", "/api/other", &[PAGE, PREFLIGHT], 204),
        (&good, "OPTIONS", "/api/other", &[EVIL, PREFLIGHT], 404),
        (&good, "OPTIONS", "/api/other", &[PAGE], 404),
        // CORS before method, configuration and parameters.
        (&good, "DELETE", room, &[EVIL], 403),
        (&empty, "GET", room, &[EVIL], 403),
        (&good, "OPTIONS", TOKEN_PATH, &[EVIL, PREFLIGHT], 403),
        // An invalid list rejects nobody; the problem is reported to the operator instead.
        (&wrong_list, "GET", TOKEN_PATH, &[EVIL], 500),
        (&wrong_list, "GET", TOKEN_PATH, &[PAGE], 500),
        (&wrong_switch, "GET", TOKEN_PATH, &[], 500),
        (&wrong_switch, "GET", TOKEN_PATH, &[PAGE], 500),
        (&wrong_switch, "GET", TOKEN_PATH, &[EVIL], 403),
        // Method before configuration.
        (&empty, "DELETE", room, &[PAGE], 405),
        (&empty, "OPTIONS", TOKEN_PATH, &[PAGE], 405),
        (&empty, "OPTIONS", TOKEN_PATH, &[PREFLIGHT], 405),
        (&empty, "OPTIONS", HEALTH_PATH, &[], 405),
        (&empty, "OPTIONS", TOKEN_PATH, &[EVIL], 403),
        (&empty, "get", TOKEN_PATH, &[], 405),
        (&empty, "POST", HEALTH_PATH, &[], 405),
        // A preflight needs no configuration except the list of origins.
        (&empty, "OPTIONS", TOKEN_PATH, &[PAGE, PREFLIGHT], 204),
        (&empty, "OPTIONS", HEALTH_PATH, &[PAGE, PREFLIGHT], 204),
        // The credential before the rest of the configuration, but the login's own configuration before the credential.
        (&wrong_login, "GET", room, &[PAGE], 401),
        (&wrong_key, "GET", room, &[PAGE], 500),
        // Configuration before parameters.
        (&empty, "GET", room, &[PAGE], 500),
        (&good, "GET", room, &[PAGE], 400),
        (&good, "HEAD", room, &[PAGE], 400),
        (&good, "POST", TOKEN_PATH, &[], 415),
        (&good, "GET", TOKEN_PATH, &[], 200),
        (&good, "HEAD", TOKEN_PATH, &[], 200),
        // The health check is open to every origin.
        (&good, "GET", HEALTH_PATH, &[EVIL], 200),
        (&empty, "GET", HEALTH_PATH, &[], 503),
        (&empty, "HEAD", HEALTH_PATH, &[EVIL], 503),
        (&good, "OPTIONS", HEALTH_PATH, &[EVIL, PREFLIGHT], 403),
    ] {
        let response = send(config, request(method, target, headers, "")).response;
        assert_eq!(response.status, status, "{method} {target} {headers:?}");
        let echoed = header(&response, "access-control-allow-origin");
        let page_calls = headers.contains(&PAGE);
        assert_eq!(echoed, page_calls.then_some(ALLOWED), "{method} {target}");
        for (name, value) in [
            ("vary", "Origin"),
            ("cache-control", "no-store"),
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
        ] {
            assert_eq!(header(&response, name), Some(value));
        }
        assert_eq!(header(&response, "allow").is_some(), status == 405);
        assert_eq!(response.body.is_empty(), method == "HEAD" || status == 204);
    }
}

#[test]
fn a_rejected_request_reads_no_body() {
    struct Unread;
    impl Read for Unread {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            panic!("the body was read");
        }
    }
    let config = complete(&[]);
    for (target, headers) in [
        (TOKEN_PATH, &[JSON, EVIL][..]),
        ("/elsewhere", &[JSON]),
        (HEALTH_PATH, &[JSON]),
        (TOKEN_PATH, &[("content-type", "text/plain")]),
        ("/api/jitsi-token?user_email=x", &[JSON]),
    ] {
        let request = Request {
            method: "POST".into(),
            target: target.into(),
            headers: headers.into(),
            body: Unread,
        };
        assert!(send(&config, request).response.status >= 400);
    }
}

#[test]
fn a_parameter_in_the_url_of_a_post_is_rejected_and_an_unknown_one_ignored() {
    let config = complete(&[]);
    let json = [JSON];
    for name in crate::request::name::ALL {
        let target = format!("{TOKEN_PATH}?x=1&{name}=hunter2");
        let response = send(&config, request("POST", &target, &json, "{}")).response;
        assert_eq!(response.status, 400);
        let body = String::from_utf8(response.body).unwrap();
        assert!(body.contains(name) && !body.contains("hunter2"), "{body}");
    }
    let target = format!("{TOKEN_PATH}?x=1");
    let response = send(&config, request("POST", &target, &json, "{}")).response;
    assert_eq!(response.status, 200);
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
    for (headers, body) in [(form, query), ([JSON], json)] {
        let post = send(&config, request("POST", TOKEN_PATH, &headers, body)).response;
        assert_eq!(post.body, get.body, "{headers:?}");
    }
}

#[test]
fn the_log_has_one_line_for_a_rejection_and_for_a_token_and_none_otherwise() {
    let good = complete(&[]);
    let empty = Vec::new();
    let evil = ("origin", "https://evil.example\n{\"level\":\"info\"}");
    let not_allowed = r#""reason":"origin is not in allowed_origins""#;
    let no_key = r#""variable":"jaas_private_key""#;
    let invalid_name = "/api/jitsi-token?user_name=hunter2%00";
    let invalid_switch = "/api/jitsi-token?user_moderator=hunter2";
    let header = ("access-control-request-headers", "content-type,x-trace");
    let preflight = &[PAGE, PREFLIGHT, header][..];
    for (config, method, target, headers, expected) in [
        (
            &good,
            "GET",
            TOKEN_PATH,
            &[][..],
            r#""event":"token issued""#,
        ),
        (&good, "HEAD", TOKEN_PATH, &[], ""),
        (&good, "GET", HEALTH_PATH, &[], ""),
        (
            &good,
            "OPTIONS",
            TOKEN_PATH,
            preflight,
            r#""header":"x-trace""#,
        ),
        (&good, "GET", TOKEN_PATH, &[evil], not_allowed),
        (&good, "GET", "/hunter2", &[], r#""status":404"#),
        (&good, "GET", invalid_name, &[], r#""status":400"#),
        (&good, "GET", invalid_switch, &[], r#""status":400"#),
        (&empty, "GET", TOKEN_PATH, &[], r#""level":"error""#),
        (&empty, "GET", HEALTH_PATH, &[], no_key),
    ] {
        let outcome = send(config, request(method, target, headers, ""));
        let line = outcome.log.unwrap_or_default();
        assert_eq!(line.is_empty(), expected.is_empty(), "{line}");
        assert!(line.contains(expected), "{line}");
        assert!(!line.contains('\n') && !line.contains("hunter2"), "{line}");
        if !expected.is_empty() {
            serde_json::from_str::<serde_json::Map<_, _>>(&line).unwrap();
        }
    }
}

#[test]
fn the_list_of_origins_is_disclosed_unless_that_is_switched_off() {
    for (disclose, is_there) in [("true", true), ("false", false)] {
        let config = complete(&[("disclose_origins", disclose)]);
        let response = send(&config, request("GET", TOKEN_PATH, &[EVIL], "")).response;
        let body: serde_json::Value = serde_json::from_slice(&response.body).unwrap();
        assert_eq!(body["error"], "Origin not allowed");
        assert_eq!(body.get("allowed_origins").is_some(), is_there);
    }
}

#[test]
fn the_health_check_warns_where_it_is_asked_to() {
    let open = complete(&[]);
    let closed = complete(&optional());
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

/// `docs/deploy.md` has the same numbers, because a provider such as Vault receives a request for each variable read.
#[test]
fn a_request_reads_only_the_variables_that_its_response_needs() {
    let open = complete(&[]);
    let login = complete(&LOGIN);
    for (variables, name, target, headers, status, reads) in [
        (&open, "GET", "/elsewhere", &[][..], 404, 0),
        (&open, "GET", "/elsewhere", &[PAGE], 404, 1),
        (&open, "OPTIONS", "/elsewhere", &[PAGE, PREFLIGHT], 204, 2),
        (&open, "POST", WEBHOOK_PATH, &[], 404, 2),
        (&open, "GET", USAGE_PATH, &[], 404, 1),
        (&open, "DELETE", TOKEN_PATH, &[], 405, 1),
        (&open, "DELETE", TOKEN_PATH, &[PAGE], 405, 1),
        (&open, "GET", TOKEN_PATH, &[EVIL], 403, 2),
        (&open, "GET", TOKEN_PATH, &[("origin", "null")], 403, 2),
        (&open, "OPTIONS", TOKEN_PATH, &[PAGE, PREFLIGHT], 204, 2),
        (&login, "GET", TOKEN_PATH, &[PAGE], 401, 22),
        (&login, "GET", TOKEN_PATH, &[], 401, 22),
        (&open, "GET", TOKEN_PATH, &[PAGE], 200, 35),
        (&open, "GET", HEALTH_PATH, &[], 200, 40),
        (&login, "GET", HEALTH_PATH, &[], 200, 48),
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

/// A login that is optional for callers.
fn optional() -> Vec<(&'static str, &'static str)> {
    [&[("auth_mode", "optional")][..], &LOGIN].concat()
}

/// A site with a login and with invitations.
fn inviting(variables: &[(&'static str, &'static str)]) -> Vec<(&'static str, &'static str)> {
    let secret = [("invitation_secret", SECRET)];
    complete(&[variables, &secret, &LOGIN].concat())
}

fn credential(claims: serde_json::Value) -> String {
    use jwt_simple::prelude::{HS256Key, MACLike};
    let mut all = serde_json::json!({
        "iss": "https://login.example", "aud": "jaas", "sub": "ann", "exp": NOW + 600,
    });
    all.as_object_mut()
        .unwrap()
        .extend(claims.as_object().unwrap().clone());
    let claims = crate::jwt::only(all);
    let key = HS256Key::from_bytes(LOGIN[1].1.as_bytes());
    format!("Bearer {}", key.authenticate(claims).unwrap())
}

fn json_of(outcome: &Outcome) -> serde_json::Value {
    serde_json::from_slice(&outcome.response.body).unwrap_or_default()
}

/// The invitation that a moderator receives for this body.
fn invite(variables: &[(&str, &str)], store: &MemoryStore, body: &str) -> serde_json::Value {
    let moderator = credential(serde_json::json!({"moderator": true}));
    let headers = [JSON, ("authorization", moderator.as_str())];
    let made = send_with_store(
        variables,
        store,
        request("POST", INVITATIONS_PATH, &headers, body),
    );
    assert_eq!(made.response.status, 201, "{:?}", made.log);
    json_of(&made)
}

fn payload(outcome: &Outcome) -> serde_json::Value {
    payload_of(json_of(outcome)["token"].as_str().unwrap_or_default())
}

fn payload_of(token: &str) -> serde_json::Value {
    use base64::Engine as _;
    let payload = token.split('.').nth(1).unwrap_or_default();
    let payload = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(payload);
    serde_json::from_slice(&payload.unwrap()).unwrap_or_default()
}

#[test]
fn an_invitation_is_made_used_and_withdrawn() {
    let config = inviting(&[(
        "invitation_link",
        "https://vtaiwan.tw/meet#invitation={invitation}",
    )]);
    let store = MemoryStore::default();
    let made = invite(
        &config,
        &store,
        r#"{"room":"vtaiwan","role":"visitor","expires_in":600}"#,
    );
    let invitation = made["invitation"].as_str().unwrap();
    assert_eq!(
        made["link"],
        format!("https://vtaiwan.tw/meet#invitation={invitation}")
    );
    assert_eq!(made["expires_at"], NOW + 600);

    let body =
        serde_json::json!({"invitation": invitation, "user_name": "Bob", "user_role": "moderator"});
    let body = body.to_string();
    let bearer = format!("Bearer {invitation}");
    let join = || send_with_store(&config, &store, request("POST", TOKEN_PATH, &[JSON], &body));
    let target = "/api/jitsi-token?user_name=Bob";
    let headers = [("authorization", bearer.as_str())];
    let get = || send_with_store(&config, &store, request("GET", target, &headers, ""));
    for outcome in [join(), get()] {
        assert_eq!(outcome.response.status, 200, "{:?}", outcome.log);
        let claims = payload(&outcome);
        assert_eq!(claims["room"], "vtaiwan");
        assert_eq!(claims["exp"], NOW + 600);
        let user = &claims["context"]["user"];
        assert_eq!(user["role"], "visitor");
        assert_eq!(user["moderator"], "false");
        assert_eq!(user["name"], "Bob");
        assert_eq!(user["id"], format!("guest-{}", "07".repeat(16)));
    }

    let moderator = credential(serde_json::json!({"moderator": true}));
    let target = format!("{INVITATIONS_PATH}/{}", made["id"].as_str().unwrap());
    let headers = [("authorization", moderator.as_str())];
    for _ in 0..2 {
        let withdrawn = send_with_store(&config, &store, request("DELETE", &target, &headers, ""));
        assert_eq!(withdrawn.response.status, 204, "{:?}", withdrawn.log);
        assert!(
            withdrawn
                .log
                .unwrap()
                .contains(r#""event":"invitation withdrawn""#)
        );
    }
    for outcome in [join(), get()] {
        assert_eq!(outcome.response.status, 401);
        let challenge = header(&outcome.response, "www-authenticate").unwrap();
        assert!(challenge.contains("invalid_token"), "{challenge}");
        let log = outcome.log.unwrap();
        assert!(
            log.contains(r#""reason":"the invitation was withdrawn""#),
            "{log}"
        );
        assert!(!log.contains("Bob"), "{log}");
    }
}

#[test]
fn only_a_proven_moderator_makes_and_withdraws_invitations() {
    let config = inviting(&[]);
    let optional = complete(&[&[("invitation_secret", SECRET)], &optional()[..]].concat());
    let store = MemoryStore::default();
    let link = |more: serde_json::Value| {
        let mut body = serde_json::json!({ "room": "r" });
        let members = body.as_object_mut().unwrap();
        members.extend(more.as_object().unwrap().clone());
        let made = invite(&config, &store, &body.to_string());
        format!("Bearer {}", made["invitation"].as_str().unwrap())
    };
    let moderator = &credential(serde_json::json!({ "moderator": true }));
    let of_r = &credential(serde_json::json!({ "moderator": true, "rooms": ["r"] }));
    let member = &credential(serde_json::json!({}));
    let wrong = &"Bearer x".to_owned();
    let [invites, invites_once, joins, visits] = &[
        serde_json::json!({ "role": "moderator" }),
        serde_json::json!({ "role": "moderator", "max_uses": 1 }),
        serde_json::json!({ "role": "member" }),
        serde_json::json!({ "role": "visitor" }),
    ]
    .map(link);
    let (r, s, all) = (r#"{"room":"r"}"#, r#"{"room":"s"}"#, r#"{"room":"*"}"#);
    for (config, authorization, body, status) in [
        (&config, Some(moderator), r, 201),
        (&config, Some(moderator), all, 201),
        (&config, Some(member), r, 403),
        (&config, Some(of_r), r, 201),
        (&config, Some(of_r), s, 403),
        (&config, Some(of_r), all, 403),
        (&config, Some(wrong), r, 401),
        (&config, None, r, 401),
        (&optional, None, r, 401),
        (&optional, Some(member), r, 403),
        (&config, Some(invites), r, 201),
        (&config, Some(invites), s, 403),
        (&config, Some(invites_once), r, 403),
        (&config, Some(joins), r, 403),
        (&config, Some(visits), r, 403),
        (&config, Some(moderator), r#"{"room":"r","x":1}"#, 400),
        (&config, Some(moderator), "[]", 400),
    ] {
        let mut headers = vec![JSON];
        headers.extend(authorization.map(|it| ("authorization", it.as_str())));
        let last = MemoryStore::default();
        let order = request("POST", INVITATIONS_PATH, &headers, body);
        let made = send_with_store(config, &last, order);
        assert_eq!(
            made.response.status, status,
            "{authorization:?} {body} {:?}",
            made.log
        );
        let path = format!("{INVITATIONS_PATH}/{}", "a".repeat(32));
        let withdrawn = send_with_store(config, &last, request("DELETE", &path, &headers, ""));
        if status == 201 {
            assert_eq!(withdrawn.response.status, 204, "{authorization:?}");
        }
        if body.contains("\"r\"") && [401, 403].contains(&status) {
            assert_eq!(withdrawn.response.status, status, "{authorization:?}");
        }
        assert_eq!(
            withdrawn.response.status == 204,
            !last.entries.lock().unwrap().is_empty()
        );
    }
    let headers = [("authorization", moderator.as_str())];
    for id in ["", "x", "../x", &"A".repeat(32), &"a".repeat(33)] {
        let path = format!("{INVITATIONS_PATH}/{id}");
        let withdrawn = send_with_store(&config, &store, request("DELETE", &path, &headers, ""));
        assert_eq!(withdrawn.response.status, 400, "{id}");
    }
}

#[test]
fn without_a_secret_there_are_no_invitations() {
    let config = complete(&LOGIN);
    let id = format!("{INVITATIONS_PATH}/{}", "a".repeat(32));
    for (method, path) in [
        ("POST", INVITATIONS_PATH),
        ("DELETE", &id),
        ("GET", INVITATIONS_PATH),
    ] {
        let response = send(&config, request(method, path, &[JSON], "{}")).response;
        assert_eq!(response.status, 404);
    }
    let open = complete(&[]);
    let body = r#"{"invitation":"x"}"#;
    let rejected = send(&open, request("POST", TOKEN_PATH, &[JSON], body));
    assert_eq!(rejected.response.status, 401);
    let log = rejected.log.unwrap();
    assert!(log.contains("there is no invitation_secret"), "{log}");
    // In a query, an unknown name is still ignored.
    let target = "/api/jitsi-token?invitation=x";
    let issued = send(&open, request("GET", target, &[], ""));
    assert_eq!(issued.response.status, 200);
}

#[test]
fn an_invitation_travels_in_a_body_or_in_a_header_and_in_one_of_them() {
    let config = inviting(&[]);
    let store = MemoryStore::default();
    let made = invite(&config, &store, r#"{"room":"r"}"#);
    let invitation = made["invitation"].as_str().unwrap();
    let bearer = format!("Bearer {invitation}");
    let body = serde_json::json!({ "invitation": invitation }).to_string();
    let wrong = serde_json::json!({"invitation": invitation, "user_moderator": 1}).to_string();
    let unknown = r#"{"invitation":"x"}"#;
    let query = format!("{TOKEN_PATH}?invitation={invitation}");
    let login = credential(serde_json::json!({}));
    let as_guest = ("authorization", bearer.as_str());
    let (json, guest) = (&[JSON][..], &[JSON, as_guest][..]);
    let logged_in = &[JSON, ("authorization", login.as_str())][..];
    let wrong_login = &[JSON, ("authorization", "Bearer x")][..];
    let (query, get, post) = (query.as_str(), "GET", "POST");
    let (move_it, no_login) = ("send it in the body", "Not logged in");
    for (method, target, headers, body, status, part) in [
        (post, TOKEN_PATH, json, body.as_str(), 200, ""),
        (post, TOKEN_PATH, guest, "{}", 200, ""),
        (get, TOKEN_PATH, &[as_guest], "", 200, ""),
        ("HEAD", TOKEN_PATH, &[as_guest], "", 200, ""),
        // An invitation takes precedence over the caller's login.
        (post, TOKEN_PATH, logged_in, &body, 200, ""),
        (post, TOKEN_PATH, wrong_login, &body, 200, ""),
        (post, TOKEN_PATH, guest, &body, 400, "send one of them"),
        (get, query, &[], "", 400, move_it),
        (get, query, &[as_guest], "", 400, move_it),
        (post, query, json, "{}", 400, move_it),
        (post, TOKEN_PATH, json, &wrong, 400, "user_moderator"),
        (post, TOKEN_PATH, json, unknown, 401, "invitation"),
        (post, TOKEN_PATH, json, r#"{"room":"r"}"#, 401, no_login),
        (get, TOKEN_PATH, &[], "", 401, no_login),
    ] {
        let outcome = send_with_store(&config, &store, request(method, target, headers, body));
        assert_eq!(
            outcome.response.status, status,
            "{method} {part} {:?}",
            outcome.log
        );
        let error = json_of(&outcome)["error"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        assert!(error.contains(part), "{error}");
        let log = outcome.log.unwrap_or_default();
        assert!(!log.contains("eyJ") && !error.contains("eyJ"), "{log}");
    }
}

#[test]
fn a_use_is_counted_where_a_token_is_made_and_nowhere_else() {
    let config = inviting(&[]);
    let store = MemoryStore::default();
    let made = invite(&config, &store, r#"{"room":"r","max_uses":2}"#);
    let bearer = format!("Bearer {}", made["invitation"].as_str().unwrap());
    let headers = [("authorization", bearer.as_str())];
    for (method, target, status) in [
        ("HEAD", TOKEN_PATH, 200),
        ("GET", "/api/jitsi-token?room=other", 403),
        ("GET", "/api/jitsi-token?user_role=x", 400),
        ("GET", TOKEN_PATH, 200),
        ("GET", TOKEN_PATH, 200),
        ("GET", TOKEN_PATH, 401),
        ("HEAD", TOKEN_PATH, 401),
    ] {
        let outcome = send_with_store(&config, &store, request(method, target, &headers, ""));
        assert_eq!(outcome.response.status, status, "{method} {target}");
    }
}

#[test]
fn the_first_of_a_repeated_name_counts_on_every_route() {
    let config = inviting(&[]);
    let moderator = credential(serde_json::json!({"moderator": true}));
    let body = r#"{"room":"first","r\u006fom":"second"}"#;
    for (path, status) in [(TOKEN_PATH, 200), (INVITATIONS_PATH, 201)] {
        let headers = [JSON, ("authorization", moderator.as_str())];
        let store = MemoryStore::default();
        let outcome = send_with_store(&config, &store, request("POST", path, &headers, body));
        assert_eq!(outcome.response.status, status, "{path}");
        let json = json_of(&outcome);
        let token = json.get("token").or(json.get("invitation")).unwrap();
        let claims = payload_of(token.as_str().unwrap());
        assert_eq!(claims["room"], "first", "{path}");
    }
}

#[test]
fn where_the_store_fails_an_invitation_is_a_503() {
    let config = inviting(&[]);
    let made = invite(&config, &MemoryStore::default(), r#"{"room":"r"}"#);
    let bearer = format!("Bearer {}", made["invitation"].as_str().unwrap());
    let get = |bearer| {
        let headers = [("authorization", bearer)];
        send(&config, request("GET", TOKEN_PATH, &headers, ""))
    };
    let outcome = get(bearer.as_str());
    assert_eq!(outcome.response.status, 503);
    assert!(header(&outcome.response, "www-authenticate").is_none());
    // Logins still work.
    let login = credential(serde_json::json!({}));
    assert_eq!(get(&login).response.status, 200);
}

#[test]
fn a_page_may_use_the_methods_of_its_route() {
    let config = inviting(&[]);
    let id = format!("{INVITATIONS_PATH}/{}", "a".repeat(32));
    let asks = ("access-control-request-method", "POST");
    for (path, methods) in [
        (TOKEN_PATH, "GET, POST, OPTIONS"),
        (HEALTH_PATH, "GET, POST, OPTIONS"),
        (INVITATIONS_PATH, "POST, OPTIONS"),
        (&id, "DELETE, OPTIONS"),
    ] {
        let preflight = |page| send(&config, request("OPTIONS", path, &[page, asks], "")).response;
        let response = preflight(PAGE);
        assert_eq!(response.status, 204, "{path}");
        assert_eq!(
            header(&response, "access-control-allow-methods"),
            Some(methods)
        );
        if path == HEALTH_PATH {
            continue;
        }
        assert_eq!(preflight(EVIL).status, 403);
        for method in ["POST", "DELETE"] {
            let response = send(&config, request(method, path, &[JSON, EVIL], "{}")).response;
            assert_eq!(response.status, 403, "{method} {path}");
        }
    }
    for (path, allow) in [
        (INVITATIONS_PATH, "POST, OPTIONS"),
        (&id, "DELETE, OPTIONS"),
    ] {
        let response = send(&config, request("GET", path, &[], "")).response;
        assert_eq!(
            (response.status, header(&response, "allow")),
            (405, Some(allow))
        );
    }
}

#[test]
fn without_a_login_only_invitations_are_accepted() {
    let config = complete(&[("auth_mode", "required"), ("invitation_secret", SECRET)]);
    let made = invite(
        &inviting(&[]),
        &MemoryStore::default(),
        r#"{"room":"r","role":"moderator"}"#,
    );
    let bearer = format!("Bearer {}", made["invitation"].as_str().unwrap());
    let login = credential(serde_json::json!({"moderator": true}));
    for (authorization, status) in [
        (None, 401),
        (Some(login.as_str()), 401),
        (Some("Bearer x"), 401),
        (Some(bearer.as_str()), 200),
    ] {
        let headers: Vec<_> = authorization
            .map(|a| ("authorization", a))
            .into_iter()
            .collect();
        let request = request("GET", TOKEN_PATH, &headers, "");
        let outcome = send_with_store(&config, &MemoryStore::default(), request);
        assert_eq!(
            outcome.response.status, status,
            "{authorization:?} {:?}",
            outcome.log
        );
    }
}
