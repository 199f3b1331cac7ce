//! Schemathesis, which drives the component by `docs/openapi.yaml`: from PyPI, at the versions and with the checksums of
//! `tests/service/contract/requirements.txt`, below `target`.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};

use crate::check::browser::Need;
use crate::os::process;
use crate::os::programs::{self, PYTHON, PYTHON_VENV};
use crate::os::project::{Project, write_whole};
use crate::os::report;

/// What tells the test which program to run.
pub const VARIABLE: &str = "JAAS_TEST_SCHEMATHESIS";

const REQUIREMENTS: &str = include_str!("../../../tests/service/contract/requirements.txt");

const INSTALL_LIMIT: Duration = Duration::from_secs(300);

/// Where a virtual environment has its programs.
const PROGRAMS: &str = if cfg!(windows) { "Scripts" } else { "bin" };

/// The program's path where it is there or can be installed; `None`: its test is left out, which is said.
///
/// # Errors
/// It is needed in any case and cannot be installed; [`Interrupted`](process::Interrupted) when the user ends the installation.
pub fn require(project: &Project, need: Need) -> Result<Option<PathBuf>> {
    let tools = Tools {
        folder: project.target_dir().join("contract-tools"),
    };
    if tools.are_installed() {
        return Ok(Some(tools.program()));
    }
    if need == Need::IfThere {
        return Ok(None);
    }
    report::step("Fetching Schemathesis, which checks docs/openapi.yaml (95 MB below target) …");
    let installed = tools.install().map(|()| tools.program());
    need.or_left_out(installed, "docs/openapi.yaml is not checked")
}

struct Tools {
    folder: PathBuf,
}

impl Tools {
    fn program(&self) -> PathBuf {
        self.folder.join(PROGRAMS).join("schemathesis")
    }

    /// Written when everything is in its place.
    fn stamp(&self) -> PathBuf {
        self.folder.join("installed")
    }

    fn are_installed(&self) -> bool {
        fs::read_to_string(self.stamp()).is_ok_and(|list| list == REQUIREMENTS)
    }

    fn install(&self) -> Result<()> {
        self.make_environment()?;
        let list = self.folder.join("requirements.txt");
        write_whole(&list, REQUIREMENTS.as_bytes())?;
        let mut pip = Command::new(self.folder.join(PROGRAMS).join("python"));
        // Nothing is built here, and nothing taken that the list does not know.
        pip.args(["-m", "pip", "install", "--quiet", "--no-input"])
            .args(["--disable-pip-version-check", "--no-deps", "--only-binary"])
            .args([":all:", "--require-hashes", "--requirement"])
            .arg(&list);
        process::run_for(&mut pip, INSTALL_LIMIT)?
            .filter(|status| status.success())
            .context("pip cannot install Schemathesis; its own message is above")?;
        write_whole(&self.stamp(), REQUIREMENTS.as_bytes())
    }

    fn make_environment(&self) -> Result<()> {
        let make = || {
            let mut python = Command::new(PYTHON.name);
            python
                .args(["-m", "venv", "--clear"])
                .arg(&self.folder)
                .stdout(Stdio::null());
            process::run_for(&mut python, INSTALL_LIMIT)
        };
        let done = |status: Option<std::process::ExitStatus>| status.is_some_and(|s| s.success());
        if done(make()?) {
            return Ok(());
        }
        // Debian's Python makes virtual environments only with another package.
        if programs::can_install() {
            programs::install(&[PYTHON_VENV])?;
            if done(make()?) {
                return Ok(());
            }
        }
        anyhow::bail!("python3 makes no virtual environment (Debian's package {PYTHON_VENV})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_package_is_pinned_by_its_checksum_and_no_registry_is_named() {
        assert!(!REQUIREMENTS.contains("://"));
        let mut packages = 0;
        for package in REQUIREMENTS.split("\n").filter(|line| line.contains("==")) {
            assert!(package.ends_with(" \\"), "{package}");
            packages += 1;
        }
        assert!(packages > 1);
        let input = include_str!("../../../tests/service/contract/requirements.in");
        let pinned = input.lines().last().expect("a line");
        assert!(REQUIREMENTS.contains(&format!("\n{pinned} \\\n    --hash=sha256:")));
    }
}
