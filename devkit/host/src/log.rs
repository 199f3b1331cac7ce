//! Where the component's standard output and standard error go: each write as it comes, as with Spin. What instances
//! write in several pieces runs together with what others write meanwhile.
//!
//! Writing blocks: who starts this program with a pipe as its standard error has to read it.

use std::fmt::Display;
use std::io::{self, Write};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};

use crate::Log;

/// How much a guest may write at once, in bytes; Spin's figure.
const WRITE_BUDGET: usize = 1024 * 1024;

/// Writes a line of the host itself to standard error, unless nobody reads there any more.
///
/// `eprintln!` would panic then, and end a request that has nothing to do with it.
pub(crate) fn complain(line: impl Display) {
    let _ = io::stderr().write_all(format!("{line}\n").as_bytes());
}

/// The one stream that all instances of a server write to.
#[derive(Clone)]
pub(crate) struct Sink(Option<Arc<Mutex<Vec<u8>>>>);

impl Sink {
    pub(crate) fn new(log: Log) -> Self {
        Self(match log {
            Log::Stderr => None,
            Log::Memory => Some(Arc::default()),
        })
    }

    /// All that was written so far, when it is kept.
    pub(crate) fn text(&self) -> String {
        match &self.0 {
            None => String::new(),
            Some(kept) => {
                let kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                String::from_utf8_lossy(&kept).into_owned()
            }
        }
    }

    fn append(&self, bytes: &[u8]) {
        match &self.0 {
            None => drop(io::stderr().write_all(bytes)),
            Some(kept) => kept
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .extend_from_slice(bytes),
        }
    }
}

impl IsTerminal for Sink {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Sink {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    // The default implementation hands each write to another task, where a trap could overtake it.
    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

impl OutputStream for Sink {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.append(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(WRITE_BUDGET)
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for Sink {
    async fn ready(&mut self) {}
}

impl AsyncWrite for Sink {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.append(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_of_instances_are_kept_as_they_come() {
        let sink = Sink::new(Log::Memory);
        let mut streams = [sink.p2_stream(), sink.p2_stream()];
        for (stream, text) in [(0, "a"), (1, "b\n"), (0, "\n"), (1, "unfinished")] {
            streams[stream].write(Bytes::from(text)).unwrap();
        }
        assert_eq!(sink.text(), "ab\n\nunfinished");
    }
}
