//! What the component's variables are: Spin's templates, names and order of precedence.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail, ensure};

use crate::manifest::{Manifest, Variable};

/// What an environment variable's name starts with when it sets an application variable.
pub const ENVIRONMENT_PREFIX: &str = "SPIN_VARIABLE_";

wasmtime::component::bindgen!({
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

        world host {
            import variables;
        }
    "#,
});

pub(crate) use fermyon::spin::variables::{Error, Host, add_to_linker};

/// The component's variables, each with its final value.
///
/// Every source that this host knows is fixed when it starts, so all values are too.
pub(crate) struct Variables(BTreeMap<String, String>);

impl Variables {
    /// Resolves all variables of an application.
    ///
    /// `providers` win over `environment`, which wins over the manifest's defaults. As with Spin, it is an error
    /// when a required variable has no value, whether the component uses it or not.
    pub(crate) fn resolve(
        manifest: &Manifest,
        providers: &[BTreeMap<String, String>],
        environment: &BTreeMap<String, String>,
    ) -> Result<Self> {
        let mut application = BTreeMap::new();
        let mut missing = Vec::new();
        for (name, variable) in &manifest.variables {
            check_name(name).map_err(anyhow::Error::msg)?;
            match value_of(name, variable, providers, environment) {
                Some(value) => {
                    application.insert(name.as_str(), value);
                }
                None => missing.push(name),
            }
        }
        if !missing.is_empty() {
            let sentences: Vec<_> = missing
                .iter()
                .map(|name| {
                    let setter = environment_name(name);
                    format!("the variable {name} is required and has no value: set {setter}")
                })
                .collect();
            bail!("{}", sentences.join("; "));
        }
        let mut values = BTreeMap::new();
        for (name, template) in &manifest.templates {
            check_name(name).map_err(anyhow::Error::msg)?;
            let value = expand(template, &application)
                .with_context(|| format!("in the template of the component variable {name}"))?;
            values.insert(name.clone(), value);
        }
        Ok(Self(values))
    }

    /// Answers the component's `fermyon:spin/variables.get`.
    pub(crate) fn get(&self, name: &str) -> Result<String, Error> {
        check_name(name).map_err(Error::InvalidName)?;
        match self.0.get(name) {
            Some(value) => Ok(value.clone()),
            None => Err(Error::Undefined(format!("no variable {name:?}"))),
        }
    }
}

fn environment_name(name: &str) -> String {
    format!("{ENVIRONMENT_PREFIX}{}", name.to_ascii_uppercase())
}

fn value_of<'a>(
    name: &str,
    variable: &'a Variable,
    providers: &'a [BTreeMap<String, String>],
    environment: &'a BTreeMap<String, String>,
) -> Option<&'a str> {
    providers
        .iter()
        .find_map(|values| values.get(name))
        .or_else(|| environment.get(&environment_name(name)))
        .or(variable.default.as_ref())
        .map(String::as_str)
}

/// Puts values in the place of each `{{ name }}`.
fn expand(template: &str, application: &BTreeMap<&str, &str>) -> Result<String> {
    let mut expanded = String::new();
    let mut rest = template;
    while let Some((literal, after)) = rest.split_once("{{") {
        let (name, after) = after.split_once("}}").context("unmatched \"{{\"")?;
        let name = name.trim();
        let value = application
            .get(name)
            .with_context(|| format!("unknown variable {name:?}"))?;
        expanded.push_str(literal);
        expanded.push_str(value);
        rest = after;
    }
    expanded.push_str(rest);
    Ok(expanded)
}

