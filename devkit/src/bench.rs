//! Measures the component: the signature alone, whole requests, and a peer, in one run.
//!
//! Which builds are there is up to [`crate::artifacts`]; this takes them as files. [`signature`] and [`requests`] say how
//! each is measured.

pub mod document;
pub mod keys;
pub mod load;
pub mod machine;
pub mod peer;
pub mod plot;
pub mod requests;
pub mod sampler;
pub mod server;
pub mod signature;
pub mod statistics;
pub mod table;
pub mod usage;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use clap::ValueEnum;
use devkit_sampling::with_second_engine;
use serde::Serialize;

use crate::artifacts::{self, Artifact};
use crate::component::{self, Variant};
use crate::process::Stop;
use crate::programs;
use crate::project::{Project, shown};
use crate::up::{Host, HostChoice, build_embedded};
use crate::{report, toolchain};

use keys::{BITS, DEFAULT_BITS, Keys};
use machine::Machine;
use peer::Peer;
use plot::{Line, Plot};
use requests::Requests;
use sampler::Sampler;
use signature::Signatures;
use table::{Table, number_or_dash};

/// What serves the builds while requests are measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum BenchHost {
    /// Wasmtime, built with the project
    Embedded,
    /// `spin up`
    Spin,
}

/// A part of the measurement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Part {
    /// The signature alone
    Signature,
    /// Whole requests
    Requests,
}

/// What to measure, and what to do with the results.
#[derive(Debug, Clone)]
pub struct Options {
    /// The host of whole requests.
    pub host: BenchHost,
    /// Whether the peer is measured too.
    pub peer: bool,
    /// One part alone.
    pub only: Option<Part>,
    /// How often signatures are measured in turns.
    pub rounds: u32,
    /// How long each kind of request is sent, in seconds.
    pub seconds: u32,
    /// Whether the results are written as JSON instead of tables.
    pub json: bool,
    /// Whether the results are written to the documents.
    pub write: bool,
    /// The tool chain that builds the component.
    pub toolchain: toolchain::Choice,
}

/// Everything that a run has found.
#[derive(Debug, Clone, Serialize)]
pub struct Results {
    /// On what, and with what.
    pub machine: Machine,
    /// What served the builds.
    pub host: &'static str,
    /// How long each kind of request was sent, in seconds.
    pub seconds: u32,
    /// The builds.
    pub builds: Vec<BuildRow>,
    /// What else has to be known.
    pub remarks: Vec<String>,
    /// The signature alone.
    pub signatures: Signatures,
    /// Whole requests.
    pub requests: Requests,
}

/// What can be told of a build without a request.
#[derive(Debug, Clone, Serialize)]
pub struct BuildRow {
    /// Its name.
    pub build: String,
    /// The length of the file, in bytes.
    pub size: u64,
    /// How long it takes Wasmtime to compile it, in seconds.
    pub compile_seconds: Option<f64>,
    /// The most memory that an instance had, in bytes.
    pub instance_memory: Option<usize>,
}

/// Where the measurement keeps its files.
fn folder(project: &Project) -> PathBuf {
    project.target_dir().join("bench")
}

/// Measures, and gives the results.
///
/// # Errors
/// Something cannot be built or started, or an answer is wrong.
pub fn bench(project: &Project, options: &Options, stop: &Stop) -> Result<()> {
    let choice = match options.host {
        BenchHost::Embedded => HostChoice::Embedded,
        BenchHost::Spin => HostChoice::Spin,
    };
    let host = Host::choose(choice, Variant::Portable, programs::find(programs::SPIN))?;
    for variant in [Variant::Portable, Variant::Wide] {
        component::build(project, options.toolchain, variant, stop)?;
    }
    let (artifacts, remarks) = artifacts::find(project)?;
    for remark in &remarks {
        report::step(&format!("note: {remark}"));
    }
    let keys = Keys::provide(project, stop)?;
    let embedded = build_embedded(project, stop)?;
    // Before anything is measured: it may need the network.
    let peer = options
        .peer
        .then(|| Peer::provide(project, stop))
        .transpose()?;

    let wants = |part| options.only.is_none_or(|only| only == part);
    let mut compilation = BTreeMap::new();
    let mut signatures = Signatures::default();
    if wants(Part::Signature) {
        let mut samplers = samplers(project, &embedded, &artifacts, &keys, stop)?;
        for subject in samplers.iter().flat_map(|sampler| &sampler.subjects) {
            compilation.insert(subject.name.clone(), subject.compilation.as_secs_f64());
        }
        signatures = signature::measure(&mut samplers, options.rounds, stop)?;
    }
    let mut requests = Requests::default();
    if wants(Part::Requests) {
        let program = match &host {
            Host::Spin(path) => path.clone(),
            Host::Embedded => embedded,
        };
        let kinds = servers(project, &host, &program, &artifacts, peer)?;
        let duration = Duration::from_secs(options.seconds.into());
        requests = requests::measure(project, &kinds, &keys, duration, &signatures, stop)?;
    }

    let builds = artifacts.iter().map(|artifact| {
        let name = artifact.build.name();
        BuildRow {
            build: name.to_owned(),
            size: artifact.size,
            compile_seconds: compilation.get(name).copied(),
            instance_memory: signatures.instance_memory.get(name).copied(),
        }
    });
    let results = Results {
        machine: Machine::look(project, options.peer, matches!(host, Host::Spin(_))),
        host: match host {
            Host::Spin(_) => "spin up",
            Host::Embedded => "the embedded host",
        },
        seconds: options.seconds,
        builds: builds.collect(),
        remarks: [remarks, requests.failed.clone()].concat(),
        signatures,
        requests,
    };
    if options.json {
        report::result(&serde_json::to_string_pretty(&results)?);
    } else {
        report::result(&results.text());
    }
    if options.write {
        results.write(project)?;
    }
    Ok(())
}

