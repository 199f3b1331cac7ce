//! Checks: all tests, the configuration, the speed.

pub mod bench;
mod browser;
mod contract;
pub mod doctor;
mod providers;
pub mod test;
mod web;
