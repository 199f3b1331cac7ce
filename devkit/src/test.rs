//! Runs everything that CI runs.

use std::process::ExitStatus;

use anyhow::Result;
use clap::ValueEnum;

use crate::component::Variant;
use crate::process::{self, Stop};
use crate::programs::{self, NODE, OPENSSL, PYTHON, SSH_KEYGEN};
use crate::project::Project;
use crate::{browser, manifests, report, standalone, toolchain, web};

/// What tells the tests over HTTP which host to start.
pub const HOST_VARIABLE: &str = "JAAS_TEST_HOST";

/// What tells the tests over HTTP which component to serve in the place of `spin.toml`'s.
pub const COMPONENT_VARIABLE: &str = "JAAS_TEST_COMPONENT";

/// What tells them which component needs no Spin.
pub const STANDALONE_VARIABLE: &str = "JAAS_TEST_STANDALONE";

/// The host that the tests over HTTP start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum TestHost {
    /// Wasmtime, built with the project
    Embedded,
    /// `spin up`
    Spin,
}

impl TestHost {
    /// The value of [`HOST_VARIABLE`].
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Embedded => "embedded",
            Self::Spin => "spin",
        }
    }
}

/// Sees that the tests' programs are there, builds the components, and runs every test: of the manifests, of the browser
/// client and of the workspace; with `arguments`, which choose among cargo's tests, the workspace's alone. The tests in a
/// browser are left out where [`browser::require`] finds none, and that is said.
///
/// # Errors
/// A program is missing, a manifest is wrong, or a component cannot be built. Failing tests are no error here: they are the status.
pub fn test(
    project: &Project,
    host: TestHost,
    toolchain: toolchain::Choice,
    variant: Variant,
    arguments: &[String],
    stop: &Stop,
) -> Result<ExitStatus> {
    if host == TestHost::Spin && programs::find(programs::SPIN).is_none() {
        return Err(programs::no_spin());
    }
    if host == TestHost::Spin && variant == Variant::Wide {
        return Err(programs::no_wide_spin());
    }
    for program in [OPENSSL, SSH_KEYGEN, NODE, PYTHON] {
        programs::require(program, stop)?;
    }
    for program in programs::PROXIES {
        let folder = project.root().join("target/debian");
        if let Err(error) = programs::unpack(program, &folder, stop) {
            report::step(&format!(
                "The example for {} is not checked: {error}",
                program.name
            ));
        }
    }
    let chromium = browser::require(browser::Need::of_run(!arguments.is_empty()), stop)?;
    // The quick ones first.
    if arguments.is_empty() {
        if let Some(status) = web::test(project, stop)? {
            return Ok(status);
        }
        manifests::check(project, stop)?;
    }
    let standalone = standalone::build(project, toolchain, variant, stop)?;

    report::step(
        "Running every test (the first time this compiles Wasmtime: five to ten minutes on two cores) …",
    );
    let mut cargo = project.cargo();
    cargo
        .args(["test", "--workspace", "--locked", "--target-dir"])
        .arg(project.native_target_dir());
    match &chromium {
        Some(path) => cargo.env(browser::VARIABLE, path),
        None => cargo.args(["--exclude", browser::PACKAGE]),
    };
    // Every failure counts there: which are Spin's own is read off the whole list.
    if host == TestHost::Spin {
        cargo.arg("--no-fail-fast");
    }
    cargo.args(arguments).env(HOST_VARIABLE, host.name());
    cargo.env(STANDALONE_VARIABLE, standalone);
    match variant {
        Variant::Portable => cargo.env_remove(COMPONENT_VARIABLE),
        Variant::Wide => cargo.env(COMPONENT_VARIABLE, project.artifact(variant)),
    };
    let status = process::run(&mut cargo, stop)?;
    if chromium.is_none() && arguments.is_empty() {
        browser::tell_left_out();
    }
    Ok(status)
}
