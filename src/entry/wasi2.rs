//! The entry for WASI 0.2, which every Spin release in use supports. Each request gets a new instance.
#![deny(unsafe_code)]

use std::io::{self, Read};

use spin_sdk::http::{
    Fields, IncomingRequest, Method, OutgoingBody, OutgoingResponse, ResponseOutparam,
};

use super::{fields, log_invalid_header, logged, method_name, variable};
use crate::config::Config;
use crate::http::{Headers, Request};

// Only for Wasm: native linkers reject the export's name, and the tests link this crate natively.
#[cfg(target_family = "wasm")]
#[allow(unsafe_code, reason = "the macro's glue for the component's export")]
mod export {
    use spin_sdk::http::{IncomingRequest, ResponseOutparam};

    #[spin_sdk::http_component]
    fn handle(request: IncomingRequest, response: ResponseOutparam) {
        super::handle(request, response);
    }
}

/// Handles one request from the host.
pub fn handle(incoming: IncomingRequest, outparam: ResponseOutparam) {
    let mut request = Request {
        method: name_of(incoming.method()),
        target: incoming.path_with_query().unwrap_or_default(),
        headers: Headers::new(incoming.headers().entries()),
        body: body_reader(&incoming),
    };
    let mut response = logged(super::handle(&Config::new(&variable), &mut request));
    send(
        response.status,
        &fields(&mut response),
        &response.body,
        outparam,
    );
}

/// Passes the whole response to the host: the body is written before the response is set, so that the host sends head and
/// body in one segment. Otherwise the body would wait for the client's delayed acknowledgement of the head.
fn send(status: u16, headers: &[(String, Vec<u8>)], body: &[u8], outparam: ResponseOutparam) {
    let Ok(fields) = Fields::from_list(headers) else {
        // No response is set, so the host responds with 500.
        return log_invalid_header();
    };
    let response = OutgoingResponse::new(fields);
    let _ = response.set_status_code(status);
    // WASI allows taking the body and its stream once, and this is the first time.
    let Ok(outgoing) = response.body() else {
        return;
    };
    let Ok(stream) = outgoing.write() else { return };

    let mut rest = body;
    let mut outparam = Some((outparam, response));
    while !rest.is_empty() {
        match stream.check_write() {
            // Spin buffers two writes of 1 MiB before the response is set, and reads on only afterwards.
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
            // The client has disconnected.
            Err(_) => break,
        }
    }
    // WASI requires the stream to be dropped before its body.
    drop(stream);
    // An error here means that the client has disconnected, which changes nothing.
    let _ = OutgoingBody::finish(outgoing, None);
    if let Some((outparam, response)) = outparam {
        outparam.set(response);
    }
}

fn name_of(method: Method) -> String {
    method_name!(method, Method)
}

/// Returns a reader of the request's body. Nothing is fetched before the first read.
fn body_reader(incoming: &IncomingRequest) -> impl Read + use<> {
    let body = incoming.consume().ok();
    let stream = body.as_ref().and_then(|body| body.stream().ok());
    BodyReader {
        stream,
        _body: body,
    }
}

/// A body and its stream. The stream is the first field because WASI requires it to be dropped before its parent.
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
