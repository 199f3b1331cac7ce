//! What the core cannot know by itself, as arguments: the clock, random bytes, the key-value store and the network.
#![forbid(unsafe_code)]

use std::fmt;
use std::time::Duration;

use crate::http::Headers;

/// The host, as one request sees it.
pub struct Environment<'a> {
    /// The time, in seconds since 1970-01-01 UTC.
    pub now: u64,
    /// Random bytes for ids and for blinding signatures.
    pub random: &'a mut dyn Random,
    /// What is kept from one request to the next.
    pub store: &'a dyn Store,
    /// The way to other servers.
    pub network: &'a dyn Network,
    /// Waits.
    pub sleep: &'a dyn Fn(Duration),
}

impl<'a> Environment<'a> {
    /// A host that grants neither a store nor a network.
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
    /// Fills the buffer.
    fn fill(&mut self, bytes: &mut [u8]);
}

impl<F: FnMut(&mut [u8])> Random for F {
    fn fill(&mut self, bytes: &mut [u8]) {
        self(bytes);
    }
}

/// A key-value store that all instances share. Nothing is opened before the first call. Other applications may write
/// into it too: what is read is input from outside.
pub trait Store {
    /// The value under a key.
    ///
    /// # Errors
    /// [`StoreUnavailable`], as for all of these.
    fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreUnavailable>;

    /// Stores a value; it takes the place of one that is there.
    ///
    /// # Errors
    /// See [`Store::get`].
    fn set(&self, key: &str, value: &[u8]) -> Result<(), StoreUnavailable>;

    /// Stores a value if the present one is `expected`, atomically where the store can; `false`: it is another.
    ///
    /// # Errors
    /// See [`Store::get`].
    fn replace(
        &self,
        key: &str,
        expected: Option<&[u8]>,
        value: &[u8],
    ) -> Result<bool, StoreUnavailable>;

    /// Removes a value; one that is not there is no error.
    ///
    /// # Errors
    /// See [`Store::get`].
    fn delete(&self, key: &str) -> Result<(), StoreUnavailable>;

    /// All keys of the store, also those of others.
    ///
    /// # Errors
    /// See [`Store::get`].
    fn keys(&self) -> Result<Vec<String>, StoreUnavailable>;
}

/// The store is not granted to the application, or it fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoreUnavailable;

/// The way to other servers.
pub trait Network {
    /// Sends a `GET` and reads the response to its end. Follows no redirect.
    ///
    /// # Errors
    /// See [`FetchError`].
    fn get(&self, url: &str, limits: FetchLimits) -> Result<Fetched, FetchError>;
}

/// What a fetch may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FetchLimits {
    /// The largest body, in bytes.
    pub max_bytes: usize,
    /// The longest time, to the body's last byte.
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

/// Why there is no response. `Display` continues a sentence that starts with the variable of the address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// The host does not let the component call that server.
    #[error(
        "is at a host that allowed_outbound_hosts in spin.toml does not have; set auth_jwks_origin to its origin"
    )]
    Denied,
    /// No connection, no TLS, or one that broke.
    #[error("cannot be reached: no connection, or one without a valid certificate")]
    Failed,
    /// Longer than the limit.
    #[error("does not respond in time")]
    TimedOut,
    /// Larger than the limit.
    #[error("responds with more than is read")]
    TooLarge,
}

/// Neither a store nor a network: what an application without these rights gets.
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

    /// A store in memory, whose reads and replacements are counted.
    #[derive(Default)]
    pub(crate) struct MemoryStore {
        pub(crate) entries: Mutex<BTreeMap<String, Vec<u8>>>,
        pub(crate) reads: AtomicUsize,
        pub(crate) replacements: AtomicUsize,
        /// How many times somebody else writes between a `get` and a `replace`.
        pub(crate) contended: AtomicUsize,
        /// Where another was faster, the write is lost and reported as made, as it may be by Redis.
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
