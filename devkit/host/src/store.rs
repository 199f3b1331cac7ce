//! The key-value store `default`, which all instances of a server share. Its semantics are those of Spin's own store,
//! a table of SQLite.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::faults::StoreFault;

/// How much a call returns at most, in bytes; Spin's figure.
const MAX_RESULT: usize = 128 * 1024 * 1024;

/// A key-value store in memory. Clones share what is in it, so that servers and a test can.
#[derive(Clone, Default)]
pub struct KeyValueStore(Arc<Shared>);

#[derive(Default)]
struct Shared {
    entries: Mutex<BTreeMap<String, Vec<u8>>>,
    calls: AtomicUsize,
}

impl fmt::Debug for KeyValueStore {
    // Values are the application's, and may be secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("KeyValueStore").field(&self.keys()).finish()
    }
}

impl KeyValueStore {
    /// The value under a key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<Vec<u8>> {
        self.entries().get(key).cloned()
    }

    /// Puts a value under a key.
    pub fn set(&self, key: &str, value: &[u8]) {
        self.entries().insert(key.to_owned(), value.to_owned());
    }

    /// Removes a value.
    pub fn delete(&self, key: &str) {
        self.entries().remove(key);
    }

    /// All keys.
    #[must_use]
    pub fn keys(&self) -> Vec<String> {
        self.entries().keys().cloned().collect()
    }

    /// How many calls instances have made, opening the store among them, successful or not.
    #[must_use]
    pub fn calls(&self) -> usize {
        self.0.calls.load(Ordering::Relaxed)
    }

    fn entries(&self) -> MutexGuard<'_, BTreeMap<String, Vec<u8>>> {
        self.0
            .entries
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds to a number of eight bytes, little-endian; one that is not there is 0.
    fn increment(&self, key: String, delta: i64) -> Option<i64> {
        let mut entries = self.entries();
        let number = match entries.get(&key) {
            Some(value) => i64::from_le_bytes(value.as_slice().try_into().ok()?),
            None => 0,
        };
        let number = number.checked_add(delta)?;
        entries.insert(key, number.to_le_bytes().to_vec());
        Some(number)
    }

    /// Puts a value in the place of another, if that is still there.
    ///
    /// Where there was none, it takes the place of whatever has come meanwhile: Spin's store does that.
    fn swap(&self, key: &str, seen: Option<&[u8]>, value: Vec<u8>) -> Result<(), Option<Vec<u8>>> {
        let mut entries = self.entries();
        if let Some(seen) = seen {
            let present = entries.get(key);
            if present.is_none_or(|present| present != seen) {
                return Err(present.cloned());
            }
        }
        entries.insert(key.to_owned(), value);
        Ok(())
    }
}

/// The store as the instances of one server may use it.
#[derive(Clone)]
pub(crate) struct Access {
    pub(crate) store: KeyValueStore,
    /// `key_value_stores` of the component.
    pub(crate) granted: Arc<[String]>,
    pub(crate) fault: Option<StoreFault>,
}

/// Why a call fails.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    NoSuchStore,
    AccessDenied,
    Other(String),
}

type Outcome<T> = Result<T, Failure>;

impl Access {
    pub(crate) fn open(&self, label: &str) -> Outcome<()> {
        self.count();
        if self.fault == Some(StoreFault::NotGranted) || !self.granted.iter().any(|it| it == label)
        {
            return Err(Failure::AccessDenied);
        }
        if self.fault == Some(StoreFault::CannotOpen) {
            return Err(Failure::Other("the store cannot be opened".into()));
        }
        Ok(())
    }

    pub(crate) fn get(&self, key: &str) -> Outcome<Option<Vec<u8>>> {
        let value = self.working()?.get(key);
        let length = value.as_ref().map_or(0, Vec::len);
        limited(size_of::<Option<Vec<u8>>>() + length)?;
        Ok(value)
    }

    pub(crate) fn set(&self, key: &str, value: &[u8]) -> Outcome<()> {
        self.working()?.set(key, value);
        Ok(())
    }

    pub(crate) fn delete(&self, key: &str) -> Outcome<()> {
        self.working()?.delete(key);
        Ok(())
    }

    pub(crate) fn keys(&self) -> Outcome<Vec<String>> {
        let keys = self.working()?.keys();
        let sizes = keys.iter().map(|key| size_of::<String>() + key.len());
        limited(size_of::<Vec<String>>() + sizes.sum::<usize>())?;
        Ok(keys)
    }

    pub(crate) fn increment(&self, key: String, delta: i64) -> Outcome<i64> {
        let number = self.working()?.increment(key, delta);
        number.ok_or_else(|| Failure::Other("the value is no number of 64 bits".into()))
    }

