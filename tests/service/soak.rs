//! A busy host: valid requests beside rejected, malformed, slow and broken ones for a minute. Too slow for every run:
//! `cargo dev test -- --test service -- --ignored soak --nocapture`. `docs/reliability.md` has the results.

use std::io::{self, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::connection::Connection;
use crate::harness::{ALLOWED, FOREIGN, Server, Settings};
use crate::http::{Body, Request, get, post};

/// How far the host's memory may vary in the second half, as a fraction of its minimum.
const FLAT: f64 = 0.10;
/// How many times longer the 99th percentile of valid requests may be under load than without it.
const STARVED: f64 = 4.0;
/// How long a connection waits after breaking off: the ports of closed connections stay in use for a minute.
const BREATH: Duration = Duration::from_millis(50);

/// What a connection does in a loop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Good,
    Rejected,
    Malformed,
    SlowBody,
    BrokenOff,
}

use Role::{BrokenOff, Good, Malformed, Rejected, SlowBody};

const ALL: [Role; 5] = [Good, Rejected, Malformed, SlowBody, BrokenOff];

/// The roles of the eight connections.
const MIX: [Role; 8] = [
    Good, Rejected, Good, Malformed, Good, Rejected, SlowBody, BrokenOff,
];

/// The results of all connections' requests.
#[derive(Default)]
struct Tally {
    latencies: Mutex<Vec<(Role, Duration)>>,
    wrong: Mutex<Vec<String>>,
    /// Memory samples of the host, which runs in this process, in bytes.
    memory: Vec<u64>,
}

impl Tally {
    fn count(&self, role: Role) -> usize {
        let latencies = self.latencies.lock().unwrap();
        latencies.iter().filter(|(of, _)| *of == role).count()
    }

    /// Returns the median and the 99th percentile of the valid requests' latencies, in milliseconds.
    fn good_latency(&self) -> (f64, f64) {
        let latencies = self.latencies.lock().unwrap();
        let good = latencies.iter().filter(|(role, _)| *role == Good);
        let mut sorted: Vec<f64> = good.map(|(_, time)| time.as_secs_f64() * 1e3).collect();
        assert!(!sorted.is_empty(), "no good request got a response");
        sorted.sort_by(f64::total_cmp);
        let at = |part: usize| sorted[(sorted.len() - 1) * part / 100];
        (at(50), at(99))
    }
}

fn run(address: SocketAddr, roles: &[Role], connections: usize, duration: Duration) -> Tally {
    let tally = Tally::default();
    let over = AtomicBool::new(false);
    let memory = thread::scope(|scope| {
        for number in 0..connections {
            let role = roles[number % roles.len()];
            let (tally, over) = (&tally, &over);
            scope.spawn(move || {
                let mut kept = None;
                for turn in 0.. {
                    if over.load(Ordering::Relaxed) {
                        break;
                    }
                    let start = Instant::now();
                    match once(role, address, &mut kept, &format!("{number}-{turn}"), turn) {
                        Ok(()) => {
                            let latency = (role, start.elapsed());
                            tally.latencies.lock().unwrap().push(latency);
                        }
                        Err(error) => {
                            let wrong = format!("{role:?}: {error}");
                            tally.wrong.lock().unwrap().push(wrong);
                            thread::sleep(BREATH);
                        }
                    }
                }
            });
        }
        let end = Instant::now() + duration;
        let mut memory = Vec::new();
        while Instant::now() < end {
            thread::sleep(Duration::from_millis(250).min(duration));
            memory.extend(resident());
        }
        over.store(true, Ordering::Relaxed);
        memory
    });
    Tally { memory, ..tally }
}

