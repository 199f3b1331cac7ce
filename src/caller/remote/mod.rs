//! A key set from a URL. It is fetched, stored, and fetched again when it is stale or lacks the key of a token.
//!
//! Callers cannot choose the URL, and cannot trigger fetches at will: the unknown `kid`s of all callers together cause at
//! most one fetch in [`REFRESH_INTERVAL_SECONDS`], and only a document with usable keys replaces the copy. While a key
//! cannot be looked up, the response does not claim that the credential is invalid ([`Error::KeysUnavailable`]). Fetching
//! again for an unknown `kid` follows OpenID Connect Core 1.0, section 10.1.1.
#![forbid(unsafe_code)]

mod cache;
mod document;
#[cfg(test)]
mod tests;

use std::rc::Rc;
use std::time::Duration;

use jwt_simple::token::TokenMetadata;
use serde_json::{Map, Value};

use self::cache::{Cache, CopyError, Purpose, State};
use super::claims::TOLERANCE_SECONDS;
use super::error::{Cause, Error, SourceError, Unavailable, Warning};
use super::key::{issued_at, verify_by};
use super::key_set::KeySet;
use super::public_key::PublicKey;
use crate::environment::{Environment, Network};
use crate::kept::Slot;

pub use self::document::{MAX_DOCUMENT_BYTES, TIMEOUT_SECONDS};

/// The minimum time between two fetches for unknown `kid`s, and between two fetches for a stale copy, in seconds. It applies
/// to all callers together.
pub const REFRESH_INTERVAL_SECONDS: u64 = 60;
/// The same if there is no usable copy.
pub const RETRY_INTERVAL_SECONDS: u64 = 5;

/// How long a request waits before it checks again whether another request's fetch has ended.
const POLL_INTERVAL: Duration = Duration::from_millis(50);
/// The maximum number of checks, which lasts as long as a fetch may take.
const MAX_POLLS: u128 =
    Duration::from_secs(TIMEOUT_SECONDS).as_millis() / POLL_INTERVAL.as_millis();

/// The location of a key set, and how long a copy of it is used.
#[derive(Debug)]
pub struct RemoteKeySet {
    /// The URL: `https`, or `http` for a loopback host.
    pub url: String,
    /// How long a stale copy is used while no newer one can be fetched, in seconds.
    pub max_stale_seconds: u64,
    /// Where an instance keeps the parsed copy between requests, if it does.
    pub kept: Option<Rc<Slot<KeySet>>>,
}

/// The result of trying to fetch the document.
enum Refresh {
    Fetched(KeySet),
    Failed(SourceError),
    /// The last fetch is too recent, or is still running. Holds the seconds until the next one may start.
    NotYet(u64),
}

/// A copy from the store that is fresh, or stale within the limit.
struct Usable {
    keys: Rc<KeySet>,
    fetched: u64,
    age: u64,
    is_fresh: bool,
}

impl RemoteKeySet {
    /// Verifies a token's signature with the key that its header names.
    pub(super) fn verify(
        &self,
        token: &str,
        metadata: &TokenMetadata,
        environment: &Environment<'_>,
        warning: &mut Option<Warning>,
    ) -> Result<Map<String, Value>, Error> {
        let mut lookup = Lookup {
            url: &self.url,
            cache: Cache::new(environment.store, &self.url),
            now: environment.now,
            network: environment.network,
            sleep: environment.sleep,
            warning,
        };
        let copy = self.usable_copy(&lookup.cache, environment.now);
        let copy = copy.unwrap_or_else(|error| lookup.warn(error));
        let token = Signed { token, metadata };
        let (purpose, interval) = match &copy {
            Some(copy) if copy.is_fresh => match token.verify(&copy.keys) {
                Err(Error::Invalid(cause)) if may_be_of_another_key(cause) => {
                    (Purpose::UnknownKid, REFRESH_INTERVAL_SECONDS)
                }
                decided => return decided,
            },
            Some(_) => (Purpose::Stale, REFRESH_INTERVAL_SECONDS),
            None => (Purpose::Stale, RETRY_INTERVAL_SECONDS),
        };
        let is_decided = copy.as_ref().is_some_and(|copy| token.is_of(&copy.keys));
        let (error, retry_after) = match lookup.refresh(purpose, interval, !is_decided) {
            Refresh::Fetched(keys) => return token.verify(&keys),
            Refresh::Failed(error) => (Some(error), interval),
            Refresh::NotYet(left) => (None, left),
        };
        match copy {
            Some(copy) if is_decided => {
                if let Some(error) = error {
                    let age = copy.age;
                    *lookup.warning = Some(Warning::StaleCopy { age, error });
                }
                token.verify(&copy.keys)
            }
            // If the key existed when the token was issued, it would be in the copy, which is newer.
            Some(copy) if error.is_none() && is_older(token.token, copy.fetched) => {
                Err(Error::Invalid(Cause::UnknownKid))
            }
            copy => Err(Error::KeysUnavailable {
                reason: match error {
                    Some(error) => Unavailable::Source(error),
                    None if copy.is_some() => Unavailable::NewKey,
                    None => Unavailable::NoCopy,
                },
                retry_after,
            }),
        }
    }

    /// Returns the age of the stored copy, in seconds; `None` if there is no usable copy.
    #[must_use]
    pub fn copy_age(&self, environment: &Environment<'_>) -> Option<u64> {
        let cache = Cache::new(environment.store, &self.url);
        let copy = self.usable_copy(&cache, environment.now).ok()??;
        Some(copy.age)
    }

