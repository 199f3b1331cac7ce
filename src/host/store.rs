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
        let swap = self
            .wasi()
            .and_then(|bucket| atomics::Cas::new(bucket, key).ok())
            .and_then(|swap| Some((swap.current().ok()?, swap)));
        let Some((current, swap)) = swap else {
            // Not every store behind Spin's interface can swap: the best that such a one has is to look first.
            if self.get(key)?.as_deref() != expected {
                return Ok(false);
            }
            return self.set(key, value).map(|()| true);
        };
        if current.as_deref() != expected {
            return Ok(false);
        }
        match atomics::swap(swap, value) {
            Ok(()) => Ok(true),
            Err(atomics::CasError::CasFailed(_)) => Ok(false),
            Err(atomics::CasError::StoreError(_)) => Err(StoreUnavailable),
        }
    }

    fn delete(&self, key: &str) -> Result<(), StoreUnavailable> {
        self.spin()?.delete(key).map_err(|_| StoreUnavailable)
    }

    fn keys(&self) -> Result<Vec<String>, StoreUnavailable> {
        self.spin()?.get_keys().map_err(|_| StoreUnavailable)
    }
}
