//! The signature alone: what an answer with a token takes above the same answer without one.
//!
//! `HEAD` of a token does everything that `GET` does but sign (and write the token down, some microseconds). Both are
//! taken in turns of a few, by every build with every key in each round, so that whatever slows the machine down for a
//! while slows all of them.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use devkit_sampling::{Order, Work};
use serde::Serialize;

use crate::process::Stop;
use crate::report;

use super::keys::BITS;
use super::sampler::Sampler;
use super::statistics::{Spread, milliseconds};
use super::table::{Table, number};

/// The build that others are compared to.
const REFERENCE: &str = "plain";

/// What a build takes with a key, in milliseconds of the processor's time.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    /// The build.
    pub build: String,
    /// The length of the key's modulus.
    pub bits: u16,
    /// The signature.
    pub signature_ms: Spread,
    /// The whole answer without it: instance, variables, key, request.
    pub unsigned_ms: Spread,
    /// The signature's median as a part of the plain build's.
    pub ratio: Option<f64>,
}

/// The results.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Signatures {
    /// By build, then by key.
    pub rows: Vec<Row>,
    /// How many times all were measured in turns.
    pub rounds: u32,
    /// The most memory that an instance of each build had, in bytes.
    pub instance_memory: BTreeMap<String, usize>,
}

/// Measures all that the samplers can, `rounds` times in turns.
///
/// # Errors
/// A sampler fails, or the user ends it.
pub fn measure(samplers: &mut [Sampler], rounds: u32, stop: &Stop) -> Result<Signatures> {
    let subjects: Vec<(usize, String)> = samplers
        .iter()
        .enumerate()
        .flat_map(|(number, sampler)| {
            let names = sampler.subjects.iter().map(|subject| subject.name.clone());
            names.map(move |name| (number, name))
        })
        .collect();
    let mut memory = BTreeMap::new();
    let mut collected: Vec<Cell> = Vec::new();
    for (_, name) in &subjects {
        collected.extend(BITS.map(|bits| Cell::new(name, bits)));
    }

    // The round before the first warms caches and predictors up.
    for round in 0..=rounds {
        if round > 0 && (round == 1 || round % 10 == 0 || round == rounds) {
            report::step(&format!("Signatures: round {round} of {rounds} …"));
        }
        for bits in BITS {
            for (sampler, subject) in &subjects {
                let mut order = |work| {
                    let order = Order {
                        subject: subject.clone(),
                        bits,
                        work,
                        count: count(bits),
                    };
                    samplers[*sampler].measure(&order, stop)
                };
                let unsigned = order(Work::Unsigned)?;
                let signed = order(Work::Token)?;
                memory.insert(subject.clone(), signed.memory);
                if round == 0 {
                    continue;
                }
                let cell = collected
                    .iter_mut()
                    .find(|cell| cell.build == *subject && cell.bits == bits)
                    .context("every subject has its cells")?;
                cell.signed
                    .extend(signed.times.into_iter().map(milliseconds));
                cell.unsigned
                    .extend(unsigned.times.into_iter().map(milliseconds));
            }
        }
    }
    let rows: Option<Vec<Row>> = collected.iter().map(Cell::row).collect();
    memory.retain(|_, bytes| *bytes > 0);
    Ok(Signatures {
        rows: with_ratios(rows.context("every round gives a time")?),
        rounds,
        instance_memory: memory,
    })
}

/// How often in a round: about as long for each key.
fn count(bits: u16) -> u32 {
    match bits {
        2048 => 4,
        3072 => 2,
        _ => 1,
    }
}

/// The times of one build with one key, in milliseconds.
struct Cell {
    build: String,
    bits: u16,
    signed: Vec<f64>,
    unsigned: Vec<f64>,
}

impl Cell {
    fn new(build: &str, bits: u16) -> Self {
        Self {
            build: build.to_owned(),
            bits,
            signed: Vec::new(),
            unsigned: Vec::new(),
        }
    }

    fn row(&self) -> Option<Row> {
        let unsigned = Spread::of(&self.unsigned)?;
        // Less the median, not each less its neighbour: a disturbed neighbour would spoil two measurements.
        let signatures: Vec<f64> = self
            .signed
            .iter()
            .map(|time| time - unsigned.median)
            .collect();
        Some(Row {
            build: self.build.clone(),
            bits: self.bits,
            signature_ms: Spread::of(&signatures)?,
            unsigned_ms: unsigned,
            ratio: None,
        })
    }
}

fn with_ratios(mut rows: Vec<Row>) -> Vec<Row> {
    let references: BTreeMap<u16, f64> = rows
        .iter()
        .filter(|row| row.build == REFERENCE)
        .map(|row| (row.bits, row.signature_ms.median))
        .collect();
    for row in &mut rows {
        let reference = references.get(&row.bits);
        row.ratio = reference.map(|reference| row.signature_ms.median / reference);
    }
    rows
}

impl Signatures {
    /// The signature of a build with a key, in milliseconds.
    #[must_use]
    pub fn of(&self, build: &str, bits: u16) -> Option<f64> {
        self.rows
            .iter()
            .find(|row| row.build == build && row.bits == bits)
            .map(|row| row.signature_ms.median)
    }

    /// For a person.
    #[must_use]
    pub fn table(&self) -> Table {
        let mut table = Table::new(&[
            "build, key",
            "signature ms",
            "middle half",
            "of plain",
            "answer without it ms",
        ]);
        for row in &self.rows {
            let spread = &row.signature_ms;
            table.row(vec![
                format!("{}, {} bits", row.build, row.bits),
                number(spread.median),
                format!("{}–{}", number(spread.lower), number(spread.upper)),
                row.ratio
                    .map_or_else(|| "–".to_owned(), |ratio| format!("{ratio:.3}")),
                number(row.unsigned_ms.median),
            ]);
        }
        table
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(build: &str, signed: &[f64], unsigned: &[f64]) -> Row {
        let cell = Cell {
            build: build.into(),
            bits: 2048,
            signed: signed.into(),
            unsigned: unsigned.into(),
        };
        cell.row().expect("there are times")
    }

    #[test]
    fn the_signature_is_what_is_above_the_unsigned_answer() {
        let row = cell("plain", &[10.5, 10.6, 10.7], &[0.5, 0.5, 80.0]);
        assert!((row.signature_ms.median - 10.1).abs() < 1e-9);
        assert_eq!(row.unsigned_ms.median, 0.5);
    }

    #[test]
    fn ratios_are_to_the_plain_build_where_there_is_one() {
        let rows = with_ratios(vec![
            cell("native", &[2.0], &[0.0]),
            cell("plain", &[8.0], &[0.0]),
        ]);
        assert_eq!(rows[0].ratio, Some(0.25));
        assert_eq!(rows[1].ratio, Some(1.0));
        assert_eq!(
            with_ratios(vec![cell("native", &[2.0], &[0.0])])[0].ratio,
            None
        );
    }
}
