//! Runs every test.

use std::process::{Command, ExitStatus};

use anyhow::Result;
use clap::Args;

use crate::build::artifact::Variant;
use crate::build::component;
use crate::check::needs::{Policy, providers, schemathesis};
use crate::check::web;
use crate::compiler::Compiler;
use crate::os::process;
use crate::os::programs::{self, NODE, NPM, OPENSSL, PYTHON, SSH_KEYGEN};
use crate::os::project::Project;
use crate::os::report;
use crate::serve::host::Host;

/// Which tests, and of what.
#[derive(Debug, Clone, Args)]
pub struct Options {
    /// Host that serves the component in the tests over HTTP
    #[arg(long, value_enum, default_value_t = Host::Embedded)]
    pub host: Host,
    /// How the component is built
    #[command(flatten)]
    pub compiler: Compiler,
    /// More arguments for `cargo test`
    #[arg(last = true, value_name = "ARGUMENTS")]
    pub arguments: Vec<String>,
}

/// Installs the tests' programs, builds the components and runs every test: those of the browser client and of the
/// workspace. With `arguments`, which select among cargo's tests, runs only the workspace's. Reports skipped tests at the
/// end.
pub fn test(project: &Project, options: &Options) -> Result<ExitStatus> {
    let (variant, arguments) = (options.compiler.variant(), &options.arguments);
    let host = options.host.choose(variant)?;
    let policy = Policy::of_run(!arguments.is_empty());
    let left_out = &mut Vec::new();
    require_programs(project, left_out)?;
    let chromium = policy.chromium(left_out)?;
    let schemathesis = match variant {
        Variant::Portable => policy.package(&schemathesis(project), left_out)?,
        // The contract does not depend on how the component was compiled.
        Variant::Wide | Variant::Baseline | Variant::P3 => None,
    };
    if policy == Policy::Required {
        programs::require(NPM)?;
    }
    let providers = providers(project);
    let program = policy.package(&providers, left_out)?;
    let providers = program.map(|_| providers.folder);
    // Fast tests first.
    if arguments.is_empty()
        && let Some(status) = web::test(project, policy, left_out)?
    {
        return Ok(status);
    }
    let standalone = component::standalone(project, variant)?;
    let other = (variant != Variant::Portable).then(|| variant.artifact(project));

    report::step("Running every test (the first time this compiles Wasmtime: some minutes) …");
    let mut cargo = cargo(project, host, chromium.is_some());
    for (variable, path) in [
        ("JAAS_TEST_CHROMIUM", chromium),
        // The component that the tests over HTTP serve instead of the manifest's.
        ("JAAS_TEST_COMPONENT", other),
        ("JAAS_TEST_PROVIDERS", providers),
        ("JAAS_TEST_SCHEMATHESIS", schemathesis),
        ("JAAS_TEST_STANDALONE", Some(standalone)),
    ] {
        match path {
            Some(path) => cargo.env(variable, path),
            None => cargo.env_remove(variable),
        };
    }
    let status = process::run(cargo.args(arguments))?;
    for tests in left_out {
        report::step(&format!("SKIPPED: {tests}"));
    }
    Ok(status)
}

/// Returns a `cargo test` command for the whole workspace, with the tests over HTTP run against `host`.
fn cargo(project: &Project, host: Host, with_browser: bool) -> Command {
    let mut cargo = project.cargo();
    cargo
        .args(["test", "--workspace", "--exclude", "devkit-bench"])
        .args(["--locked", "--target-dir"])
        .arg(project.native_target_dir());
    if !with_browser {
        cargo.args(["--exclude", "browser-tests"]);
    }
    match host {
        // A failure in one test program says nothing about the next.
        Host::Spin => cargo.arg("--no-fail-fast").env("JAAS_TEST_HOST", "spin"),
        Host::Auto | Host::Embedded => cargo.env("JAAS_TEST_HOST", "embedded"),
    };
    cargo
}

/// Requires the programs that the tests run, and provides the proxies whose example configurations the tests check.
fn require_programs(project: &Project, left_out: &mut Vec<String>) -> Result<()> {
    for program in [OPENSSL, SSH_KEYGEN, NODE, PYTHON] {
        programs::require(program)?;
    }
    for program in programs::PROXIES {
        let folder = project.root().join("target/debian");
        if let Err(error) = programs::unpack(program, &folder) {
            left_out.push(format!("the example for {}: {error:#}", program.name));
        }
    }
    Ok(())
}
