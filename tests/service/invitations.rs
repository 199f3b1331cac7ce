//! Invitations over HTTP: moderators make them, anybody who has one can use it, and they can be withdrawn and counted.
//! The requests share state only through the key-value store.

use std::sync::atomic::{AtomicUsize, Ordering};

use devkit_host::{Faults, KeyValueStore, StoreFault};
use serde_json::{Value, json};

use crate::credentials::{Login, sign_exactly};
use crate::harness::{ALLOWED, APP_ID, FOREIGN, Server, Settings, now};
use crate::http::{Body, Request, Response, TOKEN_ROUTE, get, post_json};
use crate::policy::table;

const ROUTE: &str = "/api/invitations";
const SECRET: &str = "Vb3xK8rQ2mWz7Lt0Ns5Yd9Pf4Hc6Jg1UaE";

fn configure(login: &Login) -> Settings {
    login
        .configure("required")
        .set("invitation_secret", SECRET)
        .set("default_user_id", "guest-{random}")
}

fn make(server: &Server, credential: &str, order: &Value) -> Response {
    let request = Request::new("POST", ROUTE)
        .header("Content-Type", "application/json")
        .bearer(credential)
        .origin(ALLOWED)
        .body(Body::Whole(order.to_string().into_bytes()));
    server.send(&request)
}

/// Has a moderator of this login make an invitation.
fn invitation(server: &Server, login: &Login, order: &Value) -> Value {
    let made = make(server, &login.sign(&json!({"moderator": true})), order);
    assert_eq!(made.status, 201, "{made}");
    assert_eq!(made.header("Access-Control-Allow-Origin"), Some(ALLOWED));
    made.json()
}

fn join(server: &Server, made: &Value, more: &Value) -> Response {
    let mut body = more.clone();
    body["invitation"] = made["invitation"].clone();
    server.send(&post_json(&body).origin(ALLOWED))
}

fn withdraw(server: &Server, credential: &str, id: &str) -> Response {
    let request = Request::new("DELETE", format!("{ROUTE}/{id}"));
    server.send(&request.bearer(credential).origin(ALLOWED))
}

/// Makes an invitation as another program would.
fn forge(secret: &str, header: &str, changes: &Value) -> Value {
    let mut claims = json!({
        "iss": "jaas-jwt", "aud": APP_ID, "jti": "0123456789abcdef0123456789abcdef", "room": "hall",
        "role": "member", "iat": now(), "nbf": now(), "exp": now() + 600,
    });
    let members = claims.as_object_mut().unwrap();
    members.extend(changes.as_object().unwrap().clone());
    json!({ "invitation": sign_exactly(secret.as_bytes(), header, claims.to_string()) })
}

const HEADER: &str = r#"{"alg":"HS256","typ":"invitation+jwt"}"#;

#[test]
fn a_link_lets_its_bearer_in_until_it_is_withdrawn() {
    let login = Login::new();
    let link = "https://vtaiwan.tw/meet#invitation={invitation}";
    let server = Server::start(configure(&login).set("invitation_link", link));
    let made = invitation(
        &server,
        &login,
        &json!({"room": "Hall", "name": "Ann", "expires_in": 600}),
    );
    let text = made["invitation"].as_str().unwrap();
    assert_eq!(made["link"], link.replace("{invitation}", text));
    assert!((now() + 590..=now() + 600).contains(&made["expires_at"].as_i64().unwrap()));

    let token = join(
        &server,
        &made,
        &json!({"user_id": "boss", "user_moderator": true}),
    )
    .token();
    assert_eq!(token.claims["room"], "hall");
    assert_eq!(token.claims["exp"], made["expires_at"]);
    assert_eq!(token.user()["name"], "Ann");
    assert_eq!(token.user()["moderator"], "false");
    assert!(token.user()["id"].as_str().unwrap().starts_with("guest-"));
    let other = join(&server, &made, &json!({"room": "other"}));
    assert_eq!(other.status, 403, "{other}");
    assert_eq!(server.send(&get(&[]).bearer(text)).status, 200);
    assert_eq!(server.send(&get(&[])).status, 401);

    let id = made["id"].as_str().unwrap();
    let moderator = login.sign(&json!({"moderator": true}));
    for (credential, status) in [
        ("x", 401),
        (&login.sign(&json!({})), 403),
        (text, 403),
        (&moderator, 204),
    ] {
        assert_eq!(withdraw(&server, credential, id).status, status);
    }
    let lines = server.log_of(|server| {
        let rejected = join(server, &made, &json!({"user_name": "Ann"}));
        assert_eq!(rejected.status, 401, "{rejected}");
        assert!(rejected.header("WWW-Authenticate").is_some());
    });
    assert_eq!(
        lines[0]["reason"], "the invitation was withdrawn",
        "{lines:?}"
    );
    let shown = format!("{lines:?}");
    assert!(!shown.contains("Ann") && !shown.contains("eyJ"), "{shown}");
}

