//! Runs every test.

use std::process::ExitStatus;

use anyhow::Result;
use clap::Args;

use crate::build::artifact::Variant;
use crate::build::standalone;
use crate::check::browser::{self, Need};
use crate::check::{contract, providers, web};
use crate::compiler::Compiler;
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

/// Which tests, and of what.
#[derive(Debug, Clone, Args)]
pub struct Options {
    /// What serves the component in the tests over HTTP
    #[arg(long, value_enum, default_value_t = Host::Embedded)]
    pub host: Host,
    /// How the component is built
    #[command(flatten)]
    pub compiler: Compiler,
    /// More arguments for `cargo test`
    #[arg(last = true, value_name = "ARGUMENTS")]
    pub arguments: Vec<String>,
}

/// Sees that the tests' programs are there, builds the components, and runs every test: of the browser client and of the
/// workspace; with `arguments`, which choose among cargo's tests, the workspace's alone. The tests in a browser are left out
/// where `browser::require` finds none, and that is said.
pub fn test(project: &Project, options: &Options) -> Result<ExitStatus> {
    let (variant, arguments) = (options.compiler.variant(), &options.arguments);
    let host = options.host.choose(variant)?;
    require_programs(project)?;
    let need = Need::of_run(!arguments.is_empty());
    let chromium = browser::require(need)?;
    let schemathesis = match variant {
        Variant::Portable => contract::require(project, need)?,
        // What a request gets does not depend on how the component was compiled.
        Variant::Wide | Variant::Baseline | Variant::P3 => None,
    };
    if need == Need::Always {
        programs::require(NPM)?;
    }
    let providers = providers::install(project, need)?;
    // The quick ones first.
    if arguments.is_empty()
        && let Some(status) = web::test(project)?
    {
        return Ok(status);
    }
    let standalone = standalone::build(project, options.compiler.toolchain, variant)?;

    report::step("Running every test (the first time this compiles Wasmtime: some minutes) …");
    let mut cargo = project.cargo();
    cargo
        .args(["test", "--workspace", "--exclude", "devkit-bench"])
        .args(["--locked", "--target-dir"])
        .arg(project.native_target_dir());
    let is_spin = host == Host::Spin;
    if is_spin {
        // One program's failure says nothing about the next one.
        cargo.arg("--no-fail-fast");
    }
    let name = if is_spin { "spin" } else { "embedded" };
    if chromium.is_none() {
        cargo.args(["--exclude", browser::PACKAGE]);
    }
    cargo.args(arguments).env(HOST_VARIABLE, name);
    let other = Some(variant).filter(|variant| *variant != Variant::Portable);
    for (variable, path) in [
        (browser::VARIABLE, chromium.clone()),
        (contract::VARIABLE, schemathesis),
        (providers::VARIABLE, providers),
        (STANDALONE_VARIABLE, Some(standalone)),
        (
            COMPONENT_VARIABLE,
            other.map(|variant| variant.artifact(project)),
        ),
    ] {
        match path {
            Some(path) => cargo.env(variable, path),
            None => cargo.env_remove(variable),
        };
    }
    let status = process::run(&mut cargo)?;
    if chromium.is_none() && arguments.is_empty() {
        browser::tell_left_out();
    }
    Ok(status)
}

/// The programs that the tests run, and the proxies whose example configurations they check.
fn require_programs(project: &Project) -> Result<()> {
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
    Ok(())
}
