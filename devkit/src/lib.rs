//! The project's own commands, `cargo dev …`; never part of the component.
//!
//! Each module is one thing that a command needs: [`toolchain`], [`component`] and [`optimise`] make the `.wasm`,
//! [`wasm`] takes it apart, [`settings`] finds the configuration, [`dev_key`] makes a key for a machine that has none,
//! [`up`] serves, [`demo`] serves a page beside it, [`mod@test`] runs everything that CI runs with [`web`] for the browser
//! client and [`browser`] for a browser, [`mod@bench`] measures the [`artifacts`]. [`process`], [`programs`] and [`npm`]
//! are the only ones that start or install other programs.
#![forbid(unsafe_code)]

pub mod artifacts;
pub mod bench;
pub mod browser;
pub mod component;
pub mod demo;
pub mod dev_key;
pub mod env_file;
pub mod npm;
pub mod optimise;
pub mod process;
pub mod programs;
pub mod project;
pub mod report;
pub mod settings;
pub mod test;
pub mod toolchain;
pub mod up;
pub mod wasm;
pub mod web;
