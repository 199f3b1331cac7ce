//! Whole requests: what they take of the server's processor, how many get a response, and how quickly.
//!
//! All servers run at the same time and are loaded in turns by `wrk`, over kept-alive connections. What a request takes of
//! the processor is the server's own account (user and kernel), which other programs on the machine disturb little. Rates
//! and latencies are of a client that shares the processor with the server.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use devkit::os::process::{Interrupted, check_stop, printed_by};
use devkit::os::programs::{self, Program};
use devkit::os::project::shown;
use devkit::os::report;
use devkit::serve::host::Host;

use crate::page::{Table, mebibytes, number};
use crate::server::{self, Launch, Server, Usage};
use crate::statistics::{Spread, median, quantile};
use crate::{BITS, ENGINES, Setting};

/// Sends requests.
const WRK: Program = Program {
    name: "wrk",
    package: "wrk",
};

/// What wrk is told: the request, and to print what came of it.
const SCRIPT: &str = r#"
done = function(summary, latency)
    print(string.format("results %d %d %f %f %f", summary.requests, summary.errors.status,
        summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3))
end
"#;

/// How often all servers are loaded in turns.
const ROUNDS: u32 = 3;

/// How often each server is started.
const STARTS: usize = 5;

/// Connections at once: one caller, a few, a crowd.
const CONNECTIONS: [usize; 3] = [1, 8, 64];

/// The connections of what is measured with one number of them only: enough to keep every core busy.
const SOME: usize = CONNECTIONS[1];

