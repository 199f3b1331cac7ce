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
//! component does that and shows it at `/healthz`. No value is ever shown, not by `Debug` either.

use std::collections::BTreeMap;
use std::fmt;

use anyhow::{Result, anyhow};

pub use crate::manifest::{Variable, variables};
pub use crate::providers::Providers;
pub use crate::{PREFIX, environment_name};

/// The variable that holds the app id.
const APP_ID: &str = "jaas_app_id";
/// The variable that holds the key id.
const KEY_ID: &str = "jaas_key_id";
/// The variable that holds the private key.
const PRIVATE_KEY: &str = "jaas_private_key";
/// The variable that lists the origins whose pages may call.
const ALLOWED_ORIGINS: &str = "allowed_origins";

/// The variables that the Worker has too, under their plain upper-case names.
const OF_THE_WORKER: [&str; 3] = [APP_ID, KEY_ID, PRIVATE_KEY];

/// Where a value stands.
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

/// Who gives the private key.
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
#[derive(Clone, PartialEq, Eq)]
pub struct Settings {
    values: BTreeMap<String, String>,
    /// Every value that is given, those that do not count among them; the first wins.
    given: BTreeMap<String, Vec<(Source, String)>>,
    providers: Providers,
    required: Vec<String>,
    default_origins: String,
    unknown: Vec<String>,
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&String> = self.values.keys().collect();
        f.debug_struct("Settings")
            .field("names", &names)
            .field("providers", &self.providers)
            .finish_non_exhaustive()
    }
}

impl Settings {
    /// Gathers the values of `variables`.
    ///
    /// `environment` gives an environment variable; `env_file` is the file's entries in their order, of which the last
    /// of two equal names wins.
    ///
    /// # Errors
    /// `environment` fails.
    pub fn gather(
        variables: &[Variable],
        providers: Providers,
        environment: impl Fn(&str) -> Result<Option<String>>,
        env_file: &[(String, String)],
    ) -> Result<Self> {
        let in_file = |name: String| {
            env_file
                .iter()
                .rev()
                .filter(move |(key, _)| *key == name)
                .map(|(key, value)| (Source::EnvFile(key.clone()), value.clone()))
        };
        let mut values = BTreeMap::new();
        let mut given = BTreeMap::new();
        let mut known = Vec::new();
        for Variable { name, .. } in variables {
            let plain = name.to_ascii_uppercase();
            let prefixed = format!("{PREFIX}{plain}");
            let mut found = Vec::new();
            let of_the_worker = OF_THE_WORKER.contains(&name.as_str());
            for key in [Some(&prefixed), of_the_worker.then_some(&plain)] {
                let Some(key) = key else { continue };
                if let Some(value) = environment(key)? {
                    found.push((Source::Environment(key.clone()), value));
                }
            }
            found.extend(in_file(prefixed.clone()));
            found.extend(in_file(plain.clone()));
            if let Some((_, value)) = found.first() {
                values.insert(name.clone(), value.clone());
            }
            if let Some(value) = providers.value(name) {
                found.insert(0, (Source::Provider, value.to_owned()));
            }
            given.insert(name.clone(), found);
            known.extend([plain, prefixed]);
        }
        let mut unknown: Vec<String> = Vec::new();
        for (key, _) in env_file {
            if !known.contains(key) && !unknown.contains(key) {
                unknown.push(key.clone());
            }
        }
        let required = variables
            .iter()
            .filter(|variable| variable.required)
            .map(|variable| variable.name.clone());
        let default_origins = variables
            .iter()
            .find(|variable| variable.name == ALLOWED_ORIGINS)
            .and_then(|variable| variable.default.clone());
        Ok(Self {
            values,
            given,
            providers,
            required: required.collect(),
            default_origins: default_origins.unwrap_or_default(),
            unknown,
        })
    }

