use std::cell::{Cell, RefCell};

use jwt_simple::prelude::{Ed25519KeyPair, EdDSAKeyPairLike, JWTClaims, UnixTimeStamp};
use serde_json::json;

use super::*;
use crate::caller::error::Cause;
use crate::caller::key;
use crate::environment::tests::MemoryStore;
use crate::environment::{
    FetchError, FetchLimits, Fetched, Isolated, Network, Store, StoreUnavailable,
};
use crate::http::Headers;

const NOW: u64 = 1_700_000_000;
const URL: &str = "https://login.example/jwks";
const HOUR: u64 = 3_600;

/// A login whose document can be replaced, and a clock.
struct World {
    now: Cell<u64>,
    store: MemoryStore,
    server: RefCell<Server>,
    fetches: RefCell<Vec<u64>>,
    /// Called while a request sleeps.
    while_asleep: RefCell<WhileAsleep>,
    sleeps: Cell<u32>,
    /// All requests are handled by the same instance.
    kept: Rc<Slot<KeySet>>,
}

type WhileAsleep = Box<dyn Fn(&World)>;

struct Server {
    response: Result<u16, FetchError>,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
}

impl Network for World {
    fn get(&self, url: &str, limits: FetchLimits) -> Result<Fetched, FetchError> {
        assert_eq!(url, URL);
        assert_eq!(limits.max_bytes, MAX_DOCUMENT_BYTES);
        self.fetches.borrow_mut().push(self.now.get());
        let server = self.server.borrow();
        let headers: Vec<_> = server
            .headers
            .iter()
            .map(|(n, v)| (*n, v.as_str()))
            .collect();
        Ok(Fetched {
            status: server.response?,
            headers: Headers::from(&headers[..]),
            body: server.body.clone(),
        })
    }
}

struct Login {
    issued: Option<u64>,
    kid: Option<&'static str>,
    pair: Ed25519KeyPair,
}

impl Login {
    fn new(kid: &'static str) -> Self {
        Self {
            issued: None,
            kid: Some(kid),
            pair: Ed25519KeyPair::generate(),
        }
    }

    fn jwk(&self) -> serde_json::Value {
        let jwk = self.pair.public_key().to_jwk();
        let mut jwk: serde_json::Value = serde_json::from_str(&jwk).unwrap();
        match self.kid {
            Some(kid) => jwk["kid"] = json!(kid),
            None => drop(jwk.as_object_mut().unwrap().remove("kid")),
        }
        jwk
    }

    fn token(&self) -> String {
        let mut pair = self.pair.clone();
        if let Some(kid) = self.kid {
            pair = pair.with_key_id(kid);
        }
        let mut claims: JWTClaims<serde_json::Map<String, Value>> =
            serde_json::from_value(json!({ "sub": "u1", "exp": NOW })).unwrap();
        claims.issued_at = self.issued.map(UnixTimeStamp::from_secs);
        pair.sign(claims).unwrap()
    }
}

fn document(logins: &[&Login]) -> Vec<u8> {
    let keys: Vec<_> = logins.iter().map(|login| login.jwk()).collect();
    json!({ "keys": keys }).to_string().into_bytes()
}

impl World {
    fn serving(logins: &[&Login]) -> Self {
        Self {
            now: Cell::new(NOW),
            store: MemoryStore::default(),
            server: RefCell::new(Server {
                response: Ok(200),
                headers: vec![("Cache-Control", format!("public, max-age={HOUR}"))],
                body: document(logins),
            }),
            fetches: RefCell::default(),
            while_asleep: RefCell::new(Box::new(|_| ())),
            sleeps: Cell::new(0),
            kept: Rc::default(),
        }
    }

    fn serve(&self, logins: &[&Login]) {
        self.server.borrow_mut().body = document(logins);
    }

    fn fail(&self, error: FetchError) {
        self.server.borrow_mut().response = Err(error);
    }

    fn pass(&self, seconds: u64) {
        self.now.set(self.now.get() + seconds);
    }

    fn verify(&self, login: &Login) -> Result<(), Error> {
        self.verify_with(login, &self.store).0
    }

