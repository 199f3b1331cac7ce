//! Builds the project's other programs for this machine: each is a package of its own, so that only who needs it compiles it.

use std::env::consts::EXE_SUFFIX;
use std::path::PathBuf;

use anyhow::Result;

use crate::os::process;
use crate::os::project::Project;
use crate::os::report;

/// Builds a program of the workspace and returns its path. `first_time` is said where it was never built. After a change
/// a build may take long too, so that it is always announced and cargo shows its progress.
pub fn build(project: &Project, name: &str, shown_as: &str, first_time: &str) -> Result<PathBuf> {
    let target_dir = project.native_target_dir();
    let program = target_dir.join("debug").join(format!("{name}{EXE_SUFFIX}"));
    let first_time = if program.exists() { "" } else { first_time };
    report::step(&format!("Building {shown_as}{first_time} …"));
    let mut cargo = project.cargo();
    // With the features of the whole workspace, as `cargo test --workspace` builds it: otherwise Wasmtime is compiled
    // once more for the tests.
    cargo
        .args(["build", "--workspace", "--bin", name, "--locked"])
        .arg("--target-dir")
        .arg(&target_dir)
        .env_remove("CARGO_BUILD_TARGET");
    process::run_well(&mut cargo, "a program of the project was not built")?;
    Ok(program)
}
