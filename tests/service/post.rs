//! `POST /api/jitsi-token`: a JSON object or a form, which keeps names out of URLs.

use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::Server;
use crate::http::{Body, Request, TOKEN_ROUTE, post, post_form, post_json, token_target};

const LARGEST_BODY: usize = 16_384;

const FORM: &str = "application/x-www-form-urlencoded";

#[test]
fn json_and_a_form_have_every_parameter() {
    for (request, name) in [
        (
            post_json(&json!({
                "room": "My-Room", "user_id": "7", "user_name": "公民",
                "user_email": "a@b.example", "user_moderator": "false",
            })),
            "公民",
        ),
        (
            post_form(&[
                ("room", "My-Room"),
                ("user_id", "7"),
                ("user_name", "公 民"),
                ("user_email", "a@b.example"),
                ("user_moderator", "FALSE"),
            ]),
            "公 民",
        ),
    ] {
        let token = Server::good().send(&request).token();
        assert_eq!(token.claims["room"], "my-room");
        assert_eq!(
            *token.user(),
            json!({ "id": "7", "name": name, "email": "a@b.example", "moderator": "false" })
        );
    }
}

#[test]
fn an_empty_object_and_an_empty_form_have_the_defaults() {
    for request in [
        post_json(&json!({})),
        post("application/json", " { } \n"),
        post_form(&[]),
        post_json(&json!({ "room": "", "user_id": " ", "user_moderator": "" })),
        post_json(
            &json!({ "room": null, "user_id": null, "user_name": null, "user_email": null, "user_moderator": null }),
        ),
    ] {
        let response = Server::good().send(&request);
        assert_eq!(response.status, 200, "{request:?}: {response}");
        let token = response.token();
        assert_eq!(token.claims["room"], "default-room");
        assert_eq!(
            *token.user(),
            json!({ "id": "user123", "name": "Your User", "email": "user@example.com", "moderator": "true" })
        );
    }
}

#[test]
fn user_moderator_may_be_a_bool() {
    for (value, claim) in [
        (json!(true), "true"),
        (json!(false), "false"),
        (json!("True"), "true"),
        (json!("FALSE"), "false"),
    ] {
        let token = Server::good().send(&post_json(&json!({ "user_moderator": value })));
        assert_eq!(token.token().user()["moderator"], claim, "{value}");
    }
}

#[test]
fn a_wrong_type_gets_a_400_that_names_the_field() {
    for field in [
        "room",
        "user_id",
        "user_name",
        "user_email",
        "user_moderator",
    ] {
        let mut wrong = vec![
            json!(1),
            json!(-1.5),
            json!([]),
            json!(["a"]),
            json!({}),
            json!({"a": "b"}),
        ];
        if field != "user_moderator" {
            wrong.extend([json!(true), json!(false)]);
        }
        for value in wrong {
            let response = Server::good().send(&post_json(&json!({ field: value })));
            assert_eq!(response.status, 400, "{field}: {value}: {response}");
            assert!(response.error().contains(field), "{response}");
        }
    }
}

#[test]
fn a_wrong_value_gets_a_400_that_names_the_field() {
    let long = "a".repeat(257);
    for (field, value) in [
        ("room", "*"),
        ("room", "a/b"),
        ("user_id", "a\u{0}b"),
        ("user_id", &long),
        ("user_name", "a\nb"),
        ("user_name", &long),
        ("user_email", &long),
        ("user_email", "a\tb@c"),
        ("user_moderator", "maybe"),
    ] {
        for request in [
            post_json(&json!({ field: value })),
            post_form(&[(field, value)]),
        ] {
            let response = Server::good().send(&request);
            assert_eq!(response.status, 400, "{field}: {value}: {response}");
            assert!(response.error().contains(field), "{response}");
        }
    }
}

