//! The login's keys by URL: the test's own server publishes them, changes them and fails.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use devkit_host::{Faults, KeyValueStore, StoreFault};
use serde_json::{Value, json};

use crate::authentication::{openssl_signed, rsa_jwk};
use crate::credentials::{ISSUER, payload, verified_by};
use crate::harness::{Server, Settings, now};
use crate::http::{Request, Response, get};
use crate::key_material::openssl_key;

const RSA: [&str; 3] = ["RSA", "-pkeyopt", "rsa_keygen_bits:2048"];

/// A server for key sets on 127.0.0.1.
struct KeyServer {
    address: SocketAddr,
    requests: Arc<AtomicUsize>,
    response: Arc<Mutex<Served>>,
}

/// The response: the delay before it, and its bytes.
#[derive(Clone)]
struct Served(Duration, Vec<u8>);

impl KeyServer {
    fn start(document: &Value) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let server = Self {
            address: listener.local_addr().expect("an address"),
            requests: Arc::default(),
            response: Arc::new(Mutex::new(ok(document))),
        };
        let (requests, response) = (server.requests.clone(), server.response.clone());
        // The thread ends with the process.
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                requests.fetch_add(1, Ordering::Relaxed);
                let served = response.lock().unwrap().clone();
                thread::spawn(move || respond(stream, &served));
            }
        });
        server
    }

    fn serve(&self, served: Served) {
        *self.response.lock().unwrap() = served;
    }

    fn requests(&self) -> usize {
        self.requests.load(Ordering::Relaxed)
    }

    fn settings(&self) -> Settings {
        let origin = format!("http://{}", self.address);
        verified_by("auth_jwks_url", &format!("{origin}/jwks?v=1")).set("auth_jwks_origin", &origin)
    }
}

fn respond(mut stream: TcpStream, Served(delay, bytes): &Served) {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|read| read == 1) {
        head.extend(byte);
    }
    assert!(
        head.starts_with(b"GET /jwks?v=1 HTTP/1.1\r\n"),
        "{}",
        String::from_utf8_lossy(&head)
    );
    thread::sleep(*delay);
    let _ = stream.write_all(bytes);
}

fn response(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\nconnection: close\r\n\r\n"
    );
    [head.as_bytes(), body].concat()
}

fn ok(document: &Value) -> Served {
    let body = document.to_string();
    let headers = "content-type: application/json\r\ncache-control: public, max-age=3600\r\n";
    Served(Duration::ZERO, response("200 OK", headers, body.as_bytes()))
}

struct Login {
    key: String,
    kid: &'static str,
}

impl Login {
    fn new(kid: &'static str) -> Self {
        Self {
            key: openssl_key(&RSA),
            kid,
        }
    }

    fn jwk(&self) -> Value {
        rsa_jwk(&self.key, self.kid)
    }

    fn credential(&self) -> String {
        let header = json!({"alg": "RS256", "typ": "JWT", "kid": self.kid});
        let claims = payload(&json!({ "exp": now() + 10_000 }));
        openssl_signed(&self.key, &header.to_string(), &claims)
    }
}

fn document(logins: &[&Login]) -> Value {
    json!({ "keys": logins.iter().map(|login| login.jwk()).collect::<Vec<_>>() })
}

fn call(server: &Server, credential: &str) -> Response {
    server.send(&get(&[]).bearer(credential))
}

/// Starts a server with the store of earlier servers, whose clock is `seconds` past a moment 5,000 seconds ago. Because
/// that clock is slow, tokens last a day, so that they are still valid by this machine's clock.
fn later(settings: &Settings, store: &KeyValueStore, seconds: u64) -> Server {
    let now = u64::try_from(now()).expect("after 1970");
    let mut settings = settings.clone().set("token_ttl_seconds", "86400");
    settings.store = Some(store.clone());
    let faults = Faults {
        clock: Some(Duration::from_secs(now - 5_000 + seconds)),
        ..Faults::default()
    };
    Server::start_faulty(settings, faults)
}

