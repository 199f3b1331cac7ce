//! Serves the component: builds it, gathers the configuration, starts a host, and ends it again.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use clap::ValueEnum;

use crate::component::Variant;
use crate::process::{self, Interrupted, Running, Stop};
use crate::programs;
use crate::project::{Project, shown};
use crate::report;
use crate::settings::{KeySource, Providers, Settings, of_process, presented, variables};
use crate::toolchain;
use crate::{component, dev_key, env_file};

/// Which host the user wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum HostChoice {
    /// `spin` where it is on PATH, else embedded
    Auto,
    /// `spin up`
    Spin,
    /// Wasmtime, built with the project
    Embedded,
}

/// The host that serves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Host {
    /// Spin's program at this path.
    Spin(PathBuf),
    /// The project's own.
    Embedded,
}

impl Host {
    /// Chooses the host; `spin` is Spin's program where it is on `PATH`.
    ///
    /// # Errors
    /// Spin is wanted and not there, or for a component that it does not take.
    pub fn choose(choice: HostChoice, variant: Variant, spin: Option<PathBuf>) -> Result<Self> {
        match (choice, spin) {
            (HostChoice::Spin, _) if variant == Variant::Wide => Err(programs::no_wide_spin()),
            (HostChoice::Auto, _) if variant == Variant::Wide => Ok(Self::Embedded),
            (HostChoice::Embedded, _) | (HostChoice::Auto, None) => Ok(Self::Embedded),
            (HostChoice::Auto | HostChoice::Spin, Some(path)) => Ok(Self::Spin(path)),
            (HostChoice::Spin, None) => Err(programs::no_spin()),
        }
    }

    /// Builds the host if it is ours, and gives the command that serves.
    fn command(&self, project: &Project, variant: Variant, stop: &Stop) -> Result<Command> {
        let program = match self {
            Self::Spin(path) => path.clone(),
            Self::Embedded => build_embedded(project, stop)?,
        };
        let mut command = self.serving(&program, &project.manifest());
        if variant == Variant::Wide {
            command.arg("--component").arg(project.artifact(variant));
        }
        command
            .arg("--runtime-config-file")
            .arg(project.runtime_config())
            .current_dir(project.root());
        Ok(command)
    }

    /// The command by which `program`, this host, serves what a manifest describes.
    pub(crate) fn serving(&self, program: &Path, manifest: &Path) -> Command {
        let mut command = Command::new(program);
        match self {
            Self::Spin(_) => command.arg("up").arg("--from"),
            Self::Embedded => command.arg("--manifest"),
        };
        command.arg(manifest);
        command
    }
}

/// What to serve, and where.
#[derive(Debug, Clone)]
pub struct Options {
    /// The address; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The host.
    pub host: HostChoice,
    /// A file with settings.
    pub env_file: Option<PathBuf>,
    /// The tool chain that builds the component.
    pub toolchain: toolchain::Choice,
    /// The component that is built and served.
    pub variant: Variant,
}

/// Serves until the user ends it.
///
/// # Errors
/// The settings cannot be read, the address is taken, a build fails, or the host ends by itself. [`Interrupted`] when the
/// user ends it: that is its ordinary end.
pub fn up(project: &Project, options: &Options, stop: &Stop) -> Result<()> {
    let mut service = start(project, options, None, stop)?;
    report::result(&format!(
        "{}{}",
        ready(service.address),
        service.about_the_key()
    ));
    wait_until(&mut [&mut service.server], stop, || false)
}

/// The service, which answers.
pub(crate) struct Service {
    /// What serves it.
    pub(crate) server: Server,
    /// Where it is reached from this machine.
    pub(crate) address: SocketAddr,
    /// The throw-away key's file if that key signs.
    throw_away: Option<PathBuf>,
}

impl Service {
    /// What to know about a throw-away key; empty where there is none.
    pub(crate) fn about_the_key(&self) -> String {
        self.throw_away
            .as_deref()
            .map(about_throw_away)
            .unwrap_or_default()
    }
}

/// A server that runs, and what a person calls it.
pub(crate) struct Server {
    pub(crate) name: &'static str,
    pub(crate) running: Running,
}

