//! Makes invitations, by a program of its own: it has the component's core in it, which the other commands need not wait
//! for.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{Command, ExitStatus};

use anyhow::Result;
use clap::Args;

use crate::build::program;
use crate::os::process;
use crate::os::project::Project;

/// The flags of `cargo dev invite`, and of the program behind it.
#[derive(Debug, Clone, Args)]
pub struct Flags {
    /// Room to invite to, or a pattern with * for any text
    #[arg(long)]
    pub room: String,
    /// Invite a moderator
    #[arg(long, conflicts_with = "visitor")]
    pub moderator: bool,
    /// Invite a visitor, who sees and hears and does not speak
    #[arg(long)]
    pub visitor: bool,
    /// Until when: a duration such as 90m, 2h or 7d, or a time here such as 2026-12-24T19:00; at most 90 days
    #[arg(long, value_name = "TIME", default_value = "1d")]
    pub expires: String,
    /// Name of the invited person, who can change it [default: none]
    #[arg(long)]
    pub name: Option<String>,
    /// How many tokens it is good for, renewed ones included [default: no limit]
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub max_uses: Option<u32>,
    /// File with settings, such as the Worker's .dev.vars; the environment wins over it [default: none]
    #[arg(long, value_name = "FILE")]
    pub env_file: Option<PathBuf>,
}

impl Flags {
    fn arguments(&self) -> Vec<OsString> {
        let mut arguments: Vec<OsString> = Vec::new();
        let values: [(&str, Option<OsString>); 5] = [
            ("--room", Some((&self.room).into())),
            ("--expires", Some((&self.expires).into())),
            ("--name", self.name.as_ref().map(Into::into)),
            (
                "--max-uses",
                self.max_uses.map(|uses| uses.to_string().into()),
            ),
            ("--env-file", self.env_file.as_ref().map(Into::into)),
        ];
        for (flag, value) in values {
            // In one argument: a value may start with a dash.
            arguments.extend(value.map(|value| {
                let mut argument = OsString::from(format!("{flag}="));
                argument.push(value);
                argument
            }));
        }
        for (flag, on) in [("--moderator", self.moderator), ("--visitor", self.visitor)] {
            arguments.extend(on.then(|| flag.into()));
        }
        arguments
    }
}

/// Builds the program and runs it.
///
/// # Errors
/// It cannot be built or started. What it rejects is no error here: that is its status.
pub fn invite(project: &Project, flags: &Flags) -> Result<ExitStatus> {
    let first_time = " (the first time this takes some minutes)";
    let program = program::build(
        project,
        "devkit-invite",
        "the program that invites",
        first_time,
    )?;
    process::run(Command::new(program).args(flags.arguments()))
}
