//! Requests that no front end sends: the response is always JSON and never a 5xx, and the next caller is served.

use std::time::Duration;

use serde_json::json;

use crate::harness::{ALLOWED, Server};
use crate::http::{Body, Request, TOKEN_ROUTE, get, post};

const FORM: &str = "application/x-www-form-urlencoded";

/// Sends the requests, and asserts that each response follows the general rules and the server continues to respond.
fn send_all(requests: impl IntoIterator<Item = Request>) {
    let server = Server::good();
    for request in requests {
        // If a header is not UTF-8, the host responds itself.
        let response = server.send(&request);
        assert!(
            response.status < 500 || !request.has_text_headers(),
            "{response}"
        );
    }
    assert_eq!(server.send(&get(&[])).status, 200);
}

#[test]
fn every_byte_in_a_query() {
    let targets = (0_u8..=255).flat_map(|byte| {
        ["room", "user_name", "user_moderator", "x"]
            .map(|name| format!("{TOKEN_ROUTE}?{name}=a%{byte:02x}b"))
    });
    send_all(targets.map(|target| Request::new("GET", target)));
}

/// Browsers send some of these unencoded. A host may reject some before the component sees them.
#[test]
fn every_printable_byte_unencoded() {
    let server = Server::good();
    let mut heard = 0;
    for byte in (b'!'..=b'~').filter(|byte| *byte != b'#') {
        let target = [TOKEN_ROUTE.as_bytes(), b"?room=a", &[byte], b"b"].concat();
        let request = Request::new("GET", target);
        let response = server.send_unchecked(&request).expect("a response");
        if response.status == 400 && response.body.is_empty() {
            continue;
        }
        server.check(&request, &response);
        heard += 1;
    }
    assert!(heard > 80, "{heard}");
}

#[test]
fn odd_queries() {
    let long = "a".repeat(60_000);
    let many = "x=1&".repeat(5_000);
    let queries = [
        "?".to_owned(),
        "??".to_owned(),
        "?=".to_owned(),
        "?&".to_owned(),
        "?%".to_owned(),
        "?=&=&=".to_owned(),
        "?room[]=a&room[0]=b".to_owned(),
        "?room=a%26user_moderator%3Dfalse".to_owned(),
        format!("?x={long}"),
        format!("?{long}"),
        format!("?room={long}"),
        format!("?user_name={long}"),
        format!("?user_moderator={long}"),
        format!("?room={}", "%2A".repeat(15_000)),
        format!("?room={}", "%E5%85%AC".repeat(5_000)),
        format!("?room={}", "%25".repeat(10_000)),
        format!("?{many}room=a"),
        format!("?{}", "room=a&".repeat(5_000)),
        format!("?{}", "&".repeat(20_000)),
        // Grows when it is normalized.
        format!("?room={}", "%EF%B7%BA".repeat(128)),
        format!("?room={}", "a%CC%81".repeat(64)),
        format!("?room=a{}", "%CC%81".repeat(127)),
    ];
    send_all(queries.map(|query| Request::new("GET", format!("{TOKEN_ROUTE}{query}"))));
}

#[test]
fn odd_paths() {
    let long = format!("/{}", "a".repeat(30_000));
    send_all(
        [
            "/..",
            "/../api/jitsi-token",
            "/api/../api/jitsi-token",
            "/./api/jitsi-token",
            "/api/jitsi-token%00",
            "/%",
            "/%zz",
            "/%ff",
            "/api/jitsi-token:80",
            "/api\\jitsi-token",
            "/*",
            "///",
            "/api/jitsi-token/..",
            &long,
        ]
        .map(|target| Request::new("GET", target)),
    );
}

#[test]
fn odd_methods() {
    let long = "M".repeat(200);
    send_all(
        [
            "A",
            "GET1",
            "G-E-T",
            "PRI-X",
            "!#$%&'*+.^_`|~",
            "M-SEARCH",
            "LINK",
            "PURGE",
            &long,
        ]
        .map(|method| Request::new(method, TOKEN_ROUTE)),
    );
}

