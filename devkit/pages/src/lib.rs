//! Serves a folder of web pages to this machine: the demo of `cargo dev demo`, and the pages of the tests in a browser.
//!
//! Pages need an origin of their own beside the service's, and ES modules load from no file. For development only.
//!
//! ```no_run
//! # fn main() -> anyhow::Result<()> {
//! let pages = devkit_pages::start("web".as_ref(), ([127, 0, 0, 1], 0).into())?;
//! println!("http://{}/demo/", pages.address());
//! # Ok(())
//! # }
//! ```
#![forbid(unsafe_code)]

use std::convert::Infallible;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use hyper::body::{Body, Incoming};
use hyper::header::{CACHE_CONTROL, HeaderValue, LOCATION};
use hyper::server::conn::http1;
use hyper::service::{HttpService, Service as _, service_fn};
use hyper::{Request, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::sync::oneshot;
use tower_http::services::ServeDir;
use tower_http::set_header::SetResponseHeader;

/// How long a peer may take to send the head of a request, or leave a connection idle.
const HEADER_TIMEOUT: Duration = Duration::from_secs(30);

/// A running server. It stops when it is dropped.
#[must_use = "the server stops when it is dropped"]
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    /// Dropped to stop the server.
    _stop: oneshot::Sender<()>,
}

impl Server {
    /// The address that it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The origin of its pages, as a browser writes it.
    pub fn origin(&self) -> String {
        format!("http://{}", self.address)
    }
}

/// Starts a server of the files below `folder`, and returns as soon as it listens. Port 0 takes a free one.
///
/// A folder's page is its `index.html`. Every response has `Cache-Control: no-store`: a page that was changed is seen
/// changed. What a symbolic link in the folder names is served, too.
pub fn start(folder: &Path, listen: SocketAddr) -> Result<Server> {
    start_at(folder, listen, None)
}

/// As [`start`]; where the folder has no page of its own, `/` leads to `home`.
pub fn start_at(folder: &Path, listen: SocketAddr, home: Option<&str>) -> Result<Server> {
    ensure!(
        folder.is_dir(),
        "there is no folder {}: name one with --folder",
        folder.display()
    );
    let listener = bind(listen)?;
    let address = listener.local_addr().context("the socket has no address")?;
    let home = home
        .map(HeaderValue::from_str)
        .transpose()
        .context("--home has a character that no URL has")?;
    let files = TowerToHyperService::new(SetResponseHeader::overriding(
        ServeDir::new(folder),
        CACHE_CONTROL,
        HeaderValue::from_static("no-store"),
    ));
    let pages = service_fn(move |request: Request<Incoming>| {
        let home = home.clone().filter(|_| request.uri().path() == "/");
        let response = files.call(request);
        async move {
            let mut response = response.await?;
            if let Some(home) = home
                && response.status() == StatusCode::NOT_FOUND
            {
                *response.status_mut() = StatusCode::TEMPORARY_REDIRECT;
                response.headers_mut().insert(LOCATION, home);
            }
            Ok::<_, Infallible>(response)
        }
    });
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("the server cannot be started")?;
    let (stop, stopped) = oneshot::channel();
    let serving = async move {
        // The socket is set up above: nothing is left that could fail.
        let Ok(listener) = tokio::net::TcpListener::from_std(listener) else {
            return;
        };
        tokio::select! {
            () = accept(listener, pages) => {}
            _ = stopped => {}
        }
    };
    thread::Builder::new()
        .name("pages".to_owned())
        .spawn(move || runtime.block_on(serving))
        .context("the server cannot be started")?;
    Ok(Server {
        address,
        _stop: stop,
    })
}

fn bind(listen: SocketAddr) -> Result<TcpListener> {
    let listener = match TcpListener::bind(listen) {
        Ok(listener) => listener,
        Err(error) => bail!(
            "cannot listen on {listen}: {error}; choose another port with `--listen {}:PORT`",
            listen.ip()
        ),
    };
    listener
        .set_nonblocking(true)
        .context("the socket cannot be used")?;
    Ok(listener)
}

/// Serves each connection by a task of its own, for ever.
async fn accept<S, B>(listener: tokio::net::TcpListener, pages: S)
where
    S: HttpService<Incoming, ResBody = B, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
    B: Body<Data: Send, Error: std::error::Error + Send + Sync> + Send + 'static,
{
    loop {
        // An error here is a peer's that has gone, or a want of file descriptors that passes.
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEADER_TIMEOUT)
            .serve_connection(TokioIo::new(stream), pages.clone());
        // An error here is the peer's: it broke off, or it does not speak HTTP.
        tokio::spawn(async move { drop(connection.await) });
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::{Read, Write};
    use std::net::TcpStream;

    use super::*;

    /// A folder of pages inside a folder with something that is nobody's business.
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

    /// The response to a request whose target is sent as it stands.
    fn get(server: &Server, target: &str) -> String {
        let mut stream = TcpStream::connect(server.address()).expect("it listens");
        let wait = Some(Duration::from_secs(10));
        stream.set_read_timeout(wait).expect("a limit");
        write!(
            stream,
            "GET {target} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"
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
    fn only_reading_is_served() {
        let (_, server) = pages("methods");
        let mut stream = TcpStream::connect(server.address()).expect("it listens");
        let wait = Some(Duration::from_secs(10));
        stream.set_read_timeout(wait).expect("a limit");
        stream
            .write_all(
                b"PUT /style.css HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
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
