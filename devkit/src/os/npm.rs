//! A program that npm brings below `target`, at the version and with the checksum of a lock file.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};

use crate::os::process;
use crate::os::programs::NPM;
use crate::os::project::write_whole;

const INSTALL_LIMIT: Duration = Duration::from_secs(180);

/// What npm installs, and where.
#[derive(Debug, Clone)]
pub struct Package {
    /// A folder that is its own.
    pub folder: PathBuf,
    /// The text of `package.json`.
    pub manifest: &'static str,
    /// The text of `package-lock.json`.
    pub lock: &'static str,
    /// The program, or another file that is there when everything is, in the folder.
    pub program: &'static str,
}

impl Package {
    pub fn program(&self) -> PathBuf {
        self.folder.join(self.program)
    }

    /// Written when everything is in its place.
    fn stamp(&self) -> PathBuf {
        self.folder.join("installed")
    }

    /// Whether the program is there, at the version of the lock file.
    pub fn is_installed(&self) -> bool {
        self.program().is_file()
            && fs::read_to_string(self.stamp()).is_ok_and(|lock| lock == self.lock)
    }

    pub fn install(&self) -> Result<()> {
        let _ = fs::remove_file(self.stamp());
        write_whole(&self.folder.join("package.json"), self.manifest.as_bytes())?;
        write_whole(&self.folder.join("package-lock.json"), self.lock.as_bytes())?;
        let mut npm = Command::new(NPM.name);
        npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
            .args(["--loglevel", "error", "--fetch-retries", "1"])
            // No word of newer versions of npm itself.
            .arg("--no-update-notifier")
            .current_dir(&self.folder)
            .stdout(Stdio::null());
        process::run_for(&mut npm, INSTALL_LIMIT)?
            .filter(|status| status.success() && self.program().is_file())
            .context("npm failed")?;
        write_whole(&self.stamp(), self.lock.as_bytes())
    }
}
