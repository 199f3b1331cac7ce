//! Rooms: a room's name as the Jitsi client makes it, and lists of rooms.
#![forbid(unsafe_code)]

mod list;
mod name;
#[cfg(test)]
mod tests;

pub use list::{List, ListError};
pub use name::{Error, MAX_CHARACTERS, MAX_CLAIM_BYTES, Name};
