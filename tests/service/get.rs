//! `GET /api/jitsi-token`: parameters, defaults and unusual queries.

use serde_json::{Value, json};

use crate::harness::{Server, Settings};
use crate::http::{Request, TOKEN_ROUTE, get};

/// Returns the claim that a parameter sets.
fn claim<'a>(claims: &'a Value, parameter: &str) -> &'a Value {
    match parameter {
        "room" => &claims["room"],
        "user_id" => &claims["context"]["user"]["id"],
        "user_name" => &claims["context"]["user"]["name"],
        "user_email" => &claims["context"]["user"]["email"],
        "user_moderator" => &claims["context"]["user"]["moderator"],
        other => panic!("no parameter {other}"),
    }
}

const DEFAULTS: [(&str, &str); 5] = [
    ("room", "default-room"),
    ("user_id", "user123"),
    ("user_name", "Your User"),
    ("user_email", "user@example.com"),
    ("user_moderator", "true"),
];

fn query(query: impl AsRef<[u8]>) -> Request {
    Request::new(
        "GET",
        [TOKEN_ROUTE.as_bytes(), b"?", query.as_ref()].concat(),
    )
}

#[test]
fn the_worker_s_call_gets_the_worker_s_response() {
    let response = Server::good().send(&get(&[
        ("room", "my-meeting-room"),
        ("user_id", "user-7"),
        ("user_name", "John Doe"),
        ("user_email", "john@example.com"),
        ("user_moderator", "true"),
    ]));
    assert_eq!(response.status, 200);
    let body = response.json();
    assert_eq!(body.as_object().map(|body| body.len()), Some(1), "{body}");
    let token = response.token();
    assert_eq!(token.claims["room"], "my-meeting-room");
    assert_eq!(
        *token.user(),
        json!({ "id": "user-7", "name": "John Doe", "email": "john@example.com", "moderator": "true" })
    );
}

#[test]
fn an_absent_parameter_has_its_default() {
    let token = Server::good().send(&get(&[])).token();
    for (parameter, default) in DEFAULTS {
        assert_eq!(*claim(&token.claims, parameter), default, "{parameter}");
    }
}

#[test]
fn an_empty_or_blank_parameter_has_its_default() {
    for (parameter, default) in DEFAULTS {
        for blank in ["", "=", "=+", "=%20%20", "=%09"] {
            let response = Server::good().send(&query(format!("{parameter}{blank}")));
            assert_eq!(response.status, 200, "{parameter}{blank}: {response}");
            assert_eq!(*claim(&response.token().claims, parameter), default);
        }
    }
}

#[test]
fn each_default_is_a_variable() {
    let server = Server::start(Settings::good().set_all(&[
        ("default_room", "Town Hall"),
        ("default_user_id", "guest-1"),
        ("default_user_name", "訪客"),
        ("default_user_email", "guest@example.net"),
        ("default_moderator", "false"),
    ]));
    let token = server.send(&get(&[])).token();
    assert_eq!(token.claims["room"], "town%20hall");
    assert_eq!(
        *token.user(),
        json!({ "id": "guest-1", "name": "訪客", "email": "guest@example.net", "moderator": "false" })
    );
}

#[test]
fn an_empty_default_leaves_the_field_out() {
    let server = Server::start(Settings::good().set_all(&[
        ("default_user_id", ""),
        ("default_user_name", ""),
        ("default_user_email", ""),
        ("default_moderator", ""),
    ]));
    let token = server.send(&get(&[])).token();
    assert_eq!(*token.user(), json!({}));
    assert!(token.features().is_empty(), "{:?}", token.claims);

    let token = server.send(&get(&[("user_name", "Ann"), ("user_moderator", "true")]));
    assert_eq!(
        *token.token().user(),
        json!({ "name": "Ann", "moderator": "true" })
    );
}

#[test]
fn an_empty_default_room_makes_the_room_required() {
    let server = Server::start(Settings::good().set("default_room", ""));
    for request in [get(&[]), get(&[("room", "")]), get(&[("room", "  ")])] {
        let response = server.send(&request);
        assert_eq!(response.status, 400, "{response}");
        assert!(response.error().contains("room"), "{response}");
    }
    assert_eq!(
        server.send(&get(&[("room", "a")])).token().claims["room"],
        "a"
    );
}

#[test]
fn user_moderator_is_true_or_false_in_any_case() {
    for (value, claim) in [
        ("true", "true"),
        ("TRUE", "true"),
        ("True", "true"),
        (" true ", "true"),
        ("false", "false"),
        ("FALSE", "false"),
        ("fAlSe", "false"),
    ] {
        let token = Server::good()
            .send(&get(&[("user_moderator", value)]))
            .token();
        assert_eq!(token.user()["moderator"], claim, "{value}");
    }
    for value in [
        "1",
        "0",
        "yes",
        "no",
        "on",
        "truee",
        "t",
        "null",
        "真",
        "true,false",
    ] {
        let response = Server::good().send(&get(&[("user_moderator", value)]));
        assert_eq!(response.status, 400, "{value}: {response}");
        assert!(response.error().contains("user_moderator"), "{response}");
    }
}