#[test]
fn what_was_withdrawn_stays_so_when_the_host_starts_anew() {
    let login = Login::new();
    let store = KeyValueStore::default();
    let mut settings = configure(&login);
    settings.store = Some(store.clone());
    let server = Server::start(settings.clone());
    let [gone, kept] =
        ["gone", "kept"].map(|room| invitation(&server, &login, &json!({"room": room})));
    let moderator = login.sign(&json!({"moderator": true}));
    assert_eq!(
        withdraw(&server, &moderator, gone["id"].as_str().unwrap()).status,
        204
    );
    drop(server);
    if !store.keys().is_empty() {
        let server = Server::start(settings);
        assert_eq!(join(&server, &gone, &json!({})).status, 401);
        assert_eq!(join(&server, &kept, &json!({})).status, 200);
    }
}

#[test]
fn roles_of_invitations_are_those_of_the_table() {
    let login = Login::new();
    let server = Server::start(configure(&login).set("member_features", "create-polls"));
    let rows = table("highest role");
    for highest in ["visitor", "member", "moderator"] {
        let made = invitation(&server, &login, &json!({"room": "r", "role": highest}));
        for user_role in ["absent", "visitor", "member", "moderator"] {
            let holds =
                |cell: &str| cell == "any" || cell.split(", ").any(|role| role == user_role);
            let matching: Vec<_> = rows
                .iter()
                .filter(|row| row[0] == highest && holds(&row[1]))
                .collect();
            let [row] = matching[..] else {
                panic!("{} rows for {highest}, {user_role}", matching.len());
            };
            let requested = if user_role == "absent" {
                json!({})
            } else {
                json!({"user_role": user_role})
            };
            let token = join(&server, &made, &requested).token();
            assert_eq!(token.role(), row[2], "{row:?}");
        }
    }
}

#[test]
fn a_limit_holds_for_requests_at_the_same_moment() {
    const LIMIT: usize = 7;
    let login = Login::new();
    let server = Server::start(configure(&login));
    let made = invitation(&server, &login, &json!({"room": "r", "max_uses": LIMIT}));
    let issued = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..4 {
                    let response = join(&server, &made, &json!({}));
                    match response.status {
                        200 => _ = issued.fetch_add(1, Ordering::Relaxed),
                        401 => {}
                        _ => panic!("{response}"),
                    }
                }
            });
        }
    });
    assert_eq!(issued.into_inner(), LIMIT);
}

#[test]
fn an_invitation_is_the_only_door_where_there_is_no_login() {
    let server = Server::start(
        Settings::good().set_all(&[("auth_mode", "required"), ("invitation_secret", SECRET)]),
    );
    let moderator = forge(SECRET, HEADER, &json!({"role": "moderator"}));
    assert_eq!(
        join(&server, &moderator, &json!({})).token().user()["moderator"],
        "true"
    );
    assert_eq!(server.send(&get(&[])).status, 401);
    // A moderator by invitation may invite to the same room, and the new invitation expires no later than their own.
    let text = moderator["invitation"].as_str().unwrap();
    let made = make(
        &server,
        text,
        &json!({"room": "hall", "expires_in": 86_400}),
    );
    assert_eq!(made.status, 201, "{made}");
    let made = made.json();
    assert!(made["expires_at"].as_i64().unwrap() <= now() + 600);
    assert_eq!(join(&server, &made, &json!({})).status, 200);
    for (credential, order, status) in [
        (text, json!({"room": "other"}), 403),
        (text, json!({"room": "*"}), 403),
        (
            made["invitation"].as_str().unwrap(),
            json!({"room": "hall"}),
            403,
        ),
        (text, json!({"room": "hall", "role": "owner"}), 400),
    ] {
        let response = make(&server, credential, &order);
        assert_eq!(response.status, status, "{order}: {response}");
    }
    assert_eq!(
        withdraw(&server, text, "0123456789abcdef0123456789abcdef").status,
        204
    );
    assert_eq!(join(&server, &moderator, &json!({})).status, 401);
    assert_eq!(join(&server, &made, &json!({})).status, 401);
}

