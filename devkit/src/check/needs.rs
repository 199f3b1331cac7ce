//! What some tests need: found, or installed if possible; otherwise the tests are skipped if that is allowed.

use std::env;
use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::os::package::{Package, Source};
use crate::os::process::Interrupted;
use crate::os::programs::{self, find};
use crate::os::project::Project;

/// When tests may be skipped because something they need is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Policy {
    /// Never, as in CI.
    Required,
    IfPossible,
    /// If it is not installed already: the caller has selected other tests.
    IfInstalled,
}

impl Policy {
    /// Returns the policy for a run of the tests; `chosen` says whether the caller selected some. CI systems set `CI`: a full
    /// run there must not skip anything.
    pub fn of_run(chosen: bool) -> Self {
        Self::of(chosen, env::var_os("CI").is_some_and(|ci| !ci.is_empty()))
    }

    fn of(chosen: bool, ci: bool) -> Self {
        match (chosen, ci) {
            (true, _) => Self::IfInstalled,
            (false, true) => Self::Required,
            (false, false) => Self::IfPossible,
        }
    }

    /// Returns the program of a package, or `None` if its tests are skipped, which is added to `left_out`.
    ///
    /// # Errors
    /// Fails if the policy requires the package and it cannot be installed, or with [`Interrupted`] if the user interrupts.
    pub fn package(self, package: &Package, left_out: &mut Vec<String>) -> Result<Option<PathBuf>> {
        let installed = || package.installed();
        self.provide(package.name, left_out, installed, || package.provide())
    }

    /// Returns Chromium for the browser tests, under the same rules as [`package`](Self::package).
    pub fn chromium(self, left_out: &mut Vec<String>) -> Result<Option<PathBuf>> {
        // The font has Chinese characters, for the screenshots.
        let packages = ["chromium", "chromium-driver", "fonts-droid-fallback"];
        let name = "Chromium with chromedriver";
        self.provide(name, left_out, chromium, || {
            programs::provide(name, &packages, "a minute or two", chromium)
        })
    }

    fn provide(
        self,
        name: &str,
        left_out: &mut Vec<String>,
        installed: impl Fn() -> Option<PathBuf>,
        provide: impl Fn() -> Result<PathBuf>,
    ) -> Result<Option<PathBuf>> {
        let found = match self {
            Self::IfInstalled => installed().context("`cargo dev test` alone installs it"),
            Self::IfPossible | Self::Required => provide(),
        };
        match found {
            Ok(path) => Ok(Some(path)),
            Err(error) if self == Self::Required || error.is::<Interrupted>() => Err(error),
            Err(error) => {
                left_out.push(format!("what needs {name}: {error:#}"));
                Ok(None)
            }
        }
    }
}

/// Returns Chromium, if it and its driver are on `PATH`. Google Chrome is a build of Chromium.
fn chromium() -> Option<PathBuf> {
    find("chromedriver")?;
    ["chromium", "chromium-browser", "google-chrome"]
        .into_iter()
        .find_map(find)
}

/// Tests the component against `docs/openapi.yaml`.
pub fn schemathesis(project: &Project) -> Package {
    Package {
        name: "Schemathesis",
        about: "which checks docs/openapi.yaml (95 MB below target)",
        folder: project.target_dir().join("contract-tools"),
        source: Source::PyPi,
        lock: include_str!("../../../tests/service/contract/requirements.txt"),
        program: if cfg!(windows) {
            "Scripts/schemathesis.exe"
        } else {
            "bin/schemathesis"
        },
    }
}

/// Real identity providers that issue tokens in the tests over HTTP.
pub fn providers(project: &Project) -> Package {
    Package {
        name: "Better Auth and an OpenID provider",
        about: "which issue tokens in the tests (28 MB below target)",
        folder: project.target_dir().join("providers"),
        source: Source::Npm(include_str!(
            "../../../tests/service/providers/package.json"
        )),
        lock: include_str!("../../../tests/service/providers/package-lock.json"),
        program: "node_modules/oidc-provider/package.json",
    }
}

