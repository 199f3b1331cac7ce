//! Issues Jitsi-as-a-Service (8x8 JaaS) tokens: a Spin HTTP component.
//!
//! This file is the only one that knows Spin: it reads the variables, hands the request to [`service::handle`] and sends
//! the response. Everything else is pure: configuration and clock are arguments.
//!
//! No unsafe code: each module forbids it. Only the glue that Spin's macro generates for the component's export needs
//! some, so this file denies it and allows it for that glue alone.
#![deny(missing_docs, unsafe_code)]

pub mod caller;
pub mod config;
pub mod cors;
pub mod environment;
pub mod error;
pub mod features;
pub mod http;
pub mod log;
pub mod person;
pub mod policy;
pub mod private_key;
pub mod request;
pub mod room;
pub mod secret;
pub mod service;
pub mod text;
pub mod token;

use std::io::{self, Read};
use std::time::SystemTime;

use spin_sdk::http::{IncomingRequest, Method, Response};
use spin_sdk::variables;

use config::{Config, Unavailable};
use environment::Environment;
use http::{Headers, Request};

// Only for Wasm: a native linker does not take the export's name, and the tests link this crate natively.
#[cfg(target_family = "wasm")]
#[allow(unsafe_code, reason = "the macro's glue for the component's export")]
mod export {
    use spin_sdk::http::{IncomingRequest, IntoResponse};

    #[spin_sdk::http_component]
    fn handle(request: IncomingRequest) -> impl IntoResponse {
        super::handle(request)
    }
}

/// Handles one request of the host.
pub fn handle(incoming: IncomingRequest) -> Response {
    let source = |name: &str| match variables::get(name) {
        Ok(value) => Ok(Some(value)),
        Err(variables::Error::Undefined(_)) => Ok(None),
        Err(_) => Err(Unavailable),
    };
    let request = Request {
        method: method_name(incoming.method()),
        target: incoming.path_with_query().unwrap_or_default(),
        headers: Headers::new(incoming.headers().entries()),
        body: body_reader(&incoming),
    };
    // A clock before 1970 reads as 1970: the token it makes is expired, and opens nothing.
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |since| since.as_secs());

    let environment = Environment {
        now,
        random: &mut random,
    };
    let outcome = service::handle(&Config::new(&source), request, environment);
    if let Some(line) = outcome.log {
        eprintln!("{line}");
    }
    let mut response = Response::builder();
    response
        .status(outcome.response.status)
        .body(outcome.response.body);
    for (name, value) in outcome.response.headers {
        response.header(name, value);
    }
    response.build()
}

/// Random bytes from the host's generator. The host traps where it has none, and no response is sent.
fn random(bytes: &mut [u8]) {
    getrandom::fill(bytes).expect("WASI's random source does not fail");
}

fn method_name(method: Method) -> String {
    match method {
        Method::Get => "GET",
        Method::Post => "POST",
        Method::Put => "PUT",
        Method::Delete => "DELETE",
        Method::Patch => "PATCH",
        Method::Head => "HEAD",
        Method::Options => "OPTIONS",
        Method::Connect => "CONNECT",
        Method::Trace => "TRACE",
        Method::Other(name) => return name,
    }
    .to_owned()
}

/// Reads the request's body as far as it is asked for. Nothing is fetched before the first read.
fn body_reader(incoming: &IncomingRequest) -> impl Read + use<> {
    let body = incoming.consume().ok();
    let stream = body.as_ref().and_then(|body| body.stream().ok());
    BodyReader {
        stream,
        _body: body,
    }
}

/// A body's stream together with the body. The stream stands first: WASI wants it to be dropped before its parent.
struct BodyReader<S, B> {
    stream: Option<S>,
    _body: Option<B>,
}

impl<S: Read, B> Read for BodyReader<S, B> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream
            .as_mut()
            .ok_or(io::ErrorKind::BrokenPipe)?
            .read(buffer)
    }
}
