//! Checks a configuration, by a program of its own: it has the component's core and cryptography in it, which the other
//! commands need not wait for.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{Command, ExitStatus};

use anyhow::Result;
use clap::Args;

use crate::build::program;
use crate::os::process;
use crate::os::project::Project;

/// The flags of `cargo dev doctor`, and of the program behind it.
#[derive(Debug, Clone, Args)]
pub struct Flags {
    /// File with settings, such as the Worker's .dev.vars; the environment wins over it [default: none]
    #[arg(long, value_name = "FILE")]
    pub env_file: Option<PathBuf>,
    /// Print the report as JSON (docs/doctor.md)
    #[arg(long)]
    pub json: bool,
    /// Reject what is weaker than the production profile of SECURITY.md, and every warning
    #[arg(long)]
    pub production: bool,
    /// Check a caller's credential too, a JWT in a file or on standard input (-); it is never printed. Fetches what the
    /// login publishes
    #[arg(long, value_name = "FILE")]
    pub credential: Option<PathBuf>,
    /// Fetch what the login at this address publishes, and write the variables for it; with --credential, say which of
    /// them fit
    #[arg(long, value_name = "URL")]
    pub issuer: Option<String>,
}

impl Flags {
    fn arguments(&self) -> Vec<OsString> {
        let switches = [("--json", self.json), ("--production", self.production)];
        let files = [
            ("--env-file", &self.env_file),
            ("--credential", &self.credential),
        ];
        let switches = switches.into_iter().filter(|(_, on)| *on);
        let mut arguments: Vec<OsString> = switches.map(|(flag, _)| flag.into()).collect();
        for (flag, file) in files {
            arguments.extend(
                file.iter()
                    .flat_map(|file| [OsString::from(flag), file.into()]),
            );
        }
        arguments.extend(
            self.issuer
                .iter()
                .flat_map(|url| ["--issuer".into(), url.into()]),
        );
        arguments
    }
}

/// Builds the program and runs it.
///
/// # Errors
/// It cannot be built or started. What it finds is no error here: that is its status.
pub fn doctor(project: &Project, flags: &Flags) -> Result<ExitStatus> {
    let first_time = " (the first time this takes some minutes)";
    let program = program::build(project, "devkit-doctor", "the doctor", first_time)?;
    process::run(Command::new(program).args(flags.arguments()))
}
