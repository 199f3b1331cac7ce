//! `fermyon:spin/key-value` and `wasi:keyvalue` for an instance.

use wasmtime::component::{HasSelf, Linker, Resource};

use crate::guest::Guest;
use crate::handles::{Cas, Opened};
use crate::imports::fermyon::spin::key_value as spin;
use crate::imports::wasi::keyvalue::{atomics, store as wasi};
use crate::store::Failure;

pub(crate) fn add_to_linker(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    spin::add_to_linker::<_, HasSelf<_>>(linker, |guest| guest)?;
    wasi::add_to_linker::<_, HasSelf<_>>(linker, |guest| guest)?;
    atomics::add_to_linker::<_, HasSelf<_>>(linker, |guest| guest)
}

impl From<Failure> for spin::Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::NoSuchStore => Self::NoSuchStore,
            Failure::AccessDenied => Self::AccessDenied,
            Failure::Other(reason) => Self::Other(reason),
        }
    }
}

impl From<Failure> for wasi::Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::NoSuchStore => Self::NoSuchStore,
            Failure::AccessDenied => Self::AccessDenied,
            Failure::Other(reason) => Self::Other(reason),
        }
    }
}

impl Guest {
    fn open_store(&mut self, label: &str) -> Result<Resource<Opened>, Failure> {
        self.stores.open(label)?;
        self.push(Opened)
    }

    fn push<T: Send + 'static>(&mut self, entry: T) -> Result<Resource<T>, Failure> {
        let pushed = self.table.push(entry);
        pushed.map_err(|error| Failure::Other(error.to_string()))
    }
}

impl spin::Host for Guest {}

impl spin::HostStore for Guest {
    fn open(&mut self, label: String) -> Result<Resource<Opened>, spin::Error> {
        Ok(self.open_store(&label)?)
    }

    fn get(&mut self, _: Resource<Opened>, key: String) -> Result<Option<Vec<u8>>, spin::Error> {
        Ok(self.stores.get(&key)?)
    }

    fn set(&mut self, _: Resource<Opened>, key: String, value: Vec<u8>) -> Result<(), spin::Error> {
        Ok(self.stores.set(&key, &value)?)
    }

    fn delete(&mut self, _: Resource<Opened>, key: String) -> Result<(), spin::Error> {
        Ok(self.stores.delete(&key)?)
    }

    fn exists(&mut self, _: Resource<Opened>, key: String) -> Result<bool, spin::Error> {
        Ok(self.stores.get(&key)?.is_some())
    }

    fn get_keys(&mut self, _: Resource<Opened>) -> Result<Vec<String>, spin::Error> {
        Ok(self.stores.keys()?)
    }

    fn drop(&mut self, store: Resource<Opened>) -> wasmtime::Result<()> {
        self.table.delete(store)?;
        Ok(())
    }
}

impl wasi::Host for Guest {
    fn open(&mut self, label: String) -> Result<Resource<Opened>, wasi::Error> {
        Ok(self.open_store(&label)?)
    }
}

impl wasi::HostBucket for Guest {
    fn get(&mut self, _: Resource<Opened>, key: String) -> Result<Option<Vec<u8>>, wasi::Error> {
        Ok(self.stores.get(&key)?)
    }

    fn set(&mut self, _: Resource<Opened>, key: String, value: Vec<u8>) -> Result<(), wasi::Error> {
        Ok(self.stores.set(&key, &value)?)
    }

    fn delete(&mut self, _: Resource<Opened>, key: String) -> Result<(), wasi::Error> {
        Ok(self.stores.delete(&key)?)
    }

    fn exists(&mut self, _: Resource<Opened>, key: String) -> Result<bool, wasi::Error> {
        Ok(self.stores.get(&key)?.is_some())
    }

    fn list_keys(
        &mut self,
        _: Resource<Opened>,
        cursor: Option<String>,
    ) -> Result<wasi::KeyResponse, wasi::Error> {
        if cursor.is_some() {
            return Err(wasi::Error::Other("there is no further page".into()));
        }
        let keys = self.stores.keys()?;
        Ok(wasi::KeyResponse { keys, cursor })
    }

    fn drop(&mut self, bucket: Resource<Opened>) -> wasmtime::Result<()> {
        self.table.delete(bucket)?;
        Ok(())
    }
}

impl atomics::HostCas for Guest {
    fn new(&mut self, bucket: Resource<Opened>, key: String) -> Result<Resource<Cas>, wasi::Error> {
        Ok(self.push(Cas {
            bucket: bucket.rep(),
            key,
            seen: None,
        })?)
    }

