//! Tests of which invitations are valid, of the store's entries, and of who may make more.

use std::sync::atomic::Ordering;

use jwt_simple::common::HeaderOptions;
use jwt_simple::prelude::{HS256Key, HS384Key, MACLike};
use serde_json::{Value, json};

use super::*;
use crate::environment::Isolated;
use crate::environment::tests::MemoryStore;

pub const SECRET: &str = "qJ4vS8wZk2Xn7Tb0Lr5Yd9Mf3Hc6Pg1Ua";
const APP_ID: &str = "vpaas-magic-cookie-1fc542a3e4414a44b2611668195e2bfe";
const NOW: u64 = 1_700_000_000;
const DAY: u64 = 24 * 60 * 60;

fn settings() -> Settings {
    Settings::new(SECRET).unwrap()
}

fn make(order: NewInvitation, by: Option<&Invitation>) -> Result<Made, Error> {
    let mut next = 0;
    let mut random = |bytes: &mut [u8]| {
        next += 1;
        bytes.fill(next);
    };
    settings().make(order, by, APP_ID, NOW, &mut random)
}

fn verify(text: &str, now: u64, store: &dyn Store) -> Result<Invitation, Error> {
    settings().verify(text, APP_ID, now, store)
}

fn order(body: Value) -> Result<NewInvitation, Error> {
    let Value::Object(object) = body else {
        panic!("no object: {body}");
    };
    NewInvitation::from_json(object)
}

/// The claims of a valid invitation, with `changes` applied; `null` removes a claim.
fn claims(changes: &Value) -> Value {
    let mut claims = json!({
        "aud": APP_ID, "exp": NOW + DAY, "iat": NOW, "iss": "jaas-jwt", "jti": "a".repeat(32),
        "nbf": NOW, "role": "member", "room": "vtaiwan",
    });
    for (name, value) in changes.as_object().unwrap() {
        if value.is_null() {
            claims.as_object_mut().unwrap().remove(name);
        } else {
            claims[name] = value.clone();
        }
    }
    claims
}

fn sign(key: &impl MACLike, typ: Option<&str>, claims: Value) -> String {
    let options = HeaderOptions {
        signature_type: typ.map(str::to_owned),
        ..HeaderOptions::default()
    };
    let claims = crate::jwt::only(claims);
    key.authenticate_with_options(claims, &options).unwrap()
}

fn forged(changes: &Value) -> String {
    let key = HS256Key::from_bytes(SECRET.as_bytes());
    sign(&key, Some(TYPE), claims(changes))
}

