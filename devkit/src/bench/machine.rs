//! What the numbers were measured on, and with.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;
use std::thread;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::Serialize;

use crate::process::printed_by;
use crate::programs::{self, NODE};
use crate::project::Project;

/// The machine, the versions and the day.
#[derive(Debug, Clone, Serialize)]
pub struct Machine {
    /// The day, in UTC.
    pub date: String,
    /// The processor's name.
    pub processor: String,
    /// How many threads run at once.
    pub cores: usize,
    /// The operating system.
    pub system: String,
    /// What was measured, as git names it.
    pub commit: String,
    /// By program.
    pub versions: BTreeMap<&'static str, String>,
}

impl Machine {
    /// Looks at this machine.
    #[must_use]
    pub fn look(project: &Project, with_peer: bool, with_spin: bool) -> Self {
        let file = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let mut versions = BTreeMap::new();
        let mut add = |name, version: Option<String>| {
            versions.extend(version.map(|version| (name, version.trim().to_owned())));
        };
        let root = project.root();
        let says = |program: &str, arguments: &[&str]| {
            printed_by(Command::new(program).args(arguments).current_dir(root))
        };
        add(
            "rustc",
            says("rustc", &["--version"]).map(|text| second_word(&text)),
        );
        let lock = fs::read_to_string(root.join("Cargo.lock")).unwrap_or_default();
        for name in ["jwt-simple", "wasmtime"] {
            add(name, locked_version(&lock, name));
        }
        if with_peer {
            add("node", says(NODE.name, &["--version"]));
            add("jose", Some(super::peer::JOSE.to_owned()));
        }
        if with_spin {
            add(
                "spin",
                says(programs::SPIN, &["--version"]).map(|text| second_word(&text)),
            );
        }
        let days = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_secs() / 86_400);
        Self {
            date: date(days),
            processor: processor(&file("/proc/cpuinfo"))
                .unwrap_or_else(|| std::env::consts::ARCH.into()),
            cores: thread::available_parallelism().map_or(1, usize::from),
            system: system(&file("/etc/os-release")).unwrap_or_else(|| std::env::consts::OS.into()),
            commit: says(
                "git",
                &["describe", "--always", "--dirty", "--exclude", "*"],
            )
            .map_or_else(|| "unknown".to_owned(), |text| text.trim().to_owned()),
            versions,
        }
    }

    /// In one sentence.
    #[must_use]
    pub fn sentence(&self) -> String {
        let versions: Vec<String> = self
            .versions
            .iter()
            .map(|(name, version)| format!("{name} {version}"))
            .collect();
        format!(
            "{}, {}, {} threads, {}; {}; commit {}.",
            self.date,
            self.processor,
            self.cores,
            self.system,
            versions.join(", "),
            self.commit
        )
    }
}

fn second_word(text: &str) -> String {
    text.split_whitespace().nth(1).unwrap_or(text).to_owned()
}

fn processor(cpuinfo: &str) -> Option<String> {
    let line = cpuinfo
        .lines()
        .find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

fn system(os_release: &str) -> Option<String> {
    let line = os_release
        .lines()
        .find_map(|line| line.strip_prefix("PRETTY_NAME="))?;
    Some(line.trim_matches('"').to_owned())
}

/// The version of a crate in a `Cargo.lock`.
fn locked_version(lock: &str, name: &str) -> Option<String> {
    let start = lock.find(&format!("name = \"{name}\"\n"))?;
    let version = lock[start..].lines().nth(1)?.strip_prefix("version = ")?;
    Some(version.trim_matches('"').to_owned())
}

/// The date `days` after 1970-01-01, as ISO 8601 writes it (Howard Hinnant's `civil_from_days`).
fn date(days: u64) -> String {
    let days = days + 719_468;
    let era = days / 146_097;
    let day_of_era = days % 146_097;
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    // Counted from March, so that the leap day is the last.
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_know_leap_years() {
        for (days, text) in [
            (0, "1970-01-01"),
            (11_016, "2000-02-29"),
            (11_017, "2000-03-01"),
            (20_512, "2026-02-28"),
            (20_513, "2026-03-01"),
            (20_818, "2026-12-31"),
        ] {
            assert_eq!(date(days), text);
        }
    }

    #[test]
    fn the_machine_is_read_from_its_files() {
        let cpuinfo = "processor\t: 0\nmodel name\t: A CPU @ 2 GHz\nmodel name\t: A CPU @ 2 GHz\n";
        assert_eq!(processor(cpuinfo).as_deref(), Some("A CPU @ 2 GHz"));
        assert_eq!(processor(""), None);
        let release = "NAME=x\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\n";
        assert_eq!(
            system(release).as_deref(),
            Some("Debian GNU/Linux 12 (bookworm)")
        );
    }

    #[test]
    fn versions_are_those_of_the_lock() {
        let lock = include_str!("../../../Cargo.lock");
        let version = locked_version(lock, "jwt-simple").expect("it is locked");
        assert!(version.starts_with("0."), "{version}");
        assert_eq!(locked_version(lock, "no-such-crate"), None);
    }
}
