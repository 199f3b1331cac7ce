//! Tests of the built component with pages in Chromium: what a browser lets a page do and read.
//!
//! Run `cargo dev build` first. The component, its settings and its log are the same as in the tests over HTTP.

use testkit::{credentials, harness, hs256, http, root};

mod callers;
mod cors;
mod demo;
mod errors;
mod joining;
mod site;
mod snippet;
mod usage;
