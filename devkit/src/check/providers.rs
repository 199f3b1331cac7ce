//! The identity providers that issue tokens in the tests over HTTP: packages from npm, as their makers publish them.

use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::check::browser::Need;
use crate::os::npm::Package;
use crate::os::programs::{self, NPM};
use crate::os::project::Project;
use crate::os::report;

/// What tells the tests where the packages are.
pub const VARIABLE: &str = "JAAS_TEST_PROVIDERS";

const PACKAGE: &str = include_str!("../../../tests/service/providers/package.json");
const LOCK: &str = include_str!("../../../tests/service/providers/package-lock.json");

/// The folder with the packages; `None`: the tests that need them are left out, which is said.
///
/// # Errors
/// They are needed in any case and cannot be installed; [`Interrupted`](crate::os::process::Interrupted) when the user ends the installation.
pub fn install(project: &Project, need: Need) -> Result<Option<PathBuf>> {
    let package = Package {
        folder: project.target_dir().join("providers"),
        manifest: PACKAGE,
        lock: LOCK,
        program: "node_modules/oidc-provider/package.json",
    };
    if package.is_installed() {
        return Ok(Some(package.folder));
    }
    let installed = match programs::find(NPM.name) {
        None => Err(anyhow::anyhow!("npm is not on PATH")),
        Some(_) => {
            report::step("Fetching Better Auth and an OpenID provider (28 MB below target) …");
            package.install()
        }
    };
    let installed = installed.context("the identity providers cannot be installed");
    let folder = installed.map(|()| package.folder);
    need.or_left_out(folder, "SKIPPED: the tests with providers")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_packages_are_pinned_by_their_checksums_and_come_from_npm_alone() {
        let packages = LOCK.matches("\"node_modules/").count();
        assert!(packages > 10, "{packages}");
        assert_eq!(LOCK.matches("\"integrity\": \"sha512-").count(), packages);
        assert!(!LOCK.contains("\"resolved\""));
        assert!(!LOCK.contains("\"hasInstallScript\""));
        assert!(!PACKAGE.contains('^') && !PACKAGE.contains('~'));
    }
}
