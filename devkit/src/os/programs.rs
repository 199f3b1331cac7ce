//! Programs that are not part of the project: found, on Debian as root installed, otherwise named.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail, ensure};

use crate::os::process;
use crate::os::report;

#[derive(Debug, Clone, Copy)]
pub struct Program {
    /// Its name on `PATH`.
    pub name: &'static str,
    pub package: &'static str,
}

pub const OPENSSL: Program = Program {
    name: "openssl",
    package: "openssl",
};

/// Makes keys in OpenSSH's own PEM shapes.
pub const SSH_KEYGEN: Program = Program {
    name: "ssh-keygen",
    package: "openssh-client",
};

/// Runs the examples of `docs/auth.md`.
pub const NODE: Program = Program {
    name: "node",
    package: "nodejs",
};

/// Installs what is written in JavaScript: Binaryen, TypeScript, the peer of the bench.
pub const NPM: Program = Program {
    name: "npm",
    package: "npm",
};

/// Runs the examples of `docs/auth.md`, and what checks `docs/openapi.yaml`.
pub const PYTHON: Program = Program {
    name: "python3",
    package: "python3",
};

/// Debian's package that lets [`PYTHON`] make virtual environments.
pub const PYTHON_VENV: &str = "python3-venv";

/// Reverse proxies whose example configurations the tests check.
pub const PROXIES: [Program; 2] = [
    Program {
        name: "caddy",
        package: "caddy",
    },
    Program {
        name: "nginx",
        package: "nginx",
    },
];

/// Spin's own program; in no package registry.
pub const SPIN: &str = "spin";

/// The whole path of a program on `PATH`.
pub fn find(name: &str) -> Option<PathBuf> {
    let file = format!("{name}{}", env::consts::EXE_SUFFIX);
    env::split_paths(&env::var_os("PATH")?)
        .map(|folder| folder.join(&file))
        .find(|path| is_executable(path))
}

/// Whether a file is there that may be run.
pub fn is_executable(path: &Path) -> bool {
    let Ok(metadata) = path.metadata() else {
        return false;
    };
    #[cfg(unix)]
    let runs = std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o111 != 0;
    #[cfg(not(unix))]
    let runs = true;
    metadata.is_file() && runs
}

/// Finds a program, or installs it where this machine lets us.
///
/// # Errors
/// It is not there and cannot be installed: a sentence that says what to install.
pub fn require(program: Program) -> Result<PathBuf> {
    if let Some(path) = find(program.name) {
        return Ok(path);
    }
    if can_install() {
        report::step(&format!(
            "Installing Debian's package {} (a few seconds) …",
            program.package
        ));
        install(&[program.package])?;
        if let Some(path) = find(program.name) {
            return Ok(path);
        }
    }
    bail!(
        "`{}` is needed and not on PATH: install it (Debian's package {})",
        program.name,
        program.package
    )
}

/// Whether packages can be installed here: Debian or a relative of it, as root.
pub fn can_install() -> bool {
    is_root() && Path::new("/etc/debian_version").exists() && find("apt-get").is_some()
}

#[cfg(unix)]
fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

#[cfg(not(unix))]
fn is_root() -> bool {
    false
}

pub fn are_installed(packages: &[&str]) -> bool {
    let mut query = Command::new("dpkg-query");
    query
        .args(["--show", "--showformat", "${db:Status-Status}\n"])
        .args(packages);
    process::printed_by(&mut query).is_some_and(|text| {
        text.lines().filter(|line| *line == "installed").count() == packages.len()
    })
}

/// Installs Debian's packages. The package lists are fetched only where that fails with those that are there.
pub fn install(packages: &[&str]) -> Result<()> {
    let install =
        || apt_get(&[&["install", "--yes", "--no-install-recommends"], packages].concat());
    let mut done = install()?;
    if !done {
        report::step("apt-get failed; trying again with fresh package lists …");
        done = apt_get(&["update"])? && install()?;
    }
    ensure!(
        done,
        "apt-get cannot install {}; its own message is above",
        packages.join(" ")
    );
    Ok(())
}

/// Unpacks a Debian package below `folder`. It is not installed, because the installed package of a server starts it.
pub fn unpack(program: Program, folder: &Path) -> Result<()> {
    let folder = folder.join(program.package);
    if find(program.name).is_some() || folder.join("usr").is_dir() {
        return Ok(());
    }
    ensure!(
        find("apt-get").is_some() && find("dpkg-deb").is_some(),
        "this is not Debian"
    );
    report::step(&format!(
        "Downloading Debian's package {} (a few seconds) …",
        program.package
    ));
    std::fs::create_dir_all(&folder)?;
    let mut download = Command::new("apt-get");
    let download = download
        .args(["--quiet", "download", program.package])
        .current_dir(&folder);
    let mut done = process::run(download)?.success();
    if !done && is_root() {
        done = apt_get(&["update"])? && process::run(download)?.success();
    }
    ensure!(done, "apt-get cannot download {}", program.package);
    for entry in std::fs::read_dir(&folder)? {
        let package = entry?.path();
        if package.extension().is_some_and(|end| end == "deb") {
            let mut unpack = Command::new("dpkg-deb");
            unpack.arg("--extract").arg(package).arg(&folder);
            ensure!(
                process::run(&mut unpack)?.success(),
                "dpkg-deb cannot unpack {}",
                program.package
            );
        }
    }
    Ok(())
}

/// Runs apt-get without questions; waits for another one that runs.
fn apt_get(arguments: &[&str]) -> Result<bool> {
    let mut command = Command::new("apt-get");
    command.env("DEBIAN_FRONTEND", "noninteractive").args([
        "--quiet",
        "--option",
        "DPkg::Lock::Timeout=120",
        "--option",
        "Dpkg::Use-Pty=0",
    ]);
    Ok(process::run(command.args(arguments))?.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_is_not_on_the_path_is_not_found() {
        assert_eq!(find("no-such-program-anywhere"), None);
    }
}
