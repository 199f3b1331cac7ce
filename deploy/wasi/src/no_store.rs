//! Key-value stores for hosts that have none: each attempt to open one fails, so no handle is ever made.

use crate::Adapter;
use crate::exports::fermyon::spin::key_value as spin;
use crate::exports::wasi::keyvalue::{atomics, store as wasi};

/// An open store, or a swap in one: never made.
pub enum Never {}

impl spin::Guest for Adapter {
    type Store = Never;
}

impl spin::GuestStore for Never {
    fn open(_: String) -> Result<spin::Store, spin::Error> {
        Err(spin::Error::NoSuchStore)
    }

    fn get(&self, _: String) -> Result<Option<Vec<u8>>, spin::Error> {
        match *self {}
    }

    fn set(&self, _: String, _: Vec<u8>) -> Result<(), spin::Error> {
        match *self {}
    }

    fn delete(&self, _: String) -> Result<(), spin::Error> {
        match *self {}
    }

    fn get_keys(&self) -> Result<Vec<String>, spin::Error> {
        match *self {}
    }
}

impl wasi::Guest for Adapter {
    type Bucket = Never;

    fn open(_: String) -> Result<wasi::Bucket, wasi::Error> {
        Err(wasi::Error::NoSuchStore)
    }
}

impl wasi::GuestBucket for Never {}

impl atomics::Guest for Adapter {
    type Cas = Never;

    fn increment(_: wasi::BucketBorrow<'_>, _: String, _: i64) -> Result<i64, wasi::Error> {
        Err(wasi::Error::NoSuchStore)
    }

    fn swap(_: atomics::Cas, _: Vec<u8>) -> Result<(), atomics::CasError> {
        Err(atomics::CasError::StoreError(wasi::Error::NoSuchStore))
    }
}

impl atomics::GuestCas for Never {
    fn new(_: wasi::BucketBorrow<'_>, _: String) -> Result<atomics::Cas, wasi::Error> {
        Err(wasi::Error::NoSuchStore)
    }

    fn current(&self) -> Result<Option<Vec<u8>>, wasi::Error> {
        match *self {}
    }
}