    fn warned(&self, login: &Login) -> (Result<(), Error>, Option<Warning>) {
        self.verify_with(login, &self.store)
    }

    fn verify_with(
        &self,
        login: &Login,
        store: &dyn Store,
    ) -> (Result<(), Error>, Option<Warning>) {
        let mut random = |_: &mut [u8]| panic!("random bytes were read");
        let sleep = |_| {
            self.sleeps.set(self.sleeps.get() + 1);
            (self.while_asleep.borrow())(self);
        };
        let environment = Environment {
            now: self.now.get(),
            random: &mut random,
            store,
            network: self,
            sleep: &sleep,
        };
        let token = login.token();
        let metadata = key::metadata(&token).unwrap();
        let mut warning = None;
        let settings = RemoteKeySet {
            kept: Some(self.kept.clone()),
            ..settings()
        };
        let claims = settings.verify(&token, &metadata, &environment, &mut warning);
        (
            claims.map(|claims| assert_eq!(claims["sub"], "u1")),
            warning,
        )
    }

    fn fetches(&self) -> usize {
        self.fetches.borrow().len()
    }
}

fn settings() -> RemoteKeySet {
    RemoteKeySet {
        kept: None,
        url: URL.to_owned(),
        max_stale_seconds: 24 * HOUR,
    }
}

fn unavailable(error: Option<SourceError>, retry_after: u64) -> Result<(), Error> {
    let reason = error.map_or(Unavailable::NewKey, Unavailable::Source);
    Err(Error::KeysUnavailable {
        reason,
        retry_after,
    })
}

fn no_copy(retry_after: u64) -> Result<(), Error> {
    let reason = Unavailable::NoCopy;
    Err(Error::KeysUnavailable {
        reason,
        retry_after,
    })
}

#[test]
fn a_copy_is_used_as_long_as_it_is_fresh() {
    let login = Login::new("1");
    let world = World::serving(&[&login]);
    for (seconds, fetches) in [(0, 1), (1, 1), (HOUR - 2, 1), (1, 2), (HOUR - 1, 2)] {
        world.pass(seconds);
        assert_eq!(world.warned(&login), (Ok(()), None));
        assert_eq!(world.fetches(), fetches, "{seconds}");
    }
}

#[test]
fn freshness_is_what_the_server_says_within_bounds() {
    let login = Login::new("1");
    let long = "9".repeat(30);
    for (headers, expected) in [
        (&[][..], HOUR),
        (&[("cache-control", "max-age=600")], 600),
        (
            &[(
                "cache-control",
                "private, MAX-AGE=\"700\" , must-revalidate",
            )],
            700,
        ),
        (
            &[
                ("cache-control", "private"),
                ("Cache-Control", "max-age=800"),
            ],
            800,
        ),
        (&[("cache-control", "max-age=4000"), ("age", "1000")], 3_000),
        (&[("cache-control", "max-age=4000"), ("age", "-1")], 4_000),
        (&[("cache-control", "max-age=4000"), ("age", "5000")], 300),
        (&[("cache-control", "s-maxage=9, x-max-age=9")], HOUR),
        (&[("cache-control", "max-age=0")], 300),
        (&[("cache-control", "max-age=86401")], 86_400),
        (&[("cache-control", &*format!("max-age={long}"))], 86_400),
        (&[("cache-control", "max-age=-1")], HOUR),
        (&[("cache-control", "max-age")], HOUR),
        (&[("cache-control", "no-store, max-age=9000")], 300),
        (&[("cache-control", "max-age=9000, no-cache")], 300),
        (&[("cache-control", "\u{fffd}=\",,;")], HOUR),
    ] {
        let world = World::serving(&[&login]);
        world.server.borrow_mut().headers =
            headers.iter().map(|(n, v)| (*n, (*v).to_owned())).collect();
        world.verify(&login).unwrap();
        world.pass(expected - 1);
        world.verify(&login).unwrap();
        assert_eq!(world.fetches(), 1, "{headers:?}");
        world.pass(1);
        world.verify(&login).unwrap();
        assert_eq!(world.fetches(), 2, "{headers:?}");
    }
}

