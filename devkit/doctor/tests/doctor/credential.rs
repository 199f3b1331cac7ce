//! `--credential`: the report explains every common mistake in callers' tokens, and shows only what may be shown of them.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use devkit_doctor::credential::Outcome;
use jwt_simple::prelude::{
    ECDSAP256KeyPairLike, ES256KeyPair, JWTClaims, RS256KeyPair, RSAKeyPairLike,
};
use ring::hmac;
use serde_json::{Map, Value, json};

use crate::secrets::{Search, shapes};
use crate::setup::{APP_ID, NOW, Setup, short_key};

const SECRET: &str = "tTq0dGm3b9yKfX1cVwZr7uLsN5eJ2hQp8aRoU4iB";

/// Returns the claims of [`Setup::faultless`]'s login with `changes` applied; `null` removes a claim.
fn claims(changes: Value) -> Value {
    let mut claims = json!({
        "iss": "https://login.vtaiwan.tw", "aud": "jaas-jwt", "sub": "person-4711", "exp": NOW + 600,
        "iat": NOW, "name": "Jane Person", "moderator": true,
    });
    for (name, value) in changes.as_object().expect("an object") {
        match value {
            Value::Null => drop(claims.as_object_mut().expect("an object").remove(name)),
            value => claims[name] = value.clone(),
        }
    }
    claims
}

fn part(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

/// Signs any header and any claims with an HMAC.
fn signed(header: &Value, claims: &Value, secret: &str) -> String {
    let message = format!("{}.{}", part(header), part(claims));
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let tag = hmac::sign(&key, message.as_bytes());
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(tag))
}

fn hs256(changes: Value) -> String {
    signed(
        &json!({"alg": "HS256", "typ": "JWT"}),
        &claims(changes),
        SECRET,
    )
}

/// Returns the names of the report's checks with this result, and their lines.
fn lines(setup: &Setup, credential: &str, result: Outcome) -> Vec<String> {
    let report = setup.report_on(credential);
    let verdict = report.credential.expect("a verdict");
    let checks = verdict.checks.iter();
    checks
        .filter(|check| check.result == result && check.name != "service")
        .map(ToString::to_string)
        .collect()
}

fn fails(setup: &Setup, credential: &str) -> Vec<String> {
    lines(setup, credential, Outcome::Fail)
}

#[test]
fn a_good_credential_passes_every_check_and_the_service_agrees() {
    for credential in [
        hs256(json!({})),
        format!("Bearer {}\n", hs256(json!({}))),
        hs256(json!({"aud": ["other", "jaas-jwt"]})),
        hs256(json!({"rooms": ["vtaiwan"]})),
    ] {
        let report = Setup::faultless().report_on(&credential);
        let verdict = report.credential.clone().expect("a verdict");
        assert!(verdict.accepted && report.ok, "{}", report.text());
        assert!(
            verdict.checks.iter().all(|c| c.result == Outcome::Ok),
            "{}",
            report.text()
        );
        assert!(report.text().contains("ok[service]"), "{}", report.text());
    }
}

