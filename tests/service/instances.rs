//! Requests that one instance handles, several at once: they share no data, and cached values follow the variables. With
//! WASI 0.2 each request has its own instance, and the same rules hold.

use std::sync::{Arc, Barrier, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use devkit_host::Faults;
use serde_json::{Value, json};

use crate::connection::Connection;
use crate::credentials::Login;
use crate::harness::{ALLOWED, APP_ID, FOREIGN, Server, Settings, component};
use crate::http::{Body, Request, TOKEN_ROUTE, get, post_json};
use crate::key_material::{Kind, key};
use crate::signature;
use crate::standalone::imports;

/// Returns whether the component is built for WASI 0.3.
fn is_for_wasi_3() -> bool {
    let component = std::fs::read(component()).expect("the component");
    imports(&component)
        .iter()
        .any(|name| name.starts_with("wasi:http/types@0.3."))
}

#[test]
fn an_instance_handles_as_many_requests_as_with_spin() {
    let server = Server::start(Settings::good());
    let instances = || server.embedded().map(|host| host.instances());
    let Some(before) = instances() else {
        return;
    };
    let mut connection = server.connect();
    for _ in 0..130 {
        let response = connection.send(&get(&[]).origin(ALLOWED));
        assert_eq!(response.expect("a response").status, 200);
    }
    let expected = if is_for_wasi_3() { 2 } else { 130 };
    assert_eq!(instances(), Some(before + expected));
}

/// A caller with its own login, name and origin.
struct Caller<'a> {
    login: &'a Login,
    name: String,
    origin: &'static str,
}

impl Caller<'_> {
    fn request(&self, number: usize, room: &str) -> Request {
        let request = match number % 3 {
            0 => get(&[("room", room)]),
            1 => post_json(&json!({ "room": room })),
            _ => {
                let body = json!({ "room": room }).to_string().into_bytes();
                let pieces = body.chunks(7).map(<[u8]>::to_vec).collect();
                Request::new("POST", TOKEN_ROUTE)
                    .header("Content-Type", "application/json")
                    .body(Body::Chunks(pieces, Duration::from_millis(3)))
            }
        };
        let claims = json!({ "sub": self.name, "context": { "user": { "name": self.name } } });
        let request = request.bearer(&self.login.sign(&claims));
        request.origin(self.origin)
    }

    /// Sends requests and asserts that each response belongs to its request.
    fn call(&self, server: &Server, requests: usize) {
        let mut connection = server.connect();
        for number in 0..requests {
            let room = format!("{}-{number}", self.name);
            let request = self.request(number, &room);
            let response = connection.send(&request).expect("a response");
            server.check(&request, &response);
            assert_eq!(response.status, 200, "{response}");
            let origin = response.header("Access-Control-Allow-Origin");
            assert_eq!(origin, Some(self.origin), "{room}");
            let token = response.token();
            assert_eq!(token.claims["room"], room);
            assert_eq!(token.user()["id"], self.name);
        }
    }
}

/// Sends requests that fail in every way while other callers' requests are handled.
fn fail(server: &Server, login: &Login, rounds: usize) {
    let stranger = Login::new();
    let json_body = |sent: &str| {
        Request::new("POST", TOKEN_ROUTE)
            .header("Content-Type", "application/json")
            .bearer(&login.sign(&json!({})))
            .body(Body::BrokenOff {
                announced: 100,
                sent: sent.into(),
            })
    };
    for _ in 0..rounds {
        let good = login.sign(&json!({}));
        for (request, status) in [
            (get(&[]), 401),
            (
                get(&[]).bearer(&stranger.sign(&json!({ "sub": "stranger" }))),
                401,
            ),
            (get(&[("room", "*")]).bearer(&good), 400),
            (get(&[]).origin(FOREIGN), 403),
            (post_json(&json!({ "room": "x".repeat(20_000) })), 401),
            (Request::new("PUT", TOKEN_ROUTE), 405),
        ] {
            assert_eq!(server.send(&request).status, status, "{request:?}");
        }
        // Half-closed: if there is a response, it is not a token.
        if let Ok(response) = server.try_send(&json_body("{\"room\":")) {
            assert_eq!(response.status, 400, "{response}");
        }
        // The client disconnects in the middle of the body, before the response.
        let mut connection = server.connect();
        let head = format!(
            "POST {TOKEN_ROUTE} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{{\"r"
        );
        connection.write(head).expect("it is written");
        drop(connection);
        let mut connection = server.connect();
        let head = format!("GET {TOKEN_ROUTE} HTTP/1.1\r\nHost: a\r\n\r\n");
        connection.write(head).expect("it is written");
    }
}

