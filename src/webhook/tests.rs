//! Tests of which requests are trusted, of how events are parsed, and of the settings of rooms.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::*;
use crate::room;

/// The example from 8x8's documentation.
const SECRET: &str = "whsec_9635df66714a4cf088ee9d0979dd3bf6";
const AT: u64 = 1_632_490_060;
const SIGNATURE: &str = "xlzqEojlh4qb21sQpXYsWgyK8x9HVpz+RQldsv18rV0=";
const BODY: &str = r#"{"eventType":"PARTICIPANT_JOINED","sessionId":"9a441d60-ceaf-4eba-b0a8-a7d940a76e1b","timestamp":1632490058278,"fqn":"vpaas-magic-cookie-96f0941768964ab380ed0fbada7a502f/sampleappromanticshiftsstripas","idempotencyKey":"9e9e7420-562d-4659-8e22-44b9b22aaa49","customerId":"96f0941768964ab380ed0fbada7a502f","appId":"vpaas-magic-cookie-96f0941768964ab380ed0fbada7a502f","data":{"avatar":"","name":"Test User","id":"auth0|5f903d7a77f3b4006eb8e67d","participantJid":"fc1ea14a-9bca-4218-a563-8c627e803d56@8x8.vc","moderator":true,"email":"test.user@company.com"}}"#;
const APP_ID: &str = "vpaas-magic-cookie-96f0941768964ab380ed0fbada7a502f";
const OTHER_ID: &str = "vpaas-magic-cookie-00000000000000000000000000000000";

fn settings(secrets: &[&str], authorization: Option<&str>) -> Settings {
    Settings {
        secrets: secrets
            .iter()
            .map(|s| Secret::new((*s).to_owned()))
            .collect(),
        authorization: authorization.map(|text| Secret::new(text.to_owned())),
        app_id: APP_ID.into(),
    }
}

fn sign(secret: &str, at: u64, body: &str) -> String {
    let mac = hmac_sha256::HMAC::mac(format!("{at}.{body}"), secret);
    format!("t={at},v1={}", STANDARD.encode(mac))
}

fn receive(
    settings: &Settings,
    headers: &[(&str, &str)],
    body: &str,
    now: u64,
) -> Result<Event, Error> {
    settings.receive(&Headers::from(headers), body.as_bytes(), now)
}

/// The result for an event with a valid signature.
fn read(body: &str) -> Result<Event, Error> {
    let signature = sign(SECRET, AT, body);
    receive(
        &settings(&[SECRET], None),
        &[("x-jaas-signature", &signature)],
        body,
        AT,
    )
}

#[test]
fn the_example_of_the_documentation_is_believed() {
    use Error::{SignatureMalformed as Malformed, SignatureOld as Old, SignatureWrong as Wrong};
    let good = format!("t={AT},v1={SIGNATURE}");
    let other = STANDARD.encode([7; 32]);
    let changed = BODY.replace("true", "false");
    let cases = [
        (good.as_str(), BODY, AT, Ok(())),
        (&good, BODY, AT + 300, Ok(())),
        (&good, BODY, AT - 300, Ok(())),
        (&good, BODY, AT + 301, Err(Old)),
        (&good, BODY, AT - 301, Err(Old)),
        (&good, BODY, 0, Err(Old)),
        (&good, &BODY[1..], AT, Err(Wrong)),
        (&good, &changed, AT, Err(Wrong)),
    ];
    let headers = [
        (sign("whsec_0000000000000000", AT, BODY), Err(Wrong)),
        (format!("t={},v1={SIGNATURE}", AT + 1), Err(Wrong)),
        (format!("t=0{AT},v1={SIGNATURE}"), Err(Wrong)),
        // With other signatures, and with future schemes.
        (format!("t={AT},v1={other},v1={SIGNATURE}"), Ok(())),
        (format!("v2=?, v1={SIGNATURE}, t={AT}, v0=x"), Ok(())),
        (format!("t={AT},v1={other}"), Err(Wrong)),
        (format!("t={AT},v2={SIGNATURE}"), Err(Malformed)),
        (format!("v1={SIGNATURE}"), Err(Malformed)),
        (format!("t=,v1={SIGNATURE}"), Err(Malformed)),
        (format!("t=+{AT},v1={SIGNATURE}"), Err(Malformed)),
        (format!("t={AT},t={AT},v1={SIGNATURE}"), Err(Malformed)),
        (format!("t={AT},v1={}", &SIGNATURE[..40]), Err(Malformed)),
        ("nonsense".to_owned(), Err(Malformed)),
        (String::new(), Err(Malformed)),
    ];
    let headers = headers.iter();
    let headers = headers.map(|(header, expected)| (header.as_str(), BODY, AT, *expected));
    for (header, body, now, expected) in cases.into_iter().chain(headers) {
        let headers = [("X-Jaas-Signature", header)];
        let received = receive(&settings(&[SECRET], None), &headers, body, now);
        assert_eq!(received.map(|_| ()), expected, "{header} {now}");
    }
}

