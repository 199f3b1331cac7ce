//! Finds a compiler that builds for the Wasm target, or provides one, and builds with it.
//!
//! A tool chain needs the target's standard library. It is there, or rustup fetches it, or Debian's own packages build
//! it from source.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use clap::ValueEnum;

use crate::build::artifact::{TARGET, Variant};
use crate::os::process::{self, Interrupted};
use crate::os::programs;
use crate::os::project::{Project, shown};
use crate::os::report;

/// Debian's second Rust, with its library's source, `wasm-component-ld` (in `rust-web-llvm`), the C library for WASI and
/// `wasm-ld`.
const DEBIAN_PACKAGES: [&str; 6] = [
    "rustc-web",
    "cargo-web",
    "rust-web-src",
    "rust-web-llvm",
    "wasi-libc",
    "lld",
];

/// Debian's compiler, by its whole path: `~/.cargo/bin` stays first on `PATH`.
const DEBIAN_RUSTC: &str = "/usr/bin/rustc";
const DEBIAN_CARGO: &str = "/usr/bin/cargo";
/// Where `wasi-libc` is; Debian's compiler does not look there for this target.
const DEBIAN_WASI_LIBC: &str = "/usr/lib/wasm32-wasi";

/// How long `rustup target add` may take.
const RUSTUP_LIMIT: Duration = Duration::from_secs(120);

/// Which tool chain the user wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Choice {
    /// The active one where it has the target, else rustup's download, else Debian's packages
    Auto,
    /// The active one; rustup fetches the target if it is missing
    Rustup,
    /// Debian's packages, installed if root asks
    Debian,
}

/// One way to a compiler for the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// The active tool chain has the target.
    Installed,
    /// rustup adds the target to the active tool chain.
    Rustup,
    /// Debian's packages, which are installed where root asks.
    Debian,
}

impl Way {
    /// The ways to try, in this order. Debian's packages come before rustup once they are installed: they work without a
    /// network, and a download that failed once is not tried again each time.
    fn of(choice: Choice, debian_is_installed: bool) -> &'static [Self] {
        match choice {
            Choice::Auto if debian_is_installed => &[Self::Installed, Self::Debian, Self::Rustup],
            Choice::Auto => &[Self::Installed, Self::Rustup, Self::Debian],
            Choice::Rustup => &[Self::Installed, Self::Rustup],
            Choice::Debian => &[Self::Debian],
        }
    }

    fn follow(self, project: &Project) -> Result<Toolchain> {
        match self {
            Self::Installed => ensure!(
                has_target(project),
                "The active compiler does not have the target {TARGET}"
            ),
            Self::Rustup => ensure!(
                add_target(project)? && has_target(project),
                "rustup cannot provide the target {TARGET} here"
            ),
            Self::Debian => {
                let found = || {
                    let all = programs::are_installed(&DEBIAN_PACKAGES);
                    programs::find(DEBIAN_RUSTC).filter(|_| all)?;
                    programs::find(DEBIAN_CARGO).map(|_| Toolchain::Debian)
                };
                let time = "a download of some 170 MB, one to five minutes";
                return programs::provide("Debian's Rust for Wasm", &DEBIAN_PACKAGES, time, found);
            }
        }
        Ok(Toolchain::Active)
    }
}

/// A tool chain that builds for the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Toolchain {
    /// The one that cargo uses anyway.
    Active,
    /// Debian's, which builds the standard library itself.
    Debian,
}

impl Toolchain {
    /// Finds or provides a tool chain.
    ///
    /// # Errors
    /// No way leads to one: a sentence that says what to install.
    pub fn provide(project: &Project, choice: Choice) -> Result<Self> {
        for way in Way::of(choice, programs::are_installed(&DEBIAN_PACKAGES)) {
            match way.follow(project) {
                Err(error) if !error.is::<Interrupted>() => report::step(&format!("{error:#}.")),
                found => return found,
            }
        }
        bail!(
            "no compiler for {TARGET}: install the target by `rustup target add {TARGET}`, or on Debian as root \
             `apt-get install {}`, then run this again",
            DEBIAN_PACKAGES.join(" ")
        )
    }

    /// Builds a package of the workspace for the target, and returns what cargo linked.
    pub fn build(
        self,
        project: &Project,
        variant: Variant,
        package: &str,
        shown_as: &str,
    ) -> Result<Vec<u8>> {
        let target_dir = self.target_dir(project);
        let file = format!("{TARGET}/release/{}.wasm", package.replace('-', "_"));
        let linked = target_dir.join(file);
        let first_time = match self {
            _ if linked.exists() => "",
            Self::Active => " (the first time one to three minutes)",
            Self::Debian => " and the standard library (the first time two to four minutes)",
        };
        report::step(&format!("Building {shown_as}{first_time} …"));
        // Until it is read: another build may write another variant there.
        let _lock = process::lock(&target_dir.join("devkit.lock"))?;
        let mut cargo = self.cargo_build(project, variant);
        cargo.args(["--package", package, "--locked"]);
        process::run_well(&mut cargo, "a component was not built")?;
        fs::read(&linked).with_context(|| format!("{} cannot be read", shown(&linked)))
    }

