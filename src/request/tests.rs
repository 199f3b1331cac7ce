use std::io::Read;

use super::{Error, MAX_BODY_BYTES, TokenRequest, name};
use crate::features::Feature;
use crate::http::Headers;
use crate::role::Role;

const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";

fn get(query: &str) -> Result<TokenRequest, String> {
    TokenRequest::from_query(query).map_err(|e| e.to_string())
}

fn send(content_type: &str, body: &[u8]) -> Result<TokenRequest, Error> {
    TokenRequest::from_post("", &Headers::from([("Content-Type", content_type)]), body)
}

fn json(body: &str) -> Result<TokenRequest, String> {
    send(JSON, body.as_bytes()).map_err(|e| e.to_string())
}

fn form(body: &[u8]) -> Result<TokenRequest, String> {
    send(FORM, body).map_err(|e| e.to_string())
}

fn user_name(request: TokenRequest) -> Option<String> {
    request.user_name.map(crate::person::Name::into_string)
}

fn user_id(request: TokenRequest) -> Option<String> {
    request.user_id.map(crate::person::Id::into_string)
}

fn room(request: TokenRequest) -> Option<String> {
    request.room.map(crate::room::Name::into_string)
}

#[test]
fn what_is_absent_or_empty_is_not_said() {
    for query in [
        "",
        "room=&user_id=&user_name=&user_email=&user_avatar=&user_moderator=\
         &user_hidden_from_recorder=&features=",
        "room=%20&user_id=+&user_moderator=%09&features=+",
        "room&user_id",
    ] {
        let request = get(query).expect(query);
        assert!(request.room.is_none() && request.user_id.is_none());
        assert!(request.user_name.is_none() && request.user_email.is_none());
        assert!(request.user_avatar.is_none() && request.role.is_none());
        assert!(request.hidden_from_recorder.is_none() && request.features.is_none());
    }
}

#[test]
fn what_is_given_is_trimmed_and_taken() {
    let request = get(
        "room=R&user_id=+u1+&user_name=Jane+Smith&user_email=j%40x.tw&user_moderator=FALSE\
         &user_avatar=https://a.example/b&user_hidden_from_recorder=+true",
    )
    .unwrap();
    assert_eq!(request.role, Some(Role::Member));
    assert_eq!(request.hidden_from_recorder, Some(true));
    assert_eq!(room(request.clone()).as_deref(), Some("r"));
    assert_eq!(user_id(request.clone()).as_deref(), Some("u1"));
    assert_eq!(user_name(request.clone()).as_deref(), Some("Jane Smith"));
    assert_eq!(request.user_email.unwrap().into_string(), "j@x.tw");
    assert_eq!(
        request.user_avatar.unwrap().into_string(),
        "https://a.example/b"
    );
}

#[test]
fn a_query_and_a_form_are_read_as_the_url_standard_reads_them() {
    for (text, expected) in [
        ("user_name=a", Some("a")),
        ("user_id=x&user_name=a%20b", Some("a b")),
        ("user_name=a+b", Some("a b")),
        ("user_name=a%2Bb", Some("a+b")),
        ("user_name=%e5%85%ac", Some("公")),
        ("user_name=公", Some("公")),
        ("user_name=a=b", Some("a=b")),
        ("user%5Fname=a", Some("a")),
        ("%75ser_name=a", Some("a")),
        ("user_name=first&user_name=second", Some("first")),
        ("user_name=&user_name=second", None),
        ("user_name", None),
        ("", None),
        ("&&", None),
        // An invalid percent escape is kept, and bytes that are not UTF-8 become U+FFFD.
        ("user_name=50%", Some("50%")),
        ("user_name=%", Some("%")),
        ("user_name=%4", Some("%4")),
        ("user_name=%zz", Some("%zz")),
        ("user_name=%4%41", Some("%4A")),
        ("user_name=%u516C", Some("%u516C")),
        ("user_name=%+1", Some("% 1")),
        ("user_name=%ff", Some("\u{fffd}")),
        ("user_name=a%c3%28", Some("a\u{fffd}(")),
        ("user_name=%ed%a0%80", Some("\u{fffd}\u{fffd}\u{fffd}")),
    ] {
        let expected = Ok(expected.map(str::to_owned));
        assert_eq!(get(text).map(user_name), expected, "{text}");
        assert_eq!(form(text.as_bytes()).map(user_name), expected, "{text}");
    }
    let raw = form(b"user_name=a\xff").map(user_name);
    assert_eq!(raw, Ok(Some("a\u{fffd}".to_owned())));
}

