//! The keys that are measured with, and the configuration that goes with them.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use crate::dev_key::{self, Format, Order};
use crate::process::Stop;
use crate::project::{Project, shown};
use crate::report;
use crate::settings::{PREFIX, environment_name};

/// The lengths of keys that are measured.
pub const BITS: [u16; 3] = [2048, 3072, 4096];

/// The length that requests of every kind are measured with.
pub const DEFAULT_BITS: u16 = BITS[0];

/// A private key that nothing but measurements uses.
#[derive(Debug, Clone)]
pub struct Key {
    /// The length of its modulus.
    pub bits: u16,
    /// The file that holds it.
    pub path: PathBuf,
}

/// One key of each length.
#[derive(Debug, Clone)]
pub struct Keys(Vec<Key>);

impl Keys {
    /// Makes those that are not there yet.
    ///
    /// # Errors
    /// As [`dev_key::make`].
    pub fn provide(project: &Project, stop: &Stop) -> Result<Self> {
        let mut keys = Vec::new();
        for bits in BITS {
            let path = super::folder(project).join(format!("keys/{bits}.pem"));
            if !path.exists() {
                report::step(&format!("Making a throw-away key of {bits} bits …"));
                let order = Order {
                    bits,
                    format: Format::Pkcs8,
                    out: path.clone(),
                    force: false,
                };
                dev_key::make(&order, stop)?;
            }
            keys.push(Key { bits, path });
        }
        Ok(Self(keys))
    }

    /// The keys, shortest first.
    pub fn iter(&self) -> impl Iterator<Item = &Key> {
        self.0.iter()
    }

    /// Gives a program the names that go with every key, and none of the caller's own settings.
    pub fn configure(&self, command: &mut Command) {
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with(PREFIX) {
                command.env_remove(name);
            }
        }
        let app_id = format!("vpaas-magic-cookie-{}", "0".repeat(32));
        command.env(environment_name("jaas_key_id"), format!("{app_id}/000000"));
        command.env(environment_name("jaas_app_id"), app_id);
    }

    /// Gives a program everything that it needs to sign with a key.
    ///
    /// # Errors
    /// The key cannot be read.
    pub fn configure_with(&self, key: &Key, command: &mut Command) -> Result<()> {
        self.configure(command);
        let pem = fs::read_to_string(&key.path)
            .with_context(|| format!("{} cannot be read", shown(&key.path)))?;
        command.env(environment_name("jaas_private_key"), pem);
        Ok(())
    }
}
