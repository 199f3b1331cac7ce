//! The project's own commands, `cargo dev …`; never part of the component.
//!
//! [`build`] makes the component, [`serve`] serves it, [`check`] tests and measures it; all three stand on [`os`]. What the
//! configuration is, and where it comes from, is `devkit-spin-app`'s to know.
#![forbid(unsafe_code)]
// It is not published: what a name says already is not said again.
#![allow(missing_docs)]

pub mod build;
pub mod check;
pub mod compiler;
pub mod os;
pub mod serve;
