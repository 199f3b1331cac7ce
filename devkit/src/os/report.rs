//! What the commands tell: progress on standard error, results on standard output.
//!
//! A reader that has gone away (`cargo dev build | head -1`) is not an error.

use std::io::Write;

/// Says what happens now; meant for a person who waits.
pub fn step(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// Gives a result, fit to be copied or piped.
pub fn result(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}
