//! Programs that measure themselves: the embedded host with its builds, and the core as machine code.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{ChildStdin, Command};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use devkit_sampling::{Order, READY, Sample, Subject};

use crate::process::{self, Interrupted, Running, Stop};
use crate::project::Project;

use super::keys::Keys;

/// A program that carries out orders.
#[derive(Debug)]
pub struct Sampler {
    /// What it can measure.
    pub subjects: Vec<Subject>,
    orders: ChildStdin,
    answers: Receiver<String>,
    // The last: it ends when its input is closed, and need not be told.
    _running: Running,
}

impl Sampler {
    /// Starts the program, and waits until it is ready.
    ///
    /// # Errors
    /// It ends before that; its own message is on standard error.
    pub fn start(command: &mut Command, stop: &Stop) -> Result<Self> {
        let (running, orders, output) = Running::start_talking(command)?;
        let (sender, answers) = mpsc::channel();
        // A thread, so that waiting for a line does not keep Ctrl-C waiting.
        thread::spawn(move || {
            for line in BufReader::new(output).lines() {
                if line.is_err() || sender.send(line.unwrap_or_default()).is_err() {
                    break;
                }
            }
        });
        let mut sampler = Self {
            subjects: Vec::new(),
            orders,
            answers,
            _running: running,
        };
        loop {
            let line = sampler.next_line(stop)?;
            if line == READY {
                return Ok(sampler);
            }
            sampler.subjects.push(line.parse()?);
        }
    }

    /// Has an order carried out.
    ///
    /// # Errors
    /// The program ends; its own message is on standard error.
    pub fn measure(&mut self, order: &Order, stop: &Stop) -> Result<Sample> {
        writeln!(self.orders, "{order}").context("the program that measures has ended")?;
        let sample: Sample = self.next_line(stop)?.parse()?;
        ensure!(
            sample.times.len() == order.count as usize,
            "the program that measures gave {} times for the order {order}",
            sample.times.len()
        );
        Ok(sample)
    }

    fn next_line(&self, stop: &Stop) -> Result<String> {
        loop {
            match self.answers.recv_timeout(Duration::from_millis(50)) {
                Ok(line) => return Ok(line),
                Err(RecvTimeoutError::Timeout) if stop.requested() => {
                    return Err(Interrupted.into());
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    bail!("the program that measures has ended; its own message is above")
                }
            }
        }
    }
}

/// Builds the core as an optimised program for this machine, and gives the command that measures it.
///
/// # Errors
/// The build fails.
pub fn core(project: &Project, keys: &Keys, stop: &Stop) -> Result<Command> {
    let target_dir = project.native_target_dir();
    let mut cargo = project.cargo();
    // The same profile as the component's.
    cargo
        .args([
            "build",
            "--release",
            "--locked",
            "--package",
            "devkit-sampling",
        ])
        .args(["--example", "core", "--target-dir"])
        .arg(&target_dir)
        .env_remove("CARGO_BUILD_TARGET");
    let status = process::run(&mut cargo, stop)?;
    ensure!(
        status.success(),
        "the core was not built; cargo's own message is above"
    );
    let program = format!("release/examples/core{}", std::env::consts::EXE_SUFFIX);
    let mut command = Command::new(target_dir.join(program));
    command.arg(project.manifest());
    command.args(
        keys.iter()
            .map(|key| format!("{}={}", key.bits, key.path.display())),
    );
    keys.configure(&mut command);
    Ok(command)
}

/// The command by which the embedded host measures the builds.
pub fn host<'a>(
    program: &Path,
    manifest: &Path,
    artifacts: impl IntoIterator<Item = &'a crate::artifacts::Artifact>,
    keys: &Keys,
) -> Command {
    let mut command = Command::new(program);
    command.arg("sample").arg("--manifest").arg(manifest);
    for artifact in artifacts {
        command.arg("--artifact");
        command.arg(format!("{}={}", artifact.build, artifact.path.display()));
    }
    for key in keys.iter() {
        command.arg("--key");
        command.arg(format!("{}={}", key.bits, key.path.display()));
    }
    keys.configure(&mut command);
    command
}
