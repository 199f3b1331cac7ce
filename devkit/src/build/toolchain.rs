//! Finds a compiler that builds for the Wasm target, or provides one.
//!
//! A tool chain needs the target's standard library. It is there, or rustup fetches it, or Debian's own packages build
//! it from source. Which of these are tried, and in which order, is [`routes`]; it decides on [`Facts`] alone.

use std::env;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};
use clap::ValueEnum;

use crate::build::artifact::{TARGET, Variant};
use crate::os::process;
use crate::os::programs;
use crate::os::project::Project;
use crate::os::report;

/// Debian's second Rust, with its library's source, `wasm-component-ld` (in `rust-web-llvm`), the C library for WASI and
/// `wasm-ld`.
pub const DEBIAN_PACKAGES: [&str; 6] = [
    "rustc-web",
    "cargo-web",
    "rust-web-src",
    "rust-web-llvm",
    "wasi-libc",
    "lld",
];

/// Debian's compiler, by its whole path: `~/.cargo/bin` stays first on `PATH`.
const DEBIAN_RUSTC: &str = "/usr/bin/rustc";
/// Debian's cargo.
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
pub enum Route {
    /// The active tool chain has the target.
    Installed,
    /// rustup adds the target to the active tool chain.
    Rustup,
    /// Debian's packages.
    Debian,
}

/// What this machine has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Facts {
    /// The active tool chain has the target's standard library.
    pub target: bool,
    /// rustup is there.
    pub rustup: bool,
    /// All of [`DEBIAN_PACKAGES`] are installed.
    pub debian_installed: bool,
    /// Packages can be installed: Debian, as root.
    pub debian_installable: bool,
}

impl Facts {
    /// Looks at this machine.
    #[must_use]
    pub fn gather(project: &Project) -> Self {
        Self {
            target: has_target(project),
            rustup: programs::find("rustup").is_some(),
            debian_installed: programs::are_installed(&DEBIAN_PACKAGES),
            debian_installable: programs::can_install(),
        }
    }
}

/// The routes to try, in this order; none: something has to be installed by hand.
///
/// Debian's packages come before rustup once they are installed: they work without a network, and a download that
/// failed once is not tried again each time.
#[must_use]
pub fn routes(choice: Choice, facts: Facts) -> Vec<Route> {
    let active = if facts.target {
        Some(Route::Installed)
    } else if facts.rustup {
        Some(Route::Rustup)
    } else {
        None
    };
    let debian = (facts.debian_installed || facts.debian_installable).then_some(Route::Debian);
    let order = match choice {
        Choice::Auto if facts.target => [active, None],
        Choice::Auto if facts.debian_installed => [debian, active],
        Choice::Auto => [active, debian],
        Choice::Rustup => [active, None],
        Choice::Debian => [debian, None],
    };
    order.into_iter().flatten().collect()
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
    /// No route leads to one: a sentence that says what to install.
    pub fn provide(project: &Project, choice: Choice) -> Result<Self> {
        for route in routes(choice, Facts::gather(project)) {
            match route {
                Route::Installed => return Ok(Self::Active),
                Route::Rustup => {
                    report::step(&format!(
                        "Asking rustup for the target {TARGET} (a download of some 20 MB, at most two minutes) …"
                    ));
                    if add_target(project)? && has_target(project) {
                        return Ok(Self::Active);
                    }
                    report::step(&format!("rustup cannot provide the target {TARGET} here."));
                }
                Route::Debian => match install_debian() {
                    Ok(()) => return Ok(Self::Debian),
                    Err(error) if error.is::<process::Interrupted>() => return Err(error),
                    Err(error) => report::step(&format!("Debian's packages: {error:#}.")),
                },
            }
        }
        anyhow::bail!(
            "no compiler for {TARGET}: install the target by `rustup target add {TARGET}`, or on Debian as root \
             `apt-get install {}`, then run this again",
            DEBIAN_PACKAGES.join(" ")
        )
    }

    /// The target folder that this tool chain builds in: two compilers do not share one, nor do two variants, of which
    /// each would write its component over the other's.
    #[must_use]
    pub fn target_dir(self, project: &Project, variant: Variant) -> PathBuf {
        let target = project.target_dir();
        match (self, variant) {
            (Self::Active, Variant::Portable) => target,
            (Self::Active, Variant::Wide | Variant::Baseline | Variant::P3) => {
                target.join(variant.name())
            }
            (Self::Debian, Variant::Portable) => target.join("debian-wasm"),
            (Self::Debian, Variant::Wide | Variant::Baseline | Variant::P3) => {
                target.join(format!("debian-{}", variant.name()))
            }
        }
    }

    /// `cargo build` for the target with this tool chain; the caller adds what to build.
    #[must_use]
    pub fn cargo_build(self, project: &Project, variant: Variant) -> Command {
        let mut command = project.cargo();
        // Flags for this machine's programs (a linker, a processor) break a build for Wasm.
        for name in [
            "RUSTFLAGS",
            "CARGO_ENCODED_RUSTFLAGS",
            "CARGO_BUILD_RUSTFLAGS",
            "CARGO_BUILD_TARGET",
        ] {
            command.env_remove(name);
        }
        let mut flags: Vec<OsString> = variant.rustflags().iter().map(OsString::from).collect();
        if self == Self::Debian {
            command = debian_cargo(&command);
            flags.push(format!("-Lnative={DEBIAN_WASI_LIBC}").into());
        }
        // Where a machine keeps the sources of crates does not belong into the component: the same commit gives the
        // same bytes everywhere.
        if let Some(home) = project.cargo_home() {
            let mut flag = OsString::from("--remap-path-prefix=");
            flag.push(home.join("registry/src"));
            flag.push("=/registry");
            flags.push(flag);
        }
        // Spaces belong to paths.
        command.env("CARGO_ENCODED_RUSTFLAGS", flags.join(OsStr::new("\x1f")));
        command.args(["build", "--release", "--target", TARGET]);
        if self == Self::Debian {
            command.args([
                "-Zbuild-std=std,panic_abort",
                // As in the library that rustup brings: the products of RSA are in it.
                "--config=profile.release.package.compiler_builtins.opt-level=3",
            ]);
        }
        command
            .arg("--target-dir")
            .arg(self.target_dir(project, variant));
        command
    }
}