#[test]
fn nothing_of_a_request_reaches_another() {
    const CALLERS: usize = 12;
    const REQUESTS: usize = 25;
    let login = Login::new();
    let server = Server::start(login.configure("required"));
    let origins = [ALLOWED, "https://www.vtaiwan.tw", "https://talk.vtaiwan.tw"];
    thread::scope(|scope| {
        for number in 0..CALLERS {
            let caller = Caller {
                login: &login,
                name: format!("caller-{number}"),
                origin: origins[number % origins.len()],
            };
            let server = &server;
            scope.spawn(move || caller.call(server, REQUESTS));
        }
        scope.spawn(|| fail(&server, &login, 10));
    });
}

/// Sends a request without the end of its body. Returns the connection and the rest of the body.
fn begin(server: &Server, room: &str) -> (Connection, String) {
    let body = json!({ "room": room }).to_string();
    let (first, rest) = body.split_at(5);
    let mut connection = server.connect();
    let length = body.len();
    let head = format!(
        "POST {TOKEN_ROUTE} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{first}"
    );
    connection.write(head).expect("it is written");
    (connection, rest.to_owned())
}

#[test]
fn slow_bodies_keep_nobody_waiting() {
    // More than one instance handles at once.
    const SLOW: usize = 40;
    let server = Server::start(Settings::good());
    let slow: Vec<_> = (0..SLOW)
        .map(|number| (number, begin(&server, &format!("slow-{number}"))))
        .collect();
    thread::sleep(Duration::from_millis(200));
    let start = Instant::now();
    for number in 0..10 {
        let room = format!("quick-{number}");
        let response = server.send(&get(&[("room", &room)]));
        assert_eq!(response.token().claims["room"], room);
    }
    assert!(
        start.elapsed() < Duration::from_secs(10),
        "{:?}",
        start.elapsed()
    );
    // Every second client disconnects; the others get their responses.
    for (number, (mut connection, rest)) in slow {
        if number % 2 == 0 {
            continue;
        }
        connection.write(rest).expect("it is written");
        let response = connection.read("POST").expect("a response");
        assert_eq!(response.token().claims["room"], format!("slow-{number}"));
    }
}

#[test]
fn a_rejection_that_needs_no_body_does_not_wait_for_it() {
    const JSON: &str = "Content-Type: application/json";
    let good = Server::start(Settings::good());
    let login = Server::start(Settings::good().set_all(&[
        ("auth_mode", "required"),
        ("auth_hs256_secret", "qJ4vS8wZk2Xn7Tb0Lr5Yd9Mf3Hc6Pg1Ua"),
        ("auth_issuer", "https://login.example"),
        ("auth_audience", "jaas"),
        (
            "jaas_webhook_authorization",
            "Basic kX3vQ9sLw2Zr8TnB5yHd7GfJ4mPc6VaE",
        ),
    ]));
    let broken = Server::start_broken(Settings::good().set("jaas_private_key", "x"));
    for (server, target, headers, status) in [
        (&good, TOKEN_ROUTE, "Content-Type: text/plain", 415),
        (&good, TOKEN_ROUTE, "X-None: 1", 415),
        (
            &good,
            TOKEN_ROUTE,
            "Content-Type: application/json\r\nContent-Encoding: gzip",
            415,
        ),
        (&good, "/api/jitsi-token?room=a", JSON, 400),
        (&good, "/other", JSON, 404),
        (&login, TOKEN_ROUTE, JSON, 401),
        (&login, "/webhooks/jaas", JSON, 401),
        (&broken, TOKEN_ROUTE, JSON, 500),
    ] {
        let mut connection = server.connect();
        connection
            .write(format!(
                "POST {target} HTTP/1.1\r\nHost: a\r\n{headers}\r\nContent-Length: 50\r\n\r\n"
            ))
            .expect("it is written");
        let response = connection.read("POST").expect("a response");
        assert_eq!(response.status, status, "{target} {headers}: {response}");
        // The component's own response, not the host's after its time limit.
        assert!(!response.error().is_empty(), "{target} {headers}");
    }
}

