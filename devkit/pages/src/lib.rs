//! Serves a folder of web pages locally: the page of `cargo dev demo`, and the pages of the browser tests.
//!
//! The pages need an origin other than the service's, and ES modules do not load from `file:` URLs. For development only.
//!
//! ```no_run
//! # fn main() -> anyhow::Result<()> {
//! let pages = devkit_pages::start("web".as_ref(), ([127, 0, 0, 1], 0).into())?;
//! println!("http://{}/demo/", pages.address());
//! # Ok(())
//! # }
//! ```
#![forbid(unsafe_code)]

use std::net::{IpAddr, SocketAddr};
use std::path::Path;

use anyhow::{Context, Result, ensure};
use axum::Router;
use axum::extract::Request;
use axum::http::header::{CACHE_CONTROL, HOST};
use axum::http::uri::Authority;
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Redirect};
use axum::routing::get;
use percent_encoding::percent_decode_str;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tower_http::services::ServeDir;
use tower_http::set_header::SetResponseHeaderLayer;

/// A running server, which stops when it is dropped.
#[must_use = "the server stops when it is dropped"]
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    /// Runs the server until it is dropped.
    _runtime: Runtime,
}

impl Server {
    /// Returns the address that the server listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the origin of the pages, as a browser writes it.
    pub fn origin(&self) -> String {
        format!("http://{}", self.address)
    }
}

/// Starts a server for the files below `folder`, and returns once it listens. Port 0 selects a free port.
///
/// The page of a folder is its `index.html`. Every response has `Cache-Control: no-store`, so that changes are visible at
/// once. Symbolic links are followed; names with a leading dot, such as `.git` or `.env`, are not served. A server on a
/// loopback address rejects requests for host names other than `localhost`, to prevent DNS rebinding: a foreign page could
/// otherwise point its own name at this machine and read the files.
pub fn start(folder: &Path, listen: SocketAddr) -> Result<Server> {
    start_at(folder, listen, None)
}

/// Like [`start`]; with a `home`, `/` redirects there.
pub fn start_at(folder: &Path, listen: SocketAddr, home: Option<&str>) -> Result<Server> {
    ensure!(
        folder.is_dir(),
        "there is no folder {}: name one with --folder",
        folder.display()
    );
    let mut pages = Router::new().fallback_service(ServeDir::new(folder));
    if let Some(home) = home {
        pages = pages.route("/", get(Redirect::temporary(home)));
    }
    let no_store = HeaderValue::from_static("no-store");
    let is_local = listen.ip().is_loopback();
    let pages = pages.layer(from_fn(move |request: Request, next: Next| async move {
        if is_local && !names_this_machine(request.headers().get(HOST)) {
            StatusCode::MISDIRECTED_REQUEST.into_response()
        } else if is_hidden(request.uri().path()) {
            StatusCode::NOT_FOUND.into_response()
        } else {
            next.run(request).await
        }
    }));
    let pages = pages.layer(SetResponseHeaderLayer::overriding(CACHE_CONTROL, no_store));

    let runtime = Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .context("the server cannot be started")?;
    let listener = runtime.block_on(TcpListener::bind(listen));
    let listener = listener.with_context(|| {
        let ip = listen.ip();
        format!("cannot listen on {listen}; choose another port with `--listen {ip}:PORT`")
    })?;
    let address = listener.local_addr().context("the socket has no address")?;
    runtime.spawn(async { axum::serve(listener, pages).await });
    Ok(Server {
        address,
        _runtime: runtime,
    })
}

/// Returns whether a request is for `localhost` or for an IP address, which cannot be registered as names.
fn names_this_machine(host: Option<&HeaderValue>) -> bool {
    let host = host.and_then(|host| host.to_str().ok()?.parse::<Authority>().ok());
    host.is_some_and(|host| {
        let name = host.host().trim_matches(['[', ']']);
        name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok()
    })
}

