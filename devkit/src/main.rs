//! `cargo dev`: the project's own commands. Only the flags are here.
#![forbid(unsafe_code)]

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{ExitCode, ExitStatus};

use anyhow::Result;
use clap::{Args, Parser, Subcommand, builder::PossibleValuesParser, builder::TypedValueParser};

use devkit::build::artifact::Variant;
use devkit::build::toolchain::Choice;
use devkit::build::{component, standalone};
use devkit::check::{bench, doctor, test};
use devkit::os::process::{Interrupted, stop_on_signals};
use devkit::os::project::{Project, shown};
use devkit::os::report;
use devkit::serve::host::{Host, listen_address};
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
    Up(Serving),
    /// Serve the component, and beside it a page on which one sees it work
    Demo(Demo),
    /// Build the component: target/wasm32-wasip2/release/jaas_jwt.wasm, or with --wide, --baseline or --p3 jaas_jwt.wasm
    /// in target/wide, target/baseline or target/p3
    Build(Build),
    /// Build the component and run every test
    Test(Test),
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

/// What is served, and where.
#[derive(Debug, Args)]
struct Serving {
    /// Port, or address and port, of the service; port 0 takes a free one
    #[arg(long, value_name = "[IP:]PORT", default_value = "127.0.0.1:3000", value_parser = listen_address)]
    listen: SocketAddr,
    /// What serves the component
    #[arg(long, value_enum, default_value_t = Host::Auto)]
    host: Host,
    /// File with settings, such as the Worker's .dev.vars; the environment wins over it [default: none]
    #[arg(long, value_name = "FILE")]
    env_file: Option<PathBuf>,
    #[command(flatten)]
    compiler: Compiler,
}

#[derive(Debug, Args)]
struct Demo {
    #[command(flatten)]
    serving: Serving,
    /// Port, or address and port, of the page: on 127.0.0.1 or [::1]; port 0 takes a free one
    #[arg(long, value_name = "[IP:]PORT", default_value = "127.0.0.1:8080", value_parser = listen_address)]
    page_listen: SocketAddr,
    /// Open the page in the browser
    #[arg(long)]
    open: bool,
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
struct Test {
    /// What serves the component in the tests over HTTP
    #[arg(long, value_enum, default_value_t = Host::Embedded)]
    host: Host,
    #[command(flatten)]
    compiler: Compiler,
    /// More arguments for `cargo test`
    #[arg(last = true, value_name = "ARGUMENTS")]
    arguments: Vec<String>,
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
    /// Replace a file that is there [default: refuse]
    #[arg(long)]
    force: bool,
}

/// How the component is built.
#[derive(Debug, Args)]
struct Compiler {
    /// Where the compiler for the component comes from; for trying each way
    #[arg(long, value_enum, default_value_t = Choice::Auto)]
    toolchain: Choice,
    /// For hosts with WebAssembly's wide arithmetic: signs several times faster, and other hosts reject it
    #[arg(long)]
    wide: bool,
    /// For hosts without WebAssembly's relaxed SIMD (Wasmtime before 15): rs256 signs at half the speed
    #[arg(long, conflicts_with = "wide")]
    baseline: bool,
    /// For hosts with WASI 0.3 (Spin 4.1, Akamai Functions): an instance handles many requests, and keeps the parsed key
    #[arg(long, conflicts_with_all = ["wide", "baseline"])]
    p3: bool,
}

impl Compiler {
    fn variant(&self) -> Variant {
        if self.wide {
            Variant::Wide
        } else if self.baseline {
            Variant::Baseline
        } else if self.p3 {
            Variant::P3
        } else {
            Variant::Portable
        }
    }
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
    match command {
        Command::Up(serving) => up::up(&project, &serving.options())?,
        Command::Demo(flags) => demo::demo(&project, &flags.options())?,
        Command::Build(flags) => flags.run(&project)?,
        Command::Test(flags) => return flags.run(&project),
        Command::Doctor(flags) => return doctor::doctor(&project, &flags).map(code_of),
        Command::Bench { arguments } => return bench::bench(&project, &arguments).map(code_of),
        Command::Invite(flags) => return invite::invite(&project, &flags).map(code_of),
        Command::Key(flags) => flags.run(&project)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// The exit code of a program that this command stands for.
fn code_of(status: ExitStatus) -> ExitCode {
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    code.unwrap_or(1).into()
}

impl Serving {
    fn options(self) -> up::Options {
        up::Options {
            listen: self.listen,
            host: self.host,
            env_file: self.env_file,
            toolchain: self.compiler.toolchain,
            variant: self.compiler.variant(),
        }
    }
}

impl Demo {
    fn options(self) -> demo::Options {
        demo::Options {
            service: self.serving.options(),
            page_listen: self.page_listen,
            open: self.open,
        }
    }
}

impl Build {
    fn run(self, project: &Project) -> Result<()> {
        let (toolchain, variant) = (self.compiler.toolchain, self.compiler.variant());
        let artifact = if self.standalone {
            standalone::build(project, toolchain, variant)?
        } else {
            component::build(project, toolchain, variant)?
        };
        report::result(&component::describe(&artifact)?);
        Ok(())
    }
}

impl Test {
    fn run(self, project: &Project) -> Result<ExitCode> {
        let (toolchain, variant) = (self.compiler.toolchain, self.compiler.variant());
        test::test(project, self.host, toolchain, variant, &self.arguments).map(code_of)
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
