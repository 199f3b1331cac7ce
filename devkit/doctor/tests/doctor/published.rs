//! What a login publishes: the variables that follow from it, and whether they fit a credential.

use std::cell::RefCell;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use devkit_doctor::credential::Credential;
use devkit_doctor::examine;
use devkit_doctor::provider::Provider;
use devkit_doctor::report::Report;
use devkit_doctor::service::{FetchError, FetchLimits, Fetched, Headers, Network};
use devkit_doctor::web::{self, Web};
use jwt_simple::prelude::{Ed25519KeyPair, EdDSAKeyPairLike, JWTClaims};
use serde_json::{Map, Value, json};

use crate::setup::{NOW, Setup};

/// Servers that exist only in a table.
#[derive(Default)]
struct Servers {
    pages: Vec<(String, u16, String)>,
    fetched: RefCell<Vec<String>>,
}

impl Servers {
    fn page(mut self, url: &str, status: u16, body: impl ToString) -> Self {
        self.pages.push((url.to_owned(), status, body.to_string()));
        self
    }

    /// Returns a login with a discovery document.
    fn login(issuer: &str, jwks_url: &str, jwks: &Value) -> Self {
        let base = issuer.trim_end_matches('/');
        Self::default()
            .page(
                &format!("{base}/.well-known/openid-configuration"),
                200,
                json!({"issuer": issuer, "jwks_uri": jwks_url}),
            )
            .page(jwks_url, 200, jwks)
    }
}

impl Network for Servers {
    fn get(&self, url: &str, _: FetchLimits) -> Result<Fetched, FetchError> {
        self.fetched.borrow_mut().push(url.to_owned());
        let page = self.pages.iter().find(|(other, ..)| other == url);
        let (_, status, body) = page.ok_or(FetchError::Failed)?;
        Ok(Fetched {
            status: *status,
            headers: Headers::default(),
            body: body.clone().into_bytes(),
        })
    }
}

const ISSUER: &str = "https://login.vtaiwan.tw";
const KEYS: &str = "https://login.vtaiwan.tw/keys";

