//! The peer: the same service in JavaScript, on Node with the library `jose`, for scale.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use crate::npm::Package;
use crate::process::Stop;
use crate::programs::{self, NODE, NPM};
use crate::project::{Project, write_whole};
use crate::report;

/// What the tables call it.
pub const NAME: &str = "node-jose";

/// The version of `jose`, as the peer's `package.json` pins it.
pub const JOSE: &str = "6.2.18";

/// The peer, ready to be started.
#[derive(Debug, Clone)]
pub struct Peer {
    node: PathBuf,
    program: PathBuf,
}

impl Peer {
    /// Installs the library that the peer signs with, where it is not installed yet.
    ///
    /// # Errors
    /// Node or npm is missing, or npm fails; its own message stands above.
    pub fn provide(project: &Project, stop: &Stop) -> Result<Self> {
        let node = programs::require(NODE, stop)?;
        let package = Package {
            folder: super::folder(project).join("peer"),
            manifest: include_str!("../../peer/package.json"),
            lock: include_str!("../../peer/package-lock.json"),
            program: "node_modules/jose/package.json",
        };
        if !package.is_installed() {
            programs::require(NPM, stop)?;
            report::step("Installing the peer's library by npm (a few seconds) …");
            package
                .install(stop)
                .context("the peer's library cannot be installed")?;
        }
        // Beside the library, where Node looks for it.
        let program = package.folder.join("server.mjs");
        write_whole(&program, include_bytes!("../../peer/server.mjs"))?;
        Ok(Self { node, program })
    }

    /// The command that serves.
    #[must_use]
    pub fn serving(&self, address: SocketAddr) -> Command {
        let mut command = Command::new(&self.node);
        command.arg(&self.program).arg(address.to_string());
        command
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_library_is_pinned_and_its_address_is_npms() {
        let package = include_str!("../../peer/package.json");
        assert!(
            package.contains(&format!("\"jose\": \"{JOSE}\"")),
            "{package}"
        );
        let lock = include_str!("../../peer/package-lock.json");
        for line in lock.lines().filter(|line| line.contains("\"resolved\"")) {
            assert!(line.contains("\"https://registry.npmjs.org/"), "{line}");
        }
    }
}
