//! Measures the component, by a program of its own: what draws plots need not be compiled by who serves and tests.

use std::ffi::OsString;
use std::process::{Command, ExitStatus};

use anyhow::Result;

use crate::build::program;
use crate::os::process;
use crate::os::project::Project;

/// Builds the program and runs it with these arguments; the result is its status.
///
/// # Errors
/// It cannot be built or started.
pub fn bench(project: &Project, arguments: &[OsString]) -> Result<ExitStatus> {
    let program = program::build(project, "devkit-bench", "the bench", "")?;
    process::run(Command::new(program).args(arguments))
}
