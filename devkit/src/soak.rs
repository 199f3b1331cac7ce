//! Keeps the embedded host busy for a while: good requests beside refused, malformed, slow and broken ones.
//!
//! Three things must hold: no answer is wrong, the host's memory stays what it was, and the good requests are not
//! starved by the others.

use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::bench::keys::Keys;
use crate::bench::load::Connection;
use crate::bench::server::{self, Launch, Server};
use crate::bench::statistics::{milliseconds, quantile};
use crate::bench::usage::Usage;
use crate::component::{self, Variant};
use crate::process::{Interrupted, Stop};
use crate::project::Project;
use crate::up::{Host, build_embedded};
use crate::{report, toolchain};

/// How much the host's memory may move in the second half of the time, as a part of its least.
const FLAT: f64 = 0.10;
/// How much longer the slowest hundredth of the good requests may take beside the others than alone.
const STARVED: f64 = 4.0;
/// How often memory is looked at.
const SAMPLE: Duration = Duration::from_millis(250);
/// How long a connection waits between the pieces of a slow body.
const SLOW: Duration = Duration::from_millis(100);
/// How long it waits before it connects again after it broke off: the ports of connections that ended are free again
/// after a minute only.
const BREATH: Duration = Duration::from_millis(50);
/// How many wrong answers are told.
const TOLD: usize = 5;

/// How long, and how many at once.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Connections at once.
    pub connections: u32,
    /// How long the mix is sent, in seconds; good requests alone before it for a quarter of that.
    pub seconds: u32,
    /// The tool chain that builds the component.
    pub toolchain: toolchain::Choice,
}

/// What a connection does, again and again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    /// Asks for a token, and looks whether it is for the room that it asked for.
    Good,
    /// Asks as a page that is not allowed.
    Refused,
    /// Asks for what cannot be had, or speaks no HTTP.
    Malformed,
    /// Asks well, its body in pieces with pauses.
    Slow,
    /// Goes away in the middle of a request or of its answer.
    Broken,
}

/// The roles of eight connections.
const ROLES: [Role; 8] = [
    Role::Good,
    Role::Refused,
    Role::Good,
    Role::Malformed,
    Role::Good,
    Role::Refused,
    Role::Slow,
    Role::Broken,
];

/// The part of the roles that is good.
const GOOD: [Role; 1] = [Role::Good];

const ALLOWED: &str = "Origin: https://vtaiwan.tw\r\n";

/// Requests that are not good, and the status of each.
const MALFORMED: [(&str, u16); 9] = [
    (
        "GET /api/jitsi-token?room=* HTTP/1.1\r\nHost: x\r\n\r\n",
        400,
    ),
    (
        "GET /api/jitsi-token?user_name=%zz HTTP/1.1\r\nHost: x\r\n\r\n",
        400,
    ),
    (
        "GET /api/jitsi-token?user_moderator=7 HTTP/1.1\r\nHost: x\r\n\r\n",
        400,
    ),
    (
        "POST /api/jitsi-token HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1\r\n\r\n[",
        400,
    ),
    (
        "POST /api/jitsi-token HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\n{}",
        415,
    ),
    ("PUT /api/jitsi-token HTTP/1.1\r\nHost: x\r\n\r\n", 405),
    ("GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n", 404),
    ("OPTIONS /api/jitsi-token HTTP/1.1\r\nHost: x\r\n\r\n", 405),
    ("\x16\x03\x01 no HTTP\r\n\r\n", 400),
];

/// What came of the requests of all connections.
#[derive(Default)]
struct Tally {
    /// How long each good answer took.
    good: Mutex<Vec<Duration>>,
    /// Answers of each kind, in the order of [`Role`].
    answers: [AtomicU64; 5],
    wrong: Mutex<Vec<String>>,
}

/// The host's memory over time, in bytes.
#[derive(Debug, Default)]
struct Memory(Vec<u64>);