pub fn typescript(project: &Project) -> Package {
    Package {
        name: "TypeScript",
        about: "which checks types (24 MB below target)",
        folder: project.target_dir().join("typescript"),
        source: Source::Npm(include_str!("../../../web/package.json")),
        lock: include_str!("../../../web/package-lock.json"),
        program: "node_modules/typescript/bin/tsc",
    }
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::*;

    #[test]
    fn ci_leaves_nothing_out_unless_told_what_to_run() {
        for (chosen, ci, policy) in [
            (false, true, Policy::Required),
            (false, false, Policy::IfPossible),
            (true, true, Policy::IfInstalled),
            (true, false, Policy::IfInstalled),
        ] {
            assert_eq!(Policy::of(chosen, ci), policy, "{chosen} {ci}");
        }
    }

    #[test]
    fn what_is_not_there_is_installed_or_left_out_or_an_error() {
        let mut left_out = Vec::new();
        let fails = || Err(anyhow!("no network"));
        for (policy, said) in [
            (Policy::IfPossible, "what needs it: no network"),
            (Policy::IfInstalled, "what needs it: `cargo dev test`"),
        ] {
            let found = policy.provide("it", &mut left_out, || None, fails);
            assert_eq!(found.expect("no error"), None);
            let last = left_out.pop().expect("it is said");
            assert!(last.starts_with(said), "{last}");
        }
        let found = Policy::Required.provide("it", &mut left_out, || None, fails);
        assert!(found.is_err());
        let interrupted = || Err(Interrupted.into());
        let found = Policy::IfPossible.provide("it", &mut left_out, || None, interrupted);
        assert!(found.is_err());
        assert!(left_out.is_empty());
    }

    /// Versions are exact, each package has a checksum, and no registry is named.
    #[test]
    fn packages_of_npm_are_pinned() {
        let project = Project::find().expect("the tests run inside the project");
        for (package, at_least) in [(providers(&project), 10), (typescript(&project), 1)] {
            let Source::Npm(manifest) = package.source else {
                panic!("{} is not from npm", package.name)
            };
            let packages = package.lock.matches("\"node_modules/").count();
            assert!(packages >= at_least, "{packages}");
            let checksums = package.lock.matches("\"integrity\": \"sha512-").count();
            assert_eq!(checksums, packages);
            assert!(!package.lock.contains("\"resolved\""));
            assert!(!package.lock.contains("\"hasInstallScript\""));
            assert!(!manifest.contains('^') && !manifest.contains('~'));
        }
        let lock = typescript(&project).lock;
        let Source::Npm(manifest) = typescript(&project).source else {
            unreachable!()
        };
        for text in [manifest, lock] {
            let version = text
                .lines()
                .find_map(|line| line.trim().strip_prefix("\"typescript\": \""))
                .and_then(|rest| rest.split('"').next())
                .expect("a version");
            assert!(
                version.split('.').all(|part| part.parse::<u16>().is_ok()),
                "{version}"
            );
            assert!(lock.contains(&format!("\"version\": \"{version}\"")));
        }
    }

    #[test]
    fn packages_of_pypi_are_pinned_by_their_checksums_and_no_registry_is_named() {
        let project = Project::find().expect("the tests run inside the project");
        let requirements = schemathesis(&project).lock;
        assert!(!requirements.contains("://"));
        let mut packages = 0;
        for package in requirements.split('\n').filter(|line| line.contains("==")) {
            assert!(package.ends_with(" \\"), "{package}");
            packages += 1;
        }
        assert!(packages > 1);
        let input = include_str!("../../../tests/service/contract/requirements.in");
        let pinned = input.lines().last().expect("a line");
        assert!(requirements.contains(&format!("\n{pinned} \\\n    --hash=sha256:")));
    }
}
