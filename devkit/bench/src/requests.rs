//! Requests: what they take of the server's processor, how many get a response, and how quickly.
//!
//! All servers run at the same time and are loaded in turns by `hey`, over kept-alive connections. What a request takes of
//! the processor is the server's own account (user and kernel), which other programs on the machine disturb little. Rates
//! and latencies are of a client that shares the processor with the server.

use std::array;
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
use crate::setting::{BITS, Setting};

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

/// What is requested: its name, the method, the page's origin, the connections, and the status of the response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Load(
    &'static str,
    &'static str,
    &'static str,
    usize,
    &'static str,
);

const ALLOWED: &str = "https://vtaiwan.tw";
const TOKEN: Load = Load("token", "GET", ALLOWED, SOME, "200");
/// Everything but the signature.
const UNSIGNED: Load = Load("token, HEAD", "HEAD", ALLOWED, SOME, "200");
/// What is sent to the servers with the first key alone.
const WITH_ONE_KEY: [Load; 4] = [
    Load("token", "GET", ALLOWED, 1, "200"),
    Load("token", "GET", ALLOWED, 64, "200"),
    Load("preflight", "OPTIONS", ALLOWED, SOME, "204"),
    Load("403", "GET", "https://evil.example", SOME, "403"),
];

/// What a round measures of a kind of request: the server's processor's time for each response in milliseconds, responses
/// per second, and 50 and 99 % of the latencies in milliseconds. What cannot be measured is no number (`NaN`).
type Round = [f64; 4];

/// A server with what was measured of it.
struct Measured {
    kind: Kind,
    bits: u16,
    server: Server,
    /// From the start of the process to the first token, of some starts.
    first_token_ms: Vec<f64>,
    at_start: Usage,
    loads: Vec<(Load, Vec<Round>)>,
}

impl Measured {
    fn start(setting: &Setting, kind: Kind, bits: u16) -> Result<Self> {
        let (mut loads, mut first_token_ms) = (vec![TOKEN, UNSIGNED], Vec::new());
        if bits == BITS[0] {
            loads.extend(WITH_ONE_KEY);
            report::step(&format!("Starting {} …", kind.name));
            // The first time a host may have to compile the component.
            drop(Server::start(setting, &kind, bits)?);
            for _ in 0..STARTS {
                let server = Server::start(setting, &kind, bits)?;
                first_token_ms.push(server.first_token.as_secs_f64() * 1e3);
            }
        }
        let server = Server::start(setting, &kind, bits)?;
        Ok(Self {
            kind,
            bits,
            first_token_ms,
            at_start: server.usage(),
            server,
            loads: loads.into_iter().map(|load| (load, Vec::new())).collect(),
        })
    }

    fn measure(&mut self, hey: &Path) -> Result<()> {
        for (load, rounds) in &mut self.loads {
            check_stop()?;
            let before = settled(&self.server).processor_ms;
            let times = send(hey, self.server.address, *load)
                .with_context(|| format!("{}, {} bits, {}", self.kind.name, self.bits, load.0))?;
            let used = settled(&self.server).processor_ms - before;
            let count = times.len() as f64;
            let latencies = [0.5, 0.99].map(|part| quantile(times.clone(), part));
            let per_second = count / f64::from(SECONDS);
            rounds.push([used / count, per_second, latencies[0], latencies[1]]);
        }
        Ok(())
    }

    /// The server's processor's time for a request of a kind that is sent with each key.
    fn cpu_ms(&self, load: Load) -> f64 {
        let of = self.loads.iter().find(|(it, _)| *it == load);
        of.map_or(f64::NAN, |(_, rounds)| medians(rounds)[0])
    }

    fn signature_ms(&self) -> f64 {
        self.cpu_ms(TOKEN) - self.cpu_ms(UNSIGNED)
    }
}

/// Medians, and not means: a round that another program disturbed must not move the result.
fn medians(rounds: &[Round]) -> Round {
    array::from_fn(|place| quantile(rounds.iter().map(|round| round[place]).collect(), 0.5))
}

/// Starts the servers, sends requests of every kind, and ends them: the tables, and the lines of the picture.
///
/// # Errors
/// A server does not start, or fails under way, or the user ends the command.
pub fn measure(setting: &Setting, kinds: Vec<Kind>, host: Host) -> Result<(Vec<Table>, Vec<Line>)> {
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
    // The servers of a kind are beside each other.
    let lines = servers.chunks(BITS.len()).map(|those| {
        let points = those.iter().map(|it| (it.bits.into(), it.cpu_ms(TOKEN)));
        let points = points.filter(|(_, value)| value.is_finite()).collect();
        (those[0].kind.name.clone(), points)
    });
    let lines = lines.collect();
    Ok((tables(&servers, host.name()), lines))
}

/// The results, in three tables.
fn tables(servers: &[Measured], host: &str) -> Vec<Table> {
    let tokens = servers.iter().map(|server| {
        let of = |name, value: fn(&Measured) -> f64| {
            let is_it = |it: &&Measured| it.kind.name == name && it.bits == server.bits;
            servers.iter().find(is_it).map_or(f64::NAN, value)
        };
        let token = server.cpu_ms(TOKEN);
        let signature = server.signature_ms();
        let values = vec![
            token,
            server.cpu_ms(UNSIGNED),
            signature,
            signature / of("plain", Measured::signature_ms),
            token / of("node-jose", |it| it.cpu_ms(TOKEN)),
        ];
        (
            format!("{}, {} bits", server.kind.name, server.bits),
            values,
        )
    });
    let requests = servers.iter().flat_map(|server| {
        server.loads.iter().map(|(load, rounds)| {
            let Load(kind, _, _, connections, _) = load;
            let (name, bits) = (&server.kind.name, server.bits);
            let title = format!("{name}, {bits} bits, {kind}, {connections} at once");
            (title, medians(rounds).to_vec())
        })
    });
    let with_one_key = servers.iter().filter(|it| it.bits == BITS[0]);
    let starts = with_one_key.map(|it| {
        let values = vec![
            it.kind.size,
            quantile(it.first_token_ms.clone(), 0.5),
            it.at_start.resident,
            it.server.usage().peak,
        ];
        (it.kind.name.clone(), values)
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
fn settled(server: &Server) -> Usage {
    let mut usage = server.usage();
    for _ in 0..100 {
        thread::sleep(Duration::from_millis(50));
        let now = server.usage();
        let is_idle = now.processor_ms.total_cmp(&usage.processor_ms).is_eq();
        usage = now;
        if is_idle {
            break;
        }
    }
    usage
}

/// Sends requests for some seconds; the times of all of them, in milliseconds.
fn send(hey: &Path, address: SocketAddr, load: Load) -> Result<Vec<f64>> {
    let Load(_, method, origin, connections, status) = load;
    let mut command = Command::new(hey);
    command
        .args(["-c", &connections.to_string(), "-m", method])
        .args(["-z", &format!("{SECONDS}s"), "-o", "csv"])
        .args(["-H", &format!("Origin: {origin}")])
        .args(["-H", "Access-Control-Request-Method: GET"])
        .arg(format!("http://{address}/api/jitsi-token?room=bench"));
    let text = printed_by(&mut command).context("hey fails")?;
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

/// The value below which the part `q` (0 to 1) of some measurements lies.
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
