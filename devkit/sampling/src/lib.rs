//! How `cargo dev bench` asks another program for measurements: one line out, one line back.
//!
//! The program that is asked takes its own time, so that neither the pipe between the two nor a busy machine counts;
//! who asks decides what comes after what, so that programs can be measured in turns.
//!
//! 1. The program writes a [`Subject`] for each build that it can measure, then [`READY`].
//! 2. For each [`Order`] that it reads it writes one [`Sample`]. It ends when there is no further order.
#![forbid(unsafe_code)]

use std::fmt;
use std::io::{BufRead, Write};
use std::str::FromStr;
use std::time::Duration;

use anyhow::{Context, Error, Result, bail};

/// The line that ends the list of subjects.
pub const READY: &str = "ready";

/// The name of the second signing engine, the value of the variable [`ENGINE_VARIABLE`].
pub const SECOND_ENGINE: &str = "rs256";

/// The variable that chooses the signing engine.
pub const ENGINE_VARIABLE: &str = "signing_engine";

/// The name of a build with the second signing engine. The build's own name stands for the first one.
#[must_use]
pub fn with_second_engine(build: &str) -> String {
    format!("{build}-{SECOND_ENGINE}")
}

/// A build that can be measured, with one of the signing engines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// Its name in orders; one word.
    pub name: String,
    /// How long its compilation to machine code took, by the clock on the wall; zero if it is machine code already.
    pub compilation: Duration,
}

/// What to measure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// The build.
    pub subject: String,
    /// The length of the key's modulus.
    pub bits: u16,
    /// What to do.
    pub work: Work,
    /// How often.
    pub count: u32,
}

/// What a program does once per measurement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// Answers `GET` of a token.
    Token,
    /// Answers `HEAD` of a token: the same with everything but the signature. The difference is the signature.
    Unsigned,
}

impl Work {
    /// The method that asks for it.
    #[must_use]
    pub fn method(self) -> &'static str {
        match self {
            Self::Token => "GET",
            Self::Unsigned => "HEAD",
        }
    }
}

/// What an order came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// The most memory that one instance had so far, in bytes; 0 where there are no instances.
    pub memory: usize,
    /// What each execution took of the processor.
    pub times: Vec<Duration>,
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.name, self.compilation.as_nanos())
    }
}

impl FromStr for Subject {
    type Err = Error;

    fn from_str(line: &str) -> Result<Self> {
        let (name, compilation) = line.split_once(' ').context("no subject")?;
        Ok(Self {
            name: name.to_owned(),
            compilation: nanoseconds(compilation)?,
        })
    }
}

impl fmt::Display for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let method = self.work.method();
        write!(f, "{} {} {method} {}", self.subject, self.bits, self.count)
    }
}

impl FromStr for Order {
    type Err = Error;

    fn from_str(line: &str) -> Result<Self> {
        let [subject, bits, method, count] = line
            .split(' ')
            .collect::<Vec<_>>()
            .try_into()
            .map_err(|_| {
                anyhow::anyhow!("an order has four words: subject, bits, method, count")
            })?;
        Ok(Self {
            subject: subject.to_owned(),
            bits: bits.parse().context("the bits are no number")?,
            work: match method {
                "GET" => Work::Token,
                "HEAD" => Work::Unsigned,
                _ => bail!("neither GET nor HEAD"),
            },
            count: count.parse().context("the count is no number")?,
        })
    }
}

impl fmt::Display for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.memory)?;
        self.times
            .iter()
            .try_for_each(|time| write!(f, " {}", time.as_nanos()))
    }
}

impl FromStr for Sample {
    type Err = Error;

    fn from_str(line: &str) -> Result<Self> {
        let mut words = line.split(' ');
        let memory = words.next().unwrap_or_default();
        Ok(Self {
            memory: memory.parse().context("the memory is no number")?,
            times: words.map(nanoseconds).collect::<Result<_>>()?,
        })
    }
}

fn nanoseconds(word: &str) -> Result<Duration> {
    let number = word.parse().context("a time is no number")?;
    Ok(Duration::from_nanos(number))
}

/// Answers orders until there is none any more.
///
/// # Errors
/// An order cannot be read or carried out, or nobody reads the answers.
pub fn serve(
    subjects: &[Subject],
    orders: impl BufRead,
    mut answers: impl Write,
    mut carry_out: impl FnMut(&Order) -> Result<Sample>,
) -> Result<()> {
    for subject in subjects {
        writeln!(answers, "{subject}")?;
    }
    writeln!(answers, "{READY}")?;
    answers.flush()?;
    for line in orders.lines() {
        let order = line?.parse()?;
        let sample = carry_out(&order).with_context(|| format!("in the order {order}"))?;
        writeln!(answers, "{sample}")?;
        answers.flush()?;
    }
    Ok(())
}

/// How much of the processor the calling thread has had so far. What other programs do meanwhile does not count.
#[cfg(unix)]
#[must_use]
pub fn thread_time() -> Duration {
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
#[must_use]
pub fn thread_time() -> Duration {
    use std::sync::LazyLock;
    use std::time::Instant;
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    START.elapsed()
}

/// Splits `NAME=VALUE`, the shape of the programs' repeated flags.
///
/// # Errors
/// There is no `=`.
pub fn name_and_value(flag: &str) -> Result<(String, String), String> {
    flag.split_once('=')
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .ok_or_else(|| format!("{flag:?} is not NAME=VALUE"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_reads_as_it_was_written() {
        let subject = Subject {
            name: "plain".into(),
            compilation: Duration::from_millis(2345),
        };
        assert_eq!(subject.to_string().parse::<Subject>().unwrap(), subject);
        for work in [Work::Token, Work::Unsigned] {
            let order = Order {
                subject: "wide".into(),
                bits: 4096,
                work,
                count: 3,
            };
            assert_eq!(order.to_string().parse::<Order>().unwrap(), order);
        }
        let sample = Sample {
            memory: 1_179_648,
            times: vec![Duration::from_nanos(7), Duration::from_secs(1)],
        };
        assert_eq!(sample.to_string().parse::<Sample>().unwrap(), sample);
    }

    #[test]
    fn orders_of_another_shape_are_refused() {
        for line in [
            "",
            "plain",
            "plain 2048 GET",
            "plain 2048 PUT 1",
            "plain x GET 1",
            "a 1 GET 1 1",
        ] {
            assert!(line.parse::<Order>().is_err(), "{line:?}");
        }
    }

    #[test]
    fn answers_come_in_the_order_of_the_orders() {
        let subject = Subject {
            name: "a".into(),
            compilation: Duration::ZERO,
        };
        let mut written = Vec::new();
        let orders = "a 2048 GET 2\na 2048 HEAD 1\n";
        serve(&[subject], orders.as_bytes(), &mut written, |order| {
            Ok(Sample {
                memory: 9,
                times: vec![Duration::from_nanos(5); order.count as usize],
            })
        })
        .unwrap();
        assert_eq!(
            String::from_utf8(written).unwrap(),
            "a 0\nready\n9 5 5\n9 5\n"
        );
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
