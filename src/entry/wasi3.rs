//! The entry for WASI 0.3: one instance handles many requests, several of them concurrently.
//!
//! Only the export and the bodies use WASI 0.3. Variables, store, network, clock and log use WASI 0.2 and Spin's synchronous
//! interfaces, as in the other build: hosts that support 0.3 provide them too, and Rust's standard library imports them
//! anyway. While such a call waits, so does the whole instance, and the host gives new requests to other instances.
//!
//! No state of a request outlives it. [`MEMO`] is all that an instance keeps between requests.
#![deny(unsafe_code)]

use std::io::{self, Read};
use std::rc::Rc;

use wasip3::http::types::{self, ErrorCode, Fields, Method};
use wasip3::wit_bindgen::{FutureReader, StreamReader, StreamResult};
use wasip3::{spawn, wit_future, wit_stream};

use super::{fields, handle, log_invalid_header, logged, method_name, variable};
use crate::config::{Config, Memo};
use crate::http::{Headers, Request, Response};

thread_local! {
    /// The parsed keys that the instance keeps between requests.
    static MEMO: Rc<Memo> = Rc::default();
}

/// The maximum number of bytes of a body that one call reads.
const CHUNK: usize = 16 * 1024;

// Only for Wasm, for the same reason as in the other entry.
#[cfg(target_family = "wasm")]
#[allow(unsafe_code, reason = "the macro's glue for the component's export")]
mod export {
    wasip3::http::service::export!(Handler with_types_in wasip3);

    use super::Handler;
}

/// The component's export.
#[derive(Debug)]
pub struct Handler;

impl wasip3::exports::http::handler::Guest for Handler {
    async fn handle(incoming: types::Request) -> Result<types::Response, ErrorCode> {
        let memo = MEMO.with(Rc::clone);
        let config = Config::remembering(&variable, &memo);
        let mut request = Request {
            method: name_of(incoming.get_method()),
            target: incoming.get_path_with_query().unwrap_or_default(),
            headers: Headers::new(incoming.get_headers().copy_all()),
            body: Body::of(incoming),
        };
        loop {
            let outcome = handle(&config, &mut request);
            if !request.body.is_short {
                return send(logged(outcome));
            }
            // The core is synchronous and must not hold the instance while it waits for a client. If it needs more of the body
            // than has arrived, it sees a truncated body, which has no side effects. That outcome is dropped, more of the body
            // is read, and the core starts again.
            request.body.read_on().await;
        }
    }
}

/// The body lengths, in bytes, after which the core tries again: the most that each kind of route reads.
const STEPS: [usize; 2] = [
    crate::request::MAX_BODY_BYTES + 1,
    crate::webhook::MAX_BODY_BYTES + 1,
];

/// A request's body, read from the host only when the core needs it.
struct Body {
    incoming: Option<types::Request>,
    stream: Option<(StreamReader<u8>, FutureReader<Trailers>)>,
    bytes: Vec<u8>,
    /// The number of bytes that the core has read.
    place: usize,
    end: End,
    /// Whether the core wanted more bytes than have arrived.
    is_short: bool,
}

/// Whether the end of a body has been reached, and how it ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    NotYet,
    Complete,
    CutOff,
}

type Trailers = Result<Option<types::Trailers>, ErrorCode>;

impl Read for Body {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = (&self.bytes[self.place..]).read(buffer)?;
        self.place += length;
        if length > 0 || buffer.is_empty() || self.end == End::Complete {
            return Ok(length);
        }
        self.is_short = self.end == End::NotYet;
        Err(io::ErrorKind::UnexpectedEof.into())
    }
}

impl Body {
    fn of(incoming: types::Request) -> Self {
        Self {
            incoming: Some(incoming),
            stream: None,
            bytes: Vec::new(),
            place: 0,
            end: End::NotYet,
            is_short: false,
        }
    }

    /// Reads to the end of the body, or up to the next of [`STEPS`], and rewinds the core's position to the start.
    async fn read_on(&mut self) {
        (self.place, self.is_short) = (0, false);
        if let Some(incoming) = self.incoming.take() {
            let (_, done) = wit_future::new(|| Ok(()));
            self.stream = Some(types::Request::consume_body(incoming, done));
        }
        let step = STEPS.into_iter().find(|step| *step > self.bytes.len());
        let (Some(step), Some((mut stream, end))) = (step, self.stream.take()) else {
            // No route reads a body longer than the last step.
            self.end = End::CutOff;
            return;
        };
        while self.bytes.len() < step {
            let (result, chunk) = stream.read(Vec::with_capacity(CHUNK)).await;
            self.bytes.extend(chunk);
            if !matches!(result, StreamResult::Complete(_)) {
                // Only the trailers tell whether the body is complete.
                self.end = match end.await {
                    Ok(_) => End::Complete,
                    Err(_) => End::CutOff,
                };
                return;
            }
        }
        self.stream = Some((stream, end));
    }
}

/// Passes the response to the host.
fn send(mut response: Response) -> Result<types::Response, ErrorCode> {
    let Ok(fields) = Fields::from_list(&fields(&mut response)) else {
        log_invalid_header();
        return Err(ErrorCode::InternalError(None));
    };
    let (_, trailers) = wit_future::new(|| Ok(None));
    if response.body.is_empty() {
        let (outgoing, _) = types::Response::new(fields, None, trailers);
        let _ = outgoing.set_status_code(response.status);
        return Ok(outgoing);
    }
    let (mut writer, contents) = wit_stream::new();
    let (outgoing, _) = types::Response::new(fields, Some(contents), trailers);
    let _ = outgoing.set_status_code(response.status);
    let body = response.body;
    // The write starts before the host takes the response, so the host finds the first part of the body there and sends it
    // with the head. Otherwise the body would wait for the client's delayed acknowledgement of the head. If the client
    // disconnects, the rest of the body is discarded.
    spawn(async move { drop(writer.write_all(body).await) });
    Ok(outgoing)
}

fn name_of(method: Method) -> String {
    method_name!(method, Method)
}
