//! The builds of the component that a machine may have, and where each lies.

use std::fmt;
use std::fs;
use std::path::PathBuf;
use std::time::SystemTime;

use anyhow::{Context, Result};
use serde::Serialize;

use crate::project::{Project, TARGET, shown};
use crate::toolchain::Toolchain;

/// A way to build the component.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Build {
    /// As cargo leaves it.
    Plain,
    /// Optimised after linking; for every host. The one that `spin.toml` names.
    Portable,
    /// With 128-bit arithmetic; for hosts that know the wide-arithmetic proposal.
    Wide,
}

/// All of them, the one that others are compared to first.
pub const BUILDS: [Build; 3] = [Build::Plain, Build::Portable, Build::Wide];

impl Build {
    /// Its name, one word.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Portable => "portable",
            Self::Wide => "wide",
        }
    }

    /// What brings it.
    #[must_use]
    pub fn command(self) -> &'static str {
        match self {
            Self::Plain | Self::Portable => "cargo dev build",
            Self::Wide => "cargo dev build --wide",
        }
    }

    /// Where it lies if it is there; the newest first where two compilers may have left one each.
    fn places(self, project: &Project) -> Vec<PathBuf> {
        let release = |folder: PathBuf| folder.join(TARGET).join("release");
        match self {
            // Cargo links its output from here to the place of the portable one, which an optimised one then takes.
            Self::Plain => [Toolchain::Active, Toolchain::Debian]
                .map(|toolchain| release(toolchain.target_dir(project)).join("deps/jaas_jwt.wasm"))
                .into(),
            Self::Portable => vec![project.artifact()],
            Self::Wide => vec![release(project.target_dir().join("wide")).join("jaas_jwt.wasm")],
        }
    }
}

impl fmt::Display for Build {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A build that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Artifact {
    /// Which.
    pub build: Build,
    /// The file.
    pub path: PathBuf,
    /// Its length in bytes.
    pub size: u64,
}

/// The builds that are there, and a sentence about each that is not, or is not what its name says.
///
/// # Errors
/// One that is there cannot be read.
pub fn find(project: &Project) -> Result<(Vec<Artifact>, Vec<String>)> {
    let mut found: Vec<Artifact> = Vec::new();
    let mut remarks = Vec::new();
    for build in BUILDS {
        let modified =
            |path: &PathBuf| -> Option<SystemTime> { path.metadata().ok()?.modified().ok() };
        let newest = build
            .places(project)
            .into_iter()
            .filter(|path| path.is_file())
            .max_by_key(modified);
        let Some(path) = newest else {
            remarks.push(format!(
                "{build} was not measured: it is not built (`{}`)",
                build.command()
            ));
            continue;
        };
        let bytes = fs::read(&path).with_context(|| format!("{} cannot be read", shown(&path)))?;
        if let Some(plain) = found.first().filter(|_| build != Build::Plain)
            && plain.build == Build::Plain
            && fs::read(&plain.path).is_ok_and(|plain| plain == bytes)
        {
            remarks.push(format!(
                "{build} is byte for byte the plain build: it was not optimised"
            ));
        }
        found.push(Artifact {
            build,
            path,
            size: bytes.len() as u64,
        });
    }
    Ok((found, remarks))
}
