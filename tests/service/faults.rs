//! Faults of the host: each leads to a defined response, never to a partial one. `docs/reliability.md` has the same cases
//! as a table.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use devkit_host::Faults;
use devkit_rules as rules;
use jaas_jwt::config::variable;
use serde_json::json;

use crate::credentials::Login;
use crate::harness::{Server, Settings, now};
use crate::http::{Body, Request, Response, get, post};
use crate::key_material::{Kind, key};
use crate::signature;

/// Clock readings, in seconds since the Unix epoch.
const AT_1970: u64 = 0;
const IN_2262: u64 = 9_223_372_036;
const IN_9999: u64 = 253_402_300_799;

fn health() -> Request {
    Request::new("GET", "/healthz")
}

fn with_clock(seconds: u64, settings: Settings) -> Server {
    let faults = Faults {
        clock: Some(Duration::from_secs(seconds)),
        ..Faults::default()
    };
    Server::start_faulty(settings, faults)
}

fn with_provider(
    settings: Settings,
    provider: impl Fn(&str) -> Option<Result<String, String>> + Send + Sync + 'static,
) -> Server {
    let faults = Faults {
        variables: Some(Arc::new(provider)),
        ..Faults::default()
    };
    Server::start_faulty(settings, faults)
}

/// Variables that are read only when another variable makes them effective. They have defaults.
const ONLY_WITH_OTHERS: [&str; 11] = [
    "invitation_link",
    "invitations_not_before",
    "auth_jwks_max_stale_seconds",
    "auth_moderator_claim",
    "auth_audience_claim",
    "auth_id_claim",
    "auth_name_claim",
    "auth_picture_claim",
    "auth_email_claim",
    "auth_rooms_claim",
    "auth_request_name",
];

/// Variables of other routes: tokens are issued even if these cannot be read.
const OF_OTHER_ROUTES: [&str; 5] = [
    "jaas_webhook_secret",
    "jaas_webhook_authorization",
    "monthly_user_reserve",
    "billing_day",
    "operator_token",
];

#[test]
fn a_variable_that_its_provider_does_not_give_is_named_and_the_provider_is_not_quoted() {
    const QUOTE: &str = "denied: token s.0123456789 at https://vault.internal";
    let failing = Arc::new(Mutex::new(String::new()));
    let requested = failing.clone();
    let provider = move |name: &str| {
        (*requested.lock().unwrap() == name).then(|| Err::<String, _>(QUOTE.to_owned()))
    };
    let server = with_provider(Settings::good().set("auth_mode", "none"), provider);
    for variable in variable::ALL {
        if ONLY_WITH_OTHERS.contains(&variable.name) {
            continue;
        }
        *failing.lock().unwrap() = variable.name.to_owned();
        let message = format!("{} could not be read from its provider", variable.name);
        let problem = server.send(&get(&[]));
        if OF_OTHER_ROUTES.contains(&variable.name) {
            assert_eq!(problem.status, 200, "{}: {problem}", variable.name);
        } else {
            assert_eq!(problem.status, 500, "{}: {problem}", variable.name);
            assert!(problem.error().starts_with(&message), "{problem}");
        }
        let probe = server.send(&health());
        assert_eq!(probe.status, 503, "{probe}");
        assert!(probe.error().starts_with(&message), "{probe}");
        for text in [problem.to_string(), probe.to_string(), server.log()] {
            assert!(!text.contains("vault.internal"), "{text}");
        }
    }
    failing.lock().unwrap().clear();
    assert_eq!(server.send(&get(&[])).status, 200);
}

#[test]
fn a_slow_provider_makes_a_slow_response_and_no_other() {
    let server = with_provider(Settings::good(), |_| {
        std::thread::sleep(Duration::from_millis(20));
        None
    });
    let start = Instant::now();
    let response = server.send(&get(&[("room", "a")]));
    assert_eq!(response.status, 200, "{response}");
    assert_eq!(response.token().claims["room"], "a");
    assert!(start.elapsed() > Duration::from_millis(20));
}

#[test]
fn a_key_that_is_rotated_signs_from_the_next_request_on() {
    let keys = [key(Kind::Pkcs8, 2048), key(Kind::Pkcs1, 2048)];
    let current = Arc::new(Mutex::new(0));
    let index = current.clone();
    let server = with_provider(Settings::good(), move |name| {
        let key = keys[*index.lock().unwrap()];
        (name == "jaas_private_key").then(|| Ok(key.pem.clone()))
    });
    for turn in [0, 1, 0] {
        *current.lock().unwrap() = turn;
        let token = server.send_unchecked(&get(&[])).unwrap().token().raw;
        assert!(signature::is_valid(&token, keys[turn]));
        assert!(!signature::is_valid(&token, keys[1 - turn]));
    }
}

