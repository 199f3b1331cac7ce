//! The three credentials and the other variables, when they are missing or wrong.

use crate::harness::{ALLOWED, APP_ID, FOREIGN, KEY_ID, Server, Settings};
use crate::health::assert_problems;
use crate::http::get;

/// The Worker's sentence; front ends may know it.
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
            let answer = server.send(&get(&[]));
            assert_eq!(answer.status, 500, "{names:?}: {answer}");
            assert_eq!(answer.error(), MISSING);
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
fn a_missing_credential_does_not_open_the_gate() {
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
        let settings = Settings::good()
            .set("jaas_app_id", &wrong)
            .set("jaas_key_id", "4f4910");
        let server = Server::start_broken(settings);
        let answer = server.send(&get(&[]));
        assert_eq!(answer.status, 500, "{wrong}: {answer}");
        let message = answer.error();
        assert!(message.contains("jaas_app_id"), "{message}");
        assert!(!message.contains(&wrong), "{message}");
        assert_problems(&server, &["jaas_app_id"]);
    }
}

#[test]
fn a_key_id_without_the_app_id_is_completed() {
    let server = Server::start(Settings::good().set("jaas_key_id", "4f4910"));
    let token = server.send(&get(&[])).token();
    assert_eq!(token.header["kid"], KEY_ID);
    assert_eq!(token.claims["sub"], APP_ID);
}

#[test]
fn a_key_id_of_another_app_is_refused() {
    for wrong in [
        "vpaas-magic-cookie-ffffffffffffffffffffffffffffffff/4f4910".to_owned(),
        format!("{}/4f4910", APP_ID.to_uppercase()),
        format!("{APP_ID}0/4f4910"),
        format!("{APP_ID}/"),
        "/4f4910".to_owned(),
    ] {
        let server = Server::start_broken(Settings::good().set("jaas_key_id", &wrong));
        let answer = server.send(&get(&[]).origin(ALLOWED));
        assert_eq!(answer.status, 500, "{wrong}: {answer}");
        let message = answer.error();
        assert!(message.contains("jaas_key_id"), "{message}");
        assert!(!message.contains(&wrong), "{message}");
        assert_problems(&server, &["jaas_key_id"]);
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
        serde_json::json!({ "error": "Origin not allowed" })
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
            let answer = server.send(&request);
            assert_eq!(answer.status, 500, "{variable}: {answer}");
            let message = answer.error();
            assert!(message.contains(variable), "{message}");
            assert!(!message.contains("hidden"), "{message}");
        }
    }
}

#[test]
fn a_wrong_default_is_told_even_when_no_request_needs_it() {
    let server = Server::start_broken(Settings::good().set("default_user_email", "nobody"));
    let answer = server.send(&get(&[("user_email", "a@b.example")]));
    assert_eq!(answer.status, 500, "{answer}");
}
