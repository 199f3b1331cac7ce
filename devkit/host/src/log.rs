//! The log: what the component writes to its standard output and standard error, each write as it comes, as with Spin, and
//! what the host itself has to say.
//!
//! Writing blocks: who starts this program with a pipe as its standard error has to read it.

use std::fmt::Display;
use std::io::{self, Write};

/// Where the log goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Log {
    /// To this process's standard error.
    Stderr,
    /// What the component writes to memory, for [`Server::log`](crate::Server::log).
    Memory,
}

/// Writes a line of the host itself to standard error, unless nobody reads there any more.
///
/// `eprintln!` would panic then, and end a request that has nothing to do with it.
pub(crate) fn complain(line: impl Display) {
    let _ = io::stderr().write_all(format!("{line}\n").as_bytes());
}
