//! A client that sends exactly what a test says: any bytes in headers and target, bodies in pieces.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

/// All headers in their order, repeated ones too.
pub type Headers = Vec<(String, Vec<u8>)>;

pub const TOKEN_ROUTE: &str = "/api/jitsi-token";

const TIMEOUT: Duration = Duration::from_secs(30);

#[derive(Clone, Debug)]
pub struct Request {
    pub method: String,
    pub target: Vec<u8>,
    pub headers: Headers,
    pub body: Body,
}

#[derive(Clone, Debug)]
pub enum Body {
    None,
    /// With `Content-Length`.
    Whole(Vec<u8>),
    /// With `Transfer-Encoding: chunked`, a pause after each chunk.
    Chunks(Vec<Vec<u8>>, Duration),
    /// `Content-Length` says more than what comes before the connection is closed.
    BrokenOff {
        announced: usize,
        sent: Vec<u8>,
    },
}

impl Request {
    pub fn new(method: &str, target: impl AsRef<[u8]>) -> Self {
        Self {
            method: method.to_owned(),
            target: target.as_ref().to_vec(),
            headers: Vec::new(),
            body: Body::None,
        }
    }

    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.headers
            .push((name.to_owned(), value.as_ref().to_vec()));
        self
    }

    pub fn origin(self, origin: impl AsRef<[u8]>) -> Self {
        self.header("Origin", origin)
    }

    pub fn maybe_origin(self, origin: Option<&str>) -> Self {
        match origin {
            Some(origin) => self.origin(origin),
            None => self,
        }
    }

    pub fn body(mut self, body: Body) -> Self {
        self.body = body;
        self
    }

    /// Spin, and the embedded host with it, has a response of its own for others, and the component hears of none.
    pub fn has_text_headers(&self) -> bool {
        self.headers
            .iter()
            .all(|(_, value)| std::str::from_utf8(value).is_ok())
    }

    fn head(&self, address: SocketAddr, close: bool) -> Vec<u8> {
        let mut head = Vec::new();
        let mut line = |parts: &[&[u8]]| head.extend(parts.concat());
        line(&[self.method.as_bytes(), b" ", &self.target, b" HTTP/1.1\r\n"]);
        line(&[format!("Host: {address}\r\n").as_bytes()]);
        if close {
            line(&[b"Connection: close\r\n"]);
        }
        for (name, value) in &self.headers {
            line(&[name.as_bytes(), b": ", value, b"\r\n"]);
        }
        match &self.body {
            Body::None => {}
            Body::Whole(bytes) => {
                line(&[format!("Content-Length: {}\r\n", bytes.len()).as_bytes()])
            }
            Body::Chunks(..) => line(&[b"Transfer-Encoding: chunked\r\n"]),
            Body::BrokenOff { announced, .. } => {
                line(&[format!("Content-Length: {announced}\r\n").as_bytes()]);
            }
        }
        line(&[b"\r\n"]);
        head
    }

    fn write(&self, stream: &mut TcpStream, close: bool) -> io::Result<()> {
        let mut message = self.head(stream.peer_addr()?, close);
        match &self.body {
            Body::None => {}
            Body::Whole(bytes) | Body::BrokenOff { sent: bytes, .. } => message.extend(bytes),
            Body::Chunks(chunks, pause) => {
                for chunk in chunks {
                    message.extend(format!("{:x}\r\n", chunk.len()).as_bytes());
                    message.extend(chunk);
                    message.extend(b"\r\n");
                    if !pause.is_zero() {
                        stream.write_all(&message)?;
                        message.clear();
                        std::thread::sleep(*pause);
                    }
                }
                message.extend(b"0\r\n\r\n");
            }
        }
        stream.write_all(&message)
    }
}

/// A token request with these parameters, encoded as a browser's `URLSearchParams` does.
pub fn get(parameters: &[(&str, &str)]) -> Request {
    Request::new("GET", token_target(parameters))
}

pub fn token_target(parameters: &[(&str, &str)]) -> String {
    if parameters.is_empty() {
        TOKEN_ROUTE.to_owned()
    } else {
        format!("{TOKEN_ROUTE}?{}", form(parameters))
    }
}

pub fn form(parameters: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(parameters)
        .finish()
}

pub fn post(content_type: &str, body: impl AsRef<[u8]>) -> Request {
    Request::new("POST", TOKEN_ROUTE)
        .header("Content-Type", content_type)
        .body(Body::Whole(body.as_ref().to_vec()))
}

pub fn post_json(body: &Value) -> Request {
    post("application/json", body.to_string())
}

pub fn post_form(parameters: &[(&str, &str)]) -> Request {
    post("application/x-www-form-urlencoded", form(parameters))
}

pub fn preflight(target: &str, origin: &str) -> Request {
    Request::new("OPTIONS", target)
        .origin(origin)
        .header("Access-Control-Request-Method", "GET")
}

#[derive(Debug)]
pub struct Response {
    pub status: u16,
    pub headers: Headers,
    pub body: Vec<u8>,
}

impl Response {
    /// The header's value; it must not come twice.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.header_values(name);
        let first = values.next();
        assert!(values.next().is_none(), "{name} comes twice: {self}");
        first
    }

    pub fn header_values(&self, name: &str) -> impl Iterator<Item = &str> {
        self.headers
            .iter()
            .filter(move |(other, _)| other.eq_ignore_ascii_case(name))
            .map(|(_, value)| std::str::from_utf8(value).expect("a header in UTF-8"))
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("the body is not JSON ({error}): {self}"))
    }

    /// The message of an error response.
    pub fn error(&self) -> String {
        let message = self.json()["error"].as_str().map(str::to_owned);
        message.unwrap_or_else(|| panic!("no error message: {self}"))
    }

    pub fn token(&self) -> Token {
        let token = self.json()["token"].as_str().map(str::to_owned);
        Token::parse(token.unwrap_or_else(|| panic!("no token: {self}")))
    }
}

