use super::*;
use crate::role::Role;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jwt_simple::prelude::JWTClaims;
use jwt_simple::prelude::{
    ECDSAP256KeyPairLike, ES256KeyPair, Ed25519KeyPair, EdDSAKeyPairLike, RS256KeyPair,
    RSAKeyPairLike,
};
use serde_json::{Map, Value, json};

mod claims;

const NOW: u64 = 1_700_000_000;
/// A long secret that is used nowhere else.
const SECRET: &str = "kX3vQ9sLw2Zr8TnB5yHd7GfJ4mPc6VaE";

fn settings(key: VerificationKey) -> Settings {
    Settings {
        required: true,
        key: KeySource::Configured(key.into()),
        issuer: "https://login.example".into(),
        audience: ClaimValues {
            claim: ClaimPath::new("aud", "aud"),
            values: vec!["jaas".into()],
        },
        group: None,
        identity: IdentityClaims {
            id: ClaimPath::new("sub", "sub"),
            name: vec![ClaimPath::new("name", "name")],
            picture: vec![ClaimPath::new("picture", "picture")],
            email: Some(ClaimPath::new("email", "email")),
            rooms: ClaimPath::new("rooms", "rooms"),
            moderator: ClaimValues {
                claim: ClaimPath::new("moderator", "for moderators"),
                values: vec!["host".into()],
            },
            visitor_values: vec!["observer".to_owned()],
            name_by_request: true,
        },
    }
}

fn with_secret() -> Settings {
    settings(VerificationKey::from_secret(SECRET).unwrap())
}

/// A payload as a login writes it, with `changes` applied. A change to `null` removes the claim.
fn payload(changes: Value) -> String {
    let mut claims = json!({
        "iss": "https://login.example", "aud": "jaas", "sub": "u1", "exp": NOW + 60,
    });
    for (name, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => claims.as_object_mut().unwrap().remove(name),
            value => claims
                .as_object_mut()
                .unwrap()
                .insert(name.clone(), value.clone()),
        };
    }
    claims.to_string()
}

pub(super) fn signing_input(header: &str, payload: &str) -> String {
    let encode = |text: &str| URL_SAFE_NO_PAD.encode(text);
    format!("{}.{}", encode(header), encode(payload))
}

/// A token of exactly these texts, signed with HS256 and `secret`.
fn signed(header: &str, payload: &str, secret: &[u8]) -> String {
    let input = signing_input(header, payload);
    let tag = hmac_sha256::HMAC::mac(input.as_bytes(), secret);
    format!("{input}.{}", URL_SAFE_NO_PAD.encode(tag))
}

