//! Output of the commands: progress on standard error, results on standard output.
//!
//! A closed pipe (`cargo dev build | head -1`) is not an error.

use std::io::{ErrorKind, Write};

use anyhow::{Context, Result};

/// Reports progress to a waiting user.
pub fn step(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// Prints a result, which may be copied or piped.
///
/// # Errors
/// Fails if standard output cannot be written, for example because a disk is full.
pub fn result(text: &str) -> Result<()> {
    match writeln!(std::io::stdout(), "{text}") {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(error).context("standard output cannot be written")
        }
        _ => Ok(()),
    }
}