#[test]
fn a_new_key_is_found_and_one_that_has_gone_opens_nothing() {
    let (old, new) = (Login::new("old"), Login::new("new"));
    let world = World::serving(&[&old]);
    world.verify(&old).unwrap();
    world.serve(&[&old, &new]);
    world.pass(60);
    assert_eq!(world.verify(&new), Ok(()));
    assert_eq!(world.verify(&old), Ok(()));
    world.serve(&[&new]);
    world.pass(HOUR);
    assert_eq!(world.verify(&old), Err(Error::Invalid(Cause::UnknownKid)));
    assert_eq!(world.fetches(), 3);
}

#[test]
fn unknown_kids_cause_one_fetch_a_minute_and_no_401_until_the_next() {
    let (login, forger) = (Login::new("1"), Login::new("forged"));
    let world = World::serving(&[&login]);
    world.verify(&login).unwrap();
    // The copy is renewed once more after an hour.
    for second in 0..2 * HOUR {
        let expected = match second % 60 {
            0 => Err(Error::Invalid(Cause::UnknownKid)),
            since => unavailable(None, 60 - since),
        };
        assert_eq!(world.verify(&forger), expected, "{second}");
        assert_eq!(world.verify(&login), Ok(()));
        world.pass(1);
    }
    assert_eq!(world.fetches() as u64, 1 + 2 * HOUR / 60);
}

#[test]
fn a_new_key_is_found_at_once_also_just_after_the_first_fetch() {
    let (old, new) = (Login::new("old"), Login::new("new"));
    let world = World::serving(&[&old]);
    world.verify(&old).unwrap();
    world.serve(&[&old, &new]);
    assert_eq!(world.verify(&new), Ok(()));
    assert_eq!(world.fetches(), 2);
}

#[test]
fn a_token_that_is_older_than_the_copy_is_rejected_where_its_key_is_not_in_it() {
    let (login, mut gone) = (Login::new("1"), Login::new("gone"));
    let world = World::serving(&[&login]);
    world.verify(&login).unwrap();
    world.verify(&gone).unwrap_err();
    for (issued, expected) in [
        (None, unavailable(None, 60)),
        (Some(NOW - 30), unavailable(None, 60)),
        (Some(NOW - 31), Err(Error::Invalid(Cause::UnknownKid))),
        (Some(NOW + 1_000), unavailable(None, 60)),
    ] {
        gone.issued = issued;
        assert_eq!(world.verify(&gone), expected, "{issued:?}");
    }
}

