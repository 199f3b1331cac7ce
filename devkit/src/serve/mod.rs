//! Serves the component for local use: with which [`host`], with which key, with or without a page that calls it.

pub mod demo;
pub mod example;
pub mod health;
pub mod host;
pub mod key;
pub mod up;
