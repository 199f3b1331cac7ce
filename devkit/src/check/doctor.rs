//! The flags of `cargo dev doctor`.

use std::path::PathBuf;

use clap::Args;

/// The flags of `cargo dev doctor`, and of the program behind it.
#[derive(Debug, Clone, Args)]
pub struct Flags {
    /// File with settings, such as the Worker's .dev.vars; the environment wins over it [default: none]
    #[arg(long, value_name = "FILE")]
    pub env_file: Option<PathBuf>,
    /// Print the report as JSON (docs/doctor.md)
    #[arg(long)]
    pub json: bool,
    /// Reject what is weaker than the production profile of SECURITY.md, and every warning
    #[arg(long)]
    pub production: bool,
    /// Check a caller's credential too, a JWT in a file or on standard input (-); it is never printed. Fetches what the
    /// login publishes
    #[arg(long, value_name = "FILE")]
    pub credential: Option<PathBuf>,
    /// Fetch what the login at this address publishes, and write the variables for it; with --credential, say which of
    /// them fit
    #[arg(long, value_name = "URL")]
    pub issuer: Option<String>,
}
