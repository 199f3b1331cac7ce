//! Sends requests over kept connections, each connection one request after the other, and takes the time.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde::Serialize;

/// How long an answer may take before it counts as lost.
const PATIENCE: Duration = Duration::from_secs(30);

/// The longest answer that is read, in bytes.
const LONGEST_ANSWER: usize = 64 * 1024;

/// An origin of the default list.
const ALLOWED: &str = "https://vtaiwan.tw";
/// One that is not.
const REFUSED: &str = "https://evil.example";

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A token.
    Token,
    /// The same by `HEAD`: everything but the signature.
    Unsigned,
    /// What a browser asks before.
    Preflight,
    /// A token, by a page that is not allowed.
    Refused,
}

impl Kind {
    /// The request.
    #[must_use]
    pub fn request(self) -> String {
        let (method, origin, more) = match self {
            Self::Token => ("GET", ALLOWED, ""),
            Self::Unsigned => ("HEAD", ALLOWED, ""),
            Self::Preflight => ("OPTIONS", ALLOWED, "Access-Control-Request-Method: GET\r\n"),
            Self::Refused => ("GET", REFUSED, ""),
        };
        format!(
            "{method} /api/jitsi-token?room=bench HTTP/1.1\r\nHost: 127.0.0.1\r\nOrigin: {origin}\r\n{more}\r\n"
        )
    }

    /// The status of its answer.
    #[must_use]
    pub fn status(self) -> u16 {
        match self {
            Self::Token | Self::Unsigned => 200,
            Self::Preflight => 204,
            Self::Refused => 403,
        }
    }

    /// Whether its answer has no body, whatever its headers say (RFC 9112, section 6.3).
    fn is_without_body(self) -> bool {
        matches!(self, Self::Unsigned | Self::Preflight)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Token => "token",
            Self::Unsigned => "token, HEAD",
            Self::Preflight => "preflight",
            Self::Refused => "403",
        })
    }
}

/// How the requests went.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// How long each answer took.
    pub latencies: Vec<Duration>,
    /// From the first request to the last answer.
    pub duration: Duration,
}

/// Sends requests for `duration` over `connections`, and waits for the last answers.
///
/// # Errors
/// A connection fails, or an answer is not the one that is expected.
pub fn run(
    address: SocketAddr,
    kind: Kind,
    connections: usize,
    duration: Duration,
) -> Result<Outcome> {
    let open = (0..connections)
        .map(|_| Connection::open(address))
        .collect::<Result<Vec<_>>>()?;
    let start_line = Barrier::new(connections + 1);
    thread::scope(|scope| {
        let workers: Vec<_> = open
            .into_iter()
            .map(|mut connection| {
                let start_line = &start_line;
                scope.spawn(move || -> Result<Vec<Duration>> {
                    start_line.wait();
                    let end = Instant::now() + duration;
                    let mut latencies = Vec::new();
                    while Instant::now() < end || latencies.is_empty() {
                        let sent = Instant::now();
                        connection.send(kind)?;
                        latencies.push(sent.elapsed());
                    }
                    Ok(latencies)
                })
            })
            .collect();
        start_line.wait();
        let start = Instant::now();
        let mut outcome = Outcome::default();
        for worker in workers {
            let Ok(latencies) = worker.join() else {
                bail!("a connection's thread panicked");
            };
            outcome.latencies.extend(latencies?);
        }
        outcome.duration = start.elapsed();
        Ok(outcome)
    })
}

/// A kept connection.
pub(crate) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    /// Opens one.
    pub(crate) fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect_timeout(&address, PATIENCE).context("no connection")?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(Self {
            stream,
            buffer: Vec::new(),
        })
    }

    /// Sends a request and reads its answer.
    fn send(&mut self, kind: Kind) -> Result<()> {
        self.write(kind.request().as_bytes())?;
        let answer = self.read(kind.is_without_body())?;
        ensure!(
            answer.status == kind.status(),
            "{kind} is answered with {}: {}",
            answer.status,
            String::from_utf8_lossy(answer.body)
        );
        ensure!(
            kind != Kind::Token || answer.body.starts_with(b"{\"token\":\""),
            "an answer without a token"
        );
        Ok(())
    }

    /// Sends bytes, whatever they are.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<()> {
        Ok(self.stream.write_all(bytes)?)
    }

    /// Reads one answer.
    pub(crate) fn read(&mut self, without_body: bool) -> Result<Answer<'_>> {
        self.buffer.clear();
        let mut chunk = [0; 4096];
        loop {
            let length = match self.stream.read(&mut chunk) {
                Ok(0) => bail!("the server closed the connection within an answer"),
                Ok(length) => length,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error).context("no answer"),
            };
            self.buffer.extend_from_slice(&chunk[..length]);
            ensure!(self.buffer.len() <= LONGEST_ANSWER, "an endless answer");
            // Twice, because the borrow of the first would last until the end of the loop.
            if Answer::read(&self.buffer, without_body)?.is_some() {
                break;
            }
        }
        Answer::read(&self.buffer, without_body)?.context("no answer")
    }
}

