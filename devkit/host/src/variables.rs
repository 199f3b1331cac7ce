//! Implements `fermyon:spin/variables` for an instance.

use devkit_spin_app::resolve::check_name;

use crate::guest::Guest;
use crate::imports::fermyon::spin::variables::{Error, Host};

impl Host for Guest {
    fn get(&mut self, name: String) -> Result<String, Error> {
        let provider = self.application.faults.variables.as_ref();
        if let Some(response) = provider.and_then(|provider| provider(&name)) {
            return response.map_err(Error::Provider);
        }
        check_name(&name).map_err(Error::InvalidName)?;
        // All sources that this host supports are read at its start, so the values do not change.
        let value = self.application.variables.get(&name).cloned();
        value.ok_or_else(|| Error::Undefined(format!("no variable {name:?}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guest::Application;

    #[test]
    fn wrong_names_and_unknown_ones_are_told_apart() {
        let application = Application {
            variables: [("mine".to_owned(), "k".to_owned())].into(),
            ..Application::default()
        };
        let mut guest = Guest::new(&application.into());
        let mut get = |name: &str| guest.get(name.to_owned());
        assert_eq!(get("mine").unwrap(), "k");
        assert!(matches!(get("other"), Err(Error::Undefined(_))));
        assert!(matches!(get("Mine"), Err(Error::InvalidName(_))));
    }
}
