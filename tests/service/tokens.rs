//! Tokens for all combinations of options. The harness checks rules and signature of every response; these tests check
//! what depends on the options.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use devkit_rules::DOCUMENTED_FEATURES;
use serde_json::{Map, Value, json};

use crate::harness::{ALLOWED, APP_ID, KEY_ID, Server, Settings, now};
use crate::http::{Request, get, post_form, post_json};

#[test]
fn header_and_claims_are_exactly_these() {
    let before = now();
    let token = Server::good().send(&get(&[])).token();
    let after = now();
    let issued = token.claims["iat"].as_i64().expect("a whole number");
    assert!((before..=after).contains(&issued));
    assert_eq!(
        token.header,
        json!({ "alg": "RS256", "kid": KEY_ID, "typ": "JWT" })
    );
    assert_eq!(
        token.claims,
        json!({
            "aud": "jitsi",
            "iss": "chat",
            "sub": APP_ID,
            "room": "default-room",
            "iat": issued,
            "nbf": issued - 60,
            "exp": issued + 3600,
            "context": {
                "user": { "id": "user123", "name": "Your User", "email": "user@example.com", "moderator": "true" },
                "features": features(true),
                "room": { "regex": false },
            },
        })
    );
}

/// Returns the features as in the Worker: a moderator may stream and dial out.
fn features(moderator: bool) -> Value {
    DOCUMENTED_FEATURES
        .iter()
        .map(|name| {
            let granted = moderator && ["livestreaming", "outbound-call"].contains(name);
            ((*name).to_owned(), json!(granted))
        })
        .collect::<Map<_, _>>()
        .into()
}

/// Where a user field comes from.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Field {
    Given,
    Default,
    /// Not given, and the default is empty.
    LeftOut,
}

const FIELDS: [Field; 3] = [Field::Given, Field::Default, Field::LeftOut];

#[derive(Clone, Copy, Debug, PartialEq)]
enum Moderator {
    Given(bool),
    Default,
    LeftOut,
}

const MODERATORS: [Moderator; 4] = [
    Moderator::Given(true),
    Moderator::Given(false),
    Moderator::Default,
    Moderator::LeftOut,
];

/// The parameter's and the claim's name, the value given, the default.
const USER: [(&str, &str, &str, &str); 3] = [
    ("id", "user_id", "u-7", "user123"),
    ("name", "user_name", "公民 \"Ann\"", "Your User"),
    ("email", "user_email", "ann@example.org", "user@example.com"),
];

const ROOMS: [(Option<&str>, &str); 3] = [
    (None, "default-room"),
    (Some("My Room"), "my%20room"),
    (Some("公民"), "%e5%85%ac%e6%b0%91"),
];

/// Returns settings in which these defaults are empty: id, name, email, moderator.
fn settings(empty: [bool; 4]) -> Settings {
    [
        "default_user_id",
        "default_user_name",
        "default_user_email",
        "default_moderator",
    ]
    .iter()
    .zip(empty)
    .filter(|(_, empty)| *empty)
    .fold(Settings::good(), |settings, (name, _)| {
        settings.set(name, "")
    })
}

fn requests(parameters: &[(&str, &str)]) -> [Request; 3] {
    let object: Map<String, Value> = parameters
        .iter()
        .map(|(name, value)| ((*name).to_owned(), json!(value)))
        .collect();
    [
        get(parameters),
        post_json(&Value::Object(object)),
        post_form(parameters),
    ]
}

/// Checks all combinations on a server with these empty defaults, and returns the number of tokens.
fn check_product(empty: [bool; 4]) -> usize {
    let server = Server::start(settings(empty));
    let possible = |field: Field, empty: bool| {
        field != Field::Default && empty == (field == Field::LeftOut)
            || field == Field::Default && !empty
    };
    let mut count = 0;
    for fields in combinations() {
        let (user_fields, moderator) = fields;
        let fits = user_fields
            .iter()
            .zip(empty)
            .all(|(field, empty)| possible(*field, empty));
        if !fits || empty[3] != (moderator == Moderator::LeftOut) {
            continue;
        }
        let mut parameters = Vec::new();
        let mut user = Map::new();
        for ((claim, parameter, given, default), field) in USER.iter().zip(user_fields) {
            match field {
                Field::Given => {
                    parameters.push((*parameter, *given));
                    user.insert((*claim).into(), json!(given));
                }
                Field::Default => {
                    user.insert((*claim).into(), json!(default));
                }
                Field::LeftOut => {}
            }
        }
        match moderator {
            Moderator::Given(value) => {
                let value = if value { "true" } else { "false" };
                parameters.push(("user_moderator", value));
                user.insert("moderator".into(), json!(value));
            }
            Moderator::Default => {
                user.insert("moderator".into(), json!("true"));
            }
            Moderator::LeftOut => {}
        }
        let granted = matches!(moderator, Moderator::Given(true) | Moderator::Default);
        for (room, claim) in ROOMS {
            let mut parameters = parameters.clone();
            parameters.extend(room.map(|room| ("room", room)));
            for request in requests(&parameters) {
                for origin in [None, Some(ALLOWED)] {
                    let response =
                        server.send(&origin.into_iter().fold(request.clone(), Request::origin));
                    assert_eq!(response.status, 200, "{fields:?}: {response}");
                    let claims = response.token().claims;
                    assert_eq!(claims["room"], claim, "{fields:?}");
                    let context = &claims["context"];
                    assert_eq!(context["user"], json!(user), "{fields:?}");
                    assert_eq!(context["features"], features(granted), "{fields:?}");
                    count += 1;
                }
            }
        }
    }
    count
}

fn combinations() -> impl Iterator<Item = ([Field; 3], Moderator)> {
    FIELDS.into_iter().flat_map(|id| {
        FIELDS.into_iter().flat_map(move |name| {
            FIELDS.into_iter().flat_map(move |email| {
                MODERATORS
                    .into_iter()
                    .map(move |moderator| ([id, name, email], moderator))
            })
        })
    })
}

#[test]
fn the_whole_product_of_options_keeps_the_rules() {
    let tokens = AtomicUsize::new(0);
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= 16 {
                        break;
                    }
                    let empty = std::array::from_fn(|bit| number & (1 << bit) != 0);
                    tokens.fetch_add(check_product(empty), Ordering::Relaxed);
                }
            });
        }
    });
    let product = 3 * 3 * 3 * 4 * ROOMS.len() * 3 * 2;
    assert_eq!(tokens.into_inner(), product);
}
