//! The key-value store `default`, shared by all instances of a server. It behaves like Spin's own store, a table in
//! SQLite.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A key-value store in memory. Clones share the content, so that servers and a test can use it together.
#[derive(Clone, Default)]
pub struct KeyValueStore(Arc<Shared>);

#[derive(Default)]
struct Shared {
    entries: Mutex<BTreeMap<String, Vec<u8>>>,
    calls: AtomicUsize,
}

impl KeyValueStore {
    /// Returns the value of a key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<Vec<u8>> {
        self.entries().get(key).cloned()
    }

    /// Sets the value of a key.
    pub fn set(&self, key: &str, value: &[u8]) {
        self.entries().insert(key.to_owned(), value.to_owned());
    }

    /// Deletes a key.
    pub fn delete(&self, key: &str) {
        self.entries().remove(key);
    }

    /// Returns all keys, sorted.
    #[must_use]
    pub fn keys(&self) -> Vec<String> {
        self.entries().keys().cloned().collect()
    }

    /// Returns the number of calls by instances so far, including failed ones and those that open the store.
    #[must_use]
    pub fn calls(&self) -> usize {
        self.0.calls.load(Ordering::Relaxed)
    }

    pub(crate) fn count_call(&self) {
        self.0.calls.fetch_add(1, Ordering::Relaxed);
    }

    fn entries(&self) -> MutexGuard<'_, BTreeMap<String, Vec<u8>>> {
        self.0
            .entries
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds to a number stored as eight bytes, little-endian. A missing number is 0.
    pub(crate) fn increment(&self, key: String, delta: i64) -> Option<i64> {
        let mut entries = self.entries();
        let number = match entries.get(&key) {
            Some(value) => i64::from_le_bytes(value.as_slice().try_into().ok()?),
            None => 0,
        };
        let number = number.checked_add(delta)?;
        entries.insert(key, number.to_le_bytes().to_vec());
        Some(number)
    }

    /// Replaces a value if it is still the one that was read.
    ///
    /// If there was none, replaces any value that has been set since, as Spin's store does.
    pub(crate) fn swap(
        &self,
        key: &str,
        seen: Option<&[u8]>,
        value: Vec<u8>,
    ) -> Result<(), Option<Vec<u8>>> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_kept_under_their_keys() {
        let store = KeyValueStore::default();
        assert_eq!(store.get("b"), None);
        store.set("b", b"1");
        store.set("a", b"");
        store.set("b", b"2");
        assert_eq!(store.get("b"), Some(b"2".to_vec()));
        assert_eq!(store.get("a"), Some(Vec::new()));
        assert_eq!(store.keys(), ["a", "b"]);
        store.delete("a");
        store.delete("a");
        assert_eq!(store.keys(), ["b"]);
        assert_eq!(store.increment("n".into(), 5), Some(5));
        assert_eq!(store.increment("n".into(), -7), Some(-2));
        assert_eq!(store.increment("b".into(), 1), None, "not eight bytes");
        assert_eq!(store.increment("n".into(), i64::MIN), None, "too small");
    }

    #[test]
    fn a_swap_needs_the_value_that_was_seen() {
        let store = KeyValueStore::default();
        let swap = |seen: Option<&[u8]>, value: &[u8]| store.swap("k", seen, value.to_vec());
        assert_eq!(swap(Some(b"1"), b"2"), Err(None), "it has gone");
        assert_eq!(swap(None, b"1"), Ok(()));
        assert_eq!(swap(Some(b"0"), b"2"), Err(Some(b"1".to_vec())));
        assert_eq!(swap(Some(b"1"), b"2"), Ok(()));
        assert_eq!(swap(None, b"3"), Ok(()), "as Spin's store does");
        assert_eq!(store.get("k"), Some(b"3".to_vec()));
    }

    #[test]
    fn of_swaps_at_once_one_succeeds() {
        let store = KeyValueStore::default();
        store.set("k", b"0");
        let wins = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8_u8)
                .map(|value| {
                    let store = &store;
                    scope.spawn(move || store.swap("k", Some(b"0"), vec![b'a' + value]))
                })
                .collect();
            let outcomes = threads.into_iter().map(|it| it.join().unwrap());
            outcomes.filter(Result::is_ok).count()
        });
        assert_eq!(wins, 1);
    }
}
