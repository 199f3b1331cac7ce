//! Who gets what: every combination in the tables of `docs/policy.md`, tested on the built component.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::credentials::{self, Login, payload};
use crate::harness::{Server, Settings};
use crate::http::{Request, get};

const POLICY: &str = include_str!("../../docs/policy.md");

/// Returns the rows of the table whose first column has this name.
pub fn table(first_column: &str) -> Vec<Vec<String>> {
    let rows = POLICY
        .lines()
        .skip_while(|line| !line.starts_with(&format!("| {first_column} |")))
        .skip(2)
        .take_while(|line| line.starts_with('|'));
    let rows: Vec<Vec<String>> = rows
        .map(|line| {
            let cells = line.trim_matches('|').split('|');
            cells.map(|cell| cell.trim().to_owned()).collect()
        })
        .collect();
    assert!(rows.len() > 5, "{first_column}");
    rows
}

fn holds(cell: &str, value: &str) -> bool {
    cell == "any" || cell.split(", ").any(|choice| choice == value)
}

/// Returns the variable's value that a cell stands for.
fn unless_empty(cell: &str) -> &str {
    match cell {
        "empty" => "",
        value => value,
    }
}

fn with_bearer(request: Request, credential: Option<&str>) -> Request {
    match credential {
        Some(credential) => request.bearer(credential),
        None => request,
    }
}

/// Returns the credential that a row names.
fn credential(login: &Login, name: &str) -> Option<String> {
    match name {
        "absent" => None,
        "bad" => Some(Login::new().sign(&json!({"moderator": true}))),
        "member" => Some(login.sign(&json!({"moderator": false}))),
        "moderator" => Some(login.sign(&json!({"moderator": true}))),
        other => panic!("{other}"),
    }
}

#[test]
fn every_combination_has_exactly_one_row_and_is_granted_what_it_says() {
    let rows = table("auth_mode");
    let login = Login::new();
    for auth_mode in ["none", "optional", "required"] {
        for default_moderator in ["true", "false", "empty"] {
            let server = Server::start(login.configure(auth_mode).set_all(&[
                ("default_moderator", unless_empty(default_moderator)),
                ("default_user_id", "by-default"),
                ("moderator_features", "recording, lobby"),
                ("member_features", "create-polls"),
            ]));
            for credential_name in ["absent", "bad", "member", "moderator"] {
                for user_moderator in ["absent", "true", "false"] {
                    let case = [
                        auth_mode,
                        credential_name,
                        default_moderator,
                        user_moderator,
                    ];
                    let matching: Vec<_> = rows
                        .iter()
                        .filter(|row| row.iter().zip(case).all(|(cell, value)| holds(cell, value)))
                        .collect();
                    let [row] = matching[..] else {
                        panic!("{} rows for {case:?}", matching.len());
                    };
                    let mut parameters = vec![("user_id", "by-request")];
                    if user_moderator != "absent" {
                        parameters.push(("user_moderator", user_moderator));
                    }
                    let credential = credential(&login, credential_name);
                    let response =
                        server.send(&with_bearer(get(&parameters), credential.as_deref()));
                    assert_eq!(response.status.to_string(), row[4], "{case:?}: {response}");
                    if row[4] != "200" {
                        continue;
                    }
                    let token = response.token();
                    assert_eq!(token.role(), row[5], "{case:?}");
                    let id = match token.user()["id"].as_str() {
                        Some("by-request") => "request",
                        Some("by-default") => "default",
                        Some(credentials::SUBJECT) => "credential",
                        other => panic!("{other:?}"),
                    };
                    assert_eq!(id, row[6], "{case:?}");
                    let expected = match row[7].as_str() {
                        "moderator" => BTreeSet::from(["recording", "lobby"]),
                        "member" => BTreeSet::from(["create-polls"]),
                        other => panic!("{other}"),
                    };
                    assert_eq!(token.features(), expected, "{case:?}");
                }
            }
        }
    }
}

