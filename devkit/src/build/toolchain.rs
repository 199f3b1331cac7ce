//! Sees that the compiler has the Wasm target's standard library, and builds for the target.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::build::artifact::{TARGET, Variant};
use crate::os::process;
use crate::os::programs;
use crate::os::project::{Project, shown};
use crate::os::report;

/// How long `rustup target add` may take.
const RUSTUP_LIMIT: Duration = Duration::from_secs(120);

/// Lets rustup add the target to the active tool chain where it is missing.
pub fn provide_target(project: &Project) -> Result<()> {
    let added = || Ok::<_, anyhow::Error>(add_target(project)? && has_target(project));
    ensure!(
        has_target(project) || added()?,
        "no compiler for {TARGET}: install the target by `rustup target add {TARGET}`, then run this again"
    );
    Ok(())
}

/// Builds a package of the workspace for the target, and returns what cargo linked.
pub fn build(
    project: &Project,
    variant: Variant,
    package: &str,
    shown_as: &str,
) -> Result<Vec<u8>> {
    let target_dir = target_dir(project);
    let file = format!("{TARGET}/release/{}.wasm", package.replace('-', "_"));
    let linked = target_dir.join(file);
    let first_time = match linked.exists() {
        true => "",
        false => " (the first time one to three minutes)",
    };
    report::step(&format!("Building {shown_as}{first_time} …"));
    // Until it is read: another build may write another variant there.
    let _lock = process::lock(&target_dir.join("devkit.lock"))?;
    let mut cargo = cargo_build(project, variant);
    cargo.args(["--package", package, "--locked"]);
    process::run_well(&mut cargo, "a component was not built")?;
    fs::read(&linked).with_context(|| format!("{} cannot be read", shown(&linked)))
}

/// The target folder for all variants: what is compiled for the compiler itself is the same for them, and for WASI 0.3 all
/// but the component.
fn target_dir(project: &Project) -> PathBuf {
    project.target_dir().join("component")
}

/// `cargo build` for the target; the caller adds what to build.
fn cargo_build(project: &Project, variant: Variant) -> Command {
    let mut command = project.cargo();
    let mut flags: Vec<OsString> = vec![variant.rustflags().into()];
    // Where a machine keeps the sources of crates does not belong into the component: the same commit gives the same
    // bytes everywhere.
    if let Some(home) = project.cargo_home() {
        let mut flag = OsString::from("--remap-path-prefix=");
        flag.push(home.join("registry/src"));
        flag.push("=/registry");
        flags.push(flag);
    }
    // Flags for this machine's programs (a linker, a processor) break a build for Wasm.
    for name in ["RUSTFLAGS", "CARGO_BUILD_RUSTFLAGS", "CARGO_BUILD_TARGET"] {
        command.env_remove(name);
    }
    command
        // Spaces belong to paths.
        .env("CARGO_ENCODED_RUSTFLAGS", flags.join(OsStr::new("\x1f")))
        .args(["build", "--release", "--target", TARGET, "--target-dir"])
        .arg(target_dir(project));
    for feature in variant.features() {
        command.args(["--features", feature]);
    }
    command
}

/// Whether the compiler that cargo would use has the target's standard library, and not only a folder for it.
fn has_target(project: &Project) -> bool {
    let mut rustc = Command::new(env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
    rustc
        .args(["--print", "target-libdir", "--target", TARGET])
        .current_dir(project.root());
    let folder = process::printed_by(&mut rustc).unwrap_or_default();
    let files = Path::new(folder.trim()).read_dir();
    files.into_iter().flatten().flatten().any(|file| {
        let name = file.file_name();
        name.to_string_lossy().starts_with("libstd-")
    })
}

/// Lets rustup add the target to the active tool chain; its own messages are not shown.
fn add_target(project: &Project) -> Result<bool> {
    if programs::find("rustup").is_none() {
        return Ok(false);
    }
    report::step(&format!(
        "Asking rustup for the target {TARGET} (a download of some 20 MB, at most two minutes) …"
    ));
    let mut rustup = Command::new("rustup");
    rustup
        .args(["target", "add", TARGET])
        .current_dir(project.root())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let ended = process::run_for(&mut rustup, RUSTUP_LIMIT)?;
    Ok(ended.is_some_and(|status| status.success()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The flags, without the one about paths, which all have.
    fn flags(project: &Project, variant: Variant) -> Vec<String> {
        let command = cargo_build(project, variant);
        let envs: Vec<_> = command.get_envs().collect();
        assert!(envs.contains(&("RUSTFLAGS".as_ref(), None)));
        let flags = envs
            .iter()
            .find(|(name, _)| *name == "CARGO_ENCODED_RUSTFLAGS")
            .and_then(|(_, flags)| flags.as_ref()?.to_str())
            .expect("flags of its own");
        let (last, others) = flags
            .rsplit_once('\x1f')
            .map_or((flags, ""), |(a, b)| (b, a));
        assert!(last.starts_with("--remap-path-prefix=") && last.ends_with("=/registry"));
        let others = others.split('\x1f').filter(|flag| !flag.is_empty());
        others.map(str::to_owned).collect()
    }

    #[test]
    fn each_build_has_its_own_flags_and_none_of_this_machine() {
        let project = Project::find().expect("the tests run inside the project");
        let portable = "-Ctarget-feature=+simd128,+relaxed-simd";
        let baseline = "-Ctarget-feature=+simd128";
        let wide = "-Ctarget-feature=+simd128,+relaxed-simd,+wide-arithmetic";
        for (variant, expected) in [
            (Variant::Portable, portable),
            (Variant::Wide, wide),
            (Variant::Baseline, baseline),
            (Variant::P3, portable),
        ] {
            assert_eq!(flags(&project, variant), [expected], "{variant:?}");
        }
    }
}
