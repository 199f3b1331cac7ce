//! Builds the component and the programs for it.
//!
//! [`toolchain`] finds a compiler, [`component`] builds, [`optimise`] runs Binaryen on the core module that `wasm`
//! extracts, [`program`] builds the project's own programs.

pub mod artifact;
pub mod component;
pub mod optimise;
pub mod program;
pub mod toolchain;
mod wasm;
