//! Callers who prove who they are: which credentials are accepted, and what a page can read of a rejection.

use serde_json::{Value, json};

use crate::credentials::{Login, SUBJECT, payload, sign_exactly, signing_input, verified_by};
use crate::harness::{ALLOWED, FOREIGN, Server, now};
use crate::http::{Request, Response, TOKEN_ROUTE, get, post_json, preflight};
use crate::key_material::{Directory, openssl, openssl_key, public_key};

fn call(server: &Server, credential: &str) -> Response {
    server.send(&get(&[]).bearer(credential).origin(ALLOWED))
}

/// Asserts that the response is a rejection that the page can read and that contains no token.
fn assert_unauthorized(response: &Response, error: bool, context: &str) {
    assert_eq!(response.status, 401, "{context}: {response}");
    let challenge = response.header("WWW-Authenticate").expect("a challenge");
    assert!(challenge.starts_with("Bearer "), "{challenge}");
    assert_eq!(
        challenge.contains(r#"error="invalid_token""#),
        error,
        "{context}: {challenge}"
    );
    assert_eq!(
        response.header("Access-Control-Allow-Origin"),
        Some(ALLOWED)
    );
    assert_eq!(
        response.header("Access-Control-Expose-Headers"),
        Some("WWW-Authenticate")
    );
    assert!(response.json().get("token").is_none(), "{context}");
}

#[test]
fn no_credential_is_a_401_where_one_is_required_and_a_guest_where_not() {
    let login = Login::new();
    let server = Server::start(login.configure("required"));
    for request in [
        get(&[]),
        post_json(&json!({})),
        post_json(&json!({"room": "*"})),
    ] {
        assert_unauthorized(&server.send(&request.origin(ALLOWED)), false, "absent");
    }
    let head = server.send(&Request::new("HEAD", TOKEN_ROUTE));
    assert_eq!(head.status, 401);
    // The preflight must allow the credential to be sent, and the health check requires none.
    assert_eq!(server.send(&preflight(TOKEN_ROUTE, ALLOWED)).status, 204);
    assert_eq!(server.send(&get(&[]).origin(FOREIGN)).status, 403);
    assert_eq!(server.send(&Request::new("GET", "/healthz")).status, 200);
    drop(server);

    let server = Server::start(login.configure("optional"));
    let parameters = [
        ("user_id", "mine"),
        ("user_moderator", "true"),
        ("user_name", "Me"),
    ];
    let token = server.send(&get(&parameters)).token();
    assert_eq!(token.user()["id"], "user123");
    assert_eq!(token.user()["moderator"], "false");
    assert_eq!(token.user()["name"], "Me");
    assert_unauthorized(&call(&server, "bad"), true, "bad where none is needed");
}

#[test]
fn what_the_credential_says_overrides_the_request() {
    let login = Login::new();
    let server = Server::start(login.configure("required"));
    let credential = login.sign(&json!({
        "name": "Proven", "email": "proven@x.example", "picture": "https://x.example/p", "moderator": true,
    }));
    let requested = json!({
        "room": "hall", "user_id": "other", "user_name": "Other", "user_email": "other@x.example",
        "user_avatar": "https://other.example/", "user_hidden_from_recorder": true,
    });
    let token = server
        .send(&post_json(&requested).bearer(&credential))
        .token();
    assert_eq!(token.claims["room"], "hall");
    assert_eq!(
        *token.user(),
        json!({
            "id": SUBJECT, "name": "Proven", "avatar": "https://x.example/p",
            "email": "proven@x.example", "moderator": "true", "hidden-from-recorder": true,
        })
    );
    // Claims that the credential lacks are left out, not replaced by defaults.
    let token = call(&server, &login.sign(&json!({}))).token();
    assert_eq!(*token.user(), json!({"id": SUBJECT, "moderator": "false"}));
}

#[test]
fn a_forged_credential_is_a_401_and_signs_nothing() {
    let key = rsa_key();
    let public = public_key(&key);
    let settings = verified_by("auth_public_key", &public).set_all(&[
        ("auth_moderator_claim", "realm_access.roles"),
        ("auth_moderator_values", "host"),
    ]);
    let server = Server::start(settings);
    let rs256 = r#"{"alg":"RS256","typ":"JWT"}"#;
    let sign = |header: &str, payload: &str| openssl_signed(&key, header, payload);
    let good = |changes: Value| sign(rs256, &payload(&changes));
    let plain = payload(&json!({}));
    let twice = |claim: &str| plain.replacen('{', &format!("{{{claim},"), 1);
    let accepted = good(json!({"realm_access": {"roles": ["host"]}}));
    let (input, signature) = accepted.rsplit_once('.').unwrap();
    let (none, hs256) = (r#"{"alg":"none"}"#, r#"{"alg":"HS256"}"#);
    let with_signature =
        |header, payload: &str| format!("{}.{signature}", signing_input(header, payload));
    let others = payload(&json!({"sub": "x"}));
    let critical = r#"{"alg":"RS256","crit":["x"],"x":1}"#;
    let roles = |roles: Value| good(json!({"realm_access": {"roles": roles}}));
    let forged = [
        ("alg none", format!("{}.", signing_input(none, &plain))),
        ("alg none with a signature", with_signature(none, &plain)),
        (
            "HS256 with the public key",
            sign_exactly(&public, hs256, &plain),
        ),
        (
            "HS256 with the trimmed key",
            sign_exactly(public.trim(), hs256, &plain),
        ),
        ("another key", openssl_signed(&rsa_key(), rs256, &plain)),
        ("no signature", format!("{input}.")),
        ("two parts", input.to_owned()),
        ("four parts", format!("{accepted}.x")),
        ("other claims under it", with_signature(rs256, &others)),
        ("expired by 31 s and more", good(json!({"exp": now() - 35}))),
        ("not yet valid", good(json!({"nbf": now() + 60}))),
        ("no exp", good(json!({"exp": null}))),
        ("other audience", good(json!({"aud": "other"}))),
        ("no audience", good(json!({"aud": null}))),
        ("other issuer", good(json!({"iss": "https://evil.example"}))),
        ("no subject", good(json!({"sub": null}))),
        ("repeated claim", sign(rs256, &twice(r#""sub":"x""#))),
        ("repeated other", sign(rs256, &twice(r#""x":1,"x":2"#))),
        (
            "repeated alg",
            sign(r#"{"alg":"RS256","alg":"none"}"#, &plain),
        ),
        ("critical extension", sign(critical, &plain)),
        ("nested path to a number", roles(json!(42))),
        ("nested path to an object", roles(json!({}))),
        ("path through a text", good(json!({"realm_access": "host"}))),
        ("more than 8 KiB", good(json!({"pad": "a".repeat(8_192)}))),
        ("nothing", String::new()),
        ("not a JWT", "nonsense".into()),
    ];
    let lines = server.log_of(|server| {
        for (context, credential) in &forged {
            assert_unauthorized(&call(server, credential), true, context);
        }
    });
    assert_eq!(lines.len(), forged.len());
    for line in lines {
        assert_eq!(line["status"], 401, "{line}");
        assert!(line.get("event").is_none(), "{line}");
    }
    let token = call(&server, &accepted).token();
    assert_eq!(token.user()["moderator"], "true");
    // Within the tolerance of 30 seconds.
    assert_eq!(call(&server, &good(json!({"exp": now() - 20}))).status, 200);
}

#[test]
fn an_authorization_header_is_one_bearer_token() {
    let login = Login::new();
    let server = Server::start(login.configure("optional"));
    let credential = login.sign(&json!({}));
    for (value, status) in [
        (format!("Bearer {credential}"), 200),
        (format!("bearer {credential}"), 200),
        (format!("Basic {credential}"), 401),
        (credential.clone(), 401),
        ("Bearer".into(), 401),
        (format!("Bearer {credential} x"), 401),
    ] {
        let response = server.send(&get(&[]).header("Authorization", &value));
        assert_eq!(response.status, status, "{:.10}: {response}", value);
    }
    let response = server.send(&get(&[]).bearer(&credential).bearer(&credential));
    assert_eq!(response.status, 401, "{response}");
}

/// A host may reject such a header before the component sees it, but never with a token.
#[test]
fn a_header_of_a_mebibyte_gets_no_token() {
    let login = Login::new();
    let server = Server::start(login.configure("optional"));
    if let Ok(response) = server.send_unchecked(&get(&[]).bearer(&"a".repeat(1 << 20))) {
        assert!((400..500).contains(&response.status), "{response}");
    }
    assert_eq!(server.send(&get(&[])).status, 200);
}

#[test]
fn each_kind_of_public_key_verifies_its_own_algorithm() {
    for (options, algorithm) in [
        (&["RSA", "-pkeyopt", "rsa_keygen_bits:3072"][..], "RS256"),
        (&["EC", "-pkeyopt", "ec_paramgen_curve:P-256"], "ES256"),
        (&["ED25519"], "EdDSA"),
    ] {
        let key = openssl_key(options);
        let public = public_key(&key);
        for shape in [public.clone(), public.replace('\n', "\\n")] {
            let server = Server::start(verified_by("auth_public_key", &shape));
            for claimed in ["RS256", "ES256", "EdDSA"] {
                let header = json!({"alg": claimed}).to_string();
                let credential = openssl_signed_as(&key, algorithm, &header, &payload(&json!({})));
                let status = if claimed == algorithm { 200 } else { 401 };
                let response = call(&server, &credential);
                assert_eq!(
                    response.status, status,
                    "{algorithm} as {claimed}: {response}"
                );
            }
        }
    }
}

#[test]
fn keys_of_a_set_are_chosen_by_kid_and_can_be_rotated() {
    let (old, new) = (rsa_key(), rsa_key());
    let set = json!({"keys": [rsa_jwk(&old, "old"), rsa_jwk(&new, "new")]}).to_string();
    let server = Server::start(verified_by("auth_jwks", &set));
    for (key, kid, status) in [
        (&old, Some("old"), 200),
        (&new, Some("new"), 200),
        (&old, Some("new"), 401),
        (&new, Some("other"), 401),
        (&new, None, 401),
    ] {
        let response = call(&server, &signed_with_kid(key, kid));
        assert_eq!(response.status, status, "{kid:?}");
    }
}

#[test]
fn the_health_check_names_what_is_missing_or_contradicts() {
    let login = Login::new();
    for (values, variables) in [
        (&[("auth_issuer", "")][..], &["auth_issuer"][..]),
        (
            &[("auth_issuer", ""), ("auth_audience", "")],
            &["auth_issuer", "auth_audience"],
        ),
        (&[("auth_hs256_secret", "")], &["auth_mode"]),
        (&[("auth_hs256_secret", "hidden")], &["auth_hs256_secret"]),
        (&[("auth_public_key", "hidden")], &["auth_public_key"; 2]),
        (&[("auth_jwks", r#"{"keys":[]}"#)], &["auth_jwks"; 2]),
        (&[("auth_mode", "hidden")], &["auth_mode"]),
    ] {
        let settings = login.configure("required").set_all(values);
        let server = Server::start_broken(settings);
        let response = server.send(&Request::new("GET", "/healthz"));
        assert_eq!(response.status, 503, "{response}");
        let problems = response.json()["problems"].as_array().unwrap().clone();
        let named: Vec<_> = problems
            .iter()
            .filter_map(|p| p["variable"].as_str())
            .collect();
        assert_eq!(named, variables, "{response}");
        assert!(!response.to_string().contains("hidden"), "{response}");
        // No token is issued while the caller cannot be verified.
        let credential = login.sign(&json!({}));
        let response = server.send(&get(&[]).bearer(&credential));
        assert_eq!(response.status, 500, "{response}");
    }
}

/// `null` is what Go, PHP and Python write for an empty list.
#[test]
fn rooms_that_are_null_are_none() {
    let login = Login::new();
    let server = Server::start(login.configure("required"));
    let with_rooms = |rooms: &str| {
        let payload = payload(&json!({})).replacen('{', &format!("{{\"rooms\":{rooms},"), 1);
        login.sign_text(&payload)
    };
    for (rooms, status) in [
        ("null", 403),
        ("[]", 403),
        (r#"["other"]"#, 403),
        (r#"["default-room"]"#, 200),
        (r#"["*"]"#, 200),
        (r#""default-room""#, 401),
        (r#""*""#, 401),
        ("true", 401),
        ("1", 401),
        ("{}", 401),
        ("[null]", 401),
        (r#"["*",1]"#, 401),
    ] {
        let response = call(&server, &with_rooms(rooms));
        assert_eq!(response.status, status, "{rooms}: {response}");
    }
    assert_eq!(call(&server, &login.sign(&json!({}))).status, 200);
}

/// A time in milliseconds instead of seconds is thousands of years ahead.
#[test]
fn a_credential_that_lasts_for_more_than_366_days_is_a_401_whose_cause_is_logged() {
    let login = Login::new();
    let server = Server::start(login.configure("required"));
    let day = 86_400;
    // The claim that is too far ahead, or an empty string if none is.
    for (claims, far) in [
        (json!({"exp": (now() + 60) * 1_000}), "exp"),
        (json!({"exp": now() + 366 * day + 60}), "exp"),
        (json!({"exp": 1e300}), "exp"),
        (json!({"exp": u64::MAX}), "exp"),
        (json!({"nbf": now() * 1_000}), "nbf"),
        (json!({"iat": now() * 1_000}), "iat"),
        (json!({"exp": now() + 366 * day - 60}), ""),
        (
            json!({"exp": now() + 30 * day, "nbf": now(), "iat": now()}),
            "",
        ),
    ] {
        let mut status = 0;
        let lines = server.log_of(|server| {
            status = call(server, &login.sign(&claims)).status;
        });
        if far.is_empty() {
            assert_eq!(status, 200, "{claims}");
            continue;
        }
        assert_eq!(status, 401, "{claims}");
        let logged = lines[0]["reason"].as_str().unwrap();
        let expected = format!("{far} is more than 366 days ahead");
        assert!(logged.starts_with(&expected), "{claims}: {logged}");
    }
}

#[test]
fn an_address_that_the_login_has_not_verified_is_left_out() {
    let login = Login::new();
    let server = Server::start(login.configure("required"));
    for (claims, shown) in [
        (json!({"email_verified": false}), false),
        (json!({"email_verified": "false"}), false),
        (json!({"email_verified": 0}), false),
        (json!({"emailVerified": false}), false),
        (
            json!({"email_verified": true, "emailVerified": false}),
            false,
        ),
        (json!({"email_verified": true}), true),
        (json!({"email_verified": "true"}), true),
        (json!({}), true),
    ] {
        let mut all = json!({"email": "ann@x.example"});
        all.as_object_mut()
            .unwrap()
            .extend(claims.as_object().unwrap().clone());
        let token = call(&server, &login.sign(&all)).token();
        let email = token.user().get("email").and_then(Value::as_str);
        assert_eq!(email, shown.then_some("ann@x.example"), "{claims}");
    }
}

/// Callers see one general message; the log tells the operator which check failed.
#[test]
fn each_cause_has_a_log_reason_of_its_own_and_all_one_sentence() {
    let key = rsa_key();
    let other = rsa_key();
    let set = json!({"keys": [rsa_jwk(&key, "one"), rsa_jwk(&other, "two")]}).to_string();
    let server = Server::start(verified_by("auth_jwks", &set));
    let rs256 = r#"{"alg":"RS256","typ":"JWT","kid":"one"}"#;
    let good = |changes: Value| openssl_signed(&key, rs256, &payload(&changes));
    let plain = payload(&json!({}));
    let header = |header: &str| openssl_signed(&key, header, &plain);
    let repeated = plain.replacen('{', r#"{"sub":"confidential","#, 1);
    let none = signing_input(r#"{"alg":"none"}"#, &plain);
    let other_kid = r#"{"alg":"RS256","kid":"confidential"}"#;
    let critical = r#"{"alg":"RS256","kid":"one","crit":["x"],"x":1}"#;
    let opaque = "gho_confidential0123456789".to_owned();
    let jwe = "eyJhbGciOiJSU0EtT0FFUCIsImVuYyI6IkEyNTZHQ00ifQ.QUFB.QUFB.QUFB.QUFB".to_owned();
    let invalid = [
        (
            good(json!({"iss": "https://confidential.example"})),
            "iss is not auth_issuer",
        ),
        (good(json!({"iss": null})), "iss is missing"),
        (
            good(json!({"aud": "confidential"})),
            "aud is not auth_audience",
        ),
        (good(json!({"aud": null})), "aud is missing"),
        (good(json!({"exp": now() - 60})), "exp is in the past"),
        (
            good(json!({"exp": now() * 1_000})),
            "exp is more than 366 days ahead; is it in milliseconds?",
        ),
        (good(json!({"nbf": now() + 120})), "nbf is in the future"),
        (good(json!({"iat": now() + 120})), "iat is in the future"),
        (
            header(other_kid),
            "kid is not in the key set, or its key is for another alg",
        ),
        (
            header(r#"{"alg":"RS256"}"#),
            "kid is missing, and the key set has more than one key for this alg",
        ),
        (
            sign_exactly(b"x", r#"{"alg":"HS256","kid":"one"}"#, &plain),
            "alg is not that of any key in the key set",
        ),
        (format!("{none}."), "alg is none"),
        (
            openssl_signed(&other, rs256, &plain),
            "the signature is not the configured key's",
        ),
        (good(json!({"sub": 17})), "the claim sub has a wrong type"),
        (
            good(json!({"exp": "confidential"})),
            "the claim exp has a wrong type",
        ),
        (
            openssl_signed(&key, rs256, &repeated),
            "a claim is repeated",
        ),
        (
            header(critical),
            "the JWT's header has a critical extension (crit)",
        ),
        (
            opaque,
            "not a JWT: an opaque token, such as an access token that only its issuer can read",
        ),
        (
            jwe,
            "encrypted (JWE); let the login issue signed tokens (JWS)",
        ),
        (
            "undefined".to_owned(),
            "the token is the word undefined, null or [object Object]: the page has no credential",
        ),
        (
            "null".to_owned(),
            "the token is the word undefined, null or [object Object]: the page has no credential",
        ),
        (
            "YWJj.YWJj.YWJj".to_owned(),
            "the JWT's header is unreadable",
        ),
    ];
    let mut reasons = std::collections::BTreeSet::new();
    for (credential, reason) in &invalid {
        let mut message = String::new();
        let lines = server.log_of(|server| {
            let response = call(server, credential);
            assert_unauthorized(&response, true, reason);
            message = response.error();
        });
        assert_eq!(lines.len(), 1, "{reason}: {lines:?}");
        let line = lines[0].to_string();
        assert!(!line.contains("confidential"), "{line}");
        assert_eq!(lines[0]["reason"], *reason);
        let start = "The credential is not valid: ";
        assert!(message.starts_with(start), "{reason}: {message}");
        reasons.insert(*reason);
    }
    // `undefined` and `null` have the same reason.
    assert_eq!(reasons.len(), invalid.len() - 1);

    let bearer = |claims: Value| format!("Bearer {}", good(claims));
    for (authorization, reason) in [
        (
            "Bearer [object Object]".to_owned(),
            "the token is the word undefined",
        ),
        (
            format!("{} x", bearer(json!({}))),
            "Authorization has more than one token",
        ),
        (
            "Basic eDp5".to_owned(),
            "Authorization is not Bearer and a token",
        ),
        (bearer(json!({"sub": null})), "sub is missing"),
        (bearer(json!({"sub": " "})), "sub is empty"),
        (bearer(json!({"exp": null})), "exp is missing"),
        (
            bearer(json!({"rooms": "x"})),
            "the claim rooms has a wrong type",
        ),
        (
            bearer(json!({"moderator": 1})),
            "the claim for moderators has a wrong type",
        ),
        (
            format!("Bearer {}", "a".repeat(9_000)),
            "the credential is too long",
        ),
        // No `Authorization` header.
        (String::new(), "no credential"),
    ] {
        let lines = server.log_of(|server| {
            let mut request = get(&[]);
            if !authorization.is_empty() {
                request = request.header("Authorization", &authorization);
            }
            assert_eq!(server.send(&request).status, 401, "{reason}");
        });
        let logged = lines[0]["reason"].as_str().unwrap_or_default();
        assert!(logged.starts_with(reason), "{logged}");
    }
}

#[test]
fn a_key_without_kid_is_used_where_it_is_the_only_one_of_its_kind() {
    let (rsa, other) = (rsa_key(), rsa_key());
    let nameless = |key: &str| {
        let mut jwk = rsa_jwk(key, "");
        jwk.as_object_mut().unwrap().remove("kid");
        jwk
    };
    let dropped = json!({"kty": "RSA", "kid": "short", "n": "AQAB", "e": "AQAB"});
    let unknown = json!({"kty": "AKP", "kid": "new", "alg": "ML-DSA-44", "pub": "AQAB"});
    for (keys, kid, status) in [
        (json!([nameless(&rsa)]), None, 200),
        (json!([nameless(&rsa)]), Some("any"), 200),
        (json!([nameless(&rsa), dropped, unknown]), None, 200),
        (
            json!([rsa_jwk(&rsa, "a"), nameless(&other)]),
            Some("a"),
            200,
        ),
        (json!([rsa_jwk(&other, "a"), nameless(&rsa)]), None, 401),
        (json!([rsa_jwk(&rsa, "a")]), None, 200),
        (json!([rsa_jwk(&rsa, "a")]), Some("b"), 401),
    ] {
        let set = json!({ "keys": keys }).to_string();
        let server = Server::start(verified_by("auth_jwks", &set));
        let response = call(&server, &signed_with_kid(&rsa, kid));
        assert_eq!(response.status, status, "{kid:?} in {set:.80}: {response}");
    }
}

/// White space around a secret comes from the file in which it was stored (docs/auth.md).
#[test]
fn a_secret_is_trimmed() {
    let login = Login::new();
    for (before, after) in [("", "\n"), (" ", "\r\n"), ("\t", " ")] {
        let secret = format!("{before}{}{after}", login.secret);
        let settings = login
            .configure("required")
            .set("auth_hs256_secret", &secret);
        let server = Server::start(settings);
        assert_eq!(call(&server, &login.sign(&json!({}))).status, 200);
        let untrimmed = Login {
            secret: format!("{}\n", login.secret),
        };
        let credential = untrimmed.sign(&json!({}));
        assert_eq!(call(&server, &credential).status, 401);
    }
}

#[test]
fn no_part_of_a_credential_or_a_secret_is_disclosed() {
    let login = Login::new();
    let server = Server::start(login.configure("required"));
    let good = login.sign(&json!({"name": "Confidential", "email": "confidential@x.example"}));
    let bad = Login::new().sign(&json!({}));
    let mut disclosed = String::new();
    let lines = server.log_of(|server| {
        for credential in [&good, &bad] {
            let response = call(server, credential);
            if response.status != 200 {
                disclosed.push_str(&response.to_string());
            }
        }
    });
    disclosed.push_str(&Value::from(lines).to_string());
    let pieces = |text: &str| -> Vec<String> {
        let characters: Vec<char> = text.chars().collect();
        characters
            .windows(16)
            .map(|window| window.iter().collect())
            .collect()
    };
    for secret in [&good, &bad, &login.secret] {
        for piece in pieces(secret) {
            assert!(!disclosed.contains(&piece), "{piece}");
        }
    }
    assert!(
        !disclosed.to_lowercase().contains("confidential"),
        "{disclosed}"
    );
}

fn rsa_key() -> String {
    openssl_key(&["RSA", "-pkeyopt", "rsa_keygen_bits:2048"])
}

/// Returns a valid credential signed with this key. Its header has the given `kid`, or none.
fn signed_with_kid(key: &str, kid: Option<&str>) -> String {
    let mut header = json!({"alg": "RS256"});
    if let Some(kid) = kid {
        header["kid"] = json!(kid);
    }
    openssl_signed(key, &header.to_string(), &payload(&json!({})))
}

pub(crate) fn openssl_signed(key: &str, header: &str, payload: &str) -> String {
    openssl_signed_as(key, "RS256", header, payload)
}

/// Signs with the algorithm `algorithm`, whatever the header says.
pub(crate) fn openssl_signed_as(key: &str, algorithm: &str, header: &str, payload: &str) -> String {
    use base64::Engine as _;
    let directory = Directory::new("credential");
    let (key_file, input_file, output) = (
        directory.path().join("key"),
        directory.path().join("input"),
        directory.path().join("signature"),
    );
    let input = signing_input(header, payload);
    std::fs::write(&key_file, key).expect("a file");
    std::fs::write(&input_file, &input).expect("a file");
    let mut arguments = vec!["pkeyutl", "-sign", "-rawin", "-inkey"];
    let paths = [&key_file, &input_file, &output].map(|path| path.to_str().expect("UTF-8"));
    arguments.extend([paths[0], "-in", paths[1], "-out", paths[2]]);
    if algorithm != "EdDSA" {
        arguments.extend(["-digest", "sha256"]);
    }
    openssl(&arguments, "");
    let mut signature = std::fs::read(&output).expect("a signature");
    if algorithm == "ES256" {
        signature = raw_p256_signature(&signature);
    }
    let signature = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(signature);
    format!("{input}.{signature}")
}

/// Converts an ECDSA signature from OpenSSL's DER to the two concatenated numbers of a JWT (RFC 7518, section 3.4).
fn raw_p256_signature(der: &[u8]) -> Vec<u8> {
    let number = |at: usize| -> (Vec<u8>, usize) {
        let length = usize::from(der[at + 1]);
        let bytes = &der[at + 2..at + 2 + length];
        let significant = &bytes[bytes.len().saturating_sub(32)..];
        let mut number = vec![0; 32 - significant.len()];
        number.extend_from_slice(significant);
        (number, at + 2 + length)
    };
    let (r, next) = number(2);
    let (s, _) = number(next);
    [r, s].concat()
}

/// Returns the public half of an RSA key as a JWK, with the members that providers add.
pub(crate) fn rsa_jwk(key: &str, kid: &str) -> Value {
    use base64::Engine as _;
    let modulus = openssl(&["rsa", "-noout", "-modulus"], key);
    let hex = modulus.trim().strip_prefix("Modulus=").expect("a modulus");
    let bytes: Vec<u8> = (0..hex.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hexadecimal"))
        .collect();
    let n = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes);
    json!({
        "kty": "RSA", "kid": kid, "use": "sig", "alg": "RS256", "n": n, "e": "AQAB", "x5t": "x",
    })
}
