//! A key set by URL: fetched, kept in the store, and fetched again when it is old or lacks the key of a token.
//!
//! No caller chooses an address, and none can make this service fetch at will: unknown `kid`s of all callers together
//! cause one fetch in [`REFRESH_INTERVAL_SECONDS`], and a copy gives way only to a document whose keys can be used. While
//! a key cannot be looked up, nobody is told that the credential is wrong ([`Error::KeysUnavailable`]). OpenID Connect
//! Core 1.0, section 10.1.1, asks for the second look at an unknown `kid`.
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

/// The least time between two fetches for unknown `kid`s, and between two for a copy that is too old, in seconds: for all
/// callers together.
pub const REFRESH_INTERVAL_SECONDS: u64 = 60;
/// The same where there is no copy that can be used.
pub const RETRY_INTERVAL_SECONDS: u64 = 5;

/// How long a request waits before it looks again whether the fetch of another has ended.
const POLL_INTERVAL: Duration = Duration::from_millis(50);
/// How often it looks: as long as a fetch may take.
const MAX_POLLS: u128 =
    Duration::from_secs(TIMEOUT_SECONDS).as_millis() / POLL_INTERVAL.as_millis();

/// Where the key set is, and how long it is kept.
#[derive(Debug)]
pub struct RemoteKeySet {
    /// The address: `https`, or `http` for loopback.
    pub url: String,
    /// How long a copy is used past its age while no newer one can be fetched, in seconds.
    pub max_stale_seconds: u64,
    /// Where an instance keeps the parsed copy for further requests, if it does.
    pub kept: Option<Rc<Slot<KeySet>>>,
}

/// What a look at the address brings.
enum Refresh {
    Fetched(KeySet),
    Failed(SourceError),
    /// The last fetch is too recent; the time until the next, in seconds.
    NotYet(u64),
}

/// The copy in the store, as far as it can be used.
struct Usable {
    keys: Rc<KeySet>,
    fetched: u64,
    age: u64,
    is_fresh: bool,
}

impl RemoteKeySet {
    /// Verifies a token's signature by the key that its header names.
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
            Some(_) => (Purpose::Age, REFRESH_INTERVAL_SECONDS),
            None => (Purpose::Age, RETRY_INTERVAL_SECONDS),
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
            // Its key would be in the copy if there were one.
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

    /// How old the copy in the store is, in seconds; `None`: there is none that can be used.
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
        // From the future: the clock of this host or of another is wrong.
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

/// A token with its header.
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

    /// Whether a key of the set is the token's. Of a key without kid, and of one whose kid was used again, a copy cannot
    /// tell.
    fn is_of(&self, keys: &KeySet) -> bool {
        keys.has_kid(self.metadata.key_id()) || self.choose(keys).is_ok()
    }
}

/// Whether a token could be good by a key that is not in the copy.
const fn may_be_of_another_key(cause: Cause) -> bool {
    matches!(
        cause,
        Cause::UnknownKid | Cause::NoKid | Cause::AlgorithmOfNoKey | Cause::Signature
    )
}

/// Whether a token says that it was issued before that time. Nothing vouches for it: whoever lies about it gains another
/// error.
fn is_older(token: &str, time: u64) -> bool {
    issued_at(token).is_some_and(|issued| issued.saturating_add(TOLERANCE_SECONDS) < time)
}

/// The looking up of keys for one token.
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

    /// Fetches, unless another request does so or did less than `interval` seconds ago. `wait`: for the other's end.
    fn refresh(&mut self, purpose: Purpose, interval: u64, wait: bool) -> Refresh {
        let now = self.now;
        let Ok(last) = self.cache.attempt(purpose) else {
            // Every request fetches then: that is slow, and it works.
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
            // Another request was faster.
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

    /// Waits until another request's fetch has ended, not longer than it may take.
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
