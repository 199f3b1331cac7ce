//! The signature alone: what a response with a token takes above the same response without one.
//!
//! `HEAD` of a token does everything that `GET` does but sign (and write the token down, some microseconds). Both are
//! measured in turns of a few, by every build with every key in each round, so that whatever slows the machine down for a
//! while slows all of them. All run in this process, on one thread, and the time is the thread's own.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use anyhow::{Context, Result};
use devkit::os::process::check_stop;
use devkit::os::report;
use devkit_host::{Compiled, Configured};
use devkit_spin_app::manifest::{Variable, variables};

use crate::page::{Table, number};
use crate::statistics::Spread;
use crate::{BITS, ENGINES, Setting, native};

const TARGET: &str = "/api/jitsi-token?room=bench";

/// What was found about a build.
pub struct Compilation {
    /// How long Wasmtime took, in seconds.
    pub seconds: f64,
    /// The most memory that an instance had, in bytes.
    pub instance_memory: usize,
}

/// The results.
pub struct Signatures {
    /// By build.
    pub compiled: BTreeMap<&'static str, Compilation>,
    pub table: Table,
}

/// Something that responds to requests, and what that took in milliseconds.
struct Subject<'a> {
    /// The build, without the engine.
    build: &'static str,
    name: String,
    bits: u16,
    target: Target<'a>,
    signed: Vec<f64>,
    unsigned: Vec<f64>,
}

enum Target<'a> {
    Native(&'a [Variable], BTreeMap<String, String>),
    Wasm(Configured),
}

impl<'a> Subject<'a> {
    fn new(build: &'static str, ending: &str, bits: u16, target: Target<'a>) -> Self {
        Self {
            build,
            name: format!("{build}{ending}"),
            bits,
            target,
            signed: Vec::new(),
            unsigned: Vec::new(),
        }
    }

    fn request(&self, method: &str) -> Result<f64> {
        let before = thread_time();
        match &self.target {
            Target::Native(variables, environment) => {
                native::request(variables, environment, method, TARGET)
            }
            Target::Wasm(component) => {
                component.request(method, &format!("http://127.0.0.1{TARGET}"))
            }
        }
        .with_context(|| format!("{}, {} bits", self.name, self.bits))?;
        Ok((thread_time() - before).as_secs_f64() * 1e3)
    }

    /// Measures both kinds of request; about as long for each key.
    fn measure(&mut self) -> Result<()> {
        let count = if self.bits == 2048 {
            4
        } else {
            6144 / self.bits
        };
        for _ in 0..count {
            let time = self.request("HEAD")?;
            self.unsigned.push(time);
        }
        for _ in 0..count {
            let time = self.request("GET")?;
            self.signed.push(time);
        }
        Ok(())
    }

    /// The signature's time, and that of the response without it.
    fn spreads(&self) -> Option<(Spread, f64)> {
        let unsigned = Spread::of(&self.unsigned)?.median;
        // Less the median, not each less its neighbour: a disturbed neighbour would spoil two measurements.
        let signatures: Vec<f64> = self.signed.iter().map(|time| time - unsigned).collect();
        Some((Spread::of(&signatures)?, unsigned))
    }
}

