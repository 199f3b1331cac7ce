//! The program behind `cargo dev doctor`.
#![forbid(unsafe_code)]

use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::SystemTime;

use anyhow::{Context, Error, Result, ensure};
use clap::Parser;
use devkit::os::project::Project;
use devkit::os::report;
use devkit_doctor::credential::Credential;
use devkit_doctor::examine;
use devkit_doctor::facts::{self, Facts};
use devkit_doctor::provider::Provider;
use devkit_doctor::scan;
use devkit_doctor::web::Web;
use serde_json::json;

/// Check a configuration, and sign a token with it
#[derive(Debug, Parser)]
#[command(name = "cargo dev doctor", bin_name = "cargo dev doctor")]
struct Flags {
    /// File with settings, such as the Worker's .dev.vars; the environment wins over it [default: none]
    #[arg(long, value_name = "FILE")]
    env_file: Option<PathBuf>,
    /// Print the report as JSON (docs/doctor.md)
    #[arg(long)]
    json: bool,
    /// Reject what is weaker than the production profile of SECURITY.md, and every warning
    #[arg(long)]
    production: bool,
    /// Check a caller's credential too, a JWT in a file or on standard input (-); it is never printed. Fetches what the
    /// login publishes
    #[arg(long, value_name = "FILE")]
    credential: Option<PathBuf>,
    /// Fetch what the login at this address publishes, and write the variables for it; with --credential, say which of
    /// them fit
    #[arg(long, value_name = "URL")]
    issuer: Option<String>,
}

fn main() -> ExitCode {
    let flags = Flags::parse();
    run(&flags).unwrap_or_else(|error| {
        let error = format!("{error:#}");
        report::step(&format!("error: {error}"));
        if flags.json {
            let object = json!({ "version": 1, "ok": false, "error": error });
            // If this fails, standard error still has the message.
            let _ = report::result(&format!("{object:#}"));
        }
        ExitCode::from(2)
    })
}

fn run(flags: &Flags) -> Result<ExitCode> {
    let web = Web::default();
    if let (Some(issuer), None) = (&flags.issuer, &flags.credential) {
        ensure!(
            !flags.json,
            "--issuer alone writes an env file: leave out --json, or add --credential"
        );
        let provider = Provider::discover(&web, issuer).map_err(Error::msg)?;
        report::result(provider.block().trim_end())?;
        return Ok(ExitCode::SUCCESS);
    }
    let facts = Facts::gather(&Project::find()?, flags.env_file.as_deref())?;
    let credential = flags.credential.as_deref().map(read).transpose()?;
    let credential = credential.as_deref().map(|text| Credential {
        text,
        network: &web,
        issuer: flags.issuer.as_deref(),
    });
    let now = SystemTime::UNIX_EPOCH.elapsed()?.as_secs();
    let found = examine(&facts, flags.production, credential.as_ref(), now);
    let text = match io::stdout().is_terminal() {
        _ if flags.json => found.json(),
        true => found.terminal(shows_colours()),
        false => found.text(),
    };
    report::result(text.trim_end())?;
    Ok(ExitCode::from(u8::from(!found.ok)))
}

/// Reads a credential from a file or standard input.
fn read(path: &Path) -> Result<String> {
    match path == Path::new("-") {
        true => scan::beginning(io::stdin()).context("standard input cannot be read"),
        false => facts::read(path),
    }
}

/// Returns whether to use colours: not if NO_COLOR is set (no-color.org), and not on a dumb terminal.
fn shows_colours() -> bool {
    let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    !is_set("NO_COLOR") && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}
