//! Builds the project's other programs for this machine. Each is a separate package, compiled only when needed.

use std::env::consts::EXE_SUFFIX;
use std::path::PathBuf;

use anyhow::Result;

use crate::os::process;
use crate::os::project::Project;
use crate::os::report;

/// The profile for everything but measurements.
pub const DEV: &str = "dev";

/// The profile for measurements: optimised, and compiled apart from everything else.
pub const MEASURED: &str = "measured";

/// Builds a program of the workspace and returns its path; see [`build_by`].
pub fn build(project: &Project, name: &str, shown_as: &str, first_time: &str) -> Result<PathBuf> {
    build_by(DEV, project, name, shown_as, first_time)
}

/// Builds a program of the workspace by a profile, and returns its path. `first_time` is added to the message for the first
/// build. Later builds may be slow, too, so every build is announced and shows cargo's progress.
pub fn build_by(
    profile: &str,
    project: &Project,
    name: &str,
    shown_as: &str,
    first_time: &str,
) -> Result<PathBuf> {
    let target_dir = project.native_target_dir();
    let folder = if profile == DEV { "debug" } else { profile };
    let program = target_dir.join(folder).join(format!("{name}{EXE_SUFFIX}"));
    let first_time = if program.exists() { "" } else { first_time };
    report::step(&format!("Building {shown_as}{first_time} …"));
    let mut cargo = project.cargo();
    // With the features of the whole workspace, as for `cargo test --workspace`: otherwise the tests would compile
    // Wasmtime again.
    cargo
        .args(["build", "--workspace", "--bin", name, "--locked"])
        .args(["--profile", profile, "--target-dir"])
        .arg(&target_dir)
        .env_remove("CARGO_BUILD_TARGET");
    process::run_checked(&mut cargo, "a program of the project was not built")?;
    Ok(program)
}