    /// Adds the entries of `.env`, of which the last of two equal names wins: they count where nothing else does.
    #[must_use]
    pub fn with_dot_env(mut self, entries: &[(String, String)]) -> Self {
        for (name, found) in &mut self.given {
            let key = environment_name(name);
            for (_, value) in entries.iter().rev().filter(|(other, _)| *other == key) {
                found.push((Source::DotEnv(key.clone()), value.clone()));
                self.values.entry(name.clone()).or_insert(value.clone());
            }
        }
        self
    }

    /// Names in the env file that are no variable of `spin.toml`.
    #[must_use]
    pub fn unknown(&self) -> &[String] {
        &self.unknown
    }

    /// Every value that a variable is given, with where it stands; the first one counts.
    #[must_use]
    pub fn given(&self, variable: &str) -> &[(Source, String)] {
        self.given.get(variable).map_or(&[], Vec::as_slice)
    }

    /// The names that `static` providers give.
    pub fn provider_names(&self) -> impl Iterator<Item = &str> {
        self.providers.names()
    }

    /// The types of the providers that only the host asks, such as `vault`: they may give anything.
    #[must_use]
    pub fn other_providers(&self) -> &[String] {
        self.providers.others()
    }

    /// Who gives the private key.
    #[must_use]
    pub fn key_source(&self) -> KeySource {
        if self.providers.value(PRIVATE_KEY).is_some() {
            KeySource::Provider("static".to_owned())
        } else if self.values.contains_key(PRIVATE_KEY) {
            KeySource::Given
        } else if let Some(kind) = self.providers.others().first() {
            KeySource::Provider(kind.clone())
        } else {
            KeySource::Nobody
        }
    }

    /// Required variables that nothing gives, by the environment variable to set. Empty where a provider may give them.
    #[must_use]
    pub fn missing(&self) -> Vec<String> {
        if !self.providers.others().is_empty() {
            return Vec::new();
        }
        let given =
            |name: &str| self.values.contains_key(name) || self.providers.value(name).is_some();
        self.required
            .iter()
            .filter(|name| !given(name))
            .map(|name| environment_name(name))
            .collect()
    }

    /// Takes a throw-away key; an app id or a key id that is missing becomes well formed and nobody's.
    pub fn use_throw_away_key(&mut self, pem: String) {
        self.values.insert(PRIVATE_KEY.to_owned(), pem);
        let app_id = self
            .providers
            .value(APP_ID)
            .or_else(|| self.values.get(APP_ID).map(String::as_str))
            .map_or_else(
                || format!("vpaas-magic-cookie-{}", "0".repeat(32)),
                str::to_owned,
            );
        self.values
            .entry(KEY_ID.to_owned())
            .or_insert_with(|| format!("{app_id}/000000"));
        self.values.entry(APP_ID.to_owned()).or_insert(app_id);
    }

    /// Adds an origin to those whose pages may call; the others stay.
    ///
    /// Whether it is allowed now: what a provider in `runtime-config.toml` gives cannot be changed from here.
    #[must_use]
    pub fn allow_origin(&mut self, origin: &str) -> bool {
        let lists = |list: &str| {
            list.split(|c: char| c == ',' || c.is_whitespace())
                .any(|entry| entry == origin)
        };
        if let Some(fixed) = self.providers.value(ALLOWED_ORIGINS) {
            return lists(fixed);
        }
        let list = self
            .values
            .entry(ALLOWED_ORIGINS.to_owned())
            .or_insert_with(|| self.default_origins.clone());
        if !lists(list) {
            list.push(' ');
            list.push_str(origin);
        }
        true
    }

    /// The environment variables for the host: name and value.
    pub fn environment(&self) -> impl Iterator<Item = (String, &str)> {
        self.values
            .iter()
            .map(|(name, value)| (environment_name(name), value.as_str()))
    }
}

/// An environment variable of this process.
///
/// # Errors
/// It is not UTF-8 text.
pub fn of_process(name: &str) -> Result<Option<String>> {
    std::env::var_os(name)
        .map(|value| {
            value
                .into_string()
                .map_err(|_| anyhow!("{name} in the environment is not UTF-8 text"))
        })
        .transpose()
}

