//! Runs every test.

use std::process::ExitStatus;

use anyhow::Result;

use crate::build::artifact::Variant;
use crate::build::{standalone, toolchain};
use crate::check::{browser, contract, providers, web};
use crate::os::process;
use crate::os::programs::{self, NODE, NPM, OPENSSL, PYTHON, SSH_KEYGEN};
use crate::os::project::Project;
use crate::os::report;
use crate::serve::host::Host;

/// What tells the tests over HTTP which host to start.
pub const HOST_VARIABLE: &str = "JAAS_TEST_HOST";

/// What tells the tests over HTTP which component to serve in the place of `spin.toml`'s.
pub const COMPONENT_VARIABLE: &str = "JAAS_TEST_COMPONENT";

/// What tells them which component needs no Spin.
pub const STANDALONE_VARIABLE: &str = "JAAS_TEST_STANDALONE";

/// Sees that the tests' programs are there, builds the components, and runs every test: of the browser client and of the
/// workspace; with `arguments`, which choose among cargo's tests, the workspace's alone. The tests in a browser are left out
/// where `browser::require` finds none, and that is said.
///
/// # Errors
/// A program is missing, or a component cannot be built. Failing tests are no error here: they are the status.
pub fn test(
    project: &Project,
    host: Host,
    toolchain: toolchain::Choice,
    variant: Variant,
    arguments: &[String],
) -> Result<ExitStatus> {
    let host = host.choose(variant)?;
    for program in [OPENSSL, SSH_KEYGEN, NODE, PYTHON] {
        programs::require(program)?;
    }
    for program in programs::PROXIES {
        let folder = project.root().join("target/debian");
        if let Err(error) = programs::unpack(program, &folder) {
            let name = program.name;
            report::step(&format!("The example for {name} is not checked: {error}"));
        }
    }
    let need = browser::Need::of_run(!arguments.is_empty());
    let chromium = browser::require(need)?;
    // What a request gets does not depend on how the component was compiled.
    let schemathesis = match variant {
        Variant::Portable => contract::require(project, need)?,
        Variant::Wide | Variant::Baseline | Variant::P3 => None,
    };
    if need == browser::Need::Always {
        programs::require(NPM)?;
    }
    let providers = providers::install(project, need)?;
    // The quick ones first.
    if arguments.is_empty()
        && let Some(status) = web::test(project)?
    {
        return Ok(status);
    }
    let standalone = standalone::build(project, toolchain, variant)?;

    report::step("Running every test (the first time this compiles Wasmtime: some minutes) …");
    let mut cargo = project.cargo();
    cargo
        .args(["test", "--workspace", "--exclude", "devkit-bench"])
        .args(["--locked", "--target-dir"])
        .arg(project.native_target_dir());
    if host == Host::Spin {
        // One program's failure says nothing about the next one.
        cargo.arg("--no-fail-fast");
    }
    match &chromium {
        Some(path) => cargo.env(browser::VARIABLE, path),
        None => cargo.args(["--exclude", browser::PACKAGE]),
    };
    let name = match host {
        Host::Spin => "spin",
        Host::Auto | Host::Embedded => "embedded",
    };
    cargo.args(arguments).env(HOST_VARIABLE, name);
    cargo.env(STANDALONE_VARIABLE, standalone);
    match schemathesis {
        Some(path) => cargo.env(contract::VARIABLE, path),
        None => cargo.env_remove(contract::VARIABLE),
    };
    cargo.env(providers::VARIABLE, providers.unwrap_or_default());
    match variant {
        Variant::Portable => cargo.env_remove(COMPONENT_VARIABLE),
        Variant::Wide | Variant::Baseline | Variant::P3 => {
            cargo.env(COMPONENT_VARIABLE, variant.artifact(project))
        }
    };
    let status = process::run(&mut cargo)?;
    if chromium.is_none() && arguments.is_empty() {
        browser::tell_left_out();
    }
    Ok(status)
}
