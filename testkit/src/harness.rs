//! Runs the built component behind a host and checks every response and every log line.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant};

use devkit_host::Faults;
use serde_json::Value;

use crate::checks::{Checks, summary};
use crate::connection::Connection;
use crate::host::Host;
use crate::http::{Request, Response};
use crate::key_material::Key;
use crate::locked;

pub use crate::checks::Secret;
pub use crate::host::component;
pub use crate::settings::{ALLOWED, APP_ID, FOREIGN, KEY_ID, Settings};
pub use crate::{now, root};

pub struct Server {
    host: Host,
    checks: Checks,
    /// The length of the part of the log that has been checked, in bytes.
    checked: Mutex<usize>,
}

// Not a `LazyLock`: if the server does not start, every test should report the reason, not a poisoned lock.
static SHARED: OnceLock<Server> = OnceLock::new();

impl Server {
    /// Returns the server with the default settings. All tests share it, so its log belongs to no single test.
    pub fn good() -> &'static Self {
        SHARED.get_or_init(|| Self::start(Settings::good()))
    }

    /// Starts a server for one test.
    pub fn start(settings: Settings) -> Self {
        Self::new(Host::start(&settings), Checks::new(settings, false))
    }

    /// Starts a server whose configuration is wrong, so that it may respond with 500 or 503.
    pub fn start_broken(settings: Settings) -> Self {
        Self::new(Host::start(&settings), Checks::new(settings, true))
    }

    /// Starts a server with injected faults. It is always the embedded host, because Spin cannot inject them.
    pub fn start_faulty(settings: Settings, faults: Faults) -> Self {
        let host = Host::embedded(&settings, faults);
        Self::new(host, Checks::new(settings, true))
    }

    fn new(host: Host, checks: Checks) -> Self {
        Self {
            host,
            checks,
            checked: Mutex::new(0),
        }
    }

    pub fn key(&self) -> &'static Key {
        self.checks.settings.key
    }

    pub fn address(&self) -> SocketAddr {
        self.host.address()
    }

    /// Returns the embedded host, which has counters that Spin lacks, or `None` if Spin serves the component.
    pub fn embedded(&self) -> Option<&devkit_host::Server> {
        match &self.host {
            Host::Embedded(server) => Some(server),
            Host::Spin(_) => None,
        }
    }

    pub fn connect(&self) -> Connection {
        Connection::open(self.address()).expect("the server listens")
    }

    pub fn send(&self, request: &Request) -> Response {
        self.try_send(request)
            .unwrap_or_else(|error| panic!("no response ({error}) to {}", summary(request)))
    }

    pub fn try_send(&self, request: &Request) -> io::Result<Response> {
        let response = self.connect().send_last(request)?;
        self.check(request, &response);
        Ok(response)
    }

    /// Sends a request without checking the response, which may be the host's own.
    pub fn send_unchecked(&self, request: &Request) -> io::Result<Response> {
        self.connect().send_last(request)
    }

    /// Checks a response and the log lines written since the last check.
    pub fn check(&self, request: &Request, response: &Response) {
        self.checks.response(request, response);
        self.check_log(&self.host.log());
    }

    fn check_log(&self, log: &str) {
        let end = log.rfind('\n').map_or(0, |end| end + 1);
        let start = {
            // Advance before checking, so that a wrong line fails only one test.
            let mut checked = locked(&self.checked);
            let start = *checked;
            *checked = end.max(start);
            start
        };
        let new = log.get(start..end).unwrap_or("");
        new.lines().for_each(|line| self.checks.log_line(line));
    }

    /// Returns everything that the component has logged so far.
    pub fn log(&self) -> String {
        self.host.log()
    }

    /// Returns the lines that `requests` adds to the log. Not for the shared server.
    pub fn log_of(&self, requests: impl FnOnce(&Self)) -> Vec<Value> {
        let is_shared = SHARED.get().is_some_and(|it| std::ptr::eq(it, self));
        assert!(!is_shared, "others write to this log, too");
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let before = self.host.log().len();
        requests(self);

        // A host may write log lines after it has sent the responses. A rejected marker request shows where the log ends.
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let marker = format!("https://marker-{number}.invalid");
        self.send(&Request::new("GET", "/marker").origin(&marker));
        let deadline = Instant::now() + Duration::from_secs(5);
        loop {
            let log = self.host.log();
            let new = &log[before..];
            if let Some((lines, after)) = new.split_once(&marker)
                && after.contains('\n')
            {
                // Drop the beginning of the marker's own line.
                let (lines, _) = lines.rsplit_once('\n').unwrap_or_default();
                let lines = lines.lines().map(serde_json::from_str);
                return lines.map(|line| line.expect("a line of JSON")).collect();
            }
            assert!(
                Instant::now() < deadline,
                "a rejected request left no line with its origin: {new}"
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::get;

    #[test]
    fn a_test_that_fails_fails_no_other() {
        // Not the shared server: the test marks as checked more of the log than was written.
        let server = Server::start(Settings::good());
        let good = server.send(&get(&[]));
        std::thread::scope(|scope| {
            let wrong_line = || {
                let log = server.log();
                server.check_log(&format!("{log}no JSON\n"));
            };
            scope.spawn(wrong_line).join().expect_err("it is wrong");
            let holder = || {
                let _checked = locked(&server.checked);
                panic!("on purpose: the next test must not see it");
            };
            scope.spawn(holder).join().expect_err("a panic");
        });
        server.check(&get(&[]), &good);
        assert_eq!(Server::start(Settings::good()).send(&get(&[])).status, 200);
    }
}
