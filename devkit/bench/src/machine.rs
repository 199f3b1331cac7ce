//! What the numbers were measured on, and with.

use std::fs;
use std::process::Command;
use std::thread;

use devkit::os::process::printed_by;
use devkit::os::programs;
use devkit::os::project::Project;

use crate::server::JOSE;

/// The day, the machine and the versions, in one sentence.
pub fn sentence(project: &Project, with_peer: bool, with_spin: bool) -> String {
    let root = project.root();
    let says = |program: &str, arguments: &[&str]| {
        let text = printed_by(Command::new(program).args(arguments).current_dir(root));
        text.unwrap_or_default().trim().to_owned()
    };
    let lock = fs::read_to_string(root.join("Cargo.lock")).unwrap_or_default();
    let mut versions = vec![
        format!("jwt-simple {}", locked_version(&lock, "jwt-simple")),
        format!("wasmtime {}", locked_version(&lock, "wasmtime")),
        says("rustc", &["--version"]),
    ];
    if with_peer {
        let node = says(programs::NODE.name, &["--version"]);
        versions.push(format!("node {node}, jose {JOSE}"));
    }
    if with_spin {
        versions.push(says(programs::SPIN, &["--version"]));
    }
    format!(
        "{}, {}, {} threads, {}; {}; commit {}.",
        says("date", &["-u", "+%F"]),
        value_in("/proc/cpuinfo", "model name", ':'),
        thread::available_parallelism().map_or(1, usize::from),
        value_in("/etc/os-release", "PRETTY_NAME", '='),
        versions.join(", "),
        says(
            "git",
            &["describe", "--always", "--dirty", "--exclude", "*"]
        ),
    )
}

/// The value of the first line of a file that begins with a name.
fn value_in(path: &str, name: &str, separator: char) -> String {
    let text = fs::read_to_string(path).unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with(name));
    let value = line.and_then(|line| line.split_once(separator));
    let value = value.map_or("unknown", |(_, value)| value);
    value.trim().trim_matches('"').to_owned()
}

/// The version of a crate in a `Cargo.lock`.
fn locked_version(lock: &str, name: &str) -> String {
    let after = lock.split_once(&format!("name = \"{name}\"\nversion = \""));
    let version = after.and_then(|(_, after)| after.split('"').next());
    version.unwrap_or("unknown").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_those_of_the_lock() {
        let lock = include_str!("../../../Cargo.lock");
        assert!(locked_version(lock, "jwt-simple").starts_with("0."));
        assert_eq!(locked_version(lock, "no-such-crate"), "unknown");
    }
}