#[test]
fn odd_origins() {
    let long = format!("https://{}", "a".repeat(20_000));
    let origins: [&[u8]; 14] = [
        b"https://vtaiwan.tw%0d%0aSet-Cookie:%20x=1",
        b"https://vtaiwan.tw\\r\\nSet-Cookie: x=1",
        b"https://vtaiwan.tw;Set-Cookie: x=1",
        b"https://evil.example\xe2\x80\xa8Set-Cookie: x=1",
        b"https://vtaiwan.tw\"",
        b"https://vtaiwan.tw<script>",
        b"\"",
        b"{}",
        b"\x80\x81\x82",
        b"https://\xf0\x9f\x99\x82",
        b"https://xn--",
        b"https://[::1",
        b"https://vtaiwan.tw:999999",
        long.as_bytes(),
    ];
    let server = Server::good();
    for origin in origins {
        let request = get(&[]).origin(origin);
        let status = if request.has_text_headers() { 403 } else { 500 };
        let response = server.send(&request);
        assert_eq!(response.status, status, "{response}");
        assert_eq!(response.header("Set-Cookie"), None, "{response}");
    }
    let many = (0..50).fold(get(&[]), |request, _| request.origin(ALLOWED));
    assert_eq!(server.send(&many).status, 403);
}

#[test]
fn odd_and_repeated_headers() {
    let post = || Request::new("POST", TOKEN_ROUTE).body(Body::Whole(b"{}".to_vec()));
    let json = "application/json";
    let mut requests = vec![
        post()
            .header("Content-Type", json)
            .header("Content-Type", json),
        post()
            .header("Content-Type", json)
            .header("Content-Type", FORM),
        post()
            .header("Content-Type", "text/plain")
            .header("Content-Type", json),
        post().header("Content-Type", ";;;"),
        post().header("Content-Type", "application/json;"),
        post().header("Content-Type", "application/json; charset"),
        post().header("Content-Type", "application/json; charset=\"utf-8\""),
        post().header("Content-Type", "application/json; charset=utf-16"),
        post().header("Content-Type", b"\xff\xfe".as_slice()),
        post().header("Content-Type", "a".repeat(10_000)),
        post()
            .header("Content-Type", json)
            .header("Content-Encoding", "gzip"),
        post()
            .header("Content-Type", json)
            .header("Expect", "100-continue"),
        get(&[]).header("Access-Control-Request-Method", "GET"),
        get(&[])
            .header("X-Forwarded-Host", FORM)
            .header("X-Original-URL", "/healthz"),
        get(&[]).header("X-HTTP-Method-Override", "DELETE"),
        get(&[]).header("Cookie", b"\xff".as_slice()),
        get(&[]).header("Spin-Full-Url", "http://x/api/jitsi-token?room=*"),
        get(&[]).header("X-Long", "a".repeat(30_000)),
    ];
    let preflight = Request::new("OPTIONS", TOKEN_ROUTE).origin(ALLOWED);
    requests.push(
        preflight
            .clone()
            .header("Access-Control-Request-Method", "GET")
            .header("Access-Control-Request-Method", "DELETE"),
    );
    requests.push(
        preflight
            .clone()
            .header("Access-Control-Request-Method", ""),
    );
    requests.push(preflight.header("Access-Control-Request-Method", b"\xff".as_slice()));
    requests.push((0..60).fold(get(&[]), |request, number| {
        request.header(&format!("X-Header-{number}"), "x")
    }));
    send_all(requests);
}

