//! The browser for the tests that need one: found, on Debian as root installed, otherwise left out where that is allowed.

use std::env;
use std::path::PathBuf;

use anyhow::{Result, bail};

use crate::os::process::Interrupted;
use crate::os::programs::{can_install, find, install};
use crate::os::report;

/// What tells the tests in a browser which Chromium to start.
pub const VARIABLE: &str = "JAAS_TEST_CHROMIUM";

pub const PACKAGE: &str = "browser-tests";

/// Chromium on `PATH`, by the names that it has; Google's Chrome is another build of the same.
const NAMES: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];

/// Drives it.
const DRIVER: &str = "chromedriver";

/// Debian's packages: the two programs, and for the pictures a font that has Chinese characters.
const PACKAGES: [&str; 3] = ["chromium", "chromium-driver", "fonts-droid-fallback"];

/// What to install by hand.
const NEEDED: &str = "`chromium` and `chromedriver` are not both on PATH: install them (Debian's packages chromium and chromium-driver)";

/// Whether the tests in a browser may be left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Never: CI.
    Always,
    IfPossible,
    /// Where it is not there already: other tests were chosen.
    IfThere,
}

impl Need {
    /// What holds for a run of the tests; `chosen` when its caller chose among them. `CI` in the environment, which CI
    /// systems set, is never to be shown less than everything.
    pub fn of_run(chosen: bool) -> Self {
        Self::of(chosen, env::var_os("CI").is_some_and(|ci| !ci.is_empty()))
    }

    /// What was installed; where it was not, and is not needed in any case, `left_out` is said.
    ///
    /// # Errors
    /// It is needed in any case; [`Interrupted`] when the user ended the installation.
    pub fn or_left_out<T>(self, installed: Result<T>, left_out: &str) -> Result<Option<T>> {
        match installed {
            Ok(found) => Ok(Some(found)),
            Err(error) if error.is::<Interrupted>() || self == Self::Always => Err(error),
            Err(error) => {
                report::step(&format!("warning: {error:#}; {left_out}"));
                Ok(None)
            }
        }
    }

    fn of(chosen: bool, ci: bool) -> Self {
        match (chosen, ci) {
            (true, _) => Self::IfThere,
            (false, true) => Self::Always,
            (false, false) => Self::IfPossible,
        }
    }
}

/// The whole path of Chromium where it and its driver are there or can be installed; `None`: the tests that need it are left out.
///
/// # Errors
/// It is needed in any case and cannot be installed; [`Interrupted`] when the user ends the installation.
pub fn require(need: Need) -> Result<Option<PathBuf>> {
    if let Some(path) = chromium() {
        return Ok(Some(path));
    }
    if need != Need::IfThere && can_install() {
        report::step("Installing Debian's packages of Chromium (a minute or two) …");
        need.or_left_out(install(&PACKAGES), "there is no Chromium")?;
        if let Some(path) = chromium() {
            return Ok(Some(path));
        }
    }
    if need == Need::Always {
        bail!("{NEEDED}")
    }
    Ok(None)
}

/// Says that the tests in a browser are left out, and what runs them.
pub fn tell_left_out() {
    report::step(&format!("SKIPPED: the tests in a browser. {NEEDED}"));
}

/// Chromium, if it and its driver are there.
fn chromium() -> Option<PathBuf> {
    find(DRIVER)?;
    NAMES.iter().find_map(|name| find(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ci_leaves_nothing_out_unless_told_what_to_run() {
        for (chosen, ci, need) in [
            (false, true, Need::Always),
            (false, false, Need::IfPossible),
            (true, true, Need::IfThere),
            (true, false, Need::IfThere),
        ] {
            assert_eq!(Need::of(chosen, ci), need, "{chosen} {ci}");
        }
    }
}
