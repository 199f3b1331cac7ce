//! What the tests of the workspace share: keys that the usual programs make, tokens that are forged, and with the feature
//! `server` the built component behind a host, together with a client that sends exactly what a test says.
//!
//! Everything here panics when it fails.
#![forbid(unsafe_code)]
// It is not published, and its names say what they are.
#![allow(missing_docs)]

#[cfg(feature = "server")]
pub mod credentials;
#[cfg(feature = "server")]
pub mod harness;
pub mod hs256;
#[cfg(feature = "server")]
pub mod http;
pub mod key_material;
#[cfg(feature = "server")]
pub mod signature;
#[cfg(feature = "server")]
mod spin;
mod unread;

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

pub use crate::unread::Unread;

/// Locks, also where another test failed with the lock in its hands: its failure is its own.
pub fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The project's folder. This package is below it.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .find(|folder| folder.join("spin.toml").is_file())
        .expect("a folder with spin.toml")
}