/// Measures all builds and the core itself, `rounds` times in turns.
///
/// # Errors
/// A build cannot be compiled, a response is wrong, or the user ends the command.
pub fn measure(setting: &Setting, rounds: u32) -> Result<Signatures> {
    let manifest = setting.project.manifest();
    let declared = variables(&fs::read_to_string(&manifest)?)?;
    let variants: Vec<_> = ENGINES
        .iter()
        .flat_map(|&(ending, engine)| BITS.map(|bits| (ending, engine, bits)))
        .collect();
    let mut subjects = Vec::new();
    for &(ending, engine, bits) in &variants {
        let environment = setting.environment(bits, engine)?;
        let target = Target::Native(&declared, environment);
        subjects.push(Subject::new("native", ending, bits, target));
    }
    report::step("Compiling every build in one Wasmtime (some seconds) …");
    let mut compiled = BTreeMap::new();
    for &(build, ref path) in &setting.builds {
        let component = Compiled::from_file(path)?;
        for &(ending, engine, bits) in &variants {
            let environment = setting.environment(bits, engine)?;
            let target = Target::Wasm(component.configure(&manifest, &environment)?);
            subjects.push(Subject::new(build, ending, bits, target));
        }
        let compilation = Compilation {
            seconds: component.duration.as_secs_f64(),
            instance_memory: 0,
        };
        compiled.insert(build, compilation);
    }

    // The round before the first warms caches and predictors up.
    for round in 0..=rounds {
        if round % 10 == 1 || round == rounds {
            report::step(&format!("Signatures: round {round} of {rounds} …"));
        }
        for subject in &mut subjects {
            check_stop()?;
            subject.measure()?;
            if round == 0 {
                subject.signed.clear();
                subject.unsigned.clear();
            }
        }
    }
    for subject in &subjects {
        if let (Target::Wasm(component), Some(of)) =
            (&subject.target, compiled.get_mut(subject.build))
        {
            of.instance_memory = of.instance_memory.max(component.peak_memory());
        }
    }
    let table = table(&subjects, setting.builds[0].0, rounds);
    Ok(Signatures {
        compiled,
        table: table.context("every round has a time")?,
    })
}

fn table(subjects: &[Subject<'_>], reference: &str, rounds: u32) -> Option<Table> {
    let mut table = Table::new(
        format!("Signature alone: CPU time, median of {rounds} rounds"),
        &[
            "build, key",
            "signature ms",
            "middle half",
            "of plain",
            "response without it ms",
        ],
    );
    for subject in subjects {
        let (signature, unsigned) = subject.spreads()?;
        let is_reference =
            |other: &&Subject<'_>| other.name == reference && other.bits == subject.bits;
        let (of_reference, _) = subjects.iter().find(is_reference)?.spreads()?;
        table.rows.push(vec![
            format!("{}, {} bits", subject.name, subject.bits),
            number(signature.median),
            format!("{}–{}", number(signature.lower), number(signature.upper)),
            format!("{:.3}", signature.median / of_reference.median),
            // The core's own code is not optimised here, as its dependencies are.
            number(matches!(subject.target, Target::Wasm(_)).then_some(unsigned)),
        ]);
    }
    Some(table)
}

/// How much of the processor the calling thread has had so far. What other programs do meanwhile does not count.
#[cfg(unix)]
fn thread_time() -> Duration {
    use rustix::time::{ClockId, clock_gettime};
    let time = clock_gettime(ClockId::ThreadCPUTime);
    // It starts at zero, so both are positive.
    Duration::new(
        time.tv_sec.unsigned_abs(),
        u32::try_from(time.tv_nsec).unwrap_or_default(),
    )
}

/// The time since the first call: there is no clock for a thread here.
#[cfg(not(unix))]
fn thread_time() -> Duration {
    use std::sync::LazyLock;
    use std::time::Instant;
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    START.elapsed()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subject(name: &'static str, signed: &[f64], unsigned: &[f64]) -> Subject<'static> {
        Subject {
            signed: signed.to_vec(),
            unsigned: unsigned.to_vec(),
            ..Subject::new(name, "", 2048, Target::Native(&[], BTreeMap::new()))
        }
    }

    #[test]
    fn the_signature_is_what_is_above_the_unsigned_response_and_is_compared_to_the_plain_build() {
        let subjects = [
            subject("native", &[2.5], &[0.5]),
            subject("plain", &[10.5, 10.6, 10.7], &[0.5, 0.5, 80.0]),
        ];
        let rows = table(&subjects, "plain", 1).unwrap().rows;
        assert_eq!(rows[0][1..4], ["2.00", "2.00–2.00", "0.198"]);
        assert_eq!(rows[1][1..4], ["10.1", "10.1–10.1", "1.000"]);
    }

    #[test]
    fn a_sleeping_thread_takes_no_time() {
        let before = thread_time();
        std::thread::sleep(Duration::from_millis(60));
        if cfg!(unix) {
            assert!(thread_time() - before < Duration::from_millis(30));
        }
    }
}
