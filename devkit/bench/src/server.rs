//! The servers to measure: each build of the component with each signing engine and key, and the peer.

use std::env;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::rc::Rc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use devkit::build::artifact::{self, Variant};
use devkit::build::{component, program};
use devkit::os::package::{Package, Source};
use devkit::os::process::{Running, check_stop, stdout_of};
use devkit::os::programs::{self, NODE, NPM, OPENSSL, SPIN};
use devkit::os::project::{Project, shown, write_atomic};
use devkit::os::report;
use devkit::serve::host::{Host, free_address};
use devkit_spin_app::{PREFIX, environment_name};

use crate::usage::Usage;

/// The key lengths to measure. What does not depend on the key is measured only with the first.
pub const BITS: [u16; 3] = [2048, 3072, 4096];

/// The signing engines: the suffix of the server's name, and the value of `signing_engine`.
pub const ENGINES: [(&str, &str); 2] = [("", "jwt-simple"), ("-rs256", "rs256")];

/// How long to wait for the first token: Spin compiles the component at each start.
const START_LIMIT: Duration = Duration::from_secs(120);

/// A kind of server, to be started with any key.
pub struct Kind {
    /// The name in the tables.
    name: String,
    /// The component's size in KiB.
    size: f64,
    engine: &'static str,
    /// Returns the command that serves at an address.
    command: Rc<dyn Fn(SocketAddr) -> Command>,
}

/// Returns the folder for the files of a run.
fn folder(project: &Project) -> PathBuf {
    project.target_dir().join("bench")
}

/// Builds and installs everything to measure.
///
/// # Errors
/// Fails if something cannot be built or installed.
pub fn kinds(project: &Project, host: Host, with_peer: bool) -> Result<Vec<Kind>> {
    let program = host.program(project, program::MEASURED)?;
    let mut kinds = Vec::new();
    for (build, component) in builds(project, host)? {
        let component = fs::read(&component).with_context(|| shown(&component))?;
        let folder = folder(project).join(build);
        let command = command(project, host, program.clone(), &folder, &component)?;
        kinds.extend(ENGINES.map(|(ending, engine)| Kind {
            name: format!("{build}{ending}"),
            size: component.len() as f64 / 1024.0,
            engine,
            command: command.clone(),
        }));
    }
    if with_peer {
        kinds.push(peer(project)?);
    }
    Ok(kinds)
}

/// Builds the variants of the component that the host supports. Returns their names in the tables and their files.
fn builds(project: &Project, host: Host) -> Result<Vec<(&'static str, PathBuf)>> {
    let portable = component::build(project, Variant::Portable)?;
    let mut builds = vec![("plain", artifact::plain(project)), ("portable", portable)];
    if host == Host::Spin {
        report::step("The wide build is left out: no released Spin takes it.");
    } else {
        builds.push(("wide", component::build(project, Variant::Wide)?));
    }
    let spin = || stdout_of(Command::new(SPIN).arg("--version")).unwrap_or_default();
    if host == Host::Spin && !has_wasi_3(&spin()) {
        report::step("The build for WASI 0.3 is left out: it needs Spin 4.1 or newer.");
    } else {
        let built = component::build(project, Variant::P3)?;
        builds.push(("portable (WASI 0.3)", built));
    }
    Ok(builds)
}

/// Returns whether this version of Spin supports WASI 0.3.
fn has_wasi_3(version: &str) -> bool {
    let number = version.split_whitespace().nth(1).unwrap_or_default();
    let mut parts = number.split('.').map_while(|part| part.parse::<u32>().ok());
    (parts.next(), parts.next()) >= (Some(4), Some(1))
}

/// Returns the command that serves the component, after copying it and a manifest to the folder.
fn command(
    project: &Project,
    host: Host,
    program: PathBuf,
    folder: &Path,
    component: &[u8],
) -> Result<Rc<dyn Fn(SocketAddr) -> Command>> {
    let manifest = folder.join("spin.toml");
    // Where the manifest expects the component.
    let place = Variant::Portable.artifact(project);
    let file = folder.join(place.strip_prefix(project.root())?);
    write_atomic(&file, component)?;
    write_atomic(&manifest, &fs::read(project.manifest())?)?;
    Ok(Rc::new(move |at| {
        let mut command = host.command(&program, &manifest, at);
        if host == Host::Embedded {
            // The host rejects wide arithmetic in the manifest's component, as Spin does.
            command.arg("--component").arg(&file);
        }
        command
    }))
}

