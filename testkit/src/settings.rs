//! The settings of a server.

use std::collections::BTreeMap;
use std::path::PathBuf;

use devkit_host::KeyValueStore;
use devkit_spin_app::environment_name;

use crate::key_material::{Key, Kind, key};

pub const APP_ID: &str = "vpaas-magic-cookie-0123456789abcdef0123456789abcdef";
pub const KEY_ID: &str = "vpaas-magic-cookie-0123456789abcdef0123456789abcdef/4f4910";

/// An origin in the manifest's default allow list.
pub const ALLOWED: &str = "https://vtaiwan.tw";
pub const FOREIGN: &str = "https://evil.example";

/// The settings that a server is started with. Variables that are not set have the manifest's defaults.
#[derive(Clone)]
pub struct Settings {
    /// The variables, as Spin and the embedded host read them.
    pub environment: BTreeMap<String, String>,
    /// The key that must have signed each token.
    pub key: &'static Key,
    /// A component to serve instead of the manifest's, always by the embedded host, whatever `JAAS_TEST_HOST` is.
    pub component: Option<PathBuf>,
    /// The path of a `runtime-config.toml`.
    pub runtime_config: Option<PathBuf>,
    /// A store kept from an earlier server; only for the embedded host. If `None`, the server starts with an empty store.
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

    /// Returns the variable's value, or an empty string if it is not set.
    pub fn get(&self, name: &str) -> &str {
        self.environment
            .get(&environment_name(name))
            .map_or("", String::as_str)
    }
}