/// Wrong claims: for each, the check that fails and its message, with both values side by side.
#[test]
fn a_wrong_claim_is_told_with_both_values() {
    let now = NOW;
    for (changes, expected) in [
        (
            json!({"iss": "https://login.vtaiwan.tw/"}),
            "fail[iss] credential \"https://login.vtaiwan.tw/\" configured \"https://login.vtaiwan.tw\": iss is not auth_issuer (they differ by the slash at the end)",
        ),
        (
            json!({"iss": "http://login.vtaiwan.tw"}),
            "fail[iss] credential \"http://login.vtaiwan.tw\" configured",
        ),
        (
            json!({"iss": "https://Login.vtaiwan.tw"}),
            "fail[iss] credential \"https://Login.vtaiwan.tw\" configured",
        ),
        (
            json!({"iss": "https://other.tw"}),
            "fail[iss] credential \"https://other.tw\" configured \"https://login.vtaiwan.tw\": iss is not auth_issuer; set",
        ),
        (json!({"iss": null}), "fail[iss] credential none configured"),
        (json!({"iss": 7}), "fail[iss] credential 7 configured"),
        (
            json!({"aud": "other"}),
            "fail[aud] credential \"other\" configured \"jaas-jwt\"",
        ),
        (
            json!({"aud": ["a", "b"]}),
            "fail[aud] credential [\"a\", \"b\"] configured \"jaas-jwt\"",
        ),
        (
            json!({"aud": null}),
            "fail[aud] credential none configured \"jaas-jwt\": aud is missing; let",
        ),
        (
            json!({"aud": null, "client_id": "x"}),
            "only client_id or azp",
        ),
        (
            json!({"exp": null}),
            "fail[exp] credential none configured now 1800000000: exp is missing; let the login write a number",
        ),
        (json!({"exp": "soon"}), "fail[exp] credential a string"),
        (
            json!({"exp": now - 700, "iat": now - 800}),
            "exp is in the past by 11 min; the page sent an old credential, or the login writes local time in place of UTC.",
        ),
        (
            json!({"exp": now - 7 * 3600 + 20, "iat": now - 8 * 3600}),
            "exp is in the past by 6 h 59 min; the page sent an old credential, or the login writes local time in place of UTC.",
        ),
        (
            json!({"exp": (now + 600) * 1000}),
            "fail[exp] credential 1800000600000 configured now 1800000000: exp is more than 366 days ahead; is it in milliseconds? Let the login write seconds",
        ),
        (
            json!({"exp": now + 367 * 86_400}),
            "more than 366 days ahead",
        ),
        (
            json!({"nbf": now + 120}),
            "fail[nbf] credential 1800000120 configured now 1800000000: nbf is in the future by 2 min; the login's clock is fast, or",
        ),
        (
            json!({"iat": now + 8 * 3600}),
            "fail[iat] … iat is in the future by 8 h 0 min; the login's clock is fast, or it writes local time",
        ),
        (json!({"iat": now * 1000}), "fail[iat] … milliseconds"),
        (
            json!({"sub": 17}),
            "fail[sub] credential a number configured \"sub\": a string: the claim sub has a wrong type; let the login write",
        ),
        (json!({"sub": null}), "fail[sub] credential none"),
        (json!({"sub": " "}), "fail[sub] … empty"),
        (
            json!({"name": 7}),
            "fail[name] credential a number configured \"name\": a string: the claim name has a wrong type; let the login write a string.",
        ),
        (
            json!({"moderator": 1}),
            "fail[moderator] credential 1 configured \"moderator\": true: the claim for moderators has a wrong type; let the login write true, false,",
        ),
        (
            json!({"aud": null, "client_id": "page-1"}),
            "set auth_audience_claim to that claim",
        ),
        (
            json!({"rooms": "vtaiwan"}),
            "fail[rooms] credential a string",
        ),
        (
            json!({"rooms": ["a", 1]}),
            "fail[rooms] credential a list configured … the claim rooms has a wrong type; let the login write a list of strings.",
        ),
    ] {
        let credential = hs256(changes.clone());
        let lines = fails(&Setup::faultless(), &credential);
        assert_eq!(lines.len(), 1, "{changes}: {lines:#?}");
        for text in expected.split(" … ") {
            assert!(lines[0].contains(text), "{changes}: {text}\n{}", lines[0]);
        }
    }
}

