//! The program behind `cargo dev doctor`.
#![forbid(unsafe_code)]

use std::fs::File;
use std::io::{self, IsTerminal, Read};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::SystemTime;

use anyhow::{Context, Result};
use clap::Parser;
use devkit::os::project::{Project, shown};
use devkit::os::report;
use devkit_doctor::credential::Credential;
use devkit_doctor::examine;
use devkit_doctor::facts::Facts;
use devkit_doctor::provider::Provider;
use devkit_doctor::web::Web;

/// The most bytes of a credential's file that are read; the service reads fewer.
const MAX_CREDENTIAL_BYTES: u64 = 64 * 1024;

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
    run(&Flags::parse()).unwrap_or_else(|error| {
        report::step(&format!("error: {error:#}"));
        ExitCode::from(2)
    })
}

fn run(flags: &Flags) -> Result<ExitCode> {
    let web = Web::default();
    if let (Some(issuer), None) = (&flags.issuer, &flags.credential) {
        let provider = Provider::discover(&web, issuer).map_err(anyhow::Error::msg)?;
        report::result(provider.block().trim_end());
        return Ok(ExitCode::SUCCESS);
    }
    let facts = Facts::gather(&Project::find()?, flags.env_file.as_deref())?;
    let credential = flags.credential.as_deref().map(read).transpose()?;
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |since| since.as_secs());
    let credential = credential.as_deref().map(|text| Credential {
        text,
        network: &web,
        issuer: flags.issuer.as_deref(),
    });
    let found = examine(&facts, flags.production, credential.as_ref(), now);
    let text = match io::stdout().is_terminal() {
        _ if flags.json => found.json(),
        true => found.terminal(shows_colours()),
        false => found.text(),
    };
    report::result(text.trim_end());
    Ok(if found.is_ok() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn read(path: &Path) -> Result<String> {
    let source: Box<dyn Read> = if path == Path::new("-") {
        Box::new(io::stdin())
    } else {
        Box::new(File::open(path).with_context(|| format!("{} cannot be read", shown(path)))?)
    };
    let mut bytes = Vec::new();
    source
        .take(MAX_CREDENTIAL_BYTES)
        .read_to_end(&mut bytes)
        .with_context(|| format!("{} cannot be read", shown(path)))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Colours are left out where NO_COLOR (no-color.org) is set.
fn shows_colours() -> bool {
    let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    set("NO_COLOR").is_none() && set("TERM").as_deref() != Some("dumb")
}
