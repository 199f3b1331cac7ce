//! Measures requests: CPU time of the server, throughput and latency.
//!
//! All servers run at the same time, and `hey` loads one after the other over kept-alive connections. The CPU time is the
//! server's own (user and kernel), which other programs on the machine hardly affect. Throughput and latency are those of a
//! client that shares the processor with the server.

use std::array;
use std::mem;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use devkit::os::process::{check_stop, stdout_of};
use devkit::os::programs::{self, Program};
use devkit::os::project::Project;
use devkit::os::report;

use crate::server::{BITS, Kind, Server, throw_away_key};

/// The load generator.
const HEY: Program = Program::new("hey", "hey");

/// The number of rounds, and how long each server is loaded in a round.
const ROUNDS: usize = 3;
const SECONDS: u32 = 1;

/// How often each server is started to measure its start.
const STARTS: usize = 5;

/// The number of connections that keeps every core busy.
const SOME: usize = 8;

/// A kind of request: its name, the method, the page's origin, the number of connections, the expected status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Load(
    &'static str,
    &'static str,
    &'static str,
    usize,
    &'static str,
);

impl Load {
    /// Returns the name in the tables.
    pub fn title(self) -> String {
        let Self(name, _, _, connections, _) = self;
        format!("{name}, {connections} at once")
    }
}

const ALLOWED: &str = "https://vtaiwan.tw";
pub const TOKEN: Load = Load("token", "GET", ALLOWED, SOME, "200");
/// Everything except the signature: HEAD does not sign.
pub const UNSIGNED: Load = Load("token, HEAD", "HEAD", ALLOWED, SOME, "200");
/// The kinds of requests that only the servers with the first key get.
const WITH_ONE_KEY: [Load; 4] = [
    Load("token", "GET", ALLOWED, 1, "200"),
    Load("token", "GET", ALLOWED, 64, "200"),
    Load("preflight", "OPTIONS", ALLOWED, SOME, "204"),
    Load("403", "GET", "https://evil.example", SOME, "403"),
];

/// The results of one round of requests: CPU time of the server per response in ms, responses per second, and the 50th and
/// 99th percentile of the latency in ms. Values that cannot be measured are `NaN`.
type Round = [f64; 4];

/// A server and its measurements.
pub struct Measured {
    pub server: Server,
    /// The time from the start of the process to the first token, in ms: the median of several starts with the first key.
    pub first_token_ms: f64,
    /// Resident memory after the first token, in MiB.
    pub at_start: f64,
    rounds: Vec<(Load, Vec<Round>)>,
}

impl Measured {
    fn start(project: &Project, kind: &Kind, bits: u16, key: &str) -> Result<Self> {
        let start = || Server::start(project, kind, bits, key);
        // A host may compile the component on the first start, so that one is not counted.
        let mut server = start()?;
        let (mut loads, mut first_tokens) = (vec![TOKEN, UNSIGNED], Vec::new());
        if bits == BITS[0] {
            loads.extend(WITH_ONE_KEY);
            report::step(&format!("Starting {} …", server.name));
            for _ in 0..STARTS {
                drop(server);
                server = start()?;
                first_tokens.push(server.first_token.as_secs_f64() * 1e3);
            }
        }
        Ok(Self {
            first_token_ms: quantile(first_tokens, 0.5),
            at_start: server.usage().map_or(f64::NAN, |usage| usage.resident),
            server,
            rounds: loads.into_iter().map(|load| (load, Vec::new())).collect(),
        })
    }

    fn measure(&mut self, hey: &Path) -> Result<()> {
        let Server {
            name,
            bits,
            address,
            ..
        } = &self.server;
        for (load, rounds) in &mut self.rounds {
            check_stop()?;
            let before = settled(&self.server);
            let times = send(hey, *address, *load)
                .with_context(|| format!("{name}, {bits} bits, {}", load.title()))?;
            let used = settled(&self.server) - before;
            let count = times.len() as f64;
            let [half, nearly_all] = [0.5, 0.99].map(|part| quantile(times.clone(), part));
            rounds.push([used / count, count / f64::from(SECONDS), half, nearly_all]);
        }
        Ok(())
    }

