//! Issues Jitsi-as-a-Service (8x8 JaaS) tokens: a Spin HTTP component.
//!
//! This file and the room `host` are the only ones that know Spin: they read the variables, hand the request to
//! [`service::handle`] and the response to the host. Everything else is pure: configuration, clock, store and network are
//! arguments.
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
mod host;
pub mod http;
pub mod invitation;
mod json;
mod jwt;
pub mod log;
pub mod person;
pub mod policy;
pub mod private_key;
pub mod request;
pub mod role;
pub mod room;
pub mod secret;
pub mod secret_text;
pub mod service;
pub mod text;
pub mod token;
pub mod usage;
pub mod webhook;

use std::io::{self, Read, Write};
use std::time::SystemTime;

use spin_sdk::http::{
    Fields, IncomingRequest, Method, OutgoingBody, OutgoingResponse, ResponseOutparam,
};
use spin_sdk::variables;

use config::{Config, Unavailable};
use environment::Environment;
use host::{DefaultStore, Outbound};
use http::{Headers, Request};

// Only for Wasm: a native linker does not take the export's name, and the tests link this crate natively.
#[cfg(target_family = "wasm")]
#[allow(unsafe_code, reason = "the macro's glue for the component's export")]
mod export {
    use spin_sdk::http::{IncomingRequest, ResponseOutparam};

    #[spin_sdk::http_component]
    fn handle(request: IncomingRequest, response: ResponseOutparam) {
        super::handle(request, response);
    }
}

/// Handles one request of the host.
pub fn handle(incoming: IncomingRequest, outparam: ResponseOutparam) {
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
        store: &DefaultStore::default(),
        network: &Outbound,
        sleep: &std::thread::sleep,
    };
    let outcome = service::handle(&Config::new(&source), request, environment);
    if let Some(line) = outcome.log {
        log(line);
    }
    let response = outcome.response;
    let headers: Vec<_> = response
        .headers
        .into_iter()
        .map(|(name, value)| (name.to_string(), value.into_bytes()))
        .collect();
    respond(response.status, &headers, &response.body, outparam);
}

/// Writes a line to the log by one call of the host. All instances share one stream: between two calls, as `eprintln!`
/// makes for text and line feed, another's text can come. One call takes 4,096 bytes, which no line exceeds
/// ([`log::MAX_BYTES`]); a longer one would be written in several.
fn log(mut line: String) {
    line.push('\n');
    // Where the log is closed there is nobody to tell.
    let _ = io::stderr().write_all(line.as_bytes());
}

/// Hands the response to the host whole: the body is written before the host learns of the response, so that it sends
/// head and body in one piece. Sent apart, the second would wait for the client's delayed acknowledgement of the first.
fn respond(status: u16, headers: &[(String, Vec<u8>)], body: &[u8], outparam: ResponseOutparam) {
    let Ok(fields) = Fields::from_list(headers) else {
        // Nothing is set, and the host responds with 500.
        log(
            r#"{"level":"error","status":500,"reason":"the response has an invalid header"}"#
                .into(),
        );
        return;
    };
    let response = OutgoingResponse::new(fields);
    let _ = response.set_status_code(status);
    // Each can be taken once, and nobody has.
    let Ok(outgoing) = response.body() else {
        return;
    };
    let Ok(stream) = outgoing.write() else { return };

    let mut rest = body;
    let mut outparam = Some((outparam, response));
    while !rest.is_empty() {
        match stream.check_write() {
            // The host keeps no more (Spin: two writes of 1 MiB) before it has the response, and reads on then.
            Ok(0) => {
                if let Some((outparam, response)) = outparam.take() {
                    outparam.set(response);
                }
                stream.subscribe().block();
            }
            Ok(budget) => {
                let budget = usize::try_from(budget).unwrap_or(usize::MAX);
                let (now, later) = rest.split_at(rest.len().min(budget));
                if stream.write(now).is_err() {
                    break;
                }
                rest = later;
            }
            // The client has gone.
            Err(_) => break,
        }
    }
    // Before the body that it belongs to.
    drop(stream);
    // Fails where the client has gone, too.
    let _ = OutgoingBody::finish(outgoing, None);
    if let Some((outparam, response)) = outparam {
        outparam.set(response);
    }
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

/// Reads the request's body on demand. Nothing is fetched before the first read.
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
