//! What the core needs from its host, passed as arguments: clock, random bytes, key-value store and network.
#![forbid(unsafe_code)]

use std::fmt;
use std::time::Duration;

use crate::http::Headers;

/// The host as one request sees it.
pub struct Environment<'a> {
    /// The time, in seconds since 1970-01-01 UTC.
    pub now: u64,
    /// Random bytes for ids and for the blinding of signatures.
    pub random: &'a mut dyn Random,
    /// The store for what outlives a request.
    pub store: &'a dyn Store,
    /// Access to other servers.
    pub network: &'a dyn Network,
    /// Suspends the request for a duration.
    pub sleep: &'a dyn Fn(Duration),
}

impl<'a> Environment<'a> {
    /// Creates an environment without a store and a network.
    pub fn isolated(now: u64, random: &'a mut dyn Random) -> Self {
        Self {
            now,
            random,
            store: &Isolated,
            network: &Isolated,
            sleep: &|_| (),
        }
    }
}

/// A cryptographically secure source of random bytes.
pub trait Random {
    /// Fills the buffer with random bytes.
    fn fill(&mut self, bytes: &mut [u8]);
}

impl<F: FnMut(&mut [u8])> Random for F {
    fn fill(&mut self, bytes: &mut [u8]) {
        self(bytes);
    }
}

/// A key-value store that all instances share. It is opened at the first call. Other applications may write to it too, so
/// values read from it are untrusted input.
pub trait Store {
    /// Returns the value of a key, if there is one.
    ///
    /// # Errors
    /// [`StoreUnavailable`], as for every method of this trait.
    fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreUnavailable>;

    /// Stores a value, replacing an existing one.
    ///
    /// # Errors
    /// See [`Store::get`].
    fn set(&self, key: &str, value: &[u8]) -> Result<(), StoreUnavailable>;

    /// Stores a value if the current one equals `expected` (`None`: the key is absent), and returns whether it did. Atomic if
    /// the store supports that.
    ///
    /// # Errors
    /// See [`Store::get`].
    fn replace(
        &self,
        key: &str,
        expected: Option<&[u8]>,
        value: &[u8],
    ) -> Result<bool, StoreUnavailable>;

    /// Removes a value. Removing an absent value is not an error.
    ///
    /// # Errors
    /// See [`Store::get`].
    fn delete(&self, key: &str) -> Result<(), StoreUnavailable>;

    /// Returns all keys of the store, including those of other applications.
    ///
    /// # Errors
    /// See [`Store::get`].
    fn keys(&self) -> Result<Vec<String>, StoreUnavailable>;
}

/// The application has no access to the store, or the store failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoreUnavailable;

/// Access to other servers.
pub trait Network {
    /// Sends a `GET` request and reads the whole response. Redirects are not followed.
    ///
    /// # Errors
    /// See [`FetchError`].
    fn get(&self, url: &str, limits: FetchLimits) -> Result<Fetched, FetchError>;
}

/// The limits of a fetch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FetchLimits {
    /// The maximum length of the body, in bytes.
    pub max_bytes: usize,
    /// The maximum time until the last byte of the body.
    pub timeout: Duration,
}

/// A response from another server.
#[derive(Debug)]
pub struct Fetched {
    /// The HTTP status.
    pub status: u16,
    /// The headers.
    pub headers: Headers,
    /// The whole body.
    pub body: Vec<u8>,
}

/// Why a fetch failed. `Display` continues a sentence that starts with the name of the variable that holds the URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// The manifest does not allow requests to this server.
    #[error(
        "is at a host that allowed_outbound_hosts in spin.toml does not have; set auth_jwks_origin to its origin"
    )]
    Denied,
    /// The connection or its TLS handshake failed, or the connection broke.
    #[error("cannot be reached: no connection, or one without a valid certificate")]
    Failed,
    /// The fetch took longer than [`FetchLimits::timeout`].
    #[error("does not respond in time")]
    TimedOut,
    /// The body is longer than [`FetchLimits::max_bytes`].
    #[error("responds with a document that is too large")]
    TooLarge,
}

/// An environment without a store and a network, as for an application that is granted neither.
#[derive(Debug, Clone, Copy)]
pub struct Isolated;

impl Store for Isolated {
    fn get(&self, _: &str) -> Result<Option<Vec<u8>>, StoreUnavailable> {
        Err(StoreUnavailable)
    }

    fn set(&self, _: &str, _: &[u8]) -> Result<(), StoreUnavailable> {
        Err(StoreUnavailable)
    }

    fn replace(&self, _: &str, _: Option<&[u8]>, _: &[u8]) -> Result<bool, StoreUnavailable> {
        Err(StoreUnavailable)
    }

    fn delete(&self, _: &str) -> Result<(), StoreUnavailable> {
        Err(StoreUnavailable)
    }

    fn keys(&self) -> Result<Vec<String>, StoreUnavailable> {
        Err(StoreUnavailable)
    }
}

impl Network for Isolated {
    fn get(&self, _: &str, _: FetchLimits) -> Result<Fetched, FetchError> {
        Err(FetchError::Denied)
    }
}

impl fmt::Debug for Environment<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Environment")
            .field("now", &self.now)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::collections::BTreeMap;
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// An in-memory store that counts reads and replacements.
    #[derive(Default)]
    pub(crate) struct MemoryStore {
        pub(crate) entries: Mutex<BTreeMap<String, Vec<u8>>>,
        pub(crate) reads: AtomicUsize,
        pub(crate) replacements: AtomicUsize,
        /// The number of coming calls of `replace` that fail because another instance has written since the `get`.
        pub(crate) contended: AtomicUsize,
        /// Whether `replace` reports a lost write as made, as Redis may.
        pub(crate) lies: bool,
    }

    impl Store for MemoryStore {
        fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreUnavailable> {
            self.reads.fetch_add(1, Ordering::Relaxed);
            Ok(self.entries.lock().unwrap().get(key).cloned())
        }

        fn set(&self, key: &str, value: &[u8]) -> Result<(), StoreUnavailable> {
            let mut entries = self.entries.lock().unwrap();
            entries.insert(key.to_owned(), value.to_vec());
            Ok(())
        }

        fn replace(
            &self,
            key: &str,
            expected: Option<&[u8]>,
            value: &[u8],
        ) -> Result<bool, StoreUnavailable> {
            self.replacements.fetch_add(1, Ordering::Relaxed);
            let left = self.contended.load(Ordering::Relaxed);
            if let Some(left) = left.checked_sub(1) {
                self.contended.store(left, Ordering::Relaxed);
                return Ok(false);
            }
            let mut entries = self.entries.lock().unwrap();
            let is_expected = entries.get(key).map(Vec::as_slice) == expected;
            if is_expected {
                entries.insert(key.to_owned(), value.to_vec());
            }
            Ok(is_expected || self.lies)
        }

        fn delete(&self, key: &str) -> Result<(), StoreUnavailable> {
            self.entries.lock().unwrap().remove(key);
            Ok(())
        }

        fn keys(&self) -> Result<Vec<String>, StoreUnavailable> {
            Ok(self.entries.lock().unwrap().keys().cloned().collect())
        }
    }
}