impl Memory {
    /// The least and the most of the second half.
    fn second_half(&self) -> Option<(u64, u64)> {
        let half = &self.0[self.0.len() / 2..];
        Some((*half.iter().min()?, *half.iter().max()?))
    }
}

/// Starts the embedded host and keeps it busy.
///
/// # Errors
/// It cannot be built or started, or one of the three things does not hold.
pub fn soak(project: &Project, options: &Options, stop: &Stop) -> Result<()> {
    let component = component::build(project, options.toolchain, Variant::Portable, stop)?;
    let kind = server::Kind {
        name: "soak".into(),
        launch: Launch::Component {
            host: Host::Embedded,
            program: build_embedded(project, stop)?,
            manifest: project.manifest(),
            component,
            second_engine: false,
        },
    };
    let keys = Keys::provide(project, stop)?;
    let key = keys.iter().next().context("there is no key")?;
    let server = Server::start(project, &kind, &keys, key, stop)?;

    let connections = options.connections as usize;
    let good = (0..connections)
        .filter(|i| ROLES[i % ROLES.len()] == Role::Good)
        .count();
    let duration = Duration::from_secs(options.seconds.into());
    report::step(&format!(
        "Good requests alone, {good} connections, {} s …",
        (duration / 4).as_secs_f64()
    ));
    let (alone, _) = run(&server, &GOOD, good, duration / 4, stop)?;
    report::step(&format!(
        "All kinds, {connections} connections, {} s …",
        options.seconds
    ));
    let (mixed, memory) = run(&server, &ROLES, connections, duration, stop)?;
    judge(&alone, &mixed, &memory, duration)
}

/// Sends requests of some roles, and looks at the host's memory meanwhile.
fn run(
    server: &Server,
    roles: &[Role],
    connections: usize,
    duration: Duration,
    stop: &Stop,
) -> Result<(Tally, Memory)> {
    let tally = Tally::default();
    let over = AtomicBool::new(false);
    let mut memory = Memory::default();
    thread::scope(|scope| {
        for number in 0..connections {
            let role = roles[number % roles.len()];
            let (tally, over) = (&tally, &over);
            let address = server.address;
            scope.spawn(move || {
                let mut connection = None;
                for turn in 0.. {
                    if over.load(Ordering::Relaxed) {
                        break;
                    }
                    tally.add(role, role.once(address, &mut connection, number, turn));
                }
            });
        }
        let end = Instant::now() + duration;
        while Instant::now() < end && !stop.requested() {
            thread::sleep(SAMPLE.min(duration));
            memory
                .0
                .extend(Usage::of_group(server.group()).map(|usage| usage.resident));
        }
        over.store(true, Ordering::Relaxed);
    });
    if stop.requested() {
        return Err(Interrupted.into());
    }
    Ok((tally, memory))
}

impl Tally {
    fn add(&self, role: Role, outcome: Result<Duration>) {
        match outcome {
            Ok(latency) => {
                self.answers[role as usize].fetch_add(1, Ordering::Relaxed);
                if role == Role::Good
                    && let Ok(mut good) = self.good.lock()
                {
                    good.push(latency);
                }
            }
            Err(error) => {
                if let Ok(mut wrong) = self.wrong.lock() {
                    wrong.push(format!("{role:?}: {error:#}"));
                }
                // A host that is gone refuses connections at once.
                thread::sleep(BREATH);
            }
        }
    }

    fn of(&self, role: Role) -> u64 {
        self.answers[role as usize].load(Ordering::Relaxed)
    }

    /// The good answers' median and the value that 99 of a hundred keep below, in milliseconds.
    fn latency(&self) -> Option<(f64, f64)> {
        let good = self.good.lock().ok()?;
        let mut sorted: Vec<f64> = good.iter().copied().map(milliseconds).collect();
        sorted.sort_by(f64::total_cmp);
        Some((quantile(&sorted, 0.5)?, quantile(&sorted, 0.99)?))
    }
}

