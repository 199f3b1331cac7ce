//! Requests: what they take of the server's processor, how many get a response, and how quickly.
//!
//! All servers run at the same time and are loaded in turns by `hey`, over kept-alive connections. What a request takes of
//! the processor is the server's own account (user and kernel), which other programs on the machine disturb little. Rates
//! and latencies are of a client that shares the processor with the server.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use devkit::os::process::{check_stop, printed_by};
use devkit::os::programs::{self, Program};
use devkit::os::report;
use devkit::serve::host::Host;

use crate::page::{Line, Table};
use crate::server::{Kind, Server, Usage};
use crate::{BITS, Setting};

/// Sends requests.
const HEY: Program = Program {
    name: "hey",
    package: "hey",
};

/// How often all servers are loaded in turns, and how long each time.
const ROUNDS: usize = 3;
const SECONDS: u32 = 1;

/// How often each server is started, to see how long that takes.
const STARTS: usize = 5;

/// Enough connections at once to keep every core busy.
const SOME: usize = 8;

/// What is requested: its name, the method, the page's origin, and the connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Load(&'static str, &'static str, &'static str, usize);

const ALLOWED: &str = "https://vtaiwan.tw";
const TOKEN: Load = Load("token", "GET", ALLOWED, SOME);
/// Everything but the signature.
const UNSIGNED: Load = Load("token, HEAD", "HEAD", ALLOWED, SOME);

/// What is sent to a server with each key: only the token depends on its length.
fn loads(bits: u16) -> Vec<Load> {
    let mut loads = vec![TOKEN, UNSIGNED];
    if bits == BITS[0] {
        loads.extend([1, 64].map(|connections| Load(TOKEN.0, TOKEN.1, TOKEN.2, connections)));
        loads.push(Load("preflight", "OPTIONS", ALLOWED, SOME));
        loads.push(Load("403", "GET", "https://evil.example", SOME));
    }
    loads
}

/// The results.
pub struct Results {
    pub tables: Vec<Table>,
    pub lines: Vec<Line>,
}

/// A server with what was measured of it.
struct Measured {
    kind: Kind,
    bits: u16,
    server: Server,
    /// From the start of the process to the first token, in milliseconds; of some starts.
    first_token: Option<f64>,
    at_start: Option<Usage>,
    loads: Vec<(Load, [Vec<f64>; 4])>,
}

const MEBIBYTE: f64 = 1_048_576.0;

/// The places in the arrays of measurements.
const CPU: usize = 0;
const RATE: usize = 1;
const P50: usize = 2;
const P99: usize = 3;

impl Measured {
    fn start(setting: &Setting, kind: Kind, bits: u16) -> Result<Self> {
        let mut starts = Vec::new();
        if bits == BITS[0] {
            report::step(&format!("Starting {} …", kind.name));
            // The first time a host may have to compile the component.
            drop(Server::start(setting, &kind, bits)?);
            for _ in 0..STARTS {
                let server = Server::start(setting, &kind, bits)?;
                starts.push(server.first_token.as_secs_f64() * 1e3);
            }
        }
        let server = Server::start(setting, &kind, bits)?;
        let loads = loads(bits).into_iter();
        Ok(Self {
            kind,
            bits,
            first_token: quantile(starts, 0.5),
            at_start: server.usage(),
            server,
            loads: loads.map(|load| (load, Default::default())).collect(),
        })
    }

    fn measure(&mut self, hey: &Path) -> Result<()> {
        for (load, values) in &mut self.loads {
            check_stop()?;
            let before = settled(&self.server);
            let times = send(hey, self.server.address, *load)
                .with_context(|| format!("{}, {} bits, {}", self.kind.name, self.bits, load.0))?;
            let count = times.len() as f64;
            if let Some((before, after)) = before.zip(settled(&self.server)) {
                values[CPU].push((after.processor_ms - before.processor_ms) / count);
            }
            values[RATE].push(count / f64::from(SECONDS));
            values[P50].extend(quantile(times.clone(), 0.5));
            values[P99].extend(quantile(times, 0.99));
        }
        Ok(())
    }

    /// The median of the rounds.
    fn median(&self, load: Load, place: usize) -> Option<f64> {
        let (_, values) = self.loads.iter().find(|(it, _)| *it == load)?;
        quantile(values[place].clone(), 0.5)
    }

    fn signature(&self) -> Option<f64> {
        Some(self.median(TOKEN, CPU)? - self.median(UNSIGNED, CPU)?)
    }
}

/// Starts the servers, sends requests of every kind, and ends them.
///
/// # Errors
/// A server does not start, or fails under way, or the user ends the command.
pub fn measure(setting: &Setting, kinds: Vec<Kind>, host: Host) -> Result<Results> {
    let hey = programs::require(HEY)?;
    let mut servers = Vec::new();
    for kind in kinds {
        for bits in BITS {
            servers.push(Measured::start(setting, kind.clone(), bits)?);
        }
    }
    for round in 1..=ROUNDS {
        for server in &mut servers {
            let (name, bits) = (&server.kind.name, server.bits);
            report::step(&format!("Round {round} of {ROUNDS}: {name}, {bits} bits …"));
            server.measure(&hey)?;
        }
    }
    let points = |name: &str| {
        let those = servers.iter().filter(|it| it.kind.name == name);
        those
            .filter_map(|it| Some((i32::from(it.bits), it.median(TOKEN, CPU)?)))
            .collect()
    };
    let lines = servers.iter().filter(|it| it.bits == BITS[0]);
    Ok(Results {
        tables: tables(&servers, host.name()),
        lines: lines
            .map(|it| (it.kind.name.clone(), points(&it.kind.name)))
            .collect(),
    })
}

