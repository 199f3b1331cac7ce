//! Room names: the claim is the name that Jitsi's client requests, or the request is rejected.

use serde_json::json;

use crate::harness::Server;
use crate::http::{get, post_form, post_json};

#[test]
fn the_claim_is_the_name_that_the_client_asks_for() {
    let cases = [
        ("room", "room"),
        ("My-Room", "my-room"),
        ("公民會議", "%e5%85%ac%e6%b0%91%e6%9c%83%e8%ad%b0"),
        ("Town Hall", "town%20hall"),
        (" padded ", "padded"),
        ("a.b_c~d-e", "a.b_c~d-e"),
        ("...", "..."),
        (".a", ".a"),
        ("0", "0"),
        // Normalized to NFKC, then to lower case.
        ("ＡＢＣ１", "abc1"),
        ("e\u{301}", "%c3%a9"),
        ("É", "%c3%a9"),
        ("ﬁ", "fi"),
        ("①", "1"),
        ("Straße", "stra%c3%9fe"),
        ("İ", "i%cc%87"),
        ("ΟΔΟΣ", "%ce%bf%ce%b4%ce%bf%cf%82"),
        ("🙂", "%f0%9f%99%82"),
        ("会议（一）", "%e4%bc%9a%e8%ae%ae(%e4%b8%80)"),
        ("a\"b<c>d{e}f|g`h", "a%22b%3cc%3ed%7be%7df%7cg%60h"),
        // The client removes these from URLs.
        ("a:b@c!d&e'f,g;h=i", "abcdefghi"),
        ("a+b", "ab"),
        ("a$b", "ab"),
        ("a[b", "ab"),
        ("a]b", "ab"),
        ("a(b", "ab"),
        ("a)b", "ab"),
        ("Room: One!", "room%20one"),
        // Encoded twice: decoded once more, as the client does.
        ("%E5%85%AC%E6%B0%91", "%e5%85%ac%e6%b0%91"),
        ("Town%20Hall", "town%20hall"),
        ("My%2DRoom", "my-room"),
        ("Caf%C3%A9", "caf%c3%a9"),
        // Decoding comes after those characters are removed, so their encoded forms stay.
        ("%3F", "%3f"),
        ("%2B", "%2b"),
        ("%28a%29", "(a)"),
        ("%5Ba%5D", "%5ba%5d"),
        ("%24", "%24"),
        ("%3A", "%3a"),
    ];
    for (name, claim) in cases {
        for request in [
            get(&[("room", name)]),
            post_json(&json!({ "room": name })),
            post_form(&[("room", name)]),
        ] {
            let response = Server::good().send(&request);
            assert_eq!(response.status, 200, "{name}: {response}");
            assert_eq!(response.token().claims["room"], claim, "{name}");
        }
    }
}

#[test]
fn a_name_that_means_more_than_one_room_is_rejected() {
    let mut names: Vec<String> = [
        "*",
        "**",
        "a*",
        "*a",
        " * ",
        "＊",
        "a＊b",
        "%2A",
        "%2a%2a",
        "%EF%BC%8A",
        "﹡",
        "%",
        "100%",
        "a%zz",
        "%%",
        "%ff",
        "%C3",
        ".",
        "..",
        "%2E",
        "%2e%2e",
        "/",
        "a/b",
        "%2F",
        "a%2Fb",
        "../x",
        "\\",
        "a\\b",
        "%5C",
        "a%5Cb",
        "%5E",
        "a%00b",
        "%0A",
        "a%7Fb",
        ":",
        "@!&',;=",
        ":.",
        "!..!",
        "+$()[]",
        "%25",
    ]
    .map(str::to_owned)
    .to_vec();
    for c in "*?#^%/\\\0\u{1}\t\n\r\u{1b}\u{7f}".chars() {
        names.push(format!("a{c}b"));
    }
    for name in names {
        for request in [
            get(&[("room", &name)]),
            post_json(&json!({ "room": name })),
            post_form(&[("room", &name)]),
        ] {
            let response = Server::good().send(&request);
            assert_eq!(response.status, 400, "{name:?}: {response}");
            assert!(response.error().contains("room"), "{response}");
        }
    }
}

/// The contract leaves this open: either a token that follows the rules, or a rejection that names the room.
#[test]
fn a_name_that_becomes_a_pattern_is_a_room_or_rejected() {
    for name in [
        "？",
        "＋",
        "＾",
        "＄",
        "％",
        "［a］",
        "／",
        "＼",
        "．．",
        "．",
        "․․",
        "％２Ａ",
        "\u{85}",
        "\u{200b}",
        "\u{feff}",
        "\u{202e}abc",
        "\u{ad}",
        "\u{a0}",
        "a\u{a0}",
        "\u{3000}",
        "！",
        "：＠",
        "ﷺ",
        "℀",
        "½",
        "¨",
        "\u{301}",
        "%25E5%2585%25AC",
        "%252A",
        "%25252A",
        "a%20",
        "%20a",
        "%20",
    ] {
        let response = Server::good().send(&get(&[("room", name)]));
        match response.status {
            // The rule checker has already checked the token.
            200 => {
                let room = response.token().claims["room"].clone();
                assert!(
                    !room.as_str().unwrap_or("*").contains('*'),
                    "{name:?}: {room}"
                );
            }
            status => {
                assert_eq!(status, 400, "{name:?}: {response}");
                assert!(response.error().contains("room"), "{response}");
            }
        }
    }
}

#[test]
fn a_name_that_nobody_can_see_is_rejected() {
    for name in [
        "\u{200b}",
        "\u{feff}",
        "\u{ad}",
        "\u{2060}\u{200d}",
        "\u{202e}",
        "\u{3164}",
        "\u{2800}",
        "!\u{200b}!",
        "%E2%80%8B",
        "%20",
        "%C2%A0\u{200b}",
    ] {
        for request in [get(&[("room", name)]), post_json(&json!({ "room": name }))] {
            let response = Server::good().send(&request);
            assert_eq!(response.status, 400, "{name:?}: {response}");
            assert!(response.error().contains("nobody can see"), "{response}");
        }
    }
}

#[test]
fn a_name_has_at_most_128_characters_and_fits_the_conference_s_address() {
    // The claim has three bytes for each non-ASCII byte of UTF-8, and 969 bytes at most.
    for (c, most, limit) in [
        ("a", 128, "128 characters"),
        ("é", 128, "128 characters"),
        ("公", 107, "969 bytes"),
        ("會", 107, "969 bytes"),
        ("🙂", 80, "969 bytes"),
        ("{", 128, "128 characters"),
    ] {
        let longest = c.repeat(most);
        for name in [longest.clone(), format!("  {longest}  ")] {
            let response = Server::good().send(&get(&[("room", &name)]));
            assert_eq!(response.status, 200, "{c}: {response}");
        }
        let too_long = c.repeat(most + 1);
        for request in [
            get(&[("room", &too_long)]),
            post_json(&json!({ "room": too_long })),
        ] {
            let response = Server::good().send(&request);
            assert_eq!(response.status, 400, "{c}: {response}");
            let error = response.error();
            assert!(
                error.contains("room") && error.contains(limit),
                "{response}"
            );
        }
    }
    let response = Server::good().send(&get(&[("room", &"會".repeat(128))]));
    assert_eq!(response.status, 400, "{response}");
}
