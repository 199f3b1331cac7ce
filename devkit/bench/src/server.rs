//! The servers that requests are sent to, and what they use of the machine as Linux accounts for it.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::rc::Rc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use devkit::build::artifact::Variant;
use devkit::os::package::{Package, Source};
use devkit::os::process::{Running, check_stop};
use devkit::os::programs::{self, NODE, NPM};
use devkit::os::project::{shown, write_whole};
use devkit::serve::host::{Host, free_address};
use devkit_spin_app::PREFIX;

use crate::setting::{ENGINES, Setting};

/// How long a server may take until its first token: Spin compiles the component each time.
const START_LIMIT: Duration = Duration::from_secs(120);

/// Something that issues tokens.
#[derive(Clone)]
pub struct Kind {
    /// What the tables call it.
    pub name: String,
    /// The component's size in KiB.
    pub size: f64,
    engine: &'static str,
    /// The command that serves at an address.
    command: Rc<dyn Fn(SocketAddr) -> Command>,
}

/// Everything that is measured, installed and built.
///
/// # Errors
/// Something cannot be installed or built.
pub fn kinds(setting: &Setting, host: Host, with_peer: bool) -> Result<Vec<Kind>> {
    let project = &setting.project;
    let program = host.program(project)?;
    let read = |path: &Path| fs::read(path).with_context(|| shown(path));
    let manifest = read(&project.manifest())?;
    // Where the manifest looks for the component.
    let place = Variant::Portable.artifact(project);
    let place = place.strip_prefix(project.root())?;
    let mut kinds = Vec::new();
    for (build, component) in &setting.builds {
        let folder = setting.folder().join(build);
        let (path, file) = (folder.join("spin.toml"), folder.join(place));
        let component = read(component)?;
        write_whole(&path, &manifest)?;
        write_whole(&file, &component)?;
        let program = program.clone();
        let command: Rc<dyn Fn(_) -> _> = Rc::new(move |at| {
            let mut command = host.command(&program, &path, at);
            if host == Host::Embedded {
                // What the manifest names may not have wide arithmetic, as on Spin.
                command.arg("--component").arg(&file);
            }
            command
        });
        kinds.extend(ENGINES.map(|(ending, engine)| Kind {
            name: format!("{build}{ending}"),
            size: component.len() as f64 / 1024.0,
            engine,
            command: command.clone(),
        }));
    }
    if with_peer {
        let (node, program) = peer(setting)?;
        kinds.push(Kind {
            name: "node-jose".to_owned(),
            size: f64::NAN,
            engine: "",
            command: Rc::new(move |at| {
                let mut command = Command::new(&node);
                command.arg(&program).arg(at.to_string());
                command
            }),
        });
    }
    Ok(kinds)
}

/// Node, and the peer's program, whose library is installed where it is not yet.
fn peer(setting: &Setting) -> Result<(PathBuf, PathBuf)> {
    let node = programs::require(NODE)?;
    let package = Package {
        name: "jose",
        about: "the peer's library",
        folder: setting.folder().join("peer"),
        source: Source::Npm(include_str!("../../peer/package.json")),
        lock: include_str!("../../peer/package-lock.json"),
        program: "node_modules/jose/package.json",
    };
    if package.installed().is_none() {
        programs::require(NPM)?;
    }
    package.provide()?;
    // Beside the library, where Node looks for it.
    let program = package.folder.join("server.mjs");
    write_whole(&program, include_bytes!("../../peer/server.mjs"))?;
    Ok((node, program))
}

/// A server that runs; it ends when this value goes out of scope.
pub struct Server {
    pub address: SocketAddr,
    /// From its start to its first token.
    pub first_token: Duration,
    running: Running,
}

impl Server {
    /// Starts a server and waits for its first token.
    ///
    /// # Errors
    /// There is none; the message has the last line of what the server wrote.
    pub fn start(setting: &Setting, kind: &Kind, bits: u16) -> Result<Self> {
        let address = free_address(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), "--listen")?;
        let mut command = (kind.command)(address);
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with(PREFIX) {
                command.env_remove(name);
            }
        }
        // A line for each token would fill the terminal, and waiting for it would be measured.
        let log = setting.folder().join(format!("{}-{bits}.log", kind.name));
        let file =
            File::create(&log).with_context(|| format!("{} cannot be written", shown(&log)))?;
        // In a folder of its own: there is no `.env` in it.
        command
            .current_dir(setting.folder())
            .envs(setting.environment(bits, kind.engine))
            .stdout(file.try_clone()?)
            .stderr(file);
        let start = Instant::now();
        let mut running = Running::start(&mut command)?;
        let first_token = first_token(address, start, &mut running).with_context(|| {
            let written = fs::read_to_string(&log).unwrap_or_default();
            let last = written.trim_end().lines().last().unwrap_or("no message");
            format!("{} does not serve ({last})", kind.name)
        })?;
        Ok(Self {
            address,
            first_token,
            running,
        })
    }

    /// What it has used so far.
    pub fn usage(&self) -> Usage {
        Usage::of_group(self.running.id())
    }
}

