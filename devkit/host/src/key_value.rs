//! Implements `fermyon:spin/key-value` and `wasi:keyvalue` for an instance, as far as the component imports them.

use wasmtime::component::{HasSelf, Linker, Resource, ResourceTableError};

use crate::faults::StoreFault;
use crate::guest::{Application, Guest};
use crate::imports::fermyon::spin::key_value as spin;
use crate::imports::wasi::keyvalue::{atomics, store as wasi};
use crate::imports::{Cas, Opened};
use crate::store::KeyValueStore;

/// The maximum size of a call's result in bytes, as in Spin.
const MAX_RESULT: usize = 128 * 1024 * 1024;

pub(crate) fn add_to_linker(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    spin::add_to_linker::<_, HasSelf<_>>(linker, |guest| guest)?;
    wasi::add_to_linker::<_, HasSelf<_>>(linker, |guest| guest)?;
    atomics::add_to_linker::<_, HasSelf<_>>(linker, |guest| guest)
}

impl From<wasi::Error> for spin::Error {
    fn from(error: wasi::Error) -> Self {
        match error {
            wasi::Error::NoSuchStore => Self::NoSuchStore,
            wasi::Error::AccessDenied => Self::AccessDenied,
            wasi::Error::Other(reason) => Self::Other(reason),
        }
    }
}

impl From<ResourceTableError> for wasi::Error {
    fn from(error: ResourceTableError) -> Self {
        Self::Other(error.to_string())
    }
}

fn other(reason: &str) -> wasi::Error {
    wasi::Error::Other(reason.to_owned())
}

impl Application {
    /// Checks whether the component may open a store.
    fn open(&self, label: &str) -> Result<(), wasi::Error> {
        self.store.count_call();
        let is_granted = self.key_value_stores.iter().any(|it| it == label);
        match self.faults.store {
            Some(StoreFault::NotGranted) => Err(wasi::Error::AccessDenied),
            _ if !is_granted => Err(wasi::Error::AccessDenied),
            Some(StoreFault::CannotOpen) => Err(other("the store cannot be opened")),
            _ => Ok(()),
        }
    }

    /// Returns the store for any call other than opening.
    fn store(&self) -> Result<&KeyValueStore, wasi::Error> {
        self.store.count_call();
        match self.faults.store {
            Some(StoreFault::Fails) => Err(other("the store fails")),
            _ => Ok(&self.store),
        }
    }

    fn value(&self, key: &str) -> Result<Option<Vec<u8>>, wasi::Error> {
        let value = self.store()?.get(key);
        let length = value.as_ref().map_or(0, Vec::len);
        check_size(size_of::<Option<Vec<u8>>>() + length)?;
        Ok(value)
    }
}

fn check_size(size: usize) -> Result<(), wasi::Error> {
    if size > MAX_RESULT {
        return Err(other("the result exceeds 128 MiB"));
    }
    Ok(())
}

impl spin::Host for Guest {}

impl spin::HostStore for Guest {
    fn open(&mut self, label: String) -> Result<Resource<Opened>, spin::Error> {
        Ok(wasi::Host::open(self, label)?)
    }

    fn get(&mut self, _: Resource<Opened>, key: String) -> Result<Option<Vec<u8>>, spin::Error> {
        Ok(self.application.value(&key)?)
    }

    fn set(&mut self, _: Resource<Opened>, key: String, value: Vec<u8>) -> Result<(), spin::Error> {
        self.application.store()?.set(&key, &value);
        Ok(())
    }

    fn delete(&mut self, _: Resource<Opened>, key: String) -> Result<(), spin::Error> {
        self.application.store()?.delete(&key);
        Ok(())
    }

    fn get_keys(&mut self, _: Resource<Opened>) -> Result<Vec<String>, spin::Error> {
        let keys = self.application.store()?.keys();
        let sizes = keys.iter().map(|key| size_of::<String>() + key.len());
        check_size(size_of::<Vec<String>>() + sizes.sum::<usize>())?;
        Ok(keys)
    }