#[test]
fn what_a_query_has_besides_is_passed_over() {
    for query in [
        "x=1&user_id=1",
        "x=%zz&%zz=%ff&%ff=1&user_id=1",
        "=x&=&&user_id=1",
        "User_Id=2&user_id =3&user%2Bid=4&user_id=1",
        "user_id%3D2=3&user_idx=4&user_i=5&user_id=1",
        "isModerator=true&user_id=1",
    ] {
        let id = get(query).map(user_id);
        assert_eq!(id, Ok(Some("1".to_owned())), "{query}");
    }
}

#[test]
fn a_parameter_that_cannot_be_used_is_named_and_its_value_is_not_shown() {
    for (name, value, part) in [
        ("room", "hunter2*", "every room"),
        ("room", "hunter2%25zz", "pattern"),
        ("room", "hunter2%ff", "U+FFFD"),
        ("room", "hunter2%", "pattern"),
        ("user_id", "hunter2%00", "control characters"),
        ("user_id", "hunter2%0A3", "control characters"),
        ("user_name", "hunter2%C2%85x", "control characters"),
        ("user_name", &"hunter2".repeat(37), "at most 256"),
        ("user_email", "hunter2%40%00x", "control characters"),
        (
            "user_email",
            &format!("{}%40", "hunter2".repeat(37)),
            "at most 254",
        ),
        ("user_moderator", "hunter2", "true or false"),
        ("user_moderator", "1", "true or false"),
        ("user_moderator", "%ff", "true or false"),
        ("user_hidden_from_recorder", "hunter2", "true or false"),
        ("user_avatar", "http://hunter2", "https URL"),
    ] {
        let query = format!("{name}={value}");
        let error = TokenRequest::from_query(&query).expect_err(value);
        let (message, reason) = (error.to_string(), error.reason());
        assert!(message.starts_with(&format!("{name} ")), "{message}");
        assert!(message.contains(part), "{message}");
        assert!(
            !message.contains("hunter2") && !reason.contains("hunter2"),
            "{message}"
        );
    }
}

#[test]
fn what_nobody_can_see_counts_as_not_given() {
    for invisible in [
        "\u{200b}",
        "\u{202e}",
        "\u{2066}\u{2069}",
        "\u{feff} \u{ad}",
        "\u{3164}",
        "\u{2800}",
    ] {
        let query = format!(
            "room=r&user_id={invisible}&user_name={invisible}&user_email={invisible}@{invisible}\
             &user_avatar={invisible}"
        );
        let request = get(&query).expect(&query);
        assert!(request.user_id.is_none() && request.user_name.is_none());
        assert!(request.user_email.is_none() && request.user_avatar.is_none());
    }
    assert!(get("user_name=\0").is_err());
}

#[test]
fn bidirectional_controls_are_removed() {
    for text in [
        "ann\u{202e}",
        "\u{2066}ann\u{2069}",
        "\u{200f} ann \u{200e}",
    ] {
        let request = get(&format!("user_id={text}&user_name={text}")).expect(text);
        assert_eq!(user_id(request.clone()).as_deref(), Some("ann"));
        assert_eq!(user_name(request).as_deref(), Some("ann"));
    }
}

#[test]
fn what_is_no_email_address_counts_as_not_given() {
    for text in ["a", "a%40", "%40a", "%40", "[email%C2%A0protected]", "＠"] {
        let request = get(&format!("user_id=u&user_email={text}")).expect(text);
        assert!(
            request.user_email.is_none() && request.user_id.is_some(),
            "{text}"
        );
    }
}

#[test]
fn lengths_are_counted_in_characters_after_trimming() {
    let name = |n: usize| format!("user_name=+{}+", "會".repeat(n));
    assert!(get(&name(256)).is_ok());
    assert!(get(&name(257)).is_err());
}

