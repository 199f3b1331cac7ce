//! Converts the host's requests for the core, and the core's responses for the host. Each version of WASI has an entry of
//! its own; this module holds what they share.
#![deny(unsafe_code)]

#[cfg(not(feature = "wasi-p3"))]
pub mod wasi2;
#[cfg(feature = "wasi-p3")]
pub mod wasi3;

use std::io::{self, Read, Write};
use std::time::SystemTime;

use spin_sdk::variables;

use crate::config::{Config, Unavailable};
use crate::environment::Environment;
use crate::host::{DefaultStore, Outbound};
use crate::http::{Request, Response};
use crate::service::{self, Outcome};

/// Reads a variable from the host.
fn variable(name: &str) -> Result<Option<String>, Unavailable> {
    match variables::get(name) {
        Ok(value) => Ok(Some(value)),
        Err(variables::Error::Undefined(_)) => Ok(None),
        Err(_) => Err(Unavailable),
    }
}

/// Passes a request to the core.
fn handle(config: &Config<'_>, request: &mut Request<impl Read>) -> Outcome {
    // A clock before 1970 reads as 1970: every token it produces has expired, so the failure is safe.
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |since| since.as_secs());
    let environment = Environment {
        now,
        random: &mut random,
        store: &DefaultStore::default(),
        network: &Outbound,
        sleep: &std::thread::sleep,
    };
    service::handle(config, request, environment)
}

/// Writes the log line of an outcome, if there is one, and returns the response.
fn logged(outcome: Outcome) -> Response {
    if let Some(line) = outcome.log {
        log(line);
    }
    outcome.response
}

/// Takes the headers out of a response, in the form that both versions of WASI accept.
fn fields(response: &mut Response) -> Vec<(String, Vec<u8>)> {
    std::mem::take(&mut response.headers)
        .into_iter()
        .map(|(name, value)| (name.to_string(), value.into_bytes()))
        .collect()
}

/// Logs that WASI does not accept a header of the response, so the host responds with 500.
fn log_invalid_header() {
    log(r#"{"level":"error","status":500,"reason":"the response has an invalid header"}"#.into());
}

/// Writes a line to the log in a single host call. All instances share the stream, and `eprintln!` would write the text and
/// the line feed separately, so that another instance's output could land between them. One call takes 4,096 bytes, and
/// [`crate::log::MAX_BYTES`] keeps every line within that.
fn log(mut line: String) {
    line.push('\n');
    // If the log is closed, the failure cannot be reported anywhere.
    let _ = io::stderr().write_all(line.as_bytes());
}

/// Fills a buffer from the host's random generator. A host without one traps, and no response is sent.
fn random(bytes: &mut [u8]) {
    getrandom::fill(bytes).expect("WASI's random source does not fail");
}

/// Returns the name of a method as a string; both versions of WASI have an enum with the same variants.
macro_rules! method_name {
    ($method:expr, $kind:ident) => {
        match $method {
            $kind::Get => "GET",
            $kind::Post => "POST",
            $kind::Put => "PUT",
            $kind::Delete => "DELETE",
            $kind::Patch => "PATCH",
            $kind::Head => "HEAD",
            $kind::Options => "OPTIONS",
            $kind::Connect => "CONNECT",
            $kind::Trace => "TRACE",
            $kind::Other(name) => return name,
        }
        .to_owned()
    };
}
use method_name;
