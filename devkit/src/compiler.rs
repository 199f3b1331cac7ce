//! How the component is built, as flags say it.

use clap::Args;

use crate::build::artifact::Variant;

/// How the component is built.
#[derive(Debug, Clone, Args)]
pub struct Compiler {
    /// For hosts with WebAssembly's wide arithmetic: signs several times faster, and other hosts reject it
    #[arg(long)]
    pub wide: bool,
    /// For hosts without WebAssembly's relaxed SIMD (Wasmtime before 15): rs256 signs at half the speed
    #[arg(long, conflicts_with = "wide")]
    pub baseline: bool,
    /// For hosts with WASI 0.3 (Spin 4.1, Akamai Functions): an instance handles many requests, and keeps the parsed key
    #[arg(long, conflicts_with_all = ["wide", "baseline"])]
    pub p3: bool,
}

impl Compiler {
    /// The component that is built.
    pub fn variant(&self) -> Variant {
        match (self.wide, self.baseline, self.p3) {
            (true, ..) => Variant::Wide,
            (_, true, _) => Variant::Baseline,
            (.., true) => Variant::P3,
            _ => Variant::Portable,
        }
    }
}
