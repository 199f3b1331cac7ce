//! A Spin HTTP component that issues Jitsi as a Service (8x8 JaaS) tokens.
//!
//! Only the modules `entry` and `host` know about Spin and WASI. They read the variables, pass the request to
//! [`service::handle`] and return its response to the host. Everything else is pure: configuration, clock, store and
//! network are arguments.
//!
//! There is no handwritten unsafe code: every other module forbids it. The code that macros generate for the component's
//! export needs some, so this file denies unsafe code and the entries allow it for that generated code alone.
#![deny(missing_docs, unsafe_code)]

pub mod caller;
pub mod config;
pub mod cors;
#[cfg(target_family = "wasm")]
pub mod entry;
pub mod environment;
pub mod error;
pub mod features;
#[cfg(target_family = "wasm")]
mod host;
pub mod http;
pub mod invitation;
mod json;
mod jwt;
pub mod kept;
pub mod log;
pub mod person;
pub mod policy;
pub mod private_key;
pub mod request;
pub mod role;
pub mod room;
pub mod secret;
pub mod secret_text;
pub mod service;
pub mod text;
pub mod token;
pub mod usage;
pub mod webhook;