/// An answer as far as it is looked at.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer<'a> {
    /// The status.
    pub(crate) status: u16,
    /// As it was sent, in chunks or not.
    pub(crate) body: &'a [u8],
}

impl<'a> Answer<'a> {
    /// Reads the one answer that `bytes` hold; `None` while it is not complete.
    fn read(bytes: &'a [u8], without_body: bool) -> Result<Option<Self>> {
        let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else {
            return Ok(None);
        };
        let head = std::str::from_utf8(&bytes[..end]).context("an answer is no HTTP")?;
        let mut lines = head.split("\r\n");
        let status = lines
            .next()
            .and_then(|line| line.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok())
            .context("an answer is no HTTP/1.1")?;
        let mut length = 0;
        let mut chunked = false;
        for (name, value) in lines.filter_map(|line| line.split_once(':')) {
            if name.eq_ignore_ascii_case("content-length") {
                length = value.trim().parse().context("a length that is no number")?;
            } else if name.eq_ignore_ascii_case("transfer-encoding") {
                chunked = value.trim().eq_ignore_ascii_case("chunked");
            } else if name.eq_ignore_ascii_case("connection") {
                ensure!(
                    !value.trim().eq_ignore_ascii_case("close"),
                    "the server does not keep connections"
                );
            }
        }
        let body = &bytes[end + 4..];
        let complete = match (without_body, chunked) {
            (true, _) => true,
            // No answer that is looked at here holds this by itself: they are JSON in one line.
            (false, true) => body.ends_with(b"0\r\n\r\n"),
            (false, false) => body.len() >= length,
        };
        let body = match body.iter().position(|&byte| byte == b'\n') {
            Some(line) if chunked => &body[line + 1..],
            _ => body,
        };
        Ok(complete.then_some(Self { status, body }))
    }
}

impl Answer<'_> {
    /// The token in the body of a 200.
    pub(crate) fn into_token(self) -> Result<String> {
        let body = String::from_utf8_lossy(self.body);
        ensure!(self.status == 200, "answered with {}: {body}", self.status);
        let token = body
            .split_once("{\"token\":\"")
            .and_then(|(_, rest)| rest.split_once("\"}"));
        Ok(token.context("an answer without a token")?.0.to_owned())
    }
}

/// How long a server that is starting takes to give the first token.
///
/// `alive` is asked now and then; its error ends the wait.
///
/// # Errors
/// There is none within `limit`, or `alive` fails.
pub fn first_token(
    address: SocketAddr,
    start: Instant,
    limit: Duration,
    mut alive: impl FnMut() -> Result<()>,
) -> Result<Duration> {
    loop {
        // Refused until the server listens; Spin listens before it can answer.
        if let Ok(mut connection) = Connection::open(address) {
            connection.send(Kind::Token).context("the first request")?;
            return Ok(start.elapsed());
        }
        ensure!(start.elapsed() < limit, "the server does not listen");
        alive()?;
        thread::sleep(Duration::from_millis(1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    fn read(bytes: &str, without_body: bool) -> Option<(u16, String)> {
        Answer::read(bytes.as_bytes(), without_body)
            .expect("it is HTTP")
            .map(|answer| {
                let body = String::from_utf8_lossy(answer.body).into_owned();
                (answer.status, body)
            })
    }

    #[test]
    fn an_answer_is_complete_with_its_last_byte() {
        let answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";
        assert_eq!(read(answer, false), Some((200, "{}".into())));
        for length in 0..answer.len() {
            assert_eq!(read(&answer[..length], false), None, "{length}");
        }
    }

    #[test]
    fn chunks_end_with_an_empty_one() {
        let answer =
            "HTTP/1.1 403 Forbidden\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n";
        assert_eq!(read(answer, false), Some((403, "{}\r\n0\r\n\r\n".into())));
        assert_eq!(read(&answer[..answer.len() - 1], false), None);
    }

    #[test]
    fn an_answer_to_head_ends_with_its_head() {
        let answer = "HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n";
        assert_eq!(read(answer, true), Some((200, String::new())));
    }

    #[test]
    fn other_protocols_are_refused() {
        assert!(Answer::read(b"SSH-2.0-x\r\n\r\n", false).is_err());
    }

    #[test]
    fn every_connection_sends_at_least_once_and_wrong_answers_are_errors() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("its address");
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                thread::spawn(move || answer_preflights(stream));
            }
        });
        let outcome = run(address, Kind::Preflight, 3, Duration::ZERO).expect("answers");
        assert_eq!(outcome.latencies.len(), 3);
        let error = run(address, Kind::Refused, 1, Duration::ZERO).expect_err("204 is not 403");
        assert!(error.to_string().contains("204"), "{error}");
    }

    fn answer_preflights(mut stream: TcpStream) {
        let mut chunk = [0; 1024];
        while stream.read(&mut chunk).is_ok_and(|length| length > 0) {
            let answer = b"HTTP/1.1 204 No Content\r\ncontent-length: 0\r\n\r\n";
            if stream.write_all(answer).is_err() {
                break;
            }
        }
    }
}
