//! What can be built of the component, and where it lies.

use std::path::PathBuf;

use crate::os::project::Project;

/// The Wasm target: a component for WASI 0.2.
pub const TARGET: &str = "wasm32-wasip2";

const FILE: &str = "jaas_jwt.wasm";

/// What the component is built for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Variant {
    /// Every Spin: optimised after linking, and the one that `spin.toml` names.
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
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Portable => "portable",
            Self::Wide => "wide",
            Self::Baseline => "baseline",
            Self::P3 => "p3",
        }
    }

    /// The features of the component's package that this variant is built with.
    #[must_use]
    pub fn features(self) -> &'static [&'static str] {
        match self {
            Self::Portable | Self::Wide | Self::Baseline => &[],
            Self::P3 => &["wasi-p3"],
        }
    }

    /// The compiler's flags for this variant: those of the portable one are in `.cargo/config.toml` as well, for plain
    /// `cargo build`, but flags in the environment take their place.
    #[must_use]
    pub fn rustflags(self) -> &'static [&'static str] {
        match self {
            Self::Portable | Self::P3 => &["-Ctarget-feature=+simd128,+relaxed-simd"],
            Self::Baseline => &["-Ctarget-feature=+simd128"],
            Self::Wide => &["-Ctarget-feature=+simd128,+relaxed-simd,+wide-arithmetic"],
        }
    }

    /// The component, whatever `CARGO_TARGET_DIR` says; the portable one is where `spin.toml` looks for it.
    #[must_use]
    pub fn artifact(self, project: &Project) -> PathBuf {
        let folder = match self {
            Self::Portable => format!("{TARGET}/release"),
            Self::Wide | Self::Baseline | Self::P3 => self.name().to_owned(),
        };
        project.target_dir().join(folder).join(FILE)
    }

    /// The component that needs no Spin.
    #[must_use]
    pub fn standalone(self, project: &Project) -> PathBuf {
        let folder = match self {
            Self::Portable => "standalone",
            Self::Wide => "standalone-wide",
            Self::Baseline => "standalone-baseline",
            Self::P3 => "standalone-p3",
        };
        project.target_dir().join(folder).join(FILE)
    }
}

/// What cargo alone made of the portable component, to compare with.
#[must_use]
pub fn plain(project: &Project) -> PathBuf {
    project.target_dir().join("plain").join(FILE)
}
