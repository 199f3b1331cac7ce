//! The machine: the project's location, other programs, and output for the user.

pub mod package;
pub mod process;
pub mod programs;
pub mod project;
pub mod report;