/// A variable provider whose values a test can change while the server runs.
#[derive(Clone, Default)]
struct Changing(Arc<Mutex<Vec<(&'static str, String)>>>);

impl Changing {
    fn set(&self, values: &[(&'static str, &str)]) {
        let values = values.iter().map(|(name, value)| (*name, (*value).into()));
        *self.0.lock().unwrap() = values.collect();
    }

    fn faults(&self) -> Faults {
        let values = self.0.clone();
        let provider = move |name: &str| {
            let values = values.lock().unwrap();
            let found = values.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| Ok(value.clone()))
        };
        Faults {
            variables: Some(Arc::new(provider)),
            ..Faults::default()
        }
    }
}

#[test]
fn every_change_of_a_variable_shows_at_the_next_request() {
    let (login, other_login) = (Login::new(), Login::new());
    let keys = [
        key(Kind::Pkcs8, 2048),
        key(Kind::Pkcs1, 2048),
        key(Kind::Pkcs8, 3072),
    ];
    let other_app = APP_ID.replace('0', "1");
    let changing = Changing::default();
    let server = Server::start_faulty(login.configure("required"), changing.faults());
    let mut connection = server.connect();
    let mut send = |login: &Login, origin: &str| {
        let request = get(&[]).bearer(&login.sign(&json!({}))).origin(origin);
        connection.send(&request).expect("a response")
    };
    let other_key_id = format!("{other_app}/abcdef");
    let others = [
        ("jaas_app_id", other_app.as_str()),
        ("jaas_key_id", &other_key_id),
    ];
    let secret = ("auth_hs256_secret", other_login.secret.as_str());
    // The first request, after which everything that can be cached is cached.
    assert_eq!(send(&login, ALLOWED).status, 200);
    for turn in 0..3 {
        for (values, login, key, app_id) in [
            (&[][..], &login, 0, APP_ID),
            (
                &[("jaas_private_key", keys[1].pem.as_str())],
                &login,
                1,
                APP_ID,
            ),
            (
                &[
                    ("jaas_private_key", keys[2].pem.as_str()),
                    ("signing_engine", "rs256"),
                ],
                &login,
                2,
                APP_ID,
            ),
            (&[("signing_engine", "rs256")], &login, 0, APP_ID),
            (&others, &login, 0, &other_app),
            (&[secret], &other_login, 0, APP_ID),
            (&[("token_ttl_seconds", "60")], &login, 0, APP_ID),
        ] {
            changing.set(values);
            let context = format!(
                "turn {turn}: {:?}",
                values.iter().map(|it| it.0).collect::<Vec<_>>()
            );
            let response = send(login, ALLOWED);
            assert_eq!(response.status, 200, "{context}: {response}");
            let token = response.token();
            assert_eq!(token.claims["sub"], app_id, "{context}");
            let kid = token.header["kid"].as_str().unwrap_or_default();
            assert!(kid.starts_with(app_id), "{context}: {kid}");
            assert!(signature::is_valid(&token.raw, keys[key]), "{context}");
            let seconds = |name: &str| token.claims[name].as_i64().unwrap_or_default();
            let ttl = if context.contains("ttl") { 60 } else { 3600 };
            assert_eq!(seconds("exp") - seconds("iat"), ttl, "{context}");
        }
        // Credentials signed with the replaced secret are rejected, in both directions.
        changing.set(&[secret]);
        assert_eq!(send(&login, ALLOWED).status, 401);
        changing.set(&[]);
        assert_eq!(send(&other_login, ALLOWED).status, 401);
        // Wrong values lead to errors; correct values work again afterwards.
        for wrong in [
            ("jaas_private_key", "no key"),
            ("signing_engine", "x"),
            ("auth_hs256_secret", "short"),
        ] {
            changing.set(&[wrong]);
            assert_eq!(send(&login, ALLOWED).status, 500, "{wrong:?}");
            changing.set(&[]);
            assert_eq!(send(&login, ALLOWED).status, 200, "after {wrong:?}");
        }
        // The allow list of origins.
        changing.set(&[("allowed_origins", FOREIGN)]);
        assert_eq!(send(&login, ALLOWED).status, 403);
        assert_eq!(send(&login, FOREIGN).status, 200);
        changing.set(&[]);
        assert_eq!(send(&login, FOREIGN).status, 403);
    }
}

#[test]
fn requests_beside_a_change_see_the_one_value_or_the_other() {
    let keys = [key(Kind::Pkcs8, 2048), key(Kind::Pkcs1, 2048)];
    let changing = Changing::default();
    let server = Server::start_faulty(Settings::good(), changing.faults());
    let ready = Barrier::new(5);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let mut connection = server.connect();
                ready.wait();
                for number in 0..40 {
                    let room = format!("room-{number}");
                    let response = connection
                        .send(&get(&[("room", &room)]))
                        .expect("a response");
                    let token = response.token();
                    assert_eq!(token.claims["room"], room);
                    assert!(keys.iter().any(|key| signature::is_valid(&token.raw, key)));
                }
            });
        }
        ready.wait();
        for number in 0..40 {
            changing.set(&[("jaas_private_key", &keys[number % 2].pem)]);
            thread::sleep(Duration::from_millis(5));
        }
    });
    let seen: Value = server.send_unchecked(&get(&[])).expect("a response").json();
    assert!(seen["token"].is_string());
}
