//! Resolves what the component gets, with Spin's templates, names and precedence.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};

use crate::environment_name;
use crate::manifest::Manifest;
use crate::providers::Providers;

/// Returns the component's variables with their final values.
///
/// `providers` take precedence over `environment`, which takes precedence over the manifest's defaults.
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
            .with_context(|| format!("in the template of the component variable {name}"))?;
        values.insert(name.clone(), value);
    }
    Ok(values)
}

/// The application's variables that have a value.
pub(crate) type Values<'a> = BTreeMap<&'a str, &'a str>;

/// Returns the variables' default values.
pub(crate) fn defaults(manifest: &Manifest) -> Values<'_> {
    let variables = manifest.variables.iter();
    variables
        .filter_map(|variable| Some((variable.name.as_str(), variable.default.as_deref()?)))
        .collect()
}

/// Returns the variables' values. Fails if one has no value.
pub(crate) fn application<'a>(
    manifest: &'a Manifest,
    providers: &'a Providers,
    environment: &'a BTreeMap<String, String>,
) -> Result<Values<'a>> {
    let mut application = defaults(manifest);
    let mut missing = Vec::new();
    for name in manifest.variables.iter().map(|it| it.name.as_str()) {
        check_name(name).map_err(anyhow::Error::msg)?;
        let setter = environment_name(name);
        let given = environment.get(&setter).map(String::as_str);
        if let Some(value) = providers.value(name).or(given) {
            application.insert(name, value);
        } else if !application.contains_key(name) {
            missing.push(format!(
                "the variable {name} is required and has no value: set {setter}"
            ));
        }
    }
    if !missing.is_empty() {
        bail!("{}", missing.join("; "));
    }
    Ok(application)
}

/// Replaces each `{{ name }}` by its value.
pub(crate) fn expand(template: &str, values: &Values) -> Result<String> {
    let mut expanded = String::new();
    let mut rest = template;
    while let Some((literal, after)) = rest.split_once("{{") {
        let (name, after) = after.split_once("}}").context("unmatched \"{{\"")?;
        let name = name.trim();
        let value = values
            .get(name)
            .with_context(|| format!("unknown variable {name:?}"))?;
        expanded.push_str(literal);
        expanded.push_str(value);
        rest = after;
    }
    expanded.push_str(rest);
    Ok(expanded)
}

/// Checks a name by Spin's rules.
///
/// # Errors
/// The message says what is wrong.
pub fn check_name(name: &str) -> Result<(), String> {
    let is_word = |word: &str| {
        let mut bytes = word.bytes();
        !word.is_empty() && bytes.all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    if name.starts_with(|first: char| first.is_ascii_lowercase()) && name.split('_').all(is_word) {
        return Ok(());
    }
    Err(format!(
        "the variable name {name:?} has to start with a lower-case letter, and to consist of lower-case letters, digits and single underscores between them"
    ))
}

#[cfg(test)]
mod tests;