/// Plays a role once, reusing its connection where possible.
fn once(
    role: Role,
    address: SocketAddr,
    kept: &mut Option<Connection>,
    room: &str,
    turn: usize,
) -> io::Result<()> {
    let mut send = |request: &Request, status: u16| {
        let mut connection = match kept.take() {
            Some(connection) => connection,
            None => Connection::open(address)?,
        };
        let response = connection.send(request)?;
        if response.status != status {
            return Err(io::Error::other(format!(
                "{} and not {status}",
                response.status
            )));
        }
        *kept = Some(connection);
        Ok(response)
    };
    let token = |response: crate::http::Response| match response.token().claims["room"] == room {
        true => Ok(()),
        false => Err(io::Error::other("a token for another room")),
    };
    match role {
        Good => token(send(&get(&[("room", room)]).origin(ALLOWED), 200)?),
        Rejected => send(&get(&[("room", room)]).origin(FOREIGN), 403).map(drop),
        SlowBody => {
            let body = format!(r#"{{"room":"{room}"}}"#);
            let pieces = body.as_bytes().chunks(8).map(<[u8]>::to_vec).collect();
            let body = Body::Chunks(pieces, Duration::from_millis(100));
            token(send(&post("application/json", "").body(body), 200)?)
        }
        Malformed => match turn % 6 {
            0 => send(&get(&[("room", "*")]), 400).map(drop),
            1 => send(&get(&[("user_moderator", "7")]), 400).map(drop),
            2 => send(&post("application/json", "["), 400).map(drop),
            3 => send(&post("text/plain", "{}"), 415).map(drop),
            4 => send(&Request::new("GET", "/nowhere"), 404).map(drop),
            _ => broken_off(address, b"\x16\x03\x01 no HTTP\r\n\r\n"),
        },
        BrokenOff => {
            const PIECES: [&str; 3] = [
                "POST /api/jitsi-token HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{\"room\":",
                "GET /api/jitsi-token?room=a HTTP/1.1\r\nHost: x\r\n\r\n",
                "GET /api/jitsi-token?ro",
            ];
            broken_off(address, PIECES[turn % PIECES.len()].as_bytes())
        }
    }
}

/// Sends these bytes and disconnects.
fn broken_off(address: SocketAddr, bytes: &[u8]) -> io::Result<()> {
    TcpStream::connect(address)?.write_all(bytes)?;
    thread::sleep(BREATH);
    Ok(())
}

/// Returns this process's resident memory in bytes, or `None` on systems without `/proc`.
fn resident() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

#[test]
#[ignore = "takes 75 s"]
fn soak_good_requests_are_not_starved_and_memory_stays() {
    let seconds = std::env::var("JAAS_SOAK_SECONDS").map_or(60, |text| text.parse().unwrap());
    let duration = Duration::from_secs(seconds);
    let server = Server::start(Settings::good());
    let alone = run(server.address(), &[Good], 24, duration / 4);
    let mixed = run(server.address(), &MIX, 64, duration);

    for role in ALL {
        let count = mixed.count(role);
        println!("{role:?}: {count}, {} a second", count as u64 / seconds);
    }
    let ((p50_alone, p99_alone), (p50, p99)) = (alone.good_latency(), mixed.good_latency());
    println!("good alone: {}", alone.count(Good));
    println!(
        "good alone: p50 {p50_alone:.0} ms, p99 {p99_alone:.0} ms; beside the others: p50 {p50:.0} ms, p99 {p99:.0} ms"
    );
    for tally in [&alone, &mixed] {
        let wrong = tally.wrong.lock().unwrap();
        assert!(wrong.is_empty(), "{}: {:?}", wrong.len(), &wrong[..1]);
    }
    let half = &mixed.memory[mixed.memory.len() / 2..];
    if let (Some(&least), Some(&most)) = (half.iter().min(), half.iter().max()) {
        println!(
            "memory in the second half: {} to {} KiB",
            least / 1024,
            most / 1024
        );
        let moved = (most - least) as f64 / least as f64;
        assert!(moved <= FLAT, "memory moved by {:.1} %", moved * 100.0);
    }
    assert!(
        p99 <= STARVED * p99_alone,
        "{:.2} times as slow",
        p99 / p99_alone
    );
}