/// A name from a file as it may be shown: a line of a key can have the shape of an entry, so that only capital letters,
/// digits and underscores, in words of up to eleven characters, are shown as they are.
#[must_use]
pub fn presented(name: &str) -> &str {
    let is_word = |word: &str| {
        word.len() < 12
            && word
                .bytes()
                .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
    };
    if name.len() <= 48 && name.split('_').all(is_word) {
        name
    } else {
        "a name"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANIFEST: &str = r#"
        [variables]
        jaas_app_id = { required = true }
        jaas_key_id = { required = true }
        jaas_private_key = { required = true, secret = true }
        default_room = { default = "default-room" }
        allowed_origins = { default = "https://a.example" }
    "#;

    fn pairs(entries: &[(&str, &str)]) -> Vec<(String, String)> {
        entries
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    }

    fn gather(config: &str, environment: &[(&str, &str)], env_file: &[(&str, &str)]) -> Settings {
        let variables = variables(MANIFEST).expect("the manifest is TOML");
        let providers = Providers::parse(config).expect("the configuration is TOML");
        let of = |name: &str| {
            Ok(environment
                .iter()
                .find(|(key, _)| *key == name)
                .map(|(_, value)| (*value).to_owned()))
        };
        Settings::gather(&variables, providers, of, &pairs(env_file))
            .expect("the environment is readable")
    }

    fn value(settings: &Settings, name: &str) -> Option<String> {
        settings
            .environment()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.to_owned())
    }

    #[test]
    fn the_variables_are_those_of_the_manifest() {
        let names: Vec<_> = variables(MANIFEST)
            .expect("TOML")
            .into_iter()
            .map(|v| (v.name, v.required))
            .collect();
        let expected = [
            ("allowed_origins", false),
            ("default_room", false),
            ("jaas_app_id", true),
            ("jaas_key_id", true),
            ("jaas_private_key", true),
        ];
        assert_eq!(
            names,
            expected.map(|(name, required)| (name.to_owned(), required))
        );
    }

    #[test]
    fn the_first_source_wins() {
        let (prefixed, plain) = ("SPIN_VARIABLE_JAAS_APP_ID", "JAAS_APP_ID");
        for (environment, env_file, expected) in [
            (vec![], vec![], None),
            (
                vec![(prefixed, "a"), (plain, "b")],
                vec![(plain, "c")],
                Some("a"),
            ),
            (vec![(plain, "b")], vec![(prefixed, "c")], Some("b")),
            (vec![], vec![(plain, "c")], Some("c")),
            (vec![], vec![(plain, "d"), (prefixed, "c")], Some("c")),
            (vec![], vec![(plain, "c"), (plain, "d")], Some("d")),
            (vec![(prefixed, "")], vec![(plain, "c")], Some("")),
        ] {
            let settings = gather("", &environment, &env_file);
            assert_eq!(
                value(&settings, prefixed).as_deref(),
                expected,
                "{environment:?} {env_file:?}"
            );
        }
    }

    #[test]
    fn every_place_of_a_value_is_kept_in_the_order_in_which_they_win() {
        let (prefixed, plain) = ("SPIN_VARIABLE_JAAS_APP_ID", "JAAS_APP_ID");
        let config = "[[variables_provider]]\ntype = \"static\"\n[variables_provider.values]\njaas_app_id = \"p\"\n";
        let settings = gather(
            config,
            &[(plain, "b"), (prefixed, "a")],
            &[(plain, "d"), (prefixed, "c"), (plain, "e")],
        );
        let (environment, file) = (
            |name: &str| Source::Environment(name.to_owned()),
            |name: &str| Source::EnvFile(name.to_owned()),
        );
        let expected = [
            (Source::Provider, "p"),
            (environment(prefixed), "a"),
            (environment(plain), "b"),
            (file(prefixed), "c"),
            (file(plain), "e"),
            (file(plain), "d"),
        ];
        assert_eq!(
            settings.given("jaas_app_id"),
            expected.map(|(source, value)| (source, value.to_owned()))
        );
        assert_eq!(settings.given("default_room"), []);
        assert_eq!(settings.given("no_such_variable"), []);
    }

    #[test]
    fn dot_env_counts_where_nothing_else_does() {
        let (prefixed, plain) = ("SPIN_VARIABLE_JAAS_APP_ID", "JAAS_APP_ID");
        let dot_env = pairs(&[(prefixed, "x"), (plain, "y"), (prefixed, "z")]);
        for (environment, env_file, expected) in [
            (vec![], vec![], "z"),
            (vec![(prefixed, "a")], vec![], "a"),
            (vec![(prefixed, "")], vec![], ""),
            (vec![(plain, "b")], vec![], "b"),
            (vec![], vec![(plain, "c")], "c"),
        ] {
            let settings = gather("", &environment, &env_file).with_dot_env(&dot_env);
            assert_eq!(value(&settings, prefixed).as_deref(), Some(expected));
            let last = settings.given("jaas_app_id").last();
            let source = Source::DotEnv(prefixed.to_owned());
            assert_eq!(last, Some(&(source, "x".to_owned())));
            assert_eq!(settings.unknown(), [""; 0]);
        }
        let key = pairs(&[("SPIN_VARIABLE_JAAS_PRIVATE_KEY", "k")]);
        let settings = gather("", &[], &[]).with_dot_env(&key);
        assert_eq!(settings.key_source(), KeySource::Given);
    }

    #[test]
    fn only_the_workers_names_count_without_the_prefix_in_the_environment() {
        let name = "SPIN_VARIABLE_DEFAULT_ROOM";
        assert_eq!(
            value(&gather("", &[("DEFAULT_ROOM", "a")], &[]), name),
            None
        );
        assert_eq!(
            value(&gather("", &[], &[("DEFAULT_ROOM", "a")]), name).as_deref(),
            Some("a")
        );
    }

    #[test]
    fn an_unknown_name_in_the_env_file_is_told_once() {
        let settings = gather(
            "",
            &[],
            &[
                ("PORT", "1"),
                ("JAAS_APP_ID", "a"),
                ("PORT", "2"),
                ("jaas_key_id", "k"),
            ],
        );
        assert_eq!(settings.unknown(), ["PORT", "jaas_key_id"]);
    }

    #[test]
    fn a_key_from_anywhere_keeps_the_throw_away_key_away() {
        let fixed = "[[variables_provider]]\ntype = \"static\"\n[variables_provider.values]\njaas_private_key = \"k\"\n";
        let vault = "[[variables_provider]]\ntype = \"vault\"\nurl = \"http://127.0.0.1\"\n";
        let room = "[[variables_provider]]\ntype = \"static\"\n[variables_provider.values]\ndefault_room = \"r\"\n";
        let environment = vec![("JAAS_PRIVATE_KEY", "k")];
        let provider = |kind: &str| KeySource::Provider(kind.to_owned());
        for (config, environment, expected) in [
            ("", vec![], KeySource::Nobody),
            ("", environment.clone(), KeySource::Given),
            (room, vec![], KeySource::Nobody),
            (fixed, vec![], provider("static")),
            (fixed, environment.clone(), provider("static")),
            (vault, vec![], provider("vault")),
            (vault, environment, KeySource::Given),
        ] {
            assert_eq!(
                gather(config, &environment, &[]).key_source(),
                expected,
                "{config} {environment:?}"
            );
        }
    }

    #[test]
    fn what_is_missing_beside_a_given_key_is_named_not_invented() {
        let settings = gather("", &[("JAAS_PRIVATE_KEY", "k")], &[]);
        assert_eq!(
            settings.missing(),
            ["SPIN_VARIABLE_JAAS_APP_ID", "SPIN_VARIABLE_JAAS_KEY_ID"]
        );
        let ids = "[[variables_provider]]\ntype = \"static\"\n[variables_provider.values]\njaas_app_id = \"a\"\n";
        let settings = gather(ids, &[("JAAS_PRIVATE_KEY", "k")], &[]);
        assert_eq!(settings.missing(), ["SPIN_VARIABLE_JAAS_KEY_ID"]);
    }

    #[test]
    fn ids_beside_a_throw_away_key_are_well_formed_and_nobodys() {
        let nobody = format!("vpaas-magic-cookie-{}", "0".repeat(32));
        for (environment, app_id, key_id) in [
            (vec![], nobody.clone(), format!("{nobody}/000000")),
            (
                vec![("JAAS_APP_ID", "mine")],
                "mine".to_owned(),
                "mine/000000".to_owned(),
            ),
            (
                vec![("JAAS_KEY_ID", "mine/1")],
                nobody.clone(),
                "mine/1".to_owned(),
            ),
        ] {
            let mut settings = gather("", &environment, &[]);
            settings.use_throw_away_key("pem".to_owned());
            assert_eq!(value(&settings, "SPIN_VARIABLE_JAAS_APP_ID"), Some(app_id));
            assert_eq!(value(&settings, "SPIN_VARIABLE_JAAS_KEY_ID"), Some(key_id));
            assert_eq!(
                value(&settings, "SPIN_VARIABLE_JAAS_PRIVATE_KEY").as_deref(),
                Some("pem")
            );
            assert!(settings.missing().is_empty());
        }
    }

    #[test]
    fn only_what_looks_like_a_name_is_shown() {
        for (name, shown) in [
            ("PORT", true),
            ("NODE_ENV", true),
            ("SPIN_VARIABLE_DEFAULT_ROOMS", true),
            ("MIIEvQIBADANBgkqhkiG9w0BAQEFAASC", false),
            ("ABCDEFGHIJKL", false),
            ("abcd", false),
        ] {
            assert_eq!(presented(name) == name, shown, "{name}");
        }
    }

    #[test]
    fn an_origin_is_added_to_those_that_are_configured() {
        let name = "SPIN_VARIABLE_ALLOWED_ORIGINS";
        let fixed = "[[variables_provider]]\ntype = \"static\"\n[variables_provider.values]\nallowed_origins = \"https://f.example,http://127.0.0.1:1\"\n";
        for (config, environment, origin, expected, allowed) in [
            (
                "",
                vec![],
                "http://127.0.0.1:1",
                Some("https://a.example http://127.0.0.1:1"),
                true,
            ),
            (
                "",
                vec![(name, "https://b.example")],
                "http://127.0.0.1:1",
                Some("https://b.example http://127.0.0.1:1"),
                true,
            ),
            (
                "",
                vec![(name, "http://127.0.0.1:1,https://b.example")],
                "http://127.0.0.1:1",
                Some("http://127.0.0.1:1,https://b.example"),
                true,
            ),
            (
                "",
                vec![(name, "http://127.0.0.1:12")],
                "http://127.0.0.1:1",
                Some("http://127.0.0.1:12 http://127.0.0.1:1"),
                true,
            ),
            (fixed, vec![], "http://127.0.0.1:1", None, true),
            (fixed, vec![], "http://127.0.0.1:2", None, false),
        ] {
            let mut settings = gather(config, &environment, &[]);
            assert_eq!(settings.allow_origin(origin), allowed, "{environment:?}");
            assert_eq!(value(&settings, name).as_deref(), expected, "{origin}");
        }
    }

    #[test]
    fn no_value_is_shown() {
        let config = "[[variables_provider]]\ntype = \"static\"\n[variables_provider.values]\njaas_key_id = \"hidden\"\n";
        let settings = gather(
            config,
            &[("JAAS_PRIVATE_KEY", "hidden")],
            &[("JAAS_APP_ID", "hidden")],
        );
        assert!(!format!("{settings:?}").contains("hidden"));
    }
}