/// Sends requests until there is a response, which has to hold a token.
fn first_token(address: SocketAddr, start: Instant, running: &mut Running) -> Result<Duration> {
    loop {
        check_stop()?;
        if let Ok(mut stream) = TcpStream::connect(address) {
            stream.set_read_timeout(Some(START_LIMIT))?;
            let request = "GET /api/jitsi-token?room=bench HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n";
            stream.write_all(request.as_bytes())?;
            let mut response = String::new();
            stream.read_to_string(&mut response)?;
            ensure!(
                response.starts_with("HTTP/1.1 200 ") && response.contains("{\"token\":\""),
                "the first response has no token"
            );
            return Ok(start.elapsed());
        }
        ensure!(start.elapsed() < START_LIMIT, "the server does not listen");
        if let Some(status) = running.ended()? {
            bail!("it has ended ({status})");
        }
        thread::sleep(Duration::from_millis(1));
    }
}

/// The unit of Linux's accounts: a hundredth of a second on every processor in use.
const TICK_MS: f64 = 10.0;

/// What the processes of a group have used together; no numbers (`NaN`) where the system has no `/proc`.
#[derive(Debug, Clone, Copy)]
pub struct Usage {
    /// Of the processor, in user mode and in the kernel, in milliseconds; with the resolution of a tick.
    pub processor_ms: f64,
    /// Memory that is resident now, in MiB.
    pub resident: f64,
    /// The sum of the most that each process has had resident, in MiB.
    pub peak: f64,
}

impl Usage {
    fn all(value: f64) -> Self {
        Self {
            processor_ms: value,
            resident: value,
            peak: value,
        }
    }

    fn of_group(group: u32) -> Self {
        let mut usage = None;
        for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
            // Most entries are other processes, and some of them end meanwhile.
            let read = |file| fs::read_to_string(entry.path().join(file)).unwrap_or_default();
            let Some((_, ticks)) = group_and_ticks(&read("stat")).filter(|(its, _)| *its == group)
            else {
                continue;
            };
            let status = read("status");
            let usage = usage.get_or_insert(Self::all(0.0));
            usage.processor_ms += ticks as f64 * TICK_MS;
            usage.resident += mebibytes(&status, "VmRSS:").unwrap_or_default();
            usage.peak += mebibytes(&status, "VmHWM:").unwrap_or_default();
        }
        usage.unwrap_or(Self::all(f64::NAN))
    }
}

/// A process's group, and its time in user mode and in the kernel, in ticks: fields 5, 14 and 15 of `/proc/PID/stat`.
fn group_and_ticks(stat: &str) -> Option<(u32, u64)> {
    // The program's name may hold spaces and brackets; nothing after it does.
    let (_, after_name) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = after_name.split_ascii_whitespace().collect();
    let number = |field: usize| fields.get(field - 3)?.parse::<u64>().ok();
    let group = u32::try_from(number(5)?).ok()?;
    Some((group, number(14)? + number(15)?))
}

/// A line of `/proc/PID/status` that is a number of kibibytes, in MiB.
fn mebibytes(status: &str, name: &str) -> Option<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    let kibibytes: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes / 1024.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_of_linux_are_read() {
        let stat = "4711 (a) b (c)) S 1 4700 4700 0 -1 4194560 9 8 7 6 250 50 3 2 20 0 4 0 99 1 2";
        assert_eq!(group_and_ticks(stat), Some((4700, 300)));
        assert_eq!(group_and_ticks("4711 (cut) S 1 2"), None);
        let status = "Name:\tVmRSS: no\nVmHWM:\t   2048 kB\nVmRSS:\t    1024 kB\n";
        assert_eq!(mebibytes(status, "VmRSS:"), Some(1.0));
        assert_eq!(mebibytes(status, "VmSwap:"), None);
    }

    #[test]
    fn the_peers_library_is_pinned_and_comes_from_npm() {
        let package = include_str!("../../peer/package.json");
        let (_, version) = package.split_once("\"jose\": \"").unwrap();
        let (version, _) = version.split_once('"').unwrap();
        let is_exact = version.split('.').all(|part| part.parse::<u32>().is_ok());
        assert!(is_exact, "{version}");
        let lock = include_str!("../../peer/package-lock.json");
        for line in lock.lines().filter(|line| line.contains("\"resolved\"")) {
            assert!(line.contains("\"https://registry.npmjs.org/"), "{line}");
        }
    }
}
