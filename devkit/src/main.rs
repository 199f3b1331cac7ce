//! `cargo dev`: the project's own commands. Only the flags are here.
#![forbid(unsafe_code)]

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{self, ExitCode, ExitStatus};

use anyhow::Result;
use clap::{Args, Parser, Subcommand, builder::PossibleValuesParser, builder::TypedValueParser};

use devkit::build::{component, program, standalone};
use devkit::check::{doctor, test};
use devkit::compiler::Compiler;
use devkit::os::process::{Interrupted, run as run_program, stop_on_signals};
use devkit::os::project::{Project, shown};
use devkit::os::report;
use devkit::serve::key::{self, Format, Order};
use devkit::serve::{demo, invite, up};

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
    /// Serve the component, and beside it a page on which one sees it work
    Demo(demo::Options),
    /// Build the component: target/wasm32-wasip2/release/jaas_jwt.wasm, or with --wide, --baseline or --p3 jaas_jwt.wasm
    /// in target/wide, target/baseline or target/p3
    Build(Build),
    /// Build the component and run every test
    Test(test::Options),
    /// Check the configuration and sign a token with it; ends with 1 where something is wrong, with 2 where it cannot tell
    Doctor(doctor::Flags),
    /// Measure the signature, whole requests and a peer; `cargo dev bench --help` lists the flags
    #[command(disable_help_flag = true)]
    Bench {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
        arguments: Vec<OsString>,
    },
    /// Make an invitation to a room, and print its link
    Invite(invite::Flags),
    /// Make a throw-away RSA key for local use
    Key(Key),
}

#[derive(Debug, Args)]
struct Build {
    /// Make one that needs no Spin as well: target/standalone/jaas_jwt.wasm, or target/standalone-wide/… and so on
    #[arg(long)]
    standalone: bool,
    #[command(flatten)]
    compiler: Compiler,
}

#[derive(Debug, Args)]
struct Key {
    /// Length of the key
    #[arg(long, default_value = key::BITS[0],
        value_parser = PossibleValuesParser::new(key::BITS).try_map(|bits| bits.parse::<u16>()))]
    bits: u16,
    /// Shape of the PEM
    #[arg(long, value_enum, default_value_t = Format::Pkcs8)]
    format: Format,
    /// File to write [default: .dev/throwaway-private-key.pem in the project]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Replace a file that is there [default: keep it]
    #[arg(long)]
    force: bool,
}

fn main() -> ExitCode {
    let command = Cli::parse().command;
    // Ctrl-C is how serving ends; any other command was broken off by it.
    let interrupted = match command {
        Command::Up(_) | Command::Demo(_) => 0,
        _ => 130,
    };
    // The doctor's 1 says that the configuration is wrong.
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
    let project = Project::find()?;
    // Checked here, and read again by the program, which has much in it that the other commands need not wait for.
    let own = || env::args_os().skip(2).collect::<Vec<_>>();
    let minutes = " (the first time this takes some minutes)";
    match command {
        Command::Up(options) => up::up(&project, &options)?,
        Command::Demo(options) => demo::demo(&project, &options)?,
        Command::Build(flags) => flags.run(&project)?,
        Command::Test(options) => return test::test(&project, &options).map(code_of),
        Command::Doctor(_) => {
            return other(&project, "devkit-doctor", "the doctor", minutes, own());
        }
        Command::Bench { arguments } => {
            return other(&project, "devkit-bench", "the bench", "", arguments);
        }
        Command::Invite(_) => {
            let shown = "the program that invites";
            return other(&project, "devkit-invite", shown, minutes, own());
        }
        Command::Key(flags) => flags.run(&project)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Builds one of the project's other programs and runs it; its exit code is this command's.
fn other(
    project: &Project,
    name: &str,
    shown_as: &str,
    first_time: &str,
    arguments: Vec<OsString>,
) -> Result<ExitCode> {
    let program = program::build(project, name, shown_as, first_time)?;
    run_program(process::Command::new(program).args(arguments)).map(code_of)
}

/// The exit code of a program that this command stands for.
fn code_of(status: ExitStatus) -> ExitCode {
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    code.unwrap_or(1).into()
}

impl Build {
    fn run(self, project: &Project) -> Result<()> {
        let (toolchain, variant) = (self.compiler.toolchain, self.compiler.variant());
        let artifact = match self.standalone {
            true => standalone::build(project, toolchain, variant)?,
            false => component::build(project, toolchain, variant)?,
        };
        report::result(&component::describe(&artifact)?);
        Ok(())
    }
}

impl Key {
    fn run(self, project: &Project) -> Result<()> {
        let out = self.out.unwrap_or_else(|| key::default_path(project));
        key::make(&Order {
            bits: self.bits,
            format: self.format,
            out: out.clone(),
            force: self.force,
        })?;
        report::result(&shown(&out));
        report::step(
            "8x8 accepts no token signed by this key until its public half is uploaded there. It is shown by:",
        );
        report::step(&format!("    {}", key::show_public_half(&out)));
        Ok(())
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