/// Installs the peer's library if necessary, and returns the service on Node.
fn peer(project: &Project) -> Result<Kind> {
    let node = programs::require(NODE)?;
    let package = Package {
        name: "jose",
        about: "the peer's library",
        folder: folder(project).join("peer"),
        source: Source::Npm(include_str!("../../peer/package.json")),
        lock: include_str!("../../peer/package-lock.json"),
        program: "node_modules/jose/package.json",
    };
    if package.installed().is_none() {
        programs::require(NPM)?;
    }
    package.provide()?;
    // Node looks for the library beside the program.
    let program = package.folder.join("server.mjs");
    write_atomic(&program, include_bytes!("../../peer/server.mjs"))?;
    Ok(Kind {
        name: "node-jose".to_owned(),
        size: f64::NAN,
        engine: "",
        command: Rc::new(move |at| {
            let mut command = Command::new(&node);
            command.arg(&program).arg(at.port().to_string());
            command
        }),
    })
}

/// Generates a key of this length, in PEM.
pub fn throw_away_key(bits: u16) -> Result<String> {
    let size = format!("rsa_keygen_bits:{bits}");
    let mut openssl = Command::new(programs::require(OPENSSL)?);
    openssl.args(["genpkey", "-algorithm", "RSA", "-pkeyopt", &size]);
    stdout_of(&mut openssl).context("openssl makes no key")
}

/// A running server, which is stopped on drop.
pub struct Server {
    /// The name in the tables.
    pub name: String,
    /// The component's size in KiB.
    pub size: f64,
    /// The length of the key.
    pub bits: u16,
    pub address: SocketAddr,
    /// The time from the start to the first token.
    pub first_token: Duration,
    running: Running,
}

impl Server {
    /// Starts a server and waits for its first token.
    ///
    /// # Errors
    /// Fails if there is no token. The message contains the last line of the server's output.
    pub fn start(project: &Project, kind: &Kind, bits: u16, key: &str) -> Result<Self> {
        let address = free_address(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), "--listen")?;
        let mut command = (kind.command)(address);
        for (name, _) in env::vars_os() {
            if name.to_string_lossy().starts_with(PREFIX) {
                command.env_remove(name);
            }
        }
        let app_id = format!("vpaas-magic-cookie-{}", "0".repeat(32));
        for (name, value) in [
            ("jaas_app_id", &*app_id),
            ("jaas_key_id", &format!("{app_id}/000000")),
            ("jaas_private_key", key),
            ("signing_engine", kind.engine),
        ] {
            command.env(environment_name(name), value);
        }
        // A folder without a `.env` file.
        let folder = folder(project);
        // To a file: a terminal is too slow for a line per token, and the wait would be measured.
        let log = folder.join(format!("{}-{bits}.log", kind.name));
        let file =
            File::create(&log).with_context(|| format!("{} cannot be written", shown(&log)))?;
        command.current_dir(folder).stdout(file.try_clone()?);
        let start = Instant::now();
        let mut running = Running::start(command.stderr(file))?;
        let first_token = first_token(address, start, &mut running).with_context(|| {
            let written = fs::read_to_string(&log).unwrap_or_default();
            let last = written.trim_end().lines().last().unwrap_or("no message");
            format!("{} does not serve ({last})", kind.name)
        })?;
        Ok(Self {
            name: kind.name.clone(),
            size: kind.size,
            bits,
            address,
            first_token,
            running,
        })
    }

    /// Returns the server's resource usage so far.
    pub fn usage(&self) -> Option<Usage> {
        Usage::of_group(self.running.id())
    }
}

/// Sends requests until there is a response, which must contain a token.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spin_has_wasi_3_since_4_1() {
        for (version, expected) in [
            ("spin 4.1.0 (9f1a2b3 2026-08-26)\n", true),
            ("spin 4.10.2", true),
            ("spin 5.0.0-pre0", true),
            ("spin 4.0.2 (9f1a2b3 2026-06-01)", false),
            ("spin 3.6.3", false),
            ("spin 4", false),
            ("", false),
        ] {
            assert_eq!(has_wasi_3(version), expected, "{version}");
        }
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
