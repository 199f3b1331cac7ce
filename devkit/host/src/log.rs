//! The log: the component's writes to standard output and standard error, unbuffered as in Spin, and the host's own
//! messages.
//!
//! Writing blocks, so a process that connects standard error to a pipe must read it.

use std::fmt::Display;
use std::io::{self, Write};

/// Where the log goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Log {
    /// This process's standard error.
    Stderr,
    /// Memory, for the component's output; see [`Server::log`](crate::Server::log).
    Memory,
}

/// Writes a line from the host to standard error, ignoring errors.
///
/// `eprintln!` would panic if standard error is closed, and abort an unrelated request.
pub(crate) fn complain(line: impl Display) {
    let _ = io::stderr().write_all(format!("{line}\n").as_bytes());
}