    fn drop(&mut self, store: Resource<Opened>) -> wasmtime::Result<()> {
        self.table.delete(store)?;
        Ok(())
    }
}

impl wasi::Host for Guest {
    fn open(&mut self, label: String) -> Result<Resource<Opened>, wasi::Error> {
        self.application.open(&label)?;
        Ok(self.table.push(Opened)?)
    }
}

impl wasi::HostBucket for Guest {
    fn drop(&mut self, bucket: Resource<Opened>) -> wasmtime::Result<()> {
        self.table.delete(bucket)?;
        Ok(())
    }
}

impl atomics::HostCas for Guest {
    fn new(&mut self, bucket: Resource<Opened>, key: String) -> Result<Resource<Cas>, wasi::Error> {
        Ok(self.table.push(Cas {
            bucket: bucket.rep(),
            key,
            seen: None,
        })?)
    }

    fn current(&mut self, cas: Resource<Cas>) -> Result<Option<Vec<u8>>, wasi::Error> {
        let cas = self.table.get_mut(&cas)?;
        cas.seen = self.application.value(&cas.key)?;
        Ok(cas.seen.clone())
    }

    fn drop(&mut self, cas: Resource<Cas>) -> wasmtime::Result<()> {
        self.table.delete(cas)?;
        Ok(())
    }
}

impl atomics::Host for Guest {
    fn increment(
        &mut self,
        _: Resource<Opened>,
        key: String,
        delta: i64,
    ) -> Result<i64, wasi::Error> {
        let number = self.application.store()?.increment(key, delta);
        number.ok_or_else(|| other("the value is no number of 64 bits"))
    }

    fn swap(&mut self, cas: Resource<Cas>, value: Vec<u8>) -> Result<(), atomics::CasError> {
        self.try_swap(cas, value)
            .map_err(atomics::CasError::StoreError)?
            .map_err(atomics::CasError::CasFailed)
    }
}

impl Guest {
    /// Replaces the value. The inner `Err` means that the value has changed, and contains a handle for the next attempt.
    fn try_swap(
        &mut self,
        cas: Resource<Cas>,
        value: Vec<u8>,
    ) -> Result<Result<(), Resource<Cas>>, wasi::Error> {
        let mut cas = self.table.delete(cas)?;
        let store = self.application.store()?;
        let Err(present) = store.swap(&cas.key, cas.seen.as_deref(), value) else {
            return Ok(Ok(()));
        };
        let bucket = Resource::<Opened>::new_borrow(cas.bucket);
        self.table
            .get(&bucket)
            .map_err(|_| wasi::Error::NoSuchStore)?;
        cas.seen = present;
        Ok(Err(self.table.push(cas)?))
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Debug;

    use super::atomics::{CasError, Host as _, HostCas};
    use super::spin::HostStore;
    use super::*;
    use crate::faults::Faults;

    /// Returns the state of an instance that may open these stores, without a component.
    fn guest(stores: &[&str], fault: Option<StoreFault>) -> Guest {
        let application = Application {
            key_value_stores: stores.iter().map(|it| (*it).to_owned()).collect(),
            faults: Faults {
                store: fault,
                ..Faults::default()
            },
            ..Application::default()
        };
        Guest::new(&application.into())
    }

    fn again<T: 'static>(handle: &Resource<T>) -> Resource<T> {
        Resource::new_own(handle.rep())
    }

    fn error<T, E: Debug>(outcome: Result<T, E>) -> Option<String> {
        outcome.err().map(|error| format!("{error:?}"))
    }

    #[test]
    fn a_store_is_open_to_whom_it_is_granted() {
        let denied = Some("Error::AccessDenied");
        let cannot = Some("Error::Other(\"the store cannot be opened\")");
        for (granted, fault, expected) in [
            (&["default"][..], None, None),
            (&[], None, denied),
            (&["other"], None, denied),
            (&["default"], Some(StoreFault::NotGranted), denied),
            (&["default"], Some(StoreFault::CannotOpen), cannot),
            (&["default"], Some(StoreFault::Fails), None),
        ] {
            let mut guest = guest(granted, fault);
            let spin = error(HostStore::open(&mut guest, "default".into()));
            assert_eq!(spin.as_deref(), expected, "{granted:?} {fault:?}");
            let wasi = error(wasi::Host::open(&mut guest, "default".into()));
            assert_eq!(wasi.as_deref(), expected, "{granted:?} {fault:?}");
            assert_eq!(guest.application.store.calls(), 2);
        }
    }

