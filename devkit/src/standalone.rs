//! Builds the component for hosts that are not Spin: composed with `deploy/wasi`, so that it imports WASI alone.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};

use crate::component::{self, Variant};
use crate::process::{self, Stop};
use crate::project::{Project, TARGET, shown};
use crate::report;
use crate::toolchain::{Choice, Toolchain};

/// Builds the component, and from it the one that needs no Spin; gives the path of the latter.
///
/// # Errors
/// One of the two cannot be built, or they cannot be composed.
pub fn build(project: &Project, choice: Choice, variant: Variant, stop: &Stop) -> Result<PathBuf> {
    let component = component::build(project, choice, variant, stop)?;
    report::step("Composing it with its variables (the first time one to three minutes) …");
    // Nothing in it is worth wide arithmetic.
    let toolchain = Toolchain::provide(project, choice, stop)?;
    let mut cargo = toolchain.cargo_build(project, Variant::Portable);
    let status = process::run(
        cargo.args(["--package", "jaas-jwt-variables", "--locked", "--quiet"]),
        stop,
    )?;
    ensure!(
        status.success(),
        "the variables' component was not built; cargo's own message is above"
    );
    let variables = toolchain
        .target_dir(project, Variant::Portable)
        .join(TARGET)
        .join("release/jaas_jwt_variables.wasm");

    let standalone = project.standalone(variant);
    if let Some(folder) = standalone.parent() {
        fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", shown(folder)))?;
    }
    let mut cargo = project.cargo();
    cargo
        .args(["run", "--quiet", "--locked", "--package", "devkit-compose"])
        .arg("--target-dir")
        .arg(project.native_target_dir())
        .arg("--")
        .args([&component, &variables, &standalone]);
    let status = process::run(&mut cargo, stop)?;
    ensure!(
        status.success(),
        "the components were not composed; the message is above"
    );
    Ok(standalone)
}
