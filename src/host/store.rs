//! Spin's key-value store `default`.
#![forbid(unsafe_code)]

use std::cell::OnceCell;

use spin_sdk::key_value;
use spin_sdk::wit::wasi::keyvalue::{atomics, store as wasi_store};

use crate::environment::{Store, StoreUnavailable};

/// The name under which the host knows it, also where an application may have others.
const LABEL: &str = "default";

/// Opened at the first call, by each of the two interfaces that is needed.
#[derive(Default)]
pub(crate) struct DefaultStore {
    spin: OnceCell<Option<key_value::Store>>,
    /// Only this one can compare and swap.
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
            // Not every store behind Spin's interface can swap. The best that such a one has is to look first.
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

/// Puts a value in the place of another; `None` where the store cannot do that.
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

/// Whether this request is the one that may create an entry. Spin's swap of a value that is not there overwrites one that
/// has come meanwhile, so the first to count is the one; `None` where the store cannot count.
fn claim(bucket: &wasi_store::Bucket, key: &str) -> Option<bool> {
    let count = atomics::increment(bucket, &claims(key), 1).ok()?;
    // The first may have ended before it wrote. Those who try are many, and each may try often.
    Some(count == 1 || count > ABANDONED)
}

/// So many requests have found an entry claimed and absent that its creator must have failed.
const ABANDONED: i64 = 100;

/// The counter of those who would create an entry.
fn claims(key: &str) -> String {
    format!("{key}.claims")
}
