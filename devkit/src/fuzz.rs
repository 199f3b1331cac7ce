//! Throws inputs at the service's core: libFuzzer, with what the stable compiler has of it.
//!
//! cargo-fuzz asks for a nightly compiler because of its address sanitizer. The component has no unsafe code of its own
//! for one to watch, and coverage alone is a pass of LLVM that the stable compiler runs as well.

use std::env::consts;
use std::ffi::OsString;
use std::fs::{self, File};
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use clap::ValueEnum;

use crate::process::{self, Stop};
use crate::project::{Project, shown};
use crate::report;

/// What makes the compiler count which branches an input takes, and hand the operands of comparisons to the fuzzer.
const FLAGS: [&str; 6] = [
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    // Branches that were folded into one could not be told apart.
    "-Cllvm-args=-simplifycfg-branch-fold-threshold=0",
];

/// The longest input, in bytes; a body may have four times as many, and tests of its own.
const LONGEST_INPUT: u32 = 4096;
/// How long one input may take, in seconds.
const TIME_LIMIT: u32 = 10;
/// How much memory the program may take, in MiB.
const MEMORY_LIMIT: u32 = 1024;

/// What is fuzzed: a folder of `fuzz/corpus` each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Target {
    /// The operator's variables
    Configuration,
    /// The caller's credential
    Credential,
    /// Private and public keys in every shape
    Key,
    /// The allow list and the Origin header
    Origin,
    /// Query and body up to the claims
    Request,
    /// Whole requests under good configurations
    Service,
}

impl Target {
    /// The name of the target and its folder.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Configuration => "configuration",
            Self::Credential => "credential",
            Self::Key => "key",
            Self::Origin => "origin",
            Self::Request => "request",
            Self::Service => "service",
        }
    }

    /// How many inputs are tried unless the user says otherwise: over ten million in all, and more where one costs
    /// less.
    #[must_use]
    pub fn executions(self) -> u64 {
        match self {
            Self::Configuration => 300_000,
            Self::Credential => 2_500_000,
            Self::Key => 500_000,
            Self::Origin => 3_500_000,
            Self::Request => 3_500_000,
            Self::Service => 500_000,
        }
    }
}

/// Fuzzes one target, or each in turn, and says how many inputs were tried.
///
/// # Errors
/// The program cannot be built, or a property does not hold for an input: the message names the file that keeps it.
pub fn fuzz(
    project: &Project,
    target: Option<Target>,
    executions: Option<u64>,
    stop: &Stop,
) -> Result<()> {
    let target_dir = project.target_dir().join("fuzz");
    let triple = host_triple(project)?;
    report::step("Building the fuzzer (the first time two to five minutes) …");
    let mut cargo = project.cargo();
    cargo
        .env("RUSTFLAGS", FLAGS.join(" "))
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .args(["build", "--locked", "--profile", "fuzz"])
        .args(["--package", "jaas-jwt-fuzz", "--features", "libfuzzer"])
        // With a target of its own the flags leave build scripts alone.
        .args(["--target", &triple, "--target-dir"])
        .arg(&target_dir);
    let status = process::run(&mut cargo, stop)?;
    ensure!(
        status.success(),
        "the fuzzer was not built; cargo's own message is above"
    );
    let program = target_dir
        .join(&triple)
        .join("fuzz")
        .join(format!("fuzz{}", consts::EXE_SUFFIX));

    let chosen: Vec<Target> = match target {
        Some(target) => vec![target],
        None => Target::value_variants().to_vec(),
    };
    let mut total = 0;
    for target in chosen {
        let wanted = executions.unwrap_or(target.executions());
        report::step(&format!("Fuzzing {}: {wanted} inputs …", target.name()));
        let start = Instant::now();
        let done = run(project, &target_dir, &program, target, wanted, stop)?;
        total += done;
        report::result(&format!(
            "{}: {done} inputs in {} s, nothing found",
            target.name(),
            start.elapsed().as_secs()
        ));
    }
    report::result(&format!("{total} inputs in all"));
    Ok(())
}

/// Fuzzes one target and gives the number of inputs.
fn run(
    project: &Project,
    target_dir: &Path,
    program: &Path,
    target: Target,
    executions: u64,
    stop: &Stop,
) -> Result<u64> {
    let name = target.name();
    // What is found on the way is kept here for the next time, and the committed corpus stays as it is.
    let found = target_dir.join("corpus").join(name);
    fs::create_dir_all(&found).with_context(|| format!("{} cannot be made", shown(&found)))?;
    let log = target_dir.join(format!("{name}.log"));
    let output = File::create(&log).with_context(|| format!("{} cannot be made", shown(&log)))?;
    let mut prefix = OsString::from("-artifact_prefix=");
    prefix.push(target_dir.join(format!("{name}-")));
    let folder = project.root().join("fuzz");

    let mut command = std::process::Command::new(program);
    command
        .env("JAAS_FUZZ_TARGET", name)
        .arg(format!("-runs={executions}"))
        .arg(format!("-max_len={LONGEST_INPUT}"))
        .arg(format!("-timeout={TIME_LIMIT}"))
        .arg(format!("-rss_limit_mb={MEMORY_LIMIT}"))
        .arg("-print_final_stats=1")
        .arg(prefix)
        .arg(format!("-dict={}", folder.join("dictionary.txt").display()))
        .arg(found)
        .arg(folder.join("corpus").join(name))
        .stderr(output);
    let status = process::run(&mut command, stop)?;
    let text = fs::read(&log).with_context(|| format!("{} cannot be read", shown(&log)))?;
    let text = String::from_utf8_lossy(&text);
    if !status.success() {
        let panic = text
            .lines()
            .skip_while(|line| !line.contains("panicked at"))
            .nth(1)
            .unwrap_or("it crashed or ran out of time or memory");
        bail!(
            "{name}: {panic}; the input is the file in {} whose name begins with {name}-, the whole story is in {}",
            shown(target_dir),
            shown(&log)
        );
    }
    executed(&text).with_context(|| format!("{} does not say how many inputs", shown(&log)))
}

/// The number of inputs, as libFuzzer's statistics say.
fn executed(log: &str) -> Option<u64> {
    log.lines()
        .find_map(|line| line.strip_prefix("stat::number_of_executed_units:"))?
        .trim()
        .parse()
        .ok()
}

/// The name of this machine's own target.
fn host_triple(project: &Project) -> Result<String> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = std::process::Command::new(rustc)
        .current_dir(project.root())
        .arg("-vV")
        .output()
        .context("rustc cannot be started")?;
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .find_map(|line| line.strip_prefix("host: "))
        .map(str::to_owned)
        .context("rustc does not say what machine this is")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_targets_are_the_folders_of_the_corpus_and_make_ten_million() {
        let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus");
        let mut folders: Vec<String> = fs::read_dir(corpus)
            .expect("the corpus")
            .map(|entry| entry.expect("a folder").file_name().into_string().unwrap())
            .collect();
        folders.sort();
        let names: Vec<&str> = Target::value_variants().iter().map(|t| t.name()).collect();
        assert_eq!(names, folders);
        let total: u64 = Target::value_variants()
            .iter()
            .map(|t| t.executions())
            .sum();
        assert!(total >= 10_000_000, "{total}");
    }

    #[test]
    fn the_number_of_inputs_is_read_from_the_statistics() {
        let log = "Done 7 runs in 1 second(s)\nstat::number_of_executed_units: 7\nstat::peak_rss_mb: 30\n";
        assert_eq!(executed(log), Some(7));
        assert_eq!(executed("Done"), None);
    }
}