#[test]
fn any_of_several_secrets_signs_and_two_headers_are_one_too_many() {
    let new = "whsec_11111111111111111111111111111111";
    let good = format!("t={AT},v1={SIGNATURE}");
    for (secrets, believed) in [
        (&[SECRET, new][..], true),
        (&[new, SECRET], true),
        (&[new], false),
    ] {
        let received = receive(
            &settings(secrets, None),
            &[("x-jaas-signature", &good)],
            BODY,
            AT,
        );
        assert_eq!(received.is_ok(), believed, "{secrets:?}");
    }
    let twice = [("x-jaas-signature", good.as_str()); 2];
    let received = receive(&settings(&[SECRET], None), &twice, BODY, AT);
    assert_eq!(received.unwrap_err(), Error::SignatureMalformed);
}

#[test]
fn a_request_proves_itself_by_signature_or_authorization() {
    let starting = format!(r#"{{"fqn":"{APP_ID}/town"}}"#);
    let usage = format!(r#"{{"eventType":"USAGE","appId":"{APP_ID}","timestamp":1,"data":[]}}"#);
    let other = format!(r#"{{"eventType":"ROOM_CREATED","appId":"{APP_ID}"}}"#);
    let wrong = sign("whsec_x", AT, &usage);
    let (bearer, missing) = (Some("Bearer 1f2e3d4c"), Err(Error::SignatureMissing));
    let (authorization, wrong_signature) = (Err(Error::Authorization), Err(Error::SignatureWrong));
    let (changed, longer) = (Some("Bearer 1f2e3d4d"), Some("Bearer 1f2e3d4c "));
    let (signed, unsigned) = (&[SECRET][..], &[][..]);
    for (secrets, wanted, body, sent, signature, expected) in [
        // By signature alone.
        (signed, None, &usage, None, "good", Ok(())),
        (signed, None, &starting, None, "good", Ok(())),
        (signed, None, &usage, None, "", missing),
        (signed, None, &starting, None, "", missing),
        (signed, None, &starting, bearer, "", missing),
        // By authorization alone.
        (unsigned, bearer, &other, bearer, "", Ok(())),
        (unsigned, bearer, &other, bearer, &wrong, Ok(())),
        (unsigned, bearer, &usage, bearer, "", missing),
        (unsigned, bearer, &usage, bearer, "good", missing),
        (unsigned, bearer, &starting, bearer, "", Ok(())),
        (unsigned, bearer, &starting, changed, "", authorization),
        (unsigned, bearer, &starting, longer, "", authorization),
        (unsigned, bearer, &starting, None, "", authorization),
        // Both: whatever is present must be valid, and only requests for settings may be unsigned.
        (signed, bearer, &usage, bearer, "good", Ok(())),
        (signed, bearer, &starting, bearer, "", Ok(())),
        (signed, bearer, &usage, bearer, "", missing),
        (signed, bearer, &other, bearer, "", missing),
        (signed, bearer, &usage, None, "good", authorization),
        (signed, bearer, &starting, bearer, &wrong, wrong_signature),
        // Neither.
        (unsigned, None, &starting, bearer, "good", missing),
    ] {
        let good = sign(SECRET, AT, body);
        let signature = if signature == "good" {
            &good
        } else {
            signature
        };
        let mut headers = Vec::new();
        headers.extend(sent.map(|text| ("authorization", text)));
        headers.extend(Some(("x-jaas-signature", signature)).filter(|(_, s)| !s.is_empty()));
        let received = receive(&settings(secrets, wanted), &headers, body, AT);
        assert_eq!(
            received.map(|_| ()),
            expected,
            "{secrets:?} {headers:?} {body}"
        );
    }
}

#[test]
fn an_event_belongs_to_the_app_id() {
    let customer = &APP_ID["vpaas-magic-cookie-".len()..];
    let upper = APP_ID.to_uppercase();
    let foreign = Err(Error::Foreign);
    let all = format!(r#""fqn":"{APP_ID}/r","appId":"{APP_ID}","customerId":"{customer}""#);
    let of_device = r#""data":[{"deviceId":"d","customerId":"0"}]"#;
    let no_room = Err(Error::Malformed("fqn is not App ID, slash and room"));
    let neither = Err(Error::Malformed("fqn and appId are missing"));
    for (members, expected) in [
        (all, Ok(())),
        (format!(r#""appId":"{APP_ID}""#), Ok(())),
        (format!(r#""fqn":"{upper}/r""#), Ok(())),
        (
            format!(r#""fqn":"{OTHER_ID}/r","appId":"{APP_ID}""#),
            foreign,
        ),
        (
            format!(r#""fqn":"{APP_ID}/r","appId":"{OTHER_ID}""#),
            foreign,
        ),
        (
            format!(r#""fqn":"{APP_ID}/r","customerId":"{APP_ID}""#),
            foreign,
        ),
        (format!(r#""appId":"{APP_ID}",{of_device}"#), foreign),
        (format!(r#""fqn":"{APP_ID}""#), no_room),
        (r#""x":1"#.to_owned(), neither),
    ] {
        let body = if members.contains("data") {
            format!(r#"{{"eventType":"USAGE","timestamp":1,{members}}}"#)
        } else {
            format!(r#"{{"eventType":"USAGE","timestamp":1,"data":[],{members}}}"#)
        };
        assert_eq!(read(&body).map(|_| ()), expected, "{body}");
    }
}

#[test]
fn of_an_event_is_read_what_the_service_needs() {
    let usage = |rest: &str| format!(r#"{{"eventType":"USAGE","appId":"{APP_ID}",{rest}}}"#);
    let body = usage(
        r#""timestamp":1632490058278,"data":[{"deviceId":"d","userId":"u","email":null,"kid":"k"},{"deviceId":"+886","userId":null,"callDirection":"in"},{"deviceId":"","userId":"u"}]"#,
    );
    let Ok(Event::Usage { at, devices }) = read(&body) else {
        panic!("{body}");
    };
    let devices: Vec<_> = devices
        .iter()
        .map(|d| {
            (
                d.id.expose().as_str(),
                d.person.as_ref().map(|p| p.expose().as_str()),
            )
        })
        .collect();
    assert_eq!(at, 1_632_490_058);
    assert_eq!(devices, [("d", Some("u")), ("+886", None)]);
    for rest in [
        r#""timestamp":1"#,
        r#""timestamp":1,"data":{}"#,
        r#""timestamp":1,"data":[{"userId":"u"}]"#,
        r#""timestamp":1,"data":[{"deviceId":7}]"#,
        r#""timestamp":-1,"data":[]"#,
        r#""data":[]"#,
    ] {
        assert!(
            matches!(read(&usage(rest)), Err(Error::Malformed(_))),
            "{rest}"
        );
    }
    for (event_type, room, is_starting) in [
        (
            r#","eventType":"SETTINGS_PROVISIONING""#,
            "Town%20Hall",
            true,
        ),
        ("", "town hall", true),
        (r#","eventType":null"#, "*", true),
        (r#","eventType":"ROOM_CREATED""#, "r", false),
        (r#","eventType":"settings_provisioning""#, "r", false),
    ] {
        let body = format!(r#"{{"fqn":"{APP_ID}/{room}"{event_type}}}"#);
        match read(&body) {
            Ok(Event::Starting { room: name }) if is_starting => {
                assert_eq!(name, room::Name::parse(room).ok(), "{body}");
            }
            Ok(Event::Other) if !is_starting => {}
            other => panic!("{body}: {other:?}"),
        }
    }
    for body in ["", "[]", "null", "\"fqn\"", "{", "\u{feff}{}"] {
        assert!(matches!(read(body), Err(Error::Malformed(_))), "{body}");
    }
    assert!(matches!(
        read(&format!(
            r#"{{"eventType":"SETTINGS_PROVISIONING","appId":"{APP_ID}"}}"#
        )),
        Err(Error::Malformed("fqn is missing"))
    ));
}

#[test]
fn no_more_than_the_limit_is_read() {
    struct Endless(usize);
    impl Read for Endless {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            self.0 += buffer.len();
            assert!(self.0 < 4 * MAX_BODY_BYTES);
            buffer.fill(b' ');
            Ok(buffer.len())
        }
    }
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::ConnectionReset.into())
        }
    }
    let settings = settings(&[SECRET], None);
    let none = Headers::default();
    let announced = Headers::from([("content-length", "65537")]);
    let large = " ".repeat(MAX_BODY_BYTES);
    let signature = sign(SECRET, AT, &large);
    for (error, expected) in [
        (settings.receive(&none, Endless(0), AT), Error::BodyTooLarge),
        (
            settings.receive(&announced, &b""[..], AT),
            Error::BodyTooLarge,
        ),
        (settings.receive(&none, Broken, AT), Error::BodyIncomplete),
        (
            receive(&settings, &[("x-jaas-signature", &signature)], &large, AT),
            Error::Malformed("the body is not a JSON object with the members that 8x8 documents"),
        ),
    ] {
        assert_eq!(error.unwrap_err(), expected);
    }
}

#[test]
fn nothing_of_an_event_or_a_secret_shows_in_debug_output() {
    let body = format!(
        r#"{{"eventType":"USAGE","appId":"{APP_ID}","timestamp":1,"data":[{{"deviceId":"hunter2","userId":"hunter2"}}]}}"#
    );
    let settings = settings(&["whsec_hunter2"], Some("hunter2"));
    let rooms =
        parse(r#"[{"rooms":"r","passcode":"7777"},{"rooms":"s","passcode_from":"hunter2-f3b1c9d27a64e8500f3b1c9d27a64e85"}]"#)
            .unwrap();
    let text = format!(
        "{:?} {settings:?} {rooms:?} {:?}",
        read(&body),
        rooms.of(&name("r"))
    );
    assert!(
        !text.contains("hunter2") && !text.contains("7777"),
        "{text}"
    );
}

fn name(room: &str) -> room::Name {
    room::Name::parse(room).unwrap()
}

fn parse(text: &str) -> Result<RoomSettings, String> {
    RoomSettings::parse(text).map_err(|error| error.to_string())
}

#[test]
fn the_first_entry_that_has_the_room_decides() {
    let rooms = parse(
        r#"[
            {"rooms": "townhall-*, 公民會議", "lobby": "wait-for-moderator", "max_occupants": 200,
             "participants_soft_limit": 30, "visitors": true, "passcode": "0042"},
            {"rooms": ["townhall-7", "team"], "lobby": "wait-for-approval", "visitors": false,
             "transcriber": "eght-whisper", "hide_display_name": "guest"},
            {"rooms": "open"},
            {"rooms": "*", "max_occupants": 2}
        ]"#,
    )
    .unwrap();
    let first = r#"{"lobbyEnabled":true,"lobbyType":"WAIT_FOR_MODERATOR","passcode":"0042","maxOccupants":200,"participantsSoftLimit":30,"visitorsEnabled":true}"#;
    for (room, expected) in [
        ("Townhall-7", first),
        ("公民會議", first),
        ("%E5%85%AC%E6%B0%91%E6%9C%83%E8%AD%B0", first),
        (
            "team",
            r#"{"lobbyEnabled":true,"lobbyType":"WAIT_FOR_APPROVAL","visitorsEnabled":false,"transcriberType":"EGHT_WHISPER","hideDisplayName":"GUEST"}"#,
        ),
        ("open", "{}"),
        ("other", r#"{"maxOccupants":2}"#),
    ] {
        let provisioning = rooms.of(&name(room));
        assert_eq!(
            serde_json::to_string(&provisioning).unwrap(),
            expected,
            "{room}"
        );
    }
    let rooms = parse(r#"[{"rooms":"a"}]"#).unwrap();
    assert_eq!(serde_json::to_string(&rooms.of(&name("b"))).unwrap(), "{}");
}

#[test]
fn a_derived_passcode_is_six_digits_of_secret_and_room() {
    const ONE: &str = "f3b1c9d27a64e8500f3b1c9d27a64e85";
    const OTHER: &str = "c9d27a64e8500f3b1c9d27a64e85f3b1";
    let passcode = |secret: &str, room: &str| {
        let rooms = parse(&format!(r#"[{{"rooms":"*","passcode_from":"{secret}"}}]"#)).unwrap();
        let passcode = rooms.passcode(&name(room)).unwrap().into_inner();
        let provisioning = serde_json::to_value(rooms.of(&name(room))).unwrap();
        assert_eq!(provisioning["passcode"], passcode.as_str());
        passcode
    };
    assert_eq!(passcode(ONE, "Town Hall"), passcode(ONE, "town%20hall"));
    let mut all: Vec<String> = (0..1000).map(|i| passcode(ONE, &i.to_string())).collect();
    all.push(passcode(OTHER, "0"));
    for passcode in &all {
        assert!(
            passcode.len() == 6 && passcode.bytes().all(|b| b.is_ascii_digit()),
            "{passcode}"
        );
    }
    all.sort();
    all.dedup();
    // Among 1,001 of a million passcodes, at most a few collisions are expected.
    assert!(all.len() > 990, "{}", all.len());
}

#[test]
fn what_is_wrong_is_named_by_entry_and_field_and_not_shown() {
    let entries = [
        ("", "is not a JSON list"),
        ("{}", "is not a JSON list"),
        ("[", "is not a JSON list"),
        ("[]", "is an empty list"),
        ("[7]", "entry 1 is not a JSON object"),
        (
            r#"[{"rooms":"a"},{"max_occupants":3}]"#,
            "entry 2 has no field rooms",
        ),
        (r#"[{"rooms":7}]"#, "entry 1 has no field rooms"),
        (
            r#"[{"rooms":[7]}]"#,
            "entry 1 has no field rooms, or one that is neither",
        ),
        (r#"[{"rooms":""}]"#, "entry 1 has an empty field rooms"),
        (
            r#"[{"rooms":","}]"#,
            "entry 1 has a field rooms that is not empty and names nothing",
        ),
        (
            r#"[{"rooms":"a, b/c"}]"#,
            "entry 1 has a field rooms of which entry 2 must not contain",
        ),
    ];
    let fields = [
        (
            r#""Lobby":"x""#,
            "entry 1 has an unknown field, of which the nearest known one is lobby;",
        ),
        (
            r#""maxOccupants":3"#,
            "the nearest known one is max_occupants;",
        ),
        (
            r#""lobby":true"#,
            "entry 1 has a lobby that is not known; write one of: wait-for-approval, wait-for-moderator.",
        ),
        (
            r#""lobby":"hunter2""#,
            "entry 1 has a lobby that is not known",
        ),
        (
            r#""max_occupants":1"#,
            "entry 1 has a max_occupants that is not a whole number from 2 to 500",
        ),
        (r#""max_occupants":501"#, "from 2 to 500"),
        (r#""max_occupants":"9""#, "from 2 to 500"),
        (r#""max_occupants":2.5"#, "from 2 to 500"),
        (
            r#""participants_soft_limit":0"#,
            "has a participants_soft_limit that",
        ),
        (
            r#""visitors":"true""#,
            "has a visitors that is neither true nor false",
        ),
        (r#""passcode":1234"#, "has a passcode that is not a string"),
        (
            r#""passcode":"123""#,
            "has a passcode that is not 4 to 16 digits",
        ),
        (
            r#""passcode":"hunter2""#,
            "has a passcode that is not 4 to 16 digits",
        ),
        (
            r#""passcode":"１２３４""#,
            "has a passcode that is not 4 to 16 digits",
        ),
        (
            r#""passcode_from":"x7Kq""#,
            "has a passcode_from that is shorter than 32 bytes",
        ),
        (
            r#""passcode":"1234","passcode_from":"x""#,
            "keep one of them",
        ),
        (
            r#""transcriber":"hunter2""#,
            "has a transcriber that is not known",
        ),
        (
            r#""hide_display_name":true"#,
            "has a hide_display_name that is not known",
        ),
    ];
    let of_room = |field: &str| format!(r#"[{{"rooms":"a",{field}}}]"#);
    let fields = fields.map(|(field, expected)| (of_room(field), expected));
    let entries = entries.map(|(text, expected)| (text.to_owned(), expected));
    for (entries, expected) in entries.into_iter().chain(fields) {
        let error = parse(&entries).expect_err(&entries);
        assert!(error.contains(expected), "{entries}: {error}");
        assert!(
            error.ends_with('.') && !error.contains("hunter2"),
            "{error}"
        );
    }
}
