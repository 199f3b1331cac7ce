//! Makes the component, and the programs that go with it.
//!
//! [`toolchain`] finds a compiler, [`component`] builds, [`optimise`] runs Binaryen by `wasm`, [`standalone`] makes the one
//! that needs no Spin, [`program`] builds the project's own programs.

pub mod artifact;
pub mod component;
pub mod optimise;
pub mod program;
pub mod standalone;
pub mod toolchain;
mod wasm;
