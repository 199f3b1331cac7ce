//! Checks a configuration, by a program of its own: it has the component's core and cryptography in it, which the other
//! commands need not wait for.

use std::path::PathBuf;
use std::process::{Command, ExitStatus};

use anyhow::{Result, ensure};

use crate::process::{self, Stop};
use crate::project::Project;
use crate::report;

/// What to check, and how to tell.
#[derive(Debug, Clone)]
pub struct Options {
    /// A file with settings.
    pub env_file: Option<PathBuf>,
    /// Whether the report is JSON.
    pub json: bool,
    /// Whether the production profile is asked for.
    pub production: bool,
}

/// Builds the program and runs it.
///
/// # Errors
/// It cannot be built or started. What it finds is no error here: that is its status.
pub fn doctor(project: &Project, options: &Options, stop: &Stop) -> Result<ExitStatus> {
    let target_dir = project.native_target_dir();
    let program = target_dir
        .join("debug")
        .join(format!("devkit-doctor{}", std::env::consts::EXE_SUFFIX));
    let first = !program.exists();
    if first {
        report::step("Building the doctor (the first time this takes some minutes) …");
    }
    let mut cargo = project.cargo();
    // With the features of the whole workspace, as `cargo test --workspace` builds it.
    cargo
        .args([
            "build",
            "--workspace",
            "--bin",
            "devkit-doctor",
            "--locked",
            "--target-dir",
        ])
        .arg(&target_dir)
        .args((!first).then_some("--quiet"))
        .env_remove("CARGO_BUILD_TARGET");
    let status = process::run(&mut cargo, stop)?;
    ensure!(
        status.success(),
        "the doctor was not built; cargo's own message is above"
    );
    let mut command = Command::new(program);
    if let Some(path) = &options.env_file {
        command.arg("--env-file").arg(path);
    }
    for (flag, wanted) in [
        ("--json", options.json),
        ("--production", options.production),
    ] {
        if wanted {
            command.arg(flag);
        }
    }
    process::run(&mut command, stop)
}