/// A kind of request: its name, method and origin.
type Kind = (&'static str, &'static str, &'static str);

const ALLOWED: &str = "https://vtaiwan.tw";
const TOKEN: Kind = ("token", "GET", ALLOWED);
/// Everything but the signature.
const UNSIGNED: Kind = ("token, HEAD", "HEAD", ALLOWED);
const PREFLIGHT: Kind = ("preflight", "OPTIONS", ALLOWED);
const REJECTED: Kind = ("403", "GET", "https://evil.example");

const TARGET: &str = "/api/jitsi-token?room=bench";

/// What requests are sent to, and by what.
pub struct Tools {
    wrk: PathBuf,
    kinds: Vec<server::Kind>,
    remarks: Vec<String>,
}

impl Tools {
    /// Installs and builds everything.
    ///
    /// # Errors
    /// Something cannot be installed or built.
    pub fn provide(setting: &Setting, host: Host, with_peer: bool) -> Result<Self> {
        let wrk = programs::require(WRK)?;
        let program = host.program(&setting.project)?;
        let mut kinds = Vec::new();
        let mut remarks = Vec::new();
        for (build, component) in &setting.builds {
            if host == Host::Spin && *build == "wide" {
                remarks.push("no released Spin takes the wide build".to_owned());
                continue;
            }
            let manifest = match host {
                Host::Spin => server::manifest(setting, build, component)?,
                Host::Auto | Host::Embedded => setting.project.manifest(),
            };
            for (ending, engine) in ENGINES {
                kinds.push(server::Kind {
                    name: format!("{build}{ending}"),
                    engine,
                    launch: Launch::Component {
                        host,
                        program: program.clone(),
                        manifest: manifest.clone(),
                        component: component.clone(),
                    },
                });
            }
        }
        if with_peer {
            kinds.push(server::Kind {
                name: "node-jose".to_owned(),
                engine: "",
                launch: server::peer(setting)?,
            });
        }
        Ok(Self {
            wrk,
            kinds,
            remarks,
        })
    }
}

/// The results.
#[derive(Default)]
pub struct Requests {
    pub tables: Vec<Table>,
    /// For the picture: each server's name, and what a token takes over the length of the key.
    pub lines: Vec<(String, Vec<(i32, f64)>)>,
    /// The servers that are missing, and why.
    pub remarks: Vec<String>,
}

/// Everything that is measured with a key. Only the token depends on its length.
fn cells(bits: u16) -> Vec<(Kind, usize)> {
    let mut cells = Vec::new();
    if bits == BITS[0] {
        for kind in [TOKEN, PREFLIGHT, REJECTED] {
            cells.extend(CONNECTIONS.map(|connections| (kind, connections)));
        }
    } else {
        cells.push((TOKEN, SOME));
    }
    cells.push((UNSIGNED, SOME));
    cells
}

/// A server with everything that was measured of it.
struct Measured {
    server: Server,
    name: String,
    bits: u16,
    at_start: Option<Usage>,
    /// From the start of the process to the first token, in milliseconds; of some starts.
    starts: Vec<f64>,
    cells: Vec<(Kind, usize, Vec<Round>)>,
}

/// One round of one cell.
#[derive(Clone, Copy)]
struct Round {
    processor_ms: Option<f64>,
    per_second: f64,
    p50_ms: f64,
    p99_ms: f64,
}

/// Starts the servers, sends requests of every kind for some seconds each, and ends them.
///
/// # Errors
/// A server fails under way, or the user ends the command. A server that does not start is told in the results.
pub fn measure(setting: &Setting, tools: &Tools, host: Host, seconds: u32) -> Result<Requests> {
    let mut remarks = tools.remarks.clone();
    let mut servers = Vec::new();
    for kind in &tools.kinds {
        report::step(&format!("Starting {} …", kind.name));
        match start_all(setting, kind) {
            Ok(measured) => servers.extend(measured),
            Err(error) if error.is::<Interrupted>() => return Err(error),
            Err(error) => remarks.push(format!("{error:#}")),
        }
    }
    let script = setting.folder().join("wrk.lua");
    // wrk counts whole seconds.
    let duration = Duration::from_secs(u64::from(seconds.div_ceil(ROUNDS)));
    for round in 1..=ROUNDS {
        for measured in &mut servers {
            let (name, bits) = (&measured.name, measured.bits);
            report::step(&format!(
                "Requests: round {round} of {ROUNDS}, {name} with {bits} bits …"
            ));
            for (kind, connections, rounds) in &mut measured.cells {
                check_stop()?;
                let (server, connections) = (&measured.server, *connections);
                let round = load(&tools.wrk, &script, server, *kind, connections, duration);
                rounds.push(round.with_context(|| format!("{name}, {bits} bits, {}", kind.0))?);
            }
        }
    }
    let mut tables = vec![token_table(&servers, host)];
    tables.push(request_table(&servers, host, seconds));
    tables.push(server_table(&servers, host));
    let lines = servers.iter().filter(|it| it.bits == BITS[0]).map(|first| {
        let points = BITS.iter().filter_map(|&bits| {
            let value = processor(&servers, &first.name, bits, TOKEN)?;
            Some((i32::from(bits), value))
        });
        (first.name.clone(), points.collect())
    });
    Ok(Requests {
        tables,
        lines: lines.collect(),
        remarks,
    })
}

/// Starts a server some times to see how long that takes, then once for each key.
fn start_all(setting: &Setting, kind: &server::Kind) -> Result<Vec<Measured>> {
    // The first one may have to compile the component.
    drop(Server::start(setting, kind, BITS[0])?);
    let mut starts = Vec::new();
    for _ in 0..STARTS {
        let server = Server::start(setting, kind, BITS[0])?;
        starts.push(server.first_token.as_secs_f64() * 1e3);
    }
    let one = |bits| {
        let server = Server::start(setting, kind, bits)?;
        let cells = cells(bits).into_iter();
        Ok(Measured {
            at_start: server.usage(),
            server,
            name: kind.name.clone(),
            bits,
            starts: starts.clone(),
            cells: cells
                .map(|(kind, connections)| (kind, connections, Vec::new()))
                .collect(),
        })
    };
    BITS.into_iter().map(one).collect()
}

/// What a request by some connections takes of a server's processor with a key, in milliseconds.
fn processor(servers: &[Measured], name: &str, bits: u16, kind: Kind) -> Option<f64> {
    let server = servers
        .iter()
        .find(|it| it.name == name && it.bits == bits)?;
    let is_it = |(of, connections, _): &&(Kind, usize, _)| *of == kind && *connections == SOME;
    let (_, _, rounds) = server.cells.iter().find(is_it)?;
    median(rounds.iter().filter_map(|round| round.processor_ms))
}

fn token_table(servers: &[Measured], host: Host) -> Table {
    let mut head = vec!["CPU ms per token".to_owned()];
    head.extend(BITS.map(|bits| format!("{bits} bits")));
    head.extend(BITS.map(|bits| format!("unsigned, {bits}")));
    let head: Vec<&str> = head.iter().map(String::as_str).collect();
    let heading = format!("Tokens: CPU time of the server, {}", host.name());
    let mut table = Table::new(heading, &head);
    for server in servers.iter().filter(|it| it.bits == BITS[0]) {
        let mut cells = vec![server.name.clone()];
        for kind in [TOKEN, UNSIGNED] {
            cells.extend(BITS.map(|bits| number(processor(servers, &server.name, bits, kind))));
        }
        table.rows.push(cells);
    }
    table
}

fn request_table(servers: &[Measured], host: Host, seconds: u32) -> Table {
    let host = host.name();
    let mut table = Table::new(
        format!(
            "Requests: {host}, {seconds} s each; CPU is the server's, the client runs on the same machine"
        ),
        &[
            "server, key, request",
            "connections",
            "CPU ms",
            "per second",
            "p50 ms",
            "p99 ms",
        ],
    );
    for server in servers {
        for (kind, connections, rounds) in &server.cells {
            let of = |value: fn(&Round) -> f64| number(median(rounds.iter().map(value)));
            let processor = median(rounds.iter().filter_map(|round| round.processor_ms));
            table.rows.push(vec![
                format!("{}, {} bits, {}", server.name, server.bits, kind.0),
                connections.to_string(),
                number(processor),
                of(|round| round.per_second),
                of(|round| round.p50_ms),
                of(|round| round.p99_ms),
            ]);
        }
    }
    table
}

fn server_table(servers: &[Measured], host: Host) -> Table {
    let mut table = Table::new(
        format!("Start and memory: {}, {} bits", host.name(), BITS[0]),
        &[
            "server",
            "first token ms",
            "middle half",
            "memory at start MiB",
            "highest MiB",
        ],
    );
    for server in servers.iter().filter(|it| it.bits == BITS[0]) {
        let Some(starts) = Spread::of(&server.starts) else {
            continue;
        };
        table.rows.push(vec![
            server.name.clone(),
            number(starts.median),
            format!("{}–{}", number(starts.lower), number(starts.upper)),
            mebibytes(server.at_start.map(|usage| usage.resident)),
            mebibytes(server.server.usage().map(|usage| usage.peak)),
        ]);
    }
    table
}

/// Sends requests of one kind, and takes the server's account of the processor before and after.
fn load(
    wrk: &Path,
    script: &Path,
    server: &Server,
    kind: Kind,
    connections: usize,
    duration: Duration,
) -> Result<Round> {
    let before = settled(server);
    let (count, mut round) = if kind == UNSIGNED {
        by_head(server.address, connections, duration)?
    } else {
        by_wrk(wrk, script, server.address, kind, connections, duration)?
    };
    let after = settled(server);
    round.processor_ms = before
        .zip(after)
        .map(|(before, after)| (after.processor_ms - before.processor_ms) / count);
    Ok(round)
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

fn by_wrk(
    wrk: &Path,
    script: &Path,
    address: SocketAddr,
    (name, method, origin): Kind,
    connections: usize,
    duration: Duration,
) -> Result<(f64, Round)> {
    let text = format!("wrk.method = \"{method}\"\n{SCRIPT}");
    fs::write(script, text).with_context(|| format!("{} cannot be written", shown(script)))?;
    let mut command = Command::new(wrk);
    command
        .args(["-t", if connections == 1 { "1" } else { "2" }])
        .args(["-c", &connections.to_string()])
        .args(["-d", &format!("{}s", duration.as_secs())])
        .args(["-H", &format!("Origin: {origin}")])
        .args(["-H", "Access-Control-Request-Method: GET", "-s"])
        .arg(script)
        .arg(format!("http://{address}{TARGET}"));
    let text = printed_by(&mut command).context("wrk fails")?;
    let results = text.lines().find_map(|line| line.strip_prefix("results "));
    let results: Vec<f64> = results
        .unwrap_or_default()
        .split(' ')
        .filter_map(|number| number.parse().ok())
        .collect();
    let [count, rejected, seconds, p50_ms, p99_ms] = results[..] else {
        bail!("wrk prints no results");
    };
    let expected = if name == REJECTED.0 { count } else { 0.0 };
    ensure!(
        count > 0.0 && rejected == expected,
        "{rejected} of {count} responses have a status of 400 or more, not {expected}"
    );
    let round = Round {
        processor_ms: None,
        per_second: count / seconds,
        p50_ms,
        p99_ms,
    };
    // At the end each connection waits for a response that wrk does not count, and the server computes all the same.
    Ok((count + connections as f64, round))
}

/// wrk cannot send `HEAD`: it waits for the body whose length the response states.
fn by_head(address: SocketAddr, connections: usize, duration: Duration) -> Result<(f64, Round)> {
    let request = format!("HEAD {TARGET} HTTP/1.1\r\nHost: x\r\nOrigin: {ALLOWED}\r\n\r\n");
    let connection = || -> Result<Vec<f64>> {
        let mut stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(duration * 10))?;
        let (start, mut latencies) = (Instant::now(), Vec::new());
        while start.elapsed() < duration {
            let sent = Instant::now();
            stream.write_all(request.as_bytes())?;
            let (mut head, mut length) = ([0; 4096], 0);
            while !head[..length].ends_with(b"\r\n\r\n") {
                let read = stream.read(&mut head[length..])?;
                ensure!(read > 0, "the server closes the connection");
                length += read;
            }
            ensure!(head.starts_with(b"HTTP/1.1 200 "), "not 200");
            latencies.push(sent.elapsed().as_secs_f64() * 1e3);
        }
        Ok(latencies)
    };
    let mut latencies = Vec::new();
    thread::scope(|scope| {
        let threads: Vec<_> = (0..connections).map(|_| scope.spawn(connection)).collect();
        for thread in threads {
            latencies.extend(thread.join().expect("it does not panic")?);
        }
        anyhow::Ok(())
    })?;
    latencies.sort_by(f64::total_cmp);
    let count = latencies.len() as f64;
    let round = Round {
        processor_ms: None,
        per_second: count / duration.as_secs_f64(),
        p50_ms: quantile(&latencies, 0.5).context("no response")?,
        p99_ms: quantile(&latencies, 0.99).context("no response")?,
    };
    Ok((count, round))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_measured_with_tokens_and_without_their_signature() {
        for bits in BITS {
            assert!(cells(bits).contains(&(TOKEN, SOME)));
            assert!(cells(bits).contains(&(UNSIGNED, SOME)));
        }
        assert_eq!(cells(BITS[0]).len(), 10);
    }
}