#[test]
fn the_kid_of_a_key_for_another_algorithm_is_a_401_after_a_fetch() {
    let login = Login::new("1");
    let world = World::serving(&[&login]);
    world.verify(&login).unwrap();
    world.pass(120);
    let token = login.token();
    let header = crate::caller::tests::signing_input(r#"{"alg":"RS256","kid":"1"}"#, "{}");
    let token = format!("{header}.{}", token.rsplit('.').next().unwrap());
    let metadata = key::metadata(&token).unwrap();
    let mut random = |_: &mut [u8]| ();
    let environment = Environment {
        store: &world.store,
        network: &world,
        ..Environment::isolated(world.now.get(), &mut random)
    };
    let claims = settings().verify(&token, &metadata, &environment, &mut None);
    assert_eq!(claims, Err(Error::Invalid(Cause::AlgorithmOfNoKey)));
    assert_eq!(world.fetches(), 2);
}

#[test]
fn a_rotation_is_found_also_where_the_copy_seems_to_have_the_key() {
    let without_kid = || Login {
        kid: None,
        ..Login::new("")
    };
    for (old, new) in [
        (without_kid(), Login::new("n1")),
        (without_kid(), without_kid()),
        (Login::new("main"), Login::new("main")),
    ] {
        let world = World::serving(&[&old]);
        world.verify(&old).unwrap();
        world.serve(&[&new]);
        assert_eq!(world.verify(&new), Ok(()), "{:?} {:?}", old.kid, new.kid);
        assert!(matches!(
            world.verify(&old),
            Err(Error::Invalid(_) | Error::KeysUnavailable { .. })
        ));
        assert_eq!(world.fetches(), 2);
    }
}

#[test]
fn forged_signatures_cause_one_fetch_a_minute_and_stay_a_401() {
    let (login, forger) = (Login::new("1"), Login::new("1"));
    let world = World::serving(&[&login]);
    world.verify(&login).unwrap();
    for _ in 0..180 {
        let forged = Err(Error::Invalid(Cause::Signature));
        assert_eq!(world.verify(&forger), forged);
        assert_eq!(world.verify(&login), Ok(()));
        world.pass(1);
    }
    assert_eq!(world.fetches(), 4);
    world.fail(FetchError::Failed);
    world.pass(60);
    assert!(matches!(
        world.verify(&forger),
        Err(Error::Invalid(Cause::Signature))
    ));
}

#[test]
fn a_key_without_kid_is_usable_where_it_is_alone() {
    let mut login = Login::new("1");
    login.kid = None;
    let world = World::serving(&[&login]);
    assert_eq!(world.verify(&login), Ok(()));
    assert_eq!(world.verify(&login), Ok(()));
    assert_eq!(world.fetches(), 1);
}

#[test]
fn a_source_without_keys_is_a_503_and_tried_again_after_five_seconds() {
    let login = Login::new("1");
    let private = json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "x": "AA", "d": "AA"}]});
    let encoded = |value: serde_json::Value| value.to_string().into_bytes();
    for (response, body, reason) in [
        (Err(FetchError::Denied), vec![], "set auth_jwks_origin"),
        (Err(FetchError::Failed), vec![], "cannot be reached"),
        (Err(FetchError::TimedOut), vec![], "in time"),
        (
            Err(FetchError::TooLarge),
            vec![],
            "a document that is too large",
        ),
        (Ok(500), document(&[&login]), "status 500"),
        (Ok(204), vec![], "status 204"),
        (Ok(404), b"<html>".to_vec(), "status 404"),
        (Ok(302), document(&[&login]), "redirected"),
        (Ok(200), b"<html>".to_vec(), "is not a JWKS document"),
        (Ok(200), vec![], "is not a JWKS document"),
        (Ok(200), b"{\"keys\":\"\xff\"}".to_vec(), "not text"),
        (
            Ok(200),
            vec![b' '; MAX_DOCUMENT_BYTES + 1],
            "a document that is too large",
        ),
        (Ok(200), encoded(json!({"keys": []})), "no public key"),
        (Ok(200), encoded(json!([])), "is not a JWKS document"),
        (Ok(200), encoded(private), "private or secret key"),
    ] {
        let world = World::serving(&[&login]);
        *world.server.borrow_mut() = Server {
            response,
            headers: vec![],
            body,
        };
        let (verified, warning) = world.warned(&login);
        let Err(error @ Error::KeysUnavailable { retry_after: 5, .. }) = verified else {
            panic!("{verified:?} {reason}");
        };
        assert!(
            error.reason().contains(reason),
            "{}: {reason}",
            error.reason()
        );
        assert_eq!(warning, None);
        for second in 1..5 {
            world.pass(1);
            assert_eq!(world.verify(&login), no_copy(5 - second), "{reason}");
        }
        assert_eq!(world.fetches(), 1);
        world.pass(1);
        world.server.borrow_mut().response = Ok(200);
        world.serve(&[&login]);
        assert_eq!(world.verify(&login), Ok(()), "{reason}");
        assert_eq!(world.fetches(), 2);
    }
}

#[test]
fn while_the_source_fails_the_copy_serves_for_a_day_with_one_warning_a_minute() {
    let login = Login::new("1");
    let world = World::serving(&[&login]);
    world.verify(&login).unwrap();
    world.fail(FetchError::Failed);
    world.pass(HOUR);
    let mut warnings = 0;
    for _ in 0..180 {
        let (verified, warning) = world.warned(&login);
        assert_eq!(verified, Ok(()));
        warnings += u32::from(matches!(warning, Some(Warning::StaleCopy { .. })));
        world.pass(1);
    }
    assert_eq!((warnings, world.fetches()), (3, 4));
    world.now.set(NOW + 25 * HOUR - 1);
    assert_eq!(world.verify(&login), Ok(()));
    world.pass(1);
    assert_eq!(world.verify(&login), no_copy(4));
    world.pass(5);
    let failed = Some(SourceError::Fetch(FetchError::Failed));
    assert_eq!(world.verify(&login), unavailable(failed, 5));
    world.serve(&[&login]);
    world.server.borrow_mut().response = Ok(200);
    world.pass(5);
    assert_eq!(world.warned(&login), (Ok(()), None));
}