    /// The target folder that this tool chain builds in, of its own, because two compilers cannot share one. The variants do:
    /// what is compiled for the compiler itself is the same for all, and for WASI 0.3 all but the component.
    fn target_dir(self, project: &Project) -> PathBuf {
        project.target_dir().join(match self {
            Self::Active => "component",
            Self::Debian => "component-debian",
        })
    }

    /// `cargo build` for the target with this tool chain; the caller adds what to build.
    fn cargo_build(self, project: &Project, variant: Variant) -> Command {
        let mut flags: Vec<OsString> = vec![variant.rustflags().into()];
        let mut command = match self {
            Self::Active => project.cargo(),
            Self::Debian => {
                flags.push(format!("-Lnative={DEBIAN_WASI_LIBC}").into());
                debian_cargo(project)
            }
        };
        // Where a machine keeps the sources of crates does not belong into the component: the same commit gives the
        // same bytes everywhere.
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
            .arg(self.target_dir(project));
        for feature in variant.features() {
            command.args(["--features", feature]);
        }
        if self == Self::Debian {
            command.args([
                "-Zbuild-std=std,panic_abort",
                // As in the library that rustup brings: the products of RSA are in it.
                "--config=profile.release.package.compiler_builtins.opt-level=3",
            ]);
        }
        command
    }
}

/// Debian's cargo and compiler, with nothing left of the tool chain that runs this program.
fn debian_cargo(project: &Project) -> Command {
    let mut command = project.cargo_at(DEBIAN_CARGO.as_ref());
    // `cargo run` puts its own tool chain's libraries here; they are not those of this compiler.
    for name in [
        "CARGO",
        "RUSTUP_TOOLCHAIN",
        "RUSTDOC",
        "LD_LIBRARY_PATH",
        "CARGO_BUILD_RUSTC",
    ] {
        command.env_remove(name);
    }
    command
        .env("RUSTC", DEBIAN_RUSTC)
        // An empty one also overrules a wrapper from cargo's configuration.
        .env("RUSTC_WRAPPER", "")
        .env("RUSTC_WORKSPACE_WRAPPER", "")
        // The standard library is built from source, which a stable compiler allows only so.
        .env("RUSTC_BOOTSTRAP", "1");
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
    programs::find("rustup").context("rustup is not on PATH")?;
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

    #[test]
    fn the_first_way_that_needs_no_download_comes_first() {
        use Way::{Debian, Installed, Rustup};
        for (choice, debian_is_installed, expected) in [
            (Choice::Auto, false, &[Installed, Rustup, Debian][..]),
            (Choice::Auto, true, &[Installed, Debian, Rustup]),
            (Choice::Rustup, false, &[Installed, Rustup]),
            (Choice::Rustup, true, &[Installed, Rustup]),
            (Choice::Debian, false, &[Debian]),
            (Choice::Debian, true, &[Debian]),
        ] {
            let found = Way::of(choice, debian_is_installed);
            assert_eq!(found, expected, "{choice:?} {debian_is_installed}");
        }
    }

    #[test]
    fn two_compilers_do_not_share_a_target_folder() {
        let project = Project::find().expect("the tests run inside the project");
        let [active, debian] =
            [Toolchain::Active, Toolchain::Debian].map(|it| it.target_dir(&project));
        assert_ne!(active, debian);
    }

    /// The flags, without the one about paths, which all have.
    fn flags(project: &Project, toolchain: Toolchain, variant: Variant) -> Vec<String> {
        let command = toolchain.cargo_build(project, variant);
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
        let debian = "-Lnative=/usr/lib/wasm32-wasi";
        for (toolchain, variant, expected) in [
            (Toolchain::Active, Variant::Portable, &[portable][..]),
            (Toolchain::Active, Variant::Wide, &[wide]),
            (Toolchain::Active, Variant::Baseline, &[baseline]),
            (Toolchain::Active, Variant::P3, &[portable]),
            (Toolchain::Debian, Variant::Portable, &[portable, debian]),
            (Toolchain::Debian, Variant::Wide, &[wide, debian]),
        ] {
            let found = flags(&project, toolchain, variant);
            assert_eq!(found, expected, "{toolchain:?} {variant:?}");
        }
    }

    #[test]
    fn nothing_of_the_active_tool_chain_reaches_debians() {
        let project = Project::find().expect("the tests run inside the project");
        let command = Toolchain::Debian.cargo_build(&project, Variant::Portable);
        assert_eq!(command.get_program(), DEBIAN_CARGO);
        let envs: Vec<_> = command.get_envs().collect();
        for name in ["CARGO", "RUSTUP_TOOLCHAIN", "LD_LIBRARY_PATH", "RUSTFLAGS"] {
            assert!(envs.contains(&(name.as_ref(), None)), "{name}");
        }
        assert!(envs.contains(&("RUSTC".as_ref(), Some(DEBIAN_RUSTC.as_ref()))));
    }
}
