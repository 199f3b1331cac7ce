//! Spin's interface of variables, answered from WASI's environment: `jaas_app_id` is `SPIN_VARIABLE_JAAS_APP_ID`, as
//! for `spin up`.
//!
//! Composed with the component (`cargo dev build --standalone`) it makes one that imports nothing but WASI 0.2 and runs
//! on every host of `wasi:http/proxy` that can set environment variables. What is not set has the default of `spin.toml`,
//! which the component itself knows.
#![cfg(target_family = "wasm")]

wit_bindgen::generate!({
    inline: r#"
        package fermyon:spin@2.0.0;

        interface variables {
            variant error {
                invalid-name(string),
                undefined(string),
                provider(string),
                other(string),
            }
            get: func(name: string) -> result<string, error>;
        }

        world environment {
            export variables;
        }
    "#,
});

use std::env::{self, VarError};

use exports::fermyon::spin::variables::{Error, Guest};

struct Environment;

impl Guest for Environment {
    fn get(name: String) -> Result<String, Error> {
        let setter = format!("SPIN_VARIABLE_{}", name.to_ascii_uppercase());
        match env::var(&setter) {
            Ok(value) => Ok(value),
            Err(VarError::NotPresent) => Err(Error::Undefined(name)),
            Err(VarError::NotUnicode(_)) => Err(Error::Provider(format!("{setter} is not UTF-8"))),
        }
    }
}

export!(Environment);
