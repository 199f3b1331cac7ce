//! The HTTP/1.1 server.

use std::convert::Infallible;
use std::io::{ErrorKind, Result as IoResult};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, anyhow};
use bytes::Bytes;
use http_body_util::{Either, Full};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HOST, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode, Uri};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::guest::{self, Application, Failure, GuestBody};

/// The paths that Spin keeps for itself.
const RESERVED_PREFIX: &str = "/.well-known/spin/";
const HEALTH: &str = "health";

/// How long a peer may take to send the head of a request, or leave a connection idle.
const HEADER_TIMEOUT: Duration = Duration::from_secs(30);

/// How long requests may go on after the server was stopped.
pub(crate) const GRACE: Duration = Duration::from_secs(5);

/// Connections that wait to be accepted.
const BACKLOG: u32 = 1024;

type Body = Either<GuestBody, Full<Bytes>>;

/// Takes the address. It has to be called within the runtime.
pub(crate) fn listen(address: SocketAddr) -> Result<TcpListener> {
    bind(address).map_err(|error| match error.kind() {
        ErrorKind::AddrInUse => anyhow!(
            "{address} is taken by another program: choose another port with `--listen {}:PORT`",
            address.ip()
        ),
        _ => anyhow!("cannot listen on {address}: {error}"),
    })
}

fn bind(address: SocketAddr) -> IoResult<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4(),
        SocketAddr::V6(_) => TcpSocket::new_v6(),
    }?;
    // Elsewhere it only lets a restart have the port of connections that are still closing; on Windows it would let
    // two programs have one port.
    #[cfg(not(windows))]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Serves until `stop` is sent or dropped, then lets requests end for [`GRACE`].
pub(crate) async fn serve(
    listener: TcpListener,
    address: SocketAddr,
    application: Arc<Application>,
    mut stop: oneshot::Receiver<()>,
) {
    let graceful = GracefulShutdown::new();
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    let served = connection(stream, address, application.clone(), &graceful);
                    connections.spawn(served);
                }
                // For example: no file descriptor is left. It passes when connections end.
                Err(_) => sleep(Duration::from_millis(50)).await,
            },
            Some(_) = connections.join_next() => {}
            _ = &mut stop => break,
        }
    }
    drop(listener);
    let _ = timeout(GRACE, graceful.shutdown()).await;
}

fn connection(
    stream: TcpStream,
    address: SocketAddr,
    application: Arc<Application>,
    graceful: &GracefulShutdown,
) -> impl Future<Output = ()> + use<> {
    // Answers are small: do not let them wait for the peer's acknowledgement.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| respond(application.clone(), address, request));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .serve_connection(TokioIo::new(stream), service);
    let connection = graceful.watch(connection);
    async move {
        // An error here is the peer's: it broke off, or it does not speak HTTP.
        let _ = connection.await;
    }
}

async fn respond(
    application: Arc<Application>,
    address: SocketAddr,
    mut request: Request<Incoming>,
) -> Result<Response<Body>, Infallible> {
    if let Some(reserved) = request.uri().path().strip_prefix(RESERVED_PREFIX) {
        return Ok(match reserved {
            HEALTH => text(StatusCode::OK, "OK"),
            _ => text(StatusCode::NOT_FOUND, ""),
        });
    }
    let Some(target) = absolute(request.uri(), request.headers().get(HOST), address) else {
        return Ok(failure(StatusCode::BAD_REQUEST, "the target is no path"));
    };
    *request.uri_mut() = target;
    Ok(match guest::answer(application, request).await {
        Ok(response) => response.map(Either::Left),
        Err(error) => failure(StatusCode::INTERNAL_SERVER_ERROR, error),
    })
}

/// The request's target with a scheme and an authority, which wasi:http wants; HTTP/1.1 has the latter in `Host`.
fn absolute(target: &Uri, host: Option<&HeaderValue>, address: SocketAddr) -> Option<Uri> {
    let path = target.path_and_query().map_or("/", |it| it.as_str());
    let uri = |authority: &str| {
        Uri::builder()
            .scheme("http")
            .authority(authority)
            .path_and_query(path)
            .build()
            .ok()
    };
    target
        .authority()
        .map(|authority| authority.as_str())
        .or_else(|| host?.to_str().ok())
        .and_then(uri)
        .or_else(|| uri(&address.to_string()))
}

fn text(status: StatusCode, body: impl Into<Bytes>) -> Response<Body> {
    let mut response = Response::new(Either::Right(Full::new(body.into())));
    *response.status_mut() = status;
    response
}

/// An answer of the host itself. `error` goes into a JSON string as it is.
fn failure(status: StatusCode, error: Failure) -> Response<Body> {
    let mut response = text(status, format!("{{\"error\":\"{error}\"}}"));
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, json);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_request_gets_an_absolute_target() {
        let address = SocketAddr::from(([127, 0, 0, 1], 3000));
        for (target, host, expected) in [
            ("/a?b=c", Some("example.org"), "http://example.org/a?b=c"),
            ("/", None, "http://127.0.0.1:3000/"),
            ("/", Some("no host"), "http://127.0.0.1:3000/"),
            ("/", Some("\u{e9}"), "http://127.0.0.1:3000/"),
            ("http://a.test/b", Some("c.test"), "http://a.test/b"),
            ("a.test:443", None, "http://a.test:443/"),
        ] {
            let host = host.map(|host| HeaderValue::from_bytes(host.as_bytes()).unwrap());
            let uri = absolute(&target.parse().unwrap(), host.as_ref(), address).unwrap();
            assert_eq!(uri.to_string(), expected, "{target} {host:?}");
        }
    }
}