/// A login may put personal data into claims that are shown, or the operator may name a personal claim in a variable.
#[test]
fn nothing_personal_is_shown_in_whatever_claim_it_stands() {
    let of_group = |claim: &str| {
        let setup = Setup::faultless().set("auth_required_claim", claim);
        setup.set("auth_required_values", "staff")
    };
    let of_moderator = |claim: &str| Setup::faultless().set("auth_moderator_claim", claim);
    let plain = Setup::faultless;
    for (setup, changes) in [
        (plain(), json!({"iss": "jane@vtaiwan.tw"})),
        (
            plain(),
            json!({"iss": "https://login.vtaiwan.tw/jane%40vtaiwan.tw"}),
        ),
        (
            plain(),
            json!({"iss": "https://login.vtaiwan.tw/person-4711"}),
        ),
        (plain(), json!({"iss": "person-4711"})),
        (plain(), json!({"aud": "mailto:jane@vtaiwan.tw"})),
        (plain(), json!({"aud": ["other", "jane@vtaiwan.tw"]})),
        (plain(), json!({"aud": ["other", "person-4711"]})),
        (plain(), json!({"aud": "Jane Person"})),
        (plain(), json!({"aud": null, "azp": "jane@vtaiwan.tw"})),
        (plain(), json!({"aud": null, "client_id": "person-4711"})),
        (
            plain(),
            json!({"aud": "jane-p", "preferred_username": "jane-p"}),
        ),
        (
            plain(),
            json!({"aud": "+886 2 4711", "phone_number": "+886 2 4711"}),
        ),
        (of_moderator("sub"), json!({})),
        (of_moderator("name"), json!({})),
        (of_moderator("uid"), json!({"uid": 4711, "sub": 4711})),
        (of_moderator("email"), json!({"email": "jane@vtaiwan.tw"})),
        (of_group("sub"), json!({})),
        (of_group("name"), json!({})),
        (of_group("groups"), json!({"groups": ["jane@vtaiwan.tw"]})),
        (of_group("groups"), json!({"groups": ["Jane Person"]})),
        (
            plain().set("auth_id_claim", "uid"),
            json!({"uid": "person-4712", "aud": "person-4712"}),
        ),
    ] {
        let report = setup.report_on(&hs256(changes.clone()));
        for text in [report.text(), report.json()] {
            for personal in ["jane", "Jane", "person-4711", "person-4712", "4711"] {
                assert!(!text.contains(personal), "{changes}: {text}");
            }
        }
    }
    // Values that are not personal are still shown.
    let text = plain().report_on(&hs256(json!({"aud": "other"}))).text();
    assert!(text.contains("credential \"other\""), "{text}");
}

#[test]
fn a_header_that_names_a_person_is_not_shown() {
    for member in ["kid", "typ", "alg"] {
        let mut header = json!({"alg": "HS256", "typ": "JWT"});
        header[member] = json!("jane@vtaiwan.tw");
        let text = Setup::faultless()
            .report_on(&signed(&header, &claims(json!({})), SECRET))
            .text();
        assert!(!text.contains("jane"), "{member}: {text}");
    }
}

#[test]
fn what_is_no_signed_jwt_is_told_by_its_form() {
    let good = hs256(json!({}));
    let (head, _) = good.rsplit_once('.').expect("a signature");
    for (text, expected) in [
        ("", "nothing is there"),
        (
            "undefined",
            "credential \"undefined\": the token is the word undefined",
        ),
        (" null\n", "the word"),
        ("Bearer undefined", "the word"),
        ("[object Promise]", "the word"),
        ("ya29.a0AfH6SMB", "not a JWT: an opaque token"),
        (
            "3f2504e04f8941d39a0c0305e82c3301",
            "not a JWT: an opaque token",
        ),
        (
            "a.b.c.d.e",
            "encrypted (JWE); let the login issue signed tokens (JWS); take",
        ),
        ("a.b.c", "the JWT's header is unreadable; it was cut off"),
        (&format!("{head}."), "its signature is empty"),
        (head, "not a JWT"),
        (&format!("{good} {good}"), "white space within"),
        (
            &"a".repeat(9000),
            "the credential is too long; let the login leave out claims",
        ),
    ] {
        let lines = fails(&Setup::faultless(), text);
        assert_eq!(lines.len(), 1, "{text}: {lines:#?}");
        assert!(
            lines[0].starts_with("fail[form] ") && lines[0].contains(expected),
            "{text}: {}",
            lines[0]
        );
    }
}

