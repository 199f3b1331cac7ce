//! Builds the component.

use std::fs::{self, File};
use std::path::PathBuf;
use std::time::SystemTime;

use anyhow::{Context, Result, ensure};

use crate::process::{self, Stop};
use crate::project::{Project, TARGET, shown};
use crate::report;
use crate::toolchain::{Choice, Toolchain};

/// Builds the component and gives its path, where `spin.toml` looks for it.
///
/// # Errors
/// There is no compiler for the target, or the build fails.
pub fn build(project: &Project, choice: Choice, stop: &Stop) -> Result<PathBuf> {
    let toolchain = Toolchain::provide(project, choice, stop)?;
    let built = toolchain
        .target_dir(project)
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
    let mut cargo = toolchain.cargo_build(project);
    let status = process::run(cargo.args(["--package", "jaas-jwt", "--locked"]), stop)?;
    ensure!(
        status.success(),
        "the component was not built; cargo's own message is above"
    );

    let artifact = project.artifact();
    if built != artifact {
        if let Some(folder) = artifact.parent() {
            fs::create_dir_all(folder)
                .with_context(|| format!("{} cannot be made", shown(folder)))?;
        }
        // Cargo may have linked the old file to another place: replace it, do not write into it.
        let _ = fs::remove_file(&artifact);
        fs::copy(&built, &artifact)
            .with_context(|| format!("{} cannot be written", shown(&artifact)))?;
    }
    // Cargo leaves the time alone when nothing changed; the tests read it as "checked against the sources then".
    let file = File::options().write(true).open(&artifact);
    file.and_then(|file| file.set_modified(SystemTime::now()))
        .with_context(|| format!("the time of {} cannot be set", shown(&artifact)))?;
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
