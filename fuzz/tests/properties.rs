//! Tests the fuzz targets' properties in the ordinary test run: some hundred generated inputs per target, and the corpus.

use std::path::Path;

use jaas_jwt_fuzz::TARGETS;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

/// Tests a target with generated inputs, which are the same in every run.
fn hold(target: &str, cases: u32, inputs: impl Strategy<Value = Vec<u8>>) {
    let target = TARGETS.iter().find(|it| it.name == target).expect(target);
    let config = Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    };
    let mut runner = TestRunner::new_with_rng(
        config,
        proptest::test_runner::TestRng::deterministic_rng(
            proptest::test_runner::RngAlgorithm::ChaCha,
        ),
    );
    runner
        .run(&inputs, |input| {
            (target.run)(&input);
            Ok(())
        })
        .unwrap_or_else(|error| panic!("{error}"));
}

/// Generates one of these words, or any text.
fn word(words: &'static [&'static str]) -> impl Strategy<Value = String> {
    prop_oneof![
        3 => prop::sample::select(words).prop_map(str::to_owned),
        1 => "\\PC{0,20}",
        1 => any::<String>(),
    ]
}

fn origin() -> impl Strategy<Value = String> {
    word(&[
        "https://vtaiwan.tw",
        "https://talk.vtaiwan.tw",
        "http://localhost:3000",
        "https://*.example.org",
        "https://a.example.org",
        "https://app-*-team.example.org",
        "https://app-a-team.example.org",
        "capacitor://localhost",
        "[\"https://a.tw\",'https://b.tw',]",
        "https://evil.example",
        "https://公民.example",
        "null",
        "*",
    ])
}

fn parameters(separator: &'static str) -> impl Strategy<Value = String> {
    let name = word(&[
        "room",
        "user_id",
        "user_name",
        "user_email",
        "user_moderator",
        "user_avatar",
        "user_hidden_from_recorder",
        "features",
        "%72oom",
    ]);
    let value = word(&[
        "",
        "a",
        "My-Room",
        "%E5%85%AC%E6%B0%91",
        "Q%2526A",
        "50%",
        "%ff",
        "%E2%80%8B",
        "a%E2%80%AEb",
        "%EF%BC%8A",
        "*",
        "%zz{marker}",
        "{marker}",
        "+a+b+",
        "a@b.example",
        "TRUE",
        "false",
        "https://a.example/b.png",
        "recording,lobby",
        "%00",
    ]);
    prop::collection::vec((name, value), 0..6).prop_map(move |pairs| {
        let pairs: Vec<_> = pairs
            .into_iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        pairs.join(separator)
    })
}

fn json() -> impl Strategy<Value = String> {
    let name = word(&["room", "user_name", "user_moderator", "features", "x"]);
    let value = prop_oneof![
        any::<String>().prop_map(serde_json::Value::from),
        any::<bool>().prop_map(serde_json::Value::from),
        any::<i64>().prop_map(serde_json::Value::from),
        Just(serde_json::json!(null)),
        Just(serde_json::json!(["recording"])),
    ];
    prop::collection::vec((name, value), 0..5)
        .prop_map(|members| serde_json::Value::Object(members.into_iter().collect()).to_string())
}

#[test]
fn origins() {
    let inputs = (origin(), prop::collection::vec(origin(), 0..5))
        .prop_map(|(header, list)| format!("{header}\n{}", list.join(" ")).into_bytes());
    hold("origin", 2_000, inputs);
}

#[test]
fn requests() {
    let text = prop_oneof![
        parameters("&").prop_map(|text| (b'q', text)),
        parameters("&").prop_map(|text| (b'f', text)),
        json().prop_map(|text| (b'j', text)),
    ];
    let inputs = (any::<u8>(), text)
        .prop_map(|(choice, (form, text))| [&[form, choice], text.as_bytes()].concat());
    hold("request", 2_000, inputs);
}

#[test]
fn keys() {
    let text = word(&[
        "{key}",
        "\"{key}\"",
        "{key}{key}",
        "ssh-rsa AAAA",
        "{\"keys\":[]}",
    ]);
    let inputs = prop_oneof![
        text.prop_map(|text| [b"t", text.as_bytes()].concat()),
        any::<[u8; 3]>().prop_map(|change| [b"d".as_slice(), &change].concat()),
        prop::collection::vec(any::<u8>(), 0..200).prop_map(|der| [b"k".as_slice(), &der].concat()),
    ];
    hold("key", 200, inputs);
}