#[test]
fn a_wrong_header_or_signature_is_told() {
    let claims = claims(json!({}));
    let with = |header: Value, secret: &str| signed(&header, &claims, secret);
    let jwt = json!({"alg": "HS256"});
    for (credential, expected) in [
        (
            with(json!({"alg": "none"}), SECRET),
            "fail[alg] credential \"none\" configured HS256: alg is none; ",
        ),
        (
            with(json!({"alg": "hs256"}), SECRET),
            "fail[alg] credential \"hs256\"",
        ),
        (
            with(json!({"alg": "HS512"}), SECRET),
            "verifies HS256, RS256, ES256 and EdDSA alone",
        ),
        (
            with(json!({"alg": "RS256"}), SECRET),
            "alg is not HS256, which is the configured key's; ",
        ),
        (
            with(json!({"alg": "HS256", "typ": "JOSE"}), SECRET),
            "fail[typ] credential \"JOSE\" configured JWT",
        ),
        (
            with(json!({"alg": "HS256", "crit": ["x"]}), SECRET),
            "fail[crit]",
        ),
        (
            with(jwt.clone(), "another secret, as long as the other one"),
            "fail[signature] the signature is not the configured key's; the login signs with another",
        ),
        (
            with(jwt.clone(), &format!("{SECRET}\n")),
            "white space around the secret",
        ),
    ] {
        let lines = fails(&Setup::faultless(), &credential);
        assert_eq!(lines.len(), 1, "{lines:#?}");
        assert!(lines[0].contains(expected), "{expected}\n{}", lines[0]);
    }
    let text = "c2VjcmV0IHRoYXQgaXMgdGhpcnR5LXR3byBieXRlcyE=";
    let setup = Setup::faultless().set("auth_hs256_secret", text);
    let lines = fails(&setup, &with(jwt, "secret that is thirty-two bytes!"));
    assert!(lines[0].contains("decoded from base64"), "{lines:#?}");
}

fn jwk(text: &str, kid: Option<&str>) -> Value {
    let mut jwk: Value = serde_json::from_str(text).expect("a JWK");
    match kid {
        Some(kid) => jwk["kid"] = json!(kid),
        None => drop(jwk.as_object_mut().expect("an object").remove("kid")),
    }
    jwk
}

#[test]
fn a_key_set_is_compared_by_kid() {
    let rsa = RS256KeyPair::generate(2048).expect("a key");
    let p256 = ES256KeyPair::generate();
    let own: JWTClaims<Map<String, Value>> =
        serde_json::from_value(claims(json!({}))).expect("claims");
    let set = |keys: Value| {
        Setup::faultless()
            .without("auth_hs256_secret")
            .set("auth_jwks", &json!({ "keys": keys }).to_string())
    };
    let public = |kid| jwk(&rsa.public_key().to_jwk(), kid);
    let other = jwk(&p256.public_key().to_jwk(), Some("p"));
    let dropped = json!({"kid": "long", "kty": "EC", "crv": "P-521", "x": "AA", "y": "AA"});
    let signed = |kid: &str| {
        rsa.clone()
            .with_key_id(kid)
            .sign(own.clone())
            .expect("a token")
    };
    let without_kid = RS256KeyPair::from_der(&rsa.to_der().expect("a key")).expect("a key");
    let without_kid = without_kid.sign(own.clone()).expect("a token");
    let named = set(json!([public(Some("a")), other.clone(), dropped]));

    assert_eq!(fails(&named, &signed("a")), Vec::<String>::new());
    for (credential, expected) in [
        (
            signed("b"),
            "fail[kid] credential \"b\" configured \"a\", \"p\", \"long\": kid is not in the key set, or its key is for another alg; the key was retired",
        ),
        (
            signed("long"),
            "the key set has this key, but it is on a curve other than",
        ),
        (
            p256.with_key_id("a").sign(own.clone()).expect("a token"),
            "fail[",
        ),
    ] {
        let lines = fails(&named, &credential);
        assert!(
            lines.iter().any(|line| line.contains(expected)),
            "{expected}\n{lines:#?}"
        );
    }
    // A key without `kid` is usable if it is the only one of its kind.
    let nameless = set(json!([public(None), other]));
    assert_eq!(fails(&nameless, &without_kid), Vec::<String>::new());
    assert_eq!(fails(&named, &without_kid), Vec::<String>::new());
    let second = RS256KeyPair::generate(2048).expect("a key");
    let second = jwk(&second.public_key().to_jwk(), Some("c"));
    let lines = fails(&set(json!([public(Some("a")), second])), &without_kid);
    assert!(
        lines[0].contains("fail[kid] credential none configured \"a\", \"c\": kid is missing"),
        "{lines:#?}"
    );
    let stranger = RS256KeyPair::generate(2048)
        .expect("a key")
        .with_key_id("a");
    let lines = fails(&named, &stranger.sign(own.clone()).expect("a token"));
    assert!(lines[0].starts_with("fail[signature]"), "{lines:#?}");
}

