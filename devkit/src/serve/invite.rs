//! The flags of `cargo dev invite`.

use std::path::PathBuf;

use clap::Args;

/// The flags of `cargo dev invite`, and of the program behind it.
#[derive(Debug, Clone, Args)]
pub struct Flags {
    /// Room to invite to, or a pattern with * for any text
    #[arg(long)]
    pub room: String,
    /// Invite a moderator
    #[arg(long, conflicts_with = "visitor")]
    pub moderator: bool,
    /// Invite a visitor, who sees and hears and does not speak
    #[arg(long)]
    pub visitor: bool,
    /// Until when: a duration such as 90m, 2h or 7d, or a time here such as 2026-12-24T19:00; at most 90 days
    #[arg(long, value_name = "TIME", default_value = "1d")]
    pub expires: String,
    /// Name of the invited person, who can change it [default: none]
    #[arg(long)]
    pub name: Option<String>,
    /// How many tokens it is good for, renewed ones included [default: no limit]
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub max_uses: Option<u32>,
    /// File with settings, such as the Worker's .dev.vars; the environment wins over it [default: none]
    #[arg(long, value_name = "FILE")]
    pub env_file: Option<PathBuf>,
}