    /// Returns every kind of request with the medians of its rounds.
    ///
    /// Medians instead of means, so that a round disturbed by another program does not affect the result.
    pub fn loads(&self) -> impl Iterator<Item = (Load, Round)> {
        let median = |rounds: &[Round], place: usize| {
            quantile(rounds.iter().map(|round| round[place]).collect(), 0.5)
        };
        let rounds = self.rounds.iter();
        rounds.map(move |(load, rounds)| (*load, array::from_fn(|place| median(rounds, place))))
    }

    /// Returns the server's CPU time per request of this kind, in ms.
    pub fn cpu_ms(&self, load: Load) -> f64 {
        let found = self.loads().find(|(it, _)| *it == load);
        found.map_or(f64::NAN, |(_, [cpu_ms, ..])| cpu_ms)
    }
}

/// Starts the servers and measures requests of every kind. In the result, the servers of one kind are adjacent.
///
/// # Errors
/// Fails if a server does not start or fails later, or if the user interrupts the command.
pub fn measure(project: &Project, kinds: &[Kind]) -> Result<Vec<Measured>> {
    let hey = programs::require(HEY)?;
    report::step("Making throw-away keys …");
    let keys: Vec<_> = BITS
        .into_iter()
        .map(throw_away_key)
        .collect::<Result<_>>()?;
    let mut servers = Vec::new();
    for kind in kinds {
        for (bits, key) in BITS.into_iter().zip(&keys) {
            servers.push(Measured::start(project, kind, bits, key)?);
        }
    }
    for round in 1..=ROUNDS {
        for measured in &mut servers {
            let Server { name, bits, .. } = &measured.server;
            report::step(&format!("Round {round} of {ROUNDS}: {name}, {bits} bits …"));
            measured.measure(&hey)?;
        }
    }
    Ok(servers)
}

/// Waits until the server is idle, and returns the CPU time that it has used, in ms.
fn settled(server: &Server) -> f64 {
    let used = || server.usage().map_or(f64::NAN, |usage| usage.processor_ms);
    let mut now = used();
    for _ in 0..100 {
        thread::sleep(Duration::from_millis(50));
        if mem::replace(&mut now, used()).total_cmp(&now).is_eq() {
            break;
        }
    }
    now
}

/// Sends requests for some seconds, and returns the latencies of all of them, in ms.
fn send(hey: &Path, address: SocketAddr, load: Load) -> Result<Vec<f64>> {
    let Load(_, method, origin, connections, status) = load;
    let mut command = Command::new(hey);
    command
        .args(["-c", &connections.to_string(), "-m", method])
        .args(["-z", &format!("{SECONDS}s"), "-o", "csv"])
        .args(["-H", &format!("Origin: {origin}")])
        .args(["-H", "Access-Control-Request-Method: GET"])
        .arg(format!("http://{address}/api/jitsi-token?room=bench"));
    let text = stdout_of(&mut command).context("hey fails")?;
    times(&text, status)
}

/// Parses the latencies from hey's CSV (the first column). Fails if a response's status (the seventh) is not `status`.
fn times(csv: &str, status: &str) -> Result<Vec<f64>> {
    let mut times = Vec::new();
    for line in csv.lines().skip(1) {
        let cells: Vec<&str> = line.split(',').collect();
        ensure!(
            cells.get(6) == Some(&status),
            "a response has not the status {status}: {line}"
        );
        times.push(cells[0].parse::<f64>()? * 1e3);
    }
    ensure!(!times.is_empty(), "there is no response");
    Ok(times)
}

/// Returns the `q`-quantile of the values (0 ≤ `q` ≤ 1).
fn quantile(mut values: Vec<f64>, q: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let place = (q * values.len().saturating_sub(1) as f64).round() as usize;
    values.get(place).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disturbed_measurement_does_not_move_the_median() {
        assert_eq!(quantile(vec![4.0, 1.0, 900.0], 0.5), 4.0);
        assert_eq!(quantile((0..=100).map(f64::from).collect(), 0.99), 99.0);
        assert!(quantile(Vec::new(), 0.5).is_nan());
    }

    #[test]
    fn a_response_of_another_status_is_no_measurement() {
        let csv = "response-time,DNS+dialup,DNS,Request-write,Response-delay,Response-read,status-code,offset\n\
            0.0012,0.0002,0.0000,0.0000,0.0009,0.0000,200,0.0012\n";
        assert_eq!(times(csv, "200").unwrap(), [1.2]);
        assert!(times(csv, "204").is_err());
        assert!(times(csv.lines().next().unwrap(), "200").is_err());
    }
}
