//! `signing_engine`: both engines issue the same tokens.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use crate::harness::{Server, Settings};
use crate::health::assert_problems;
use crate::http::get;
use crate::key_material::{Kind, key};
use crate::signature::is_valid_for_openssl;

const QUERIES: [&[(&str, &str)]; 4] = [
    &[],
    &[
        ("room", "公民會議"),
        ("user_name", "王小明"),
        ("user_moderator", "false"),
    ],
    &[("user_name", "\"\\/<&"), ("user_email", "a@b.example")],
    &[("user_avatar", "https://example.org/a.png")],
];

/// Returns the token's encoded header, and its claims with the times set to 0.
fn parts(token: &str) -> (String, Value) {
    let parts: Vec<_> = token.split('.').collect();
    let mut claims: Value =
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(parts[1]).expect("base64url"))
            .expect("JSON");
    for time in ["iat", "nbf", "exp"] {
        claims[time] = 0.into();
    }
    (parts[0].to_owned(), claims)
}

#[test]
fn rs256_signs_with_keys_of_every_kind_and_length() {
    // The harness verifies the signature of every token.
    for (kind, bits) in [
        (Kind::Pkcs8, 2048),
        (Kind::Pkcs1, 2048),
        (Kind::Pkcs8, 3072),
        (Kind::Pkcs8, 4096),
    ] {
        let key = key(kind, bits);
        let server = Server::start(Settings::with_key(key).set("signing_engine", "rs256"));
        let token = server.send(&get(&[("room", "r")])).token().raw;
        assert!(is_valid_for_openssl(&token, key), "{bits}");
    }
}

#[test]
fn both_engines_write_the_same_headers_and_claims() {
    let key = key(Kind::Pkcs8, 2048);
    let [one, other] = ["jwt-simple", "rs256"]
        .map(|engine| Server::start(Settings::with_key(key).set("signing_engine", engine)));
    for query in QUERIES {
        let [one, other] = [&one, &other].map(|server| server.send(&get(query)).token().raw);
        assert_eq!(parts(&one), parts(&other), "{query:?}");
    }
}

#[test]
fn another_engine_and_a_key_that_rs256_does_not_take_are_problems() {
    let server = Server::start_broken(Settings::good().set("signing_engine", "openssl"));
    assert_problems(&server, &["signing_engine"]);
    let key = key(Kind::Pkcs8, 2560);
    let server = Server::start_broken(Settings::with_key(key).set("signing_engine", "rs256"));
    assert_problems(&server, &["signing_engine"]);
    let server = Server::start(Settings::with_key(key));
    server.send(&get(&[])).token();
}
