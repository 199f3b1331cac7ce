//! The program behind `cargo dev doctor`.
#![forbid(unsafe_code)]

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::SystemTime;

use clap::Parser;
use devkit::project::Project;
use devkit::report;
use devkit_doctor::examine;
use devkit_doctor::facts::Facts;

/// Check a configuration, and sign a token with it.
#[derive(Debug, Parser)]
#[command(name = "cargo dev doctor", bin_name = "cargo dev doctor")]
struct Cli {
    /// File with settings, such as the Worker's .dev.vars; the environment wins over it [default: none]
    #[arg(long, value_name = "FILE")]
    env_file: Option<PathBuf>,
    /// Print the report as JSON (docs/doctor.md)
    #[arg(long)]
    json: bool,
    /// Refuse what is weaker than the production profile of SECURITY.md, and every warning
    #[arg(long)]
    production: bool,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let facts =
        Project::find().and_then(|project| Facts::gather(&project, cli.env_file.as_deref()));
    let facts = match facts {
        Ok(facts) => facts,
        Err(error) => {
            report::step(&format!("error: {error:#}"));
            return ExitCode::from(2);
        }
    };
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |since| since.as_secs());
    let found = examine(&facts, cli.production, now);
    let text = if cli.json { found.json() } else { found.text() };
    report::result(text.trim_end());
    if found.is_ok() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
