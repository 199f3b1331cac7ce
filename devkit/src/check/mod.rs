//! Checks: all tests, the configuration.

mod browser;
mod contract;
pub mod doctor;
mod providers;
pub mod test;
mod web;
