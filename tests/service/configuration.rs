//! The three credentials and the other variables when they are missing or wrong.

use serde_json::json;

use crate::credentials::{AUDIENCE, ISSUER, Login, sign_exactly};
use crate::harness::{ALLOWED, APP_ID, FOREIGN, KEY_ID, Server, Settings, now};
use crate::health::assert_problems;
use crate::http::get;
use crate::key_material::{Kind, key, public_key, ssh_key};

/// The Worker's message, which front ends may match.
const MISSING: &str =
    "Missing required environment variables: JAAS_APP_ID, JAAS_KEY_ID, or JAAS_PRIVATE_KEY";

const CREDENTIALS: [&str; 3] = ["jaas_app_id", "jaas_key_id", "jaas_private_key"];

#[test]
fn a_missing_credential_is_the_worker_s_500_and_the_log_names_it() {
    for missing in 1..8_u8 {
        let is_missing = |index: usize| missing & (1 << index) != 0;
        let mut settings = Settings::good();
        let mut names = Vec::new();
        for (index, name) in CREDENTIALS.iter().enumerate() {
            if is_missing(index) {
                settings = settings.set(name, "");
                names.push(*name);
            }
        }
        let server = Server::start_broken(settings);
        let lines = server.log_of(|server| {
            let response = server.send(&get(&[]));
            assert_eq!(response.status, 500, "{names:?}: {response}");
            assert_eq!(response.error(), MISSING);
        });
        assert_eq!(lines.len(), 1, "{lines:?}");
        let line = lines[0].to_string();
        assert_eq!(lines[0]["level"], "error", "{line}");
        for name in CREDENTIALS {
            assert_eq!(line.contains(name), names.contains(&name), "{name}: {line}");
        }
        assert_problems(&server, &names);
    }
}

#[test]
fn a_missing_credential_lets_nobody_in() {
    let server = Server::start_broken(Settings::good().set("jaas_app_id", ""));
    assert_eq!(server.send(&get(&[]).origin(FOREIGN)).status, 403);
}

#[test]
fn an_app_id_has_8x8_s_form() {
    let digits = &APP_ID["vpaas-magic-cookie-".len()..];
    for wrong in [
        digits.to_owned(),
        APP_ID[..APP_ID.len() - 1].to_owned(),
        format!("{APP_ID}0"),
        format!("{}g", &APP_ID[..APP_ID.len() - 1]),
        format!("{APP_ID}/4f4910"),
        format!("vpaas-magic-cookie{digits}"),
        format!("xvpaas-magic-cookie-{digits}"),
        format!("VPAAS-MAGIC-COOKIE-{digits}"),
        "your_app_id_here".to_owned(),
    ] {
        let settings = Settings::good().set("jaas_key_id", "4f4910");
        assert_wrong(settings, "jaas_app_id", &wrong);
    }
}

/// Asserts that the wrong value leads to a 500 that names the variable but does not contain the value.
fn assert_wrong(settings: Settings, variable: &str, wrong: &str) {
    let server = Server::start_broken(settings.set(variable, wrong));
    for request in [get(&[]), get(&[]).origin(ALLOWED)] {
        let response = server.send(&request);
        assert_eq!(response.status, 500, "{wrong}: {response}");
        let message = response.error();
        assert!(message.contains(variable), "{message}");
        assert!(!message.contains(wrong), "{message}");
    }
    assert_problems(&server, &[variable]);
}

#[test]
fn a_key_id_without_the_app_id_is_completed() {
    let server = Server::start(Settings::good().set("jaas_key_id", "4f4910"));
    let token = server.send(&get(&[])).token();
    assert_eq!(token.header["kid"], KEY_ID);
    assert_eq!(token.claims["sub"], APP_ID);
}

#[test]
fn a_key_id_of_another_app_is_rejected() {
    for wrong in [
        "vpaas-magic-cookie-ffffffffffffffffffffffffffffffff/4f4910".to_owned(),
        format!("{}/4f4910", APP_ID.to_uppercase()),
        format!("{APP_ID}0/4f4910"),
        format!("{APP_ID}/"),
        "/4f4910".to_owned(),
    ] {
        assert_wrong(Settings::good(), "jaas_key_id", &wrong);
    }
}

