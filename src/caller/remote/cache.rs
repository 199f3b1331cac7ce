//! The copy of a key set in the store, and a note of the last fetch.
//!
//! The names of the entries hold this application's name, a version of their format, and a hash of the address: other
//! applications, later versions and another address have other entries. What is read is checked like what comes from the
//! network.
#![forbid(unsafe_code)]

use serde::{Deserialize, Serialize};

use super::document::{self, Document, MAX_DOCUMENT_BYTES};
use crate::environment::{Store, StoreUnavailable};

/// The two entries of one address.
pub(super) struct Cache<'a> {
    store: &'a dyn Store,
    pub(super) copy_key: String,
    pub(super) attempt_key: String,
}

/// A document as it is kept.
#[derive(Serialize, Deserialize)]
pub(super) struct Copy {
    /// When it was fetched, in seconds since 1970-01-01 UTC.
    pub(super) fetched: u64,
    /// How long it is fresh, in seconds.
    pub(super) max_age: u64,
    pub(super) document: String,
}

/// Why there is no copy.
pub(super) enum CopyError {
    StoreUnavailable,
    /// Not what this service writes.
    Damaged,
}

impl From<StoreUnavailable> for CopyError {
    fn from(_: StoreUnavailable) -> Self {
        Self::StoreUnavailable
    }
}

/// The last fetch.
#[derive(Serialize, Deserialize)]
pub(super) struct Attempt {
    /// When it began, in seconds since 1970-01-01 UTC.
    pub(super) at: u64,
    pub(super) failed: bool,
    /// The entry as it stands in the store.
    #[serde(skip)]
    entry: Vec<u8>,
}

impl Attempt {
    pub(super) const fn at(now: u64) -> Self {
        Self {
            at: now,
            failed: false,
            entry: Vec::new(),
        }
    }

    /// How long until the next fetch may begin, in seconds; `None`: it may now. A time in the future is a wrong clock's.
    pub(super) fn left(&self, now: u64, interval: u64) -> Option<u64> {
        let since = now.checked_sub(self.at)?;
        interval.checked_sub(since).filter(|left| *left > 0)
    }

    /// Whether it has not ended, as far as can be told. `fetched` is the time of the copy.
    pub(super) fn is_running(&self, now: u64, fetched: Option<u64>) -> bool {
        let ended = self.failed || fetched.is_some_and(|fetched| fetched >= self.at);
        !ended && now.saturating_sub(self.at) <= document::TIMEOUT_SECONDS
    }

    fn write(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }
}

impl<'a> Cache<'a> {
    pub(super) fn new(store: &'a dyn Store, url: &str) -> Self {
        let hash = hmac_sha256::Hash::hash(url.as_bytes());
        let address: String = hash[..16]
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        Self {
            store,
            copy_key: format!("jaas-jwt.v1.jwks.{address}"),
            attempt_key: format!("jaas-jwt.v1.jwks-fetch.{address}"),
        }
    }

    pub(super) fn copy(&self) -> Result<Option<Copy>, CopyError> {
        let Some(entry) = self.store.get(&self.copy_key)? else {
            return Ok(None);
        };
        let copy: Copy = serde_json::from_slice(&entry).map_err(|_| CopyError::Damaged)?;
        let is_plausible =
            document::MAX_AGES.contains(&copy.max_age) && copy.document.len() <= MAX_DOCUMENT_BYTES;
        is_plausible.then_some(Some(copy)).ok_or(CopyError::Damaged)
    }

    pub(super) fn keep(&self, document: &Document, now: u64) -> Result<(), StoreUnavailable> {
        let copy = Copy {
            fetched: now,
            max_age: document.max_age,
            document: document.text.clone(),
        };
        let entry = serde_json::to_vec(&copy).unwrap_or_default();
        self.store.set(&self.copy_key, &entry)
    }

    /// The last fetch. An entry that is not one counts as long past.
    pub(super) fn attempt(&self) -> Result<Option<Attempt>, StoreUnavailable> {
        let entry = self.store.get(&self.attempt_key)?;
        Ok(entry.map(|entry| {
            let attempt = serde_json::from_slice(&entry).unwrap_or(Attempt {
                at: 0,
                failed: true,
                entry: Vec::new(),
            });
            Attempt { entry, ..attempt }
        }))
    }

    /// Notes that a fetch begins; `false`: another request has begun one since `last` was read.
    pub(super) fn begin(&self, last: Option<&Attempt>, now: u64) -> Result<bool, StoreUnavailable> {
        let expected = last.map(|attempt| attempt.entry.as_slice());
        let entry = Attempt::at(now).write();
        self.store.replace(&self.attempt_key, expected, &entry)
    }

    /// Notes that the fetch that began at `now` has failed.
    pub(super) fn fail(&self, now: u64) -> Result<(), StoreUnavailable> {
        let attempt = Attempt {
            failed: true,
            ..Attempt::at(now)
        };
        self.store.set(&self.attempt_key, &attempt.write())
    }
}
