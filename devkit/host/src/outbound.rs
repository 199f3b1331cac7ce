//! Requests of instances to other servers, as far as `allowed_outbound_hosts` allows them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use devkit_spin_app::outbound::AllowedHosts;
use http_body_util::BodyExt;
use hyper::{Request, Response, Uri};
use tokio::time::timeout;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpHooks, default_send_request};

use crate::log::complain;

/// The time limit if the guest sets none, as in Spin.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(600);

/// Sends the requests of one server's instances.
#[derive(Clone, Default)]
pub(crate) struct Outbound {
    allowed: Arc<AllowedHosts>,
    /// The number of requests that instances have tried to send, allowed or not.
    pub(crate) requests: Arc<AtomicUsize>,
}

type Io = Box<dyn Future<Output = Result<(), Error>> + Send>;
type Sent = Result<(Response<WasiBody>, Io), Error>;

impl Outbound {
    pub(crate) fn new(allowed: AllowedHosts) -> Self {
        Self {
            allowed: Arc::new(allowed),
            requests: Arc::default(),
        }
    }

    /// Returns whether the request is allowed. If not, writes the reason to standard error.
    fn allows(&self, uri: &Uri) -> bool {
        let scheme = uri.scheme_str().unwrap_or_default();
        let host = uri.host().unwrap_or_default();
        let port = uri.port_u16();
        if self.allowed.allow(scheme, host, port) {
            return true;
        }
        match self.allowed.problem() {
            Some(problem) => complain(format_args!("error: no request is allowed: {problem}")),
            None => {
                // Without the credentials that may precede an @.
                let port = port.map(|port| format!(":{port}")).unwrap_or_default();
                complain(format_args!(
                    "error: the component may not call {scheme}://{host}{port}: allow it by allowed_outbound_hosts in spin.toml"
                ));
            }
        }
        false
    }
}

impl WasiHttpHooks for Outbound {
    fn send_request(
        &mut self,
        request: Request<WasiBody>,
        options: Option<RequestOptions>,
        _: Io,
    ) -> Box<dyn Future<Output = Sent> + Send> {
        self.requests.fetch_add(1, Ordering::Relaxed);
        if !self.allows(request.uri()) {
            return Box::new(async { Err(Error::HttpRequestDenied) });
        }
        let limit = options
            .and_then(|options| options.first_byte_timeout)
            .unwrap_or(DEFAULT_TIMEOUT);
        Box::new(async move {
            // As in Spin, this limit covers everything until the head arrives; the client itself limits the steps separately.
            let sent = timeout(limit, default_send_request(request, options)).await;
            let (response, io) = sent.map_err(|_| Error::ConnectionReadTimeout)??;
            Ok((response.map(BodyExt::boxed_unsync), Box::new(io) as Io))
        })
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;
    use std::pin::Pin;
    use std::thread;
    use std::time::Instant;

    use bytes::Bytes;
    use devkit_spin_app::manifest::Manifest;
    use devkit_spin_app::providers::Providers;
    use http_body_util::Empty;

    use super::*;

    fn outbound(entry: &str) -> Outbound {
        let manifest = Manifest {
            allowed_outbound_hosts: vec![entry.to_owned()],
            ..Manifest::default()
        };
        let providers = Providers::default();
        Outbound::new(AllowedHosts::resolve(&manifest, &providers, &[].into()).unwrap())
    }

    /// Sends a request and reads the body. Returns status and body, or the error.
    fn send(outbound: &mut Outbound, url: &str, limit: Duration) -> Result<(u16, String), Error> {
        let body = Empty::<Bytes>::new().map_err(|never| match never {});
        let request = Request::builder().uri(url).header("host", "a.test");
        let request = request.body(body.boxed_unsync()).unwrap();
        let options = RequestOptions {
            connect_timeout: Some(limit),
            first_byte_timeout: Some(limit),
            between_bytes_timeout: Some(limit),
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let sending = outbound.send_request(request, Some(options), Box::new(async { Ok(()) }));
            let (response, io) = Pin::from(sending).await?;
            tokio::spawn(Pin::from(io));
            let status = response.status().as_u16();
            let body = response.into_body().collect().await?.to_bytes();
            Ok((status, String::from_utf8_lossy(&body).into_owned()))
        })
    }

