//! The machine: where the project is, other programs, and what the user is told.

pub mod npm;
pub mod process;
pub mod programs;
pub mod project;
pub mod report;