/// `spin up --variable name=@file` keeps a file's final newline.
#[test]
fn a_final_newline_is_not_part_of_a_value() {
    let server = Server::start(Settings::good().set_all(&[
        ("jaas_app_id", &format!("{APP_ID}\n")),
        ("jaas_key_id", &format!("{KEY_ID}\r\n")),
        ("disclose_origins", "false\n"),
        ("require_origin", "true\n"),
        ("default_room", "hall\n"),
        ("default_user_name", "Ann\n"),
        ("default_moderator", "false\n"),
    ]));
    let token = server.send(&get(&[]).origin(ALLOWED)).token();
    assert_eq!(token.header["kid"], KEY_ID);
    assert_eq!(token.claims["room"], "hall");
    assert_eq!(token.user()["name"], "Ann");
    assert_eq!(token.user()["moderator"], "false");
    assert_eq!(
        server.send(&get(&[]).origin(FOREIGN)).json(),
        json!({ "error": "Origin not allowed" })
    );
}

#[test]
fn a_wrong_variable_is_a_500_that_names_it_and_not_its_value() {
    let long = "hidden".repeat(50);
    for (variable, value) in [
        ("disclose_origins", "hidden"),
        ("require_origin", "hidden"),
        ("default_moderator", "hidden"),
        ("default_room", "hidden*"),
        ("default_room", "hidden/room"),
        ("default_user_id", &long),
        ("default_user_name", "hidden\u{1}"),
        ("default_user_email", "hidden"),
    ] {
        let server = Server::start_broken(Settings::good().set(variable, value));
        for request in [get(&[]), get(&[]).origin(ALLOWED)] {
            let response = server.send(&request);
            assert_eq!(response.status, 500, "{variable}: {response}");
            let message = response.error();
            assert!(message.contains(variable), "{message}");
            assert!(!message.contains("hidden"), "{message}");
        }
    }
}

#[test]
fn a_wrong_default_is_reported_even_when_no_request_needs_it() {
    let server = Server::start_broken(Settings::good().set("default_user_email", "nobody"));
    let response = server.send(&get(&[("user_email", "a@b.example")]));
    assert_eq!(response.status, 500, "{response}");
}

