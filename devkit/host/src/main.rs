//! The program of [`devkit_host`]: serves the component until it is stopped.

use std::collections::BTreeMap;
use std::env;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, anyhow};
use clap::{Parser, Subcommand};
use devkit_host::{Faults, KeyValueStore, Log, Options, command, start};
use devkit_spin_app::{PREFIX, dot_env};

/// Serves a Spin HTTP component under Wasmtime, for development where the `spin` program is not installed.
///
/// Variables are set by SPIN_VARIABLE_<NAME> in the environment, as with `spin up`.
#[derive(Parser)]
#[command(name = "devkit-host", args_conflicts_with_subcommands = true)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    /// The application's manifest.
    #[arg(long, value_name = "FILE", default_value = "spin.toml")]
    manifest: PathBuf,
    /// A component to serve in the place of the manifest's; it may use WebAssembly's wide arithmetic.
    #[arg(long, value_name = "FILE")]
    component: Option<PathBuf>,
    /// Variable providers, as for `spin up`; here of the type "static" only.
    #[arg(long, value_name = "FILE")]
    runtime_config_file: Option<PathBuf>,
    /// The address to listen on; port 0 is any free port.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:3000")]
    listen: SocketAddr,
}

#[derive(Subcommand)]
enum Command {
    /// Runs another program than a Spin component, for tests in WebAssembly.
    #[command(hide = true)]
    Run {
        /// The program, a component.
        program: PathBuf,
        /// Its arguments.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
}

fn main() -> ExitCode {
    let mut arguments = Arguments::parse();
    let outcome = match arguments.command.take() {
        Some(Command::Run { program, arguments }) => command(&program, &arguments),
        None => serve(arguments).map(|()| 0),
    };
    match outcome {
        Ok(status) => status.into(),
        Err(error) => {
            // `eprintln!` panics if standard error is closed.
            let _ = writeln!(io::stderr(), "error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn serve(arguments: Arguments) -> Result<()> {
    let server = start(Options {
        manifest: arguments.manifest,
        component: arguments.component,
        runtime_config: arguments.runtime_config_file,
        environment: environment()?,
        listen: arguments.listen,
        log: Log::Stderr,
        store: KeyValueStore::default(),
        faults: Faults::default(),
    })?;
    let mut stdout = io::stdout();
    writeln!(stdout, "Serving http://{}", server.address())
        .and_then(|()| stdout.flush())
        .context("cannot write to the standard output")?;
    tokio::runtime::Runtime::new()?.block_on(async {
        end().await?;
        server.stop().await;
        Ok(())
    })
}

/// Returns the variables set by the environment, and by `.env` in the current folder where the environment does not set
/// them, as in Spin.
fn environment() -> Result<BTreeMap<String, String>> {
    let entries = dot_env::read(dot_env::FILE.as_ref())?;
    let mut variables = BTreeMap::from_iter(entries);
    variables.retain(|name, _| name.starts_with(PREFIX));
    for (name, value) in env::vars_os() {
        let name = name.to_string_lossy();
        if name.starts_with(PREFIX) {
            let value = value
                .into_string()
                .map_err(|_| anyhow!("the value of {name} is not UTF-8"))?;
            variables.insert(name.into_owned(), value);
        }
    }
    Ok(variables)
}

/// Waits for Ctrl-C or SIGTERM.
#[cfg(unix)]
async fn end() -> io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        ended = tokio::signal::ctrl_c() => ended,
        _ = terminate.recv() => Ok(()),
    }
}

/// Waits for Ctrl-C.
#[cfg(not(unix))]
async fn end() -> io::Result<()> {
    tokio::signal::ctrl_c().await
}
