//! `cargo dev`: the project's own commands. This file only parses the flags.
#![forbid(unsafe_code)]

use std::ffi::OsString;
use std::process::{self, ExitCode, ExitStatus};

use anyhow::Result;
use clap::{Args, Parser, Subcommand};

use devkit::build::{component, program};
use devkit::check::test;
use devkit::compiler::Compiler;
use devkit::os::process::{Interrupted, run_with_input, stop_on_signals};
use devkit::os::project::Project;
use devkit::os::report;
use devkit::serve::{demo, key, up};

/// The project's own commands.
#[derive(Debug, Parser)]
#[command(
    name = "cargo dev",
    bin_name = "cargo dev",
    disable_help_subcommand = true
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Build the component and serve it, with a throw-away key if no key is configured
    Up(up::Options),
    /// Serve the component and a page that demonstrates it
    Demo(demo::Options),
    /// Build the component: target/wasm32-wasip2/release/jaas_jwt.wasm, or with --wide, --baseline or --p3 jaas_jwt.wasm
    /// in target/wide, target/baseline or target/p3
    Build(Build),
    /// Build the component and run every test
    Test(test::Options),
    /// Check the configuration and sign a token with it; exits with 1 if something is wrong, and 2 if that cannot be determined
    #[command(disable_help_flag = true)]
    Doctor(Arguments),
    /// Measure the signature, whole requests and a peer
    #[command(disable_help_flag = true)]
    Bench(Arguments),
    /// Make an invitation to a room, and print its link
    #[command(disable_help_flag = true)]
    Invite(Arguments),
    /// Make a throw-away RSA key for local use
    Key(key::Options),
}

#[derive(Debug, Args)]
struct Build {
    /// Make one that needs no Spin as well: target/standalone/jaas_jwt.wasm, or target/standalone-wide/… and so on
    #[arg(long)]
    standalone: bool,
    #[command(flatten)]
    compiler: Compiler,
}

// Passed on to a separate program, so that the other commands need not be compiled with its dependencies. That program
// parses the arguments, including `--help`.
#[derive(Debug, Args)]
struct Arguments {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
    arguments: Vec<OsString>,
}

fn main() -> ExitCode {
    let command = Cli::parse().command;
    // Ctrl-C is the normal end of serving; any other command is interrupted by it.
    let interrupted = match command {
        Command::Up(_) | Command::Demo(_) => 0,
        _ => 130,
    };
    // The doctor's exit code 1 means that the configuration is wrong.
    let failed = match command {
        Command::Doctor(_) => 2,
        _ => 1,
    };
    match stop_on_signals().and_then(|()| run(command)) {
        Ok(code) => code,
        Err(error) if error.is::<Interrupted>() => interrupted.into(),
        Err(error) => {
            report::step(&format!("error: {error:#}"));
            failed.into()
        }
    }
}

fn run(command: Command) -> Result<ExitCode> {
    let project = &Project::find()?;
    match command {
        Command::Up(options) => up::up(project, &options)?,
        Command::Demo(options) => demo::demo(project, &options)?,
        Command::Build(flags) => flags.run(project)?,
        Command::Test(options) => return test::test(project, &options).map(code_of),
        Command::Doctor(it) => return it.delegate("devkit-doctor", "the doctor", project),
        Command::Bench(it) => return it.delegate("devkit-bench", "the bench", project),
        Command::Invite(it) => {
            return it.delegate("devkit-invite", "the program that invites", project);
        }
        Command::Key(options) => key::key(project, &options)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Returns the exit code of a program to which this command was passed on.
fn code_of(status: ExitStatus) -> ExitCode {
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    code.unwrap_or(1).into()
}

impl Arguments {
    /// Builds one of the project's other programs and runs it. Its exit code becomes this command's.
    fn delegate(self, name: &str, shown_as: &str, project: &Project) -> Result<ExitCode> {
        let minutes = " (the first time this takes some minutes)";
        let program = program::build(project, name, shown_as, minutes)?;
        run_with_input(process::Command::new(program).args(self.arguments)).map(code_of)
    }
}

impl Build {
    fn run(self, project: &Project) -> Result<()> {
        let build = match self.standalone {
            true => component::standalone,
            false => component::build,
        };
        let artifact = build(project, self.compiler.variant())?;
        report::result(&component::describe(&artifact)?)
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_flags_do_not_contradict_each_other() {
        Cli::command().debug_assert();
    }
}
