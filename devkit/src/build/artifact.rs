//! What can be built of the component, how, and where it lies.

use std::path::PathBuf;

use crate::os::project::Project;

/// The Wasm target: a component for WASI 0.2.
pub const TARGET: &str = "wasm32-wasip2";

const FILE: &str = "jaas_jwt.wasm";

/// What the component is built for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Variant {
    /// Every Spin: the one that `spin.toml` names.
    Portable,
    /// Hosts that have WebAssembly's wide arithmetic.
    Wide,
    /// Hosts that lack WebAssembly's relaxed SIMD.
    Baseline,
    /// Hosts that have WASI 0.3.
    P3,
}

impl Variant {
    /// A name for files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Portable => "portable",
            Self::Wide => "wide",
            Self::Baseline => "baseline",
            Self::P3 => "p3",
        }
    }

    /// The features of the component's package that this variant is built with.
    pub fn features(self) -> &'static [&'static str] {
        match self {
            Self::Portable | Self::Wide | Self::Baseline => &[],
            Self::P3 => &["wasi-p3"],
        }
    }

    /// The compiler's flags for this variant: those of the portable one are in `.cargo/config.toml` as well, for plain
    /// `cargo build`, but flags in the environment take their place.
    pub fn rustflags(self) -> &'static str {
        match self {
            Self::Portable | Self::P3 => "-Ctarget-feature=+simd128,+relaxed-simd",
            Self::Baseline => "-Ctarget-feature=+simd128",
            Self::Wide => "-Ctarget-feature=+simd128,+relaxed-simd,+wide-arithmetic",
        }
    }

    /// The component, whatever `CARGO_TARGET_DIR` says; the portable one is where `spin.toml` looks for it.
    pub fn artifact(self, project: &Project) -> PathBuf {
        let folder = match self {
            Self::Portable => format!("{TARGET}/release"),
            other => other.name().to_owned(),
        };
        project.target_dir().join(folder).join(FILE)
    }

    /// The component that needs no Spin.
    pub fn standalone(self, project: &Project) -> PathBuf {
        let folder = match self {
            Self::Portable => "standalone".to_owned(),
            other => format!("standalone-{}", other.name()),
        };
        project.target_dir().join(folder).join(FILE)
    }
}

/// What cargo alone made of the portable component, to compare with.
pub fn plain(project: &Project) -> PathBuf {
    project.target_dir().join("plain").join(FILE)
}