#[test]
fn a_clock_that_is_far_off_makes_tokens_of_its_own_time() {
    for clock in [
        AT_1970,
        1,
        9,
        1_000_000_000,
        u64::from(u32::MAX),
        IN_2262,
        IN_9999,
    ] {
        let server = with_clock(clock, Settings::good());
        let response = server.send_unchecked(&get(&[])).unwrap();
        assert_eq!(response.status, 200, "{response}");
        let token = response.token();
        let times = ["iat", "exp", "nbf"].map(|name| token.claims[name].as_u64().unwrap());
        assert_eq!(times, [clock, clock + 3600, clock.saturating_sub(60)]);
        // At 1970, `nbf` stays at 0 instead of becoming negative, so the rules are checked a minute later.
        let now = i64::try_from(clock).unwrap().max(60);
        let violations = rules::violations(&token.raw, now);
        assert!(violations.is_empty(), "{violations:?}");
        assert!(signature::is_valid(&token.raw, server.key()));
    }
}

#[test]
fn a_clock_that_goes_back_makes_earlier_tokens_and_lets_no_credential_of_the_future_in() {
    let login = Login::new();
    let ask = |clock: u64, claims: serde_json::Value| -> Response {
        let server = with_clock(clock, login.configure("required"));
        let credential = login.sign(&claims);
        server
            .send_unchecked(&get(&[]).bearer(&credential))
            .expect("a response")
    };
    let good = |clock| ask(clock, json!({ "iat": now() }));
    let present = u64::try_from(now()).unwrap();
    assert_eq!(good(present).status, 200);
    // Issued later than this clock's time.
    assert_eq!(good(present - 86_400).status, 401);
    // Expired before this clock's time.
    for clock in [
        present + 86_400 * 365,
        u64::from(u32::MAX),
        IN_2262,
        IN_9999,
    ] {
        assert_eq!(good(clock).status, 401, "{clock}");
    }
    // Times beyond the range that can be compared: these must not count as equal to the clock's time.
    for exp in [IN_2262 - 60, IN_2262 + 60, u64::MAX] {
        assert_eq!(ask(IN_2262, json!({ "exp": exp })).status, 401, "{exp}");
    }
}

#[test]
fn without_random_bytes_nothing_is_signed_and_what_needs_none_is_gets_a_response() {
    let faults = Faults {
        no_random: true,
        ..Faults::default()
    };
    let server = Server::start_faulty(Settings::good(), faults);
    let response = server.send_unchecked(&get(&[])).unwrap();
    assert_eq!(response.status, 500, "{response}");
    assert!(response.body.is_empty(), "{response}");
    assert_eq!(
        server.send(&get(&[]).origin("https://evil.example")).status,
        403
    );
    assert_eq!(server.send(&get(&[("room", "*")])).status, 400);
    assert_eq!(
        server
            .send(&Request::new("HEAD", "/api/jitsi-token"))
            .status,
        200
    );
}

#[test]
fn a_host_that_stops_in_mid_request_responds_whole_or_not_at_all() {
    for _ in 0..5 {
        let server = Server::start(Settings::good());
        let address = server.address();
        std::thread::scope(|scope| {
            let chunks = vec![br#"{"room":"#.to_vec(), br#""a"}"#.to_vec()];
            let body = Body::Chunks(chunks, Duration::from_millis(100));
            let request = post("application/json", "").body(body);
            let connection = server.connect();
            let slow = scope.spawn(move || connection.send_last(&request));
            let requests: Vec<_> = (0..8)
                .map(|_| {
                    let connection = server.connect();
                    scope.spawn(move || connection.send_last(&get(&[])))
                })
                .collect();
            std::thread::sleep(Duration::from_millis(20));
            drop(server);
            for response in requests.into_iter().chain([slow]) {
                // A closed connection is acceptable: the client sees that it ended. The host's own 500 is, too.
                if let Ok(response) = response.join().unwrap()
                    && !(response.status == 500 && response.body.is_empty())
                {
                    assert_eq!(response.status, 200, "{response}");
                    assert_eq!(response.token().raw.split('.').count(), 3);
                }
            }
        });
        assert!(std::net::TcpStream::connect(address).is_err());
    }
}