#[test]
fn a_document_without_usable_keys_does_not_displace_the_copy() {
    let (login, other) = (Login::new("1"), Login::new("2"));
    let world = World::serving(&[&login]);
    world.verify(&login).unwrap();
    for body in [b"<html>".to_vec(), b"{\"keys\":[]}".to_vec(), vec![]] {
        world.server.borrow_mut().body = body;
        world.pass(61);
        assert!(matches!(
            world.verify(&other),
            Err(Error::KeysUnavailable {
                reason: Unavailable::Source(_),
                ..
            })
        ));
        assert_eq!(world.verify(&login), Ok(()));
    }
}

#[test]
fn a_damaged_entry_is_fetched_anew() {
    let login = Login::new("1");
    let good = |fetched: u64, max_age: u64, document: &[u8]| {
        let document = std::str::from_utf8(document).unwrap();
        json!({"fetched": fetched, "max_age": max_age, "document": document})
            .to_string()
            .into_bytes()
    };
    let set = document(&[&login]);
    for (entry, is_damaged) in [
        (good(NOW, HOUR, &set), false),
        (good(NOW + 1, HOUR, &set), true),
        (good(NOW, 299, &set), true),
        (good(NOW, u64::MAX, &set), true),
        (good(NOW, HOUR, b"{}"), true),
        (good(NOW, HOUR, &vec![b' '; MAX_DOCUMENT_BYTES + 1]), true),
        (b"{}".to_vec(), true),
        (b"\xff".to_vec(), true),
        (vec![], true),
        (b"[1]".to_vec(), true),
    ] {
        let world = World::serving(&[&login]);
        let cache = Cache::new(&world.store, URL);
        world.store.set(&cache.copy_key, &entry).unwrap();
        let expected = is_damaged.then_some(Warning::DamagedCopy);
        assert_eq!(world.warned(&login), (Ok(()), expected));
        assert_eq!(world.fetches(), usize::from(is_damaged));
        assert_eq!(world.warned(&login), (Ok(()), None));
        assert_eq!(world.fetches(), usize::from(is_damaged));
    }
    for entry in [
        b"".to_vec(),
        b"{".to_vec(),
        b"{\"at\":-1,\"state\":\"Done\"}".to_vec(),
    ] {
        let world = World::serving(&[&login]);
        let cache = Cache::new(&world.store, URL);
        let key = cache.attempt_key(Purpose::Stale);
        world.store.set(key, &entry).unwrap();
        assert_eq!(world.verify(&login), Ok(()));
    }
}

#[test]
fn another_address_has_another_copy() {
    let store = MemoryStore::default();
    let keys = |url| {
        let cache = Cache::new(&store, url);
        [
            cache.copy_key.clone(),
            cache.attempt_key(Purpose::Stale).to_owned(),
            cache.attempt_key(Purpose::UnknownKid).to_owned(),
        ]
    };
    let mut all = [keys(URL), keys("https://login.example/jwks2")].concat();
    assert_eq!(keys(URL), all[..3]);
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 6);
}

/// A store where only some calls succeed.
struct Failing<'a> {
    store: &'a MemoryStore,
    reads: bool,
    swaps: bool,
}

impl Store for Failing<'_> {
    fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreUnavailable> {
        if self.reads {
            self.store.get(key)
        } else {
            Err(StoreUnavailable)
        }
    }

    fn set(&self, _: &str, _: &[u8]) -> Result<(), StoreUnavailable> {
        Err(StoreUnavailable)
    }

    fn replace(&self, k: &str, e: Option<&[u8]>, v: &[u8]) -> Result<bool, StoreUnavailable> {
        if self.swaps {
            self.store.replace(k, e, v)
        } else {
            Err(StoreUnavailable)
        }
    }

    fn delete(&self, _: &str) -> Result<(), StoreUnavailable> {
        Err(StoreUnavailable)
    }

    fn keys(&self) -> Result<Vec<String>, StoreUnavailable> {
        Err(StoreUnavailable)
    }
}

