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
use wasip3::wit_bindgen::StreamResult;
use wasip3::{spawn, wit_future, wit_stream};

use super::{fields, log_invalid_header, method_name, respond, variable};
use crate::config::{Config, Memo};
use crate::http::{Headers, Request, Response};
use crate::service;

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
        let head = Request {
            method: name_of(incoming.get_method()),
            target: incoming.get_path_with_query().unwrap_or_default(),
            headers: Headers::new(incoming.get_headers().copy_all()),
            body: (),
        };
        // Before the core is entered: it is synchronous, and a slow body must not keep the instance from the requests
        // beside this one.
        let body = match service::body_limit(&config, &head) {
            None => Body::default(),
            Some(limit) => read(incoming, limit + 1).await,
        };
        send(respond(&config, head.with_body(body)))
    }
}

/// A request's body, or its beginning.
#[derive(Debug, Default)]
struct Body {
    bytes: io::Cursor<Vec<u8>>,
    /// It ended there without being complete.
    is_cut_off: bool,
}

impl Read for Body {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.bytes.read(buffer)? {
            0 if self.is_cut_off && !buffer.is_empty() => Err(io::ErrorKind::UnexpectedEof.into()),
            length => Ok(length),
        }
    }
}

/// Reads a body to its end, or so many bytes of it that the core knows it to be too large.
async fn read(request: types::Request, most: usize) -> Body {
    let (_, done) = wit_future::new(|| Ok(()));
    let (mut stream, end) = types::Request::consume_body(request, done);
    let mut bytes = Vec::new();
    while bytes.len() < most {
        let (result, chunk) = stream.read(Vec::with_capacity(CHUNK)).await;
        bytes.extend(chunk);
        if !matches!(result, StreamResult::Complete(_)) {
            // Only the end tells whether it was the body's.
            let is_cut_off = end.await.is_err();
            let bytes = io::Cursor::new(bytes);
            return Body { bytes, is_cut_off };
        }
    }
    let bytes = io::Cursor::new(bytes);
    Body {
        bytes,
        is_cut_off: false,
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
