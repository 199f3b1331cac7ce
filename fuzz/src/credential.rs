//! The caller's credential. The first byte is the form of the rest: `r`, a raw `Authorization` header; `s`, a payload to be
//! signed with the login's secret; `h`, a header in the first line and then a payload, to be signed.

use jaas_jwt::caller::{
    Caller, ClaimPath, ClaimValues, Error, IdentityClaims, KeySource, Settings, VerificationKey,
};
use jaas_jwt::environment::Environment;
use jaas_jwt::http::Headers;
use jaas_jwt::role::Role;
use serde_json::Value;

use crate::fixture::{AUDIENCE, ISSUER, NOW, SECRET, fill, signed};

/// The tolerance for the issuer's clock, and the longest validity, in seconds.
const TOLERANCE: f64 = 30.0;
const LONGEST: f64 = 366.0 * 86_400.0;

pub fn run(input: &[u8]) {
    let Some((form, rest)) = input.split_first() else {
        return;
    };
    let mut payload = None;
    let header = match form {
        b's' => {
            payload = Some(rest);
            let token = signed(br#"{"alg":"HS256","typ":"JWT"}"#, rest);
            format!("Bearer {token}").into_bytes()
        }
        b'h' => {
            let end = rest.iter().position(|b| *b == b'\n').unwrap_or(rest.len());
            let claims = rest.get(end + 1..).unwrap_or_default();
            payload = Some(claims);
            format!("Bearer {}", signed(&rest[..end], claims)).into_bytes()
        }
        _ => match std::str::from_utf8(rest) {
            Ok(text) => fill(text).into_bytes(),
            Err(_) => rest.to_vec(),
        },
    };
    let settings = Settings {
        required: true,
        key: KeySource::Configured(
            VerificationKey::from_secret(SECRET)
                .expect("a long secret")
                .into(),
        ),
        issuer: ISSUER.into(),
        audience: ClaimValues {
            claim: ClaimPath::new("aud", "aud"),
            values: vec![AUDIENCE.into()],
        },
        group: None,
        identity: IdentityClaims {
            id: ClaimPath::new("sub", "sub"),
            name: vec![
                ClaimPath::new("name", "name"),
                ClaimPath::new("profile.name", "name"),
            ],
            picture: vec![ClaimPath::new("picture", "picture")],
            email: Some(ClaimPath::new("email", "email")),
            rooms: ClaimPath::new("rooms", "rooms"),
            moderator: ClaimValues {
                claim: ClaimPath::new("realm.roles", "for moderators"),
                values: vec!["host".into()],
            },
            visitor_values: vec!["observer".to_owned()],
            name_by_request: true,
        },
    };
    let headers = Headers::new(vec![("authorization".to_owned(), header)]);
    let mut random = |_: &mut [u8]| {};
    let environment = Environment::isolated(NOW, &mut random);
    match settings.authenticate(&headers, &environment, &mut None) {
        Ok(Caller::Known(identity)) => {
            // A raw header verifies only if the fixture signed it, so there is nothing to check.
            if let Some(payload) = payload {
                check(payload, identity.role == Role::Moderator);
            }
        }
        Ok(caller) => panic!("let in without proof: {caller:?}"),
        Err(error) => assert_ne!(error, Error::Absent),
    }
}

/// Checks an accepted payload independently of the service's code.
fn check(payload: &[u8], moderator: bool) {
    let claims: Value = serde_json::from_slice(payload).expect("accepted, and no JSON");
    assert_eq!(claims["iss"], ISSUER);
    let audience = &claims["aud"];
    let named = audience == AUDIENCE
        || audience
            .as_array()
            .is_some_and(|list| list.iter().any(|name| name == AUDIENCE));
    assert!(named, "{audience}");
    let sub = claims["sub"].as_str().expect("accepted without a sub");
    assert!(!sub.trim().is_empty());
    let exp = claims["exp"].as_f64().expect("accepted without an exp");
    let now = NOW as f64;
    assert!(
        (now - TOLERANCE..=now + LONGEST).contains(&exp.trunc()),
        "{exp}"
    );
    if let Some(nbf) = claims["nbf"].as_f64() {
        assert!(nbf.trunc() <= now + TOLERANCE, "{nbf}");
    }
    if moderator {
        let text = claims.to_string();
        assert!(text.contains("host") || text.contains("true"), "{text}");
    }
}
