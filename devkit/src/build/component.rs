//! Builds the component, and from it the variant for hosts without Spin.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::build::artifact::{self, Variant};
use crate::build::optimise::optimise;
use crate::build::{program, toolchain};
use crate::os::process;
use crate::os::project::{Project, shown, write_atomic};

/// Builds the component and returns its path.
pub fn build(project: &Project, variant: Variant) -> Result<PathBuf> {
    toolchain::provide_target(project)?;
    let linked = toolchain::build(project, variant, "jaas-jwt", "the component")?;
    if variant == Variant::Portable {
        write_atomic(&artifact::plain(project), &linked)?;
    }
    let component = optimise(project, variant, linked)?;
    let artifact = variant.artifact(project);
    // Always a new file, even if nothing has changed: the tests compare its modification time with the sources.
    write_atomic(&artifact, &component)?;
    Ok(artifact)
}

/// Builds the component and composes it with `deploy/wasi`, so that it imports only WASI. Returns the path of the result.
pub fn standalone(project: &Project, variant: Variant) -> Result<PathBuf> {
    let component = build(project, variant)?;
    // `deploy/wasi` would not benefit from wide arithmetic.
    let variables = toolchain::build(
        project,
        Variant::Portable,
        "jaas-jwt-variables",
        "what reads its variables without Spin",
    )?;
    let standalone = variant.standalone(project);
    let plug = standalone.with_file_name("variables.wasm");
    write_atomic(&plug, &variables)?;
    let compose = program::build(project, "devkit-compose", "what composes components", "")?;
    process::run_checked(
        Command::new(compose).args([&component, &plug, &standalone]),
        "the components were not composed",
    )?;
    Ok(standalone)
}

/// Returns a line with the component's path and size.
pub fn describe(artifact: &Path) -> Result<String> {
    let metadata = fs::metadata(artifact);
    let size = metadata.with_context(|| format!("{} is not there", shown(artifact)))?;
    let size = size.len().div_ceil(1024);
    Ok(format!("{} ({size} KiB)", shown(artifact)))
}
