//! The project's own commands, `cargo dev …`; never part of the component.
//!
//! Each module is one thing that a command needs: [`toolchain`], [`component`] and [`optimise`] make the `.wasm`,
//! [`wasm`] takes it apart, [`settings`] finds the configuration, [`dev_key`] makes a key for a machine that has none,
//! [`standalone`] makes the one for other hosts, [`up`] serves, [`demo`] serves a page beside it, [`doctor`] checks the
//! configuration, [`manifests`] checks what deploys it, [`mod@test`] runs everything that CI runs with [`web`] for the
//! browser client and [`browser`] for a browser, [`mod@bench`] measures the [`artifacts`], [`mod@fuzz`] throws inputs at
//! the core, [`mod@soak`] keeps a server busy for a while, [`mod@reproduce`] builds twice and compares. [`process`],
//! [`programs`] and [`npm`] are the only ones that start or install other programs.
#![forbid(unsafe_code)]

pub mod artifacts;
pub mod bench;
pub mod browser;
pub mod component;
pub mod demo;
pub mod dev_key;
pub mod doctor;
pub mod env_file;
pub mod fuzz;
pub mod manifests;
pub mod npm;
pub mod optimise;
pub mod process;
pub mod programs;
pub mod project;
pub mod report;
pub mod reproduce;
pub mod settings;
pub mod soak;
pub mod standalone;
pub mod test;
pub mod toolchain;
pub mod up;
pub mod wasm;
pub mod web;
