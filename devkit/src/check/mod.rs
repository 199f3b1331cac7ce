//! Runs all tests.

mod needs;
pub mod test;
mod web;
