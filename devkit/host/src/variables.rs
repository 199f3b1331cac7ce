//! What serves the component's `fermyon:spin/variables`.

use std::collections::BTreeMap;

use anyhow::Result;
use devkit_spin_app::manifest::Manifest;
use devkit_spin_app::providers::Providers;
use devkit_spin_app::resolve::{check_name, resolve};

pub(crate) use crate::imports::fermyon::spin::variables::{Error, Host, add_to_linker};

/// The component's variables, each with its final value.
///
/// Every source that this host knows is fixed when it starts, so all values are too.
#[derive(Default)]
pub(crate) struct Variables(BTreeMap<String, String>);

impl Variables {
    pub(crate) fn resolve(
        manifest: &Manifest,
        providers: &Providers,
        environment: &BTreeMap<String, String>,
    ) -> Result<Self> {
        resolve(manifest, providers, environment).map(Self)
    }

    /// The component's `fermyon:spin/variables.get`.
    pub(crate) fn get(&self, name: &str) -> Result<String, Error> {
        check_name(name).map_err(Error::InvalidName)?;
        let value = self.0.get(name).cloned();
        value.ok_or_else(|| Error::Undefined(format!("no variable {name:?}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_names_and_unknown_ones_are_told_apart() {
        let variables = Variables([("mine".to_owned(), "k".to_owned())].into());
        assert_eq!(variables.get("mine").unwrap(), "k");
        assert!(matches!(variables.get("other"), Err(Error::Undefined(_))));
        assert!(matches!(variables.get("Mine"), Err(Error::InvalidName(_))));
    }
}