#[test]
fn the_first_of_a_repeated_field_wins() {
    for request in [
        post("application/json", r#"{"room":"a","room":"b"}"#),
        post(FORM, "room=a&room=b"),
    ] {
        let response = Server::good().send(&request);
        assert_eq!(response.status, 200, "{response}");
        assert_eq!(response.token().claims["room"], "a");
    }
}

#[test]
fn a_body_that_is_no_json_object_gets_a_400() {
    let deep = "[".repeat(8_000);
    let bodies: [&[u8]; 16] = [
        b"",
        b" ",
        b"{",
        b"{]",
        b"[]",
        b"[{}]",
        b"null",
        b"true",
        b"1",
        b"\"room\"",
        b"room=a",
        b"{'room':'a'}",
        b"{\"room\":\"a\"} x",
        b"{\"room\":\"a\xff\"}",
        b"{\"room\":\"\\ud800\"}",
        deep.as_bytes(),
    ];
    for body in bodies {
        let response = Server::good().send(&post("application/json", body));
        let body = String::from_utf8_lossy(&body[..body.len().min(40)]);
        assert_eq!(response.status, 400, "{body}: {response}");
    }
}

/// A form is decoded like a query: only in a room name are undecodable bytes an error.
#[test]
fn a_form_is_decoded_as_the_url_standard_says() {
    for (body, name) in [
        ("user_name=50%", "50%"),
        ("user_name=%zz", "%zz"),
        ("user_name=%ff", "\u{fffd}"),
        ("user_name=a%C3", "a\u{fffd}"),
    ] {
        let token = Server::good().send(&post(FORM, body)).token();
        assert_eq!(token.user()["name"], name, "{body}");
    }
    let response = Server::good().send(&post(FORM, b"user_name=\xff".as_slice()));
    assert_eq!(response.token().user()["name"], "\u{fffd}");
    for body in ["room=%zz", "room=%", "room=%ff", "room=a%C3"] {
        let response = Server::good().send(&post(FORM, body));
        assert_eq!(response.status, 400, "{body}: {response}");
        assert!(response.error().starts_with("room "), "{response}");
    }
}

#[test]
fn the_content_type_is_json_or_form() {
    let json = r#"{"room":"a"}"#;
    for (content_type, body) in [
        ("application/json", json),
        ("application/json; charset=utf-8", json),
        ("application/json;charset=UTF-8", json),
        ("Application/JSON", json),
        (FORM, "room=a"),
        ("application/x-www-form-urlencoded; charset=UTF-8", "room=a"),
        ("Application/X-WWW-Form-Urlencoded", "room=a"),
    ] {
        let response = Server::good().send(&post(content_type, body));
        assert_eq!(response.status, 200, "{content_type}: {response}");
        assert_eq!(response.token().claims["room"], "a");
    }
    for content_type in [
        "text/plain",
        "text/plain;charset=UTF-8",
        "text/json",
        "application/jsonx",
        "application/xml",
        "application/octet-stream",
        "multipart/form-data; boundary=x",
        "json",
        "",
        "*/*",
    ] {
        let response = Server::good().send(&post(content_type, json));
        assert_eq!(response.status, 415, "{content_type}: {response}");
    }
    let request = Request::new("POST", TOKEN_ROUTE);
    for body in [Body::None, Body::Whole(json.into())] {
        let response = Server::good().send(&request.clone().body(body));
        assert_eq!(response.status, 415, "without a Content-Type: {response}");
    }
    let response = Server::good().send(
        &Request::new("POST", TOKEN_ROUTE)
            .header("Content-Type", b"application/\xff".as_slice())
            .body(Body::Whole(json.into())),
    );
    // The host's own response.
    assert_eq!(response.status, 500, "{response}");
}

/// Returns a JSON body and a form of exactly this many bytes.
fn bodies_of(size: usize) -> [(&'static str, Vec<u8>); 2] {
    [
        ("application/json", r#"{"room":"a""#, " ", "}"),
        (FORM, "room=a", "&", ""),
    ]
    .map(|(content_type, start, filler, end)| {
        let pad = filler.repeat(size - start.len() - end.len());
        (content_type, format!("{start}{pad}{end}").into_bytes())
    })
}

#[test]
fn a_body_may_have_16_kib_and_no_more() {
    for (size, status) in [
        (LARGEST_BODY, 200),
        (LARGEST_BODY + 1, 413),
        (LARGEST_BODY + 8_000, 413),
    ] {
        for (content_type, body) in bodies_of(size) {
            let chunks = body.chunks(1_000).map(<[u8]>::to_vec).collect();
            for sent in [
                Body::Whole(body.clone()),
                Body::Chunks(chunks, Duration::ZERO),
                Body::Chunks(vec![body.clone()], Duration::ZERO),
            ] {
                let request = post(content_type, "").body(sent);
                let response = Server::good().send(&request);
                assert_eq!(
                    response.status, status,
                    "{size} of {content_type}: {response}"
                );
            }
        }
    }
}

#[test]
fn a_body_in_pieces_is_read_whole() {
    let pieces =
        r#"{"room":"公民","user_name":"Ann"}"#.as_bytes().chunks(3).map(<[u8]>::to_vec).collect();
    let request = post("application/json", "").body(Body::Chunks(pieces, Duration::from_millis(5)));
    let token = Server::good().send(&request).token();
    assert_eq!(token.claims["room"], "%e5%85%ac%e6%b0%91");
    assert_eq!(token.user()["name"], "Ann");
}

#[test]
fn known_parameters_in_the_query_get_a_400_that_names_them() {
    let with_query = |query: &[(&str, &str)], body: &Value| {
        let mut request = post_json(body);
        request.target = token_target(query).into();
        Server::good().send(&request)
    };
    for parameter in [
        "room",
        "user_id",
        "user_name",
        "user_email",
        "user_moderator",
    ] {
        for value in ["true", "", "*"] {
            let response = with_query(&[("x", "1"), (parameter, value)], &json!({}));
            assert_eq!(response.status, 400, "{parameter}: {response}");
            assert!(response.error().contains(parameter), "{response}");
        }
    }
    // A misspelt parameter would be missing, too.
    let misspelt = [("roomName", "board"), ("isModerator", "false")];
    let response = with_query(&misspelt, &json!({}));
    assert_eq!(response.status, 400, "{response}");
    assert!(
        response.error().contains("did you mean room?"),
        "{response}"
    );
    let response = with_query(
        &[("utm_source", "x"), ("lang", "y")],
        &json!({ "room": "a" }),
    );
    assert_eq!(response.status, 200, "{response}");
    assert_eq!(response.token().claims["room"], "a");
}

#[test]
fn nothing_in_a_body_becomes_a_claim() {
    for member in [
        json!({ "admin": true }),
        json!({ "aud": "x" }),
        json!({ "sub": "y" }),
        json!({ "exp": 1 }),
        json!({ "context": { "features": { "recording": true } } }),
        json!({ "feature": { "recording": true } }),
        json!({ "regex": true }),
        json!({ "user": { "role": "x" } }),
        json!({ "moderator": true }),
        json!({ "avatar": "x" }),
        json!({ "hidden-from-recorder": true }),
        json!({ "__proto__": { "admin": true } }),
    ] {
        let response = Server::good().send(&post_json(&member));
        assert_eq!(response.status, 400, "{member}: {response}");
    }
    let token = Server::good()
        .send(&post_json(&json!({ "room": "a" })))
        .token();
    assert_eq!(token.user().as_object().map(|user| user.len()), Some(4));
}

/// A misspelt name must be reported: otherwise the token would be for the default room, or for a moderator.
#[test]
fn a_name_in_a_body_that_is_not_known_gets_a_400_that_names_the_nearest() {
    let server = Server::good();
    let response = server.send(&post(
        "application/json",
        r#"{"roomName":"board","isModerator":false}"#,
    ));
    assert_eq!(response.status, 400, "{response}");
    assert_eq!(
        response.error(),
        "roomName is not a parameter; did you mean room? isModerator is not a parameter; did you mean user_moderator?"
    );
    for (name, nearest) in [
        ("isModerator", "user_moderator"),
        ("moderator", "user_moderator"),
        ("userModerator", "user_moderator"),
        ("user-moderator", "user_moderator"),
        ("USER_MODERATOR", "user_moderator"),
        ("roomName", "room"),
        ("Room", "room"),
        ("rooms", "room"),
        ("userName", "user_name"),
        ("name", "user_name"),
        ("userId", "user_id"),
        ("email", "user_email"),
        ("avatarUrl", "user_avatar"),
        ("feature", "features"),
        ("hidden-from-recorder", "user_hidden_from_recorder"),
    ] {
        for request in [
            post_json(&json!({ name: "x" })),
            post_json(&json!({ "room": "a", name: null })),
            post_form(&[(name, "x")]),
            post_form(&[("room", "a"), (name, "")]),
        ] {
            let response = server.send(&request);
            assert_eq!(response.status, 400, "{name}: {response}");
            let expected = format!("{name} is not a parameter; did you mean {nearest}?");
            assert_eq!(response.error(), expected);
        }
    }
    // Long and unusual names are not repeated; the response lists the known names instead.
    for name in ["", "公民", "a b", &"x".repeat(100), "zzz"] {
        for request in [post_json(&json!({ name: "x" })), post_form(&[(name, "x")])] {
            let response = server.send(&request);
            assert_eq!(response.status, 400, "{name}: {response}");
            let error = response.error();
            assert!(
                error.contains("the parameters are room, user_id"),
                "{error}"
            );
            assert!(name.len() < 4 || !error.contains(name), "{error}");
        }
    }
    // Queries have the Worker's parameter names, and the Worker ignores unknown ones.
    let token = server.send(&crate::http::get(&[
        ("roomName", "board"),
        ("isModerator", "false"),
    ]));
    assert_eq!(token.token().claims["room"], "default-room");
}

#[test]
fn a_compressed_body_gets_a_415_that_says_so() {
    let gzip = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0xab, 0xae, 5, 0];
    for encoding in [
        "gzip",
        "GZIP",
        "br",
        "deflate",
        "zstd",
        "identity, gzip",
        "x",
    ] {
        for (content_type, body) in [("application/json", gzip.as_slice()), (FORM, b"room=a")] {
            let request = post(content_type, body).header("Content-Encoding", encoding);
            let response = Server::good().send(&request);
            assert_eq!(response.status, 415, "{encoding}: {response}");
            assert!(response.error().contains("Content-Encoding"), "{response}");
        }
    }
    for encoding in ["identity", "Identity", ""] {
        let request = post(FORM, "room=a").header("Content-Encoding", encoding);
        assert_eq!(Server::good().send(&request).token().claims["room"], "a");
    }
}

#[test]
fn a_byte_order_mark_is_no_part_of_a_body() {
    for (content_type, body) in [
        ("application/json", "\u{feff}{\"room\":\"a\"}"),
        (FORM, "\u{feff}room=a"),
    ] {
        let response = Server::good().send(&post(content_type, body));
        assert_eq!(response.status, 200, "{response}");
        assert_eq!(response.token().claims["room"], "a");
    }
}

#[test]
fn what_is_wrong_with_a_body_is_said() {
    let utf_16: Vec<u8> = r#"{"room":"a"}"#.encode_utf16().flat_map(u16::to_le_bytes).collect();
    for (body, part) in [
        (
            r#"{"room":"\ud800"}"#.as_bytes(),
            "half of a surrogate pair",
        ),
        (br#"{"room":"a\udc00"}"#, "half of a surrogate pair"),
        (br#"{"user_name":"\ud83dx"}"#, "half of a surrogate pair"),
        (b"{\"room\":\"\xe9\"}", "not UTF-8"),
        (b"\xff\xfe{\0}\0", "not UTF-8"),
        (&utf_16, "not a JSON object"),
        (b"", "it is empty"),
        (b" \n", "it is empty"),
        (b"[]", "JSON of another kind"),
        (b"{", "EOF"),
        (br#"{"room":"a",}"#, "trailing comma"),
    ] {
        let response = Server::good().send(&post("application/json", body));
        let shown = String::from_utf8_lossy(body);
        assert_eq!(response.status, 400, "{shown}: {response}");
        assert!(response.error().contains(part), "{shown}: {response}");
    }
}