fn ed25519(kid: &str) -> Value {
    json!({"kid": kid, "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})
}

fn one_key() -> Value {
    json!({"keys": [ed25519("a")]})
}

/// For each kind of login: its address, what it publishes and where, and the lines of the block.
#[test]
fn the_block_of_variables_is_that_of_the_login() {
    let firebase = "https://securetoken.google.com/vtaiwan-1";
    let google =
        "https://www.googleapis.com/service_accounts/v1/jwk/securetoken@system.gserviceaccount.com";
    let supabase = "https://abc.supabase.co/auth/v1";
    let supabase_keys = "https://abc.supabase.co/auth/v1/.well-known/jwks.json";
    let many = json!({"keys": [ed25519("a"), {"kid": "b", "kty": "EC", "crv": "P-384", "x": "AA", "y": "AA"}]});
    let html = "<!doctype html>";
    for (issuer, servers, expected) in [
        (
            ISSUER,
            Servers::login(ISSUER, KEYS, &many),
            vec![
                "# Keys: a EdDSA, b ES256.",
                "# The key b is not used: it is on a curve other than",
                "AUTH_MODE=\"required\"",
                "AUTH_JWKS_URL=\"https://login.vtaiwan.tw/keys\"",
                "AUTH_JWKS_ORIGIN=\"https://login.vtaiwan.tw\"",
                "AUTH_ISSUER=\"https://login.vtaiwan.tw\"",
                "AUTH_AUDIENCE=\"…\"",
            ],
        ),
        // Auth0's `iss` ends with a slash, which the flag may omit.
        (
            ISSUER,
            Servers::login("https://login.vtaiwan.tw/", KEYS, &one_key()),
            vec!["AUTH_ISSUER=\"https://login.vtaiwan.tw/\""],
        ),
        (
            firebase,
            Servers::login(firebase, google, &one_key()),
            vec![
                "AUTH_JWKS_ORIGIN=\"https://www.googleapis.com\"",
                "AUTH_AUDIENCE=\"vtaiwan-1\"",
            ],
        ),
        (
            supabase,
            Servers::login(supabase, supabase_keys, &one_key()),
            vec!["AUTH_AUDIENCE=\"authenticated\""],
        ),
        // A site that responds with a page at every path.
        (
            "https://vtaiwan.tw",
            Servers::default()
                .page(
                    "https://vtaiwan.tw/.well-known/openid-configuration",
                    200,
                    html,
                )
                .page("https://vtaiwan.tw/api/auth/jwks", 200, one_key()),
            vec![
                "AUTH_JWKS_URL=\"https://vtaiwan.tw/api/auth/jwks\"",
                "AUTH_ISSUER=\"https://vtaiwan.tw\"",
                "AUTH_AUDIENCE=\"https://vtaiwan.tw\"",
            ],
        ),
        (
            "https://clerk.vtaiwan.tw",
            Servers::default().page(
                "https://clerk.vtaiwan.tw/.well-known/jwks.json",
                200,
                one_key(),
            ),
            vec!["AUTH_JWKS_URL=\"https://clerk.vtaiwan.tw/.well-known/jwks.json\""],
        ),
    ] {
        let provider = Provider::discover(&servers, issuer).expect(issuer);
        let block = provider.block();
        for line in expected {
            assert!(block.contains(line), "{line}\n{block}");
        }
        // The service accepts the block.
        let mut setup = Setup::faultless().without("auth_hs256_secret");
        for line in block.lines().filter(|line| !line.starts_with('#')) {
            let (name, value) = line.split_once('=').expect("an entry");
            let name = name.trim_start_matches("SPIN_VARIABLE_").to_lowercase();
            setup = setup.set(&name, value.trim_matches('"'));
        }
        let report = setup.report();
        let errors = report.findings.iter().filter(|f| f.id == "invalid");
        assert_eq!(errors.count(), 0, "{}", report.text());
    }
}

#[test]
fn a_login_that_cannot_be_used_is_told() {
    let description = "https://login.vtaiwan.tw/.well-known/openid-configuration";
    let described = |status, body: Value| Servers::default().page(description, status, body);
    let named = |issuer: &str| described(200, json!({"issuer": issuer, "jwks_uri": KEYS}));
    let login = |jwks_url: &str| Servers::login(ISSUER, jwks_url, &one_key());
    let keys = |keys: Value| Servers::login(ISSUER, KEYS, &json!({ "keys": keys }));
    let mut private = ed25519("a");
    private["d"] = json!("AA");
    for (issuer, servers, expected) in [
        (
            ISSUER,
            Servers::default(),
            "configuration cannot be reached",
        ),
        (
            ISSUER,
            described(404, json!("")),
            "configuration responds with status 404",
        ),
        (
            ISSUER,
            described(302, json!("")),
            "configuration is redirected, which is not followed",
        ),
        (
            ISSUER,
            described(200, json!("<html>")),
            "responds without issuer and jwks_uri",
        ),
        (
            ISSUER,
            named("https://other.tw"),
            "names another issuer: https://other.tw;",
        ),
        (
            ISSUER,
            named("$(reboot)"),
            "names another issuer: no address;",
        ),
        (ISSUER, login("http://login.vtaiwan.tw/keys"), "jwks_uri is"),
        (ISSUER, login("http://127.0.0.1:8080/keys"), "jwks_uri is"),
        (ISSUER, login("https://localhost/keys"), "jwks_uri is"),
        (
            ISSUER,
            login("https://login.vtaiwan.tw/$(reboot)"),
            "jwks_uri is",
        ),
        (
            ISSUER,
            keys(json!([])),
            "/keys responds with a document that",
        ),
        (
            ISSUER,
            keys(json!([private])),
            "/keys responds with a document that",
        ),
        (
            "http://login.vtaiwan.tw",
            login(KEYS),
            "must be an https address",
        ),
        (
            "https://login.vtaiwan.tw?a=b",
            login(KEYS),
            "must be an https address",
        ),
        (
            "https://me:word@login.vtaiwan.tw",
            login(KEYS),
            "must be an https address",
        ),
        ("login.vtaiwan.tw", login(KEYS), "must be an https address"),
    ] {
        let error = Provider::discover(&servers, issuer).expect_err(expected);
        assert!(error.contains(expected), "{expected}\n{error}");
        assert!(error.ends_with('.') && !error.contains("reboot"), "{error}");
    }
}

/// A login with one key, which issues credentials.
struct Login(Ed25519KeyPair);

impl Login {
    fn new() -> Self {
        Self(Ed25519KeyPair::generate().with_key_id("current"))
    }

    fn jwks(&self) -> Value {
        let mut jwk: Value = serde_json::from_str(&self.0.public_key().to_jwk()).expect("a JWK");
        jwk["kid"] = json!("current");
        json!({"keys": [jwk]})
    }

    fn sign(&self, changes: Value) -> String {
        let mut claims = json!({
            "iss": ISSUER, "aud": "jaas-jwt", "sub": "person-4711", "exp": NOW + 600, "iat": NOW,
            "name": "Jane Person", "moderator": true,
        });
        for (name, value) in changes.as_object().expect("an object") {
            claims[name] = value.clone();
        }
        let claims: JWTClaims<Map<String, Value>> = serde_json::from_value(claims).expect("claims");
        self.0.sign(claims).expect("a token")
    }
}

fn by_url() -> Setup {
    Setup::faultless()
        .without("auth_hs256_secret")
        .set("auth_jwks_url", KEYS)
        .set("auth_jwks_origin", ISSUER)
}

fn open() -> Setup {
    ["auth_hs256_secret", "auth_issuer", "auth_audience"]
        .into_iter()
        .fold(Setup::faultless(), Setup::without)
        .set("auth_mode", "none")
}

fn examined(setup: &Setup, text: &str, servers: &Servers, issuer: Option<&str>) -> Report {
    let credential = Credential {
        text,
        network: servers,
        issuer,
    };
    examine(&setup.facts(), false, Some(&credential), NOW)
}

#[test]
fn a_credential_is_compared_with_what_the_login_publishes() {
    let login = Login::new();
    let servers = || Servers::login(ISSUER, KEYS, &login.jwks());
    let good = || login.sign(json!({}));
    let other = Login::new();
    let without_keys = |status| {
        let mut servers = servers();
        servers.pages[1].1 = status;
        servers
    };
    for (setup, credential, servers, issuer, expected) in [
        (
            by_url(),
            good(),
            servers(),
            None,
            vec![
                "ok[keys] configured \"https://login.vtaiwan.tw/keys\"",
                "ok[kid] credential \"current\" configured \"current\"",
                "ok[discovery] configured \"https://login.vtaiwan.tw\": the login's keys are at https://login.vtaiwan.tw/keys.",
                "ok[service]",
                "credential accepted",
            ],
        ),
        (
            by_url(),
            good(),
            without_keys(404),
            None,
            vec![
                "fail[keys] configured \"https://login.vtaiwan.tw/keys\": auth_jwks_url responds with status 404",
            ],
        ),
        (
            by_url().set("auth_jwks_url", "https://login.vtaiwan.tw/old"),
            good(),
            servers().page("https://login.vtaiwan.tw/old", 301, ""),
            None,
            vec![
                "fail[keys] ",
                "auth_jwks_url is redirected",
                "note[discovery] configured \"https://login.vtaiwan.tw\": the login's keys are at https://login.vtaiwan.tw/keys, and auth_jwks_url is another.",
                "note[fit] if your login made it: with these values the service accepts it: export SPIN_VARIABLE_AUTH_JWKS_URL=https://login.vtaiwan.tw/keys",
            ],
        ),
        (
            by_url(),
            good(),
            Servers::login(ISSUER, KEYS, &one_key()),
            None,
            vec!["fail[kid] credential \"current\" configured \"a\": kid is not in the key set"],
        ),
        (
            by_url(),
            other.sign(json!({})),
            servers(),
            None,
            vec!["fail[signature]"],
        ),
        // The keys were copied, and have changed since then.
        (
            Setup::faultless()
                .without("auth_hs256_secret")
                .set("auth_jwks", &one_key().to_string()),
            good(),
            servers(),
            None,
            vec![
                "fail[kid]",
                "with these values the service accepts it: export SPIN_VARIABLE_AUTH_JWKS_URL=https://login.vtaiwan.tw/keys SPIN_VARIABLE_AUTH_JWKS_ORIGIN=https://login.vtaiwan.tw SPIN_VARIABLE_AUTH_JWKS=",
            ],
        ),
        (
            by_url(),
            login.sign(json!({"iss": "https://login.vtaiwan.tw/", "aud": "page"})),
            servers(),
            None,
            vec![
                "note[fit] if your login made it: with these values the service accepts it: export SPIN_VARIABLE_AUTH_ISSUER=https://login.vtaiwan.tw/ SPIN_VARIABLE_AUTH_AUDIENCE=page",
            ],
        ),
        (
            by_url(),
            login.sign(json!({"aud": "page", "exp": NOW - 900})),
            servers(),
            None,
            vec![
                "note[fit] if your login made it: these values are its own; more than them is wrong: export SPIN_VARIABLE_AUTH_AUDIENCE=page",
            ],
        ),
        // Nothing is configured yet.
        (
            open(),
            good(),
            servers(),
            Some(ISSUER),
            vec![
                "note[fit] if your login made it: with these values the service accepts it: export SPIN_VARIABLE_AUTH_MODE=required SPIN_VARIABLE_AUTH_ISSUER=https://login.vtaiwan.tw SPIN_VARIABLE_AUTH_AUDIENCE=jaas-jwt SPIN_VARIABLE_AUTH_JWKS_URL=https://login.vtaiwan.tw/keys SPIN_VARIABLE_AUTH_JWKS_ORIGIN=https://login.vtaiwan.tw",
            ],
        ),
        (
            open(),
            good(),
            servers(),
            None,
            vec![
                "these values are its own, and --issuer URL finds the login's keys: export SPIN_VARIABLE_AUTH_MODE=required SPIN_VARIABLE_AUTH_ISSUER=",
            ],
        ),
        (
            by_url(),
            good(),
            Servers::default().page(KEYS, 200, login.jwks()),
            None,
            vec![
                "note[discovery] configured \"https://login.vtaiwan.tw\": https://login.vtaiwan.tw/.well-known/openid-configuration cannot be reached",
                "ok[service]",
            ],
        ),
    ] {
        let report = examined(&setup, &credential, &servers, issuer).text();
        for text in expected {
            assert!(report.contains(text), "{text}\n{report}");
        }
        for hidden in ["person-4711", "Jane Person", credential.as_str()] {
            assert!(!report.contains(hidden), "{report}");
        }
    }
}

#[test]
fn what_is_no_plain_name_is_not_given_to_be_typed() {
    let login = Login::new();
    let servers = Servers::login(ISSUER, KEYS, &login.jwks());
    for value in [
        "a\"; reboot; \"",
        "$(reboot)",
        "`reboot`",
        "reboot\nnow",
        "tTq0dGm3b9yKfX1cVwZr7uLsN5eJ2hQp8aRoU4iBreboot",
    ] {
        let credential = login.sign(json!({"iss": value, "aud": value}));
        let report = examined(&by_url(), &credential, &servers, None).text();
        assert!(!report.contains("[fit]"), "{report}");
    }
}

#[test]
fn a_credential_chooses_no_address_and_a_shared_secret_needs_none() {
    let login = Login::new();
    let credential = login.sign(json!({"iss": "https://elsewhere.tw"}));
    for (setup, fetched) in [
        (open(), vec![]),
        (Setup::faultless(), vec![]),
        (
            by_url(),
            vec![
                "https://login.vtaiwan.tw/.well-known/openid-configuration",
                KEYS,
            ],
        ),
    ] {
        let servers = Servers::login(ISSUER, KEYS, &login.jwks());
        examined(&setup, &credential, &servers, None);
        let mut seen = servers.fetched.into_inner();
        seen.sort();
        seen.dedup();
        assert_eq!(seen, fetched);
    }
}

/// Serves these bytes to every client on this machine. Returns the address and the number of requests.
fn serve(bytes: Vec<u8>, delay: Duration) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    let requests = Arc::new(AtomicUsize::new(0));
    let count = requests.clone();
    // The thread ends with the process.
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            count.fetch_add(1, Ordering::Relaxed);
            let bytes = bytes.clone();
            thread::spawn(move || {
                let _ = stream.read(&mut [0; 4096]);
                thread::sleep(delay);
                let _ = stream.write_all(&bytes);
            });
        }
    });
    (address, requests)
}

