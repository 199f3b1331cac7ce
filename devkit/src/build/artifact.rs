//! The variants of the component, how they are built, and where they are.

use std::path::PathBuf;

use crate::os::project::Project;

/// The Wasm target, which produces a component for WASI 0.2.
pub const TARGET: &str = "wasm32-wasip2";

const FILE: &str = "jaas_jwt.wasm";

/// The hosts for which the component is built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Variant {
    /// Every Spin. `spin.toml` names this component.
    Portable,
    /// Hosts with WebAssembly's wide arithmetic.
    Wide,
    /// Hosts without WebAssembly's relaxed SIMD.
    Baseline,
    /// Hosts with WASI 0.3.
    P3,
}

impl Variant {
    /// Returns the name used in file names.
    pub fn name(self) -> &'static str {
        match self {
            Self::Portable => "portable",
            Self::Wide => "wide",
            Self::Baseline => "baseline",
            Self::P3 => "p3",
        }
    }

    /// Returns the features of the component's package for this variant.
    pub fn features(self) -> &'static [&'static str] {
        match self {
            Self::Portable | Self::Wide | Self::Baseline => &[],
            Self::P3 => &["wasi-p3"],
        }
    }

    /// Returns the compiler's flags for this variant. `.cargo/config.toml` repeats the portable ones for plain `cargo build`,
    /// but flags in the environment override that file.
    pub fn rustflags(self) -> &'static str {
        match self {
            Self::Portable | Self::P3 => "-Ctarget-feature=+simd128,+relaxed-simd",
            Self::Baseline => "-Ctarget-feature=+simd128",
            Self::Wide => "-Ctarget-feature=+simd128,+relaxed-simd,+wide-arithmetic",
        }
    }

    /// Returns the component's path, which does not depend on `CARGO_TARGET_DIR`: `spin.toml` names the portable one.
    pub fn artifact(self, project: &Project) -> PathBuf {
        let folder = match self {
            Self::Portable => format!("{TARGET}/release"),
            other => other.name().to_owned(),
        };
        project.target_dir().join(folder).join(FILE)
    }

    /// Returns the path of the component that does not need Spin.
    pub fn standalone(self, project: &Project) -> PathBuf {
        let folder = match self {
            Self::Portable => "standalone".to_owned(),
            other => format!("standalone-{}", other.name()),
        };
        project.target_dir().join(folder).join(FILE)
    }
}

/// Returns the path of the portable component before optimisation, for comparison.
pub fn plain(project: &Project) -> PathBuf {
    project.target_dir().join("plain").join(FILE)
}
