//! Where the component's standard output and standard error go.
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

/// A guest may print without end; a line is handed on at this length, in bytes, even when it goes on.
const LONGEST_LINE: usize = 64 * 1024;

/// Writes a line of the host itself to standard error, unless nobody reads there any more.
///
/// `eprintln!` would panic then, and end a request that has nothing to do with it.
pub(crate) fn complain(line: impl Display) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// Takes lines from all instances of one server.
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

    /// One output stream of one instance.
    pub(crate) fn stream(&self) -> GuestOutput {
        GuestOutput(Arc::new(Mutex::new(Lines {
            sink: self.clone(),
            line: Vec::new(),
        })))
    }

    fn write(&self, lines: &[u8]) {
        match &self.0 {
            None => drop(io::stderr().write_all(lines)),
            Some(kept) => kept
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .extend_from_slice(lines),
        }
    }
}

/// Collects whole lines: instances run at once, and a guest writes a line in several pieces.
struct Lines {
    sink: Sink,
    line: Vec<u8>,
}

impl Lines {
    fn push(&mut self, bytes: &[u8]) {
        self.line.extend_from_slice(bytes);
        if let Some(end) = self.line.iter().rposition(|&byte| byte == b'\n') {
            self.sink.write(&self.line[..=end]);
            self.line.drain(..=end);
        }
        if self.line.len() >= LONGEST_LINE {
            self.end_line();
        }
    }

    fn end_line(&mut self) {
        if !self.line.is_empty() {
            self.line.push(b'\n');
            self.sink.write(&self.line);
            self.line.clear();
        }
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        self.end_line();
    }
}

/// A guest's standard output or standard error.
#[derive(Clone)]
pub(crate) struct GuestOutput(Arc<Mutex<Lines>>);

impl GuestOutput {
    fn push(&self, bytes: &[u8]) {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines.push(bytes);
    }
}

impl IsTerminal for GuestOutput {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for GuestOutput {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    // The default implementation hands each write to another task, where a trap could overtake it.
    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

impl OutputStream for GuestOutput {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.push(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(LONGEST_LINE)
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for GuestOutput {
    async fn ready(&mut self) {}
}

impl AsyncWrite for GuestOutput {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.push(bytes);
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
    fn lines_stay_whole() {
        let sink = Sink::new(Log::Memory);
        let (one, two) = (sink.stream(), sink.stream());
        for (stream, text) in [(&one, "a"), (&two, "b\nc"), (&one, "a\n"), (&two, "c\n")] {
            stream.push(text.as_bytes());
        }
        one.push(b"unfinished");
        assert_eq!(sink.text(), "b\naa\ncc\n");
        drop(one);
        assert_eq!(sink.text(), "b\naa\ncc\nunfinished\n");
    }
}