fn unavailable(response: &Response) {
    assert_eq!(response.status, 503, "{response}");
    let seconds: u64 = response
        .header("retry-after")
        .expect("Retry-After")
        .parse()
        .expect("seconds");
    assert!((1..=60).contains(&seconds), "{response}");
    assert!(
        response
            .error()
            .starts_with("The keys of the login cannot be read"),
        "{response}"
    );
}

#[test]
fn keys_by_url_are_fetched_once() {
    let login = Login::new("1");
    let keys = KeyServer::start(&document(&[&login]));
    let server = Server::start(keys.settings());
    assert_eq!(server.send(&Request::new("GET", "/healthz")).status, 200);
    assert_eq!(keys.requests(), 0, "the health check fetches nothing");
    let credential = login.credential();
    let log = server.log_of(|server| {
        for _ in 0..20 {
            let response = call(server, &credential);
            assert_eq!(response.status, 200, "{response}");
        }
    });
    assert_eq!(keys.requests(), 1);
    assert!(log.iter().all(|line| line["warning"].is_null()), "{log:?}");

    let verbose = server.send(&Request::new("GET", "/healthz?verbose"));
    let age = verbose.json()["auth_jwks_age_seconds"].as_u64();
    assert!(age.is_some_and(|age| age < 30), "{verbose}");
    assert_eq!(keys.requests(), 1);
}

#[test]
fn many_requests_at_once_cause_one_fetch_and_none_is_rejected() {
    let login = Login::new("1");
    let keys = KeyServer::start(&document(&[&login]));
    keys.serve(Served(
        Duration::from_millis(400),
        ok(&document(&[&login])).1,
    ));
    let server = Server::start(keys.settings());
    let credential = login.credential();
    thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| {
                let response = call(&server, &credential);
                assert_eq!(response.status, 200, "{response}");
            });
        }
    });
    assert_eq!(keys.requests(), 1);
}

#[test]
fn keys_change_while_requests_come_and_no_good_credential_is_rejected() {
    let (old, new) = (Login::new("old"), Login::new("new"));
    let keys = KeyServer::start(&document(&[&old]));
    let store = KeyValueStore::default();
    let settings = keys.settings();
    let first = later(&settings, &store, 0);
    assert_eq!(call(&first, &old.credential()).status, 200);
    drop(first);

    let server = later(&settings, &store, 61);
    let credentials = [old.credential(), new.credential()];
    let end = Instant::now() + Duration::from_secs(2);
    let rotation = Instant::now() + Duration::from_millis(500);
    thread::scope(|scope| {
        scope.spawn(|| {
            thread::sleep(Duration::from_millis(400));
            keys.serve(ok(&document(&[&old, &new])));
        });
        for caller in 0..16 {
            let (server, credentials) = (&server, &credentials);
            scope.spawn(move || {
                while Instant::now() < end {
                    let is_new = caller % 2 == 1 && Instant::now() > rotation;
                    let response = call(server, &credentials[usize::from(is_new)]);
                    assert_eq!(response.status, 200, "{response}");
                }
            });
        }
    });
    assert_eq!(keys.requests(), 2);
    drop(server);

    // The old key is accepted until the document no longer lists it and the stored copy has expired.
    keys.serve(ok(&document(&[&new])));
    let server = later(&settings, &store, 3_700);
    for (login, status) in [(&new, 200), (&old, 401)] {
        assert_eq!(call(&server, &login.credential()).status, status);
    }
    assert_eq!(keys.requests(), 4);
}

#[test]
fn random_kids_cause_one_fetch_a_minute_and_do_not_evict_the_copy() {
    let login = Login::new("1");
    let forger = openssl_key(&RSA);
    let keys = KeyServer::start(&document(&[&login]));
    let store = KeyValueStore::default();
    let settings = keys.settings();
    let good = login.credential();
    for (minute, fetches) in [(0, 2), (1, 3), (2, 4)] {
        let server = later(&settings, &store, minute * 61);
        assert_eq!(call(&server, &good).status, 200);
        for kid in 0..50 {
            let header = json!({"alg": "RS256", "kid": format!("forged-{kid}")});
            let forged = openssl_signed(&forger, &header.to_string(), &payload(&json!({})));
            let response = call(&server, &forged);
            match response.status {
                401 => {}
                _ => unavailable(&response),
            }
        }
        assert_eq!(call(&server, &good).status, 200);
        assert_eq!(keys.requests(), fetches, "minute {minute}");
    }
}

