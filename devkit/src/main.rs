//! `cargo dev`: the project's own commands.
#![forbid(unsafe_code)]

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand, builder::PossibleValuesParser, builder::TypedValueParser};

use devkit::bench::{self, BenchHost, Part};
use devkit::component::Variant;
use devkit::dev_key::{self, Format, Order};
use devkit::process::{Interrupted, Stop};
use devkit::project::{Project, shown};
use devkit::test::TestHost;
use devkit::toolchain::Choice;
use devkit::up::{HostChoice, Options};
use devkit::{component, manifests, report, standalone, test, up};

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
    Up {
        /// Address and port; port 0 takes a free one
        #[arg(long, value_name = "IP:PORT", default_value = "127.0.0.1:3000")]
        listen: SocketAddr,
        /// What serves the component
        #[arg(long, value_enum, default_value_t = HostChoice::Auto)]
        host: HostChoice,
        /// File with settings, such as the Worker's .dev.vars; the environment wins over it [default: none]
        #[arg(long, value_name = "FILE")]
        env_file: Option<PathBuf>,
        #[command(flatten)]
        compiler: Compiler,
    },
    /// Build the component: target/wasm32-wasip2/release/jaas_jwt.wasm, or target/wide/jaas_jwt.wasm
    Build {
        /// Make one that needs no Spin as well: target/standalone/jaas_jwt.wasm, or target/standalone-wide/jaas_jwt.wasm
        #[arg(long)]
        standalone: bool,
        #[command(flatten)]
        compiler: Compiler,
    },
    /// Build the component and run every test, as CI does
    Test {
        /// What serves the component in the tests over HTTP
        #[arg(long, value_enum, default_value_t = TestHost::Embedded)]
        host: TestHost,
        #[command(flatten)]
        compiler: Compiler,
        /// More arguments for `cargo test`
        #[arg(last = true, value_name = "ARGUMENTS")]
        arguments: Vec<String>,
    },
    /// Measure the signature, whole requests and a peer
    Bench {
        /// What serves the component
        #[arg(long, value_enum, default_value_t = BenchHost::Embedded)]
        host: BenchHost,
        /// Measure the same service on Node with jose too
        #[arg(long)]
        peer: bool,
        /// Measure one part alone
        #[arg(long, value_enum)]
        only: Option<Part>,
        /// How often all signatures are measured in turns
        #[arg(long, value_name = "NUMBER", default_value_t = 40, value_parser = clap::value_parser!(u32).range(1..=1000))]
        rounds: u32,
        /// How long each kind of request is sent
        #[arg(long, value_name = "SECONDS", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=60))]
        seconds: u32,
        /// Print the results as JSON
        #[arg(long)]
        json: bool,
        /// Write the results of both parts to docs/performance.md and docs/performance.svg
        #[arg(long, conflicts_with = "only")]
        write: bool,
        #[command(flatten)]
        compiler: Compiler,
    },
    /// Check the manifests of deploy/ and the workflows of .github/
    Manifests,
    /// Make a throw-away RSA key for local use
    Key {
        /// Length of the key
        #[arg(long, default_value = dev_key::BITS[0],
            value_parser = PossibleValuesParser::new(dev_key::BITS).try_map(|bits| bits.parse::<u16>()))]
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
    },
}

/// How the component is built.
#[derive(Debug, clap::Args)]
struct Compiler {
    /// Where the compiler for the component comes from; for trying each way
    #[arg(long, value_enum, default_value_t = Choice::Auto)]
    toolchain: Choice,
    /// For hosts with WebAssembly's wide arithmetic: signs several times faster, and other hosts refuse it
    #[arg(long)]
    wide: bool,
}

impl Compiler {
    fn variant(&self) -> Variant {
        if self.wide {
            Variant::Wide
        } else {
            Variant::Portable
        }
    }
}

fn main() -> ExitCode {
    let command = Cli::parse().command;
    // Ctrl-C is how serving ends; any other command was broken off by it.
    let interrupted = if matches!(command, Command::Up { .. }) {
        0
    } else {
        130
    };
    match Stop::on_signals().and_then(|stop| run(command, &stop)) {
        Ok(code) => code,
        Err(error) if error.is::<Interrupted>() => interrupted.into(),
        Err(error) => {
            report::step(&format!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command, stop: &Stop) -> Result<ExitCode> {
    let project = Project::find()?;
    match command {
        Command::Up {
            listen,
            host,
            env_file,
            compiler,
        } => {
            let options = Options {
                listen,
                host,
                env_file,
                toolchain: compiler.toolchain,
                variant: compiler.variant(),
            };
            up::up(&project, &options, stop)?;
        }
        Command::Build {
            standalone,
            compiler,
        } => {
            let build = if standalone {
                standalone::build
            } else {
                component::build
            };
            let artifact = build(&project, compiler.toolchain, compiler.variant(), stop)?;
            report::result(&component::describe(&artifact)?);
        }
        Command::Test {
            host,
            compiler,
            arguments,
        } => {
            let status = test::test(
                &project,
                host,
                compiler.toolchain,
                compiler.variant(),
                &arguments,
                stop,
            )?;
            let code = status
                .code()
                .and_then(|code| u8::try_from(code).ok())
                .unwrap_or(1);
            return Ok(code.into());
        }
        Command::Bench {
            host,
            peer,
            only,
            rounds,
            seconds,
            json,
            write,
            compiler,
        } => {
            let options = bench::Options {
                host,
                peer,
                only,
                rounds,
                seconds,
                json,
                write,
                toolchain: compiler.toolchain,
            };
            bench::bench(&project, &options, stop)?;
        }
        Command::Manifests => manifests::check(&project, stop)?,
        Command::Key {
            bits,
            format,
            out,
            force,
        } => {
            let out = out.unwrap_or_else(|| dev_key::default_path(&project));
            dev_key::make(
                &Order {
                    bits,
                    format,
                    out: out.clone(),
                    force,
                },
                stop,
            )?;
            report::result(&shown(&out));
            report::step(
                "8x8 accepts no token signed by this key until its public half is uploaded there. It is shown by:",
            );
            report::step(&format!("    {}", dev_key::show_public_half(&out)));
        }
    }
    Ok(ExitCode::SUCCESS)
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