/// Checks a name by Spin's rules: lower-case letters, digits and single underscores between them.
fn check_name(name: &str) -> Result<(), String> {
    let check = || {
        ensure!(
            name.starts_with(|first: char| first.is_ascii_lowercase()),
            "has to start with a lower-case letter"
        );
        ensure!(
            name.bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_'),
            "may contain lower-case letters, digits and underscores only"
        );
        ensure!(!name.ends_with('_'), "has to end with a letter or digit");
        ensure!(
            !name.contains("__"),
            "must not contain consecutive underscores"
        );
        Ok(())
    };
    check().map_err(|reason| format!("the variable name {name:?} {reason}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(entries: &[(&str, &str)]) -> BTreeMap<String, String> {
        entries
            .iter()
            .map(|&(name, value)| (name.to_owned(), value.to_owned()))
            .collect()
    }

    /// An application with `key` (required) and `place` (default "default"), whose component sees `templates`.
    fn manifest(templates: &[(&str, &str)]) -> Manifest {
        let variable = |default: Option<&str>| Variable {
            default: default.map(str::to_owned),
            required: default.is_none(),
        };
        Manifest {
            source: "app.wasm".into(),
            variables: BTreeMap::from([
                ("key".to_owned(), variable(None)),
                ("place".to_owned(), variable(Some("default"))),
            ]),
            templates: table(templates),
        }
    }

    #[test]
    fn templates_are_expanded() {
        let application = BTreeMap::from([("a", "1"), ("b", "{{ a }}")]);
        for (template, expected) in [
            ("", Some("")),
            ("text", Some("text")),
            ("{{ a }}", Some("1")),
            ("{{a}}", Some("1")),
            ("<{{ a }}|{{ a }}>", Some("<1|1>")),
            ("{{ a }}{{ b }}", Some("1{{ a }}")),
            ("} }} { x", Some("} }} { x")),
            ("{{ a", None),
            ("{{ missing }}", None),
            ("{{ }}", None),
        ] {
            assert_eq!(
                expand(template, &application).ok().as_deref(),
                expected,
                "{template}"
            );
        }
    }

    #[test]
    fn providers_win_over_the_environment_which_wins_over_the_default() {
        let manifest = manifest(&[("place", "{{ place }}")]);
        let environment = table(&[("SPIN_VARIABLE_PLACE", "env"), ("SPIN_VARIABLE_KEY", "k")]);
        let only_key = table(&[("SPIN_VARIABLE_KEY", "k")]);
        let first = table(&[("place", "first")]);
        let second = table(&[("place", "second")]);
        for (providers, environment, expected) in [
            (vec![first, second.clone()], &environment, "first"),
            (vec![table(&[]), second], &environment, "second"),
            (
                vec![table(&[("SPIN_VARIABLE_PLACE", "no")])],
                &environment,
                "env",
            ),
            (vec![], &environment, "env"),
            (vec![], &only_key, "default"),
        ] {
            let variables = Variables::resolve(&manifest, &providers, environment).unwrap();
            assert_eq!(variables.get("place").unwrap(), expected);
        }
    }

    #[test]
    fn an_empty_value_is_a_value() {
        let environment = table(&[("SPIN_VARIABLE_KEY", ""), ("SPIN_VARIABLE_PLACE", "")]);
        let manifest = manifest(&[("key", "{{ key }}"), ("place", "{{ place }}")]);
        let variables = Variables::resolve(&manifest, &[], &environment).unwrap();
        assert_eq!(variables.get("key").unwrap(), "");
        assert_eq!(variables.get("place").unwrap(), "");
    }

    #[test]
    fn a_required_variable_without_a_value_is_named() {
        let error = Variables::resolve(&manifest(&[]), &[], &BTreeMap::new())
            .err()
            .unwrap();
        assert_eq!(
            error.to_string(),
            "the variable key is required and has no value: set SPIN_VARIABLE_KEY"
        );
    }

    #[test]
    fn the_component_sees_its_own_table_only() {
        let environment = table(&[("SPIN_VARIABLE_KEY", "k"), ("SPIN_VARIABLE_OTHER", "o")]);
        let manifest = manifest(&[("mine", "<{{ key }}>")]);
        let variables = Variables::resolve(&manifest, &[], &environment).unwrap();
        assert_eq!(variables.get("mine").unwrap(), "<k>");
        for name in ["key", "place", "other"] {
            assert!(matches!(variables.get(name), Err(Error::Undefined(_))));
        }
        for name in ["", "Mine", "_mine", "mine_", "mi__ne", "mi-ne", "1mine"] {
            assert!(matches!(variables.get(name), Err(Error::InvalidName(_))));
        }
    }

    #[test]
    fn bad_templates_and_names_are_errors() {
        let environment = table(&[("SPIN_VARIABLE_KEY", "hush")]);
        for (name, template, expected) in [
            ("a", "{{ key", "unmatched \"{{\""),
            ("a", "{{ nobody }}", "unknown variable \"nobody\""),
            ("A", "{{ key }}", "the variable name \"A\" has to start"),
        ] {
            let manifest = manifest(&[(name, template)]);
            let error = Variables::resolve(&manifest, &[], &environment).err();
            let error = format!("{:#}", error.unwrap());
            assert!(error.contains(expected), "{error}");
            assert!(!error.contains("hush"), "{error}");
        }
    }
}