/// Builds everything and starts it; returns when it answers. `page` is the origin of a page that has to be allowed.
pub(crate) fn start(
    project: &Project,
    options: &Options,
    page: Option<&str>,
    stop: &Stop,
) -> Result<Service> {
    let mut settings = gather(project, options)?;
    if let Some(origin) = page
        && !settings.allow_origin(origin)
    {
        report::step(&format!(
            "warning: runtime-config.toml gives allowed_origins without {origin}; add it there, or the page is refused"
        ));
    }
    let host = Host::choose(
        options.host,
        options.variant,
        programs::find(programs::SPIN),
    )?;
    let address = free_address(options.listen, "--listen")?;
    component::build(project, options.toolchain, options.variant, stop)?;
    let throw_away = settings.key_source() == KeySource::Nobody;
    if throw_away {
        settings.use_throw_away_key(dev_key::throw_away(project, stop)?);
    }

    let mut command = host.command(project, options.variant, stop)?;
    command
        .arg("--listen")
        .arg(address.to_string())
        .envs(settings.environment());
    if page.is_some() {
        // The host says where the service is: the one link is the page's.
        command.stdout(Stdio::null());
    }
    let server = serve(name(&host), &mut command, address, stop)?;
    Ok(Service {
        server,
        address: reachable(address),
        throw_away: throw_away.then(|| dev_key::default_path(project)),
    })
}

/// Starts a server and waits until it listens at `address`.
pub(crate) fn serve(
    name: &'static str,
    command: &mut Command,
    address: SocketAddr,
    stop: &Stop,
) -> Result<Server> {
    report::step(&format!("Starting {name} …"));
    let mut server = Server {
        name,
        running: Running::start(command)?,
    };
    wait_until(&mut [&mut server], stop, || {
        TcpStream::connect_timeout(&reachable(address), Duration::from_millis(250)).is_ok()
    })?;
    Ok(server)
}

/// Reads every source of settings and tells what is odd about them.
fn gather(project: &Project, options: &Options) -> Result<Settings> {
    let read = |path: &Path| {
        fs::read_to_string(path).with_context(|| format!("{} cannot be read", shown(path)))
    };
    let variables = variables(&read(&project.manifest())?)?;
    let providers = Providers::parse(&read(&project.runtime_config())?)?;
    let entries = match &options.env_file {
        Some(path) => env_file::read(path)?,
        None => Vec::new(),
    };
    let settings = Settings::gather(&variables, providers, of_process, &entries)?;
    for name in settings.unknown() {
        report::step(&format!(
            "warning: {} in the env file is no variable of spin.toml; it is left out",
            presented(name)
        ));
    }
    let dev_vars = project.root().join(".dev.vars");
    if options.env_file.is_none() && dev_vars.exists() {
        let path = shown(&dev_vars);
        report::step(&format!(
            "note: {path} is there and not read; --env-file {path} uses it"
        ));
    }
    match settings.key_source() {
        KeySource::Nobody => {
            report::step("note: no private key is configured; a throw-away key takes its place")
        }
        KeySource::Provider(kind) => {
            report::step(&format!("note: runtime-config.toml has a provider: {kind}"))
        }
        KeySource::Given => {}
    }
    if settings.key_source() != KeySource::Nobody && !settings.missing().is_empty() {
        report::step(&format!(
            "warning: not configured: {}; the host will refuse to start",
            settings.missing().join(", ")
        ));
    }
    Ok(settings)
}

/// Checks that nobody listens at the address yet; gives port 0 a number. `flag` is the one that chooses the address.
pub(crate) fn free_address(listen: SocketAddr, flag: &str) -> Result<SocketAddr> {
    match TcpListener::bind(listen).and_then(|listener| listener.local_addr()) {
        Ok(address) => Ok(address),
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => {
            bail!(
                "{listen} is in use by another program: choose another address with {flag}, such as {}",
                next(listen)
            )
        }
        Err(error) => {
            bail!("{listen} cannot be listened at: {error}; choose another address with {flag}")
        }
    }
}

/// The same address, one port further.
fn next(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip(), address.port().checked_add(1).unwrap_or(3000))
}

/// Where a server that listens at `address` is reached from this machine.
pub(crate) fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

/// Builds the embedded host and gives its path.
pub(crate) fn build_embedded(project: &Project, stop: &Stop) -> Result<PathBuf> {
    build_program(
        project,
        "devkit-host",
        "the embedded host",
        " (the first time this compiles Wasmtime: five to ten minutes on two cores)",
        stop,
    )
}

/// Builds a program of the workspace and gives its path. `first_time` is said where it was never built.
pub(crate) fn build_program(
    project: &Project,
    name: &str,
    shown_as: &str,
    first_time: &str,
    stop: &Stop,
) -> Result<PathBuf> {
    let target_dir = project.native_target_dir();
    let program = target_dir
        .join("debug")
        .join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    let first_time = if program.exists() { "" } else { first_time };
    report::step(&format!("Building {shown_as}{first_time} …"));
    let mut cargo = project.cargo();
    // With the features of the whole workspace, as `cargo test --workspace` builds it: otherwise Wasmtime is compiled
    // once more for the tests.
    cargo
        .args(["build", "--workspace", "--bin", name, "--locked"])
        .arg("--target-dir")
        .arg(&target_dir);
    let status = process::run(cargo.env_remove("CARGO_BUILD_TARGET"), stop)?;
    ensure!(
        status.success(),
        "{shown_as} was not built; cargo's own message is above"
    );
    Ok(program)
}

