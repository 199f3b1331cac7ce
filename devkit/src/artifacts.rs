//! The builds of the component that a machine may have, and where each lies.

use std::fmt;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};
use serde::Serialize;

use crate::component::Variant;
use crate::project::{Project, shown};

/// A way to build the component.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Build {
    /// As cargo leaves it.
    Plain,
    /// Optimised after linking; for every host. The one that `spin.toml` names.
    Portable,
    /// With 128-bit products and sums; for hosts that have WebAssembly's wide arithmetic.
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

    /// Where it lies if it is there.
    fn path(self, project: &Project) -> PathBuf {
        match self {
            Self::Plain => project.plain_artifact(),
            Self::Portable => project.artifact(Variant::Portable),
            Self::Wide => project.artifact(Variant::Wide),
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

/// The builds, and a sentence about each that is not what its name says.
///
/// # Errors
/// One cannot be read.
pub fn find(project: &Project) -> Result<(Vec<Artifact>, Vec<String>)> {
    let mut found: Vec<Artifact> = Vec::new();
    let mut remarks = Vec::new();
    for build in BUILDS {
        let path = build.path(project);
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