#[test]
fn odd_bodies() {
    let mut bodies: Vec<Vec<u8>> = vec![
        "[".repeat(16_000).into(),
        "{\"a\":".repeat(3_000).into(),
        format!("{{\"room\":{}1{}}}", "[".repeat(7_000), "]".repeat(7_000)).into(),
        format!("{{\"x\":{}1{}}}", "[".repeat(100), "]".repeat(100)).into(),
        format!("{{\"x\":{}1{}}}", "[".repeat(7_000), "]".repeat(7_000)).into(),
        format!("{{{}\"room\":\"a\"}}", "\"x\":1,".repeat(2_000)).into(),
        format!("{{\"room\":\"{}\"}}", "a".repeat(16_000)).into(),
        format!("{{\"user_name\":\"{}\"}}", "\\u0000".repeat(2_000)).into(),
        br#"{"room":1e999}"#.to_vec(),
        br#"{"x":1e999}"#.to_vec(),
        br#"{"x":123456789012345678901234567890}"#.to_vec(),
        br#"{"user_moderator":"true","user_moderator":1}"#.to_vec(),
        br#"{"__proto__":{"admin":true},"room":"a"}"#.to_vec(),
        b"\xef\xbb\xbf{}".to_vec(),
        b"{}\0".to_vec(),
        vec![0; 1_000],
        vec![0xff; 1_000],
        "&".repeat(16_000).into(),
        "room=a&".repeat(2_000).into(),
        "=".repeat(16_000).into(),
    ];
    bodies.extend((0..=255_u8).map(|byte| vec![b'{', byte, b'}']));
    for content_type in ["application/json", FORM] {
        send_all(bodies.iter().map(|body| post(content_type, body)));
    }
}

#[test]
fn odd_json_values_in_every_field() {
    let values = [
        json!(0),
        json!(-0.0),
        json!(u64::MAX),
        json!([[]]),
        json!({ "room": "a" }),
        json!(" "),
        json!("\u{feff}"),
        json!("\u{fffd}"),
        json!("\u{10ffff}"),
        json!("%"),
        json!("true\0"),
        json!("a@b\u{85}"),
    ];
    let fields = [
        "room",
        "user_id",
        "user_name",
        "user_email",
        "user_moderator",
    ];
    send_all(fields.iter().flat_map(|field| {
        values
            .iter()
            .map(move |value| crate::http::post_json(&json!({ *field: value })))
    }));
}

#[test]
fn slow_bodies() {
    let chunks: Vec<Vec<u8>> = [r#"{"ro"#, r#"om":"#, r#""a""#, "}"]
        .map(Vec::from)
        .to_vec();
    let request =
        post("application/json", "").body(Body::Chunks(chunks, Duration::from_millis(100)));
    let response = Server::good().send(&request);
    assert_eq!(response.status, 200, "{response}");
    assert_eq!(response.token().claims["room"], "a");
}

#[test]
fn broken_off_bodies() {
    let server = Server::good();
    for (announced, sent) in [
        (100, ""),
        (100, r#"{"room":"a"}"#),
        (16_384, "{"),
        (1 << 40, "{"),
    ] {
        let body = Body::BrokenOff {
            announced,
            sent: sent.into(),
        };
        // There may be no response; if there is one, it must not be a token.
        if let Ok(response) = server.send_unchecked(&post("application/json", "").body(body)) {
            assert_ne!(response.status, 200, "{response}");
        }
        assert_eq!(server.send(&get(&[])).status, 200);
    }
}

#[test]
fn bodies_far_too_large() {
    let server = Server::good();
    let large = vec![b' '; 1 << 20];
    let chunks = large.chunks(1 << 16).map(<[u8]>::to_vec).collect();
    for body in [
        Body::Whole(large.clone()),
        Body::Chunks(chunks, Duration::ZERO),
    ] {
        for content_type in ["application/json", FORM, "text/plain"] {
            let request = post(content_type, "").body(body.clone());
            // A host may close the connection before it has read the body, and the client then cannot read the response.
            if let Ok(response) = server.try_send(&request) {
                assert!([413, 415].contains(&response.status), "{response}");
            }
        }
    }
    assert_eq!(server.send(&get(&[])).status, 200);
}

#[test]
fn many_connections_that_say_nothing() {
    let server = Server::good();
    let idle: Vec<_> = (0..50).map(|_| server.connect()).collect();
    assert_eq!(server.send(&get(&[])).status, 200);
    drop(idle);
    assert_eq!(server.send(&get(&[])).status, 200);
}
