//! The resources that a server uses, from Linux's `/proc`.

use std::fs;

/// The length of a clock tick: Linux reports CPU time in hundredths of a second on all common processors.
const TICK_MS: f64 = 10.0;

/// The resources used by all processes of a group.
#[derive(Debug, Clone, Copy, Default)]
pub struct Usage {
    /// CPU time in user mode and in the kernel, in ms, with the resolution of a tick.
    pub processor_ms: f64,
    /// Current resident memory, in MiB.
    pub resident: f64,
    /// The sum of the processes' peak resident memory, in MiB.
    pub peak: f64,
}

impl Usage {
    /// Returns the usage of a process group, or `None` on systems without `/proc`.
    pub fn of_group(group: u32) -> Option<Self> {
        let mut usage = None;
        for entry in fs::read_dir("/proc").ok()?.flatten() {
            // Most entries are other processes, and some end while they are read.
            let read = |file| fs::read_to_string(entry.path().join(file)).unwrap_or_default();
            let found = group_and_ticks(&read("stat"));
            let Some((_, ticks)) = found.filter(|(its_group, _)| *its_group == group) else {
                continue;
            };
            let status = read("status");
            let usage = usage.get_or_insert_with(Self::default);
            usage.processor_ms += ticks as f64 * TICK_MS;
            usage.resident += mebibytes(&status, "VmRSS:").unwrap_or_default();
            usage.peak += mebibytes(&status, "VmHWM:").unwrap_or_default();
        }
        usage
    }
}

/// Returns a process's group and its CPU time (user and kernel) in ticks: fields 5, 14 and 15 of `/proc/PID/stat`.
fn group_and_ticks(stat: &str) -> Option<(u32, u64)> {
    // The program's name may contain spaces and parentheses; the fields after it do not.
    let (_, after_name) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = after_name.split_ascii_whitespace().collect();
    let ticks = |field: usize| fields.get(field - 3)?.parse::<u64>().ok();
    Some((fields.get(2)?.parse().ok()?, ticks(14)? + ticks(15)?))
}

/// Returns the value of a line of `/proc/PID/status` in MiB. The file has KiB.
fn mebibytes(status: &str, name: &str) -> Option<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    let kibibytes: f64 = line.strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes / 1024.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_of_linux_are_read() {
        let stat = "4711 (a) b (c)) S 1 4700 4700 0 -1 4194560 9 8 7 6 250 50 3 2 20 0 4 0 99 1 2";
        assert_eq!(group_and_ticks(stat), Some((4700, 300)));
        assert_eq!(group_and_ticks("4711 (cut) S 1 2"), None);
        let status = "Name:\tVmRSS: no\nVmHWM:\t   2048 kB\nVmRSS:\t    1024 kB\n";
        assert_eq!(mebibytes(status, "VmRSS:"), Some(1.0));
        assert_eq!(mebibytes(status, "VmSwap:"), None);
    }
}
