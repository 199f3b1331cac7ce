//! Where the configuration of a served component comes from.
//!
//! For each variable of `spin.toml` the first of these wins:
//!
//! 1. a `static` provider in `runtime-config.toml`; the host itself reads it, it is only known here;
//! 2. `SPIN_VARIABLE_<NAME>` in the environment;
//! 3. `JAAS_APP_ID`, `JAAS_KEY_ID`, `JAAS_PRIVATE_KEY` in the environment, the Worker's names;
//! 4. the env file, with names of either kind;
//! 5. `SPIN_VARIABLE_<NAME>` in `.env` in the project's folder, as Spin reads it.
//!
//! Only where no private key is configured anywhere does a throw-away key take its place. Nothing here is validated: the
//! component does that and shows it at `/healthz`. No value is ever shown, so that nothing here has `Debug`.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, anyhow};

pub use crate::manifest::{Variable, variables};
pub use crate::providers::Providers;
pub use crate::{environment_name, presented};

const APP_ID: &str = "jaas_app_id";
const KEY_ID: &str = "jaas_key_id";
const PRIVATE_KEY: &str = "jaas_private_key";
const ALLOWED_ORIGINS: &str = "allowed_origins";

/// The variables that the Worker has too, under their plain upper-case names.
const OF_THE_WORKER: [&str; 3] = [APP_ID, KEY_ID, PRIVATE_KEY];

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A `static` provider of `runtime-config.toml`.
    Provider,
    /// An environment variable, by this name.
    Environment(String),
    /// An entry of the env file, by this name.
    EnvFile(String),
    /// An entry of `.env`, by this name.
    DotEnv(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeySource {
    /// The environment or one of its files.
    Given,
    /// `runtime-config.toml`, by a provider of this type.
    Provider(String),
    /// Nobody: a throw-away key is needed.
    Nobody,
}

/// The configuration that the host is started with.
#[derive(Clone)]
pub struct Settings {
    variables: Vec<Variable>,
    /// Every value that is given, those that do not count among them; the first wins.
    given: BTreeMap<String, Vec<(Source, String)>>,
    /// Values in place of those that are given.
    chosen: BTreeMap<String, String>,
    providers: Providers,
    unknown: Vec<String>,
}

impl Settings {
    /// Gathers the values of `variables`.
    ///
    /// `environment` reads an environment variable; `env_file` is the file's entries in their order, of which the last
    /// of two equal names wins.
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
        // Each name once. A file may have any number of them.
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

    /// Adds the entries of `.env`, of which the last of two equal names wins: they count where nothing else does.
    pub fn with_dot_env(mut self, dot_env: &[(String, String)]) -> Self {
        for (name, found) in &mut self.given {
            found.extend(entries(dot_env, &environment_name(name), Source::DotEnv));
        }
        self
    }

    /// Names in the env file that are no variable of `spin.toml`.
    pub fn unknown(&self) -> &[String] {
        &self.unknown
    }

    /// Every value that a variable is given, with where it stands; the first one counts.
    pub fn given(&self, variable: &str) -> &[(Source, String)] {
        self.given.get(variable).map_or(&[], Vec::as_slice)
    }

    /// The value that counts, if somebody sets one or it has a default.
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

    /// The value that the host is started with.
    fn of_host(&self, variable: &str) -> Option<&str> {
        let mut given = self.given(variable).iter();
        let given = given.find(|(source, _)| *source != Source::Provider);
        let chosen = self.chosen.get(variable);
        chosen
            .or_else(|| given.map(|(_, value)| value))
            .map(String::as_str)
    }

    /// The names that `static` providers give.
    pub fn provider_names(&self) -> impl Iterator<Item = &str> {
        self.providers.names()
    }

    /// The types of the providers that only the host asks, such as `vault`: they may give anything.
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

    /// Required variables that nothing gives, by the environment variable to set. Empty where a provider may give them.
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

    /// Takes a throw-away key; an app id or a key id that is missing becomes well formed and nobody's.
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

    /// Adds an origin to those whose pages may call; the others stay.
    ///
    /// Whether it is allowed now: what a provider in `runtime-config.toml` gives cannot be changed from here.
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

    /// The environment variables for the host: name and value.
    pub fn environment(&self) -> impl Iterator<Item = (String, &str)> {
        self.variables
            .iter()
            .filter_map(|Variable { name, .. }| Some((environment_name(name), self.of_host(name)?)))
    }
}

/// The entries of a file with this name, the last one first.
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
