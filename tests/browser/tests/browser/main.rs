//! The built component, called by pages in Chromium: what a browser lets a page do and read is a case here.
//!
//! `cargo dev build` first. The component, its settings and its log are those of the tests over HTTP.

// What those tests use of their harness and these do not.
#![allow(dead_code)]

#[path = "../../../service/credentials.rs"]
mod credentials;
#[path = "../../../service/harness.rs"]
mod harness;
#[path = "../../../service/http.rs"]
mod http;
#[path = "../../../service/key_material.rs"]
mod key_material;
#[path = "../../../service/signature.rs"]
mod signature;
#[path = "../../../service/spin.rs"]
mod spin;

mod callers;
mod cors;
mod demo;
mod errors;
mod joining;
mod site;
mod snippet;