/// Waits while the servers run until `done`. All end when the user ends it.
pub(crate) fn wait_until(
    servers: &mut [&mut Server],
    stop: &Stop,
    done: impl Fn() -> bool,
) -> Result<()> {
    loop {
        if stop.requested() {
            for server in servers {
                server.running.end();
            }
            return Err(Interrupted.into());
        }
        for server in servers.iter_mut() {
            if let Some(status) = server.running.ended()? {
                bail!(
                    "{} has ended ({status}); its own message is above",
                    server.name
                );
            }
        }
        if done() {
            return Ok(());
        }
        thread::sleep(Duration::from_millis(50));
    }
}

/// What a person calls the host.
fn name(host: &Host) -> &'static str {
    match host {
        Host::Spin(_) => "spin",
        Host::Embedded => "the embedded host",
    }
}

/// What to do now that it listens.
fn ready(address: SocketAddr) -> String {
    let url = format!("http://{address}");
    format!(
        "\nReady. A token:\n\n    curl '{url}/api/jitsi-token?room=my-room'\n\n\
         What is wrong with the configuration, if anything: curl '{url}/healthz'\nCtrl-C ends it.\n"
    )
}

/// What to know while a throw-away key signs, which is in this file.
fn about_throw_away(path: &Path) -> String {
    format!(
        "\nA throw-away key signs these tokens ({}): 8x8 will not accept them.\n\
         Set JAAS_APP_ID, JAAS_KEY_ID and JAAS_PRIVATE_KEY, or name a file with them by --env-file.\n",
        shown(path)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> SocketAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn spin_is_taken_where_it_is_and_is_not_refused() {
        let spin = || Some(PathBuf::from("/bin/spin"));
        for (choice, program, expected) in [
            (HostChoice::Auto, spin(), Host::Spin("/bin/spin".into())),
            (HostChoice::Auto, None, Host::Embedded),
            (HostChoice::Spin, spin(), Host::Spin("/bin/spin".into())),
            (HostChoice::Embedded, spin(), Host::Embedded),
            (HostChoice::Embedded, None, Host::Embedded),
        ] {
            assert_eq!(
                Host::choose(choice, Variant::Portable, program.clone()).expect("a host"),
                expected,
                "{choice:?} {program:?}"
            );
        }
    }

    #[test]
    fn spin_that_is_wanted_and_missing_is_not_replaced() {
        assert!(Host::choose(HostChoice::Spin, Variant::Portable, None).is_err());
    }

    #[test]
    fn spin_is_not_given_a_component_that_it_cannot_load() {
        let spin = || Some(PathBuf::from("/bin/spin"));
        let choose = |choice| Host::choose(choice, Variant::Wide, spin()).ok();
        assert_eq!(choose(HostChoice::Auto), Some(Host::Embedded));
        assert_eq!(choose(HostChoice::Embedded), Some(Host::Embedded));
        assert_eq!(choose(HostChoice::Spin), None);
    }

    #[test]
    fn a_server_on_every_address_is_reached_on_the_loopback() {
        for (listen, reached) in [
            ("127.0.0.1:3000", "127.0.0.1:3000"),
            ("0.0.0.0:80", "127.0.0.1:80"),
            ("[::]:80", "[::1]:80"),
            ("192.0.2.1:80", "192.0.2.1:80"),
        ] {
            assert_eq!(reachable(address(listen)), address(reached), "{listen}");
        }
    }

    #[test]
    fn a_taken_address_is_named_with_another_one() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let taken = listener.local_addr().expect("its address");
        let error = free_address(taken, "--listen")
            .expect_err("it is taken")
            .to_string();
        assert!(
            error.contains(&taken.to_string()) && error.contains("--listen"),
            "{error}"
        );
    }

    #[test]
    fn port_zero_becomes_a_number() {
        assert_ne!(
            free_address(address("127.0.0.1:0"), "--listen")
                .expect("a free port")
                .port(),
            0
        );
    }

    #[test]
    fn the_curl_line_is_ready_to_be_copied() {
        let text = ready(reachable(address("0.0.0.0:3000")));
        assert!(
            text.contains("\n    curl 'http://127.0.0.1:3000/api/jitsi-token?room=my-room'\n"),
            "{text}"
        );
        assert!(about_throw_away(Path::new(".dev/key.pem")).contains("8x8 will not accept"));
    }
}
