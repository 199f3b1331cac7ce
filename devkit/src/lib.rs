//! The project's own commands, `cargo dev …`; never part of the component.
//!
//! [`build`] builds the component, [`serve`] serves it, [`check`] tests it; all three use [`os`]. The crate
//! `devkit-spin-app` knows the configuration and its sources.
#![forbid(unsafe_code)]
// Not published, and the names are self-explanatory.
#![allow(missing_docs)]

pub mod build;
pub mod check;
pub mod compiler;
pub mod os;
pub mod serve;
