//! Builds the component.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};

use crate::optimise::optimise;
use crate::process::{self, Stop};
use crate::project::{Project, TARGET, shown, write_whole};
use crate::report;
use crate::toolchain::{Choice, Toolchain};

/// What the component is built for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Variant {
    /// Every Spin: optimised after linking, and the one that `spin.toml` names.
    Portable,
    /// Hosts that have WebAssembly's wide arithmetic.
    Wide,
}

impl Variant {
    /// A name for files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Portable => "portable",
            Self::Wide => "wide",
        }
    }

    /// The compiler's flags for this variant: those of the portable one are in `.cargo/config.toml` as well, for plain
    /// `cargo build`, but flags in the environment take their place.
    ///
    /// The compiler does not tell the code about wide arithmetic, which it calls unstable: hence the second flag.
    #[must_use]
    pub fn rustflags(self) -> &'static [&'static str] {
        match self {
            Self::Portable => &["-Ctarget-feature=+simd128"],
            Self::Wide => &[
                "-Ctarget-feature=+simd128,+wide-arithmetic",
                "--cfg=rs256_limbs=\"60\"",
            ],
        }
    }
}

/// Builds the component and gives its path.
///
/// # Errors
/// There is no compiler for the target, or the build fails.
pub fn build(project: &Project, choice: Choice, variant: Variant, stop: &Stop) -> Result<PathBuf> {
    let toolchain = Toolchain::provide(project, choice, stop)?;
    let built = toolchain
        .target_dir(project, variant)
        .join(TARGET)
        .join("release/jaas_jwt.wasm");
    report::step(match (built.exists(), toolchain) {
        (true, _) => "Building the component …",
        (false, Toolchain::Active) => {
            "Building the component (the first time one to three minutes) …"
        }
        (false, Toolchain::Debian) => {
            "Building the component and the standard library (the first time two to four minutes) …"
        }
    });
    // Cargo puts its own output back where an optimised one has taken its place, also when nothing has changed.
    let mut cargo = toolchain.cargo_build(project, variant);
    let status = process::run(cargo.args(["--package", "jaas-jwt", "--locked"]), stop)?;
    ensure!(
        status.success(),
        "the component was not built; cargo's own message is above"
    );
    let linked = fs::read(&built).with_context(|| format!("{} cannot be read", shown(&built)))?;
    if variant == Variant::Portable {
        write_whole(&project.plain_artifact(), &linked)?;
    }
    let component = optimise(project, variant, linked, stop)?;
    let artifact = project.artifact(variant);
    // A new file each time, also when nothing has changed: the tests read its time as "checked against the sources
    // then", and cargo may have linked the old file to another place.
    write_whole(&artifact, &component)?;
    Ok(artifact)
}

/// The line that tells where the component is and how large.
///
/// # Errors
/// It is not there.
pub fn describe(artifact: &std::path::Path) -> Result<String> {
    let size = artifact
        .metadata()
        .with_context(|| format!("{} is not there", shown(artifact)))?
        .len();
    Ok(format!("{} ({} KiB)", shown(artifact), size.div_ceil(1024)))
}
