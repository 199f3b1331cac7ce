//! What the tests of the workspace share: keys that the usual programs make, tokens that are forged, and with the feature
//! `server` the built component behind a host, together with a client that sends exactly what a test says.
//!
//! Everything here panics when it fails.
#![forbid(unsafe_code)]
// It is not published, and its names say what they are.
#![allow(missing_docs)]

#[cfg(feature = "server")]
mod checks;
#[cfg(feature = "server")]
pub mod connection;
#[cfg(feature = "server")]
pub mod credentials;
#[cfg(feature = "server")]
pub mod harness;
#[cfg(feature = "server")]
mod host;
pub mod hs256;
#[cfg(feature = "server")]
pub mod http;
pub mod key_material;
#[cfg(feature = "server")]
mod settings;
#[cfg(feature = "server")]
pub mod signature;
#[cfg(feature = "server")]
mod spin;

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

/// Locks, also where another test failed with the lock in its hands: its failure is its own.
pub fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Seconds since 1970.
pub fn now() -> i64 {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH);
    i64::try_from(elapsed.expect("after 1970").as_secs()).expect("before the year 292 billion")
}

/// The project's folder. This package is below it.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .find(|folder| folder.join("spin.toml").is_file())
        .expect("a folder with spin.toml")
}
