//! What a browser sends over the wire: the service's log does not tell of a preflight that is allowed.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

/// The bytes of each connection so far.
type Connections = Arc<Mutex<Vec<Vec<u8>>>>;

/// Hands connections on to a server, and keeps what comes for it.
pub struct Wire {
    address: SocketAddr,
    connections: Connections,
}

impl Wire {
    /// Listens at a free port of 127.0.0.1 in front of `server`.
    ///
    /// # Panics
    /// There is none.
    #[must_use]
    pub fn to(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("its address");
        let connections = Connections::default();
        let kept = Arc::clone(&connections);
        thread::spawn(move || {
            for browser in listener.incoming().map_while(Result::ok) {
                let kept = Arc::clone(&kept);
                // Either end may go at any time: that ends the connection, and is no error.
                thread::spawn(move || hand_on(browser, server, &kept));
            }
        });
        Self {
            address,
            connections,
        }
    }

    /// Where the server is reached through this.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The methods of all requests so far, connection by connection; what was sent back is here.
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

    /// How many requests had this method so far.
    #[must_use]
    pub fn count(&self, method: &str) -> usize {
        self.methods().iter().filter(|it| *it == method).count()
    }
}

fn lock(connections: &Connections) -> std::sync::MutexGuard<'_, Vec<Vec<u8>>> {
    connections.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The method, if a request begins on this line (RFC 9112, section 3). The body of the one before may stand in front of
/// it, for that ends without a line break.
fn method(line: &str) -> Option<String> {
    let (before, _) = line.strip_suffix(" HTTP/1.1")?.rsplit_once(" /")?;
    let start = before
        .trim_end_matches(|c: char| c.is_ascii_uppercase())
        .len();
    let method = &before[start..];
    (!method.is_empty()).then(|| method.to_owned())
}

fn hand_on(mut browser: TcpStream, server: SocketAddr, kept: &Connections) -> Option<()> {
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
