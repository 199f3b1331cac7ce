//! The program of [`devkit_host`]: serves the component until it is told to stop.

use std::collections::BTreeMap;
use std::env;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, anyhow};
use clap::{Parser, Subcommand};
use devkit_host::{KeyValueStore, Log, Options, command, start};
use devkit_spin_app::{PREFIX, dot_env};

/// Serves a Spin HTTP component under Wasmtime, for development where the `spin` program is not installed.
///
/// Variables are set by SPIN_VARIABLE_<NAME> in the environment, as with `spin up`.
#[derive(Parser)]
#[command(
    name = "devkit-host",
    args_conflicts_with_subcommands = true,
    disable_help_subcommand = true
)]
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
    let outcome = match Arguments::try_parse() {
        Ok(Arguments {
            command: Some(Command::Run { program, arguments }),
            ..
        }) => match command(&program, &arguments) {
            Ok(status) => return status.into(),
            Err(error) => Err(format!("error: {error:#}")),
        },
        Ok(arguments) => run(arguments).map_err(|error| format!("error: {error:#}")),
        Err(error) if error.use_stderr() => Err(error.to_string()),
        Err(help) => {
            print!("{help}");
            Ok(())
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{}", one_line(&error));
            ExitCode::FAILURE
        }
    }
}

/// The first paragraph as one line: Wasmtime lays some errors out over several, and clap adds its usage.
fn one_line(error: &str) -> String {
    let paragraph = error.split("\n\n").next().unwrap_or_default();
    paragraph.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn run(arguments: Arguments) -> Result<()> {
    let options = Options {
        manifest: arguments.manifest,
        component: arguments.component,
        runtime_config: arguments.runtime_config_file,
        environment: environment()?,
        listen: arguments.listen,
        log: Log::Stderr,
        store: KeyValueStore::default(),
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        // Listened for from the start: a first compilation takes seconds, too.
        let mut end = std::pin::pin!(signal()?);
        let starting = tokio::task::spawn_blocking(|| start(options));
        let server = tokio::select! {
            server = starting => server??,
            // The compilation cannot be interrupted, and nothing is lost with it.
            () = &mut end => std::process::exit(0),
        };
        let mut stdout = io::stdout();
        writeln!(stdout, "Serving http://{}", server.address())
            .and_then(|()| stdout.flush())
            .context("cannot write to the standard output")?;
        end.await;
        server.stop();
        Ok(())
    })
}

/// The variables that the environment sets, and where it does not, `.env` in the current folder, as with Spin.
fn environment() -> Result<BTreeMap<String, String>> {
    let mut variables: BTreeMap<String, String> =
        dot_env::read(dot_env::FILE.as_ref())?.into_iter().collect();
    variables.retain(|name, _| name.starts_with(PREFIX));
    for (name, value) in env::vars_os() {
        let Ok(name) = name.into_string() else {
            continue;
        };
        if name.starts_with(PREFIX) {
            let value = value
                .into_string()
                .map_err(|_| anyhow!("the value of {name} is not UTF-8"))?;
            variables.insert(name, value);
        }
    }
    Ok(variables)
}

/// Waits for Ctrl-C or, where there is one, a request to terminate.
#[cfg(unix)]
fn signal() -> Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

/// Waits for Ctrl-C.
#[cfg(not(unix))]
fn signal() -> Result<impl Future<Output = ()>> {
    Ok(async {
        let _ = tokio::signal::ctrl_c().await;
    })
}
