//! Describes the machine and the versions that the results depend on.

use std::process::Command;

use devkit::os::process::stdout_of;
use devkit::os::project::Project;

/// Prints the date, the machine and the versions. The arguments, `true` or `false`, say whether to include the peer and Spin.
const SENTENCE: &str = r#"
version() { cargo pkgid --offline "$1" | sed 's/.*[#@]//'; }
[ -r /etc/os-release ] && . /etc/os-release
processor=$(sed -n '/^model name/ { s/.*: //p; q }' /proc/cpuinfo)
threads=$(getconf _NPROCESSORS_ONLN)
versions="jwt-simple $(version jwt-simple), wasmtime $(version wasmtime), $(rustc --version)"
if $1; then
    jose=$(node -p 'require("./devkit/peer/package.json").dependencies.jose')
    versions="$versions, node $(node --version), jose $jose"
fi
if $2; then versions="$versions, $(spin --version)"; fi
commit=$(git describe --always --dirty --exclude '*')
echo "$(date -u +%F), $processor, $threads threads, $PRETTY_NAME; $versions; commit $commit."
"#;

/// Returns the date, the machine and the versions in one sentence.
pub fn sentence(project: &Project, with_peer: bool, with_spin: bool) -> String {
    let mut shell = Command::new("sh");
    shell.args(["-c", SENTENCE, "sh"]);
    shell.args([with_peer, with_spin].map(|it| it.to_string()));
    let text = stdout_of(shell.current_dir(project.root()));
    text.unwrap_or_default().trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_those_of_the_lock() {
        let lock = include_str!("../../../Cargo.lock");
        let sentence = sentence(&Project::find().unwrap(), false, false);
        for name in ["jwt-simple", "wasmtime"] {
            let (_, version) = lock
                .split_once(&format!("name = \"{name}\"\nversion = \""))
                .unwrap();
            let (version, _) = version.split_once('"').unwrap();
            assert!(
                sentence.contains(&format!("{name} {version}, ")),
                "{sentence}"
            );
        }
        assert!(
            sentence.starts_with("20") && !sentence.contains("jose"),
            "{sentence}"
        );
    }
}
