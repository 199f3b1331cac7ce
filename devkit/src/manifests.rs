//! Checks the manifests of `deploy/` and the workflows of `.github/`, by `deploy/check/check.py`.
//!
//! Its libraries and kubectl come from PyPI into a virtual environment below `target`, at the versions and with the
//! checksums of `deploy/check/requirements.txt`. Where they cannot be had, that is said and nothing is checked, except in
//! CI (the variable `CI` is set), where it is an error.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::process::{self, Interrupted, Stop};
use crate::programs::{self, PYTHON};
use crate::project::{Project, shown, write_whole};
use crate::report;

/// The libraries, each with its version and checksums.
const REQUIREMENTS: &str = include_str!("../../deploy/check/requirements.txt");

/// How long the download may take.
const INSTALL_LIMIT: Duration = Duration::from_secs(300);

/// How long the check may take; it takes seconds.
const CHECK_LIMIT: Duration = Duration::from_secs(300);

/// Names SpinKube's definition of a SpinApp where it is not in `../shared/schemas/spinapps-crd.yaml`.
pub const DEFINITION_VARIABLE: &str = "SPINAPP_CRD";

/// Debian's package without which Python makes no virtual environments.
const DEBIAN_VENV: &str = "python3-venv";

/// Checks the manifests and the workflows.
///
/// # Errors
/// One is wrong, as the lines above say; or, in CI, the tools cannot be had.
pub fn check(project: &Project, stop: &Stop) -> Result<()> {
    let python = match Tools::new(project).provide(stop) {
        Ok(python) => python,
        Err(error) if error.is::<Interrupted>() => return Err(error),
        Err(error) => {
            let missing = error.context("the manifests and workflows cannot be checked");
            ensure!(!in_ci(), missing);
            report::step(&format!("skipped: {missing:#}"));
            return Ok(());
        }
    };
    report::step("Checking the manifests of deploy/ and the workflows …");
    let mut command = Command::new(python);
    command
        .arg(project.root().join("deploy/check/check.py"))
        .arg("--root")
        .arg(project.root());
    if let Some(definition) = definition(project) {
        command.arg("--crd").arg(definition);
    }
    let status =
        process::run_for(&mut command, CHECK_LIMIT, stop)?.context("the check takes too long")?;
    ensure!(
        status.success(),
        "a manifest or a workflow is wrong; what is stands above"
    );
    Ok(())
}

/// SpinKube's definition of a SpinApp, which is not the project's to copy: beside the project, or where
/// [`DEFINITION_VARIABLE`] says.
fn definition(project: &Project) -> Option<PathBuf> {
    if let Some(path) = env::var_os(DEFINITION_VARIABLE).filter(|path| !path.is_empty()) {
        return Some(path.into());
    }
    let path = project.root().join("../shared/schemas/spinapps-crd.yaml");
    path.is_file().then_some(path)
}

fn in_ci() -> bool {
    env::var_os("CI").is_some_and(|value| !value.is_empty() && value != "false")
}

/// The virtual environment.
struct Tools {
    folder: PathBuf,
}

impl Tools {
    fn new(project: &Project) -> Self {
        Self {
            folder: project.target_dir().join("manifest-tools"),
        }
    }

    fn python(&self) -> PathBuf {
        let name = if cfg!(windows) {
            "Scripts/python.exe"
        } else {
            "bin/python"
        };
        self.folder.join(name)
    }

    /// Written when everything is in its place.
    fn stamp(&self) -> PathBuf {
        self.folder.join("installed")
    }

    fn is_installed(&self) -> bool {
        self.python().is_file()
            && fs::read_to_string(self.stamp()).is_ok_and(|installed| installed == REQUIREMENTS)
    }

    /// Finds the Python with everything that the check needs, or makes it.
    fn provide(&self, stop: &Stop) -> Result<PathBuf> {
        if self.is_installed() {
            return Ok(self.python());
        }
        let python = programs::require(PYTHON, stop)?;
        report::step(
            "Fetching what checks the manifests: kubectl, Kubernetes' schemas, linters (a download of some 55 MB) …",
        );
        if !self.make(&python, stop)? && programs::can_install() {
            programs::install(&[DEBIAN_VENV], stop)?;
            self.make(&python, stop)?;
        }
        ensure!(
            self.python().is_file(),
            "{} makes no virtual environment: install Debian's package {DEBIAN_VENV}",
            PYTHON.name
        );
        let list = self.folder.join("requirements.txt");
        write_whole(&list, REQUIREMENTS.as_bytes())?;
        let mut pip = Command::new(self.python());
        pip.args(["-m", "pip", "install", "--quiet", "--no-input"])
            .args(["--disable-pip-version-check", "--no-deps"])
            // Nothing is built here, and nothing taken that the list does not know.
            .args([
                "--only-binary",
                ":all:",
                "--require-hashes",
                "--requirement",
            ])
            .arg(&list);
        let installed =
            process::run_for(&mut pip, INSTALL_LIMIT, stop)?.is_some_and(|status| status.success());
        ensure!(
            installed,
            "pip cannot fetch what {} lists (it needs Python 3.11 or newer and PyPI)",
            shown(&list)
        );
        write_whole(&self.stamp(), REQUIREMENTS.as_bytes())?;
        Ok(self.python())
    }

    /// Makes the environment, empty; whether that went well.
    fn make(&self, python: &Path, stop: &Stop) -> Result<bool> {
        let mut command = Command::new(python);
        command.args(["-m", "venv", "--clear"]).arg(&self.folder);
        Ok(process::run(&mut command, stop)?.success())
    }
}
