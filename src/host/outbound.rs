//! Sends requests to other servers through `wasi:http/outgoing-handler`. The host follows no redirects, and connects only
//! to the servers in the manifest's `allowed_outbound_hosts`.
#![forbid(unsafe_code)]

use url::{Position, Url};
use wasi::clocks::monotonic_clock;
use wasi::http::outgoing_handler;
use wasi::http::types::{
    ErrorCode, Fields, IncomingBody, IncomingResponse, Method, OutgoingRequest, RequestOptions,
    Scheme,
};
use wasi::io::poll::{Pollable, poll};
use wasi::io::streams::{InputStream, StreamError};

use crate::environment::{FetchError, FetchLimits, Fetched, Network};
use crate::http::Headers;

/// The maximum number of bytes of a body that one call reads.
const CHUNK: u64 = 16 * 1024;

/// The host's network.
pub(crate) struct Outbound;

impl Network for Outbound {
    fn get(&self, url: &str, limits: FetchLimits) -> Result<Fetched, FetchError> {
        let nanoseconds = u64::try_from(limits.timeout.as_nanos()).unwrap_or(u64::MAX);
        let deadline = monotonic_clock::subscribe_duration(nanoseconds);
        let response = send(url, nanoseconds, &deadline)?;
        let status = response.status();
        let headers = Headers::new(response.headers().entries());
        let body = response.consume().map_err(|()| FetchError::Failed)?;
        // WASI requires the stream to be dropped before its body.
        let read = body
            .stream()
            .map_err(|()| FetchError::Failed)
            .and_then(|stream| read(&stream, limits.max_bytes, &deadline));
        drop::<IncomingBody>(body);
        Ok(Fetched {
            status,
            headers,
            body: read?,
        })
    }
}

/// Sends the request and waits for the head of the response.
fn send(url: &str, timeout: u64, deadline: &Pollable) -> Result<IncomingResponse, FetchError> {
    let url = Url::parse(url).map_err(|_| FetchError::Failed)?;
    let headers = Fields::new();
    // The component cannot decompress a response.
    for (name, value) in [
        ("accept", "application/json"),
        ("accept-encoding", "identity"),
    ] {
        headers
            .append(&name.to_owned(), &value.as_bytes().to_vec())
            .map_err(|_| FetchError::Failed)?;
    }
    let request = OutgoingRequest::new(headers);
    let scheme = if url.scheme() == "http" {
        Scheme::Http
    } else {
        Scheme::Https
    };
    let options = RequestOptions::new();
    request
        .set_method(&Method::Get)
        .and_then(|()| request.set_scheme(Some(&scheme)))
        .and_then(|()| request.set_authority(Some(&url[Position::BeforeHost..Position::AfterPort])))
        .and_then(|()| {
            request.set_path_with_query(Some(&url[Position::BeforePath..Position::AfterQuery]))
        })
        // A host may not support one of these; the deadline covers that.
        .map(|()| {
            let _ = options.set_connect_timeout(Some(timeout));
            let _ = options.set_first_byte_timeout(Some(timeout));
            let _ = options.set_between_bytes_timeout(Some(timeout));
        })
        .map_err(|()| FetchError::Failed)?;
    let future = outgoing_handler::handle(request, Some(options)).map_err(error)?;
    let ready = future.subscribe();
    wait(&ready, deadline)?;
    drop(ready);
    match future.get() {
        Some(Ok(Ok(response))) => Ok(response),
        Some(Ok(Err(code))) => Err(error(code)),
        Some(Err(())) | None => Err(FetchError::Failed),
    }
}

/// Reads a body to its end.
fn read(
    stream: &InputStream,
    max_bytes: usize,
    deadline: &Pollable,
) -> Result<Vec<u8>, FetchError> {
    let mut body = Vec::new();
    loop {
        let ready = stream.subscribe();
        wait(&ready, deadline)?;
        drop(ready);
        match stream.read(CHUNK) {
            Ok(bytes) => body.extend(bytes),
            Err(StreamError::Closed) => return Ok(body),
            Err(StreamError::LastOperationFailed(_)) => return Err(FetchError::Failed),
        }
        if body.len() > max_bytes {
            return Err(FetchError::TooLarge);
        }
    }
}

fn wait(ready: &Pollable, deadline: &Pollable) -> Result<(), FetchError> {
    if poll(&[ready, deadline]).contains(&0) {
        Ok(())
    } else {
        Err(FetchError::TimedOut)
    }
}

fn error(code: ErrorCode) -> FetchError {
    match code {
        ErrorCode::HttpRequestDenied | ErrorCode::DestinationIpProhibited => FetchError::Denied,
        ErrorCode::ConnectionTimeout
        | ErrorCode::ConnectionReadTimeout
        | ErrorCode::ConnectionWriteTimeout
        | ErrorCode::DnsTimeout
        | ErrorCode::HttpResponseTimeout => FetchError::TimedOut,
        _ => FetchError::Failed,
    }
}