    #[test]
    fn every_call_of_a_store_that_fails_is_an_error() {
        let mut guest = guest(&["default"], Some(StoreFault::Fails));
        let store = HostStore::open(&mut guest, "default".into()).unwrap();
        let store = || again(&store);
        let cas = HostCas::new(&mut guest, store(), "a".into()).unwrap();
        for outcome in [
            error(HostStore::get(&mut guest, store(), "a".into())),
            error(HostStore::set(&mut guest, store(), "a".into(), b"1".into())),
            error(HostStore::delete(&mut guest, store(), "a".into())),
            error(guest.get_keys(store())),
            error(guest.increment(store(), "a".into(), 1)),
            error(guest.current(again(&cas))),
            error(guest.try_swap(cas, Vec::new())),
        ] {
            assert_eq!(outcome.unwrap(), "Error::Other(\"the store fails\")");
        }
        let store = &guest.application.store;
        assert_eq!((store.calls(), store.keys()), (8, vec![]));
    }

    #[test]
    fn both_interfaces_have_one_store() {
        let mut guest = guest(&["default"], None);
        let store = HostStore::open(&mut guest, "default".into()).unwrap();
        HostStore::set(&mut guest, again(&store), "k".into(), b"v".to_vec()).unwrap();
        let bucket = wasi::Host::open(&mut guest, "default".into()).unwrap();
        let cas = HostCas::new(&mut guest, bucket, "k".into()).unwrap();
        assert_eq!(guest.current(cas).unwrap(), Some(b"v".to_vec()));
        assert_eq!(guest.get_keys(again(&store)).unwrap(), ["k"]);
        HostStore::delete(&mut guest, again(&store), "k".into()).unwrap();
        let value = HostStore::get(&mut guest, store, "k".into());
        assert_eq!(value.unwrap(), None);
    }

    #[test]
    fn a_failed_swap_has_the_handle_for_the_next_try() {
        let mut guest = guest(&["default"], None);
        let entries = guest.application.store.clone();
        entries.set("k", b"1");
        let bucket = wasi::Host::open(&mut guest, "default".into()).unwrap();
        let cas = HostCas::new(&mut guest, again(&bucket), "k".into()).unwrap();
        assert_eq!(guest.current(again(&cas)).unwrap(), Some(b"1".to_vec()));
        // Another instance writes.
        entries.set("k", b"2");
        let Err(CasError::CasFailed(next)) = guest.swap(cas, b"mine".to_vec()) else {
            panic!("the value was another");
        };
        assert_eq!(entries.get("k"), Some(b"2".to_vec()));
        guest.swap(next, b"mine".to_vec()).unwrap();
        assert_eq!(entries.get("k"), Some(b"mine".to_vec()));

        // A handle that has not read the value replaces any value.
        let cas = HostCas::new(&mut guest, again(&bucket), "k".into()).unwrap();
        guest.swap(cas, b"blind".to_vec()).unwrap();
        assert_eq!(entries.get("k"), Some(b"blind".to_vec()));

        // Without the open store there is no handle for another attempt.
        let cas = HostCas::new(&mut guest, again(&bucket), "k".into()).unwrap();
        guest.current(again(&cas)).unwrap();
        wasi::HostBucket::drop(&mut guest, bucket).unwrap();
        entries.delete("k");
        let error = guest.swap(cas, b"late".to_vec());
        let gone = CasError::StoreError(wasi::Error::NoSuchStore);
        assert_eq!(format!("{:?}", error.unwrap_err()), format!("{gone:?}"));
    }
}
