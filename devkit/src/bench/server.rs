//! The servers that requests are sent to.

use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use devkit_sampling::{ENGINE_VARIABLE, SECOND_ENGINE};

use crate::process::{Interrupted, Running, Stop};
use crate::project::{Project, shown};
use crate::up::{Host, free_address};

use super::keys::{Key, Keys};
use super::{load, peer};

/// How long a server may take until its first token: Spin compiles the component each time.
const START_LIMIT: Duration = Duration::from_secs(120);

/// Something that issues tokens.
#[derive(Debug, Clone)]
pub struct Kind {
    /// What the tables call it.
    pub name: String,
    /// How it is started.
    pub launch: Launch,
}

/// How a server is started.
#[derive(Debug, Clone)]
pub enum Launch {
    /// A build of the component by a host.
    Component {
        /// The host.
        host: Host,
        /// Its program.
        program: PathBuf,
        /// The manifest. For Spin it names the build.
        manifest: PathBuf,
        /// The build, for the embedded host, which takes all builds by the same engine.
        component: PathBuf,
        /// Whether it signs by the second engine.
        second_engine: bool,
    },
    /// The peer.
    Peer(peer::Peer),
}

/// A server that runs; it ends when this value goes out of scope.
#[derive(Debug)]
pub struct Server {
    /// Where it listens.
    pub address: SocketAddr,
    /// From its start to its first token.
    pub first_token: Duration,
    running: Running,
}

impl Server {
    /// Starts a server and has it give its first token.
    ///
    /// # Errors
    /// It does not; the message has the last line of what it said.
    pub fn start(
        project: &Project,
        kind: &Kind,
        keys: &Keys,
        key: &Key,
        stop: &Stop,
    ) -> Result<Self> {
        let address = free_address(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), "--listen")?;
        let mut command = match &kind.launch {
            Launch::Component {
                host,
                program,
                manifest,
                component,
                second_engine,
            } => {
                let mut command = host.serving(program, manifest);
                if *second_engine {
                    let name = format!("SPIN_VARIABLE_{}", ENGINE_VARIABLE.to_uppercase());
                    command.env(name, SECOND_ENGINE);
                }
                if *host == Host::Embedded {
                    command.arg("--component").arg(component);
                }
                command.arg("--listen").arg(address.to_string());
                command
            }
            Launch::Peer(peer) => peer.serving(address),
        };
        keys.configure_with(key, &mut command)?;
        // A line for each token would fill the terminal, and waiting for it would be measured.
        let log = super::folder(project).join(format!("{}-{}.log", kind.name, key.bits));
        let file =
            File::create(&log).with_context(|| format!("{} cannot be written", shown(&log)))?;
        command.stdout(file.try_clone()?).stderr(file);

        let start = Instant::now();
        let mut running = Running::start(command.current_dir(project.root()))?;
        let alive = || {
            if stop.requested() {
                return Err(Interrupted.into());
            }
            match running.ended()? {
                Some(status) => bail!("it has ended ({status})"),
                None => Ok(()),
            }
        };
        let first_token = load::first_token(address, start, START_LIMIT, alive);
        let first_token = match first_token {
            Err(error) if !error.is::<Interrupted>() => {
                let said = fs::read_to_string(&log).unwrap_or_default();
                let last = said.trim_end().lines().last().unwrap_or("it said nothing");
                return Err(error)
                    .with_context(|| format!("{} does not serve ({last})", kind.name));
            }
            other => other?,
        };
        Ok(Self {
            address,
            first_token,
            running,
        })
    }

    /// The process group that all of it runs in.
    #[must_use]
    pub fn group(&self) -> u32 {
        self.running.id()
    }
}

/// Writes a manifest like the project's, of which the component is another file; gives its path.
///
/// # Errors
/// The manifest cannot be read or written.
pub fn manifest(project: &Project, artifact: &crate::artifacts::Artifact) -> Result<PathBuf> {
    let original = project.manifest();
    let text = fs::read_to_string(&original)
        .with_context(|| format!("{} cannot be read", shown(&original)))?;
    let folder = super::folder(project).join(artifact.build.name());
    fs::create_dir_all(&folder).with_context(|| format!("{} cannot be made", shown(&folder)))?;
    let path = folder.join("spin.toml");
    let text = with_source(&text, &artifact.path.display().to_string())?;
    fs::write(&path, text).with_context(|| format!("{} cannot be written", shown(&path)))?;
    Ok(path)
}

/// The manifest's text with another component.
fn with_source(manifest: &str, path: &str) -> Result<String> {
    let mut replaced = 0;
    let lines: Vec<String> = manifest
        .lines()
        .map(|line| {
            if line.starts_with("source = ") {
                replaced += 1;
                // A string of JSON is one of TOML too.
                format!("source = {}", serde_json::Value::from(path))
            } else {
                line.to_owned()
            }
        })
        .collect();
    if replaced != 1 {
        bail!("spin.toml has {replaced} lines that begin with `source = `, not one");
    }
    Ok(lines.join("\n") + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_source_is_replaced() {
        let manifest = "[component.a]\nsource = \"target/a.wasm\"\nkey = \"source = 1\"\n";
        assert_eq!(
            with_source(manifest, "/somewhere/b c.wasm").unwrap(),
            "[component.a]\nsource = \"/somewhere/b c.wasm\"\nkey = \"source = 1\"\n"
        );
        assert!(with_source("", "b").is_err());
    }

    #[test]
    fn the_projects_manifest_has_one_source() {
        with_source(include_str!("../../../spin.toml"), "b").unwrap();
    }
}