/// The core as machine code, and all builds in one Wasmtime.
fn samplers(
    project: &Project,
    embedded: &Path,
    artifacts: &[Artifact],
    keys: &Keys,
    stop: &Stop,
) -> Result<Vec<Sampler>> {
    report::step("Building the core for this machine (the first time one to two minutes) …");
    let mut core = sampler::core(project, keys, stop)?;
    report::step("Compiling every build in one Wasmtime (some seconds) …");
    let mut host = sampler::host(embedded, &project.manifest(), artifacts, keys);
    Ok(vec![
        Sampler::start(&mut core, stop)?,
        Sampler::start(&mut host, stop)?,
    ])
}

/// What requests are sent to.
fn servers(
    project: &Project,
    host: &Host,
    program: &Path,
    artifacts: &[Artifact],
    peer: Option<Peer>,
) -> Result<Vec<server::Kind>> {
    let mut kinds = Vec::new();
    for artifact in artifacts {
        let name = artifact.build.name();
        let manifest = match host {
            Host::Spin(_) => server::manifest(project, artifact)?,
            Host::Embedded => project.manifest(),
        };
        for (name, second_engine) in [(name.to_owned(), false), (with_second_engine(name), true)] {
            kinds.push(server::Kind {
                name,
                launch: server::Launch::Component {
                    host: host.clone(),
                    program: program.to_owned(),
                    manifest: manifest.clone(),
                    component: artifact.path.clone(),
                    second_engine,
                },
            });
        }
    }
    kinds.extend(peer.map(|peer| server::Kind {
        name: peer::NAME.to_owned(),
        launch: server::Launch::Peer(peer),
    }));
    Ok(kinds)
}

impl Results {
    /// For a person: Markdown that also reads well in a terminal.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = format!("{}\n", self.machine.sentence());
        if !self.remarks.is_empty() {
            text.push('\n');
        }
        for remark in &self.remarks {
            let _ = writeln!(text, "- {remark}.");
        }
        let mut part = |heading: String, table: Table| {
            if !table.is_empty() {
                let _ = write!(text, "\n### {heading}\n\n{table}");
            }
        };
        part("Builds".to_owned(), self.build_table());
        part(
            format!(
                "Signature alone: CPU time, median of {} rounds",
                self.signatures.rounds
            ),
            self.signatures.table(),
        );
        part(
            format!("Tokens: CPU time of the server, {}", self.host),
            self.requests.token_table(),
        );
        part(
            format!(
                "Requests: {}, {} s each; CPU is the server's, the client runs on the same machine",
                self.host, self.seconds
            ),
            self.requests.table(),
        );
        part(
            format!("Start and memory: {}, {DEFAULT_BITS} bits", self.host),
            self.requests.server_table(),
        );
        text
    }

    fn build_table(&self) -> Table {
        let mut table = Table::new(&["build", "KiB", "compilation s", "memory of an instance MiB"]);
        for row in &self.builds {
            let memory = row.instance_memory.map(|bytes| bytes as f64 / 1_048_576.0);
            table.row(vec![
                row.build.clone(),
                row.size.div_ceil(1024).to_string(),
                number_or_dash(row.compile_seconds),
                number_or_dash(memory),
            ]);
        }
        table
    }

    /// What a token takes, over the length of the key; of whole requests where they were measured.
    #[must_use]
    pub fn plot(&self) -> Option<String> {
        let names = self.requests.names();
        let lines: Vec<Line> = names
            .iter()
            .map(|&name| Line {
                name: name.to_owned(),
                values: BITS
                    .map(|bits| self.requests.processor(name, bits, load::Kind::Token))
                    .into(),
            })
            .collect();
        let plot = Plot {
            title: "CPU time per token",
            horizontal: "RSA key (bits)",
            vertical: "CPU time of the server per token (ms, logarithmic)",
            positions: &BITS,
            lines: &lines,
        };
        plot.svg()
    }

    /// Writes the documents.
    fn write(&self, project: &Project) -> Result<()> {
        let page = project.root().join("docs/performance.md");
        let read = || format!("{} cannot be read", shown(&page));
        let old = fs::read_to_string(&page).with_context(read)?;
        let new = document::with_part(&old, &self.text())
            .with_context(|| format!("in {}", shown(&page)))?;
        save(&page, &new)?;
        if let Some(svg) = self.plot() {
            save(&project.root().join("docs/performance.svg"), &svg)?;
        }
        Ok(())
    }
}

fn save(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).with_context(|| format!("{} cannot be written", shown(path)))?;
    report::step(&format!("Written: {}", shown(path)));
    Ok(())
}