    /// `Err` within: another value has come, or the value has gone.
    pub(crate) fn swap(
        &self,
        key: &str,
        seen: Option<&[u8]>,
        value: Vec<u8>,
    ) -> Outcome<Result<(), Option<Vec<u8>>>> {
        Ok(self.working()?.swap(key, seen, value))
    }

    fn count(&self) {
        self.store.0.calls.fetch_add(1, Ordering::Relaxed);
    }

    fn working(&self) -> Outcome<&KeyValueStore> {
        self.count();
        match self.fault {
            Some(StoreFault::Fails) => Err(Failure::Other("the store fails".into())),
            _ => Ok(&self.store),
        }
    }
}

fn limited(size: usize) -> Outcome<()> {
    if size > MAX_RESULT {
        let limit = format!("the result exceeds {MAX_RESULT} bytes");
        return Err(Failure::Other(limit));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn access(granted: &[&str], fault: Option<StoreFault>) -> Access {
        Access {
            store: KeyValueStore::default(),
            granted: granted.iter().map(|it| (*it).to_owned()).collect(),
            fault,
        }
    }

    #[test]
    fn a_store_is_open_to_whom_it_is_granted() {
        use Failure::{AccessDenied, Other};
        let cannot = Err(Other("the store cannot be opened".into()));
        for (granted, fault, expected) in [
            (&["default"][..], None, Ok(())),
            (&[], None, Err(AccessDenied)),
            (&["other"], None, Err(AccessDenied)),
            (
                &["default"],
                Some(StoreFault::NotGranted),
                Err(AccessDenied),
            ),
            (&["default"], Some(StoreFault::CannotOpen), cannot),
            (&["default"], Some(StoreFault::Fails), Ok(())),
        ] {
            let access = access(granted, fault);
            assert_eq!(access.open("default"), expected, "{granted:?} {fault:?}");
            assert_eq!(access.store.calls(), 1);
        }
    }

    #[test]
    fn every_call_of_a_store_that_fails_is_an_error() {
        let access = access(&["default"], Some(StoreFault::Fails));
        access.open("default").unwrap();
        let failure = Failure::Other("the store fails".into());
        assert_eq!(access.get("a").unwrap_err(), failure);
        assert_eq!(access.set("a", b"1").unwrap_err(), failure);
        assert_eq!(access.delete("a").unwrap_err(), failure);
        assert_eq!(access.keys().unwrap_err(), failure);
        assert_eq!(access.increment("a".into(), 1).unwrap_err(), failure);
        assert_eq!(access.swap("a", None, Vec::new()).unwrap_err(), failure);
        assert_eq!((access.store.calls(), access.store.keys()), (7, vec![]));
    }

    #[test]
    fn values_are_kept_under_their_keys() {
        let access = access(&["default"], None);
        assert_eq!(access.get("b"), Ok(None));
        access.set("b", b"1").unwrap();
        access.set("a", b"").unwrap();
        access.set("b", b"2").unwrap();
        assert_eq!(access.get("b"), Ok(Some(b"2".to_vec())));
        assert_eq!(access.get("a"), Ok(Some(Vec::new())));
        assert_eq!(access.keys(), Ok(vec!["a".to_owned(), "b".to_owned()]));
        access.delete("a").unwrap();
        access.delete("a").unwrap();
        assert_eq!(access.keys(), Ok(vec!["b".to_owned()]));
        assert_eq!(access.increment("n".into(), 5), Ok(5));
        assert_eq!(access.increment("n".into(), -7), Ok(-2));
        assert!(access.increment("b".into(), 1).is_err(), "not eight bytes");
        assert!(access.increment("n".into(), i64::MIN).is_err(), "too small");
    }

    #[test]
    fn a_swap_needs_the_value_that_was_seen() {
        let access = access(&["default"], None);
        let swap = |seen: Option<&[u8]>, value: &[u8]| {
            let outcome = access.swap("k", seen, value.to_vec());
            outcome.unwrap()
        };
        assert_eq!(swap(Some(b"1"), b"2"), Err(None), "it has gone");
        assert_eq!(swap(None, b"1"), Ok(()));
        assert_eq!(swap(Some(b"0"), b"2"), Err(Some(b"1".to_vec())));
        assert_eq!(swap(Some(b"1"), b"2"), Ok(()));
        assert_eq!(swap(None, b"3"), Ok(()), "as Spin's store does");
        assert_eq!(access.get("k"), Ok(Some(b"3".to_vec())));
    }

    #[test]
    fn of_swaps_at_once_one_succeeds() {
        let access = access(&["default"], None);
        access.set("k", b"0").unwrap();
        let wins = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8_u8)
                .map(|value| {
                    let access = &access;
                    scope.spawn(move || access.swap("k", Some(b"0"), vec![b'a' + value]))
                })
                .collect();
            let outcomes = threads.into_iter().map(|it| it.join().unwrap().unwrap());
            outcomes.filter(Result::is_ok).count()
        });
        assert_eq!(wins, 1);
    }
}
