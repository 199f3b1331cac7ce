//! Spin's key-value store `default`.
#![forbid(unsafe_code)]

use std::cell::OnceCell;

use spin_sdk::key_value;
use spin_sdk::wit::wasi::keyvalue::{atomics, store as wasi_store};

use crate::environment::{Store, StoreUnavailable};

/// The label of the store; the host uses `default` even if the application has other stores.
const LABEL: &str = "default";

/// The default store. Each of the two interfaces to it is opened at its first use.
#[derive(Default)]
pub(crate) struct DefaultStore {
    spin: OnceCell<Option<key_value::Store>>,
    /// The only interface with compare-and-swap.
    wasi: OnceCell<Option<wasi_store::Bucket>>,
}

impl DefaultStore {
    fn spin(&self) -> Result<&key_value::Store, StoreUnavailable> {
        self.spin
            .get_or_init(|| key_value::Store::open(LABEL).ok())
            .as_ref()
            .ok_or(StoreUnavailable)
    }

    fn wasi(&self) -> Option<&wasi_store::Bucket> {
        self.wasi
            .get_or_init(|| wasi_store::open(LABEL).ok())
            .as_ref()
    }
}

impl Store for DefaultStore {
    fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreUnavailable> {
        self.spin()?.get(key).map_err(|_| StoreUnavailable)
    }

    fn set(&self, key: &str, value: &[u8]) -> Result<(), StoreUnavailable> {
        self.spin()?.set(key, value).map_err(|_| StoreUnavailable)
    }

    fn replace(
        &self,
        key: &str,
        expected: Option<&[u8]>,
        value: &[u8],
    ) -> Result<bool, StoreUnavailable> {
        if self.get(key)?.as_deref() != expected {
            return Ok(false);
        }
        let swapped = self.wasi().and_then(|bucket| match expected {
            Some(expected) => swap(bucket, key, expected, value),
            None => claim(bucket, key),
        });
        match (swapped, expected) {
            (Some(false), _) => Ok(false),
            (Some(true), Some(_)) => Ok(true),
            // Not every store behind Spin's interface can swap. For those, the comparison above is the best available.
            (Some(true) | None, _) => self.set(key, value).map(|()| true),
        }
    }

    fn delete(&self, key: &str) -> Result<(), StoreUnavailable> {
        let store = self.spin()?;
        store.delete(key).map_err(|_| StoreUnavailable)?;
        store.delete(&claims(key)).map_err(|_| StoreUnavailable)
    }

    fn keys(&self) -> Result<Vec<String>, StoreUnavailable> {
        self.spin()?.get_keys().map_err(|_| StoreUnavailable)
    }
}

/// Replaces `expected` with `value`, and returns whether it did, or `None` if the store does not support that.
fn swap(bucket: &wasi_store::Bucket, key: &str, expected: &[u8], value: &[u8]) -> Option<bool> {
    let cas = atomics::Cas::new(bucket, key).ok()?;
    if cas.current().ok()?.as_deref() != Some(expected) {
        return Some(false);
    }
    match atomics::swap(cas, value) {
        Ok(()) => Some(true),
        Err(atomics::CasError::CasFailed(_)) => Some(false),
        Err(atomics::CasError::StoreError(_)) => None,
    }
}

/// Returns whether this request may create an entry, or `None` if the store has no counters. Spin's swap of an absent value
/// overwrites an entry created in the meantime, so a counter decides instead: the first request to increment it creates.
fn claim(bucket: &wasi_store::Bucket, key: &str) -> Option<bool> {
    let count = atomics::increment(bucket, &claims(key), 1).ok()?;
    // The first request may have ended before it wrote, so a later one must be able to create the entry.
    Some(count == 1 || count > ABANDONED)
}

/// The number of requests that find an entry claimed but absent before its creator is taken to have failed. It is large
/// because many requests may compete, each several times.
const ABANDONED: i64 = 100;

/// Returns the key of the counter of the requests that try to create an entry.
fn claims(key: &str) -> String {
    format!("{key}.claims")
}
