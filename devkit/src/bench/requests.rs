//! Whole requests: what they take of the server's processor, how many are answered, and how quickly.
//!
//! All servers run at the same time and are asked in turns, one after the other. What a request takes of the processor
//! is the server's own account (user and kernel), which other programs on the machine disturb little. Rates and
//! latencies are of a client that shares the processor with the server.

use std::time::Duration;

use anyhow::Result;
use serde::Serialize;

use crate::process::{Interrupted, Stop};
use crate::project::Project;
use crate::report;

use super::keys::{BITS, DEFAULT_BITS, Keys};
use super::load::{self, Kind};
use super::server::{self, Server};
use super::signature::Signatures;
use super::statistics::{Spread, milliseconds, quantile};
use super::table::{Table, number, number_or_dash};
use super::usage::Usage;

/// How often all servers are asked in turns.
const ROUNDS: u32 = 3;

/// How often each server is started.
const STARTS: usize = 5;

/// Connections at once: one caller, a few, a crowd.
const CONNECTIONS: [usize; 3] = [1, 8, 64];

/// The connections of what is measured with one number of them only: enough to keep every core busy.
const SOME: usize = CONNECTIONS[1];

/// What is measured together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Cell {
    kind: Kind,
    connections: usize,
}

/// Everything that is measured with a key. Only the token depends on its length.
fn cells(bits: u16) -> Vec<Cell> {
    let some = |kind| Cell {
        kind,
        connections: SOME,
    };
    if bits != DEFAULT_BITS {
        return vec![some(Kind::Token), some(Kind::Unsigned)];
    }
    let mut cells: Vec<Cell> = [Kind::Token, Kind::Preflight, Kind::Refused]
        .into_iter()
        .flat_map(|kind| CONNECTIONS.map(|connections| Cell { kind, connections }))
        .collect();
    cells.push(some(Kind::Unsigned));
    cells
}

/// What requests of one kind came to.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    /// The server: a build of the component, or the peer.
    pub server: String,
    /// The length of the key's modulus.
    pub bits: u16,
    /// What was asked for.
    pub kind: Kind,
    /// Connections at once.
    pub connections: usize,
    /// How many were answered.
    pub requests: usize,
    /// What one took of the server's processor, in milliseconds; of some rounds.
    pub processor_ms: Option<Spread>,
    /// Answers per second.
    pub per_second: f64,
    /// Half of the answers came within these milliseconds.
    pub p50_ms: f64,
    /// 99 of a hundred came within these.
    pub p99_ms: f64,
    /// What a token took of the processor above the bare signature of the same build and key, in milliseconds. A small
    /// difference of two large numbers: `HEAD` tells about the same with less noise.
    pub above_signature_ms: Option<f64>,
}

/// What a server takes besides requests.
#[derive(Debug, Clone, Serialize)]
pub struct ServerRow {
    /// The server.
    pub server: String,
    /// From the start of the process to the first token, in milliseconds; of some starts.
    pub first_token_ms: Spread,
    /// Resident memory after the start, in bytes.
    pub resident_at_start: Option<u64>,
    /// The most resident memory, after 64 connections at once, in bytes.
    pub resident_peak: Option<u64>,
}

/// The results.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Requests {
    /// By server, key, kind and connections.
    pub rows: Vec<Row>,
    /// By server.
    pub servers: Vec<ServerRow>,
    /// The servers that could not be started, and why.
    pub failed: Vec<String>,
}

/// A server with everything that was measured of it.
struct Measured {
    server: Server,
    name: String,
    bits: u16,
    at_start: Option<Usage>,
    cells: Vec<(Cell, Vec<Round>)>,
}

/// One round of one cell.
struct Round {
    outcome: load::Outcome,
    processor: Option<Duration>,
}

