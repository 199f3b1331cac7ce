//! Makes the component, and the programs that go with it.
//!
//! [`toolchain`] finds a compiler, [`component`] builds, [`optimise`] runs Binaryen by `wasm`, [`program`] builds the
//! project's own programs.

pub mod artifact;
pub mod component;
pub mod optimise;
pub mod program;
pub mod toolchain;
mod wasm;