    fn current(&mut self, cas: Resource<Cas>) -> Result<Option<Vec<u8>>, wasi::Error> {
        let Ok(handle) = self.table.get_mut(&cas) else {
            return Err(wasi::Error::Other("no such compare-and-swap".into()));
        };
        let value = self.stores.get(&handle.key)?;
        handle.seen.clone_from(&value);
        Ok(value)
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
        Ok(self.stores.increment(key, delta)?)
    }

    fn swap(&mut self, cas: Resource<Cas>, value: Vec<u8>) -> Result<(), atomics::CasError> {
        let failed = |failure: Failure| atomics::CasError::StoreError(failure.into());
        let Ok(Cas { bucket, key, seen }) = self.table.delete(cas) else {
            return Err(failed(Failure::Other("no such compare-and-swap".into())));
        };
        let swapped = self.stores.swap(&key, seen.as_deref(), value);
        let Err(present) = swapped.map_err(failed)? else {
            return Ok(());
        };
        if self
            .table
            .get(&Resource::<Opened>::new_borrow(bucket))
            .is_err()
        {
            return Err(failed(Failure::NoSuchStore));
        }
        let next = Cas {
            bucket,
            key,
            seen: present,
        };
        let next = self.push(next).map_err(failed)?;
        Err(atomics::CasError::CasFailed(next))
    }
}

#[cfg(test)]
mod tests {
    use super::atomics::{CasError, Host as _, HostCas};
    use super::spin::HostStore;
    use super::wasi::HostBucket;
    use super::*;
    use crate::guest::tests::guest;

    fn again<T: 'static>(handle: &Resource<T>) -> Resource<T> {
        Resource::new_own(handle.rep())
    }

    #[test]
    fn both_interfaces_have_one_store() {
        let mut guest = guest(&["default"]);
        let store = HostStore::open(&mut guest, "default".into()).unwrap();
        HostStore::set(&mut guest, again(&store), "k".into(), b"v".to_vec()).unwrap();
        let bucket = wasi::Host::open(&mut guest, "default".into()).unwrap();
        let value = HostBucket::get(&mut guest, again(&bucket), "k".into());
        assert_eq!(value.unwrap(), Some(b"v".to_vec()));
        let keys = guest.list_keys(again(&bucket), None).unwrap();
        assert_eq!((keys.keys, keys.cursor), (vec!["k".to_owned()], None));
        assert!(guest.list_keys(bucket, Some("1".into())).is_err());
        HostStore::delete(&mut guest, again(&store), "k".into()).unwrap();
        assert!(!HostStore::exists(&mut guest, store, "k".into()).unwrap());
    }

    #[test]
    fn a_store_that_is_not_granted_is_denied() {
        let mut guest = guest(&[]);
        let spin = HostStore::open(&mut guest, "default".into());
        assert!(matches!(spin, Err(spin::Error::AccessDenied)));
        let wasi = wasi::Host::open(&mut guest, "default".into());
        assert!(matches!(wasi, Err(wasi::Error::AccessDenied)));
    }

    #[test]
    fn a_failed_swap_has_the_handle_for_the_next_try() {
        let mut guest = guest(&["default"]);
        let bucket = wasi::Host::open(&mut guest, "default".into()).unwrap();
        HostBucket::set(&mut guest, again(&bucket), "k".into(), b"1".to_vec()).unwrap();
        let cas = HostCas::new(&mut guest, again(&bucket), "k".into()).unwrap();
        assert_eq!(guest.current(again(&cas)).unwrap(), Some(b"1".to_vec()));
        // Another instance.
        guest.stores.store.set("k", b"2");
        let Err(CasError::CasFailed(next)) = guest.swap(cas, b"mine".to_vec()) else {
            panic!("the value was another");
        };
        assert_eq!(guest.stores.store.get("k"), Some(b"2".to_vec()));
        guest.swap(next, b"mine".to_vec()).unwrap();
        assert_eq!(guest.stores.store.get("k"), Some(b"mine".to_vec()));

        // A handle that has not looked takes the place of anything.
        let cas = HostCas::new(&mut guest, again(&bucket), "k".into()).unwrap();
        guest.swap(cas, b"blind".to_vec()).unwrap();
        assert_eq!(guest.stores.store.get("k"), Some(b"blind".to_vec()));

        // Without the store no other try is made.
        let cas = HostCas::new(&mut guest, again(&bucket), "k".into()).unwrap();
        guest.current(again(&cas)).unwrap();
        HostBucket::drop(&mut guest, bucket).unwrap();
        guest.stores.store.delete("k");
        let error = guest.swap(cas, b"late".to_vec());
        let gone = CasError::StoreError(wasi::Error::NoSuchStore);
        assert_eq!(format!("{:?}", error.unwrap_err()), format!("{gone:?}"));
    }
}
