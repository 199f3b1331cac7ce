//! Requests and responses byte for byte: headers and targets with arbitrary bytes, bodies in pieces.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::Value;

/// Header names and values in their order, including repeated headers.
pub type Headers = Vec<(String, Vec<u8>)>;

pub const TOKEN_ROUTE: &str = "/api/jitsi-token";

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
    /// Sent with `Content-Length`.
    Whole(Vec<u8>),
    /// Sent with `Transfer-Encoding: chunked` and a pause after each chunk.
    Chunks(Vec<Vec<u8>>, Duration),
    /// Closed early: `Content-Length` is `announced`, but only `sent` follows.
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

    /// Adds an `Authorization` header with this credential.
    pub fn bearer(self, credential: &str) -> Self {
        self.header("Authorization", format!("Bearer {credential}"))
    }

    pub fn body(mut self, body: Body) -> Self {
        self.body = body;
        self
    }

    /// Returns whether all header values are UTF-8. If not, the host responds itself and does not call the component.
    pub fn has_text_headers(&self) -> bool {
        self.headers
            .iter()
            .all(|(_, value)| std::str::from_utf8(value).is_ok())
    }
}

/// Returns a token request with these parameters, encoded like a browser's `URLSearchParams`.
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
    /// Returns the value of a header. Panics if the header occurs more than once.
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

    /// Returns the message of an error response.
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

    /// Returns the user's role, or `left out` if the token has none.
    pub fn role(&self) -> &str {
        let text = |name: &str| self.user().get(name).and_then(Value::as_str);
        match (text("moderator"), text("role")) {
            (Some("true"), None) => "moderator",
            (Some("false"), None) => "member",
            (Some("false"), Some(role)) => role,
            (None, None) => "left out",
            other => panic!("{other:?}"),
        }
    }

    /// Returns the names of the enabled features.
    pub fn features(&self) -> BTreeSet<&str> {
        let features = self.claims["context"]["features"].as_object();
        let on = features
            .expect("features")
            .iter()
            .filter(|(_, on)| **on == true);
        on.map(|(name, _)| name.as_str()).collect()
    }
}