fn hs256(payload: &str) -> String {
    signed(r#"{"alg":"HS256","typ":"JWT"}"#, payload, SECRET.as_bytes())
}

fn authenticate(settings: &Settings, headers: &Headers, now: u64) -> Result<Caller, Error> {
    let mut random = |_: &mut [u8]| panic!("random bytes were read");
    let environment = Environment::isolated(now, &mut random);
    settings.authenticate(headers, &environment, &mut None)
}

fn call(settings: &Settings, header: &str) -> Result<Identity, Error> {
    let headers = Headers::from([("Authorization", header)]);
    match authenticate(settings, &headers, NOW)? {
        Caller::Known(identity) => Ok(identity),
        other => panic!("{other:?}"),
    }
}

fn call_with(changes: Value) -> Result<Identity, Error> {
    call(
        &with_secret(),
        &format!("Bearer {}", hs256(&payload(changes))),
    )
}

fn claims() -> JWTClaims<Map<String, Value>> {
    serde_json::from_str(&payload(json!({}))).unwrap()
}

#[test]
fn a_credential_is_one_bearer_token() {
    let token = hs256(&payload(json!({})));
    for (header, good) in [
        (format!("Bearer {token}"), true),
        (format!("bearer  {token} "), true),
        (token.clone(), false),
        ("Bearer".into(), false),
        ("Bearer ".into(), false),
        (String::new(), false),
        (format!("Basic {token}"), false),
        (format!("Bearer {token} {token}"), false),
        (format!("Bearer {token}, Bearer {token}"), false),
    ] {
        assert_eq!(call(&with_secret(), &header).is_ok(), good, "{header:.12}");
    }
    let header = format!("Bearer {token}");
    let twice = Headers::from([("authorization", &*header), ("Authorization", &*header)]);
    assert_eq!(
        authenticate(&with_secret(), &twice, NOW).unwrap_err(),
        Error::Malformed(Header::Several)
    );
}

#[test]
fn without_a_credential_one_is_a_guest_or_rejected() {
    let mut settings = with_secret();
    assert_eq!(
        authenticate(&settings, &Headers::default(), NOW).unwrap_err(),
        Error::Absent
    );
    settings.required = false;
    assert!(matches!(
        authenticate(&settings, &Headers::default(), NOW),
        Ok(Caller::Guest)
    ));
    assert_eq!(
        call(&settings, "Bearer x.y.z").unwrap_err(),
        Error::Invalid(Cause::HeaderUnreadable)
    );
}

#[test]
fn times_issuer_audience_and_subject_are_checked() {
    for (changes, good) in [
        (json!({}), true),
        (json!({"exp": NOW - 30}), true),
        (json!({"exp": NOW - 31}), false),
        (json!({"exp": null}), false),
        (json!({"exp": "9999999999"}), false),
        (json!({"exp": -1}), false),
        (json!({"nbf": NOW + 30}), true),
        (json!({"nbf": NOW + 31}), false),
        (json!({"iat": NOW + 31}), false),
        (json!({"iss": null}), false),
        (json!({"iss": "https://login.example/"}), false),
        (json!({"aud": null}), false),
        (json!({"aud": "other"}), false),
        (json!({"aud": ["other", "jaas"]}), true),
        (json!({"aud": []}), false),
        (json!({"sub": null}), false),
        (json!({"sub": ""}), false),
        (json!({"sub": " "}), false),
        (json!({"sub": 7}), false),
        (json!({"sub": "a\u{0}b"}), false),
        (json!({"sub": "a".repeat(257)}), false),
    ] {
        assert_eq!(call_with(changes.clone()).is_ok(), good, "{changes}");
    }
}

#[test]
fn a_clock_after_the_latest_instant_rejects_every_credential() {
    let late = u64::from(u32::MAX);
    for (exp, now, good) in [
        (late - 1, NOW, false),
        (late * 2, NOW, false),
        (u64::MAX, NOW, false),
        (late, LATEST_INSTANT, true),
        (late, LATEST_INSTANT + 1, false),
        // The year 2262.
        (9_223_372_036, 9_223_372_037, false),
        (u64::MAX, 9_223_372_037, false),
        (u64::MAX, u64::MAX, false),
        (60, 0, false),
        (60, TOLERANCE_SECONDS, true),
    ] {
        let token = hs256(&payload(json!({ "exp": exp })));
        let headers = Headers::from([("authorization", &*format!("Bearer {token}"))]);
        let called = authenticate(&with_secret(), &headers, now);
        assert_eq!(called.is_ok(), good, "{exp} at {now}");
    }
}

#[test]
fn a_forged_or_altered_token_is_refused() {
    let settings = with_secret();
    let payload = payload(json!({"moderator": true}));
    let good = hs256(&payload);
    let input = signing_input(r#"{"alg":"none","typ":"JWT"}"#, &payload);
    let (head, tag) = good.rsplit_once('.').unwrap();
    let tampered = payload.replace("u1", "u2");
    for token in [
        format!("{input}."),
        input.clone(),
        format!("{input}.{tag}"),
        format!("{head}."),
        head.to_owned(),
        format!("{good}.x"),
        format!("{good}="),
        format!(
            "{}.{tag}",
            signing_input(r#"{"alg":"HS256","typ":"JWT"}"#, &tampered)
        ),
        signed(
            r#"{"alg":"HS256"}"#,
            &payload,
            b"another secret of thirty-two bytes",
        ),
        signed(r#"{"alg":"hs256"}"#, &payload, SECRET.as_bytes()),
        signed(r#"{"alg":"HS384"}"#, &payload, SECRET.as_bytes()),
        signed(r#"{"alg":"RS256"}"#, &payload, SECRET.as_bytes()),
        signed(
            r#"{"alg":"HS256","alg":"none"}"#,
            &payload,
            SECRET.as_bytes(),
        ),
        signed(
            r#"{"alg":"HS256","crit":["exp"]}"#,
            &payload,
            SECRET.as_bytes(),
        ),
        signed("{}", &payload, SECRET.as_bytes()),
        signed(r#"{"alg":"HS256"}"#, "[]", SECRET.as_bytes()),
        signed(r#"{"alg":"HS256"}"#, "nonsense", SECRET.as_bytes()),
    ] {
        let error = call(&settings, &format!("Bearer {token}")).unwrap_err();
        assert!(matches!(error, Error::Invalid(_)), "{token}");
    }
    assert!(call(&settings, &format!("Bearer {good}")).unwrap().role == Role::Moderator);
}

#[test]
fn a_repeated_claim_is_refused_at_any_depth() {
    let good = payload(json!({}));
    for repeated in [
        r#""sub":"u2""#,
        r#""exp":9999999999"#,
        r#""moderator":false,"moderator":true"#,
        r#""name":"a","name":"b""#,
        r#""realm_access":{"roles":[],"roles":["host"]}"#,
        r#""list":[{"a":1,"a":2}]"#,
    ] {
        let payload = good.replacen('{', &format!("{{{repeated},"), 1);
        let token = format!("Bearer {}", hs256(&payload));
        assert_eq!(
            call(&with_secret(), &token).unwrap_err(),
            Error::Invalid(Cause::Repeated),
            "{repeated}"
        );
    }
}

#[test]
fn a_credential_has_at_most_8_kib() {
    let with_padding = |n: usize| hs256(&payload(json!({"padding": "a".repeat(n)})));
    let overhead = with_padding(0).len();
    // Three bytes become four characters.
    let fits = (MAX_CREDENTIAL_BYTES - overhead) / 4 * 3 - 3;
    let token = with_padding(fits);
    assert!(token.len() <= MAX_CREDENTIAL_BYTES);
    assert!(call(&with_secret(), &format!("Bearer {token}")).is_ok());
    let token = with_padding(fits + 8);
    assert!(token.len() > MAX_CREDENTIAL_BYTES);
    assert_eq!(
        call(&with_secret(), &format!("Bearer {token}")).unwrap_err(),
        Error::TooLong
    );
}

#[test]
fn the_claim_for_moderators_may_be_nested_and_hold_roles() {
    for (path, changes, expected) in [
        ("moderator", json!({}), Some(false)),
        ("moderator", json!({"moderator": true}), Some(true)),
        ("moderator", json!({"moderator": false}), Some(false)),
        ("moderator", json!({"moderator": "true"}), Some(true)),
        ("moderator", json!({"moderator": "True"}), Some(false)),
        ("moderator", json!({"moderator": "host"}), Some(true)),
        (
            "moderator",
            json!({"moderator": ["guest", "host"]}),
            Some(true),
        ),
        (
            "moderator",
            json!({"moderator": ["guest", "true"]}),
            Some(false),
        ),
        ("moderator", json!({"moderator": []}), Some(false)),
        ("moderator", json!({"moderator": 1}), None),
        ("moderator", json!({"moderator": {}}), None),
        ("moderator", json!({"moderator": ["host", 1]}), None),
        (
            "realm_access.roles",
            json!({"realm_access": {"roles": ["host"]}}),
            Some(true),
        ),
        (
            "realm_access.roles",
            json!({"realm_access": {"roles": ["user"]}}),
            Some(false),
        ),
        (
            "realm_access.roles",
            json!({"realm_access": {}}),
            Some(false),
        ),
        ("realm_access.roles", json!({"realm_access": "host"}), None),
        (
            "realm_access.roles",
            json!({"realm_access": {"roles": 42}}),
            None,
        ),
        (
            "realm_access.roles",
            json!({"realm_access": {"roles": {"host": true}}}),
            None,
        ),
        (
            "https://x.tw/roles",
            json!({"https://x.tw/roles": ["host"]}),
            Some(true),
        ),
    ] {
        let mut settings = with_secret();
        settings.identity.moderator.claim = ClaimPath::new(path, "for moderators");
        let token = format!("Bearer {}", hs256(&payload(changes.clone())));
        let moderator = call(&settings, &token)
            .ok()
            .map(|i| i.role == Role::Moderator);
        assert_eq!(moderator, expected, "{path} {changes}");
    }
}

#[test]
fn the_identity_is_what_the_claims_say() {
    let identity = call_with(json!({
        "sub": " u7 ", "name": "Jane", "email": "j@x.tw", "picture": "https://x.tw/p",
        "rooms": ["vtaiwan", "meetup-*"],
    }))
    .unwrap();
    assert_eq!(identity.id.into_string(), "u7");
    assert_eq!(identity.name.unwrap().into_string(), "Jane");
    assert_eq!(identity.email.unwrap().into_string(), "j@x.tw");
    assert_eq!(identity.avatar.unwrap().into_string(), "https://x.tw/p");
    assert!(identity.rooms.is_some());

    // A value that cannot be displayed is left out; a value of a wrong type is rejected.
    let identity = call_with(json!({
        "name": "a\u{0}b", "email": "nobody", "picture": "http://x.tw/p",
    }))
    .unwrap();
    assert!(identity.name.is_none() && identity.email.is_none() && identity.avatar.is_none());
    for name in ["name", "email", "picture", "rooms"] {
        assert!(call_with(json!({ name: 7 })).is_err(), "{name}");
    }
    assert!(call_with(json!({"rooms": "vtaiwan"})).is_err());
    assert!(call_with(json!({"rooms": ["vtaiwan", 7]})).is_err());
}

#[test]
fn the_algorithm_follows_from_the_key() {
    let rsa = RS256KeyPair::generate(2048).unwrap();
    let p256 = ES256KeyPair::generate();
    let ed25519 = Ed25519KeyPair::generate();
    let pems = [
        rsa.public_key().to_pem().unwrap(),
        p256.public_key().to_pem().unwrap(),
        ed25519.public_key().to_pem(),
    ];
    let tokens = [
        rsa.sign(claims()).unwrap(),
        p256.sign(claims()).unwrap(),
        ed25519.sign(claims()).unwrap(),
        hs256(&payload(json!({}))),
    ];
    for (i, pem) in pems.iter().enumerate() {
        let one_line = pem.replace('\n', "\\n");
        let settings = settings(VerificationKey::from_pem(&one_line).unwrap());
        for (j, token) in tokens.iter().enumerate() {
            let called = call(&settings, &format!("Bearer {token}"));
            assert_eq!(called.is_ok(), i == j, "key {i}, token {j}");
        }
        // Algorithm confusion: the text of the public key used as an HMAC secret.
        for secret in [pem.as_str(), pem.trim(), one_line.as_str()] {
            let forged = signed(r#"{"alg":"HS256"}"#, &payload(json!({})), secret.as_bytes());
            assert!(call(&settings, &format!("Bearer {forged}")).is_err());
        }
    }
}

#[test]
fn a_key_set_is_chosen_from_by_kid() {
    let old = RS256KeyPair::generate(2048).unwrap().with_key_id("old");
    let new = ES256KeyPair::generate().with_key_id("new");
    let stranger = ES256KeyPair::generate().with_key_id("new");
    let jwk = |text: String, kid: &str| {
        let mut jwk: Value = serde_json::from_str(&text).unwrap();
        jwk["kid"] = json!(kid);
        jwk["x5t"] = json!("a provider's own member");
        jwk
    };
    let set = json!({"keys": [
        {"kty": "RSA", "use": "enc", "kid": "enc", "n": "AQAB", "e": "AQAB"},
        {"kty": "unheard-of", "kid": "x"},
        jwk(old.public_key().to_jwk(), "old"),
        jwk(new.public_key().to_jwk(), "new"),
    ]});
    let settings = settings(VerificationKey::from_jwks(&set.to_string()).unwrap());
    let call = |token: String| call(&settings, &format!("Bearer {token}"));
    assert!(call(old.sign(claims()).unwrap()).is_ok());
    assert!(call(new.sign(claims()).unwrap()).is_ok());
    assert!(call(stranger.sign(claims()).unwrap()).is_err());
    assert!(call(old.clone().with_key_id("new").sign(claims()).unwrap()).is_err());
    assert!(call(old.clone().with_key_id("other").sign(claims()).unwrap()).is_err());
    let without_kid = RS256KeyPair::from_der(&old.to_der().unwrap()).unwrap();
    // This is the only key for its algorithm.
    assert!(call(without_kid.sign(claims()).unwrap()).is_ok());

    let twice = json!({"keys": [
        jwk(new.public_key().to_jwk(), "new"),
        jwk(stranger.public_key().to_jwk(), "new"),
    ]});
    assert!(VerificationKey::from_jwks(&twice.to_string()).is_err());
}

#[test]
fn a_private_key_is_not_taken_for_a_public_one() {
    let pem = ES256KeyPair::generate().to_pem().unwrap();
    let problem = VerificationKey::from_pem(&pem).unwrap_err();
    assert!(problem.contains("private key"), "{problem}");
}

#[test]
fn a_challenge_names_an_error_only_where_there_was_a_credential() {
    assert!(!Error::Absent.challenge().unwrap().contains("error"));
    assert_eq!(Error::NotMember(Group::Another).challenge(), None);
    for error in [
        Error::Malformed(Header::NotBearer),
        Error::TooLong,
        Error::Invalid(Cause::Signature),
        Error::Claim(Claim::NoExpiry),
    ] {
        let challenge = error.challenge().unwrap();
        assert!(challenge.contains(r#"error="invalid_token""#));
    }
}

/// A valid payload with an additional claim; unlike in `payload`, `null` is kept.
fn payload_and(name: &str, value: &Value) -> String {
    let mut claims: Map<String, Value> = serde_json::from_str(&payload(json!({}))).unwrap();
    claims.insert(name.to_owned(), value.clone());
    Value::Object(claims).to_string()
}

fn call_and(name: &str, value: &Value) -> Result<Identity, Error> {
    let token = hs256(&payload_and(name, value));
    call(&with_secret(), &format!("Bearer {token}"))
}

#[test]
fn null_grants_no_room_and_otherwise_counts_as_absent() {
    let rooms = |value: &Value| {
        call_and("rooms", value).map(|identity| format!("{:?}", identity.rooms.unwrap()))
    };
    let none = format!("{:?}", crate::room::List::from_names([]));
    assert_eq!(rooms(&Value::Null), Ok(none.clone()));
    assert_eq!(rooms(&json!([])), Ok(none));
    assert!(call_with(json!({})).unwrap().rooms.is_none());
    let wrong = [
        json!("a"),
        json!(""),
        json!(1),
        json!(true),
        json!({}),
        json!([null]),
        json!([["a"]]),
    ];
    for value in wrong {
        assert_eq!(
            rooms(&value),
            Err(Error::Claim(Claim::Type("rooms"))),
            "{value}"
        );
    }
    for name in ["name", "email", "picture", "moderator"] {
        let identity = call_and(name, &Value::Null).unwrap();
        assert!(identity.name.is_none() && identity.email.is_none());
        assert!(identity.avatar.is_none() && identity.role == Role::Member);
    }
    for name in ["iss", "aud", "exp", "nbf", "iat", "sub"] {
        assert!(call_and(name, &Value::Null).is_err(), "{name}");
    }
    let inside = call_and("moderator", &json!(["host", null]));
    assert_eq!(inside.unwrap_err(), Error::Claim(Claim::Moderator));
}

#[test]
fn an_address_that_is_not_verified_is_left_out() {
    for (claims, kept) in [
        (json!({}), true),
        (json!({"email_verified": true}), true),
        (json!({"email_verified": "true"}), true),
        (json!({"email_verified": "True"}), true),
        (json!({"emailVerified": true}), true),
        (json!({"email_verified": false}), false),
        (json!({"email_verified": "false"}), false),
        (json!({"email_verified": ""}), false),
        (json!({"email_verified": 1}), false),
        (json!({"email_verified": ["true"]}), false),
        (json!({"emailVerified": false}), false),
        (json!({"emailVerified": "2026-01-01"}), false),
        (
            json!({"email_verified": true, "emailVerified": false}),
            false,
        ),
    ] {
        let mut changes = claims.clone();
        changes["email"] = json!("j@x.tw");
        let identity = call_with(changes).unwrap();
        assert_eq!(identity.email.is_some(), kept, "{claims}");
    }
    assert!(
        call_and("email_verified", &Value::Null)
            .unwrap()
            .email
            .is_none()
    );
}

#[test]
fn times_in_milliseconds_are_not_valid() {
    for (changes, cause) in [
        (json!({"exp": NOW + MAX_LIFETIME_SECONDS}), None),
        (json!({"exp": NOW as f64 + 60.9}), None),
        (
            json!({"exp": NOW + MAX_LIFETIME_SECONDS + 1}),
            Some(Cause::ExpiresTooLate),
        ),
        (
            json!({"exp": (NOW + 60) * 1000}),
            Some(Cause::ExpiresTooLate),
        ),
        (json!({"exp": u64::MAX}), Some(Cause::ExpiresTooLate)),
        (json!({"exp": 1e300}), Some(Cause::ExpiresTooLate)),
        (json!({"nbf": NOW * 1000}), Some(Cause::NotBeforeTooLate)),
        (json!({"iat": NOW * 1000}), Some(Cause::IssuedTooLate)),
        (json!({"exp": -0.5}), Some(Cause::Expired)),
    ] {
        let error = call_with(changes.clone()).err();
        assert_eq!(error, cause.map(Error::Invalid), "{changes}");
    }
}

#[test]
fn each_cause_has_a_reason_of_its_own_for_the_log() {
    let plain = payload(json!({}));
    let good = hs256(&plain);
    let (input, tag) = good.rsplit_once('.').unwrap();
    let with_header = |header: &str| signed(header, &plain, SECRET.as_bytes());
    let with = |changes: Value| hs256(&payload(changes));
    let and = |name: &str, value: Value| hs256(&payload_and(name, &value));
    let mut reasons = std::collections::HashSet::new();
    for (token, reason) in [
        ("undefined".to_owned(), "the token is the word undefined"),
        ("null".into(), "the token is the word undefined"),
        ("[object Object]".into(), "the token is the word undefined"),
        ("two tokens".into(), "more than one token"),
        ("nonsense".into(), "not a JWT"),
        ("a.b".into(), "not a JWT"),
        ("a.b.c.d.e".into(), "encrypted"),
        ("a".repeat(8193), "too long"),
        (format!("?.{tag}.{tag}"), "header is unreadable"),
        (with_header("{}"), "header is unreadable"),
        (
            with_header(r#"{"alg":"HS256","jwk":{"kty":"oct","k":"AA"}}"#),
            "header has a key of its own (jwk)",
        ),
        (
            with_header(r#"{"alg":"HS256","kid":1}"#),
            "header has a kid of a wrong type",
        ),
        (
            with_header(r#"{"alg":"HS256","x5c":"AA"}"#),
            "header has a x5c of a wrong type",
        ),
        (
            with_header(r#"{"alg":"HS256","alg":"HS256","kid":1}"#),
            "header is unreadable",
        ),
        (with_header(r#"{"alg":"HS256","crit":["x"]}"#), "crit"),
        (with_header(r#"{"alg":"HS256","typ":"secevent"}"#), "typ"),
        (
            with_header(r#"{"alg":"HS256","typ":"logout+jwt"}"#),
            "typ other than JWT and at+jwt",
        ),
        (with_header(r#"{"alg":"none"}"#), "alg is none"),
        (with_header(r#"{"alg":"nOnE"}"#), "alg is none"),
        (with_header(r#"{"alg":"RS256"}"#), "alg is not HS256"),
        (format!("{input}.AAAA"), "the signature"),
        (format!("{input}."), "the signature"),
        (
            signed(r#"{"alg":"HS256"}"#, r#"{"exp":"x"}"#, b"another"),
            "the signature",
        ),
        (hs256("nonsense"), "the claims are unreadable"),
        (hs256("[]"), "the claims are unreadable"),
        (
            hs256(&plain.replacen('{', r#"{"sub":"a","#, 1)),
            "a claim is repeated",
        ),
        (
            hs256(&plain.replacen('{', r#"{"x":{"y":1,"y":2},"#, 1)),
            "a claim is repeated",
        ),
        (with(json!({"iss": null})), "iss is missing"),
        (and("iss", Value::Null), "iss is missing"),
        (
            with(json!({"iss": "https://evil.example"})),
            "iss is not auth_issuer",
        ),
        (and("iss", json!(1)), "the claim iss has a wrong type"),
        (with(json!({"aud": null})), "aud is missing"),
        (and("aud", Value::Null), "the claim aud has a wrong type"),
        (
            and("aud", json!(["jaas", 1])),
            "the claim aud has a wrong type",
        ),
        (with(json!({"aud": "other"})), "aud is not auth_audience"),
        (with(json!({"exp": null})), "exp is missing"),
        (and("exp", Value::Null), "the claim exp has a wrong type"),
        (
            with(json!({"exp": "9999999999"})),
            "the claim exp has a wrong type",
        ),
        (with(json!({"exp": NOW - 31})), "exp is in the past"),
        (
            with(json!({"exp": NOW * 1000})),
            "exp is more than 366 days ahead",
        ),
        (with(json!({"nbf": NOW + 31})), "nbf is in the future"),
        (
            with(json!({"nbf": NOW * 1000})),
            "nbf is more than 366 days ahead",
        ),
        (with(json!({"nbf": true})), "the claim nbf has a wrong type"),
        (with(json!({"iat": NOW + 31})), "iat is in the future"),
        (
            with(json!({"iat": NOW * 1000})),
            "iat is more than 366 days ahead",
        ),
        (with(json!({"sub": null})), "sub is missing"),
        (with(json!({"sub": 17})), "the claim sub has a wrong type"),
        (with(json!({"sub": " "})), "sub is empty"),
        (with(json!({"sub": "a\u{0}b"})), "sub is too long"),
        (with(json!({"jti": 1})), "the claim jti has a wrong type"),
        (with(json!({"name": 1})), "the claim name has a wrong type"),
        (
            with(json!({"rooms": 1})),
            "the claim rooms has a wrong type",
        ),
        (
            with(json!({"moderator": 1})),
            "the claim for moderators has a wrong type",
        ),
    ] {
        let error = call(&with_secret(), &format!("Bearer {token}")).unwrap_err();
        let told = error.reason();
        assert!(told.contains(reason), "{reason}: {told} ({token:.200})");
        reasons.insert(told);
    }
    assert_eq!(reasons.len(), 39);
    let headers = Headers::from([("authorization", &*format!("Bearer {good}"))]);
    let late = authenticate(&with_secret(), &headers, LATEST_INSTANT + 1).unwrap_err();
    assert!(late.reason().contains("clock"), "{late}");
    assert_eq!(Error::Absent.reason(), "no credential");
    let basic = call(&with_secret(), "Basic x").unwrap_err();
    assert_eq!(basic.reason(), "Authorization is not Bearer and a token");
}

#[test]
fn what_the_caller_reads_does_not_depend_on_the_cause() {
    let sentences: std::collections::HashSet<_> = [
        Cause::Expired,
        Cause::Signature,
        Cause::Issuer,
        Cause::Unset,
    ]
    .map(|cause| Error::Invalid(cause).to_string())
    .into();
    assert_eq!(sentences.len(), 1);
    assert_eq!(
        Error::Claim(Claim::EmptySubject).to_string(),
        "The credential's claim sub is missing, repeated or of a wrong type"
    );
}

#[test]
fn a_secret_is_neither_public_nor_structured_nor_known() {
    let rsa = RS256KeyPair::generate(2048).unwrap();
    let (public, private) = (rsa.public_key().to_pem().unwrap(), rsa.to_pem().unwrap());
    let body: String = public
        .lines()
        .filter(|line| !line.starts_with('-'))
        .collect();
    let base64 = |text: &str| base64::engine::general_purpose::STANDARD.encode(text);
    let jwks =
        json!({"keys": [serde_json::from_str::<Value>(&rsa.public_key().to_jwk()).unwrap()]});
    let token = hs256(&payload(json!({})));
    let x = "x9Fq".repeat(20);
    for text in [
        public.clone(),
        public.trim().to_owned(),
        public.replace('\n', "\\n"),
        public.replace('\n', "%0A"),
        body.clone(),
        base64(&public),
        private.clone(),
        base64(&private),
        public.lines().next().unwrap().to_owned() + "\n" + &body[..60],
        format!("-----BEGIN CERTIFICATE-----\n{x}\n-----END CERTIFICATE-----"),
        rsa.public_key().to_jwk(),
        jwks.to_string(),
        serde_json::to_string_pretty(&jwks).unwrap(),
        base64(&jwks.to_string()),
        r#"["a long enough list of JSON to be a secret"]"#.into(),
        "https://login.example/.well-known/jwks.json".into(),
        "postgres://user:password@db.example:5432/logins".into(),
        format!("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5{x} me@host"),
        format!("AAAAB3NzaC1yc2EAAAADAQABAAABgQ{x}"),
        base64(&format!("ssh-rsa {x}")),
        token.clone(),
        base64(&token),
        format!("{token}.{token}")
            .rsplit_once('.')
            .unwrap()
            .0
            .to_owned(),
        "a".repeat(64),
        "ab".repeat(32),
        "0123456789abcdef".repeat(2),
        "0123456789abcdef".repeat(4),
        "1234567890".repeat(4),
        "12345678901234567890123456789012".into(),
        "abcdefghijklmnopqrstuvwxyz123456".into(),
        "aaaabbbbccccddddeeeeffffaaaabbbbccdd".into(),
        "your-256-bit-secret".into(),
        "your-256-bit-secret-your-256-bit-secret".into(),
        "your-secret-key-at-least-32-characters".into(),
        "a-string-secret-at-least-256-bits-long".into(),
        "changeme".into(),
        "changemechangemechangemechangeme!".into(),
        "secret".into(),
        "secretsecretsecretsecretsecretsecret".into(),
        "super_secret_jwt_signing_key_change_me_in_production".into(),
        "MySuperSecretKeyForJwtSigning12345".into(),
        "<the secret that the login signs with>".into(),
        "${AUTH_HS256_SECRET_OF_THE_LOGIN_HERE}".into(),
        "{{ secrets.AUTH_HS256_SECRET_OF_THE_LOGIN }}".into(),
        "vpaas-magic-cookie-1fc542a3e4414a44b2611668195e2bfe".into(),
        "vpaas-magic-cookie-1fc542a3e4414a44b2611668195e2bfe/4f4910".into(),
        jwks.to_string().replace('"', "'"),
        jwks.to_string().replace('"', "\\\""),
        format!("\"{}\"", jwks.to_string().replace('"', "\\\"")),
        percent_encoding::utf8_percent_encode(
            &jwks.to_string(),
            percent_encoding::NON_ALPHANUMERIC,
        )
        .to_string(),
        format!("data:application/json;base64,{}", base64(&jwks.to_string())),
        jwks["keys"][0]["n"].as_str().unwrap().to_owned(),
        public.bytes().map(|byte| format!("{byte:02x}")).collect(),
        body[..body.len() / 2].to_owned(),
        format!("kty: RSA\nn: {x}\ne: AQAB"),
        format!("Bearer {token}"),
        "login.example.org/realms/main/protocol/openid-connect/certs".into(),
        "urn:example:login:secret:of:the:site:1".into(),
        "SHA256:uNiVztksCsDhcc0u9e8BgrJXVGDngsQMEAZFHaBHsmA".into(),
        "407408718192-x9fq3kd8s7.apps.googleusercontent.com".into(),
        "this-is-my-secret-key-for-jwt-authentication".into(),
        "ThisIsASecretKeyForJWTTokenGeneration".into(),
        "a-valid-string-secret-that-is-at-least-512-bits-long-which-is-very-long".into(),
        "django-insecure-please-change-this-key-in-production".into(),
        "NEXTAUTH_SECRET=changeme-changeme-changeme".into(),
        "qwertyuiopasdfghjklzxcvbnm123456".into(),
        "Lorem ipsum dolor sit amet, consectetur".into(),
        "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"
            .into(),
        "$(openssl rand -base64 48 | tr -d x)".into(),
        "too short".into(),
        String::new(),
    ] {
        let problem = VerificationKey::from_secret(&text)
            .map(|_| ())
            .expect_err(&text);
        assert!(
            problem.contains("`openssl rand -base64 48`") && problem.ends_with('.'),
            "{problem}"
        );
        let again = VerificationKey::from_secret(&format!(" {text}\n"));
        assert!(again.is_err(), "{text}");
    }
}

#[test]
fn a_secret_is_whatever_a_generator_writes() {
    use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
    for round in 0..2_000_usize {
        // Deterministic, so that every run uses the same bytes.
        let blocks =
            (0..3_u8).flat_map(|block| hmac_sha256::HMAC::mac([block], round.to_le_bytes()));
        let bytes: Vec<u8> = blocks.take(24 + round % 60).collect();
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let printable: String = bytes
            .iter()
            .map(|byte| char::from(33 + byte % 94))
            .collect();
        for text in [
            STANDARD.encode(&bytes),
            URL_SAFE_NO_PAD.encode(&bytes),
            hex,
            format!("{printable}-{}", STANDARD.encode(&bytes[..12])),
        ] {
            assert!(VerificationKey::from_secret(&text).is_ok(), "{text}");
        }
    }
    // Random bytes that start like DER, and random text with characters typical of a URL, JSON or a template.
    let beginning = |start: &[u8]| {
        let rest = hmac_sha256::HMAC::mac(start, "").repeat(2);
        STANDARD.encode([start, &rest[start.len()..48]].concat())
    };
    for text in [
        beginning(&[0x30, 0x81, 0x9c]),
        beginning(&[0x30, 0x82, 0x61, 0x02]),
        beginning(&[0x30, 0x82, 0x00, 0x10, 0x02, 0x01, 0x00, 0x30]),
        "b4.xq/Wn^2!tR(8vK$zL>5mQ[c;Y~juH3&e@".into(),
        "k9.ab:Wn^2!tR(8vK$zL>5mQ[c;Y~juH".into(),
        "q://tR8^vK2!zL5(mQ9$cY3>jH6[eW1;aN".into(),
        "$tR8^vK2!zL5mQ9cY3>jH6[eW1;aNqwP)".into(),
        "{tR8^vK2!zL5(mQ9$cY3>jH6[eW1;aNqw}".into(),
        "[tR8^vK2!zL5(mQ9$cY3>jH6{eW1;aNqw]".into(),
        "age1R8^vK2!zL5(mQ9$cY3>jH6[eW1;aNq".into(),
    ] {
        assert!(VerificationKey::from_secret(&text).is_ok(), "{text}");
    }
    for text in [
        "correct horse battery staple, and a wren",
        "8f14e45f-ceea-467f-a9d4-3c2b1a0f9e8d",
        "民主會議民主會議的一個很長的共用秘密",
    ] {
        assert!(VerificationKey::from_secret(text).is_ok(), "{text}");
    }
}

fn jwk(text: &str, changes: Value) -> Value {
    let mut jwk: Value = serde_json::from_str(text).unwrap();
    for (name, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => jwk.as_object_mut().unwrap().remove(name),
            value => jwk
                .as_object_mut()
                .unwrap()
                .insert(name.clone(), value.clone()),
        };
    }
    jwk
}

#[test]
fn a_key_that_is_not_used_is_named_with_its_reason() {
    let rsa = RS256KeyPair::generate(2048).unwrap().public_key().to_jwk();
    let p256 = ES256KeyPair::generate().public_key().to_jwk();
    let good = jwk(&p256, json!({"kid": "good"}));
    let modulus = |bytes: usize| URL_SAFE_NO_PAD.encode(vec![0xff; bytes]);
    for (changes, reason) in [
        (json!({"n": modulus(128)}), "fewer than 2048 bits"),
        (json!({"n": modulus(1024)}), "more than 4096 bits"),
        (json!({"n": "?"}), "not base64url"),
        (json!({"e": "Aw"}), "exponent"),
        (json!({"kty": "ML-DSA"}), "unknown kind"),
        (json!({"kty": null}), "unknown kind"),
        (json!({"kty": "EC", "crv": "P-521"}), "curve"),
        (
            json!({"kty": "EC", "crv": "P-256", "alg": null}),
            "no point",
        ),
        (json!({"use": "enc"}), "signatures (use)"),
        (json!({"key_ops": ["encrypt"]}), "key_ops"),
        (json!({"alg": "RS512"}), "(alg)"),
    ] {
        let dropped = jwk(
            &jwk(&rsa, json!({"kid": "bad"})).to_string(),
            changes.clone(),
        );
        let set = KeySet::parse(&json!({"keys": [dropped, good]}).to_string()).unwrap();
        let [only] = set.dropped() else {
            panic!("{changes}: {:?}", set.dropped())
        };
        assert_eq!(only.kid.as_deref(), Some("bad"));
        assert!(only.reason.contains(reason), "{reason}: {}", only.reason);
        assert!(KeySet::parse(&json!({"keys": [dropped]}).to_string()).is_err());
    }
    let twice = KeySet::parse(&json!({"keys": [good, good]}).to_string()).unwrap();
    assert_eq!(twice.dropped()[0].reason, "is in the set twice");
    // A certificate chain may be longer than any key.
    let long = jwk(&rsa, json!({"kid": "long", "x5c": ["A".repeat(20_000)]}));
    assert!(
        KeySet::parse(&json!({"keys": [long]}).to_string())
            .unwrap()
            .dropped()
            .is_empty()
    );
}

#[test]
fn a_set_with_a_secret_in_it_is_not_taken() {
    let pair = RS256KeyPair::generate(2048).unwrap();
    let good = ES256KeyPair::generate().public_key().to_jwk();
    for secret in [
        pair.to_jwk(),
        ES256KeyPair::generate().to_jwk(),
        json!({"kty": "oct", "kid": "x", "k": "c2VjcmV0"}).to_string(),
    ] {
        let keys =
            json!({"keys": [jwk(&good, json!({"kid": "a"})), jwk(&secret, json!({"kid": "b"}))]});
        let problem = VerificationKey::from_jwks(&keys.to_string()).unwrap_err();
        assert!(problem.contains("private or secret key"), "{problem}");
    }
}

/// Copies a key pair: jwt-simple's type does not implement `Clone`.
fn copy(pair: &ES256KeyPair) -> ES256KeyPair {
    ES256KeyPair::from_pem(&pair.to_pem().unwrap()).unwrap()
}

#[test]
fn a_key_without_kid_is_used_where_it_is_the_only_one_of_its_kind() {
    let rsa = RS256KeyPair::generate(2048).unwrap();
    let p256 = ES256KeyPair::generate();
    let other = ES256KeyPair::generate();
    let set = |keys: &[Value]| {
        settings(VerificationKey::from_jwks(&json!({ "keys": keys }).to_string()).unwrap())
    };
    let no_kid = |text: String| jwk(&text, json!({"kid": null}));
    let kid = |text: String, kid: &str| jwk(&text, json!({ "kid": kid }));
    let (rsa_jwk, p256_jwk, other_jwk) = (
        rsa.public_key().to_jwk(),
        p256.public_key().to_jwk(),
        other.public_key().to_jwk(),
    );
    let call = |settings: &Settings, token: String| {
        call(settings, &format!("Bearer {token}"))
            .map(|_| ())
            .map_err(Error::reason)
    };

    let one_each = set(&[no_kid(rsa_jwk.clone()), no_kid(p256_jwk.clone())]);
    assert_eq!(call(&one_each, rsa.sign(claims()).unwrap()), Ok(()));
    assert_eq!(call(&one_each, p256.sign(claims()).unwrap()), Ok(()));
    assert_eq!(
        call(
            &one_each,
            copy(&p256).with_key_id("any").sign(claims()).unwrap()
        ),
        Ok(())
    );
    let wrong = call(&one_each, other.sign(claims()).unwrap()).unwrap_err();
    assert!(wrong.contains("signature"), "{wrong}");

    // Two keys that cannot be told apart are both dropped, and so is a key without `kid` beside another of its kind.
    let two = set(&[
        no_kid(p256_jwk.clone()),
        no_kid(other_jwk.clone()),
        no_kid(rsa_jwk.clone()),
    ]);
    assert!(
        call(&two, p256.sign(claims()).unwrap())
            .unwrap_err()
            .contains("alg is not")
    );
    let beside = set(&[no_kid(p256_jwk.clone()), kid(other_jwk.clone(), "o")]);
    assert!(
        call(&beside, p256.sign(claims()).unwrap())
            .unwrap_err()
            .contains("signature")
    );
    assert_eq!(call(&beside, other.sign(claims()).unwrap()), Ok(()));

    let named = set(&[kid(p256_jwk, "a"), kid(other_jwk, "b"), kid(rsa_jwk, "a")]);
    assert!(
        call(&named, p256.sign(claims()).unwrap())
            .unwrap_err()
            .contains("kid is missing")
    );
    assert!(
        call(&named, copy(&p256).with_key_id("c").sign(claims()).unwrap())
            .unwrap_err()
            .contains("kid is not in")
    );
    assert_eq!(
        call(&named, copy(&p256).with_key_id("a").sign(claims()).unwrap()),
        Ok(())
    );
    assert_eq!(
        call(&named, rsa.with_key_id("a").sign(claims()).unwrap()),
        Ok(())
    );
}

#[test]
fn a_public_key_comes_in_the_shapes_of_a_private_one() {
    let pair = RS256KeyPair::generate(2048).unwrap();
    let pem = pair.public_key().to_pem().unwrap();
    let body: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    for text in [
        pem.replace('\n', "\n\n"),
        pem.replace('\n', "%0A"),
        body,
        format!("text before\n{pem}"),
    ] {
        assert!(VerificationKey::from_pem(&text).is_ok(), "{text}");
    }
    assert!(
        VerificationKey::from_pem(&pem.repeat(2))
            .unwrap_err()
            .contains("more than one public key")
    );
    let private: String = pair
        .to_pem()
        .unwrap()
        .lines()
        .filter(|line| !line.starts_with('-'))
        .collect();
    assert!(
        VerificationKey::from_pem(&private)
            .unwrap_err()
            .contains("private key")
    );
    for text in ["ssh-rsa AAAA me@host", "nonsense", &pem[..200]] {
        assert!(VerificationKey::from_pem(text).is_err(), "{text}");
    }
}

#[test]
fn a_value_of_the_claim_makes_a_visitor_and_a_higher_one_counts_more() {
    use Role::{Member, Moderator, Visitor};
    for (claim, expected) in [
        (json!("observer"), Visitor),
        (json!(["observer"]), Visitor),
        (json!(["x", "observer"]), Visitor),
        (json!(["observer", "chair"]), Moderator),
        (json!("chair"), Moderator),
        (json!("Observer"), Member),
        (json!("true"), Moderator),
        (json!(false), Member),
        (json!([]), Member),
    ] {
        let mut settings = with_secret();
        settings.identity.moderator.values = vec!["chair".to_owned()];
        let token = format!("Bearer {}", hs256(&payload(json!({ "moderator": claim }))));
        assert_eq!(call(&settings, &token).unwrap().role, expected, "{claim}");
    }
}

/// Lists the rejected secrets if it fails.
#[test]
#[ignore = "takes a minute"]
fn of_a_million_random_secrets_all_are_accepted() {
    use base64::engine::general_purpose::STANDARD;
    let started = std::process::id();
    let mut rejected = Vec::new();
    for round in 0..250_000_u32 {
        let blocks = (0..4_u8).flat_map(|block| {
            hmac_sha256::HMAC::mac(
                [block],
                [started.to_le_bytes(), round.to_le_bytes()].concat(),
            )
        });
        let bytes: Vec<u8> = blocks.take(24 + round as usize % 60).collect();
        // The remainders are not exactly uniform, which does not matter here.
        let printable: String = hmac_sha256::HMAC::mac(b"printable", &bytes)
            .iter()
            .chain(&bytes)
            .map(|byte| char::from(33 + byte % 94))
            .take(32)
            .collect();
        for text in [
            STANDARD.encode(&bytes),
            URL_SAFE_NO_PAD.encode(&bytes),
            bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
            printable,
        ] {
            if let Err(problem) = VerificationKey::from_secret(&text) {
                rejected.push((text, problem));
            }
        }
    }
    assert!(rejected.is_empty(), "{}: {rejected:#?}", rejected.len());
}
