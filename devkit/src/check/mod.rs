//! Checks: all tests, the configuration, the speed.

pub mod bench;
mod browser;
pub mod doctor;
mod providers;
pub mod test;
mod web;
