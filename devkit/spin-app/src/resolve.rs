//! What the component gets: Spin's templates, names and order of precedence.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail, ensure};

use crate::environment_name;
use crate::manifest::{Manifest, Variable};
use crate::providers::Providers;

/// The component's variables, each with its final value.
///
/// `providers` win over `environment`, which wins over the manifest's defaults.
pub fn resolve(
    manifest: &Manifest,
    providers: &Providers,
    environment: &BTreeMap<String, String>,
) -> Result<BTreeMap<String, String>> {
    let application = application(manifest, providers, environment)?;
    let mut values = BTreeMap::new();
    for (name, template) in &manifest.templates {
        check_name(name).map_err(anyhow::Error::msg)?;
        let value = expand(template, &application)
            .transpose()
            .context("has no value")
            .flatten()
            .with_context(|| format!("in the template of the component variable {name}"))?;
        values.insert(name.clone(), value);
    }
    Ok(values)
}

/// The application's variables: `None` for one without a value.
pub(crate) type Values<'a> = BTreeMap<&'a str, Option<&'a str>>;

/// What they are where nobody sets them.
pub(crate) fn defaults(manifest: &Manifest) -> Values<'_> {
    let variables = manifest.variables.iter();
    variables
        .map(|variable| (variable.name.as_str(), variable.default.as_deref()))
        .collect()
}

pub(crate) fn application<'a>(
    manifest: &'a Manifest,
    providers: &'a Providers,
    environment: &'a BTreeMap<String, String>,
) -> Result<Values<'a>> {
    let mut application = BTreeMap::new();
    let mut missing = Vec::new();
    for Variable { name, default, .. } in &manifest.variables {
        check_name(name).map_err(anyhow::Error::msg)?;
        let setter = environment_name(name);
        let value = providers
            .value(name)
            .or_else(|| environment.get(&setter).map(String::as_str))
            .or(default.as_deref());
        match value {
            Some(value) => drop(application.insert(name.as_str(), Some(value))),
            None => missing.push(format!(
                "the variable {name} is required and has no value: set {setter}"
            )),
        }
    }
    if !missing.is_empty() {
        bail!("{}", missing.join("; "));
    }
    Ok(application)
}

/// Puts values in the place of each `{{ name }}`; `None`: one of them has no value.
pub(crate) fn expand(template: &str, application: &Values) -> Result<Option<String>> {
    let mut complete = true;
    let mut expanded = String::new();
    let mut rest = template;
    while let Some((literal, after)) = rest.split_once("{{") {
        let (name, after) = after.split_once("}}").context("unmatched \"{{\"")?;
        let name = name.trim();
        let value = application
            .get(name)
            .with_context(|| format!("unknown variable {name:?}"))?;
        expanded.push_str(literal);
        expanded.push_str(value.unwrap_or_default());
        complete &= value.is_some();
        rest = after;
    }
    expanded.push_str(rest);
    Ok(complete.then_some(expanded))
}

/// Checks a name by Spin's rules: lower-case letters, digits and single underscores between them.
///
/// # Errors
/// A sentence that says what is wrong.
pub fn check_name(name: &str) -> Result<(), String> {
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
mod tests;
