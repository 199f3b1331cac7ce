//! A page on one origin and the service on another.

use std::path::{Path, PathBuf};

use browser_tests::Wire;
use serde_json::Value;

use crate::harness::{Server, Settings};
pub use crate::http::form;
use crate::http::{TOKEN_ROUTE, token_target};

/// Returns the folder of the tests' own pages.
pub fn own_pages() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("pages")
}

/// Serves a folder of pages on an origin that no other test uses.
pub fn serve(folder: &Path) -> devkit_pages::Server {
    devkit_pages::start(folder, ([127, 0, 0, 1], 0).into()).expect("the pages are served")
}

/// The service and the recording proxy in front of it.
pub struct Service {
    pub server: Server,
    pub wire: Wire,
}

impl Service {
    pub fn start(settings: Settings) -> Self {
        Self::new(Server::start(settings))
    }

    /// Starts a service whose configuration is wrong.
    pub fn start_broken(settings: Settings) -> Self {
        Self::new(Server::start_broken(settings))
    }

    fn new(server: Server) -> Self {
        let wire = Wire::to(server.address());
        Self { server, wire }
    }

    /// Returns the token route's URL with these parameters.
    pub fn route(&self, parameters: &[(&str, &str)]) -> String {
        format!("{}{}", self.wire.url(), token_target(parameters))
    }

    /// Returns the token route's URL.
    pub fn bare_route(&self) -> String {
        format!("{}{TOKEN_ROUTE}", self.wire.url())
    }

    /// Returns the log lines that `requests` caused.
    pub fn log_of(&self, requests: impl FnOnce()) -> Vec<Value> {
        self.server.log_of(|_| requests())
    }
}

/// Returns the number of log lines that report an issued token.
pub fn tokens(lines: &[Value]) -> usize {
    let issued = |line: &&Value| line["event"] == "token issued";
    lines.iter().filter(issued).count()
}