/// What is told of the servers, in three tables.
fn tables(servers: &[Measured], host: &str) -> Vec<Table> {
    let ratio = |value: Option<f64>, to: Option<f64>| Some(value? / to?);
    let tokens = servers.iter().map(|server| {
        let other = |name| {
            let is_it = |it: &&Measured| it.kind.name == name && it.bits == server.bits;
            servers.iter().find(is_it)
        };
        let plain = other("plain").and_then(Measured::signature);
        let peer = other("node-jose").and_then(|it| it.median(TOKEN, CPU));
        let token = server.median(TOKEN, CPU);
        let unsigned = server.median(UNSIGNED, CPU);
        let signature = server.signature();
        let ratios = [ratio(signature, plain), ratio(token, peer)];
        let values = [&[token, unsigned, signature], &ratios[..]].concat();
        (
            format!("{}, {} bits", server.kind.name, server.bits),
            values,
        )
    });
    let requests = servers.iter().flat_map(|server| {
        server.loads.iter().map(|&(load, _)| {
            let Load(kind, .., connections) = load;
            let (name, bits) = (&server.kind.name, server.bits);
            let title = format!("{name}, {bits} bits, {kind}, {connections} at once");
            let values = [CPU, RATE, P50, P99].map(|place| server.median(load, place));
            (title, values.to_vec())
        })
    });
    let starts = servers
        .iter()
        .filter(|it| it.bits == BITS[0])
        .map(|server| {
            let of = |bytes: Option<u64>, unit: f64| bytes.map(|bytes| bytes as f64 / unit);
            let peak = server.server.usage().map(|usage| usage.peak);
            let values = vec![
                of(server.kind.size, 1024.0),
                server.first_token,
                of(server.at_start.map(|usage| usage.resident), MEBIBYTE),
                of(peak, MEBIBYTE),
            ];
            (server.kind.name.clone(), values)
        });
    vec![
        Table {
            heading: format!("Tokens: CPU time of the server, {host}"),
            head: "server, key|token ms|unsigned ms|signature ms|signature, of plain|token, of node-jose",
            rows: tokens.collect(),
        },
        Table {
            heading: format!("Requests over kept-alive connections: {host}"),
            head: "server, key, request|CPU ms|per second|p50 ms|p99 ms",
            rows: requests.collect(),
        },
        Table {
            heading: format!("Size, start and memory: {host}, {} bits", BITS[0]),
            head: "server|component KiB|first token ms|memory at start MiB|highest MiB",
            rows: starts.collect(),
        },
    ]
}

/// What a server has used once it is idle.
fn settled(server: &Server) -> Option<Usage> {
    let mut usage = server.usage()?;
    for _ in 0..100 {
        thread::sleep(Duration::from_millis(50));
        let now = server.usage()?;
        if now.processor_ms == usage.processor_ms {
            break;
        }
        usage = now;
    }
    Some(usage)
}

/// Sends requests for some seconds; the times of all of them, in milliseconds.
fn send(
    hey: &Path,
    address: SocketAddr,
    Load(name, method, origin, connections): Load,
) -> Result<Vec<f64>> {
    let mut command = Command::new(hey);
    command
        .args(["-c", &connections.to_string(), "-m", method])
        .args(["-z", &format!("{SECONDS}s"), "-o", "csv"])
        .args(["-H", &format!("Origin: {origin}")])
        .args(["-H", "Access-Control-Request-Method: GET"])
        .arg(format!("http://{address}/api/jitsi-token?room=bench"));
    let text = printed_by(&mut command).context("hey fails")?;
    let status = match name {
        "403" => "403",
        "preflight" => "204",
        _ => "200",
    };
    times(&text, status)
}

/// The first column of hey's CSV, where the seventh is this status throughout.
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

/// The value below which the part `q` (0 to 1) of some measurements lies. The median is taken of the rounds, not the mean: one
/// that another program disturbed must not move the result.
fn quantile(mut values: Vec<f64>, q: f64) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let last = values.len().checked_sub(1)?;
    Some(values[(q * last as f64).round() as usize])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_measured_with_tokens_and_without_their_signature() {
        for bits in BITS {
            assert!(loads(bits).contains(&TOKEN) && loads(bits).contains(&UNSIGNED));
        }
    }

    #[test]
    fn a_disturbed_measurement_does_not_move_the_median() {
        assert_eq!(quantile(vec![4.0, 1.0, 900.0], 0.5), Some(4.0));
        assert_eq!(
            quantile((0..=100).map(f64::from).collect(), 0.99),
            Some(99.0)
        );
        assert_eq!(quantile(Vec::new(), 0.5), None);
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
