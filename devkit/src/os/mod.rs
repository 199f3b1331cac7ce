//! The machine: where the project is, other programs, and what the user is told.

pub mod package;
pub mod process;
pub mod programs;
pub mod project;
pub mod report;