#[test]
fn without_a_store_every_request_fetches_and_warns() {
    let login = Login::new("1");
    let memory = MemoryStore::default();
    let failing = |reads, swaps| Failing {
        store: &memory,
        reads,
        swaps,
    };
    for store in [
        &Isolated as &dyn Store,
        &failing(false, false),
        &failing(true, false),
    ] {
        let world = World::serving(&[&login]);
        for fetches in 1..4 {
            let verified = world.verify_with(&login, store);
            assert_eq!(verified, (Ok(()), Some(Warning::StoreUnavailable)));
            assert_eq!(world.fetches(), fetches);
        }
        world.fail(FetchError::Failed);
        let failed = Some(SourceError::Fetch(FetchError::Failed));
        assert_eq!(world.verify_with(&login, store).0, unavailable(failed, 5));
    }
    let world = World::serving(&[&login]);
    let verified = world.verify_with(&login, &failing(true, true));
    assert_eq!(verified, (Ok(()), Some(Warning::StoreUnavailable)));
}

/// Records a fetch that another request has started.
fn begin(world: &World, at: u64) {
    let cache = Cache::new(&world.store, URL);
    let last = cache.attempt(Purpose::Stale).unwrap();
    assert!(cache.begin(Purpose::Stale, last.as_ref(), at).unwrap());
}

#[test]
fn a_request_waits_for_the_fetch_of_another() {
    let login = Login::new("1");
    for (ends_at, fetched) in [(1, true), (20, true), (u32::MAX, false)] {
        let world = World::serving(&[&login]);
        begin(&world, NOW);
        *world.while_asleep.borrow_mut() = Box::new(move |world| {
            if world.sleeps.get() == ends_at {
                let cache = Cache::new(&world.store, URL);
                let document = document::fetch(world, URL).ok().unwrap();
                cache.keep(&document, NOW).unwrap();
                cache.end(Purpose::Stale, State::Done, NOW).unwrap();
            }
        });
        let expected = if fetched { Ok(()) } else { no_copy(5) };
        assert_eq!(world.verify(&login), expected, "{ends_at}");
        assert_eq!(world.sleeps.get(), ends_at.min(61));
        assert_eq!(world.fetches(), usize::from(fetched));
    }
}

#[test]
fn a_request_stops_waiting_when_the_fetch_of_another_fails() {
    let login = Login::new("1");
    let world = World::serving(&[&login]);
    begin(&world, NOW);
    *world.while_asleep.borrow_mut() = Box::new(|world| {
        let cache = Cache::new(&world.store, URL);
        cache.end(Purpose::Stale, State::Failed, NOW).unwrap();
    });
    assert_eq!(world.verify(&login), no_copy(5));
    assert_eq!(world.sleeps.get(), 1);
}

#[test]
fn a_copy_that_verifies_is_used_while_another_request_fetches() {
    let login = Login::new("1");
    let world = World::serving(&[&login]);
    world.verify(&login).unwrap();
    world.pass(HOUR);
    begin(&world, world.now.get());
    assert_eq!(world.warned(&login), (Ok(()), None));
    assert_eq!((world.sleeps.get(), world.fetches()), (0, 1));
}

#[test]
fn a_wrong_clock_does_not_stop_fetches() {
    let login = Login::new("1");
    let world = World::serving(&[&login]);
    begin(&world, NOW + 1_000_000);
    assert_eq!(world.verify(&login), Ok(()));
}

#[test]
fn the_age_of_the_copy_is_told_without_a_fetch() {
    let login = Login::new("1");
    let world = World::serving(&[&login]);
    let age = || {
        let mut random = |_: &mut [u8]| ();
        settings().copy_age(&Environment {
            store: &world.store,
            network: &world,
            ..Environment::isolated(world.now.get(), &mut random)
        })
    };
    assert_eq!((age(), world.fetches()), (None, 0));
    world.verify(&login).unwrap();
    world.pass(100);
    assert_eq!((age(), world.fetches()), (Some(100), 1));
}
