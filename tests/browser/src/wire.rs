//! Records what a browser sends: the service does not log preflights that it allows.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

/// The bytes of each connection so far.
type Connections = Arc<Mutex<Vec<Vec<u8>>>>;

/// A proxy that forwards connections to a server and records the requests.
pub struct Wire {
    address: SocketAddr,
    connections: Connections,
}

impl Wire {
    /// Listens on a free port of 127.0.0.1 and forwards to `server`.
    ///
    /// # Panics
    /// Panics if no port is free.
    #[must_use]
    pub fn to(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("its address");
        let connections = Connections::default();
        let kept = Arc::clone(&connections);
        thread::spawn(move || {
            for browser in listener.incoming().map_while(Result::ok) {
                let kept = Arc::clone(&kept);
                // Either side may close the connection at any time, which is not an error.
                thread::spawn(move || forward(browser, server, &kept));
            }
        });
        Self {
            address,
            connections,
        }
    }

    /// Returns the URL of the server through this proxy.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Returns the methods of all requests so far, grouped by connection. Every request that has a response is included.
    #[must_use]
    pub fn methods(&self) -> Vec<String> {
        let connections = lock(&self.connections);
        let texts = connections
            .iter()
            .map(|bytes| String::from_utf8_lossy(bytes));
        texts
            .flat_map(|text| text.lines().filter_map(method).collect::<Vec<_>>())
            .collect()
    }

    /// Returns the number of requests with this method so far.
    #[must_use]
    pub fn count(&self, method: &str) -> usize {
        self.methods().iter().filter(|it| *it == method).count()
    }
}

fn lock(connections: &Connections) -> std::sync::MutexGuard<'_, Vec<Vec<u8>>> {
    connections.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Returns the method if a request starts on this line (RFC 9112, section 3). The previous request's body may precede it on
/// the same line, because a body does not end with a line break.
fn method(line: &str) -> Option<String> {
    let (before, _) = line.strip_suffix(" HTTP/1.1")?.rsplit_once(" /")?;
    let start = before
        .trim_end_matches(|c: char| c.is_ascii_uppercase())
        .len();
    let method = &before[start..];
    (!method.is_empty()).then(|| method.to_owned())
}

fn forward(mut browser: TcpStream, server: SocketAddr, kept: &Connections) -> Option<()> {
    let mut server = TcpStream::connect(server).ok()?;
    let number = {
        let mut connections = lock(kept);
        connections.push(Vec::new());
        connections.len() - 1
    };
    let (mut responses, mut back) = (server.try_clone().ok()?, browser.try_clone().ok()?);
    thread::spawn(move || {
        let _ = std::io::copy(&mut responses, &mut back);
        let _ = back.shutdown(Shutdown::Both);
    });
    let mut bytes = [0; 16 * 1024];
    loop {
        let length = match browser.read(&mut bytes) {
            Ok(0) | Err(_) => break,
            Ok(length) => length,
        };
        lock(kept)[number].extend_from_slice(&bytes[..length]);
        server.write_all(&bytes[..length]).ok()?;
    }
    server.shutdown(Shutdown::Both).ok()
}

#[cfg(test)]
mod tests {
    use super::method;

    #[test]
    fn a_request_is_known_by_its_first_line() {
        for (line, expected) in [
            ("GET /api/jitsi-token?room=a HTTP/1.1", Some("GET")),
            ("OPTIONS / HTTP/1.1", Some("OPTIONS")),
            ("{\"room\":\"a\"}POST /api HTTP/1.1", Some("POST")),
            ("Accept: */* HTTP/1.1", None),
            ("GET /", None),
            ("", None),
        ] {
            assert_eq!(method(line).as_deref(), expected, "{line}");
        }
    }
}