fn cause(result: Result<Invitation, Error>) -> Option<Cause> {
    match result {
        Ok(_) => None,
        Err(Error::Invalid(cause)) => Some(cause),
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn what_is_made_holds_and_says_the_same() {
    let made = make(
        order(json!({
            "room": " Meetup-* ", "role": "moderator", "name": " Ann ", "expires_in": 7200, "max_uses": 3,
        }))
        .unwrap(),
        None,
    )
    .unwrap();
    assert_eq!(made.expires_at, NOW + 7200);
    let found = verify(made.invitation.expose(), NOW, &MemoryStore::default()).unwrap();
    assert_eq!(found.id, made.id);
    assert_eq!(found.room, None);
    assert!(
        found
            .rooms
            .contains(&room::Name::parse("meetup-7").unwrap())
    );
    assert!(!found.rooms.contains(&room::Name::parse("other").unwrap()));
    assert_eq!(found.role, Role::Moderator);
    let name = found.name.map(person::Name::into_string);
    assert_eq!(name.as_deref(), Some("Ann"));
    assert_eq!((found.expires_at, found.max_uses), (NOW + 7200, Some(3)));

    let made = make(NewInvitation::new("公民會議").unwrap(), None).unwrap();
    let found = verify(made.invitation.expose(), NOW, &MemoryStore::default()).unwrap();
    assert_eq!(found.room, room::Name::parse("公民會議").ok());
    assert_eq!((found.role, found.expires_at), (Role::Member, NOW + DAY));
}

#[test]
fn only_a_token_of_this_type_and_key_is_an_invitation() {
    let key = HS256Key::from_bytes(SECRET.as_bytes());
    let good = claims(&json!({}));
    let other = HS256Key::from_bytes(b"another-secret-of-more-than-32-bytes");
    let long = HS384Key::from_bytes(SECRET.as_bytes());
    let valid = forged(&json!({}));
    let (unsigned, _) = valid.rsplit_once('.').unwrap();
    let none = format!(
        "eyJhbGciOiJub25lIiwidHlwIjoiaW52aXRhdGlvbitqd3QifQ.{}.",
        valid.split('.').nth(1).unwrap()
    );
    for (text, expected) in [
        (valid.clone(), None),
        (sign(&key, None, good.clone()), Some(Cause::Type)),
        (sign(&key, Some("JWT"), good.clone()), Some(Cause::Type)),
        (sign(&key, Some("at+jwt"), good.clone()), Some(Cause::Type)),
        (
            sign(&key, Some("Invitation+JWT"), good.clone()),
            Some(Cause::Type),
        ),
        (sign(&long, Some(TYPE), good.clone()), Some(Cause::Type)),
        (sign(&other, Some(TYPE), good), Some(Cause::Signature)),
        (format!("{valid}x"), Some(Cause::Signature)),
        (format!("{unsigned}."), Some(Cause::Signature)),
        (none, Some(Cause::Type)),
        (unsigned.to_owned(), Some(Cause::Signature)),
        (String::new(), Some(Cause::Type)),
        ("undefined".to_owned(), Some(Cause::Type)),
        ("a".repeat(MAX_INVITATION_BYTES + 1), Some(Cause::TooLong)),
    ] {
        assert_eq!(
            cause(verify(&text, NOW, &MemoryStore::default())),
            expected,
            "{text}"
        );
    }
}

#[test]
fn every_claim_is_checked() {
    let table = [
        (json!({}), None),
        (json!({"iss": "https://login.example"}), Some(Cause::Issuer)),
        (
            json!({"aud": "vpaas-magic-cookie-00000000000000000000000000000000"}),
            Some(Cause::Audience),
        ),
        (json!({"aud": [APP_ID]}), Some(Cause::Claims)),
        (json!({"exp": NOW}), Some(Cause::Expired)),
        (json!({"exp": NOW + 1}), None),
        (json!({"exp": 0}), Some(Cause::Expired)),
        (json!({"exp": NOW + 90 * DAY}), None),
        (json!({"exp": NOW + 90 * DAY + 1}), Some(Cause::Lifetime)),
        (json!({"exp": NOW * 1000}), Some(Cause::Lifetime)),
        (json!({"exp": u64::MAX}), Some(Cause::Lifetime)),
        (json!({"iat": NOW + 30}), None),
        (json!({"iat": NOW + 31}), Some(Cause::IssuedInFuture)),
        (json!({"iat": 0}), Some(Cause::Lifetime)),
        (json!({"nbf": NOW + 30}), None),
        (json!({"nbf": NOW + 31}), Some(Cause::NotYetValid)),
        (json!({"nbf": 0}), None),
        (json!({"role": "owner"}), Some(Cause::Claims)),
        (json!({"role": "visitor"}), None),
        (json!({"room": "a/b"}), Some(Cause::Claims)),
        (json!({"room": ""}), Some(Cause::Claims)),
        (json!({"room": ["vtaiwan"]}), Some(Cause::Claims)),
        (json!({"jti": "x"}), Some(Cause::Claims)),
        (json!({"jti": "A".repeat(32)}), Some(Cause::Claims)),
        (json!({"parent": "b".repeat(32)}), None),
        (json!({"parent": "../x"}), Some(Cause::Claims)),
        (json!({"name": "王小明"}), None),
        (json!({"name": "a\u{7}"}), Some(Cause::Claims)),
        (json!({"name": 1}), Some(Cause::Claims)),
        (json!({"max_uses": 1}), None),
        (json!({"max_uses": 0}), Some(Cause::Claims)),
        (json!({"max_uses": -1}), Some(Cause::Claims)),
        (json!({"max_uses": u64::MAX}), Some(Cause::Claims)),
        // An unknown claim might be a restriction that this service would not enforce.
        (json!({"sub": "ann"}), Some(Cause::Claims)),
        (json!({"admin": true}), Some(Cause::Claims)),
    ];
    for (changes, expected) in table {
        let found = cause(verify(&forged(&changes), NOW, &MemoryStore::default()));
        assert_eq!(found, expected, "{changes}");
    }
    for name in ["aud", "exp", "iat", "iss", "jti", "nbf", "role", "room"] {
        let text = forged(&json!({ name: null }));
        assert_eq!(
            cause(verify(&text, NOW, &MemoryStore::default())),
            Some(Cause::Claims),
            "{name}"
        );
        for value in [json!(true), json!(-1), json!(1.5), json!({}), json!([])] {
            let text = forged(&json!({ name: value }));
            assert_eq!(
                cause(verify(&text, NOW, &MemoryStore::default())),
                Some(Cause::Claims),
                "{name}"
            );
        }
    }
}

#[test]
fn a_clock_that_is_off_by_decades_lets_nobody_in() {
    for now in [0, 29, u64::from(u32::MAX), u64::MAX] {
        let text = forged(&json!({"exp": u64::MAX, "iat": u64::MAX, "nbf": 0}));
        assert_eq!(
            cause(verify(&text, now, &MemoryStore::default())),
            Some(Cause::Clock),
            "{now}"
        );
    }
}

#[test]
fn what_is_older_than_the_variable_says_is_void() {
    let text = forged(&json!({}));
    for (not_before, expected) in [(NOW, None), (NOW + 1, Some(Cause::Older))] {
        let mut settings = settings();
        settings.not_before = not_before;
        let found = settings.verify(&text, APP_ID, NOW, &MemoryStore::default());
        assert_eq!(cause(found), expected);
    }
}

#[test]
fn what_was_withdrawn_does_not_hold_nor_what_its_bearers_made() {
    let store = MemoryStore::default();
    let first = make(
        order(json!({"room": "r", "role": "moderator"})).unwrap(),
        None,
    )
    .unwrap();
    let bearer = verify(first.invitation.expose(), NOW, &store).unwrap();
    let mut random = |bytes: &mut [u8]| bytes.fill(9);
    let child = settings()
        .make(
            NewInvitation::new("r").unwrap(),
            Some(&bearer),
            APP_ID,
            NOW,
            &mut random,
        )
        .unwrap();
    assert!(verify(child.invitation.expose(), NOW, &store).is_ok());

    withdraw(&store, &child.id, NOW).unwrap();
    assert_eq!(
        cause(verify(child.invitation.expose(), NOW, &store)),
        Some(Cause::Withdrawn)
    );
    assert!(verify(first.invitation.expose(), NOW, &store).is_ok());

    store.entries.lock().unwrap().clear();
    withdraw(&store, &first.id, NOW).unwrap();
    for made in [&first, &child] {
        assert_eq!(
            cause(verify(made.invitation.expose(), NOW, &store)),
            Some(Cause::Withdrawn)
        );
    }
    // With any value: other applications may write to the store.
    store
        .set(&format!("jaas-jwt.v1.revoked.{}", first.id.as_str()), b"")
        .unwrap();
    assert_eq!(
        cause(verify(first.invitation.expose(), NOW, &store)),
        Some(Cause::Withdrawn)
    );
}

#[test]
fn an_invitation_that_cannot_be_looked_up_is_not_accepted_and_is_not_called_invalid() {
    let text = forged(&json!({}));
    assert_eq!(
        verify(&text, NOW, &Isolated).unwrap_err(),
        Error::StoreUnavailable
    );
    let id = Id::parse(&"a".repeat(32)).unwrap();
    assert_eq!(
        withdraw(&Isolated, &id, NOW).unwrap_err(),
        Error::StoreUnavailable
    );
    let limited = verify(
        &forged(&json!({"max_uses": 1})),
        NOW,
        &MemoryStore::default(),
    )
    .unwrap();
    assert_eq!(
        limited.redeem(&Isolated).unwrap_err(),
        Error::StoreUnavailable
    );
    // The signature is verified first, so that forged invitations cause no reads of the store.
    let store = MemoryStore::default();
    let _ = verify("undefined", NOW, &store);
    assert_eq!(store.reads.load(Ordering::Relaxed), 0);
}

#[test]
fn a_limit_counts_every_use_once() {
    let store = MemoryStore::default();
    let invitation = verify(&forged(&json!({"max_uses": 3})), NOW, &store).unwrap();
    let mut used = 0;
    while invitation.redeem(&store).is_ok() {
        used += 1;
        // This many other requests succeed in between.
        store.contended.store(used * 10, Ordering::Relaxed);
    }
    assert_eq!(used, 3);
    store.contended.store(0, Ordering::Relaxed);
    assert_eq!(
        invitation.redeem(&store).unwrap_err(),
        Error::Invalid(Cause::UsedUp)
    );

    let key = format!("jaas-jwt.v1.uses.{}", "a".repeat(32));
    assert_eq!(
        store.entries.lock().unwrap()[&key],
        format!("3 {}", NOW + DAY).into_bytes()
    );
    for foreign in ["", "x", "-1 5", "18446744073709551616"] {
        store.set(&key, foreign.as_bytes()).unwrap();
        assert_eq!(
            invitation.redeem(&store).unwrap_err(),
            Error::Invalid(Cause::UsedUp),
            "{foreign}"
        );
    }
    store.entries.lock().unwrap().clear();
    store.contended.store(usize::MAX, Ordering::Relaxed);
    assert_eq!(
        invitation.redeem(&store).unwrap_err(),
        Error::StoreUnavailable
    );

    let unlimited = verify(&forged(&json!({})), NOW, &store).unwrap();
    assert!(unlimited.redeem(&Isolated).is_ok());
}

#[test]
fn a_withdrawal_forgets_what_has_expired_and_nothing_else() {
    let store = MemoryStore::default();
    let id = |n: usize| format!("{n:032x}");
    for n in 0..150 {
        let (withdrawn, uses) = (
            format!("jaas-jwt.v1.revoked.{}", id(n)),
            format!("jaas-jwt.v1.uses.{}", id(n)),
        );
        store
            .set(&withdrawn, (NOW - 1).to_string().as_bytes())
            .unwrap();
        store.set(&uses, format!("1 {NOW}").as_bytes()).unwrap();
    }
    store.set("jaas-jwt.v1.revoked.foreign", b"?").unwrap();
    store.set("other", b"1").unwrap();
    for left in [203, 153, 153] {
        withdraw(&store, &Id::parse(&id(999)).unwrap(), NOW).unwrap();
        assert_eq!(store.entries.lock().unwrap().len(), left);
    }
    let own = &store.entries.lock().unwrap()[&format!("jaas-jwt.v1.revoked.{}", id(999))];
    assert_eq!(own, (NOW + 90 * DAY).to_string().as_bytes());
}

#[test]
fn an_invitation_expires_no_later_than_its_makers() {
    let bearer = |changes: Value| verify(&forged(&changes), NOW, &MemoryStore::default()).unwrap();
    let by = bearer(json!({"role": "moderator", "exp": NOW + 100}));
    let made = make(
        order(json!({"room": "vtaiwan", "expires_in": 90 * DAY})).unwrap(),
        Some(&by),
    );
    assert_eq!(made.unwrap().expires_at, NOW + 100);
    for changes in [json!({"max_uses": 5}), json!({"parent": "b".repeat(32)})] {
        let made = make(
            NewInvitation::new("vtaiwan").unwrap(),
            Some(&bearer(changes)),
        );
        assert_eq!(made.unwrap_err(), Error::MayNotInvite);
    }
}

#[test]
fn an_order_is_read_strictly() {
    for (body, wrong) in [
        (json!({"room": "r"}), None),
        (
            json!({"room": "r", "role": null, "name": null, "expires_in": null}),
            None,
        ),
        (json!({"room": "r-*", "role": "visitor"}), None),
        (json!({}), Some("room")),
        (json!({"room": 1}), Some("room")),
        (json!({"room": ""}), Some("room")),
        (json!({"room": "a/hunter2"}), Some("room")),
        (json!({"room": "r", "role": "hunter2"}), Some("role")),
        (json!({"room": "r", "role": true}), Some("role")),
        (json!({"room": "r", "name": "hunter2\u{7}"}), Some("name")),
        (json!({"room": "r", "name": ""}), Some("name")),
        (json!({"room": "r", "expires_in": 59}), Some("expires_in")),
        (json!({"room": "r", "expires_in": 60}), None),
        (json!({"room": "r", "expires_in": 90 * DAY}), None),
        (
            json!({"room": "r", "expires_in": 90 * DAY + 1}),
            Some("expires_in"),
        ),
        (json!({"room": "r", "expires_in": "2h"}), Some("expires_in")),
        (json!({"room": "r", "not_before": NOW - 5}), None),
        (json!({"room": "r", "not_before": NOW + 89 * DAY}), None),
        (
            json!({"room": "r", "not_before": NOW + 89 * DAY + 1}),
            Some("expires_in"),
        ),
        (
            json!({"room": "r", "not_before": NOW * 1000}),
            Some("not_before"),
        ),
        (json!({"room": "r", "not_before": -1}), Some("not_before")),
        (json!({"room": "r", "max_uses": 1}), None),
        (json!({"room": "r", "max_uses": 0}), Some("max_uses")),
        (json!({"room": "r", "max_uses": 10_001}), Some("max_uses")),
        (
            json!({"room": "r", "hunter2": 1}),
            Some("The body has an unknown parameter"),
        ),
        (
            json!({"room": "r", "admin": true}),
            Some("The body has an unknown parameter"),
        ),
    ] {
        let made = order(body.clone()).and_then(|order| make(order, None));
        let told = made.as_ref().err().map(Error::to_string);
        assert_eq!(told.is_some(), wrong.is_some(), "{body}: {told:?}");
        let told = told.unwrap_or_default();
        assert!(
            told.starts_with(wrong.unwrap_or_default()),
            "{body}: {told}"
        );
        assert!(!told.contains("hunter2"), "{told}");
        if let Ok(made) = made {
            let later = NOW + 89 * DAY;
            let text = made.invitation.expose();
            let now = if body["not_before"].as_u64() == Some(later) {
                later
            } else {
                NOW
            };
            assert!(verify(text, now, &MemoryStore::default()).is_ok(), "{body}");
        }
    }
}

#[test]
fn the_link_has_its_place_in_the_fragment() {
    for (text, good) in [
        ("https://vtaiwan.tw/meet#invitation={invitation}", true),
        ("https://vtaiwan.tw/#/meet?invitation={invitation}", true),
        (
            "http://127.0.0.1:8080/demo/?server=x#invitation={invitation}",
            true,
        ),
        ("http://localhost:3000/#{invitation}", true),
        ("http://vtaiwan.tw/meet#invitation={invitation}", false),
        ("https://vtaiwan.tw/meet?invitation={invitation}", false),
        ("https://vtaiwan.tw/{invitation}#{invitation}", false),
        ("https://vtaiwan.tw/#{invitation}{invitation}", false),
        ("https://vtaiwan.tw/#invitation=", false),
        ("javascript:alert(1)#{invitation}", false),
        ("/meet#invitation={invitation}", false),
        ("https://ann@vtaiwan.tw/#{invitation}", false),
        ("https://ann:pw@vtaiwan.tw/#{invitation}", false),
        ("https://vtaiwan.tw/a room#{invitation}", false),
        ("https://vtaiwan.tw/#i= {invitation}", false),
        ("https://vtaiwan.tw/\tmeet#{invitation}", false),
        ("https:\\\\vtaiwan.tw\\meet#{invitation}", false),
        ("https:vtaiwan.tw/#{invitation}", false),
        ("https://vtaiwan.tw/會議?x=1&y=%20#i={invitation}", true),
        ("", false),
    ] {
        assert_eq!(Link::parse(text).is_ok(), good, "{text}");
    }
    let link = Link::parse("https://a.example/#i={invitation}").unwrap();
    assert_eq!(link.with("x.y.z"), "https://a.example/#i=x.y.z");
}

#[test]
fn an_invitation_in_authorization_is_told_by_its_type() {
    let invitation = forged(&json!({}));
    let credential = sign(
        &HS256Key::from_bytes(SECRET.as_bytes()),
        Some("JWT"),
        json!({}),
    );
    let bearer_of = |value: &str| Headers::from([("Authorization", value)]);
    for (value, found) in [
        (format!("Bearer {invitation}"), true),
        (format!("bearer  {invitation}"), true),
        (format!("Bearer {credential}"), false),
        (format!("Basic {invitation}"), false),
        (invitation.clone(), false),
        ("Bearer undefined".to_owned(), false),
        (String::new(), false),
    ] {
        let headers = bearer_of(&value);
        assert_eq!(
            bearer(&headers),
            found.then_some(invitation.as_str()),
            "{value}"
        );
    }
    let value = format!("Bearer {invitation}");
    let twice = Headers::from([("Authorization", value.as_str()), ("authorization", &value)]);
    assert_eq!(bearer(&twice), None);
    assert_eq!(bearer(&Headers::default()), None);
}

#[test]
fn a_weak_secret_is_refused_as_that_of_a_login() {
    for secret in [
        "",
        "short",
        "your-256-bit-secret-your-256-bit-secret",
        &"a".repeat(64),
    ] {
        assert!(Settings::new(secret).is_err(), "{secret}");
    }
    assert!(settings().has_secret_of(&HS256Key::from_bytes(SECRET.as_bytes())));
    assert!(!settings().has_secret_of(&HS256Key::from_bytes(b"another")));
}

#[test]
fn debug_output_shows_neither_secret_nor_invitation() {
    let made = make(
        order(json!({"room": "r", "name": "hunter2"})).unwrap(),
        None,
    )
    .unwrap();
    let signature = made
        .invitation
        .expose()
        .rsplit('.')
        .next()
        .unwrap()
        .to_owned();
    let shown = format!(
        "{:?} {made:?} {:?}",
        settings(),
        order(json!({"room": "r", "name": "hunter2"}))
    );
    assert!(
        !shown.contains(SECRET) && !shown.contains(&signature),
        "{shown}"
    );
    assert!(!shown.contains("hunter2"), "{shown}");
}
