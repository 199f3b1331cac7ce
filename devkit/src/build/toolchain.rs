//! Provides the Wasm target's standard library, and builds packages for the target.

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

/// The time limit for `rustup target add`.
const RUSTUP_LIMIT: Duration = Duration::from_secs(120);

/// Has rustup add the target to the active toolchain if it is missing.
pub fn provide_target(project: &Project) -> Result<()> {
    let added = || Ok::<_, anyhow::Error>(add_target(project)? && has_target(project));
    ensure!(
        has_target(project) || added()?,
        "no compiler for {TARGET}: install the target by `rustup target add {TARGET}`, then run this again"
    );
    Ok(())
}

/// Builds a package of the workspace for the target, and returns the linked component.
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
    // Held until the file is read, because another build may replace it with another variant.
    let _lock = process::lock(&target_dir.join("devkit.lock"))?;
    let mut cargo = cargo_build(project, variant);
    cargo.args(["--package", package, "--locked"]);
    process::run_checked(&mut cargo, "a component was not built")?;
    fs::read(&linked).with_context(|| format!("{} cannot be read", shown(&linked)))
}

/// Returns the target folder, which all variants share: they have the code for the build machine in common, and the build
/// for WASI 0.3 differs only in the component itself.
fn target_dir(project: &Project) -> PathBuf {
    project.target_dir().join("component")
}

/// Returns a `cargo build` command for the target, to which the caller adds what to build.
fn cargo_build(project: &Project, variant: Variant) -> Command {
    let mut command = project.cargo();
    let mut flags: Vec<OsString> = vec![variant.rustflags().into()];
    // The path of the crates' sources must not end up in the component: a commit builds to the same bytes on every
    // machine.
    if let Some(home) = project.cargo_home() {
        let mut flag = OsString::from("--remap-path-prefix=");
        flag.push(home.join("registry/src"));
        flag.push("=/registry");
        flags.push(flag);
    }
    // Flags for native programs (a linker, a CPU) would break the Wasm build.
    for name in ["RUSTFLAGS", "CARGO_BUILD_RUSTFLAGS", "CARGO_BUILD_TARGET"] {
        command.env_remove(name);
    }
    command
        // The encoded form allows spaces in paths.
        .env("CARGO_ENCODED_RUSTFLAGS", flags.join(OsStr::new("\x1f")))
        .args(["build", "--release", "--target", TARGET, "--target-dir"])
        .arg(target_dir(project));
    for feature in variant.features() {
        command.args(["--features", feature]);
    }
    command
}

/// Returns whether cargo's compiler has the target's standard library, and not only an empty folder for it.
fn has_target(project: &Project) -> bool {
    let mut rustc = Command::new(env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
    rustc
        .args(["--print", "target-libdir", "--target", TARGET])
        .current_dir(project.root());
    let folder = process::stdout_of(&mut rustc).unwrap_or_default();
    let files = Path::new(folder.trim()).read_dir();
    files.into_iter().flatten().flatten().any(|file| {
        let name = file.file_name();
        name.to_string_lossy().starts_with("libstd-")
    })
}

/// Has rustup add the target to the active toolchain, without showing rustup's output.
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

    /// Returns the flags except the one about paths, which all variants have.
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
