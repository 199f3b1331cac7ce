//! Reads `/healthz` of a service that has just been started.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

/// The time limit for one attempt, which delays the user's Ctrl-C.
const LIMIT: Duration = Duration::from_secs(2);

const MAX_BYTES: u64 = 1 << 20;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Health {
    Ready,
    /// The service cannot issue tokens: one message for each problem.
    Problems(Vec<String>),
    /// The server is not the service, or the component cannot run: the first line of the response.
    Unexpected(String),
}

/// Requests the health of the service. Returns `None` if there is no response yet.
pub fn of(address: SocketAddr) -> Option<Health> {
    let mut stream = TcpStream::connect_timeout(&address, LIMIT).ok()?;
    stream.set_read_timeout(Some(LIMIT)).ok()?;
    write!(
        stream,
        "GET /healthz HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n"
    )
    .ok()?;
    let mut response = String::new();
    stream.take(MAX_BYTES).read_to_string(&mut response).ok()?;
    read(&response)
}

fn read(response: &str) -> Option<Health> {
    let (head, body) = response.split_once("\r\n\r\n")?;
    let status_line = head.lines().next().unwrap_or_default();
    // Spin's response is chunked: the JSON stands between lines with chunk sizes.
    let json = body
        .find('{')
        .zip(body.rfind('}'))
        .and_then(|(start, end)| body.get(start..=end));
    let body = json.and_then(|json| serde_json::from_str::<Value>(json).ok());
    let text = |problem: &Value, name: &str| problem[name].as_str().unwrap_or_default().to_owned();
    let problems = |body: &Value| {
        let problems = body["problems"].as_array()?.iter();
        let problems =
            problems.map(|it| format!("{} {}", text(it, "variable"), text(it, "message")));
        Some(problems.collect::<Vec<_>>()).filter(|problems| !problems.is_empty())
    };
    let unexpected = || Health::Unexpected(status_line.to_owned());
    Some(match (status_line.split(' ').nth(1), body) {
        (Some("200"), Some(_)) => Health::Ready,
        (Some("503"), Some(body)) => problems(&body).map_or_else(unexpected, Health::Problems),
        _ => unexpected(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ready_is_only_what_says_so() {
        let problems = r#"{"status":"error","error":"a is x. b is y.","problems":[{"variable":"a","message":"is x."},{"variable":"b","message":"is y."}]}"#;
        let unexpected = |line: &str| Some(Health::Unexpected(line.to_owned()));
        for (response, expected) in [
            ("", None),
            ("HTTP/1.1 200 OK\r\n", None),
            (
                "HTTP/1.1 200 OK\r\na: b\r\n\r\n{\"status\":\"ok\"}",
                Some(Health::Ready),
            ),
            (
                "HTTP/1.1 200 OK\r\n\r\nf\r\n{\"status\":\"ok\"}\r\n0\r\n\r\n",
                Some(Health::Ready),
            ),
            (
                &format!("HTTP/1.1 503 Service Unavailable\r\n\r\n{problems}"),
                Some(Health::Problems(vec!["a is x.".into(), "b is y.".into()])),
            ),
            (
                "HTTP/1.1 503 Service Unavailable\r\n\r\n{}",
                unexpected("HTTP/1.1 503 Service Unavailable"),
            ),
            (
                "HTTP/1.1 500 Internal Server Error\r\n\r\n",
                unexpected("HTTP/1.1 500 Internal Server Error"),
            ),
            (
                "HTTP/1.1 200 OK\r\n\r\n<html>",
                unexpected("HTTP/1.1 200 OK"),
            ),
        ] {
            assert_eq!(read(response), expected, "{response}");
        }
    }
}
