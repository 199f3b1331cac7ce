//! External programs: found on `PATH`, installed if this is Debian and the user is root, otherwise named in an error.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use crate::os::process;
use crate::os::report;

#[derive(Debug, Clone, Copy)]
pub struct Program {
    /// The name on `PATH`.
    pub name: &'static str,
    /// The Debian package.
    pub package: &'static str,
}

impl Program {
    pub const fn new(name: &'static str, package: &'static str) -> Self {
        Self { name, package }
    }
}

pub const OPENSSL: Program = Program::new("openssl", "openssl");

/// Generates keys in OpenSSH's own PEM formats.
pub const SSH_KEYGEN: Program = Program::new("ssh-keygen", "openssh-client");

/// Runs the examples of `docs/auth.md`.
pub const NODE: Program = Program::new("node", "nodejs");

/// Installs JavaScript programs: Binaryen, TypeScript, the benchmark's peer.
pub const NPM: Program = Program::new("npm", "npm");

/// Runs the examples of `docs/auth.md`, and Schemathesis.
pub const PYTHON: Program = Program::new("python3", "python3");

/// Reverse proxies whose example configurations the tests check.
pub const PROXIES: [Program; 2] = [
    Program::new("caddy", "caddy"),
    Program::new("nginx", "nginx"),
];

/// Spin, which is in no package registry.
pub const SPIN: &str = "spin";

/// Returns the full path of a program on `PATH`.
pub fn find(name: &str) -> Option<PathBuf> {
    which::which(name).ok()
}

/// Finds a program, or installs it if possible.
///
/// # Errors
/// Fails if the program is missing and cannot be installed. The message says what to install.
pub fn require(program: Program) -> Result<PathBuf> {
    let name = format!("`{}`", program.name);
    provide(&name, &[program.package], "a few seconds", || {
        find(program.name)
    })
}

/// Returns the result of `found`, after installing Debian packages if there is none. `time` is the expected duration.
///
/// # Errors
/// Fails if there is still no result, or the packages cannot be installed. The message says what to install.
pub fn provide<T>(
    name: &str,
    packages: &[&str],
    time: &str,
    found: impl Fn() -> Option<T>,
) -> Result<T> {
    if let Some(found) = found() {
        return Ok(found);
    }
    if is_root() && Path::new("/etc/debian_version").exists() && find("apt-get").is_some() {
        report::step(&format!(
            "Installing Debian's packages for {name} ({time}) …"
        ));
        let packages = [&["install", "--yes", "--no-install-recommends"], packages].concat();
        apt_get(&packages, Path::new("/"))?;
        if let Some(found) = found() {
            return Ok(found);
        }
    }
    bail!(
        "{name} is needed and not there: install it (Debian's packages {})",
        packages.join(" and ")
    )
}

#[cfg(unix)]
fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

#[cfg(not(unix))]
fn is_root() -> bool {
    false
}

/// Unpacks a Debian package below `folder` without installing it, because installing a server's package starts the server.
pub fn unpack(program: Program, folder: &Path) -> Result<()> {
    let package = program.package;
    let folder = folder.join(package);
    if find(program.name).is_some() || folder.join("usr").is_dir() {
        return Ok(());
    }
    find("apt-get").context("this is not Debian")?;
    report::step(&format!(
        "Downloading Debian's package {package} (a few seconds) …"
    ));
    fs::create_dir_all(&folder)?;
    apt_get(&["download", package], &folder)?;
    for entry in fs::read_dir(&folder)? {
        let file = entry?.path();
        if file.extension().is_some_and(|end| end == "deb") {
            let mut unpack = Command::new("dpkg-deb");
            unpack.arg("--extract").arg(file).arg(&folder);
            process::run_checked(&mut unpack, "a package was not unpacked")?;
        }
    }
    Ok(())
}

/// Runs apt-get without questions, waiting for the package system's lock. Updates the package lists only if the first
/// attempt fails.
fn apt_get(arguments: &[&str], folder: &Path) -> Result<()> {
    let run = |arguments: &[&str]| {
        let mut command = Command::new("apt-get");
        command
            .env("DEBIAN_FRONTEND", "noninteractive")
            .args(["--quiet", "--option", "DPkg::Lock::Timeout=120"])
            .args(["--option", "Dpkg::Use-Pty=0"])
            .args(arguments)
            .current_dir(folder);
        process::run(&mut command).map(|status| status.success())
    };
    let mut done = run(arguments)?;
    if !done && is_root() {
        report::step("apt-get failed; trying again with fresh package lists …");
        done = run(&["update"])? && run(arguments)?;
    }
    ensure!(
        done,
        "apt-get {} failed; its own message is above",
        arguments.join(" ")
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_is_not_on_the_path_is_not_found() {
        assert_eq!(find("no-such-program-anywhere"), None);
    }
}