/// Otherwise operators would believe that the login protects their site although it is not used.
#[test]
fn a_login_that_is_described_without_auth_mode_is_a_problem() {
    let secret = Login::new().secret;
    let all = [
        ("auth_hs256_secret", secret.as_str()),
        ("auth_issuer", ISSUER),
        ("auth_audience", AUDIENCE),
    ];
    let others = [
        ("auth_public_key", "x"),
        ("auth_jwks", r#"{"keys":[]}"#),
        ("auth_moderator_values", "host"),
        ("auth_required_claim", "groups"),
        ("auth_required_values", "staff"),
    ];
    let single = all.iter().chain(&others).map(std::slice::from_ref);
    for variables in single.chain([all.as_slice()]) {
        for mode in [None, Some("none")] {
            let settings = Settings::good().set_all(variables);
            let settings = match mode {
                Some(mode) => settings.set("auth_mode", mode),
                None => settings,
            };
            let server = Server::start_broken(settings);
            let response = server.send(&get(&[]));
            assert_eq!(response.status, 500, "{variables:?}: {response}");
            for (name, _) in variables {
                assert!(response.error().contains(name), "{name}: {response}");
            }
            assert_problems(&server, &["auth_mode"]);
        }
    }
    // These alone do not describe a login.
    let settings = Settings::good()
        .set("auth_moderator_claim", "role")
        .set("auth_issuer", " ");
    assert_eq!(Server::start(settings).send(&get(&[])).status, 200);
}

/// Anybody who knows the secret can become moderator, so it must be neither public nor a sample.
#[test]
fn a_secret_that_is_public_or_structured_is_rejected() {
    let pair = key(Kind::Pkcs8, 2048);
    let public = public_key(&pair.pem);
    let token = sign_exactly(
        b"x",
        r#"{"alg":"HS256"}"#,
        r#"{"sub":"x","aud":"somebody"}"#,
    );
    let ssh = ssh_key(&["-t", "ed25519"], "");
    let secrets = [
        public.clone(),
        public.replace('\n', "\\n"),
        public
            .lines()
            .filter(|line| !line.starts_with('-'))
            .collect(),
        pair.pem.clone(),
        ssh,
        format!(
            "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI{} a@b",
            "Ab3".repeat(14)
        ),
        r#"{"keys":[{"kty":"oct","k":"c2VjcmV0LXNlY3JldC1zZWNyZXQ"}]}"#.to_owned(),
        r#"{"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4","e":"AQAB"}"#
            .to_owned(),
        "https://login.example/.well-known/jwks.json".to_owned(),
        token,
        "a".repeat(32),
        "0".repeat(64),
        "ab".repeat(32),
        "0123456789abcdef0123456789abcdef".to_owned(),
        "your-256-bit-secret".to_owned(),
        "your-256-bit-secret-your-256-bit-secret".to_owned(),
        "change-me-change-me-change-me-change-me".to_owned(),
        "please_replace_this_secret_with_your_own".to_owned(),
        "${AUTH_HS256_SECRET_OF_THE_LOGIN_SERVICE}".to_owned(),
        "a-secret-that-is-a-string-at-least-256-bits-long".to_owned(),
    ];
    let mut accepted = Vec::new();
    for secret in &secrets {
        let settings = Login::new()
            .configure("required")
            .set("auth_hs256_secret", secret);
        let server = Server::start_broken(settings);
        let claims = json!({
            "iss": ISSUER, "aud": AUDIENCE, "sub": "x", "exp": now() + 60, "moderator": true,
        });
        let forged = sign_exactly(
            secret.trim().as_bytes(),
            r#"{"alg":"HS256","typ":"JWT"}"#,
            claims.to_string(),
        );
        let response = server.send(&get(&[]).bearer(&forged));
        if response.status != 500 {
            accepted.push(secret);
            continue;
        }
        assert!(
            response.error().starts_with("auth_hs256_secret "),
            "{response}"
        );
        let piece: String = secret
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .take(24)
            .collect();
        assert!(!response.error().contains(&piece), "{response}");
        assert_problems(&server, &["auth_hs256_secret"]);
    }
    assert!(accepted.is_empty(), "{accepted:#?}");
    // Output of `openssl rand`.
    for secret in [
        "p0bV7Q1y8cN4tXwR2mKz5LhJ9gFd3SaE",
        "f3b1c9d27a64e8500f3b1c9d27a64e85a9d4",
        "8sZx1LmW7rYb5NcH2jGf9DaE4ukT3vPq8sZx1LmW+/==",
    ] {
        let settings = Login::new()
            .configure("required")
            .set("auth_hs256_secret", secret);
        let server = Server::start(settings);
        assert_eq!(server.send(&get(&[])).status, 401, "{secret}");
    }
}

/// The operator meant to list something, and an empty list of rooms allows every room.
#[test]
fn a_list_that_is_not_empty_and_names_nothing_is_a_problem() {
    for variable in [
        "allowed_rooms",
        "allowed_origins",
        "allowed_headers",
        "moderator_features",
        "member_features",
        "auth_moderator_values",
        "auth_audience",
        "auth_required_values",
        "auth_name_claim",
        "auth_picture_claim",
    ] {
        for list in [",", " , ,", ",\n,", "[]", r#"[""]"#, "['',]"] {
            let settings = Login::new().configure("required").set(variable, list);
            let server = Server::start_broken(settings);
            let messages = assert_problems(&server, &[variable]);
            assert!(messages[0].contains("names nothing"), "{messages:?}");
        }
    }
    let server = Server::start_broken(Settings::good().set("allowed_rooms", ","));
    let response = server.send(&get(&[("room", "any")]));
    assert_eq!(response.status, 500, "{response}");
    assert!(response.error().starts_with("allowed_rooms "), "{response}");
}

/// A wrong credential is the caller's fault whatever else is wrong: callers are verified without the other variables.
#[test]
fn a_wrong_credential_is_a_401_also_where_another_variable_is_wrong() {
    let login = Login::new();
    for (variable, value) in [
        ("jaas_private_key", ""),
        ("jaas_key_id", "x y"),
        ("default_room", "*"),
        ("token_ttl_seconds", "1"),
    ] {
        let server = Server::start_broken(login.configure("required").set(variable, value));
        assert_eq!(server.send(&get(&[])).status, 401, "{variable}");
        let response = server.send(&get(&[]).bearer(&login.sign(&json!({ "aud": "other" }))));
        assert_eq!(response.status, 401, "{variable}: {response}");
        let response = server.send(&get(&[]).bearer(&login.sign(&json!({}))));
        assert_eq!(response.status, 500, "{variable}: {response}");
    }
}
