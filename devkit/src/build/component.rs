//! Builds the component.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::build::artifact::{self, TARGET, Variant};
use crate::build::optimise::optimise;
use crate::build::toolchain::{Choice, Toolchain};
use crate::os::process;
use crate::os::project::{Project, shown, write_whole};
use crate::os::report;

/// Builds the component and gives its path.
///
/// # Errors
/// There is no compiler for the target, or the build fails.
pub fn build(project: &Project, choice: Choice, variant: Variant) -> Result<PathBuf> {
    let toolchain = Toolchain::provide(project, choice)?;
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
    for feature in variant.features() {
        cargo.args(["--features", feature]);
    }
    process::run_well(
        cargo.args(["--package", "jaas-jwt", "--locked"]),
        "the component was not built",
    )?;
    let linked = fs::read(&built).with_context(|| format!("{} cannot be read", shown(&built)))?;
    if variant == Variant::Portable {
        write_whole(&artifact::plain(project), &linked)?;
    }
    let component = optimise(project, variant, linked)?;
    let artifact = variant.artifact(project);
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
