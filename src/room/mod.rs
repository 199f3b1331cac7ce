//! Rooms: names as the Jitsi client normalises them, and lists of names.
#![forbid(unsafe_code)]

mod list;
mod name;
#[cfg(test)]
mod tests;

pub use list::{List, ListError};
pub use name::{Error, MAX_CHARACTERS, MAX_CLAIM_BYTES, Name};
