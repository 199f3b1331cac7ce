//! The copy of a key set in the store, and a note of the last fetch for each purpose.
//!
//! The names of the entries hold this application's name, a version of their format, and a hash of the address: other
//! applications, later versions and another address have other entries. What is read is checked like what comes from the
//! network.
#![forbid(unsafe_code)]

use serde::{Deserialize, Serialize};

use super::document::{self, Document, MAX_DOCUMENT_BYTES};
use crate::environment::{Store, StoreUnavailable};

/// The entries of one address.
pub(super) struct Cache<'a> {
    store: &'a dyn Store,
    pub(super) copy_key: String,
    age_key: String,
    unknown_kid_key: String,
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

/// What a fetch is for. Each has a limit of its own, so that a forged `kid` does not stand in the way of a copy's renewal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// There is no copy, or one that is too old.
    Age,
    /// The copy is fresh, and a token's key is not in it.
    UnknownKid,
}

/// The last fetch for one purpose.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Attempt {
    /// When it began, in seconds since 1970-01-01 UTC.
    pub(super) at: u64,
    pub(super) state: State,
    /// The entry as it stands in the store.
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
    /// How long until the next fetch may begin, in seconds; `None`: it may now. A time in the future is a wrong clock's.
    pub(super) fn left(&self, now: u64, interval: u64) -> Option<u64> {
        let since = now.checked_sub(self.at)?;
        interval.checked_sub(since).filter(|left| *left > 0)
    }

    /// Whether it has not ended: its request may have been stopped half-way.
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

    /// The last fetch. An entry that is not one counts as long past.
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

    /// Notes that a fetch begins; `false`: another request has begun one since `last` was read.
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

    /// Notes how the fetch that began at `now` has ended.
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
            Purpose::Age => &self.age_key,
            Purpose::UnknownKid => &self.unknown_kid_key,
        }
    }
}