/// Starts the servers, sends requests of every kind for `duration` each, and ends them.
///
/// # Errors
/// A server fails under way, or the user ends it. A server that does not start is told in the results.
pub fn measure(
    project: &Project,
    kinds: &[server::Kind],
    keys: &Keys,
    duration: Duration,
    signatures: &Signatures,
    stop: &Stop,
) -> Result<Requests> {
    let mut results = Requests::default();
    let mut servers = Vec::new();
    for kind in kinds {
        report::step(&format!("Starting {} …", kind.name));
        match start_all(project, kind, keys, stop) {
            Ok((starts, measured)) => {
                if let Some(first_token_ms) = Spread::of(&starts) {
                    results.servers.push(ServerRow {
                        server: kind.name.clone(),
                        first_token_ms,
                        resident_at_start: None,
                        resident_peak: None,
                    });
                }
                servers.extend(measured);
            }
            Err(error) if error.is::<Interrupted>() => return Err(error),
            Err(error) => {
                report::step(&format!("warning: {error:#}"));
                results.failed.push(format!("{error:#}"));
            }
        }
    }

    let slice = duration / ROUNDS;
    let total = servers.len() * ROUNDS as usize;
    let mut done = 0;
    for _ in 0..ROUNDS {
        for measured in &mut servers {
            done += 1;
            report::step(&format!(
                "Requests: {done} of {total}, {} with {} bits …",
                measured.name, measured.bits
            ));
            measured.round(slice, stop)?;
        }
    }

    for measured in &servers {
        if measured.bits == DEFAULT_BITS
            && let Some(row) = results
                .servers
                .iter_mut()
                .find(|row| row.server == measured.name)
        {
            let now = Usage::of_group(measured.server.group());
            row.resident_at_start = measured.at_start.map(|usage| usage.resident);
            row.resident_peak = now.map(|usage| usage.peak);
        }
        results.rows.extend(measured.rows(signatures));
    }
    Ok(results)
}

/// Starts a server some times to see how long that takes, then once for each key.
fn start_all(
    project: &Project,
    kind: &server::Kind,
    keys: &Keys,
    stop: &Stop,
) -> Result<(Vec<f64>, Vec<Measured>)> {
    let mut starts = Vec::new();
    let mut servers = Vec::new();
    for key in keys.iter() {
        let start = || Server::start(project, kind, keys, key, stop);
        if key.bits == DEFAULT_BITS {
            // The first one may have to compile the component.
            drop(start()?);
            for _ in 0..STARTS {
                starts.push(milliseconds(start()?.first_token));
            }
        }
        let server = start()?;
        servers.push(Measured {
            at_start: Usage::of_group(server.group()),
            server,
            name: kind.name.clone(),
            bits: key.bits,
            cells: cells(key.bits)
                .into_iter()
                .map(|cell| (cell, Vec::new()))
                .collect(),
        });
    }
    Ok((starts, servers))
}

impl Measured {
    fn round(&mut self, duration: Duration, stop: &Stop) -> Result<()> {
        for (cell, rounds) in &mut self.cells {
            if stop.requested() {
                return Err(Interrupted.into());
            }
            let processor = || Some(Usage::of_group(self.server.group())?.processor);
            // Warms the path up, and lets connections of the last kind go.
            load::run(
                self.server.address,
                cell.kind,
                cell.connections,
                Duration::from_millis(20),
            )?;
            let before = processor();
            let outcome = load::run(self.server.address, cell.kind, cell.connections, duration)?;
            let used = before.and_then(|before| processor()?.checked_sub(before));
            rounds.push(Round {
                outcome,
                processor: used,
            });
        }
        Ok(())
    }

    fn rows(&self, signatures: &Signatures) -> Vec<Row> {
        let rows = self.cells.iter().filter_map(|(cell, rounds)| {
            let mut row = row(&self.name, self.bits, *cell, rounds)?;
            let signature = signatures.of(&self.name, self.bits);
            if cell.kind == Kind::Token {
                row.above_signature_ms = row
                    .processor_ms
                    .zip(signature)
                    .map(|(processor, signature)| processor.median - signature);
            }
            Some(row)
        });
        rows.collect()
    }
}

fn row(server: &str, bits: u16, cell: Cell, rounds: &[Round]) -> Option<Row> {
    let per_request: Vec<f64> = rounds
        .iter()
        .filter_map(|round| {
            Some(milliseconds(round.processor?) / round.outcome.latencies.len() as f64)
        })
        .collect();
    let mut latencies: Vec<f64> = rounds
        .iter()
        .flat_map(|round| round.outcome.latencies.iter().copied().map(milliseconds))
        .collect();
    latencies.sort_by(f64::total_cmp);
    let seconds: f64 = rounds
        .iter()
        .map(|round| round.outcome.duration.as_secs_f64())
        .sum();
    Some(Row {
        server: server.to_owned(),
        bits,
        kind: cell.kind,
        connections: cell.connections,
        requests: latencies.len(),
        processor_ms: Spread::of(&per_request),
        per_second: latencies.len() as f64 / seconds,
        p50_ms: quantile(&latencies, 0.5)?,
        p99_ms: quantile(&latencies, 0.99)?,
        above_signature_ms: None,
    })
}

