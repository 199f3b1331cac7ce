//! A key set by URL: fetched, kept in the store, and fetched again when it is old or lacks the key of a token.
//!
//! No caller chooses an address, and none can make this service fetch at will: all of them together cause one fetch in
//! [`REFRESH_INTERVAL_SECONDS`], and a copy gives way only to a document whose keys can be used. While keys cannot be
//! looked up, nobody is told that a credential is wrong ([`Error::KeysUnavailable`]). OpenID Connect Core 1.0, section
//! 10.1.1, asks for the second look at an unknown `kid`.
#![forbid(unsafe_code)]

mod cache;
mod document;
#[cfg(test)]
mod tests;

use std::time::Duration;

use jwt_simple::token::TokenMetadata;
use serde_json::{Map, Value};

use self::cache::{Attempt, Cache, CopyError};
use super::error::{Error, SourceError, Warning};
use super::key::verify_by;
use super::key_set::KeySet;
use crate::environment::Environment;

pub use self::document::{MAX_DOCUMENT_BYTES, TIMEOUT_SECONDS};

/// The least time between two fetches, in seconds, for all callers together.
pub const REFRESH_INTERVAL_SECONDS: u64 = 60;
/// The same where there is no copy that can be used.
pub const RETRY_INTERVAL_SECONDS: u64 = 5;

/// How long a request waits before it looks again whether the fetch of another has ended.
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// Where the key set is, and how long it is kept.
#[derive(Debug)]
pub struct RemoteKeySet {
    /// The address: `https`, or `http` for loopback.
    pub url: String,
    /// How long a copy is used past its age while no newer one can be fetched, in seconds.
    pub max_stale_seconds: u64,
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
    keys: KeySet,
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
        let cache = Cache::new(environment.store, &self.url);
        let verify = |keys: &KeySet| {
            let key = keys.choose(metadata.key_id(), metadata.algorithm());
            key.and_then(|key| verify_by(key, token))
                .map_err(Error::Invalid)
        };
        let copy = match self.usable_copy(&cache, environment.now) {
            Ok(copy) => copy,
            Err(error) => {
                *warning = Some(match error {
                    CopyError::StoreUnavailable => Warning::StoreUnavailable,
                    CopyError::Damaged => Warning::DamagedCopy,
                });
                None
            }
        };
        // A key that is in the set, but for another algorithm, is no reason to fetch: the token is wrong.
        let copy_decides = |copy: &&Usable| {
            let keys = &copy.keys;
            keys.has_kid(metadata.key_id())
                || keys.choose(metadata.key_id(), metadata.algorithm()).is_ok()
        };
        let deciding = copy.as_ref().filter(copy_decides);
        if let Some(copy) = deciding
            && copy.is_fresh
        {
            return verify(&copy.keys);
        }
        let refresh = self.refresh(
            &cache,
            copy.as_ref(),
            deciding.is_none(),
            environment,
            warning,
        );
        match (refresh, deciding) {
            (Refresh::Fetched(keys), _) => verify(&keys),
            (Refresh::Failed(error), Some(copy)) => {
                *warning = Some(Warning::StaleCopy {
                    age: copy.age,
                    error,
                });
                verify(&copy.keys)
            }
            (Refresh::NotYet(_), Some(copy)) => verify(&copy.keys),
            (Refresh::Failed(error), None) => Err(Error::KeysUnavailable {
                error: Some(error),
                retry_after: interval(copy.as_ref()),
            }),
            (Refresh::NotYet(retry_after), None) => Err(Error::KeysUnavailable {
                error: None,
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
            keys: KeySet::parse(&copy.document).map_err(|_| CopyError::Damaged)?,
            fetched: copy.fetched,
            age,
            is_fresh: age < copy.max_age,
        }))
    }

    /// Fetches, unless another request does or did a short time ago. `wait`: for the other one to end.
    fn refresh(
        &self,
        cache: &Cache<'_>,
        copy: Option<&Usable>,
        wait: bool,
        environment: &Environment<'_>,
        warning: &mut Option<Warning>,
    ) -> Refresh {
        let now = environment.now;
        let fetched = copy.map(|copy| copy.fetched);
        let last = match cache.attempt() {
            Ok(last) => last,
            // Every request fetches then: that is slow, and it works.
            Err(_) => {
                *warning = Some(Warning::StoreUnavailable);
                return self.fetch(cache, environment, warning);
            }
        };
        if let Some(attempt) = &last
            && let Some(left) = attempt.left(now, interval(copy))
        {
            return if wait && attempt.is_running(now, fetched) {
                self.wait(cache, attempt, left, environment)
            } else {
                Refresh::NotYet(left)
            };
        }
        match cache.begin(last.as_ref(), now) {
            Ok(true) => self.fetch(cache, environment, warning),
            // Another request was faster.
            Ok(false) if wait => self.wait(cache, &Attempt::at(now), interval(copy), environment),
            Ok(false) => Refresh::NotYet(interval(copy)),
            Err(_) => {
                *warning = Some(Warning::StoreUnavailable);
                self.fetch(cache, environment, warning)
            }
        }
    }

    fn fetch(
        &self,
        cache: &Cache<'_>,
        environment: &Environment<'_>,
        warning: &mut Option<Warning>,
    ) -> Refresh {
        let now = environment.now;
        let (refresh, stored) = match document::fetch(environment.network, &self.url) {
            Ok(document) => {
                let stored = cache.keep(&document, now);
                (Refresh::Fetched(document.keys), stored)
            }
            Err(error) => (Refresh::Failed(error), cache.fail(now)),
        };
        if stored.is_err() {
            *warning = Some(Warning::StoreUnavailable);
        }
        refresh
    }

    /// Waits until another request's fetch has ended, not longer than it may take.
    fn wait(
        &self,
        cache: &Cache<'_>,
        attempt: &Attempt,
        left: u64,
        environment: &Environment<'_>,
    ) -> Refresh {
        let polls =
            1 + TIMEOUT_SECONDS * 1_000 / u64::try_from(POLL_INTERVAL.as_millis()).unwrap_or(1);
        for _ in 0..polls {
            (environment.sleep)(POLL_INTERVAL);
            if let Ok(Some(copy)) = cache.copy()
                && copy.fetched >= attempt.at
                && let Ok(keys) = KeySet::parse(&copy.document)
            {
                return Refresh::Fetched(keys);
            }
            if matches!(cache.attempt(), Ok(Some(attempt)) if attempt.failed) {
                break;
            }
        }
        Refresh::NotYet(left)
    }
}

/// How long after a fetch the next one may come, in seconds.
const fn interval(copy: Option<&Usable>) -> u64 {
    match copy {
        Some(_) => REFRESH_INTERVAL_SECONDS,
        None => RETRY_INTERVAL_SECONDS,
    }
}