#[test]
fn another_kind_of_token_and_an_absent_role_are_noted() {
    for (changes, expected) in [
        (
            json!({"moderator": null}),
            "note[moderator] credential none configured \"moderator\": true: the claim is absent, so that the caller is a member; the credential has \"aud\", ",
        ),
        (
            json!({"moderator": null, "nonce": "n", "at_hash": "h"}),
            "note[kind] it is an ID token",
        ),
        (json!({"moderator": null, "token_use": "id"}), "an ID token"),
        (
            json!({"moderator": null, "scope": "openid"}),
            "an access token",
        ),
        (
            json!({"moderator": null, "typ": "Refresh"}),
            "a refresh token",
        ),
        (
            json!({"rooms": []}),
            "note[rooms] credential a list configured \"rooms\": a list of strings: null and an empty list open no room",
        ),
    ] {
        let lines = lines(&Setup::faultless(), &hs256(changes.clone()), Outcome::Note);
        assert!(
            lines.iter().any(|line| line.contains(expected)),
            "{changes}: {lines:#?}"
        );
    }
}

#[test]
fn roles_are_shown_beside_the_values_that_make_a_moderator() {
    let setup = Setup::faultless()
        .set("auth_moderator_claim", "realm_access.roles")
        .set("auth_moderator_values", "host, admin");
    for (roles, moderates) in [
        (json!(["user", "host"]), "moderator"),
        (json!(["user"]), "member"),
    ] {
        let credential = hs256(json!({"realm_access": {"roles": roles}}));
        let lines = lines(&setup, &credential, Outcome::Ok);
        let line = lines
            .iter()
            .find(|line| line.starts_with("ok[moderator]"))
            .expect("a line");
        assert!(
            line.contains("configured \"realm_access.roles\": true, \"host\", \"admin\""),
            "{line}"
        );
        assert!(
            line.contains("\"user\"") && line.contains(&format!("is a {moderates}")),
            "{line}"
        );
    }
}

/// Variables that name claims, changes to the claims, and the resulting lines.
#[test]
fn claims_are_looked_for_where_the_variables_say() {
    let good = Setup::faultless;
    for (setup, changes, expected) in [
        (
            good().set("auth_audience", "other, jaas-jwt"),
            json!({}),
            "ok[aud] credential \"jaas-jwt\" configured \"other\", \"jaas-jwt\"",
        ),
        (
            good().set("auth_audience", "a, b"),
            json!({}),
            "fail[aud] credential \"jaas-jwt\" configured \"a\", \"b\": aud is not auth_audience; set",
        ),
        (
            good().set("auth_audience_claim", "azp"),
            json!({"aud": null, "azp": "jaas-jwt"}),
            "ok[aud] credential \"jaas-jwt\"",
        ),
        (
            good(),
            json!({"aud": null, "client_id": "page-1"}),
            "note[fit] if your login made it: with these values the service accepts it: export SPIN_VARIABLE_AUTH_AUDIENCE_CLAIM=client_id SPIN_VARIABLE_AUTH_AUDIENCE=page-1",
        ),
        (
            good().set("auth_id_claim", "user.id"),
            json!({"sub": null, "user": {"id": "4711"}}),
            "ok[sub] credential a string configured \"user.id\": a string",
        ),
        (
            good().set("auth_id_claim", "user.id"),
            json!({"user": {"id": 4711}}),
            "fail[sub] credential a number configured \"user.id\": a string: the claim of auth_id_claim has",
        ),
        (
            good().set("auth_name_claim", "display"),
            json!({"display": 7}),
            "fail[name] credential a number",
        ),
        (
            good(),
            json!({"name": null, "preferred_username": "hidden", "image": "hidden"}),
            "note[name] credential none configured \"name\": a string: the login calls it preferred_username: name that in auth_name_claim.",
        ),
        (
            good(),
            json!({"image": "hidden"}),
            "note[picture] credential none configured \"picture\": a string: the login calls it image: name that in auth_picture_claim.",
        ),
        (
            good().set("auth_rooms_claim", "user.rooms"),
            json!({"user": {"rooms": 7}}),
            "fail[rooms] credential a number",
        ),
        (
            good()
                .set("auth_required_claim", "groups")
                .set("auth_required_values", "staff"),
            json!({"groups": ["guests"]}),
            "fail[group] credential [\"guests\"] configured \"groups\": \"staff\": the claim of auth_required_claim has none",
        ),
        (
            good()
                .set("auth_required_claim", "groups")
                .set("auth_required_values", "staff"),
            json!({}),
            "fail[service] rejects it with 403",
        ),
        (
            good()
                .set("auth_required_claim", "groups")
                .set("auth_required_values", "staff"),
            json!({"groups": ["guests", "staff"]}),
            "ok[group]",
        ),
    ] {
        let report = setup.report_on(&hs256(changes.clone())).text();
        assert!(report.contains(expected), "{changes}: {expected}\n{report}");
        assert!(!report.contains("hidden"), "{report}");
        // The doctor's verdict on each claim agrees with the service's.
        let fails = report.contains("fail[aud]")
            || report.contains("fail[sub]")
            || report.contains("fail[name]")
            || report.contains("fail[rooms]")
            || report.contains("fail[group]");
        assert_eq!(fails, report.contains("fail[service]"), "{report}");
    }
}

