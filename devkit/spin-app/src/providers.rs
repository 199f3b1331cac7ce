//! The variable providers of `runtime-config.toml`.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, anyhow, bail};

use crate::file;
use crate::manifest::one_line;
use crate::redact_name;

/// The providers, in Spin's order. Values may be secret, so there is no `Debug`.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Providers {
    /// The values of each `static` provider.
    statics: Vec<BTreeMap<String, String>>,
    /// The types of the other providers, such as `vault`, which may have a value for any variable.
    others: Vec<String>,
}

impl Providers {
    /// Reads the providers of the file at `path`.
    pub fn read(path: &Path) -> Result<Self> {
        let text = file::text(path, path.display())?;
        Self::parse(&text).with_context(|| format!("in {}", path.display()))
    }

    /// Parses the providers of a `runtime-config.toml`.
    pub fn parse(text: &str) -> Result<Self> {
        // Untyped: errors of typed deserialization quote the value that they found, which may be secret.
        let config: toml::Table = text.parse().map_err(|error| {
            let error = one_line(text, &error);
            anyhow!("runtime-config.toml is not TOML: {error}")
        })?;
        let mut providers = Self::default();
        // Spin 1 called it config_provider, which Spin still reads if variables_provider is missing.
        let list = ["variables_provider", "config_provider"]
            .into_iter()
            .find_map(|name| Some((name, config.get(name)?)));
        let Some((name, list)) = list else {
            return Ok(providers);
        };
        let list = list
            .as_array()
            .with_context(|| format!("{name} has to be written [[{name}]]"))?;
        for provider in list {
            let kind = provider
                .get("type")
                .and_then(toml::Value::as_str)
                .with_context(|| format!("a [[{name}]] needs a `type`"))?;
            if kind == "static" {
                providers.statics.push(static_values(name, provider)?);
            } else {
                providers.others.push(kind.to_owned());
            }
        }
        Ok(providers)
    }

    /// Returns the first static provider's value for a variable.
    pub fn value(&self, variable: &str) -> Option<&str> {
        let mut values = self.statics.iter().filter_map(|it| it.get(variable));
        values.next().map(String::as_str)
    }

    /// Returns the names of the variables for which static providers have values.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let names = self.statics.iter().flat_map(BTreeMap::keys);
        names.map(String::as_str)
    }

    /// Returns the types of the providers that only Spin supports, such as `vault`.
    pub fn others(&self) -> &[String] {
        &self.others
    }

    /// Returns the providers, for a host that supports only static ones.
    pub fn only_static(self) -> Result<Self> {
        if let Some(kind) = self.others.first() {
            bail!(
                "the variables provider {kind:?} is not supported here, only \"static\" is: use `--host spin`"
            );
        }
        Ok(self)
    }
}

fn static_values(list: &str, provider: &toml::Value) -> Result<BTreeMap<String, String>> {
    let values = provider
        .get("values")
        .and_then(toml::Value::as_table)
        .with_context(|| format!("a static [[{list}]] needs a table `values`"))?;
    values
        .iter()
        .map(|(name, value)| {
            let value = value.as_str().with_context(|| {
                // A part of a key may stand in place of a name.
                let name = name.to_ascii_uppercase();
                let name = redact_name(&name).to_ascii_lowercase();
                format!("the value of {name} has to be a string")
            })?;
            Ok((name.clone(), value.to_owned()))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_static_provider_that_has_a_value_wins() {
        let text = r#"
[[variables_provider]]
type = "static"
values = { a = "1" }
[[variables_provider]]
type = "vault"
[[variables_provider]]
type = "static"
[variables_provider.values]
a = "2"
b = """
two
lines"""
"#;
        let providers = Providers::parse(text).unwrap();
        assert_eq!(providers.value("a"), Some("1"));
        assert_eq!(providers.value("b"), Some("two\nlines"));
        assert_eq!(providers.value("c"), None);
        assert_eq!(providers.others(), ["vault"]);
        let old = text.replace("variables_provider", "config_provider");
        assert!(Providers::parse(&old).unwrap() == providers);
    }

    #[test]
    fn the_runtime_config_of_the_project_has_no_active_provider() {
        let config = include_str!("../../../runtime-config.toml");
        assert!(Providers::parse(config).unwrap() == Providers::default());
    }

    #[test]
    fn bad_providers_are_errors_without_their_values() {
        for (text, expected) in [
            (
                "[[variables_provider]]\ntype = \"vault\"\ntoken = \"hush\"",
                "\"vault\" is not supported here, only \"static\" is: use `--host spin`",
            ),
            (
                "[[variables_provider]]\nvalues = { a = \"hush\" }",
                "`type`",
            ),
            (
                "[variables_provider]\na = \"hush\"",
                "[[variables_provider]]",
            ),
            (
                "[[variables_provider]]\ntype = \"static\"\nvalues = \"hush\"",
                "table `values`",
            ),
            (
                "[[variables_provider]]\ntype = \"static\"\nvalues = { a = [\"hush\"] }",
                "the value of a has to be a string",
            ),
            (
                "[[variables_provider]]\ntype = \"static\"\nvalues = { hushhushhushhush = 7 }",
                "the value of a name has",
            ),
            (
                "[[variables_provider]]\ntype = \"static\"\nvalues = { \"\\u001b[31mhush\" = 7 }",
                "the value of a name has",
            ),
            ("a = \"x\"\nb = hush", "line 2: "),
        ] {
            let error = Providers::parse(text).and_then(Providers::only_static);
            let error = format!("{:#}", error.err().unwrap());
            assert!(error.contains(expected), "{error}");
            assert!(!error.contains("hush"), "{error}");
        }
    }
}