#[test]
fn a_role_is_lowered_as_the_table_says() {
    let rows = table("highest role");
    let login = Login::new();
    let server = Server::start(login.configure("required").set_all(&[
        ("moderator_features", "recording, lobby"),
        ("member_features", "create-polls"),
    ]));
    for highest in ["moderator", "member"] {
        for user_role in ["absent", "visitor", "member", "moderator"] {
            let matching: Vec<_> = rows
                .iter()
                .filter(|row| row[0] == highest && holds(&row[1], user_role))
                .collect();
            let [row] = matching[..] else {
                panic!("{} rows for {highest}, {user_role}", matching.len());
            };
            let parameters: Vec<_> = [("user_role", user_role)]
                .into_iter()
                .filter(|(_, value)| *value != "absent")
                .collect();
            let credential = credential(&login, highest);
            let request = with_bearer(get(&parameters), credential.as_deref());
            let token = server.send(&request).token();
            assert_eq!(token.role(), row[2], "{row:?}");
            let expected = match row[3].as_str() {
                "moderator" => BTreeSet::from(["recording", "lobby"]),
                "member" => BTreeSet::from(["create-polls"]),
                _ => BTreeSet::new(),
            };
            assert_eq!(token.features(), expected, "{row:?}");
        }
    }
    // Visitors join by invitation: tests/service/invitations.rs.
    assert!(
        rows.iter()
            .any(|row| row[0] == "visitor" && row[1] == "any")
    );
}

#[test]
fn a_guest_has_the_rooms_of_guests() {
    let login = Login::new();
    let server = Server::start(
        login
            .configure("optional")
            .set("guest_rooms", "lobby, hall-*"),
    );
    let known = login.sign(&json!({}));
    for (room, credential, status) in [
        ("lobby", None, 200),
        ("Hall-1", None, 200),
        ("board", None, 403),
        ("board", Some(known.as_str()), 200),
    ] {
        let response = server.send(&with_bearer(get(&[("room", room)]), credential));
        assert_eq!(response.status, status, "{room}: {response}");
    }
}

