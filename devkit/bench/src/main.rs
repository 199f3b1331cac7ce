//! Measures the component: the signature alone ([`signature`]), whole requests ([`requests`]), and a peer, in one run.
#![forbid(unsafe_code)]

mod machine;
mod native;
mod page;
mod requests;
mod server;
mod signature;
mod statistics;

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Parser, ValueEnum};
use devkit::build::artifact::{self, Variant};
use devkit::build::{component, toolchain};
use devkit::os::process::{Interrupted, stop_on_signals};
use devkit::os::project::{Project, shown};
use devkit::os::report;
use devkit::serve::host::Host;
use devkit::serve::key::{self, Format, Order};
use devkit_spin_app::environment_name;

use page::{Table, mebibytes, number};
use requests::Requests;
use signature::Compilation;

/// The lengths of keys that are measured. Requests of every kind are sent with the first one.
const BITS: [u16; 3] = [2048, 3072, 4096];

/// The signing engines: the ending of a build's name, and the value of the variable `signing_engine`.
const ENGINES: [(&str, &str); 2] = [("", "jwt-simple"), ("-rs256", "rs256")];

/// Measure the signature, whole requests and a peer
#[derive(Debug, Parser)]
#[command(name = "cargo dev bench", bin_name = "cargo dev bench")]
struct Flags {
    /// What serves the component
    #[arg(long, value_enum, default_value_t = Host::Embedded)]
    host: Host,
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
    /// Where the compiler for the component comes from; for trying each way
    #[arg(long, value_enum, default_value_t = toolchain::Choice::Auto)]
    toolchain: toolchain::Choice,
}

/// A part of the measurement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// The signature alone
    Signature,
    /// Whole requests
    Requests,
}

/// A build of the component: its name and file.
type Build = (&'static str, PathBuf);

/// What is measured with, made before anything is measured.
struct Setting {
    project: Project,
    /// The builds; the one that others are compared to comes first.
    builds: Vec<Build>,
    /// A throw-away key's file for each of [`BITS`].
    keys: BTreeMap<u16, PathBuf>,
}

impl Setting {
    fn make(project: Project, toolchain: toolchain::Choice) -> Result<Self> {
        for variant in [Variant::Portable, Variant::Wide] {
            component::build(&project, toolchain, variant)?;
        }
        let builds = vec![
            ("plain", artifact::plain(&project)),
            ("portable", Variant::Portable.artifact(&project)),
            ("wide", Variant::Wide.artifact(&project)),
        ];
        let mut keys = BTreeMap::new();
        for bits in BITS {
            let out = project.target_dir().join(format!("bench/keys/{bits}.pem"));
            if !out.exists() {
                report::step(&format!("Making a throw-away key of {bits} bits …"));
                key::make(&Order {
                    bits,
                    format: Format::Pkcs8,
                    out: out.clone(),
                    force: false,
                })?;
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
    let project = Project::find()?;
    let host = flags.host.choose(Variant::Portable)?;
    let setting = Setting::make(project, flags.toolchain)?;
    let wants = |part| flags.only.is_none_or(|only| only == part);
    // Before anything is measured: they may need the network.
    let tools = wants(Part::Requests)
        .then(|| requests::Tools::provide(&setting, host, flags.peer))
        .transpose()?;

    let signatures = wants(Part::Signature)
        .then(|| signature::measure(&setting, flags.rounds))
        .transpose()?;
    let compiled = signatures.as_ref().map(|signatures| &signatures.compiled);
    let mut tables = vec![build_table(&setting.builds, compiled)?];
    tables.extend(signatures.map(|signatures| signatures.table));
    let mut requests = Requests::default();
    if let Some(tools) = tools {
        requests = requests::measure(&setting, &tools, host, flags.seconds)?;
    }
    tables.append(&mut requests.tables);

    let machine = machine::sentence(&setting.project, flags.peer, host == Host::Spin);
    let remarks: Vec<String> = requests
        .remarks
        .iter()
        .map(|it| format!("\n- {it}.\n"))
        .collect();
    let written: Vec<String> = tables.iter().map(Table::to_string).collect();
    let text = format!("{machine}\n{}{}", remarks.concat(), written.concat());
    if flags.json {
        let results = serde_json::json!({
            "machine": machine, "remarks": requests.remarks, "tables": tables,
        });
        report::result(&format!("{results:#}"));
    } else {
        report::result(&text);
    }
    if flags.write {
        page::write(&setting.project, &text, &requests.lines)?;
    }
    Ok(())
}

/// What can be told of a build without a request, and while signatures are measured.
fn build_table(
    builds: &[Build],
    compiled: Option<&BTreeMap<&'static str, Compilation>>,
) -> Result<Table> {
    let head = ["build", "KiB", "compilation s", "memory of an instance MiB"];
    let mut table = Table::new("Builds".to_owned(), &head);
    for (build, path) in builds {
        let size = path.metadata().with_context(|| shown(path))?.len();
        let compiled = compiled.and_then(|compiled| compiled.get(build));
        table.rows.push(vec![
            (*build).to_owned(),
            size.div_ceil(1024).to_string(),
            number(compiled.map(|it| it.seconds)),
            mebibytes(compiled.map(|it| it.instance_memory as u64)),
        ]);
    }
    Ok(table)
}
