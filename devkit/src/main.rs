//! `cargo dev`: the project's own commands.
#![forbid(unsafe_code)]

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{ExitCode, ExitStatus};

use anyhow::Result;
use clap::{Parser, Subcommand, builder::PossibleValuesParser, builder::TypedValueParser};

use devkit::bench::{self, BenchHost, Part};
use devkit::component::Variant;
use devkit::dev_key::{self, Format, Order};
use devkit::fuzz::{self, Target};
use devkit::process::{Interrupted, Stop};
use devkit::project::{Project, shown};
use devkit::test::TestHost;
use devkit::toolchain::Choice;
use devkit::up::{HostChoice, Options};
use devkit::{component, demo, doctor, manifests, report, reproduce, soak, standalone, test, up};

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
        #[command(flatten)]
        serving: Serving,
    },
    /// Serve the component, and beside it a page on which one sees it work
    Demo {
        #[command(flatten)]
        serving: Serving,
        /// Address and port of the page: 127.0.0.1 or [::1]; port 0 takes a free one
        #[arg(long, value_name = "IP:PORT", default_value = "127.0.0.1:8080")]
        page_listen: SocketAddr,
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
    /// Check the configuration and sign a token with it; ends with 1 where something is wrong, with 2 where it cannot tell
    Doctor {
        /// File with settings, such as the Worker's .dev.vars; the environment wins over it [default: none]
        #[arg(long, value_name = "FILE")]
        env_file: Option<PathBuf>,
        /// Print the report as JSON (docs/doctor.md)
        #[arg(long)]
        json: bool,
        /// Refuse what is weaker than the production profile of SECURITY.md, and every warning
        #[arg(long)]
        production: bool,
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
    /// Throw inputs at the core of the service: over ten million, in about half an hour
    Fuzz {
        /// One target alone [default: each in turn]
        #[arg(value_enum)]
        target: Option<Target>,
        /// How many inputs each target gets [default: of its own]
        #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(1..))]
        executions: Option<u64>,
    },
    /// Keep the embedded host busy with good, refused, malformed, slow and broken requests
    Soak {
        /// Connections at once
        #[arg(long, value_name = "NUMBER", default_value_t = 64, value_parser = clap::value_parser!(u32).range(8..=512))]
        connections: u32,
        /// How long the mix of requests is sent
        #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u32).range(4..=3600))]
        seconds: u32,
        /// Where the compiler for the component comes from; for trying each way
        #[arg(long, value_enum, default_value_t = Choice::Auto)]
        toolchain: Choice,
    },
    /// Build the component of the last commit twice, in two folders, and compare the bytes
    Reproduce {
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

/// What is served, and where.
#[derive(Debug, clap::Args)]
struct Serving {
    /// Address and port of the service; port 0 takes a free one
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
}

impl From<Serving> for Options {
    fn from(serving: Serving) -> Self {
        Self {
            listen: serving.listen,
            host: serving.host,
            env_file: serving.env_file,
            toolchain: serving.compiler.toolchain,
            variant: serving.compiler.variant(),
        }
    }
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
    let interrupted = if matches!(command, Command::Up { .. } | Command::Demo { .. }) {
        0
    } else {
        130
    };
    // The doctor's 1 says that the configuration is wrong.
    let failed = if matches!(command, Command::Doctor { .. }) {
        2
    } else {
        1
    };
    match Stop::on_signals().and_then(|stop| run(command, &stop)) {
        Ok(code) => code,
        Err(error) if error.is::<Interrupted>() => interrupted.into(),
        Err(error) => {
            report::step(&format!("error: {error:#}"));
            failed.into()
        }
    }
}

fn run(command: Command, stop: &Stop) -> Result<ExitCode> {
    let project = Project::find()?;
    match command {
        Command::Up { serving } => up::up(&project, &serving.into(), stop)?,
        Command::Demo {
            serving,
            page_listen,
        } => {
            let options = demo::Options {
                service: serving.into(),
                page_listen,
            };
            demo::demo(&project, &options, stop)?;
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
            return Ok(code_of(status));
        }
        Command::Doctor {
            env_file,
            json,
            production,
        } => {
            let options = doctor::Options {
                env_file,
                json,
                production,
            };
            return Ok(code_of(doctor::doctor(&project, &options, stop)?));
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
        Command::Fuzz { target, executions } => {
            fuzz::fuzz(&project, target, executions, stop)?;
        }
        Command::Soak {
            connections,
            seconds,
            toolchain,
        } => {
            let options = soak::Options {
                connections,
                seconds,
                toolchain,
            };
            soak::soak(&project, &options, stop)?;
        }
        Command::Reproduce { compiler } => {
            reproduce::reproduce(&project, compiler.toolchain, compiler.variant(), stop)?;
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

/// The exit code of a program that this command stands for.
fn code_of(status: ExitStatus) -> ExitCode {
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    code.unwrap_or(1).into()
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
