//! Checks a configuration, by a program of its own: it has the component's core and cryptography in it, which the other
//! commands need not wait for.

use std::path::PathBuf;
use std::process::{Command, ExitStatus};

use anyhow::Result;

use crate::build::program;
use crate::os::process;
use crate::os::project::Project;

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
pub fn doctor(project: &Project, options: &Options) -> Result<ExitStatus> {
    let first_time = " (the first time this takes some minutes)";
    let program = program::build(project, "devkit-doctor", "the doctor", first_time)?;
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
    process::run(&mut command)
}