#[test]
fn the_query_is_read_as_browsers_and_hand_made_links_write_it() {
    // The query, a parameter, the expected claim.
    let cases: &[(&str, &str, &str)] = &[
        ("user_name=John+Doe", "user_name", "John Doe"),
        ("user_name=John%20Doe", "user_name", "John Doe"),
        ("user_name=A%2BB", "user_name", "A+B"),
        ("user_name=%E5%85%AC%e6%b0%91", "user_name", "公民"),
        ("user_name=%26%3D%23%3F", "user_name", "&=#?"),
        ("user_name=%3Cb%3E%22'", "user_name", "<b>\"'"),
        ("user_name=a=b", "user_name", "a=b"),
        ("user_name=a;b", "user_name", "a;b"),
        ("user_name=a?b", "user_name", "a?b"),
        ("user_email=a%40b.example", "user_email", "a@b.example"),
        ("user_email=a@b.example", "user_email", "a@b.example"),
        ("user_name=+Ann+", "user_name", "Ann"),
        ("user_name=%20Ann%09", "user_name", "Ann"),
        // The first value of a repeated parameter counts.
        ("user_id=1&user_id=2", "user_id", "1"),
        ("user_id=&user_id=2", "user_id", "user123"),
        ("room=a&room=*", "room", "a"),
        // Unknown parameters are ignored, even if they cannot be decoded.
        ("x=1&user_id=1&utm_source=mail", "user_id", "1"),
        ("x=%zz&user_id=1", "user_id", "1"),
        ("x=%ff&user_id=1", "user_id", "1"),
        ("%zz=1&%ff=2&user_id=1", "user_id", "1"),
        ("Room=b&ROOM=c", "room", "default-room"),
        ("exp=1&aud=x&admin=true&sub=y", "room", "default-room"),
        // Nothing between the delimiters.
        ("", "user_id", "user123"),
        ("&&user_id=1&", "user_id", "1"),
        ("=x&user_id=1", "user_id", "1"),
        // Parameter names may be encoded, too.
        ("user%5Fid=1", "user_id", "1"),
        ("%75ser_id=1", "user_id", "1"),
    ];
    for (text, parameter, expected) in cases {
        let response = Server::good().send(&query(text));
        assert_eq!(response.status, 200, "?{text}: {response}");
        let token = response.token();
        assert_eq!(*claim(&token.claims, parameter), *expected, "?{text}");
    }
}

/// As the URL standard reads a query, and as the page at vue.vtaiwan.tw writes one: it does not encode names.
#[test]
fn what_cannot_be_decoded_stays_or_becomes_u_fffd() {
    for parameter in ["user_name", "user_id"] {
        for (text, decoded) in [
            ("50%", "50%"),
            ("%", "%"),
            ("%2", "%2"),
            ("%zz", "%zz"),
            ("a%2gb", "a%2gb"),
            ("%%41", "%A"),
            ("%-1", "%-1"),
            ("%u516C", "%u516C"),
            ("50%+off", "50% off"),
            ("%ff", "\u{fffd}"),
            ("%c3", "\u{fffd}"),
            ("a%80b", "a\u{fffd}b"),
            ("%c0%af", "\u{fffd}\u{fffd}"),
            ("%ed%a0%80", "\u{fffd}\u{fffd}\u{fffd}"),
            ("%f5%80%80%80", "\u{fffd}\u{fffd}\u{fffd}\u{fffd}"),
        ] {
            let response = Server::good().send(&query(format!("{parameter}={text}")));
            assert_eq!(response.status, 200, "{parameter}={text}: {response}");
            let token = response.token();
            assert_eq!(*claim(&token.claims, parameter), decoded, "{text}");
        }
    }
    let token = Server::good()
        .send(&query("user_email=50%@b.example"))
        .token();
    assert_eq!(token.user()["email"], "50%@b.example");
    for value in ["%", "%ff"] {
        let response = Server::good().send(&query(format!("user_moderator={value}")));
        assert_eq!(response.status, 400, "{response}");
        assert_eq!(response.error(), "user_moderator must be true or false");
    }
}

/// The service cannot tell which room is meant, and the client would join another one.
#[test]
fn a_room_that_cannot_be_decoded_gets_a_400_that_says_so() {
    for bad in ["%ff", "%c3", "a%80b", "%c0%af", "%ed%a0%80", "%EF%BF%BD"] {
        let response = Server::good().send(&query(format!("room={bad}")));
        assert_eq!(response.status, 400, "room={bad}: {response}");
        let message = response.error();
        assert!(message.starts_with("room contains U+FFFD"), "{message}");
    }
    for bad in ["%", "%2", "%zz", "50%"] {
        let response = Server::good().send(&query(format!("room={bad}")));
        assert_eq!(response.status, 400, "room={bad}: {response}");
        let message = response.error();
        assert!(message.starts_with("room must not contain %"), "{message}");
    }
}

