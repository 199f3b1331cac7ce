//! Installs programs from npm and PyPI below `target`, with the versions and checksums of a lock file.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::os::process;
use crate::os::programs::{self, NPM, PYTHON};
use crate::os::project::write_atomic;
use crate::os::report;

const LIMIT: Duration = Duration::from_secs(300);

/// The folder of a Python virtual environment that contains its programs.
const PYTHON_PROGRAMS: &str = if cfg!(windows) { "Scripts" } else { "bin" };

/// A package to install.
#[derive(Debug, Clone)]
pub struct Package {
    pub name: &'static str,
    /// Its purpose and size, for the progress message.
    pub about: &'static str,
    /// The folder to install into, used for nothing else.
    pub folder: PathBuf,
    pub source: Source,
    /// The text of the lock file.
    pub lock: &'static str,
    /// The program's path in the folder. For a library, a file that exists once it is installed.
    pub program: &'static str,
}

#[derive(Debug, Clone, Copy)]
pub enum Source {
    /// npm, with the text of a `package.json`; the lock file is a `package-lock.json`.
    Npm(&'static str),
    /// PyPI; the lock file is a `requirements.txt`.
    PyPi,
}

impl Package {
    /// Returns the program's path if it is installed from this lock file.
    pub fn installed(&self) -> Option<PathBuf> {
        let program = self.folder.join(self.program);
        let lock = fs::read_to_string(self.stamp()).ok()?;
        (lock == self.lock && program.is_file()).then_some(program)
    }

    /// Returns the program's path, after installing it if necessary.
    pub fn provide(&self) -> Result<PathBuf> {
        if let Some(program) = self.installed() {
            return Ok(program);
        }
        let _ = fs::remove_file(self.stamp());
        let (mut install, by) = match self.source {
            Source::Npm(manifest) => (self.npm(manifest)?, "npm"),
            Source::PyPi => (self.pip()?, "pip"),
        };
        report::step(&format!("Fetching {}, {} …", self.name, self.about));
        let ended = process::run_for(install.stdout(Stdio::null()), LIMIT)?;
        let succeeded = ended.is_some_and(|status| status.success());
        ensure!(succeeded, "{by} cannot fetch {}", self.name);
        write_atomic(&self.stamp(), self.lock.as_bytes())?;
        self.installed()
            .with_context(|| format!("{} has no {}", self.name, self.program))
    }

    /// Returns the path of a copy of the lock file, which is written after a successful installation.
    fn stamp(&self) -> PathBuf {
        self.folder.join("installed")
    }

    fn npm(&self, manifest: &str) -> Result<Command> {
        let found = programs::find(NPM.name).and(programs::find(programs::NODE.name));
        found.context("node and npm are not both on PATH")?;
        write_atomic(&self.folder.join("package.json"), manifest.as_bytes())?;
        write_atomic(&self.folder.join("package-lock.json"), self.lock.as_bytes())?;
        let mut npm = Command::new(NPM.name);
        npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
            .args(["--loglevel", "error", "--fetch-retries", "1"])
            // Suppresses npm's notices about newer versions of itself.
            .arg("--no-update-notifier")
            .current_dir(&self.folder);
        Ok(npm)
    }

    fn pip(&self) -> Result<Command> {
        let python = || {
            let mut python = Command::new(PYTHON.name);
            // On Debian, `ensurepip` and `venv` are in a separate package.
            process::stdout_of(python.args(["-c", "import ensurepip, venv"]))
        };
        programs::provide(
            "python3 with venv",
            &["python3-venv"],
            "a few seconds",
            python,
        )?;
        let mut venv = Command::new(PYTHON.name);
        venv.args(["-m", "venv", "--clear"]).arg(&self.folder);
        process::run_checked(&mut venv, "there is no virtual environment of Python")?;
        let list = self.folder.join("requirements.txt");
        write_atomic(&list, self.lock.as_bytes())?;
        let mut pip = Command::new(self.folder.join(PYTHON_PROGRAMS).join("python"));
        // Builds nothing, and installs only what the list contains.
        pip.args(["-m", "pip", "install", "--quiet", "--no-input"])
            .args(["--disable-pip-version-check", "--no-deps", "--only-binary"])
            .args([":all:", "--require-hashes", "--requirement"])
            .arg(&list);
        Ok(pip)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn what_is_there_as_the_lock_file_wants_it_is_not_fetched() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/package-tests");
        let package = |lock| Package {
            name: "a package",
            about: "that no registry has",
            folder: folder.clone(),
            source: Source::Npm("no JSON"),
            lock,
            program: "program",
        };
        let there = package("lock");
        write_atomic(&folder.join("program"), b"").expect("a file");
        write_atomic(&there.stamp(), b"lock").expect("a file");
        assert_eq!(there.provide().ok(), Some(folder.join("program")));
        assert_eq!(package("another lock").installed(), None);
        fs::remove_file(folder.join("program")).expect("it is there");
        assert_eq!(there.installed(), None);
    }
}
