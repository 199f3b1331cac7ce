//! What the core cannot know by itself, as arguments: the clock and random bytes.
#![forbid(unsafe_code)]

use std::fmt;

/// The host, as one request sees it.
pub struct Environment<'a> {
    /// The time, in seconds since 1970-01-01 UTC.
    pub now: u64,
    /// Random bytes for ids and for blinding signatures.
    pub random: &'a mut dyn Random,
}

/// A cryptographically secure source of random bytes.
pub trait Random {
    /// Fills the buffer.
    fn fill(&mut self, bytes: &mut [u8]);
}

impl<F: FnMut(&mut [u8])> Random for F {
    fn fill(&mut self, bytes: &mut [u8]) {
        self(bytes);
    }
}

impl fmt::Debug for Environment<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Environment")
            .field("now", &self.now)
            .finish_non_exhaustive()
    }
}