impl Role {
    /// Does it once, on a connection that is kept where that is possible.
    fn once(
        self,
        address: SocketAddr,
        kept: &mut Option<Connection>,
        number: usize,
        turn: u64,
    ) -> Result<Duration> {
        let mut connection = match kept.take() {
            Some(connection) => connection,
            None => Connection::open(address)?,
        };
        let start = Instant::now();
        match self {
            Self::Good => {
                let room = format!("room-{number}-{turn}");
                let request = format!(
                    "GET /api/jitsi-token?room={room} HTTP/1.1\r\nHost: x\r\n{ALLOWED}\r\n"
                );
                connection.write(request.as_bytes())?;
                is_token_for(&connection.read(false)?.into_token()?, &room)?;
            }
            Self::Refused => {
                let request = "GET /api/jitsi-token?room=a HTTP/1.1\r\nHost: x\r\nOrigin: https://evil.example\r\n\r\n";
                connection.write(request.as_bytes())?;
                expect(403, connection.read(false)?.status)?;
            }
            Self::Malformed => {
                let (request, status) = MALFORMED[(turn % MALFORMED.len() as u64) as usize];
                connection.write(request.as_bytes())?;
                let closes = !request.contains("HTTP/1.1");
                if closes {
                    // Whether the answer or the end of the connection is seen first is not to be known.
                    if let Ok(answer) = connection.read(false) {
                        expect(status, answer.status)?;
                    }
                    thread::sleep(BREATH);
                    return Ok(start.elapsed());
                }
                expect(status, connection.read(false)?.status)?;
            }
            Self::Slow => {
                let room = format!("slow-{number}-{turn}");
                let body = format!(r#"{{"room":"{room}"}}"#);
                let head = format!(
                    "POST /api/jitsi-token HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
                    body.len()
                );
                connection.write(head.as_bytes())?;
                for piece in body.as_bytes().chunks(8) {
                    thread::sleep(SLOW);
                    connection.write(piece)?;
                }
                is_token_for(&connection.read(false)?.into_token()?, &room)?;
            }
            Self::Broken => {
                let request = [
                    "POST /api/jitsi-token HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{\"room\":",
                    "GET /api/jitsi-token?room=a HTTP/1.1\r\nHost: x\r\n\r\n",
                    "GET /api/jitsi-token?ro",
                ][(turn % 3) as usize];
                connection.write(request.as_bytes())?;
                thread::sleep(BREATH);
                return Ok(start.elapsed());
            }
        }
        let latency = start.elapsed();
        *kept = Some(connection);
        Ok(latency)
    }
}

fn expect(wanted: u16, found: u16) -> Result<()> {
    ensure!(wanted == found, "{found} and not {wanted}");
    Ok(())
}

/// Looks whether a token is whole and for this room.
fn is_token_for(token: &str, room: &str) -> Result<()> {
    let parts: Vec<Vec<u8>> = token
        .split('.')
        .map(|part| URL_SAFE_NO_PAD.decode(part))
        .collect::<Result<_, _>>()
        .context("a token that is no base64url")?;
    let [_, payload, signature] = &parts[..] else {
        bail!("a token of {} parts", parts.len());
    };
    let claims: serde_json::Value =
        serde_json::from_slice(payload).context("a payload that is no JSON")?;
    ensure!(claims["room"] == room, "a token for another room");
    ensure!(signature.len() == 256, "a signature of another length");
    Ok(())
}

/// Tells what was measured, and fails where it is not as it must be.
fn judge(alone: &Tally, mixed: &Tally, memory: &Memory, duration: Duration) -> Result<()> {
    let seconds = duration.as_secs_f64();
    let (Some((p50_alone, p99_alone)), Some((p50, p99))) = (alone.latency(), mixed.latency())
    else {
        bail!("no good request was answered");
    };
    for (role, name) in [
        (Role::Good, "good"),
        (Role::Refused, "refused"),
        (Role::Malformed, "malformed"),
        (Role::Slow, "with a slow body"),
        (Role::Broken, "broken off"),
    ] {
        let count = mixed.of(role);
        report::result(&format!(
            "{name}: {count} ({:.1} a second)",
            count as f64 / seconds
        ));
    }
    let rate = alone.of(Role::Good) as f64 / (seconds / 4.0);
    report::result(&format!("good alone: {rate:.1} a second"));
    let ratio = p99 / p99_alone;
    report::result(&format!(
        "good requests: p50 {p50:.0} ms and p99 {p99:.0} ms; alone p50 {p50_alone:.0} ms and p99 {p99_alone:.0} ms; p99 {ratio:.2} times"
    ));
    let mut failures = Vec::new();
    match memory.second_half() {
        Some((least, most)) => {
            let mebibytes = |bytes: u64| bytes as f64 / 1_048_576.0;
            let moved = (most - least) as f64 / least as f64;
            report::result(&format!(
                "memory of the host in the second half: {:.1} to {:.1} MiB, {:.1} % apart",
                mebibytes(least),
                mebibytes(most),
                moved * 100.0
            ));
            if moved > FLAT {
                failures.push(format!(
                    "the host's memory moved by more than {} %",
                    FLAT * 100.0
                ));
            }
        }
        None => report::result("memory of the host: this system does not tell"),
    }
    let mut wrong = Vec::new();
    for tally in [alone, mixed] {
        if let Ok(found) = tally.wrong.lock() {
            wrong.extend(found.iter().cloned());
        }
    }
    report::result(&format!("wrong answers: {}", wrong.len()));
    if !wrong.is_empty() {
        wrong.truncate(TOLD);
        failures.push(format!("wrong answers: {}", wrong.join("; ")));
    }
    if ratio > STARVED {
        failures.push(format!(
            "the slowest good requests took more than {STARVED} times as long as alone"
        ));
    }
    ensure!(failures.is_empty(), "{}", failures.join("; "));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(milliseconds: u64) -> Tally {
        let tally = Tally::default();
        for _ in 0..10 {
            tally.add(Role::Good, Ok(Duration::from_millis(milliseconds)));
        }
        tally
    }

    fn verdict(mixed: &Tally, memory: &[u64]) -> String {
        let memory = Memory(memory.to_vec());
        match judge(&tally(10), mixed, &memory, Duration::from_secs(4)) {
            Ok(()) => "good".into(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn memory_latency_and_answers_are_judged() {
        // A start that grows is no leak.
        assert_eq!(verdict(&tally(20), &[1, 50, 100, 110]), "good");
        assert!(verdict(&tally(20), &[1, 50, 100, 111]).contains("memory"));
        assert!(verdict(&tally(41), &[100; 4]).contains("slowest"));
        let wrong = tally(10);
        wrong.add(Role::Refused, expect(403, 200).map(|()| Duration::ZERO));
        assert!(verdict(&wrong, &[100; 4]).contains("Refused: 200 and not 403"));
    }

    #[test]
    fn a_token_is_looked_into() {
        let token = |payload: &str, length| {
            let parts = [b"{}".as_slice(), payload.as_bytes(), &vec![0; length]];
            parts.map(|part| URL_SAFE_NO_PAD.encode(part)).join(".")
        };
        assert!(is_token_for(&token(r#"{"room":"a"}"#, 256), "a").is_ok());
        assert!(is_token_for(&token(r#"{"room":"b"}"#, 256), "a").is_err());
        assert!(is_token_for(&token(r#"{"room":"a"}"#, 255), "a").is_err());
        assert!(is_token_for(&token("{", 256), "a").is_err());
        assert!(is_token_for("a.b", "a").is_err());
    }

    #[test]
    fn every_role_has_its_part() {
        for role in [
            Role::Good,
            Role::Refused,
            Role::Malformed,
            Role::Slow,
            Role::Broken,
        ] {
            assert!(ROLES.contains(&role), "{role:?}");
        }
    }
}