/// Returns whether a segment of a path begins with a dot. `ServeDir` decodes the whole path before it looks for segments.
fn is_hidden(path: &str) -> bool {
    let path = percent_decode_str(path).decode_utf8_lossy();
    path.split('/').any(|part| part.starts_with('.'))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::{Read, Write};
    use std::net::TcpStream;
    use std::thread;
    use std::time::Duration;

    use super::*;

    /// Creates a folder of pages inside a folder with a file that must not be served.
    fn pages(name: &str) -> (std::path::PathBuf, Server) {
        let outside = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../../target/pages-tests")
            .join(name);
        let folder = outside.join("web");
        fs::create_dir_all(folder.join("demo")).expect("a folder");
        for (file, text) in [
            ("../secret.txt", "for nobody to see"),
            ("demo/index.html", "<!doctype html>"),
            ("style.css", "body{}"),
            ("module.js", "export {}"),
            ("picture.svg", "<svg/>"),
            ("data.json", "{}"),
        ] {
            fs::write(folder.join(file), text).expect("a file");
        }
        let server = start(&folder, ([127, 0, 0, 1], 0).into()).expect("it starts");
        (folder, server)
    }

    /// Returns the response to a request with exactly this target.
    fn get(server: &Server, target: &str) -> String {
        get_from(server, "localhost", target)
    }

    fn get_from(server: &Server, host: &str, target: &str) -> String {
        let mut stream = TcpStream::connect(server.address()).expect("it listens");
        let wait = Some(Duration::from_secs(10));
        stream.set_read_timeout(wait).expect("a limit");
        write!(
            stream,
            "GET {target} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n"
        )
        .expect("it reads");
        let mut response = String::new();
        stream.read_to_string(&mut response).expect("it responds");
        response
    }

    #[test]
    fn files_have_their_types_and_are_not_stored() {
        let (_, server) = pages("types");
        for (target, kind) in [
            ("/demo/", "text/html"),
            ("/demo/index.html?lang=en", "text/html"),
            ("/style.css", "text/css"),
            ("/module.js", "text/javascript"),
            ("/picture.svg", "image/svg+xml"),
            ("/data.json", "application/json"),
        ] {
            let response = get(&server, target);
            assert!(
                response.starts_with("HTTP/1.1 200 "),
                "{target}: {response}"
            );
            for header in [&format!("content-type: {kind}"), "cache-control: no-store"] {
                assert!(response.contains(&format!("{header}\r\n")), "{response}");
            }
        }
        assert!(get(&server, "/demo").contains("\r\nlocation: /demo/\r\n"));
    }

    #[test]
    fn the_root_leads_to_the_home_page() {
        let (folder, _) = pages("home");
        let home = "/demo/?server=http://127.0.0.1:3000";
        let server = start_at(&folder, ([127, 0, 0, 1], 0).into(), Some(home)).expect("it starts");
        let response = get(&server, "/");
        assert!(response.starts_with("HTTP/1.1 307 "), "{response}");
        assert!(
            response.contains(&format!("\r\nlocation: {home}\r\n")),
            "{response}"
        );
        assert!(get(&server, "/other").starts_with("HTTP/1.1 404 "));
    }

    #[test]
    fn nothing_outside_the_folder_is_served() {
        let (folder, server) = pages("outside");
        let whole = folder.join("../secret.txt");
        for target in [
            "/../secret.txt",
            "/demo/../../secret.txt",
            "/%2e%2e/secret.txt",
            "/..%2fsecret.txt",
            "/demo/%2e%2e%2f%2e%2e%2fsecret.txt",
            "/..%5csecret.txt",
            "//etc/passwd",
            "/%2fetc/passwd",
            "/./../secret.txt",
            "/%00",
            &whole.display().to_string(),
            "/secret.txt",
        ] {
            let response = get(&server, target);
            assert!(
                response.starts_with("HTTP/1.1 404 "),
                "{target}: {response}"
            );
            assert!(!response.contains("for nobody"), "{target}: {response}");
        }
    }

    #[test]
    fn what_begins_with_a_dot_is_not_served() {
        let (folder, server) = pages("hidden");
        fs::create_dir_all(folder.join(".git")).expect("a folder");
        fs::write(folder.join(".git/config"), "for nobody to see").expect("a file");
        fs::write(folder.join("demo/.env"), "for nobody to see").expect("a file");
        for target in [
            "/.git/config",
            "/%2egit/config",
            "/%2Egit/config",
            "//.git/config",
            "/demo/.env",
            "/demo/%2eenv",
            "/demo%2f.env",
            "/demo%2F%2Eenv",
            "/demo//.env?x",
        ] {
            let response = get(&server, target);
            assert!(
                response.starts_with("HTTP/1.1 404 "),
                "{target}: {response}"
            );
        }
    }

    #[test]
    fn only_names_of_this_machine_are_served() {
        let (_, server) = pages("names");
        for (host, status) in [
            ("localhost", "200 "),
            ("LocalHost:8000", "200 "),
            ("127.0.0.1:8000", "200 "),
            ("[::1]:8000", "200 "),
            ("rebound.example", "421 "),
            ("localhost.example:8000", "421 "),
            ("127.0.0.1.example", "421 "),
            ("", "421 "),
        ] {
            let response = get_from(&server, host, "/style.css");
            let expected = format!("HTTP/1.1 {status}");
            assert!(response.starts_with(&expected), "{host}: {response}");
        }
    }

    #[test]
    fn only_reading_is_served() {
        let (_, server) = pages("methods");
        let mut stream = TcpStream::connect(server.address()).expect("it listens");
        let wait = Some(Duration::from_secs(10));
        stream.set_read_timeout(wait).expect("a limit");
        stream
            .write_all(
                b"PUT /style.css HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
            )
            .expect("it reads");
        let mut response = String::new();
        stream.read_to_string(&mut response).expect("it responds");
        assert!(response.starts_with("HTTP/1.1 405 "), "{response}");
    }

    #[test]
    fn a_missing_folder_and_a_taken_port_are_named() {
        let (folder, server) = pages("errors");
        let missing = start(&folder.join("no-such"), ([127, 0, 0, 1], 0).into());
        let text = missing.expect_err("there is none").to_string();
        assert!(
            text.contains("no-such") && text.contains("--folder"),
            "{text}"
        );
        let taken = start(&folder, server.address());
        let text = taken.expect_err("it is taken").to_string();
        let address = server.address().to_string();
        assert!(
            text.contains(&address) && text.contains("--listen"),
            "{text}"
        );
    }

    #[test]
    fn a_server_that_is_dropped_stops() {
        let (_, server) = pages("dropped");
        let address = server.address();
        drop(server);
        let deadline = std::time::Instant::now() + Duration::from_secs(10);
        while TcpStream::connect(address).is_ok() {
            assert!(std::time::Instant::now() < deadline, "it still listens");
            thread::sleep(Duration::from_millis(20));
        }
    }
}
