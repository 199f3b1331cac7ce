//! What the commands tell: progress on standard error, results on standard output.
//!
//! A reader that has gone away (`cargo dev build | head -1`) is not an error.

use std::io::{ErrorKind, Write};

use anyhow::{Context, Result};

/// Says what happens now; meant for a person who waits.
pub fn step(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// Gives a result, fit to be copied or piped.
///
/// # Errors
/// Standard output takes nothing, for example because a disk is full.
pub fn result(text: &str) -> Result<()> {
    match writeln!(std::io::stdout(), "{text}") {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(error).context("standard output cannot be written")
        }
        _ => Ok(()),
    }
}
