//! Checks a configuration, by a program of its own: it has the component's core and cryptography in it, which the other
//! commands need not wait for. It parses its flags itself.

use std::ffi::OsString;
use std::process::{Command, ExitStatus};

use anyhow::Result;

use crate::build::program;
use crate::os::process;
use crate::os::project::Project;

/// Builds the program and runs it.
///
/// # Errors
/// It cannot be built or started. What it finds is no error here: that is its status.
pub fn doctor(project: &Project, arguments: &[OsString]) -> Result<ExitStatus> {
    let first_time = " (the first time this takes some minutes)";
    let program = program::build(project, "devkit-doctor", "the doctor", first_time)?;
    process::run(Command::new(program).args(arguments))
}
