//! The peer: the same service in JavaScript, on Node with the library `jose`, for scale.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::process::{self, Stop};
use crate::programs::{self, NODE, NPM};
use crate::project::{Project, shown};
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
        let source = project.root().join("devkit/peer");
        let folder = super::folder(project).join("peer");
        fs::create_dir_all(&folder)
            .with_context(|| format!("{} cannot be made", shown(&folder)))?;
        let installed = folder.join("node_modules/jose/package.json").exists();
        let mut fresh = installed;
        for name in ["package.json", "package-lock.json", "server.mjs"] {
            let read = |path: PathBuf| {
                fs::read(&path).with_context(|| format!("{} cannot be read", shown(&path)))
            };
            let content = read(source.join(name))?;
            let copy = folder.join(name);
            if fs::read(&copy).is_ok_and(|there| there == content) {
                continue;
            }
            fresh &= name == "server.mjs";
            fs::write(&copy, content)
                .with_context(|| format!("{} cannot be written", shown(&copy)))?;
        }
        if !fresh {
            let npm = programs::require(NPM, stop)?;
            report::step("Installing the peer's library by npm (a few seconds) …");
            let mut command = Command::new(npm);
            command
                .args([
                    "ci",
                    "--ignore-scripts",
                    "--no-audit",
                    "--no-fund",
                    "--silent",
                ])
                .current_dir(&folder);
            let status = process::run(&mut command, stop)?;
            ensure!(
                status.success(),
                "npm cannot install the peer's library ({status})"
            );
        }
        Ok(Self {
            node,
            program: folder.join("server.mjs"),
        })
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
