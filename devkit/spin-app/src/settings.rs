//! The sources of a served component's configuration.
//!
//! For each variable of `spin.toml`, the first of these wins:
//!
//! 1. a `static` provider in `runtime-config.toml`, which the host itself reads;
//! 2. `SPIN_VARIABLE_<NAME>` in the environment;
//! 3. `JAAS_APP_ID`, `JAAS_KEY_ID`, `JAAS_PRIVATE_KEY` in the environment, the Worker's names;
//! 4. the env file, with names of either kind;
//! 5. `SPIN_VARIABLE_<NAME>` in `.env` in the project's folder, as Spin reads it.
//!
//! A throw-away key is used only if no private key is configured anywhere. Nothing is validated here: the component does
//! that and reports it at `/healthz`. No type that contains values has `Debug`, so that no value is shown.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, anyhow};

pub use crate::manifest::{Variable, variables};
pub use crate::providers::Providers;
pub use crate::{environment_name, redact_name};

const APP_ID: &str = "jaas_app_id";
const KEY_ID: &str = "jaas_key_id";
const PRIVATE_KEY: &str = "jaas_private_key";
const ALLOWED_ORIGINS: &str = "allowed_origins";

/// The variables that the Worker has, too, under their plain upper-case names.
const OF_THE_WORKER: [&str; 3] = [APP_ID, KEY_ID, PRIVATE_KEY];

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A `static` provider of `runtime-config.toml`.
    Provider,
    /// An environment variable with this name.
    Environment(String),
    /// An entry of the env file with this name.
    EnvFile(String),
    /// An entry of `.env` with this name.
    DotEnv(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeySource {
    /// The environment or one of the files.
    Given,
    /// A provider of this type in `runtime-config.toml`.
    Provider(String),
    /// No source: a throw-away key is needed.
    Nobody,
}

/// The configuration with which the host is started.
#[derive(Clone)]
pub struct Settings {
    variables: Vec<Variable>,
    /// All values by variable, including overridden ones; the first wins.
    given: BTreeMap<String, Vec<(Source, String)>>,
    /// Values that replace the given ones.
    chosen: BTreeMap<String, String>,
    providers: Providers,
    unknown: Vec<String>,
}

impl Settings {
    /// Gathers the values of `variables`.
    ///
    /// `environment` reads an environment variable. `env_file` contains the file's entries in order; the last of two equal
    /// names wins.
    pub fn gather(
        variables: &[Variable],
        providers: Providers,
        environment: impl Fn(&str) -> Result<Option<String>>,
        env_file: &[(String, String)],
    ) -> Result<Self> {
        let mut given = BTreeMap::<_, Vec<_>>::new();
        let mut known = BTreeSet::new();
        for Variable { name, .. } in variables {
            let plain = name.to_ascii_uppercase();
            let prefixed = environment_name(name);
            let found = given.entry(name.clone()).or_default();
            let provided = providers.value(name);
            found.extend(provided.map(|value| (Source::Provider, value.to_owned())));
            let of_the_worker = OF_THE_WORKER.contains(&name.as_str()).then_some(&plain);
            for key in [Some(&prefixed), of_the_worker].into_iter().flatten() {
                let value = environment(key)?;
                found.extend(value.map(|value| (Source::Environment(key.clone()), value)));
            }
            for key in [&prefixed, &plain] {
                found.extend(entries(env_file, key, Source::EnvFile));
            }
            known.extend([plain, prefixed]);
        }
        // Without duplicates: a file may repeat a name any number of times.
        let names = env_file.iter().map(|(key, _)| key.clone());
        let unknown = names.filter(|key| known.insert(key.clone())).collect();
        Ok(Self {
            variables: variables.to_vec(),
            given,
            chosen: BTreeMap::new(),
            providers,
            unknown,
        })
    }

    /// Adds the entries of `.env`, which have the lowest precedence. The last of two equal names wins.
    pub fn with_dot_env(mut self, dot_env: &[(String, String)]) -> Self {
        for (name, found) in &mut self.given {
            found.extend(entries(dot_env, &environment_name(name), Source::DotEnv));
        }
        self
    }

    /// Returns the names in the env file that are not variables of `spin.toml`.
    pub fn unknown(&self) -> &[String] {
        &self.unknown
    }

    /// Returns all values given for a variable, with their sources. The first applies.
    pub fn given(&self, variable: &str) -> &[(Source, String)] {
        self.given.get(variable).map_or(&[], Vec::as_slice)
    }

    /// Returns the value that applies, including the default, or `None` if there is neither.
    pub fn value(&self, variable: &str) -> Option<&str> {
        self.providers
            .value(variable)
            .or_else(|| self.of_host(variable))
            .or_else(|| self.default(variable))
    }

    pub fn default(&self, variable: &str) -> Option<&str> {
        let mut variables = self.variables.iter();
        variables.find(|it| it.name == variable)?.default.as_deref()
    }

    /// Returns the value with which the host is started.
    fn of_host(&self, variable: &str) -> Option<&str> {
        let mut given = self.given(variable).iter();
        let given = given.find(|(source, _)| *source != Source::Provider);
        let chosen = self.chosen.get(variable);
        chosen
            .or_else(|| given.map(|(_, value)| value))
            .map(String::as_str)
    }

    /// Returns the names for which `static` providers have values.
    pub fn provider_names(&self) -> impl Iterator<Item = &str> {
        self.providers.names()
    }

    /// Returns the types of the providers that only Spin supports, such as `vault`, which may have any value.
    pub fn other_providers(&self) -> &[String] {
        self.providers.others()
    }

    pub fn key_source(&self) -> KeySource {
        let given = self.given(PRIVATE_KEY).first();
        match (given, self.other_providers().first()) {
            (Some((Source::Provider, _)), _) => KeySource::Provider("static".to_owned()),
            (Some(_), _) => KeySource::Given,
            (None, Some(kind)) => KeySource::Provider(kind.clone()),
            (None, None) => KeySource::Nobody,
        }
    }

    /// Returns the environment variables for required variables without a value. Empty if a provider may have one.
    pub fn missing(&self) -> Vec<String> {
        let required = self.variables.iter().filter(|variable| {
            variable.required
                && self.value(&variable.name).is_none()
                && self.other_providers().is_empty()
        });
        required
            .map(|variable| environment_name(&variable.name))
            .collect()
    }

    /// Sets a throw-away key. A missing app id or key id becomes well-formed but fictitious.
    pub fn use_throw_away_key(&mut self, pem: String) {
        let app_id = match self.value(APP_ID) {
            Some(app_id) => app_id.to_owned(),
            None => format!("vpaas-magic-cookie-{}", "0".repeat(32)),
        };
        for (name, value) in [(KEY_ID, format!("{app_id}/000000")), (APP_ID, app_id)] {
            if self.of_host(name).is_none() {
                self.chosen.insert(name.to_owned(), value);
            }
        }
        self.chosen.insert(PRIVATE_KEY.to_owned(), pem);
    }

    /// Adds an origin to the allow list.
    ///
    /// Returns whether the origin is allowed now: values from `runtime-config.toml` cannot be changed here.
    pub fn allow_origin(&mut self, origin: &str) -> bool {
        let list = self.value(ALLOWED_ORIGINS).unwrap_or_default();
        let mut entries = list.split(|c: char| c == ',' || c.is_whitespace());
        if entries.any(|entry| entry == origin) {
            return true;
        }
        if self.providers.value(ALLOWED_ORIGINS).is_some() {
            return false;
        }
        let list = format!("{list} {origin}");
        self.chosen.insert(ALLOWED_ORIGINS.to_owned(), list);
        true
    }

    /// Returns the environment variables for the host: name and value.
    pub fn environment(&self) -> impl Iterator<Item = (String, &str)> {
        self.variables
            .iter()
            .filter_map(|Variable { name, .. }| Some((environment_name(name), self.of_host(name)?)))
    }
}

/// Returns the file's entries with this name, the last one first.
fn entries<'a>(
    file: &'a [(String, String)],
    key: &'a str,
    source: fn(String) -> Source,
) -> impl Iterator<Item = (Source, String)> + 'a {
    let found = file.iter().rev().filter(move |(name, _)| name == key);
    found.map(move |(name, value)| (source(name.clone()), value.clone()))
}

pub fn of_process(name: &str) -> Result<Option<String>> {
    std::env::var_os(name)
        .map(|value| {
            value
                .into_string()
                .map_err(|_| anyhow!("{name} in the environment is not UTF-8 text"))
        })
        .transpose()
}

#[cfg(test)]
mod tests;
