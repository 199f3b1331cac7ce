//! A body that must not be read.

use std::io::{self, Read};

/// Panics when it is read: for requests that are rejected before their body counts.
#[derive(Debug)]
pub struct Unread;

impl Read for Unread {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        panic!("the body is read")
    }
}