    /// Starts a server for one connection, which sends these pieces after a request, each after a delay in ms. Returns its
    /// URL, and a handle that returns the request.
    fn server(pieces: &[(u64, &'static str)]) -> (String, thread::JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let pieces = pieces.to_vec();
        let thread = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            stream
                .set_read_timeout(Some(Duration::from_secs(5)))
                .unwrap();
            let mut request = Vec::new();
            let mut buffer = [0; 1024];
            while !request.ends_with(b"\r\n\r\n") {
                let length = stream.read(&mut buffer).unwrap();
                assert!(length > 0, "the client has gone");
                request.extend_from_slice(&buffer[..length]);
            }
            for (wait, piece) in pieces {
                thread::sleep(Duration::from_millis(wait));
                if stream.write_all(piece.as_bytes()).is_err() {
                    break;
                }
            }
            String::from_utf8(request).unwrap()
        });
        (url, thread)
    }

    const PATIENT: Duration = Duration::from_secs(10);
    const HEAD: &str = "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\n";

    #[test]
    fn an_allowed_server_gets_the_request() {
        let (url, thread) = server(&[(0, HEAD), (0, "keys")]);
        let mut outbound = outbound("http://127.0.0.1:*");
        let response = send(&mut outbound, &format!("{url}/a?b=c"), PATIENT).unwrap();
        assert_eq!(response, (200, "keys".to_owned()));
        let request = thread.join().unwrap();
        assert!(request.starts_with("GET /a?b=c HTTP/1.1\r\n"), "{request}");
        assert_eq!(outbound.requests.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn another_server_gets_none() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        for (entry, url) in [
            ("https://127.0.0.1:*", format!("http://{address}/")),
            ("http://127.0.0.1:1", format!("http://{address}/")),
            ("http://localhost:*", format!("http://{address}/")),
            ("http://a.test:*", format!("http://a.test:1@{address}/")),
        ] {
            let mut outbound = outbound(entry);
            let error = send(&mut outbound, &url, PATIENT).unwrap_err();
            assert!(
                matches!(error, Error::HttpRequestDenied),
                "{entry}: {error}"
            );
            assert_eq!(outbound.requests.load(Ordering::Relaxed), 1);
        }
        assert!(listener.accept().is_err(), "a connection");
    }

    #[test]
    fn a_redirect_is_a_response() {
        let head =
            "HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n";
        let (url, _) = server(&[(0, head)]);
        let response = send(&mut outbound("http://127.0.0.1:*"), &url, PATIENT);
        assert_eq!(response.unwrap().0, 302);
    }

    #[test]
    fn a_server_that_is_slow_or_gone_is_an_error() {
        let closed = TcpListener::bind("127.0.0.1:0").unwrap();
        let gone = format!("http://{}", closed.local_addr().unwrap());
        drop(closed);
        let error = send(&mut outbound("http://127.0.0.1:*"), &gone, PATIENT).unwrap_err();
        assert!(matches!(error, Error::Connect(_)), "{error}");

        // A late head, and a stalled body.
        for pieces in [&[(1500, HEAD)][..], &[(0, HEAD), (1500, "keys")]] {
            let (url, _) = server(pieces);
            let start = Instant::now();
            let limit = Duration::from_millis(200);
            let error = send(&mut outbound("http://127.0.0.1:*"), &url, limit).unwrap_err();
            assert!(matches!(error, Error::ConnectionReadTimeout), "{error}");
            assert!(start.elapsed() < Duration::from_secs(1));
        }

        // The server does not speak TLS.
        let (url, _) = server(&[]);
        let url = url.replace("http:", "https:");
        let error = send(
            &mut outbound("https://127.0.0.1:*"),
            &url,
            Duration::from_millis(200),
        );
        assert!(matches!(error, Err(Error::ConnectionReadTimeout)));
    }
}
