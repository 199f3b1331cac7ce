//! Measures the component: what a token takes of the server's processor, by each build, engine and length of key.
#![forbid(unsafe_code)]

mod machine;
mod page;
mod requests;
mod server;

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};
use clap::Parser;
use devkit::build::artifact::{self, Variant};
use devkit::build::{component, toolchain};
use devkit::os::process::{Interrupted, printed_by, stop_on_signals};
use devkit::os::programs::SPIN;
use devkit::os::project::{Project, shown};
use devkit::os::report;
use devkit::serve::host::Host;
use devkit::serve::key::{self, Format};
use devkit_spin_app::environment_name;

/// The lengths of keys that are measured. What does not depend on the key is measured with the first one.
const BITS: [u16; 3] = [2048, 3072, 4096];

/// The signing engines: the ending of a server's name, and the value of the variable `signing_engine`.
const ENGINES: [(&str, &str); 2] = [("", "jwt-simple"), ("-rs256", "rs256")];

/// Measure tokens and other requests, by each build of the component
#[derive(Debug, Parser)]
#[command(name = "cargo dev bench", bin_name = "cargo dev bench")]
struct Flags {
    /// What serves the component
    #[arg(long, value_enum, default_value_t = Host::Embedded)]
    host: Host,
    /// Measure the same service on Node with jose too
    #[arg(long)]
    peer: bool,
    /// Write the results to docs/performance.md and docs/performance.svg
    #[arg(long)]
    write: bool,
}

/// What is measured with, made before anything is measured.
struct Setting {
    project: Project,
    /// The builds of the component: names and files.
    builds: Vec<(&'static str, PathBuf)>,
    /// A throw-away key's file for each of [`BITS`].
    keys: BTreeMap<u16, PathBuf>,
}

impl Setting {
    fn make(project: Project, host: Host) -> Result<Self> {
        let mut builds = Vec::new();
        for variant in [Variant::Portable, Variant::Wide, Variant::P3] {
            if let Some(reason) = left_out(variant, host) {
                report::step(reason);
                continue;
            }
            let built = component::build(&project, toolchain::Choice::Auto, variant)?;
            if variant == Variant::Portable {
                builds.push(("plain", artifact::plain(&project)));
            }
            builds.push((title(variant), built));
        }
        let mut keys = BTreeMap::new();
        for bits in BITS {
            let out = project.target_dir().join(format!("bench/keys/{bits}.pem"));
            if !out.exists() {
                report::step(&format!("Making a throw-away key of {bits} bits …"));
                key::make(&out, bits, Format::Pkcs8)?;
            }
            keys.insert(bits, out);
        }
        Ok(Self {
            project,
            builds,
            keys,
        })
    }

    /// The folder for what a run leaves.
    fn folder(&self) -> PathBuf {
        self.project.target_dir().join("bench")
    }

    /// The environment that configures a host or the peer: a key, names that go with it, and an engine.
    fn environment(&self, bits: u16, engine: &str) -> Result<BTreeMap<String, String>> {
        let path = &self.keys[&bits];
        let pem =
            fs::read_to_string(path).with_context(|| format!("{} cannot be read", shown(path)))?;
        let app_id = format!("vpaas-magic-cookie-{}", "0".repeat(32));
        let values = [
            ("jaas_key_id", format!("{app_id}/000000")),
            ("jaas_app_id", app_id),
            ("jaas_private_key", pem),
            ("signing_engine", engine.to_owned()),
        ];
        let values = values.into_iter();
        Ok(values
            .map(|(name, value)| (environment_name(name), value))
            .collect())
    }
}

/// What the tables call a build.
fn title(variant: Variant) -> &'static str {
    match variant {
        Variant::P3 => "portable (WASI 0.3)",
        other => other.name(),
    }
}

/// Why a build is not measured on a host.
fn left_out(variant: Variant, host: Host) -> Option<&'static str> {
    match (host, variant) {
        (Host::Spin, Variant::Wide) => {
            Some("The wide build is left out: no released Spin takes it.")
        }
        (Host::Spin, Variant::P3) => {
            let version = printed_by(Command::new(SPIN).arg("--version")).unwrap_or_default();
            (!has_wasi_3(&version))
                .then_some("The build for WASI 0.3 is left out: it needs Spin 4.1 or newer.")
        }
        _ => None,
    }
}

/// Whether Spin has WASI 0.3, by what it prints as its version.
fn has_wasi_3(version: &str) -> bool {
    let number = version.split_whitespace().nth(1).unwrap_or_default();
    let mut parts = number.split('.').map_while(|part| part.parse::<u32>().ok());
    (parts.next(), parts.next()) >= (Some(4), Some(1))
}

fn main() -> ExitCode {
    let flags = Flags::parse();
    match stop_on_signals().and_then(|()| bench(&flags)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.is::<Interrupted>() => 130.into(),
        Err(error) => {
            report::step(&format!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn bench(flags: &Flags) -> Result<()> {
    let host = flags.host.choose(Variant::Portable)?;
    let setting = Setting::make(Project::find()?, host)?;
    // Before anything is measured: it may need the network.
    let kinds = server::kinds(&setting, host, flags.peer)?;
    let results = requests::measure(&setting, kinds, host)?;
    let machine = machine::sentence(&setting.project, flags.peer, host == Host::Spin);
    let tables = results.tables.iter().map(ToString::to_string);
    let text = format!("{machine}\n{}", tables.collect::<String>());
    report::result(&text);
    if flags.write {
        page::write(&setting.project, &text, &results.lines)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spin_has_wasi_3_since_4_1() {
        for (version, expected) in [
            ("spin 4.1.0 (9f1a2b3 2026-08-26)\n", true),
            ("spin 4.10.2", true),
            ("spin 5.0.0-pre0", true),
            ("spin 4.0.2 (9f1a2b3 2026-06-01)", false),
            ("spin 3.6.3", false),
            ("spin 4", false),
            ("", false),
        ] {
            assert_eq!(has_wasi_3(version), expected, "{version}");
        }
    }
}
