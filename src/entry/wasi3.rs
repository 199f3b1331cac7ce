//! The entry for WASI 0.3: one instance handles many requests, several at once.
//!
//! Only the export and the bodies are of WASI 0.3. Variables, store, network, clock and log are those of WASI 0.2 and of
//! Spin's synchronous interfaces, as in the other build: a host with 0.3 has them too, and Rust's standard library imports
//! them anyway. While such a call waits, the whole instance does; the host gives further requests to other instances.
//!
//! Nothing of a request is kept. All that is kept from one to the next is in [`MEMO`].
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
    /// What the instance keeps from one request to the next.
    static MEMO: Rc<Memo> = Rc::default();
}

/// How much of a body is read in one call, in bytes.
const CHUNK: usize = 16 * 1024;

// Only for Wasm, as the other entry's.
#[cfg(target_family = "wasm")]
#[allow(unsafe_code, reason = "the macro's glue for the component's export")]
mod export {
    wasip3::http::service::export!(Handler with_types_in wasip3);

    use super::Handler;
}

/// What the component exports.
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
            // The core is synchronous, and must not wait for a client while it holds the instance. So it is told that the
            // body broke off, which has no effects; what it says of that is dropped, and it begins again when there is more.
            request.body.read_on().await;
        }
    }
}

/// How much of a body is read before the core tries again, in bytes: what either kind of route reads at most.
const STEPS: [usize; 2] = [
    crate::request::MAX_BODY_BYTES + 1,
    crate::webhook::MAX_BODY_BYTES + 1,
];

/// A request's body, as far as it is read. Nothing is read before the core reads.
struct Body {
    incoming: Option<types::Request>,
    stream: Option<(StreamReader<u8>, FutureReader<Trailers>)>,
    bytes: Vec<u8>,
    /// How much of the bytes the core has read.
    place: usize,
    end: End,
    /// The core wants more than there is.
    is_short: bool,
}

/// Whether a body is read to its end.
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

    /// Reads to the body's end, or to the next of [`STEPS`]; the core reads from the start again.
    async fn read_on(&mut self) {
        (self.place, self.is_short) = (0, false);
        if let Some(incoming) = self.incoming.take() {
            let (_, done) = wit_future::new(|| Ok(()));
            self.stream = Some(types::Request::consume_body(incoming, done));
        }
        let step = STEPS.into_iter().find(|step| *step > self.bytes.len());
        let (Some(step), Some((mut stream, end))) = (step, self.stream.take()) else {
            // No route reads more.
            self.end = End::CutOff;
            return;
        };
        while self.bytes.len() < step {
            let (result, chunk) = stream.read(Vec::with_capacity(CHUNK)).await;
            self.bytes.extend(chunk);
            if !matches!(result, StreamResult::Complete(_)) {
                // Only this tells whether the end was the body's.
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

/// Hands the response to the host.
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
    // Begins before the host takes up the response, which it finds with the body's first part and sends in one piece.
    // Sent apart, the body would wait for the client's delayed acknowledgement of the head. What is left when the client
    // has gone is nobody's.
    spawn(async move { drop(writer.write_all(body).await) });
    Ok(outgoing)
}

fn name_of(method: Method) -> String {
    method_name!(method, Method)
}