#[test]
fn claims_that_are_called_otherwise_are_checked_where_the_service_reads_them() {
    let setup = Setup::faultless()
        .set("auth_audience", "site, jaas-jwt")
        .set("auth_audience_claim", "client_id")
        .set("auth_id_claim", "user.id")
        .set("auth_name_claim", "name, nickname")
        .set("auth_rooms_claim", "meet.rooms")
        .set("auth_required_claim", "groups")
        .set("auth_required_values", "staff");
    let good = json!({
        "aud": null, "client_id": "site", "sub": null, "user": {"id": "u7"}, "name": null,
        "nickname": "Jane", "rooms": 7, "groups": ["staff"],
    });
    let credential = hs256(good.clone());
    assert_eq!(lines(&setup, &credential, Outcome::Fail), [""; 0]);
    for (change, expected) in [
        (json!({"client_id": "other"}), "fail[aud]"),
        (json!({"user": {}}), "fail[sub]"),
        (json!({"nickname": 7}), "fail[name]"),
        (json!({"meet": {"rooms": "all"}}), "fail[rooms]"),
        (json!({"groups": ["guests"]}), "fail[group]"),
        (json!({"groups": null}), "fail[group]"),
    ] {
        let mut changes = good.clone();
        let object = changes.as_object_mut().expect("an object");
        object.extend(change.as_object().expect("an object").clone());
        let lines = lines(&setup, &hs256(changes), Outcome::Fail);
        assert_eq!(lines.len(), 1, "{change}: {lines:#?}");
        assert!(lines[0].starts_with(expected), "{change}: {lines:#?}");
    }
}

#[test]
fn with_auth_mode_none_it_is_said_that_nobody_looks() {
    let open = Setup::faultless()
        .set("auth_mode", "none")
        .without("auth_hs256_secret")
        .without("auth_issuer")
        .without("auth_audience");
    let report = open.report_on(&hs256(json!({})));
    assert!(
        report
            .text()
            .contains("note[service] verifies no credential: auth_mode is none"),
        "{}",
        report.text()
    );
}

/// Returns an invitation to a room, as the service makes it.
fn invitation(secret: &str, changes: Value) -> String {
    let mut claims = json!({
        "aud": APP_ID, "exp": NOW + 600, "iat": NOW, "iss": "jaas-jwt", "jti": "0".repeat(32),
        "nbf": NOW, "role": "member", "room": "vtaiwan",
    });
    let object = claims.as_object_mut().expect("an object");
    object.extend(changes.as_object().expect("an object").clone());
    let header = json!({"alg": "HS256", "typ": "invitation+jwt"});
    signed(&header, &claims, secret)
}