impl std::fmt::Display for Response {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "status {}", self.status)?;
        for (name, value) in &self.headers {
            writeln!(f, "{name}: {}", String::from_utf8_lossy(value))?;
        }
        write!(f, "\n{}", String::from_utf8_lossy(&self.body))
    }
}

#[derive(Debug)]
pub struct Token {
    pub raw: String,
    pub header: Value,
    pub claims: Value,
}

impl Token {
    pub fn parse(raw: String) -> Self {
        use base64::Engine as _;
        let part = |index| {
            let part = raw.split('.').nth(index).expect("a part");
            let json = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(part);
            serde_json::from_slice(&json.expect("base64url")).expect("JSON")
        };
        Self {
            header: part(0),
            claims: part(1),
            raw,
        }
    }

    pub fn user(&self) -> &Value {
        &self.claims["context"]["user"]
    }
}

/// One connection, kept open between requests.
pub struct Connection {
    stream: TcpStream,
    /// Read, but not yet part of a response.
    buffer: Vec<u8>,
    /// How often something was read from the socket.
    pub reads: usize,
}

impl Connection {
    pub fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect_timeout(&address, TIMEOUT)?;
        stream.set_read_timeout(Some(TIMEOUT))?;
        stream.set_write_timeout(Some(TIMEOUT))?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            buffer: Vec::new(),
            reads: 0,
        })
    }

    pub fn send(&mut self, request: &Request) -> io::Result<Response> {
        request.write(&mut self.stream, false)?;
        self.read_response(&request.method)
    }

    /// Reads the response to a request of this method that was written already.
    pub fn read(&mut self, method: &str) -> io::Result<Response> {
        self.read_response(method)
    }

    /// Sends bytes that need not be a whole request.
    pub fn write(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        self.stream.write_all(bytes.as_ref())
    }

    /// The connection's only request: nothing may follow its response.
    pub fn send_last(mut self, request: &Request) -> io::Result<Response> {
        // A server may respond, and close, before it has read everything.
        let written = request.write(&mut self.stream, true);
        if let Body::BrokenOff { .. } = request.body {
            self.stream.shutdown(std::net::Shutdown::Write)?;
        }
        let response = match self.read_response(&request.method) {
            Ok(response) => response,
            Err(error) => return Err(written.err().unwrap_or(error)),
        };
        if self.stream.read_to_end(&mut self.buffer).is_ok() {
            let rest = String::from_utf8_lossy(&self.buffer);
            assert!(rest.is_empty(), "{rest:?} follows the response {response}");
        }
        Ok(response)
    }

    fn read_response(&mut self, method: &str) -> io::Result<Response> {
        loop {
            let (status, headers) = self.read_head()?;
            if status < 200 {
                continue;
            }
            let mut response = Response {
                status,
                headers,
                body: Vec::new(),
            };
            if method != "HEAD" && status != 204 && status != 304 {
                response.body = self.read_body(&response)?;
            }
            return Ok(response);
        }
    }

    fn read_head(&mut self) -> io::Result<(u16, Headers)> {
        loop {
            let mut headers = [httparse::EMPTY_HEADER; 64];
            let mut head = httparse::Response::new(&mut headers);
            let parsed = head.parse(&self.buffer).map_err(io::Error::other)?;
            if let httparse::Status::Complete(size) = parsed {
                let status = head.code.expect("a status");
                let headers = head
                    .headers
                    .iter()
                    .map(|header| (header.name.to_owned(), header.value.to_vec()))
                    .collect();
                self.buffer.drain(..size);
                return Ok((status, headers));
            }
            self.read_more()?;
        }
    }

    fn read_body(&mut self, response: &Response) -> io::Result<Vec<u8>> {
        if response.header("Transfer-Encoding") == Some("chunked") {
            let mut body = Vec::new();
            loop {
                let size = loop {
                    match httparse::parse_chunk_size(&self.buffer) {
                        Ok(httparse::Status::Complete((start, size))) => {
                            self.buffer.drain(..start);
                            break usize::try_from(size).map_err(io::Error::other)?;
                        }
                        Ok(httparse::Status::Partial) => self.read_more()?,
                        Err(_) => return Err(io::Error::other("invalid chunk size")),
                    }
                };
                let chunk = self.take(size + 2)?;
                if size == 0 {
                    return Ok(body);
                }
                body.extend(&chunk[..size]);
            }
        }
        let length = response.header("Content-Length").unwrap_or_else(|| {
            panic!("neither Content-Length nor chunks: {response}");
        });
        self.take(length.parse().expect("a length"))
    }

    fn take(&mut self, size: usize) -> io::Result<Vec<u8>> {
        while self.buffer.len() < size {
            self.read_more()?;
        }
        Ok(self.buffer.drain(..size).collect())
    }

    fn read_more(&mut self) -> io::Result<()> {
        // Room for every response of the component, however it was sent.
        let mut piece = [0; 64 * 1024];
        match self.stream.read(&mut piece)? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            size => {
                self.reads += 1;
                self.buffer.extend(&piece[..size]);
                Ok(())
            }
        }
    }
}
