//! Spin's interfaces for hosts that are not Spin: variables from WASI's environment (`jaas_app_id` is
//! `SPIN_VARIABLE_JAAS_APP_ID`, as for `spin up`), and no key-value store.
//!
//! Composed with the component (`cargo dev build --standalone`), it makes one that imports only WASI 0.2 and runs on
//! every `wasi:http/proxy` host that can set environment variables. A variable that is not set has the default of
//! `spin.toml`, which is built into the component.
#![cfg(target_family = "wasm")]

wit_bindgen::generate!({
    path: "../../wit",
    world: "jaas-jwt:devkit/adapter",
});

mod no_store;

use std::env::{self, VarError};

use exports::fermyon::spin::variables::{Error, Guest};

/// Implements the interfaces.
struct Adapter;

impl Guest for Adapter {
    fn get(name: String) -> Result<String, Error> {
        let setter = format!("SPIN_VARIABLE_{}", name.to_ascii_uppercase());
        match env::var(&setter) {
            Ok(value) => Ok(value),
            Err(VarError::NotPresent) => Err(Error::Undefined(name)),
            Err(VarError::NotUnicode(_)) => Err(Error::Provider(format!("{setter} is not UTF-8"))),
        }
    }
}

export!(Adapter);
