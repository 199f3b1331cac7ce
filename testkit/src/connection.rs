//! An HTTP/1.1 client that can send malformed requests and exposes every byte of the response.

use std::io::{self, BufRead as _, BufReader, Read, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use crate::http::{Body, Headers, Request, Response};

const TIMEOUT: Duration = Duration::from_secs(30);

/// A connection that stays open between requests.
pub struct Connection {
    reader: BufReader<Counted>,
}

/// A stream that counts its reads.
struct Counted {
    stream: TcpStream,
    reads: usize,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.reads += 1;
        self.stream.read(buffer)
    }
}

impl Connection {
    pub fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect_timeout(&address, TIMEOUT)?;
        stream.set_read_timeout(Some(TIMEOUT))?;
        stream.set_write_timeout(Some(TIMEOUT))?;
        stream.set_nodelay(true)?;
        // Large enough that one read can return any response of the component.
        let reader = BufReader::with_capacity(64 * 1024, Counted { stream, reads: 0 });
        Ok(Self { reader })
    }

    /// Returns the number of reads from the socket so far.
    pub fn reads(&self) -> usize {
        self.reader.get_ref().reads
    }

    pub fn send(&mut self, request: &Request) -> io::Result<Response> {
        self.write_request(request, "")?;
        self.read(&request.method)
    }

    /// Sends the connection's last request and asserts that nothing follows its response.
    pub fn send_last(mut self, request: &Request) -> io::Result<Response> {
        // A server may respond and close the connection before it has read the whole request.
        let written = self.write_request(request, "Connection: close\r\n");
        if let Body::BrokenOff { .. } = request.body {
            self.reader.get_ref().stream.shutdown(Shutdown::Write)?;
        }
        let response = match self.read(&request.method) {
            Ok(response) => response,
            Err(error) => return Err(written.err().unwrap_or(error)),
        };
        let mut rest = Vec::new();
        if self.reader.read_to_end(&mut rest).is_ok() {
            let rest = String::from_utf8_lossy(&rest);
            assert!(rest.is_empty(), "{rest:?} follows the response {response}");
        }
        Ok(response)
    }

    /// Sends bytes that need not be a complete request.
    pub fn write(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        self.reader.get_mut().stream.write_all(bytes.as_ref())
    }

    fn write_request(&mut self, request: &Request, more_headers: &str) -> io::Result<()> {
        let address = self.reader.get_ref().stream.peer_addr()?;
        let mut message = [request.method.as_bytes(), b" ", &request.target].concat();
        write!(message, " HTTP/1.1\r\nHost: {address}\r\n{more_headers}")?;
        for (name, value) in &request.headers {
            message.extend([name.as_bytes(), b": ", value, b"\r\n"].concat());
        }
        match &request.body {
            Body::None => message.extend(b"\r\n"),
            Body::Whole(bytes) => {
                write!(message, "Content-Length: {}\r\n\r\n", bytes.len())?;
                message.extend(bytes);
            }
            Body::BrokenOff { announced, sent } => {
                write!(message, "Content-Length: {announced}\r\n\r\n")?;
                message.extend(sent);
            }
            Body::Chunks(chunks, pause) => {
                message.extend(b"Transfer-Encoding: chunked\r\n\r\n");
                for chunk in chunks {
                    write!(message, "{:x}\r\n", chunk.len())?;
                    message.extend(chunk);
                    message.extend(b"\r\n");
                    if !pause.is_zero() {
                        self.write(std::mem::take(&mut message))?;
                        std::thread::sleep(*pause);
                    }
                }
                message.extend(b"0\r\n\r\n");
            }
        }
        self.write(message)
    }

    /// Reads the response to a request with this method that has already been sent.
    pub fn read(&mut self, method: &str) -> io::Result<Response> {
        let (status, headers) = loop {
            let (status, headers) = self.read_head()?;
            if status >= 200 {
                break (status, headers);
            }
        };
        let mut response = Response {
            status,
            headers,
            body: Vec::new(),
        };
        if method != "HEAD" && status != 204 && status != 304 {
            response.body = self.read_body(&response)?;
        }
        Ok(response)
    }

    fn read_head(&mut self) -> io::Result<(u16, Headers)> {
        let mut text = Vec::new();
        while !text.ends_with(b"\r\n\r\n") {
            if self.reader.read_until(b'\n', &mut text)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        let mut headers = [httparse::EMPTY_HEADER; 64];
        let mut head = httparse::Response::new(&mut headers);
        head.parse(&text).map_err(io::Error::other)?;
        let headers = head
            .headers
            .iter()
            .map(|header| (header.name.to_owned(), header.value.to_vec()))
            .collect();
        Ok((head.code.expect("a status"), headers))
    }

    fn read_body(&mut self, response: &Response) -> io::Result<Vec<u8>> {
        if response.header("Transfer-Encoding") != Some("chunked") {
            let length = response.header("Content-Length").unwrap_or_else(|| {
                panic!("neither Content-Length nor chunks: {response}");
            });
            return self.read_exactly(length.parse().expect("a length"));
        }
        let mut body = Vec::new();
        loop {
            let mut size = String::new();
            self.reader.read_line(&mut size)?;
            let size = usize::from_str_radix(size.trim_end(), 16).map_err(io::Error::other)?;
            let chunk = self.read_exactly(size + 2)?;
            if size == 0 {
                return Ok(body);
            }
            body.extend(&chunk[..size]);
        }
    }

    fn read_exactly(&mut self, size: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; size];
        self.reader.read_exact(&mut bytes)?;
        Ok(bytes)
    }
}
