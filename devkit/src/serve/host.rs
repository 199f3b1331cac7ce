//! The host that serves the component: Spin if it is installed, otherwise the project's own.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::Duration;

use anyhow::{Result, bail};
use clap::ValueEnum;

use crate::build::artifact::Variant;
use crate::build::program;
use crate::os::process::{self, Running};
use crate::os::programs;
use crate::os::project::Project;
use crate::os::report;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Host {
    /// `spin` where it is on PATH, else embedded
    Auto,
    /// `spin up`
    Spin,
    /// Wasmtime, built with the project
    Embedded,
}

impl Host {
    /// Resolves [`Auto`](Self::Auto) to Spin or the embedded host.
    pub fn choose(self, variant: Variant) -> Result<Self> {
        self.choose_with(variant, programs::find(programs::SPIN).is_some())
    }

    fn choose_with(self, variant: Variant, spin_is_there: bool) -> Result<Self> {
        match self {
            Self::Embedded => Ok(Self::Embedded),
            Self::Spin if variant != Variant::Portable => bail!(
                "Spin serves the component that spin.toml names, the portable one: take --host embedded, or leave --{} out",
                variant.name()
            ),
            Self::Spin if !spin_is_there => bail!(
                "`spin` is not on PATH: install Spin 3 or later (https://spinframework.dev/install), or take --host embedded"
            ),
            Self::Spin => Ok(Self::Spin),
            Self::Auto if spin_is_there && variant == Variant::Portable => Ok(Self::Spin),
            Self::Auto => Ok(Self::Embedded),
        }
    }

    /// Returns the host's name for messages, once the host is chosen.
    pub fn name(self) -> &'static str {
        match self {
            Self::Spin => "spin",
            Self::Auto | Self::Embedded => "the embedded host",
        }
    }

    /// Returns the host's program, after building it by a profile if it is the embedded host.
    pub fn program(self, project: &Project, profile: &str) -> Result<PathBuf> {
        match self {
            Self::Spin => Ok(programs::SPIN.into()),
            Self::Auto | Self::Embedded => program::build_by(
                profile,
                project,
                "devkit-host",
                "the embedded host",
                " (the first time this compiles Wasmtime: some minutes)",
            ),
        }
    }

    /// Returns the command that serves the manifest's application at `listen`. `program` is this host's program.
    pub fn command(self, program: &Path, manifest: &Path, listen: SocketAddr) -> Command {
        let mut command = Command::new(program);
        match self {
            Self::Spin => command.args(["up", "--from"]),
            Self::Auto | Self::Embedded => command.arg("--manifest"),
        };
        command
            .arg(manifest)
            .arg("--listen")
            .arg(listen.to_string());
        command
    }
}

/// A running server and its name for messages.
#[derive(Debug)]
pub struct Server {
    name: &'static str,
    running: Running,
}

impl Server {
    pub fn start(name: &'static str, command: &mut Command) -> Result<Self> {
        report::step(&format!("Starting {name} …"));
        let running = Running::start(command)?;
        Ok(Self { name, running })
    }
}

/// Waits until `done` returns a value. Fails if a server ends or the user interrupts the command.
pub fn wait_for<T>(servers: &mut [&mut Server], done: impl Fn() -> Option<T>) -> Result<T> {
    loop {
        process::check_stop()?;
        for server in servers.iter_mut() {
            if let Some(status) = server.running.ended()? {
                bail!(
                    "{} has ended ({status}); its own message is above",
                    server.name
                );
            }
        }
        if let Some(found) = done() {
            return Ok(found);
        }
        thread::sleep(Duration::from_millis(50));
    }
}

/// Parses an address to listen on: `IP:PORT`, or `PORT`, `:PORT` and `localhost:PORT` for the loopback address.
///
/// # Errors
/// Fails with a message that shows these forms.
pub fn listen_address(text: &str) -> Result<SocketAddr, String> {
    let port = text
        .strip_prefix("localhost:")
        .or_else(|| text.strip_prefix(':'))
        .unwrap_or(text);
    match port.parse::<u16>() {
        Ok(port) => Ok(SocketAddr::from((Ipv4Addr::LOCALHOST, port))),
        Err(_) => text.parse().map_err(|_| {
            "write a port such as 3000, or an IP address and a port such as 127.0.0.1:3000"
                .to_owned()
        }),
    }
}

/// Checks that the address is free, and replaces port 0 by a free port. `flag` is the flag that sets the address.
pub fn free_address(listen: SocketAddr, flag: &str) -> Result<SocketAddr> {
    match TcpListener::bind(listen).and_then(|listener| listener.local_addr()) {
        Ok(address) => Ok(address),
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => {
            let next = SocketAddr::new(listen.ip(), listen.port().checked_add(1).unwrap_or(3000));
            bail!(
                "{listen} is in use by another program: choose another address with {flag}, such as {next}"
            )
        }
        Err(error) => {
            bail!("{listen} cannot be listened at: {error}; choose another address with {flag}")
        }
    }
}

/// Returns the address at which this machine reaches a server that listens on `address`.
pub fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> SocketAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn spin_is_taken_where_it_is_and_takes_the_component_and_is_never_replaced() {
        use Host::{Auto, Embedded, Spin};
        use Variant::{Baseline, Portable, Wide};
        for (wanted, variant, spin_is_there, expected) in [
            (Auto, Portable, true, Some(Spin)),
            (Auto, Portable, false, Some(Embedded)),
            (Auto, Wide, true, Some(Embedded)),
            (Auto, Baseline, true, Some(Embedded)),
            (Spin, Baseline, true, None),
            (Spin, Portable, true, Some(Spin)),
            (Spin, Portable, false, None),
            (Spin, Wide, true, None),
            (Embedded, Portable, true, Some(Embedded)),
            (Embedded, Wide, false, Some(Embedded)),
        ] {
            assert_eq!(
                wanted.choose_with(variant, spin_is_there).ok(),
                expected,
                "{wanted:?} {variant:?} {spin_is_there}"
            );
        }
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
    fn an_address_may_be_as_short_as_its_port() {
        for (text, expected) in [
            ("3000", Some("127.0.0.1:3000")),
            (":3000", Some("127.0.0.1:3000")),
            ("localhost:3000", Some("127.0.0.1:3000")),
            ("0", Some("127.0.0.1:0")),
            ("0.0.0.0:80", Some("0.0.0.0:80")),
            ("[::1]:80", Some("[::1]:80")),
            ("65536", None),
            ("", None),
            (":", None),
            ("localhost", None),
            ("example.org:80", None),
            ("127.0.0.1", None),
        ] {
            let found = listen_address(text);
            assert_eq!(found.ok(), expected.map(address), "{text}");
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
        let free = free_address(address("127.0.0.1:0"), "--listen").expect("a free port");
        assert_ne!(free.port(), 0);
    }
}