impl Requests {
    /// What a request takes of a server's processor with a key, in milliseconds.
    #[must_use]
    pub fn processor(&self, server: &str, bits: u16, kind: Kind) -> Option<f64> {
        let row = self.rows.iter().find(|row| {
            row.server == server && row.bits == bits && row.kind == kind && row.connections == SOME
        })?;
        Some(row.processor_ms?.median)
    }

    /// The servers, in the order in which they were measured.
    #[must_use]
    pub fn names(&self) -> Vec<&str> {
        let names = self.servers.iter().map(|row| row.server.as_str());
        names.collect()
    }

    /// What a token takes of the processor, and the same request by `HEAD`, by server and key.
    #[must_use]
    pub fn token_table(&self) -> Table {
        let mut head = vec!["CPU ms per token".to_owned()];
        head.extend(BITS.map(|bits| format!("{bits} bits")));
        head.extend(BITS.map(|bits| format!("unsigned, {bits}")));
        let head: Vec<&str> = head.iter().map(String::as_str).collect();
        let mut table = Table::new(&head);
        for name in self.names() {
            let mut cells = vec![name.to_owned()];
            for kind in [Kind::Token, Kind::Unsigned] {
                cells.extend(BITS.map(|bits| number_or_dash(self.processor(name, bits, kind))));
            }
            table.row(cells);
        }
        table
    }

    /// All requests.
    #[must_use]
    pub fn table(&self) -> Table {
        let mut table = Table::new(&[
            "server, key, request",
            "connections",
            "CPU ms",
            "per second",
            "p50 ms",
            "p99 ms",
        ]);
        for row in &self.rows {
            table.row(vec![
                format!("{}, {} bits, {}", row.server, row.bits, row.kind),
                row.connections.to_string(),
                number_or_dash(row.processor_ms.map(|spread| spread.median)),
                number(row.per_second),
                number(row.p50_ms),
                number(row.p99_ms),
            ]);
        }
        table
    }

    /// Starts and memory.
    #[must_use]
    pub fn server_table(&self) -> Table {
        let mut table = Table::new(&[
            "server",
            "first token ms",
            "middle half",
            "memory at start MiB",
            "highest MiB",
        ]);
        for row in &self.servers {
            let mebibytes =
                |bytes: Option<u64>| number_or_dash(bytes.map(|bytes| bytes as f64 / 1048576.0));
            let spread = &row.first_token_ms;
            table.row(vec![
                row.server.clone(),
                number(spread.median),
                format!("{}–{}", number(spread.lower), number(spread.upper)),
                mebibytes(row.resident_at_start),
                mebibytes(row.resident_peak),
            ]);
        }
        table
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_key_is_measured_with_every_kind_and_crowd() {
        assert_eq!(cells(DEFAULT_BITS).len(), 10);
        assert_eq!(cells(4096).len(), 2);
        let some = Cell {
            kind: Kind::Token,
            connections: SOME,
        };
        assert!(BITS.iter().all(|&bits| cells(bits).contains(&some)));
    }

    #[test]
    fn rounds_come_together_in_a_row() {
        let cell = Cell {
            kind: Kind::Token,
            connections: SOME,
        };
        let round = |milliseconds: u64| Round {
            outcome: load::Outcome {
                latencies: vec![Duration::from_millis(2); 10],
                duration: Duration::from_millis(500),
            },
            processor: Some(Duration::from_millis(milliseconds)),
        };
        let row = row("plain", 2048, cell, &[round(10), round(20), round(30)]).unwrap();
        assert_eq!(row.requests, 30);
        assert_eq!(row.per_second, 20.0);
        assert_eq!(row.processor_ms.unwrap().median, 2.0);
        assert_eq!((row.p50_ms, row.p99_ms), (2.0, 2.0));
    }
}