#[test]
fn configurations() {
    let name = word(&[
        "jaas_app_id",
        "jaas_key_id",
        "jaas_private_key",
        "allowed_origins",
        "allowed_headers",
        "require_origin",
        "default_room",
        "default_user_id",
        "default_user_email",
        "token_ttl_seconds",
        "member_features",
        "allowed_rooms",
        "auth_mode",
        "auth_hs256_secret",
        "auth_jwks",
    ]);
    let value = word(&[
        "",
        "!",
        "true",
        "{key}",
        "{key}{marker}",
        "{secret}",
        "required",
        "https://a.example",
        "https://a.example/",
        "guest-{random}",
        "*",
        "3600",
        "recordings",
        ",",
        "['a', 'b',]",
        "fee1bc-SAMPLE_APP",
    ]);
    let inputs = prop::collection::vec((name, value), 0..6).prop_map(|lines| {
        let lines: Vec<_> = lines
            .into_iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        lines.join("\n").into_bytes()
    });
    hold("configuration", 200, inputs);
}

#[test]
fn credentials() {
    /// Generates a claim that is valid in most cases.
    fn claim(
        name: &'static str,
        good: &'static str,
        bad: &'static [&'static str],
    ) -> impl Strategy<Value = String> {
        prop_oneof![
            4 => Just(good),
            1 => prop::sample::select(bad),
        ]
        .prop_map(move |value| format!("\"{name}\":{value}"))
    }
    let other = [
        r#","realm":{"roles":["host"]}"#,
        r#","rooms":["a"]"#,
        r#","rooms":null"#,
        r#","email":"a@b.example","email_verified":false"#,
        r#","name":7"#,
        r#","sub":"u2""#,
        "",
    ];
    let claims = (
        claim("iss", r#""https://login.example""#, &["1", r#""x""#]),
        claim("aud", r#""jaas""#, &[r#"["a","jaas"]"#, r#""x""#, "[]"]),
        claim("sub", r#""u1""#, &[r#""""#, r#"" ""#, "7", "null"]),
        claim(
            "exp",
            "1700000060",
            &["1e300", "-1", "1699999960", "1700000060000", "1731622401"],
        ),
        claim("nbf", "1700000000", &["1700000060", "1e300", "null"]),
        prop::sample::select(other.to_vec()),
    );
    let inputs = prop_oneof![
        1 => any::<Vec<u8>>().prop_map(|header| [b"r", header.as_slice()].concat()),
        4 => claims.prop_map(|(iss, aud, sub, exp, nbf, other)| {
            format!("s{{{iss},{aud},{sub},{exp},{nbf}{other}}}").into_bytes()
        }),
    ];
    hold("credential", 2_000, inputs);
}

#[test]
fn whole_requests() {
    let line = (
        word(&["GET", "HEAD", "POST", "OPTIONS", "DELETE"]),
        word(&["/api/jitsi-token", "/api/jitsi-token", "/healthz", "/"]),
        parameters("&"),
    );
    let header = prop_oneof![
        origin().prop_map(|origin| format!("Origin: {origin}")),
        word(&[
            "Content-Type: application/json",
            "Content-Type: application/x-www-form-urlencoded",
            "Authorization: Bearer {moderator}",
            "Authorization: Bearer {marker}",
            "Access-Control-Request-Method: GET",
            "Content-Length: 99999",
        ]),
    ];
    let body = prop_oneof![Just(String::new()), json(), parameters("&")];
    let inputs = (
        any::<[u8; 3]>(),
        line,
        prop::collection::vec(header, 0..4),
        body,
    )
        .prop_map(|(choices, (method, path, query), headers, body)| {
            let question = if query.is_empty() { "" } else { "?" };
            let head = format!("{method} {path}{question}{query}\n{}", headers.join("\n"));
            [&choices, format!("{head}\n\n{body}").as_bytes()].concat()
        });
    hold("service", 300, inputs);
}

#[test]
fn signatures() {
    let inputs = prop_oneof![
        4 => (
            prop::sample::select(&b"222334"[..]),
            prop_oneof![Just([0; 32]), Just([0xff; 32]), any::<[u8; 32]>()],
            prop::collection::vec(any::<u8>(), 0..200),
        )
            .prop_map(|(length, random, message)| [&[length], &random[..], &message].concat()),
        1 => any::<[u8; 3]>().prop_map(|change| [b"d".as_slice(), &change].concat()),
    ];
    hold("signing", 200, inputs);
}

#[test]
fn every_target_has_a_program_and_a_corpus() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let names: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
    for folder in ["fuzz_targets", "corpus"] {
        let entries = std::fs::read_dir(root.join(folder)).expect(folder);
        let mut found: Vec<String> = entries
            .map(|entry| entry.expect("an entry").path())
            .filter_map(|path| Some(path.file_stem()?.to_string_lossy().into_owned()))
            .collect();
        found.sort();
        assert_eq!(found, names, "{folder}");
    }
}

#[test]
fn the_corpus_holds() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    for target in TARGETS {
        let folder = corpus.join(target.name);
        let mut tried = 0;
        for entry in std::fs::read_dir(&folder).expect("a folder for each target") {
            let path = entry.expect("a file").path();
            (target.run)(&std::fs::read(&path).expect("an input"));
            tried += 1;
        }
        assert!(tried > 0, "{}", folder.display());
    }
}
