//! In and out: from the host's request to the core, and back. There is an entry for each version of WASI that the
//! component is built for; what they have in common is here.
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

/// Reads a variable.
fn variable(name: &str) -> Result<Option<String>, Unavailable> {
    match variables::get(name) {
        Ok(value) => Ok(Some(value)),
        Err(variables::Error::Undefined(_)) => Ok(None),
        Err(_) => Err(Unavailable),
    }
}

/// Lets the core handle a request.
fn handle(config: &Config<'_>, request: &mut Request<impl Read>) -> Outcome {
    // A clock before 1970 reads as 1970: the token it makes is expired, and opens nothing.
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

/// Logs what there is to say of a request; the rest is the response.
fn logged(outcome: Outcome) -> Response {
    if let Some(line) = outcome.log {
        log(line);
    }
    outcome.response
}

/// The response's headers as both versions of WASI take them.
fn fields(response: &mut Response) -> Vec<(String, Vec<u8>)> {
    std::mem::take(&mut response.headers)
        .into_iter()
        .map(|(name, value)| (name.to_string(), value.into_bytes()))
        .collect()
}

/// A header that WASI does not take: the host responds with 500.
fn log_invalid_header() {
    log(r#"{"level":"error","status":500,"reason":"the response has an invalid header"}"#.into());
}

/// Writes a line to the log by one call of the host. All instances share one stream: between two calls, as `eprintln!`
/// makes for text and line feed, another's text can come. One call takes 4,096 bytes, which no line exceeds
/// ([`crate::log::MAX_BYTES`]); a longer one would be written in several.
fn log(mut line: String) {
    line.push('\n');
    // Where the log is closed there is nobody to tell.
    let _ = io::stderr().write_all(line.as_bytes());
}

/// Random bytes from the host's generator. The host traps where it has none, and no response is sent.
fn random(bytes: &mut [u8]) {
    getrandom::fill(bytes).expect("WASI's random source does not fail");
}

/// The name of a method; the enums of both versions of WASI have the same variants.
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