fn response(status: &str, header: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    let head = format!("HTTP/1.1 {status}\r\n{header}content-length: {length}\r\n\r\n");
    [head, body.to_owned()].concat().into_bytes()
}

#[test]
fn a_document_is_fetched_within_limits() {
    let (target, redirected) = serve(response("200 OK", "", "{}"), Duration::ZERO);
    let to = format!("location: http://{target}/\r\n");
    let large = "a".repeat(10 * 1024 * 1024);
    let ok = || response("200 OK", "", "{}");
    for (scheme, bytes, delay, expected) in [
        ("http", ok(), 0, Ok("{}")),
        (
            "http",
            response("302 Found", &to, ""),
            0,
            Err("is redirected"),
        ),
        (
            "http",
            response("500 X", "", ""),
            0,
            Err("responds with status 500"),
        ),
        (
            "http",
            response("200 OK", "", &large),
            0,
            Err("responds with a document that is too large"),
        ),
        ("http", ok(), 20, Err("does not respond in time")),
        (
            "http",
            b"no HTTP\r\n\r\n".to_vec(),
            0,
            Err("cannot be reached"),
        ),
        // The server does not speak TLS.
        ("https", ok(), 0, Err("cannot be reached")),
        ("ftp", ok(), 0, Err("is not https")),
    ] {
        let (address, _) = serve(bytes, Duration::from_secs(delay));
        let begun = Instant::now();
        let found = web::document(&Web::default(), &format!("{scheme}://{address}/keys"));
        assert!(begun.elapsed() < Duration::from_secs(10));
        match expected {
            Ok(text) => assert_eq!(found.as_deref(), Ok(text)),
            Err(text) => {
                let error = found.expect_err(text);
                assert!(error.starts_with(text), "{text}: {error}");
            }
        }
    }
    assert_eq!(redirected.load(Ordering::Relaxed), 0);
    let (address, requests) = serve(ok(), Duration::ZERO);
    let web = Web::default();
    for _ in 0..3 {
        web::document(&web, &format!("http://{address}/keys")).expect("a document");
    }
    assert_eq!(requests.load(Ordering::Relaxed), 1);
    let elsewhere = web::document(&web, "http://192.0.2.1/keys");
    assert!(
        elsewhere
            .expect_err("plain HTTP")
            .starts_with("is not https")
    );
}

/// Runs the program with the flag.
#[test]
fn the_flag_alone_writes_the_block() {
    let keys = one_key().to_string();
    // The same at every path: no discovery document, and Better Auth's keys.
    let (address, _) = serve(response("200 OK", "", &keys), Duration::ZERO);
    let issuer = format!("http://{address}");
    let output = crate::program::doctor(&["--issuer", &issuer]);
    assert_eq!(output.status.code(), Some(0));
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let line = format!("\nSPIN_VARIABLE_AUTH_JWKS_URL=\"{issuer}/api/auth/jwks\"\n");
    assert!(
        text.starts_with("# Keys: a EdDSA.\n") && text.contains(&line),
        "{text}"
    );
    let output = crate::program::doctor(&["--issuer", "login.vtaiwan.tw"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stdout.is_empty());
}
