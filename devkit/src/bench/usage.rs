//! What a process group has used of the machine, as Linux accounts for it.

use std::fs;
use std::time::Duration;

/// What the processes of a group have used together.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Usage {
    /// Of the processor, in user mode and in the kernel.
    pub processor: Duration,
    /// Memory that is resident now, in bytes.
    pub resident: u64,
    /// The sum of the most that each process has had resident, in bytes.
    pub peak: u64,
}

impl Usage {
    /// Of a group that this program started; `None` where the system has no `/proc`, or the group is gone.
    ///
    /// The processor's time has the resolution of a tick, 10 ms on most systems.
    #[must_use]
    pub fn of_group(group: u32) -> Option<Self> {
        let mut usage = None;
        for entry in fs::read_dir("/proc").ok()?.flatten() {
            let path = entry.path();
            // Most entries are other processes, and some of them end meanwhile.
            let Some((_, ticks)) = fs::read_to_string(path.join("stat"))
                .ok()
                .and_then(|stat| group_and_ticks(&stat))
                .filter(|(its, _)| *its == group)
            else {
                continue;
            };
            let Ok(status) = fs::read_to_string(path.join("status")) else {
                continue;
            };
            let usage = usage.get_or_insert_with(Self::default);
            usage.processor += duration(ticks);
            usage.resident += bytes(&status, "VmRSS:").unwrap_or_default();
            usage.peak += bytes(&status, "VmHWM:").unwrap_or_default();
        }
        usage
    }
}

/// A process's group, and its time in user mode and in the kernel, in ticks: fields 5, 14 and 15 of `/proc/PID/stat`.
fn group_and_ticks(stat: &str) -> Option<(u32, u64)> {
    // The program's name may hold spaces and brackets; nothing after it does.
    let (_, after_name) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = after_name.split_ascii_whitespace().collect();
    let number = |field: usize| fields.get(field - 3)?.parse::<u64>().ok();
    let group = u32::try_from(number(5)?).ok()?;
    Some((group, number(14)? + number(15)?))
}

/// A line of `/proc/PID/status` that is a number of kibibytes, in bytes.
fn bytes(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

#[cfg(unix)]
fn duration(ticks: u64) -> Duration {
    Duration::from_secs_f64(ticks as f64 / rustix::param::clock_ticks_per_second() as f64)
}

#[cfg(not(unix))]
fn duration(_: u64) -> Duration {
    Duration::ZERO
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_counted_after_the_name() {
        let stat = "4711 (a) b (c)) S 1 4700 4700 0 -1 4194560 9 8 7 6 250 50 3 2 20 0 4 0 99 1 2";
        assert_eq!(group_and_ticks(stat), Some((4700, 300)));
        assert_eq!(group_and_ticks("4711 (cut"), None);
        assert_eq!(group_and_ticks("4711 (cut) S 1 2"), None);
    }

    #[test]
    fn memory_is_read_by_name() {
        let status = "Name:\tVmRSS: no\nVmHWM:\t   2048 kB\nVmRSS:\t    1024 kB\n";
        assert_eq!(bytes(status, "VmRSS:"), Some(1024 * 1024));
        assert_eq!(bytes(status, "VmHWM:"), Some(2 * 1024 * 1024));
        assert_eq!(bytes(status, "VmSwap:"), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_uses_something() {
        let group = rustix::process::getpgrp().as_raw_nonzero().get();
        let usage = Usage::of_group(group.unsigned_abs()).expect("this group is there");
        assert!(usage.resident > 0 && usage.peak >= usage.resident);
    }
}
