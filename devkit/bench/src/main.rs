//! Measures the component: the CPU time per token for each build, signing engine and key length.
#![forbid(unsafe_code)]

mod machine;
mod page;
mod picture;
mod requests;
mod server;
mod tables;
mod usage;

use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;
use devkit::build::artifact::Variant;
use devkit::os::process::{Interrupted, stop_on_signals};
use devkit::os::project::Project;
use devkit::os::report;
use devkit::serve::host::Host;

/// Measure tokens and other requests, by each build of the component
#[derive(Debug, Parser)]
#[command(name = "cargo dev bench", bin_name = "cargo dev bench")]
struct Flags {
    /// Host that serves the component
    #[arg(long, value_enum, default_value_t = Host::Embedded)]
    host: Host,
    /// Measure the same service on Node with jose too
    #[arg(long)]
    peer: bool,
    /// Write the results to docs/performance.md and docs/performance.svg
    #[arg(long)]
    write: bool,
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
    // Before the measurements, because it may need the network.
    let kinds = server::kinds(&project, host, flags.peer)?;
    let servers = requests::measure(&project, &kinds)?;
    let machine = machine::sentence(&project, flags.peer, host == Host::Spin);
    let text = format!("{machine}\n{}", tables::of(&servers, host.name()));
    report::result(&text)?;
    if flags.write {
        page::write(&project, &text, &picture::draw(&servers)?)?;
    }
    Ok(())
}