#[test]
fn a_room_is_open_as_the_table_says() {
    let login = Login::new();
    for row in table("allowed_rooms") {
        let [allowed_rooms, in_credential, room, status] = &row[..] else {
            panic!("{row:?}");
        };
        let settings = login.configure("required");
        let server = Server::start(settings.set("allowed_rooms", unless_empty(allowed_rooms)));
        let credential = match in_credential.as_str() {
            "absent" => login.sign(&json!({})),
            "none at all" => login.sign(&json!({"rooms": []})),
            "null" => login.sign_text(&payload(&json!({})).replacen('{', r#"{"rooms":null,"#, 1)),
            list => login.sign(&json!({"rooms": list.split(", ").collect::<Vec<_>>()})),
        };
        let request = with_bearer(get(&[("room", room)]), Some(&credential));
        let response = server.send(&request);
        assert_eq!(response.status.to_string(), *status, "{row:?}: {response}");
        if *status == "403" {
            assert_eq!(response.json(), json!({"error": "Room not allowed"}));
        }
    }
}

/// Decoded names are compared: in the encoded claim, `*` could match half of a percent escape.
#[test]
fn a_pattern_is_matched_on_the_name_and_not_on_its_encoding() {
    let login = Login::new();
    for (pattern, room, allowed) in [
        ("team*2024", "team 24", false),
        ("team*2024", "team 2024", true),
        ("team*2024", "TEAM-x-2024", true),
        ("team*20", "team ", false),
        ("*20b", "a b", false),
        ("a*", "%61 b", true),
        ("*5", "公", false),
        ("e5*", "公", false),
        ("*%85*", "公", false),
        ("公*", "公民會議", true),
        ("公*", "％E5x", false),
        ("*議", "公民會議", true),
        ("*é", "cafe\u{301}", true),
        ("CAFÉ*", "café 2", true),
        ("Ｔｅａｍ*", "team 1", true),
        ("team *", "team 1", true),
        ("team%20*", "team 1", true),
        ("team *", "team1", false),
        ("*ac", "公", false),
        ("a*c", "a%2Dc", true),
        ("a*b*c", "a1b2c", true),
        ("a*b*c", "ac", false),
        ("*a*", "b", false),
    ] {
        // A pattern that no name can match may be reported as a problem; then it allows no room either.
        let server = Server::start_broken(Settings::good().set("allowed_rooms", pattern));
        let response = server.send(&get(&[("room", room)]));
        let status = response.status;
        assert_eq!(status == 200, allowed, "{pattern} and {room}: {response}");
        assert!([200, 400, 403, 500].contains(&status), "{response}");
        drop(server);

        let server = Server::start(login.configure("required"));
        let credential = login.sign(&json!({ "rooms": [pattern] }));
        let response = server.send(&with_bearer(get(&[("room", room)]), Some(&credential)));
        let status = response.status;
        assert_eq!(status == 200, allowed, "{pattern} and {room}: {response}");
    }
    let server = Server::start(Settings::good().set("allowed_rooms", "team*2024"));
    assert_eq!(server.send(&get(&[("room", "team 24")])).status, 403);
}

#[test]
fn only_a_moderator_is_hidden_from_recordings() {
    let login = Login::new();
    let hidden = [("user_hidden_from_recorder", "true"), ("user_name", "Ann")];
    for (auth_mode, claims, moderator, granted) in [
        ("optional", None, "true", false),
        ("required", Some(json!({"moderator": false})), "true", false),
        ("required", Some(json!({"moderator": true})), "false", false),
        ("required", Some(json!({"moderator": true})), "", true),
        ("none", None, "true", true),
        ("none", None, "false", false),
    ] {
        let server = Server::start(login.configure(auth_mode));
        let credential = claims.map(|claims| login.sign(&claims));
        let parameters = [&hidden[..], &[("user_moderator", moderator)]].concat();
        let request = with_bearer(get(&parameters), credential.as_deref());
        let token = server.send(&request).token();
        let found = token.user().get("hidden-from-recorder");
        assert_eq!(
            found,
            granted.then_some(&json!(true)),
            "{auth_mode} {moderator}"
        );
    }
}

#[test]
fn hiding_from_recordings_is_granted_as_the_table_says() {
    let rows = table("user_hidden_from_recorder");
    let roles = [("moderator", "true"), ("member", "false"), ("left out", "")];
    for (role, default_moderator) in roles {
        let server = Server::start(Settings::good().set("default_moderator", default_moderator));
        for hidden in ["absent", "true", "false"] {
            let matching: Vec<_> = rows
                .iter()
                .filter(|row| row[0] == hidden && row[1] == role)
                .collect();
            let [row] = matching[..] else {
                panic!("{} rows for {hidden}, {role}", matching.len());
            };
            let parameters = [("user_hidden_from_recorder", hidden)];
            let requested = parameters.iter().filter(|(_, value)| *value != "absent");
            let requested: Vec<_> = requested.copied().collect();
            let token = server.send(&get(&requested)).token();
            let granted = token.user().get("hidden-from-recorder");
            let granted = granted.map_or("left out".to_owned(), Value::to_string);
            assert_eq!(granted, row[2], "{row:?}");
        }
    }
    assert_eq!(rows.len(), roles.len() * 3);
}

#[test]
fn a_closed_room_is_closed_without_authentication_too() {
    let server = Server::start(Settings::good().set("allowed_rooms", "vTaiwan, Meetup-*"));
    for (room, status) in [
        ("VTaiwan", 200),
        ("meetup-1", 200),
        ("other", 403),
        ("", 403),
    ] {
        assert_eq!(
            server.send(&get(&[("room", room)])).status,
            status,
            "{room}"
        );
    }
}

/// The enabled features, by the request's `features`.
#[test]
fn features_are_what_the_role_may_have_and_the_request_names() {
    let server = Server::start(Settings::good().set_all(&[
        (
            "moderator_features",
            "recording transcription screen-sharing",
        ),
        ("member_features", "create-polls"),
    ]));
    let on = |request: &Request| {
        let token = server.send(request).token();
        let written = token.claims["context"]["features"].as_object().unwrap();
        let on = token.features().into_iter().collect::<Vec<_>>();
        (on.join(" "), written.len())
    };
    for (features, moderator, expected) in [
        ("", "true", "recording screen-sharing transcription"),
        ("recording", "true", "recording"),
        ("recording,livestreaming", "true", "recording"),
        ("recording transcription", "true", "recording transcription"),
        ("unheard-of", "true", ""),
        ("recording", "false", ""),
        ("", "false", "create-polls"),
    ] {
        let request = get(&[("features", features), ("user_moderator", moderator)]);
        // The eleven features that 8x8 documents, and one more from the role's list.
        let written = if moderator == "true" { 12 } else { 11 };
        assert_eq!(on(&request), (expected.to_owned(), written), "{features}");
    }
    for (features, expected) in [
        (json!(["recording", "create-polls"]), "recording"),
        (json!("transcription"), "transcription"),
        (json!([]), ""),
        (Value::Null, "recording screen-sharing transcription"),
    ] {
        let request = crate::http::post_json(&json!({ "features": features }));
        assert_eq!(on(&request).0, expected, "{features}");
    }
    for features in [
        json!(1),
        json!(true),
        json!({"recording": true}),
        json!(["recording", 1]),
    ] {
        let response = server.send(&crate::http::post_json(&json!({ "features": features })));
        assert_eq!(response.status, 400, "{features}");
        assert!(response.error().starts_with("features "), "{response}");
    }
}

#[test]
fn a_picture_and_hiding_from_recorders_can_be_requested() {
    let token = Server::good()
        .send(&get(&[
            ("user_avatar", "https://x.example/公.png"),
            ("user_hidden_from_recorder", "True"),
        ]))
        .token();
    assert_eq!(token.user()["avatar"], "https://x.example/%E5%85%AC.png");
    assert_eq!(token.user()["hidden-from-recorder"], true);
    for (name, value) in [
        ("user_avatar", "http://x.example/p.png"),
        ("user_avatar", "javascript:alert(1)"),
        ("user_avatar", "http://127.0.0.1:631/x"),
        ("user_avatar", "http://localhost/x"),
        ("user_avatar", "https://127.0.0.1:631/x"),
        ("user_avatar", "https://127.1/x"),
        ("user_avatar", "https://0x7f.1/x"),
        ("user_avatar", "https://2130706433/x"),
        ("user_avatar", "https://192.168.1.1/x"),
        ("user_avatar", "https://8.8.8.8/x"),
        ("user_avatar", "https://[::1]/x"),
        ("user_avatar", "https://[::ffff:127.0.0.1]/x"),
        ("user_avatar", "https://localhost/x"),
        ("user_avatar", "https://LOCALHOST./x"),
        ("user_avatar", "https://a.localhost/x"),
        ("user_avatar", "https://printer.local/x"),
        ("user_avatar", "https://printer.local./x"),
        ("user_avatar", "https://metadata.google.internal/x"),
        ("user_avatar", "https://router/x"),
        ("user_avatar", "https://１２７.０.０.１/x"),
        ("user_avatar", "https://user:hidden@x.example/"),
        ("user_hidden_from_recorder", "hidden"),
    ] {
        let response = Server::good().send(&get(&[(name, value)]));
        assert_eq!(response.status, 400, "{response}");
        assert!(response.error().starts_with(name), "{response}");
        assert!(!response.error().contains("hidden@"), "{response}");
    }
}

#[test]
fn random_ids_differ_from_each_other() {
    let server = Server::start(Settings::good().set("default_user_id", "guest-{random}"));
    let mut ids = BTreeSet::new();
    for _ in 0..20 {
        let token = server.send(&get(&[])).token();
        let id = token.user()["id"].as_str().unwrap().to_owned();
        let digits = id.strip_prefix("guest-").expect(&id);
        assert!(
            digits.len() == 32 && digits.bytes().all(|b| b.is_ascii_hexdigit()),
            "{id}"
        );
        assert!(ids.insert(id));
    }
}

#[test]
fn tokens_live_as_long_as_the_variables_say() {
    let server = Server::start(
        Settings::good().set_all(&[("token_ttl_seconds", "60"), ("token_leeway_seconds", "300")]),
    );
    let token = server.send(&get(&[])).token();
    let time = |name: &str| token.claims[name].as_i64().unwrap();
    assert_eq!(time("exp") - time("iat"), 60);
    assert_eq!(time("iat") - time("nbf"), 300);
}

/// The harness checks the rules on every token; this test requests every combination.
#[test]
fn tokens_of_every_combination_pass_the_rules() {
    let login = Login::new();
    let full = json!({"name": "N", "email": "n@x.example", "picture": "https://x.example/p", "moderator": "true", "rooms": ["*"]});
    let credentials = [
        ("none", None),
        ("optional", None),
        ("optional", Some(json!({}))),
        ("required", Some(full)),
    ];
    let mut tokens = 0;
    for (auth_mode, claims) in credentials {
        let credential = claims.map(|claims| login.sign(&claims));
        for (member_features, default_user_id) in [("", "user123"), ("recording, flip", "{random}")]
        {
            let server = Server::start(login.configure(auth_mode).set_all(&[
                (
                    "moderator_features",
                    "livestreaming, outbound-call, branding, lobby",
                ),
                ("member_features", member_features),
                ("default_user_id", default_user_id),
                ("allowed_rooms", "*"),
            ]));
            let mut connection = server.connect();
            for user_avatar in ["", "https://x.example/me"] {
                for user_hidden_from_recorder in ["", "true", "false"] {
                    for features in ["", "lobby,recording", "none-of-them"] {
                        for user_moderator in ["", "true", "false"] {
                            let request = with_bearer(
                                get(&[
                                    ("user_avatar", user_avatar),
                                    ("user_hidden_from_recorder", user_hidden_from_recorder),
                                    ("features", features),
                                    ("user_moderator", user_moderator),
                                ]),
                                credential.as_deref(),
                            );
                            let response = connection.send(&request).expect("a response");
                            server.check(&request, &response);
                            assert_eq!(response.status, 200, "{response}");
                            tokens += 1;
                        }
                    }
                }
            }
        }
    }
    assert_eq!(tokens, 4 * 2 * 2 * 3 * 3 * 3);
}
