//! The HTTP/1.1 server.

use std::error::Error;
use std::fmt;
use std::io::{ErrorKind, Result as IoResult};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, anyhow};
use bytes::Bytes;
use devkit_spin_app::manifest::CATCH_ALL;
use http_body_util::{Either, Full};
use hyper::body::Incoming;
use hyper::header::{HOST, HeaderValue};
use hyper::http::uri::{Authority, Scheme};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use wasmtime_wasi_http::WasiBody;
use wasmtime_wasi_http::p2::bindings::ProxyPre;

use crate::guest::{Application, Component, Guest};
use crate::log::complain;
use crate::reuse::{self, Instances, Source};
use crate::single;

/// The paths that Spin keeps for itself.
const RESERVED_PREFIX: &str = "/.well-known/spin/";
const HEALTH: &str = "health";

/// How long requests may go on after the server was stopped.
pub(crate) const GRACE: Duration = Duration::from_secs(5);

/// Connections that wait to be accepted.
const BACKLOG: u32 = 1024;

type Body = Either<WasiBody, Full<Bytes>>;

/// What handles a server's requests.
enum Handler {
    Single(Arc<Application>, ProxyPre<Guest>),
    Reusing(Instances),
}

impl Handler {
    fn new(application: Application, component: Component) -> Self {
        let application = Arc::new(application);
        match component {
            Component::Wasi2(component) => Self::Single(application, component),
            Component::Wasi3(component) => Self::Reusing(Instances::new(Source {
                application,
                component,
            })),
        }
    }

    async fn respond(&self, request: Request<Incoming>) -> Option<Response<WasiBody>> {
        match self {
            Self::Single(application, component) => {
                single::respond(application.clone(), component.clone(), request).await
            }
            Self::Reusing(instances) => reuse::respond(instances, request).await,
        }
    }
}

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
    application: Application,
    component: Component,
    mut stop: oneshot::Receiver<()>,
) {
    let handler = Arc::new(Handler::new(application, component));
    let graceful = GracefulShutdown::new();
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    let served = connection(stream, peer, handler.clone(), &graceful);
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
    peer: SocketAddr,
    handler: Arc<Handler>,
    graceful: &GracefulShutdown,
) -> impl Future<Output = ()> + use<> {
    // As with Spin, TCP_NODELAY stays off, and nothing limits how long a peer takes to send the head of a request.
    let service = service_fn(move |request| respond(handler.clone(), peer, request));
    let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    let connection = graceful.watch(connection);
    async move {
        // An error here is the peer's: it broke off, or it does not speak HTTP.
        let _ = connection.await;
    }
}

/// Where there is an error, the connection ends without a response.
async fn respond(
    handler: Arc<Handler>,
    peer: SocketAddr,
    mut request: Request<Incoming>,
) -> Result<Response<Body>, Unclear> {
    if let Some(reserved) = request.uri().path().strip_prefix(RESERVED_PREFIX) {
        return Ok(match reserved {
            HEALTH => text(StatusCode::OK, "OK"),
            _ => text(StatusCode::NOT_FOUND, ""),
        });
    }
    *request.uri_mut() = absolute(request.uri(), request.headers().get(HOST))?;
    let failed = || text(StatusCode::INTERNAL_SERVER_ERROR, "");
    if request
        .headers()
        .values()
        .any(|value| str::from_utf8(value.as_bytes()).is_err())
    {
        complain("error: a header is not UTF-8");
        return Ok(failed());
    }
    add_headers(&mut request, peer);
    Ok(match handler.respond(request).await {
        Some(response) => response.map(Either::Left),
        None => failed(),
    })
}

/// It is not clear which authority a request is for.
#[derive(Debug)]
struct Unclear;

impl fmt::Display for Unclear {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "neither target nor Host, or each in its own way, tells the authority and the path",
        )
    }
}

impl Error for Unclear {}

/// The request's target with a scheme and an authority, which HTTP/1.1 has in `Host`.
fn absolute(target: &Uri, host: Option<&HeaderValue>) -> Result<Uri, Unclear> {
    let host: Option<Authority> = host
        .map(|host| host.to_str().ok().and_then(|host| host.parse().ok()))
        .map(|host| host.ok_or(Unclear))
        .transpose()?;
    let authority = match (host, target.authority()) {
        (Some(host), Some(authority)) if host != *authority => return Err(Unclear),
        (Some(host), _) => host,
        (None, Some(authority)) => authority.clone(),
        (None, None) => return Err(Unclear),
    };
    let mut parts = target.clone().into_parts();
    parts.scheme = Some(Scheme::HTTP);
    parts.authority = Some(authority);
    // `CONNECT` has no path.
    Uri::from_parts(parts).map_err(|_| Unclear)
}

/// Spin's own headers, beside what the client may have sent under their names.
fn add_headers(request: &mut Request<Incoming>, peer: SocketAddr) {
    let uri = request.uri();
    let headers = [
        ("spin-path-info", uri.path().to_owned()),
        ("spin-full-url", uri.to_string()),
        ("spin-matched-route", CATCH_ALL.to_owned()),
        ("spin-base-path", "/".to_owned()),
        ("spin-raw-component-route", CATCH_ALL.to_owned()),
        ("spin-component-route", String::new()),
        ("spin-client-addr", peer.to_string()),
    ];
    for (name, value) in headers {
        if let Ok(value) = HeaderValue::try_from(value) {
            request.headers_mut().append(name, value);
        }
    }
}

fn text(status: StatusCode, body: impl Into<Bytes>) -> Response<Body> {
    let mut response = Response::new(Either::Right(Full::new(body.into())));
    *response.status_mut() = status;
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_for_one_authority() {
        for (target, host, expected) in [
            (
                "/a?b=c",
                Some("example.org"),
                Some("http://example.org/a?b=c"),
            ),
            ("http://a.test/b", None, Some("http://a.test/b")),
            ("http://a.test/b", Some("a.test"), Some("http://a.test/b")),
            ("http://a.test/b", Some("c.test"), None),
            ("/", None, None),
            ("/", Some("no host"), None),
            ("/", Some("\u{e9}"), None),
            ("a.test:443", Some("a.test:443"), None),
        ] {
            let value = host.map(|host| HeaderValue::from_bytes(host.as_bytes()).unwrap());
            let uri = absolute(&target.parse().unwrap(), value.as_ref());
            let uri = uri.ok().map(|uri| uri.to_string());
            assert_eq!(uri.as_deref(), expected, "{target} {host:?}");
        }
    }
}
