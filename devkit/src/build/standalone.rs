//! Builds the component for hosts that are not Spin: composed with `deploy/wasi`, so that it imports WASI alone.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use crate::build::artifact::{TARGET, Variant};
use crate::build::toolchain::{Choice, Toolchain};
use crate::build::{component, program};
use crate::os::process;
use crate::os::project::{Project, shown};
use crate::os::report;

/// Builds the component, and from it the one that needs no Spin; gives the path of the latter.
///
/// # Errors
/// One of the two cannot be built, or they cannot be composed.
pub fn build(project: &Project, choice: Choice, variant: Variant) -> Result<PathBuf> {
    let component = component::build(project, choice, variant)?;
    report::step("Composing it with its variables (the first time one to three minutes) …");
    // Nothing in it is worth wide arithmetic.
    let toolchain = Toolchain::provide(project, choice)?;
    let mut cargo = toolchain.cargo_build(project, Variant::Portable);
    process::run_well(
        cargo.args(["--package", "jaas-jwt-variables", "--locked", "--quiet"]),
        "the variables' component was not built",
    )?;
    let variables = toolchain
        .target_dir(project, Variant::Portable)
        .join(TARGET)
        .join("release/jaas_jwt_variables.wasm");

    let standalone = variant.standalone(project);
    if let Some(folder) = standalone.parent() {
        fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", shown(folder)))?;
    }
    let compose = program::build(project, "devkit-compose", "what composes components", "")?;
    process::run_well(
        Command::new(compose).args([&component, &variables, &standalone]),
        "the components were not composed",
    )?;
    Ok(standalone)
}
