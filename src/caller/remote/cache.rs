//! The stored copy of a key set, and a record of the last fetch for each purpose.
//!
//! The key of an entry contains this application's name, a version of the format and a hash of the URL, so that other
//! applications, later versions and other URLs have different entries. What is read from the store is checked like what is
//! read from the network.
#![forbid(unsafe_code)]

use serde::{Deserialize, Serialize};

use super::document::{self, Document, MAX_DOCUMENT_BYTES};
use crate::environment::{Store, StoreUnavailable};

/// The store's entries for one URL.
pub(super) struct Cache<'a> {
    store: &'a dyn Store,
    pub(super) copy_key: String,
    age_key: String,
    unknown_kid_key: String,
}

/// A document as it is stored.
#[derive(Serialize, Deserialize)]
pub(super) struct Copy {
    /// The time of the fetch, in seconds since 1970-01-01 UTC.
    pub(super) fetched: u64,
    /// How long the document is fresh, in seconds.
    pub(super) max_age: u64,
    pub(super) document: String,
}

/// Why the copy cannot be read.
pub(super) enum CopyError {
    StoreUnavailable,
    /// The entry is not one that this service wrote.
    Damaged,
}

impl From<StoreUnavailable> for CopyError {
    fn from(_: StoreUnavailable) -> Self {
        Self::StoreUnavailable
    }
}

/// The purpose of a fetch. Each purpose has its own rate limit, so that forged `kid`s cannot delay the renewal of the copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// There is no copy, or it is not fresh.
    Stale,
    /// The copy is fresh, and a token cannot be verified with it.
    UnknownKid,
}

/// A record of the last fetch for one purpose.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Attempt {
    /// The start of the fetch, in seconds since 1970-01-01 UTC.
    pub(super) at: u64,
    pub(super) state: State,
    /// The serialised entry, as read from the store.
    #[serde(skip)]
    entry: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum State {
    Running,
    Done,
    Failed,
}

impl Attempt {
    /// Returns the seconds until the next fetch may start; `None` if it may start now. A start in the future is a wrong clock's.
    pub(super) fn left(&self, now: u64, interval: u64) -> Option<u64> {
        let since = now.checked_sub(self.at)?;
        interval.checked_sub(since).filter(|left| *left > 0)
    }

    /// Whether the fetch is still running. After the timeout it is not: its request may have been cancelled.
    pub(super) fn is_running(&self, now: u64) -> bool {
        self.state == State::Running && now.saturating_sub(self.at) <= document::TIMEOUT_SECONDS
    }
}

fn entry(at: u64, state: State) -> Vec<u8> {
    let attempt = Attempt {
        at,
        state,
        entry: Vec::new(),
    };
    serde_json::to_vec(&attempt).unwrap_or_default()
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
            age_key: format!("jaas-jwt.v1.jwks-fetch.{address}"),
            unknown_kid_key: format!("jaas-jwt.v1.jwks-fetch-for-kid.{address}"),
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

    /// Returns the record of the last fetch. A damaged entry counts as a fetch that failed long ago.
    pub(super) fn attempt(&self, purpose: Purpose) -> Result<Option<Attempt>, StoreUnavailable> {
        let entry = self.store.get(self.attempt_key(purpose))?;
        Ok(entry.map(|entry| {
            let attempt = serde_json::from_slice(&entry).unwrap_or(Attempt {
                at: 0,
                state: State::Failed,
                entry: Vec::new(),
            });
            Attempt { entry, ..attempt }
        }))
    }

    /// Records that a fetch starts. Returns `false` if another request has started one since `last` was read.
    pub(super) fn begin(
        &self,
        purpose: Purpose,
        last: Option<&Attempt>,
        now: u64,
    ) -> Result<bool, StoreUnavailable> {
        let expected = last.map(|attempt| attempt.entry.as_slice());
        let entry = entry(now, State::Running);
        self.store
            .replace(self.attempt_key(purpose), expected, &entry)
    }

    /// Records how the fetch that started at `now` ended.
    pub(super) fn end(
        &self,
        purpose: Purpose,
        state: State,
        now: u64,
    ) -> Result<(), StoreUnavailable> {
        self.store
            .set(self.attempt_key(purpose), &entry(now, state))
    }

    pub(super) fn attempt_key(&self, purpose: Purpose) -> &str {
        match purpose {
            Purpose::Stale => &self.age_key,
            Purpose::UnknownKid => &self.unknown_kid_key,
        }
    }
}