#[test]
fn user_fields_have_a_longest_length_in_characters() {
    let mail = |length: usize| format!("{}@example.com", "a".repeat(length - "@example.com".len()));
    let cases = [
        ("user_id", "a".repeat(256), "a".repeat(257)),
        ("user_name", "公".repeat(256), "公".repeat(257)),
        ("user_email", mail(254), mail(255)),
    ];
    for (parameter, longest, too_long) in cases {
        let response = Server::good().send(&get(&[(parameter, &longest)]));
        assert_eq!(response.status, 200, "{parameter}: {response}");
        assert_eq!(*claim(&response.token().claims, parameter), longest);

        // The limit applies after trimming.
        let response = Server::good().send(&get(&[(parameter, &format!(" {longest} "))]));
        assert_eq!(response.status, 200, "{parameter}: {response}");

        let response = Server::good().send(&get(&[(parameter, &too_long)]));
        assert_eq!(response.status, 400, "{parameter}: {response}");
        assert!(response.error().contains(parameter), "{response}");
    }
}

#[test]
fn control_characters_in_user_fields_get_a_400() {
    for parameter in ["user_id", "user_name", "user_email"] {
        for control in [
            "\0", "\u{1}", "\u{7}", "\t", "\n", "\r", "\r\n", "\u{1b}", "\u{1f}", "\u{7f}",
        ] {
            let value = format!("a{control}b@c");
            let response = Server::good().send(&get(&[(parameter, &value)]));
            assert_eq!(response.status, 400, "{parameter}={value:?}: {response}");
            assert!(response.error().contains(parameter), "{response}");
        }
    }
}

#[test]
fn what_is_no_email_address_counts_as_not_given() {
    for value in [
        "john",
        "john.example.com",
        "john(at)example.com",
        "＠",
        "@",
        "john@",
        "@example.com",
        // What pages that hide email addresses put in their place.
        "[email protected]",
        "[email\u{a0}protected]",
    ] {
        let response = Server::good().send(&get(&[("user_email", value)]));
        let token = response.token();
        assert_eq!(
            token.claims["context"]["user"]["email"], "user@example.com",
            "{value}"
        );
    }
}

#[test]
fn text_that_means_something_elsewhere_stays_text() {
    for value in [
        "<script>alert(1)</script>",
        "\"},\"admin\":true,{\"",
        "{{ jaas_private_key }}",
        "${jndi:ldap://x}",
        "a\\u0000b",
        "null",
        "🙂👩‍👩‍👧",
    ] {
        let token = Server::good().send(&get(&[("user_name", value)])).token();
        assert_eq!(token.user()["name"], value);
    }
}

/// Bidirectional controls make a name look like another, and a name without a visible character looks empty.
#[test]
fn what_misleads_or_is_invisible_is_no_part_of_a_name() {
    for (value, name) in [
        ("\u{202e}abc", "abc"),
        ("Ann\u{202e}nimdA", "AnnnimdA"),
        ("\u{2066}Ann\u{2069}\u{200f}", "Ann"),
        ("a\u{61c}b", "ab"),
        // Persian and emoji need these characters.
        ("می\u{200c}خواهم", "می\u{200c}خواهم"),
        ("👩\u{200d}💻", "👩\u{200d}💻"),
    ] {
        let token = Server::good().send(&get(&[("user_name", value)])).token();
        assert_eq!(token.user()["name"], name);
    }
    for value in [
        "\u{200b}",
        "\u{200b}\u{200b}\u{2060}",
        "\u{feff}",
        "\u{202e}",
        "\u{202e} \u{200b}",
        "\u{ad}",
        "\u{3164}",
        "\u{2800}",
        "\u{e0041}",
    ] {
        let token = Server::good()
            .send(&get(&[("user_name", value), ("user_id", value)]))
            .token();
        assert_eq!(
            token.user()["name"],
            "Your User",
            "{}",
            value.escape_unicode()
        );
        assert_eq!(token.user()["id"], "user123", "{}", value.escape_unicode());
    }
    let token = Server::good()
        .send(&get(&[
            ("user_email", "a\u{202e}@b.example"),
            ("user_id", "u\u{202e}7"),
        ]))
        .token();
    assert_eq!(token.user()["email"], "a@b.example");
    assert_eq!(token.user()["id"], "u7");
}

#[test]
fn a_query_in_raw_utf_8_is_read_or_rejected() {
    // Some hosts reject such a query before the component sees it.
    let response = Server::good().send_unchecked(&query("room=公民會議"));
    let response = response.expect("a response");
    match response.status {
        200 => assert_eq!(
            response.token().claims["room"],
            "%e5%85%ac%e6%b0%91%e6%9c%83%e8%ad%b0"
        ),
        status => assert_eq!(status, 400, "{response}"),
    }
}

#[test]
fn a_get_with_a_body_ignores_the_body() {
    let body = crate::http::Body::Whole(br#"{"room":"other"}"#.to_vec());
    let request = get(&[("room", "mine")])
        .header("Content-Type", "application/json")
        .body(body);
    assert_eq!(Server::good().send(&request).token().claims["room"], "mine");
}

#[test]
fn authorization_and_cookies_change_nothing() {
    let request = get(&[("room", "mine")])
        .header("Authorization", "Bearer abc")
        .header("Cookie", "a=b");
    assert_eq!(Server::good().send(&request).token().claims["room"], "mine");
}