    fn usable_copy(&self, cache: &Cache<'_>, now: u64) -> Result<Option<Usable>, CopyError> {
        let Some(copy) = cache.copy()? else {
            return Ok(None);
        };
        // A time in the future means that the clock of this host or of another one is wrong.
        let age = now.checked_sub(copy.fetched).ok_or(CopyError::Damaged)?;
        if age >= copy.max_age.saturating_add(self.max_stale_seconds) {
            return Ok(None);
        }
        Ok(Some(Usable {
            keys: Slot::get(self.kept.as_deref(), &[&copy.document], || {
                KeySet::parse(&copy.document)
            })
            .map_err(|_| CopyError::Damaged)?,
            fetched: copy.fetched,
            age,
            is_fresh: age < copy.max_age,
        }))
    }
}

/// A token and its parsed header.
#[derive(Clone, Copy)]
struct Signed<'a> {
    token: &'a str,
    metadata: &'a TokenMetadata,
}

impl Signed<'_> {
    fn choose<'k>(&self, keys: &'k KeySet) -> Result<&'k PublicKey, Cause> {
        keys.choose(self.metadata.key_id(), self.metadata.algorithm())
    }

    fn verify(&self, keys: &KeySet) -> Result<Map<String, Value>, Error> {
        self.choose(keys)
            .and_then(|key| verify_by(key, self.token))
            .map_err(Error::Invalid)
    }

    /// Whether the set has the key that the token names. It cannot be certain about a key without `kid`, or one whose
    /// `kid` was reused.
    fn is_of(&self, keys: &KeySet) -> bool {
        keys.has_kid(self.metadata.key_id()) || self.choose(keys).is_ok()
    }
}

/// Whether a token that was rejected for this cause might be valid with a key that is not in the copy.
const fn may_be_of_another_key(cause: Cause) -> bool {
    matches!(
        cause,
        Cause::UnknownKid | Cause::NoKid | Cause::AlgorithmOfNoKey | Cause::Signature
    )
}

/// Whether a token claims to be issued before that time. The claim is not verified, but a forged one only gets its caller a
/// different error.
fn is_older(token: &str, time: u64) -> bool {
    issued_at(token).is_some_and(|issued| issued.saturating_add(TOLERANCE_SECONDS) < time)
}

/// The lookup of the keys for one token.
struct Lookup<'a> {
    url: &'a str,
    cache: Cache<'a>,
    now: u64,
    network: &'a dyn Network,
    sleep: &'a dyn Fn(Duration),
    warning: &'a mut Option<Warning>,
}

impl Lookup<'_> {
    fn warn<T>(&mut self, error: CopyError) -> Option<T> {
        *self.warning = Some(match error {
            CopyError::StoreUnavailable => Warning::StoreUnavailable,
            CopyError::Damaged => Warning::DamagedCopy,
        });
        None
    }

    /// Fetches the document, unless another request is fetching it, or did so less than `interval` seconds ago. If `wait` is
    /// set, waits for that request's fetch to end.
    fn refresh(&mut self, purpose: Purpose, interval: u64, wait: bool) -> Refresh {
        let now = self.now;
        let Ok(last) = self.cache.attempt(purpose) else {
            // Without the store, every request fetches: slow, but it works.
            return self.fetch_unnoted(purpose);
        };
        let left = last
            .as_ref()
            .and_then(|attempt| attempt.left(now, interval));
        if let (Some(attempt), Some(left)) = (&last, left) {
            return if wait && attempt.is_running(now) {
                self.wait(purpose, left)
            } else {
                Refresh::NotYet(left)
            };
        }
        match self.cache.begin(purpose, last.as_ref(), now) {
            Ok(true) => self.fetch(purpose),
            // Another request started its fetch first.
            Ok(false) if wait => self.wait(purpose, interval),
            Ok(false) => Refresh::NotYet(interval),
            Err(_) => self.fetch_unnoted(purpose),
        }
    }

    fn fetch_unnoted(&mut self, purpose: Purpose) -> Refresh {
        *self.warning = Some(Warning::StoreUnavailable);
        self.fetch(purpose)
    }

    fn fetch(&mut self, purpose: Purpose) -> Refresh {
        let now = self.now;
        let (refresh, stored) = match document::fetch(self.network, self.url) {
            Ok(document) => {
                let kept = self.cache.keep(&document, now);
                let stored = kept.and_then(|()| self.cache.end(purpose, State::Done, now));
                (Refresh::Fetched(document.keys), stored)
            }
            Err(error) => {
                let stored = self.cache.end(purpose, State::Failed, now);
                (Refresh::Failed(error), stored)
            }
        };
        if stored.is_err() {
            *self.warning = Some(Warning::StoreUnavailable);
        }
        refresh
    }

    /// Waits for another request's fetch to end, for at most the maximum duration of a fetch.
    fn wait(&self, purpose: Purpose, left: u64) -> Refresh {
        for _ in 0..=MAX_POLLS {
            (self.sleep)(POLL_INTERVAL);
            match self.cache.attempt(purpose) {
                Ok(Some(attempt)) if attempt.state == State::Running => {}
                Ok(Some(attempt)) if attempt.state == State::Done => {
                    let copy = self.cache.copy().ok().flatten();
                    let keys = copy.and_then(|copy| KeySet::parse(&copy.document).ok());
                    return keys.map_or(Refresh::NotYet(left), Refresh::Fetched);
                }
                _ => break,
            }
        }
        Refresh::NotYet(left)
    }
}
