//! Callers who prove who they are: which credentials count, and what a page can read of a rejection.

use serde_json::{Value, json};

use crate::credentials::{AUDIENCE, ISSUER, Login, SUBJECT, payload, sign_exactly, signing_input};
use crate::harness::{ALLOWED, FOREIGN, Server, Settings, now};
use crate::http::{Request, Response, TOKEN_ROUTE, get, post_json, preflight};
use crate::key_material::{Directory, openssl, openssl_key, public_key};

fn call(server: &Server, credential: &str) -> Response {
    server.send(&get(&[]).bearer(credential).origin(ALLOWED))
}

/// A rejection that the page can read, and for which nothing was signed.
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
    // A page must be allowed to send its credential, and the health check needs none.
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
fn who_is_proven_is_not_asked() {
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
    // What the credential does not say is left out, not invented.
    let token = call(&server, &login.sign(&json!({}))).token();
    assert_eq!(*token.user(), json!({"id": SUBJECT, "moderator": "false"}));
}

#[test]
fn a_forged_credential_is_a_401_and_signs_nothing() {
    let key = openssl_key(&["RSA", "-pkeyopt", "rsa_keygen_bits:2048"]);
    let public = public_key(&key);
    let server = Server::start(Settings::good().set_all(&[
        ("auth_mode", "required"),
        ("auth_public_key", &public),
        ("auth_issuer", ISSUER),
        ("auth_audience", AUDIENCE),
        ("auth_moderator_claim", "realm_access.roles"),
        ("auth_moderator_values", "host"),
    ]));
    let rs256 = r#"{"alg":"RS256","typ":"JWT"}"#;
    let sign = |header: &str, payload: &str| openssl_signed(&key, header, payload);
    let good = |changes: Value| sign(rs256, &payload(&changes));
    let plain = payload(&json!({}));
    let twice = |claim: &str| plain.replacen('{', &format!("{{{claim},"), 1);
    let accepted = good(json!({"realm_access": {"roles": ["host"]}}));
    let (input, signature) = accepted.rsplit_once('.').unwrap();
    let forged = [
        (
            "alg none",
            format!("{}.", signing_input(r#"{"alg":"none"}"#, &plain)),
        ),
        (
            "alg none with a signature",
            format!("{}.{signature}", signing_input(r#"{"alg":"none"}"#, &plain)),
        ),
        (
            "HS256 with the public key",
            sign_exactly(public.as_bytes(), r#"{"alg":"HS256"}"#, &plain),
        ),
        (
            "HS256 with the trimmed public key",
            sign_exactly(public.trim().as_bytes(), r#"{"alg":"HS256"}"#, &plain),
        ),
        (
            "another key",
            openssl_signed(
                &openssl_key(&["RSA", "-pkeyopt", "rsa_keygen_bits:2048"]),
                rs256,
                &plain,
            ),
        ),
        ("no signature", format!("{input}.")),
        ("two parts", input.to_owned()),
        ("four parts", format!("{accepted}.x")),
        (
            "other claims under the signature",
            format!(
                "{}.{signature}",
                signing_input(rs256, payload(&json!({"sub": "x"})))
            ),
        ),
        ("expired by 31 s and more", good(json!({"exp": now() - 35}))),
        ("not yet valid", good(json!({"nbf": now() + 60}))),
        ("no exp", good(json!({"exp": null}))),
        ("other audience", good(json!({"aud": "other"}))),
        ("no audience", good(json!({"aud": null}))),
        ("other issuer", good(json!({"iss": "https://evil.example"}))),
        ("no subject", good(json!({"sub": null}))),
        ("repeated claim", sign(rs256, &twice(r#""sub":"x""#))),
        (
            "repeated unknown claim",
            sign(rs256, &twice(r#""x":1,"x":2"#)),
        ),
        (
            "repeated header",
            sign(r#"{"alg":"RS256","alg":"none"}"#, &plain),
        ),
        (
            "critical extension",
            sign(r#"{"alg":"RS256","crit":["x"],"x":1}"#, &plain),
        ),
        (
            "nested path to a number",
            good(json!({"realm_access": {"roles": 42}})),
        ),
        (
            "nested path to an object",
            good(json!({"realm_access": {"roles": {}}})),
        ),
        (
            "nested path through a text",
            good(json!({"realm_access": "host"})),
        ),
        (
            "more than 8 KiB",
            good(json!({"padding": "a".repeat(8_192)})),
        ),
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
            let server = Server::start(Settings::good().set_all(&[
                ("auth_mode", "required"),
                ("auth_public_key", &shape),
                ("auth_issuer", ISSUER),
                ("auth_audience", AUDIENCE),
            ]));
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
    let (old, new) = (
        openssl_key(&["RSA", "-pkeyopt", "rsa_keygen_bits:2048"]),
        openssl_key(&["RSA", "-pkeyopt", "rsa_keygen_bits:2048"]),
    );
    let set = json!({"keys": [rsa_jwk(&old, "old"), rsa_jwk(&new, "new")]}).to_string();
    let server = Server::start(Settings::good().set_all(&[
        ("auth_mode", "required"),
        ("auth_jwks", &set),
        ("auth_issuer", ISSUER),
        ("auth_audience", AUDIENCE),
    ]));
    for (key, kid, status) in [
        (&old, Some("old"), 200),
        (&new, Some("new"), 200),
        (&old, Some("new"), 401),
        (&new, Some("other"), 401),
        (&new, None, 401),
    ] {
        let mut header = json!({"alg": "RS256"});
        if let Some(kid) = kid {
            header["kid"] = json!(kid);
        }
        let credential = openssl_signed(key, &header.to_string(), &payload(&json!({})));
        assert_eq!(call(&server, &credential).status, status, "{kid:?}");
    }
}

#[test]
fn the_health_check_names_what_is_missing_or_contradicts() {
    let login = Login::new();
    let good = || login.configure("required");
    for (settings, variables) in [
        (good().set("auth_issuer", ""), &["auth_issuer"][..]),
        (
            good().set("auth_issuer", "").set("auth_audience", ""),
            &["auth_issuer", "auth_audience"],
        ),
        (good().set("auth_hs256_secret", ""), &["auth_mode"]),
        (
            good().set("auth_hs256_secret", "hidden"),
            &["auth_hs256_secret"],
        ),
        (
            good().set("auth_public_key", "hidden"),
            &["auth_public_key", "auth_public_key"],
        ),
        (
            good().set("auth_jwks", r#"{"keys":[]}"#),
            &["auth_jwks", "auth_jwks"],
        ),
        (good().set("auth_mode", "hidden"), &["auth_mode"]),
    ] {
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
        // No token while nobody can tell who is calling.
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

/// Milliseconds in the place of seconds are thousands of years ahead.
#[test]
fn a_credential_that_lasts_for_more_than_366_days_is_a_401_whose_cause_is_logged() {
    let login = Login::new();
    let server = Server::start(login.configure("required"));
    let day = 86_400;
    for (claims, reason) in [
        (
            json!({"exp": (now() + 60) * 1_000}),
            Some("exp is more than 366 days ahead"),
        ),
        (
            json!({"exp": now() + 366 * day + 60}),
            Some("exp is more than 366 days ahead"),
        ),
        (
            json!({"exp": 1e300}),
            Some("exp is more than 366 days ahead"),
        ),
        (
            json!({"exp": u64::MAX}),
            Some("exp is more than 366 days ahead"),
        ),
        (
            json!({"nbf": now() * 1_000}),
            Some("nbf is more than 366 days ahead"),
        ),
        (
            json!({"iat": now() * 1_000}),
            Some("iat is more than 366 days ahead"),
        ),
        (json!({"exp": now() + 366 * day - 60}), None),
        (
            json!({"exp": now() + 30 * day, "nbf": now(), "iat": now()}),
            None,
        ),
    ] {
        let mut status = 0;
        let lines = server.log_of(|server| {
            status = call(server, &login.sign(&claims)).status;
        });
        match reason {
            None => assert_eq!(status, 200, "{claims}"),
            Some(reason) => {
                assert_eq!(status, 401, "{claims}");
                let logged = lines[0]["reason"].as_str().unwrap();
                assert!(logged.starts_with(reason), "{claims}: {logged}");
            }
        }
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

/// The caller reads one sentence, and the operator which of the checks failed.
#[test]
fn each_cause_has_a_log_reason_of_its_own_and_all_one_sentence() {
    let key = openssl_key(&["RSA", "-pkeyopt", "rsa_keygen_bits:2048"]);
    let other = openssl_key(&["RSA", "-pkeyopt", "rsa_keygen_bits:2048"]);
    let set = json!({"keys": [rsa_jwk(&key, "one"), rsa_jwk(&other, "two")]}).to_string();
    let server = Server::start(Settings::good().set_all(&[
        ("auth_mode", "required"),
        ("auth_jwks", &set),
        ("auth_issuer", ISSUER),
        ("auth_audience", AUDIENCE),
    ]));
    let rs256 = r#"{"alg":"RS256","typ":"JWT","kid":"one"}"#;
    let good = |changes: Value| openssl_signed(&key, rs256, &payload(&changes));
    let plain = payload(&json!({}));
    let header = |header: &str| openssl_signed(&key, header, &plain);
    let with = |member: &str| {
        openssl_signed(
            &key,
            rs256,
            &plain.replacen('{', &format!("{{{member},"), 1),
        )
    };
    let jwe = "eyJhbGciOiJSU0EtT0FFUCIsImVuYyI6IkEyNTZHQ00ifQ.QUFB.QUFB.QUFB.QUFB";
    let hs256 = sign_exactly(b"x", r#"{"alg":"HS256","kid":"one"}"#, &plain);
    let invalid = [
        (
            "wrong iss",
            good(json!({"iss": "https://confidential.example"})),
            "iss is not auth_issuer",
        ),
        ("no iss", good(json!({"iss": null})), "iss is missing"),
        (
            "wrong aud",
            good(json!({"aud": "confidential"})),
            "aud is not auth_audience",
        ),
        ("no aud", good(json!({"aud": null})), "aud is missing"),
        (
            "expired",
            good(json!({"exp": now() - 60})),
            "exp is in the past",
        ),
        (
            "in milliseconds",
            good(json!({"exp": now() * 1_000})),
            "exp is more than 366 days ahead; is it in milliseconds?",
        ),
        (
            "not yet",
            good(json!({"nbf": now() + 120})),
            "nbf is in the future",
        ),
        (
            "from the future",
            good(json!({"iat": now() + 120})),
            "iat is in the future",
        ),
        (
            "unknown kid",
            header(r#"{"alg":"RS256","kid":"confidential"}"#),
            "kid is not in the key set, or its key is for another alg",
        ),
        (
            "no kid",
            header(r#"{"alg":"RS256"}"#),
            "kid is missing, and the key set has more than one key for this alg",
        ),
        (
            "wrong alg",
            hs256,
            "alg is not that of any key in the key set",
        ),
        (
            "alg none",
            format!("{}.", signing_input(r#"{"alg":"none"}"#, &plain)),
            "alg is none",
        ),
        (
            "bad signature",
            openssl_signed(&other, rs256, &plain),
            "the signature is not the configured key's",
        ),
        (
            "sub: 17",
            good(json!({"sub": 17})),
            "the claim sub has a wrong type",
        ),
        (
            "exp as text",
            good(json!({"exp": "confidential"})),
            "the claim exp has a wrong type",
        ),
        (
            "repeated",
            with(r#""sub":"confidential""#),
            "a claim is repeated",
        ),
        (
            "crit",
            header(r#"{"alg":"RS256","kid":"one","crit":["x"],"x":1}"#),
            "the JWT's header has a critical extension (crit)",
        ),
        (
            "opaque",
            "gho_confidential0123456789".to_owned(),
            "not a JWT: an opaque token, such as an access token that only its issuer can read",
        ),
        (
            "JWE",
            jwe.to_owned(),
            "encrypted (JWE); let the login issue signed tokens (JWS)",
        ),
        (
            "undefined",
            "undefined".to_owned(),
            "the token is the word undefined, null or [object Object]: the page has no credential",
        ),
        (
            "null",
            "null".to_owned(),
            "the token is the word undefined, null or [object Object]: the page has no credential",
        ),
        (
            "header",
            "YWJj.YWJj.YWJj".to_owned(),
            "the JWT's header is unreadable",
        ),
    ];
    let mut reasons = std::collections::BTreeSet::new();
    for (context, credential, reason) in &invalid {
        let mut message = String::new();
        let lines = server.log_of(|server| {
            let response = call(server, credential);
            assert_unauthorized(&response, true, context);
            message = response.error();
        });
        assert_eq!(lines.len(), 1, "{context}: {lines:?}");
        assert!(
            !lines[0].to_string().contains("confidential"),
            "{}",
            lines[0]
        );
        let logged = lines[0]["reason"].as_str().unwrap_or_default();
        assert_eq!(logged, *reason, "{context}");
        assert!(
            message.starts_with("The credential is not valid: "),
            "{context}: {message}"
        );
        reasons.insert(logged.to_owned());
    }
    // `undefined` and `null` are one cause.
    assert_eq!(reasons.len(), invalid.len() - 1);

    for (credential, reason) in [
        (
            Some("Bearer [object Object]".to_owned()),
            "the token is the word undefined",
        ),
        (
            Some(format!("Bearer {} x", good(json!({})))),
            "Authorization has more than one token",
        ),
        (
            Some("Basic eDp5".to_owned()),
            "Authorization is not Bearer and a token",
        ),
        (
            Some(format!("Bearer {}", good(json!({"sub": null})))),
            "sub is missing",
        ),
        (
            Some(format!("Bearer {}", good(json!({"sub": " "})))),
            "sub is empty",
        ),
        (
            Some(format!("Bearer {}", good(json!({"exp": null})))),
            "exp is missing",
        ),
        (
            Some(format!("Bearer {}", good(json!({"rooms": "x"})))),
            "the claim rooms has a wrong type",
        ),
        (
            Some(format!("Bearer {}", good(json!({"moderator": 1})))),
            "the claim for moderators has a wrong type",
        ),
        (
            Some(format!("Bearer {}", "a".repeat(9_000))),
            "the credential is too long",
        ),
        (None, "no credential"),
    ] {
        let lines = server.log_of(|server| {
            let mut request = get(&[]);
            if let Some(value) = &credential {
                request = request.header("Authorization", value);
            }
            assert_eq!(server.send(&request).status, 401, "{reason}");
        });
        let logged = lines[0]["reason"].as_str().unwrap_or_default();
        assert!(logged.starts_with(reason), "{logged}");
    }
}

#[test]
fn a_key_without_kid_is_used_where_it_is_the_only_one_of_its_kind() {
    let (rsa, other) = (
        openssl_key(&["RSA", "-pkeyopt", "rsa_keygen_bits:2048"]),
        openssl_key(&["RSA", "-pkeyopt", "rsa_keygen_bits:2048"]),
    );
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
        let server = Server::start(Settings::good().set_all(&[
            ("auth_mode", "required"),
            ("auth_jwks", &set),
            ("auth_issuer", ISSUER),
            ("auth_audience", AUDIENCE),
        ]));
        let mut header = json!({"alg": "RS256"});
        if let Some(kid) = kid {
            header["kid"] = json!(kid);
        }
        let credential = openssl_signed(&rsa, &header.to_string(), &payload(&json!({})));
        let response = call(&server, &credential);
        assert_eq!(response.status, status, "{kid:?} in {set:.80}: {response}");
    }
}

/// White space around it belongs to the file that it came from, and not to the secret. docs/auth.md says so.
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
fn no_part_of_a_credential_or_a_secret_is_told() {
    let login = Login::new();
    let server = Server::start(login.configure("required"));
    let good = login.sign(&json!({"name": "Confidential", "email": "confidential@x.example"}));
    let bad = Login::new().sign(&json!({}));
    let mut told = String::new();
    let lines = server.log_of(|server| {
        for credential in [&good, &bad] {
            let response = call(server, credential);
            if response.status != 200 {
                told.push_str(&response.to_string());
            }
        }
    });
    told.push_str(&Value::from(lines).to_string());
    let pieces = |text: &str| -> Vec<String> {
        let characters: Vec<char> = text.chars().collect();
        characters
            .windows(16)
            .map(|window| window.iter().collect())
            .collect()
    };
    for secret in [&good, &bad, &login.secret] {
        for piece in pieces(secret) {
            assert!(!told.contains(&piece), "{piece}");
        }
    }
    assert!(!told.to_lowercase().contains("confidential"), "{told}");
}

pub(crate) fn openssl_signed(key: &str, header: &str, payload: &str) -> String {
    openssl_signed_as(key, "RS256", header, payload)
}

/// Signs as `algorithm` says, whatever the header claims.
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

/// OpenSSL writes the two numbers of an ECDSA signature in DER, a JWT one after the other (RFC 7518, section 3.4).
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

/// The public half of an RSA key as a JWK, with members as a provider adds them.
pub(crate) fn rsa_jwk(key: &str, kid: &str) -> Value {
    use base64::Engine as _;
    let modulus = openssl(&["rsa", "-noout", "-modulus"], key);
    let digits = modulus
        .trim()
        .strip_prefix("Modulus=")
        .expect("a modulus")
        .to_owned();
    let bytes: Vec<u8> = (0..digits.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&digits[at..at + 2], 16).expect("hexadecimal digits"))
        .collect();
    let n = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes);
    json!({
        "kty": "RSA", "kid": kid, "use": "sig", "alg": "RS256", "n": n, "e": "AQAB", "x5t": "x",
    })
}