#[test]
fn features_are_a_text_or_in_json_a_list() {
    let keys = |request: Result<TokenRequest, String>| {
        let set = request.map(|request| request.features);
        set.map(|set| {
            set.map(|set| {
                let known = ["recording", "lobby"];
                known.map(|key| set.contains(Feature::from_key(key).unwrap()))
            })
        })
    };
    for (text, expected) in [
        ("recording", [true, false]),
        ("recording, lobby", [true, true]),
        ("recording lobby", [true, true]),
        (r#"["recording"]"#, [true, false]),
        ("unknown lobby", [false, true]),
        (",", [false, false]),
    ] {
        let encoded = text.replace(' ', "+");
        assert_eq!(
            keys(get(&format!("features={encoded}"))),
            Ok(Some(expected)),
            "{text}"
        );
        let body = format!(r#"{{"features":{}}}"#, serde_json::Value::from(text));
        assert_eq!(keys(json(&body)), Ok(Some(expected)), "{text}");
    }
    for (value, expected) in [
        ("null", Ok(None)),
        (r#""""#, Ok(None)),
        ("[]", Ok(Some([false, false]))),
        (r#"["lobby", "unknown"]"#, Ok(Some([false, true]))),
        (r#"["lobby,recording"]"#, Ok(Some([false, false]))),
        ("[1]", Err("features must be a list of strings".to_owned())),
        (
            "[null]",
            Err("features must be a list of strings".to_owned()),
        ),
    ] {
        let body = format!(r#"{{"features":{value}}}"#);
        assert_eq!(keys(json(&body)), expected, "{value}");
    }
}

#[test]
fn a_value_in_json_has_the_type_of_its_parameter() {
    for (body, expected) in [
        (r#"{"room":" a "}"#, Ok(Some("a"))),
        (r#"{"room":"a","room":"b"}"#, Ok(Some("a"))),
        (r#"{"room":"a","room":1}"#, Ok(Some("a"))),
        (r#"{"room":null,"room":"b"}"#, Ok(None)),
        (r#"{"room":""}"#, Ok(None)),
        (r#"{"r\u006fom":"a"}"#, Ok(Some("a"))),
        (r#"{"room":"%41"}"#, Ok(Some("a"))),
        (r#"{"room":1}"#, Err("room must be a string")),
        (r#"{"room":true}"#, Err("room must be a string")),
        (r#"{"room":["a"]}"#, Err("room must be a string")),
        (r#"{"room":{}}"#, Err("room must be a string")),
    ] {
        let expected = expected
            .map(|r| r.map(str::to_owned))
            .map_err(str::to_owned);
        assert_eq!(json(body).map(room), expected, "{body}");
    }
    for (value, expected) in [
        ("true", Ok(Some(true))),
        ("false", Ok(Some(false))),
        (r#""TRUE""#, Ok(Some(true))),
        (r#"" ""#, Ok(None)),
        ("null", Ok(None)),
        ("1", Err("must be true or false")),
        ("[true]", Err("must be true or false")),
        (r#""1""#, Err("must be true or false")),
    ] {
        for name in ["user_moderator", "user_hidden_from_recorder"] {
            let read = json(&format!(r#"{{"{name}":{value}}}"#));
            let read = read.map(|r| {
                r.role
                    .map(|role| role == Role::Moderator)
                    .or(r.hidden_from_recorder)
            });
            assert_eq!(read, expected.map_err(|e| format!("{name} {e}")), "{value}");
        }
    }
}

#[test]
fn an_unknown_name_in_a_body_is_an_error_that_names_the_one_that_was_meant() {
    for (written, meant) in [
        ("isModerator", "user_moderator"),
        ("moderator", "user_moderator"),
        ("userModerator", "user_moderator"),
        ("User_Moderator", "user_moderator"),
        ("is-mod", "user_moderator"),
        ("roomName", "room"),
        ("room_id", "room"),
        ("Room", "room"),
        ("ROOM", "room"),
        ("rooms", "room"),
        ("id", "user_id"),
        ("userId", "user_id"),
        ("userID", "user_id"),
        ("uid", "user_id"),
        ("name", "user_name"),
        ("displayName", "user_name"),
        ("user.name", "user_name"),
        ("username", "user_name"),
        ("nickname", "user_name"),
        ("email", "user_email"),
        ("e-mail", "user_email"),
        ("userEmail", "user_email"),
        ("avatar", "user_avatar"),
        ("avatarUrl", "user_avatar"),
        ("hidden-from-recorder", "user_hidden_from_recorder"),
        ("hiddenFromRecorder", "user_hidden_from_recorder"),
        ("role", "user_role"),
        ("feature", "features"),
    ] {
        let message = format!("{written} is not a parameter; did you mean {meant}?");
        let body = format!(r#"{{"room":"board","{written}":false}}"#);
        assert_eq!(json(&body).unwrap_err(), message);
        let body = format!("room=board&{written}=false");
        assert_eq!(form(body.as_bytes()).unwrap_err(), message);
    }
    for written in ["exp", "jwt", "x", "__proto__", "foo-bar", "aud", "tenant"] {
        let message = json(&format!(r#"{{"{written}":{{"a":[1]}}}}"#)).unwrap_err();
        let start = format!("{written} is not a parameter; the parameters are room, user_id, ");
        assert!(message.starts_with(&start), "{message}");
    }
}

#[test]
fn several_unknown_names_are_told_at_once() {
    let room = "roomName is not a parameter; did you mean room?";
    let moderator = "isModerator is not a parameter; did you mean user_moderator?";
    let both = format!("{room} {moderator}");
    for (body, message) in [
        (r#"{"roomName":"board","isModerator":false}"#, &both),
        (
            r#"{"roomName":1,"room":"a","isModerator":2,"roomName":3}"#,
            &both,
        ),
    ] {
        assert_eq!(json(body).unwrap_err(), *message);
    }
    assert_eq!(form(b"roomName=board&isModerator=false").unwrap_err(), both);
    let many: String = (0..2_000).map(|i| format!("n{i}&")).collect();
    let message = form(many.as_bytes()).unwrap_err();
    assert_eq!(message.matches("is not a parameter").count(), 3);
}

#[test]
fn an_unknown_name_is_shown_to_the_caller_if_it_is_a_name_and_never_in_the_log() {
    let long = "hunter2".repeat(6);
    for (written, shown) in [
        ("hunter2", true),
        ("hunter2.a_b-c", true),
        (long.as_str(), false),
        ("hunter2 ", false),
        ("hunter2@example.com", false),
        ("hunter2<script>", false),
        ("hunter2會", false),
        ("", false),
    ] {
        let body = serde_json::json!({ written: 1 }).to_string();
        let error = send(JSON, body.as_bytes()).unwrap_err();
        let message = error.to_string();
        assert_eq!(message.contains("hunter2"), shown, "{message}");
        assert!(
            message.contains("parameter") && message.contains("user_avatar"),
            "{message}"
        );
        assert_eq!(error.reason(), "the request has an unknown parameter");
        assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
    }
    assert!(
        form(b"=x")
            .unwrap_err()
            .starts_with("The body has an unknown parameter; ")
    );
}

#[test]
fn a_body_that_is_no_json_object_is_told_what_it_is() {
    let deep = format!(r#"{{"room":{}"#, "[".repeat(16_000));
    for (body, part) in [
        ("", "it is empty"),
        (" \n", "it is empty"),
        ("null", "JSON of another kind"),
        ("[]", "JSON of another kind"),
        (r#"["hunter2"]"#, "JSON of another kind"),
        (r#""hunter2""#, "JSON of another kind"),
        ("1", "JSON of another kind"),
        ("{", "EOF while parsing an object at line 1 column 1"),
        ("room=hunter2", "expected value at line 1 column 1"),
        (
            "{'room':'hunter2'}",
            "key must be a string at line 1 column 2",
        ),
        (
            r#"{"room":"hunter2"}x"#,
            "trailing characters at line 1 column 19",
        ),
        ("{\"room\":\"a\",\n}", "trailing comma at line 2 column 1"),
        (r#"{"room":"\x"}"#, "invalid escape at line 1 column 11"),
        (
            r#"{"room":"\ud800"}"#,
            "a \\u escape is half of a surrogate pair at line 1 column 16",
        ),
        (
            r#"{"room":"\udc00"}"#,
            "a \\u escape is half of a surrogate pair at line 1",
        ),
        (
            r#"{"room":"\ud800\u0041"}"#,
            "a \\u escape is half of a surrogate pair at line 1",
        ),
        ("{\"room\":\"a\nb\"}", "control character"),
        (&deep, "recursion limit exceeded"),
    ] {
        let error = send(JSON, body.as_bytes()).expect_err(body);
        assert!(matches!(error, Error::MalformedBody(_)), "{error:?}");
        let message = error.to_string();
        assert!(
            message.starts_with("The body is not a JSON object: "),
            "{message}"
        );
        assert!(message.contains(part), "{body:.40}: {message}");
        assert!(!message.contains("hunter2"), "{message}");
    }
    for body in [b"{\"room\":\"\xff\"}".as_slice(), b"\xff\xfe{\0}\0"] {
        let message = send(JSON, body).unwrap_err().to_string();
        assert_eq!(message, "The body is not UTF-8: encode it as UTF-8");
    }
}

#[test]
fn a_byte_order_mark_is_passed_over() {
    for (content_type, body) in [(JSON, "\u{feff}{\"room\":\"a\"}"), (FORM, "\u{feff}room=a")] {
        let request = send(content_type, body.as_bytes()).map(room);
        assert_eq!(request, Ok(Some("a".to_owned())), "{content_type}");
    }
}

#[test]
fn only_json_and_forms_in_utf_8_are_read() {
    for (content_type, good) in [
        (JSON, true),
        ("Application/JSON", true),
        ("application/json; charset=utf-8", true),
        ("application/json;charset=\"UTF-8\"", true),
        (FORM, false),
        ("application/json; charset=big5", false),
        ("text/plain", false),
        ("multipart/form-data; boundary=x", false),
        ("application/jsonp", false),
        ("", false),
    ] {
        let read = send(content_type, b"{}");
        assert_eq!(read.is_ok(), good, "{content_type}");
        if content_type != FORM && !good {
            assert_eq!(read.unwrap_err(), Error::UnsupportedMediaType);
        }
    }
    for headers in [
        Headers::default(),
        Headers::from([("Content-Type", JSON), ("Content-Type", JSON)]),
    ] {
        let error = TokenRequest::from_post("", &headers, &b"{}"[..]).unwrap_err();
        assert_eq!(error, Error::UnsupportedMediaType);
    }
}

#[test]
fn a_compressed_body_is_an_error_of_its_own() {
    for (codings, good) in [
        (&["identity"][..], true),
        (&["Identity"], true),
        (&[""], true),
        (&["identity, identity"], true),
        (&["gzip"], false),
        (&["br"], false),
        (&["identity, gzip"], false),
        (&["identity", "deflate"], false),
        (&["identityx"], false),
    ] {
        let mut headers = vec![("Content-Type", JSON)];
        headers.extend(codings.iter().map(|coding| ("content-encoding", *coding)));
        let headers = Headers::from(&headers[..]);
        let read = TokenRequest::from_post("", &headers, &b"{}"[..]).map(|_| ());
        let expected = if good {
            Ok(())
        } else {
            Err(Error::UnsupportedEncoding)
        };
        assert_eq!(read, expected, "{codings:?}");
    }
}

#[test]
fn a_known_parameter_in_the_url_of_a_post_is_an_error() {
    let headers = Headers::from([("Content-Type", JSON)]);
    let post = |query: &str| TokenRequest::from_post(query, &headers, &b"{}"[..]);
    for name in name::ALL {
        for query in [
            name.to_owned(),
            format!("x=1&{name}="),
            format!("{}=a", name.replacen('r', "%72", 1)),
        ] {
            assert_eq!(
                post(&query).unwrap_err().to_string(),
                format!("{name} is in the URL of a POST: send it in the body")
            );
        }
    }
    assert!(post("utm_source=x&%zz=%ff&=").is_ok());
}

#[test]
fn a_body_has_at_most_16_kib() {
    let body = |length: usize| {
        let mut body = br#"{"room":"a"}"#.to_vec();
        body.resize(length, b' ');
        body
    };
    assert!(send(JSON, &body(MAX_BODY_BYTES)).is_ok());
    assert_eq!(
        send(JSON, &body(MAX_BODY_BYTES + 1)).unwrap_err(),
        Error::BodyTooLarge
    );

    // A too large `Content-Length` is rejected before anything is read.
    struct Unread;
    impl Read for Unread {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            panic!("the body was read");
        }
    }
    let headers = Headers::from([("content-type", JSON), ("content-length", "16385")]);
    let error = TokenRequest::from_post("", &headers, Unread).unwrap_err();
    assert_eq!(error, Error::BodyTooLarge);
}

#[test]
fn a_body_that_breaks_off_is_an_error() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::Error::other("gone"))
        }
    }
    let headers = Headers::from([("content-type", JSON)]);
    let error = TokenRequest::from_post("", &headers, Broken).unwrap_err();
    assert_eq!(
        error.to_string(),
        "The body broke off before its end: send it again"
    );
}

#[test]
fn personal_values_do_not_show_in_debug_output() {
    let request = get(
        "user_id=hunter2&user_name=hunter2&user_email=hunter2%40x&user_avatar=https://hunter2.tw",
    );
    assert!(!format!("{:?}", request.unwrap()).contains("hunter2"));
}

#[test]
fn a_misspelt_parameter_in_the_url_of_a_post_is_named_and_others_are_ignored() {
    let headers = Headers::from([("content-type", "application/json")]);
    let post = |query: &str| {
        TokenRequest::from_post(query, &headers, &b"{}"[..])
            .map(|_| ())
            .map_err(|error| error.to_string())
    };
    let told = post("roomName=board&isModerator=false").unwrap_err();
    assert!(told.contains("did you mean room?"), "{told}");
    assert!(told.contains("did you mean user_moderator?"), "{told}");
    for query in [
        "",
        "x=1",
        "_=1700000000",
        "lang=zh-TW",
        "utm_source=mail",
        "v=2&t=3",
    ] {
        assert_eq!(post(query), Ok(()), "{query}");
    }
}

#[test]
fn a_role_comes_by_either_of_two_parameters_that_must_agree() {
    use Role::{Member, Moderator, Visitor};
    for (query, expected) in [
        ("", Ok(None)),
        ("user_moderator=true", Ok(Some(Moderator))),
        ("user_moderator=false", Ok(Some(Member))),
        ("user_role=visitor", Ok(Some(Visitor))),
        ("user_role=+member+", Ok(Some(Member))),
        ("user_role=moderator", Ok(Some(Moderator))),
        ("user_role=", Ok(None)),
        ("user_role=&user_moderator=true", Ok(Some(Moderator))),
        (
            "user_role=moderator&user_moderator=true",
            Ok(Some(Moderator)),
        ),
        ("user_role=member&user_moderator=false", Ok(Some(Member))),
        ("user_role=visitor&user_moderator=false", Ok(Some(Visitor))),
        (
            "user_role=moderator&user_moderator=false",
            Err("contradicts user_moderator"),
        ),
        (
            "user_role=member&user_moderator=true",
            Err("contradicts user_moderator"),
        ),
        (
            "user_role=visitor&user_moderator=true",
            Err("contradicts user_moderator"),
        ),
        (
            "user_role=Visitor",
            Err("must be visitor, member or moderator"),
        ),
        (
            "user_role=hunter2",
            Err("must be visitor, member or moderator"),
        ),
    ] {
        match (TokenRequest::from_query(query), expected) {
            (Ok(request), Ok(role)) => assert_eq!(request.role, role, "{query}"),
            (Err(error), Err(part)) => {
                let told = error.to_string();
                assert!(
                    told.starts_with("user_role ") && told.contains(part),
                    "{told}"
                );
                assert!(!told.contains("hunter2"), "{told}");
            }
            (read, _) => panic!("{query}: {read:?}"),
        }
    }
    assert!(json(r#"{"user_role":true}"#).is_err());
}

#[test]
fn an_invitation_does_not_show_in_debug_output() {
    let request = TokenRequest::from_query("invitation=hunter2").unwrap();
    assert!(request.invitation.is_some() && !format!("{request:?}").contains("hunter2"));
}
