//! The HTTP/1.1 server.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
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
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};
use wasmtime::component::InstancePre;
use wasmtime_wasi_http::WasiBody;
use wasmtime_wasi_http::p2::bindings::ProxyPre;
use wasmtime_wasi_http::p3::bindings::ServicePre;

use crate::guest::{Application, Guest};
use crate::log::complain;
use crate::reuse::{self, Instances, Source};
use crate::single;

/// The paths that Spin reserves.
const RESERVED_PREFIX: &str = "/.well-known/spin/";
const HEALTH: &str = "health";

/// How long requests may continue after the server has been stopped.
const GRACE: Duration = Duration::from_secs(5);

type Body = Either<WasiBody, Full<Bytes>>;

/// Handles a server's requests.
pub(crate) enum Handler {
    /// A component that exports `wasi:http/incoming-handler` of WASI 0.2.
    Single(Arc<Application>, ProxyPre<Guest>),
    /// A component that exports `wasi:http/handler` of WASI 0.3.
    Reusing(Instances),
}

impl Handler {
    pub(crate) fn new(
        application: Arc<Application>,
        component: InstancePre<Guest>,
    ) -> wasmtime::Result<Self> {
        Ok(match ServicePre::new(component.clone()) {
            Ok(component) => Self::Reusing(Instances::new(Source {
                application,
                component,
            })),
            Err(_) => Self::Single(application, ProxyPre::new(component)?),
        })
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

/// Binds the address.
pub(crate) async fn listen(address: SocketAddr) -> Result<TcpListener> {
    let listener = TcpListener::bind(address).await;
    listener.map_err(|error| match error.kind() {
        ErrorKind::AddrInUse => anyhow!(
            "{address} is taken by another program: choose another port with `--listen {}:PORT`",
            address.ip()
        ),
        _ => anyhow!("cannot listen on {address}: {error}"),
    })
}

/// Serves until `stop` is sent or dropped, then gives the current requests [`GRACE`] to end.
pub(crate) async fn serve(
    listener: TcpListener,
    handler: Handler,
    mut stop: oneshot::Receiver<()>,
) {
    let handler = Arc::new(handler);
    let graceful = GracefulShutdown::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    let handler = handler.clone();
                    let service = service_fn(move |request| respond(handler.clone(), peer, request));
                    // As in Spin, TCP_NODELAY stays off, and the head of a request has no time limit.
                    let served = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
                    // Errors here are the client's: it has disconnected, or does not speak HTTP.
                    tokio::spawn(graceful.watch(served));
                }
                // For example, there are too many open files, which passes when connections close.
                Err(_) => sleep(Duration::from_millis(50)).await,
            },
            _ = &mut stop => break,
        }
    }
    drop(listener);
    let _ = timeout(GRACE, graceful.shutdown()).await;
}

/// Responds to a request. On an error, the connection closes without a response.
async fn respond(
    handler: Arc<Handler>,
    peer: SocketAddr,
    mut request: Request<Incoming>,
) -> Result<Response<Body>> {
    if let Some(reserved) = request.uri().path().strip_prefix(RESERVED_PREFIX) {
        return Ok(match reserved {
            HEALTH => text(StatusCode::OK, "OK"),
            _ => text(StatusCode::NOT_FOUND, ""),
        });
    }
    let host = request
        .headers()
        .get(HOST)
        .filter(|host| !is_internal(host));
    *request.uri_mut() = absolute(request.uri(), host).context(
        "neither target nor Host, or each in its own way, tells the authority and the path",
    )?;
    let is_text = |value: &HeaderValue| str::from_utf8(value.as_bytes()).is_ok();
    let response = if request.headers().values().all(is_text) {
        add_headers(&mut request, peer);
        handler.respond(request).await
    } else {
        complain("error: a header is not UTF-8");
        None
    };
    Ok(match response {
        Some(response) => response.map(Either::Left),
        None => text(StatusCode::INTERNAL_SERVER_ERROR, ""),
    })
}

/// Returns whether `Host` names a component, as in requests between components. Spin ignores such a header.
fn is_internal(host: &HeaderValue) -> bool {
    let host = host.to_str().unwrap_or_default();
    let (name, _port) = host.rsplit_once(':').unwrap_or((host, ""));
    name.split_once('.')
        .is_some_and(|(_, domain)| domain == "spin.internal")
}

/// Returns the target with scheme and authority, which HTTP/1.1 has in `Host`, or `None` if the authority is not clear.
fn absolute(target: &Uri, host: Option<&HeaderValue>) -> Option<Uri> {
    let host: Option<Authority> = match host {
        Some(host) => Some(host.to_str().ok()?.parse().ok()?),
        None => None,
    };
    let authority = match (host, target.authority()) {
        (Some(host), Some(authority)) if host != *authority => return None,
        (Some(host), _) => host,
        (None, authority) => authority?.clone(),
    };
    let mut parts = target.clone().into_parts();
    parts.scheme = Some(Scheme::HTTP);
    parts.authority = Some(authority);
    // `CONNECT` has no path.
    Uri::from_parts(parts).ok()
}

/// Adds Spin's own headers, after any that the client has sent under their names.
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
    fn a_host_of_a_component_is_passed_over() {
        for (host, internal) in [
            ("jaas-jwt.spin.internal", true),
            ("a.spin.internal:80", true),
            ("spin.internal", false),
            ("a.b.spin.internal", false),
            ("a.SPIN.internal", false),
            ("a.spin.internal.test", false),
            ("\u{e9}.spin.internal", false),
        ] {
            let value = HeaderValue::from_bytes(host.as_bytes()).unwrap();
            assert_eq!(is_internal(&value), internal, "{host}");
        }
    }

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
            let uri = uri.map(|uri| uri.to_string());
            assert_eq!(uri.as_deref(), expected, "{target} {host:?}");
        }
    }
}