#[test]
fn forged_and_borrowed_tokens_are_no_invitations_and_invitations_no_credentials() {
    let login = Login::new();
    let server = Server::start(configure(&login));
    let none = r#"{"alg":"none","typ":"invitation+jwt"}"#;
    for (made, holds) in [
        (forge(SECRET, HEADER, &json!({})), true),
        (forge(&login.secret, HEADER, &json!({})), false),
        (
            forge(SECRET, r#"{"alg":"HS256","typ":"JWT"}"#, &json!({})),
            false,
        ),
        (forge(SECRET, r#"{"alg":"HS256"}"#, &json!({})), false),
        (forge(SECRET, none, &json!({})), false),
        (forge(SECRET, HEADER, &json!({"exp": now()})), false),
        (
            forge(SECRET, HEADER, &json!({"exp": now() + 8_000_000})),
            false,
        ),
        (forge(SECRET, HEADER, &json!({"nbf": now() + 300})), false),
        (
            forge(
                SECRET,
                HEADER,
                &json!({"aud": "vpaas-magic-cookie-00000000000000000000000000000000"}),
            ),
            false,
        ),
        (forge(SECRET, HEADER, &json!({"admin": true})), false),
        (
            json!({"invitation": login.sign(&json!({"moderator": true}))}),
            false,
        ),
    ] {
        let response = join(&server, &made, &json!({}));
        assert_eq!(
            response.status,
            if holds { 200 } else { 401 },
            "{made}: {response}"
        );
    }
    // A login's credential is not an invitation, whatever its `typ`, and an invitation is not a credential.
    let claims = json!({"iss": "https://login.example", "aud": "jaas", "sub": "x", "exp": now() + 60, "moderator": true});
    for (secret, header) in [
        (login.secret.as_str(), HEADER),
        (SECRET, r#"{"alg":"HS256","typ":"JWT"}"#),
    ] {
        let token = sign_exactly(secret.as_bytes(), header, claims.to_string());
        assert_eq!(
            server.send(&get(&[]).bearer(&token)).status,
            401,
            "{header}"
        );
    }
}

#[test]
fn a_page_may_invite_and_withdraw_as_it_may_get_tokens() {
    let login = Login::new();
    let server = Server::start(configure(&login));
    let id = format!("{ROUTE}/{}", "a".repeat(32));
    for (path, method, methods) in [
        (ROUTE, "POST", "POST, OPTIONS"),
        (id.as_str(), "DELETE", "DELETE, OPTIONS"),
        (TOKEN_ROUTE, "POST", "GET, POST, OPTIONS"),
    ] {
        let preflight = |origin: &str| {
            Request::new("OPTIONS", path)
                .origin(origin)
                .header("Access-Control-Request-Method", method)
                .header(
                    "Access-Control-Request-Headers",
                    "authorization,content-type",
                )
        };
        let response = server.send(&preflight(ALLOWED));
        assert_eq!(response.status, 204, "{response}");
        assert_eq!(
            response.header("Access-Control-Allow-Methods"),
            Some(methods)
        );
        assert_eq!(server.send(&preflight(FOREIGN)).status, 403);
        assert_eq!(
            server
                .send(&Request::new(method, path).origin(FOREIGN))
                .status,
            403
        );
    }
    let wrong = server.send(&Request::new("GET", ROUTE));
    assert_eq!(
        (wrong.status, wrong.header("Allow")),
        (405, Some("POST, OPTIONS"))
    );
}

#[test]
fn by_default_there_are_no_invitations() {
    let id = format!("{ROUTE}/{}", "a".repeat(32));
    for (method, path) in [
        ("POST", ROUTE),
        ("GET", ROUTE),
        ("DELETE", &id),
        ("OPTIONS", ROUTE),
    ] {
        assert_eq!(Server::good().send(&Request::new(method, path)).status, 404);
    }
    let response = Server::good().send(&post_json(&json!({"invitation": "x"})));
    assert_eq!(response.status, 401, "{response}");
    assert_eq!(
        Server::good().send(&get(&[("invitation", "x")])).status,
        200
    );
}

#[test]
fn where_the_store_is_out_of_reach_no_invitation_counts_and_logins_go_on() {
    let login = Login::new();
    for fault in [
        StoreFault::NotGranted,
        StoreFault::CannotOpen,
        StoreFault::Fails,
    ] {
        let faults = Faults {
            store: Some(fault),
            ..Faults::default()
        };
        let server = Server::start_faulty(configure(&login), faults);
        let made = forge(SECRET, HEADER, &json!({"role": "moderator"}));
        assert_eq!(join(&server, &made, &json!({})).status, 503, "{fault:?}");
        let moderator = login.sign(&json!({"moderator": true}));
        assert_eq!(
            withdraw(&server, &moderator, &"a".repeat(32)).status,
            503,
            "{fault:?}"
        );
        assert_eq!(
            server.send(&get(&[]).bearer(&moderator)).status,
            200,
            "{fault:?}"
        );
    }
}