/// Debian's cargo and compiler, with nothing left of the tool chain that runs this program.
fn debian_cargo(active: &Command) -> Command {
    let mut command = Command::new(DEBIAN_CARGO);
    if let Some(folder) = active.get_current_dir() {
        command.current_dir(folder);
    }
    for (name, value) in active.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
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

/// Whether the compiler that cargo would use has the target's standard library.
fn has_target(project: &Project) -> bool {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| OsString::from("rustc"));
    let mut command = Command::new(rustc);
    let sysroot = process::printed_by(
        command
            .args(["--print", "sysroot"])
            .current_dir(project.root()),
    );
    sysroot.is_some_and(|sysroot| target_is_in(Path::new(sysroot.trim())))
}

/// Whether a tool chain's folder holds the target's standard library, and not only its name.
fn target_is_in(sysroot: &Path) -> bool {
    let Ok(files) = sysroot
        .join("lib/rustlib")
        .join(TARGET)
        .join("lib")
        .read_dir()
    else {
        return false;
    };
    files.flatten().any(|file| {
        let name = file.file_name();
        let name = name.to_string_lossy();
        name.starts_with("libstd-") && name.ends_with(".rlib")
    })
}

/// Lets rustup add the target to the active tool chain; its own messages are not shown.
fn add_target(project: &Project) -> Result<bool> {
    let mut command = Command::new("rustup");
    command
        .args(["target", "add", TARGET])
        .current_dir(project.root())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let ended = process::run_for(&mut command, RUSTUP_LIMIT)?;
    Ok(ended.is_some_and(|status| status.success()))
}

/// Installs Debian's packages unless they are there.
fn install_debian() -> Result<()> {
    if !programs::are_installed(&DEBIAN_PACKAGES) {
        report::step(&format!(
            "Installing Debian's own Rust for Wasm: {} (a download of some 170 MB, one to five minutes) …",
            DEBIAN_PACKAGES.join(" ")
        ));
        programs::install(&DEBIAN_PACKAGES)?;
    }
    for program in [DEBIAN_RUSTC, DEBIAN_CARGO] {
        programs::is_executable(Path::new(program))
            .then_some(())
            .with_context(|| format!("{program} is not there though its package is installed"))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOTHING: Facts = Facts {
        target: false,
        rustup: false,
        debian_installed: false,
        debian_installable: false,
    };
    const TARGET_THERE: Facts = Facts {
        target: true,
        ..NOTHING
    };
    const RUSTUP: Facts = Facts {
        rustup: true,
        ..NOTHING
    };
    const DEBIAN_ROOT: Facts = Facts {
        debian_installable: true,
        ..NOTHING
    };
    const DEBIAN_READY: Facts = Facts {
        debian_installed: true,
        ..NOTHING
    };

    #[test]
    fn the_first_route_that_can_work_without_a_download_comes_first() {
        use Route::{Debian, Installed, Rustup};
        let everything = Facts {
            target: true,
            rustup: true,
            debian_installed: true,
            debian_installable: true,
        };
        for (choice, facts, expected) in [
            (Choice::Auto, NOTHING, vec![]),
            (Choice::Auto, TARGET_THERE, vec![Installed]),
            (Choice::Auto, everything, vec![Installed]),
            (Choice::Auto, RUSTUP, vec![Rustup]),
            (
                Choice::Auto,
                Facts {
                    rustup: true,
                    ..DEBIAN_ROOT
                },
                vec![Rustup, Debian],
            ),
            (
                Choice::Auto,
                Facts {
                    rustup: true,
                    ..DEBIAN_READY
                },
                vec![Debian, Rustup],
            ),
            (Choice::Auto, DEBIAN_ROOT, vec![Debian]),
            (Choice::Rustup, NOTHING, vec![]),
            (Choice::Rustup, everything, vec![Installed]),
            (
                Choice::Rustup,
                Facts {
                    target: false,
                    ..everything
                },
                vec![Rustup],
            ),
            (Choice::Rustup, DEBIAN_READY, vec![]),
            (Choice::Debian, everything, vec![Debian]),
            (Choice::Debian, DEBIAN_ROOT, vec![Debian]),
            (
                Choice::Debian,
                Facts {
                    rustup: true,
                    ..TARGET_THERE
                },
                vec![],
            ),
        ] {
            assert_eq!(routes(choice, facts), expected, "{choice:?} {facts:?}");
        }
    }

    #[test]
    fn neither_two_compilers_nor_two_variants_share_a_target_folder() {
        let project = Project::find().expect("the tests run inside the project");
        let mut folders = std::collections::BTreeSet::new();
        for toolchain in [Toolchain::Active, Toolchain::Debian] {
            for variant in [
                Variant::Portable,
                Variant::Wide,
                Variant::Baseline,
                Variant::P3,
            ] {
                assert!(folders.insert(toolchain.target_dir(&project, variant)));
            }
        }
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
