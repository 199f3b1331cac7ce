//! What a server is started with.

use std::collections::BTreeMap;
use std::path::PathBuf;

use devkit_host::KeyValueStore;
use devkit_spin_app::environment_name;

use crate::key_material::{Key, Kind, key};

pub const APP_ID: &str = "vpaas-magic-cookie-0123456789abcdef0123456789abcdef";
pub const KEY_ID: &str = "vpaas-magic-cookie-0123456789abcdef0123456789abcdef/4f4910";

/// An origin of the manifest's default list.
pub const ALLOWED: &str = "https://vtaiwan.tw";
pub const FOREIGN: &str = "https://evil.example";

/// What a server is started with; variables that are not set have the manifest's defaults.
#[derive(Clone)]
pub struct Settings {
    /// The variables, as Spin and the embedded host read them.
    pub environment: BTreeMap<String, String>,
    /// The key whose signature each token must have.
    pub key: &'static Key,
    /// A component in the place of the manifest's, served by the embedded host whatever `JAAS_TEST_HOST` says.
    pub component: Option<PathBuf>,
    /// A `runtime-config.toml`.
    pub runtime_config: Option<PathBuf>,
    /// A store that an earlier server has used, for the embedded host alone. Without it each server starts with an empty one.
    pub store: Option<KeyValueStore>,
}

impl Settings {
    pub fn good() -> Self {
        Self::with_key(key(Kind::Pkcs8, 2048))
    }

    pub fn with_key(key: &'static Key) -> Self {
        let settings = Self {
            environment: BTreeMap::new(),
            key,
            component: None,
            runtime_config: None,
            store: None,
        };
        settings.set_all(&[
            ("jaas_app_id", APP_ID),
            ("jaas_key_id", KEY_ID),
            ("jaas_private_key", &key.pem),
        ])
    }

    pub fn set(mut self, name: &str, value: &str) -> Self {
        self.environment
            .insert(environment_name(name), value.to_owned());
        self
    }

    pub fn set_all(self, values: &[(&str, &str)]) -> Self {
        values
            .iter()
            .fold(self, |settings, (name, value)| settings.set(name, value))
    }

    /// The variable's value; empty where it is not set.
    pub fn get(&self, name: &str) -> &str {
        self.environment
            .get(&environment_name(name))
            .map_or("", String::as_str)
    }
}
