//! Many requests at once.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crate::harness::{ALLOWED, Server, Settings};
use crate::http::get;

#[test]
fn a_thousand_requests_on_16_connections_all_get_valid_tokens() {
    const REQUESTS: usize = 1_000;
    const CONNECTIONS: usize = 16;
    let server = Server::start(Settings::good());
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..CONNECTIONS {
            scope.spawn(|| {
                let mut connection = server.connect();
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= REQUESTS {
                        break;
                    }
                    let room = format!("room-{number}");
                    let request = get(&[("room", &room)]).origin(ALLOWED);
                    let response = connection.send(&request).expect("a response");
                    // Checks the rules and the signature.
                    server.check(&request, &response);
                    assert_eq!(response.status, 200, "{response}");
                    assert_eq!(response.token().claims["room"], room);
                }
            });
        }
    });
}