#[test]
fn an_invitation_is_told_from_a_credential() {
    let secret = "kX3vQ9sLw2Zr8TnB5yHd7GfJ4mPc6VaE";
    let with_login = || Setup::faultless().set("invitation_secret", secret);
    let alone = || {
        with_login()
            .without("auth_hs256_secret")
            .without("auth_issuer")
            .without("auth_audience")
    };
    let good = || invitation(secret, json!({}));
    for (setup, text, expected) in [
        (
            with_login(),
            good(),
            "ok[service] accepts it, unless it was withdrawn or used up",
        ),
        (alone(), format!("Bearer {}", good()), "ok[service] accepts"),
        (
            alone(),
            invitation(secret, json!({"exp": NOW - 60, "iat": NOW - 600})),
            "fail[service] rejects it with 401; its log has: the invitation is expired.",
        ),
        (
            alone(),
            invitation("another secret of thirty-two bytes", json!({})),
            "its log has: the invitation's signature is not that of invitation_secret.",
        ),
        (
            Setup::faultless(),
            good(),
            "fail[service] rejects it with 401; its log has: an invitation where there is no invitation_secret",
        ),
        // A login's credential without a login.
        (
            alone(),
            hs256(json!({})),
            "fail[service] rejects it with 401: there is no login here, and only an invitation",
        ),
    ] {
        let report = setup.report_on(&text).text();
        assert!(report.contains(expected), "{expected}\n{report}");
        let is_invitation = !expected.contains("no login here");
        assert_eq!(
            report.contains("note[kind] it is an invitation"),
            is_invitation
        );
        for wrong in ["[iss]", "[typ]", "[fit]", "auth_issuer", "Not logged in"] {
            assert!(!report.contains(wrong), "{report}");
        }
        assert!(!report.contains(text.trim_start_matches("Bearer ")));
    }
}

#[test]
fn neither_the_credential_nor_a_secret_nor_a_person_is_shown() {
    let secret: String = short_key()
        .lines()
        .filter(|line| !line.starts_with('-'))
        .collect();
    let mut seen = 0;
    let mut check = |setup: &Setup, credential: &str, search: &Search| {
        let report = setup.report_on(credential);
        for text in [report.text(), report.json(), format!("{report:?}")] {
            assert_eq!(search.find(&text), None, "{text}");
            for personal in ["person-4711", "Jane Person"] {
                assert!(!text.contains(personal), "{text}");
            }
            seen += 1;
        }
    };
    let good = || Setup::faultless().set("jaas_private_key", short_key());
    for credential in [
        hs256(json!({})),
        hs256(json!({"iss": "x", "sub": 4711})),
        format!("{}x", hs256(json!({}))),
    ] {
        check(&good(), &credential, &Search::new(&[&credential, SECRET]));
    }
    // A key in any claim, and in any variable that is shown beside a claim.
    let search = Search::new(&[
        &secret,
        &secret.to_lowercase(),
        &secret.to_uppercase(),
        SECRET,
    ]);
    for shape in shapes(short_key()) {
        for name in ["iss", "aud", "exp", "sub", "moderator", "rooms", &shape] {
            check(&good(), &hs256(json!({ name: shape, })), &search);
        }
        for name in ["kid", "alg", "typ"] {
            let mut header = json!({"alg": "HS256"});
            header[name] = json!(shape);
            check(
                &good(),
                &signed(&header, &claims(json!({})), SECRET),
                &search,
            );
        }
        for name in [
            "auth_issuer",
            "auth_audience",
            "auth_moderator_claim",
            "auth_moderator_values",
            "auth_jwks",
        ] {
            check(
                &good().set(name, &shape),
                &hs256(json!({"aud": "x"})),
                &search,
            );
        }
        check(&good(), &shape, &search);
    }
    check(
        &good().set("auth_issuer", SECRET),
        &hs256(json!({})),
        &search,
    );
    assert!(seen > 900, "{seen}");
}

#[test]
fn a_credential_that_is_rejected_is_an_exit_code() {
    let report = Setup::faultless().report_on(&hs256(json!({"aud": "x"})));
    assert!(!report.ok);
    let lines = report.text();
    assert!(
        lines.contains("fail[service] rejects it with 401"),
        "{lines}"
    );
    let sum = "usable: no errors, no warnings, no hints; credential not accepted.";
    assert!(lines.contains(sum), "{lines}");
    let json: Value = serde_json::from_str(&report.json()).expect("JSON");
    assert_eq!(json["credential"]["accepted"], false);
    let check = &json["credential"]["checks"][3];
    assert_eq!(
        (
            &check["name"],
            &check["result"],
            &check["credential"],
            &check["configured"]
        ),
        (
            &json!("signature"),
            &json!("ok"),
            &Value::Null,
            &Value::Null
        )
    );
}