#[test]
fn each_failure_of_the_source_has_its_response_and_its_line_in_the_log() {
    let login = Login::new("1");
    let good = document(&[&login]);
    let elsewhere = KeyServer::start(&good);
    let private =
        json!({"keys": [{"kty": "RSA", "kid": "1", "n": "AQAB", "e": "AQAB", "d": "AQAB"}]});
    let redirect = format!("location: http://{}/jwks?v=1\r\n", elsewhere.address);
    let whole = ok(&good).1;
    let part = whole[..whole.len() - 10].to_vec();
    let text = |body: &str| response("200 OK", "", body.as_bytes());
    for (served, reason) in [
        (
            Served(Duration::from_secs(4), whole.clone()),
            "does not respond in time",
        ),
        (Served(Duration::ZERO, vec![]), "cannot be reached"),
        (
            Served(Duration::ZERO, b"nonsense\r\n\r\n".to_vec()),
            "cannot be reached",
        ),
        (Served(Duration::ZERO, part), "cannot be reached"),
        (
            Served(Duration::ZERO, response("500 Oops", "", b"{}")),
            "responds with status 500",
        ),
        (
            Served(Duration::ZERO, response("404 Not Found", "", b"{}")),
            "responds with status 404",
        ),
        (
            Served(Duration::ZERO, response("204 No Content", "", b"")),
            "responds with status 204",
        ),
        (
            Served(Duration::ZERO, response("302 Found", &redirect, b"")),
            "is redirected",
        ),
        (
            Served(Duration::ZERO, text("<html></html>")),
            "not a JWKS document",
        ),
        (Served(Duration::ZERO, text("")), "not a JWKS document"),
        (
            Served(Duration::ZERO, text(&" ".repeat(10_000_000))),
            "responds with a document that is too large",
        ),
        (
            Served(Duration::ZERO, text(r#"{"keys":[]}"#)),
            "no public key",
        ),
        (
            Served(Duration::ZERO, text(&private.to_string())),
            "private or secret key",
        ),
        (
            Served(
                Duration::ZERO,
                response("200 OK", "", b"{\"keys\":\"\xff\"}"),
            ),
            "not text",
        ),
    ] {
        let keys = KeyServer::start(&good);
        let settings = keys.settings();
        let store = KeyValueStore::default();
        keys.serve(served);
        // Without a stored copy.
        let server = later(&settings, &store, 0);
        let log = server.log_of(|server| unavailable(&call(server, &login.credential())));
        let logged = log[0]["reason"].as_str().unwrap_or_default();
        assert!(
            logged.starts_with("auth_jwks_url ") && logged.contains(reason),
            "{reason}: {log:?}"
        );
        assert_eq!(log[0]["level"], "error");
        assert_eq!(keys.requests(), 1, "{reason}");
        drop(server);

        // With a stored copy that is too old.
        let failing = keys.response.lock().unwrap().clone();
        keys.serve(ok(&good));
        let server = later(&settings, &store, 100);
        assert_eq!(call(&server, &login.credential()).status, 200);
        drop(server);
        keys.serve(failing);
        let server = later(&settings, &store, 4_000);
        let log = server.log_of(|server| {
            for _ in 0..3 {
                assert_eq!(call(server, &login.credential()).status, 200, "{reason}");
            }
        });
        let warnings: Vec<_> = log
            .iter()
            .filter_map(|line| line["warning"].as_str())
            .collect();
        assert_eq!(warnings.len(), 1, "{reason}: {log:?}");
        assert!(
            warnings[0].contains(reason) && warnings[0].contains("is used"),
            "{warnings:?}"
        );
        assert_eq!(keys.requests(), 3, "{reason}");
    }
    assert_eq!(elsewhere.requests(), 0, "a redirect was followed");
}

#[test]
fn a_source_that_is_down_is_a_503() {
    let login = Login::new("1");
    let keys = KeyServer::start(&document(&[&login]));
    let unused = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let origin = format!("http://{}", unused.local_addr().expect("an address"));
    drop(unused);
    let url = format!("{origin}/jwks");
    let settings = keys
        .settings()
        .set_all(&[("auth_jwks_url", &url), ("auth_jwks_origin", &origin)]);
    let server = Server::start_broken(settings);
    let log = server.log_of(|server| unavailable(&call(server, &login.credential())));
    let logged = log[0]["reason"].as_str().unwrap_or_default();
    assert!(
        logged.starts_with("auth_jwks_url cannot be reached"),
        "{log:?}"
    );
}

#[test]
fn without_a_store_it_works_and_warns() {
    let login = Login::new("1");
    for fault in [
        StoreFault::NotGranted,
        StoreFault::CannotOpen,
        StoreFault::Fails,
    ] {
        let keys = KeyServer::start(&document(&[&login]));
        let faults = Faults {
            store: Some(fault),
            ..Faults::default()
        };
        let server = Server::start_faulty(keys.settings(), faults);
        let log = server.log_of(|server| {
            for _ in 0..3 {
                assert_eq!(call(server, &login.credential()).status, 200);
            }
        });
        assert_eq!(keys.requests(), 3, "{fault:?}");
        for line in log {
            let warning = line["warning"].as_str().unwrap_or_default();
            assert!(
                warning.starts_with("the key-value store default cannot be used"),
                "{line}"
            );
        }
    }
}

#[test]
fn what_else_is_in_the_store_is_no_key_set() {
    let login = Login::new("1");
    for damage in [&b""[..], b"{}", b"\xff\xfe", b"[]", &[b'x'; 100_000]] {
        let keys = KeyServer::start(&document(&[&login]));
        let store = KeyValueStore::default();
        let settings = keys.settings();
        let server = later(&settings, &store, 0);
        assert_eq!(call(&server, &login.credential()).status, 200);
        drop(server);
        for key in store.keys() {
            assert!(key.starts_with("jaas-jwt.v1."), "{key}");
            store.set(&key, damage);
        }
        let server = later(&settings, &store, 1);
        let log = server.log_of(|server| {
            assert_eq!(call(server, &login.credential()).status, 200);
            assert_eq!(call(server, &login.credential()).status, 200);
        });
        assert_eq!(keys.requests(), 2);
        let warnings: Vec<_> = log
            .iter()
            .filter_map(|line| line["warning"].as_str())
            .collect();
        assert_eq!(warnings.len(), 1, "{log:?}");
        assert!(warnings[0].contains("is damaged"), "{warnings:?}");
    }
}

#[test]
fn no_credential_chooses_an_address() {
    let login = Login::new("1");
    let (keys, evil) = (
        KeyServer::start(&document(&[&login])),
        KeyServer::start(&document(&[&login])),
    );
    let server = Server::start_broken(keys.settings());
    let url = format!("http://{}/jwks?v=1", evil.address);
    let own = openssl_key(&RSA);
    for header in [
        json!({"alg": "RS256", "kid": "1", "jku": url}),
        json!({"alg": "RS256", "kid": "1", "x5u": url}),
        json!({"alg": "RS256", "kid": url}),
        json!({"alg": "RS256", "kid": "1", "jwk": rsa_jwk(&own, "1")}),
    ] {
        let claims = payload(&json!({ "iss": ISSUER }));
        let response = call(&server, &openssl_signed(&own, &header.to_string(), &claims));
        assert!([401, 503].contains(&response.status), "{response}");
    }
    assert_eq!(evil.requests(), 0);
}

#[test]
fn by_default_nothing_is_fetched_and_the_store_is_not_touched() {
    let store = KeyValueStore::default();
    let server = later(&Settings::good(), &store, 0);
    for target in ["/healthz?verbose", "/api/jitsi-token", "/elsewhere"] {
        server.send(&Request::new("GET", target));
    }
    assert_eq!(store.calls(), 0);
    let host = server.embedded().expect("a server with faults");
    assert_eq!(host.outbound_requests(), 0);
}
