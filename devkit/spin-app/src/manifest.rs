//! The parts of `spin.toml` that the embedded host uses.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail, ensure};
use serde::Deserialize;

use crate::{file, line_of};

/// The only route that the embedded host serves: every path.
pub const CATCH_ALL: &str = "/...";

/// The only store that Spin provides without configuration.
pub const DEFAULT_STORE: &str = "default";

/// An application with one component, as described by `spin.toml`.
#[derive(Debug, Default)]
pub struct Manifest {
    /// The path of the component's `.wasm`.
    pub source: PathBuf,
    pub variables: Vec<Variable>,
    /// The component's own variables: their names and their templates.
    pub templates: BTreeMap<String, String>,
    /// The key-value stores that the component may open.
    pub key_value_stores: Vec<String>,
    /// The servers that the component may call, as templates; see [`AllowedHosts`](crate::outbound::AllowedHosts).
    pub allowed_outbound_hosts: Vec<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Variable {
    #[serde(skip)]
    pub name: String,
    /// Whether the host must have a value to start.
    pub required: bool,
    /// The value if no other source sets one.
    pub default: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RawManifest {
    spin_manifest_version: u32,
    variables: BTreeMap<String, Variable>,
    trigger: RawTriggers,
    component: BTreeMap<String, RawComponent>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RawTriggers {
    http: Vec<RawHttpTrigger>,
}

#[derive(Deserialize)]
struct RawHttpTrigger {
    route: String,
    component: String,
}

#[derive(Deserialize)]
struct RawComponent {
    source: PathBuf,
    #[serde(default)]
    variables: BTreeMap<String, String>,
    #[serde(default)]
    key_value_stores: Vec<String>,
    #[serde(default)]
    allowed_outbound_hosts: Vec<String>,
}

impl Manifest {
    /// Reads the manifest at `path`.
    pub fn read(path: &Path) -> Result<Self> {
        let text = file::text(path, format_args!("the manifest {}", path.display()))?;
        let mut manifest =
            Self::parse(&text).with_context(|| format!("in the manifest {}", path.display()))?;
        let directory = path.parent().unwrap_or(Path::new(""));
        manifest.source = directory.join(manifest.source);
        Ok(manifest)
    }

    /// Parses a manifest. `source` stays relative to the manifest's folder.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let raw: RawManifest = toml::from_str(text).map_err(|error| one_line(text, &error))?;
        ensure!(
            raw.spin_manifest_version == 2,
            "spin_manifest_version has to be 2"
        );
        let [trigger] = raw.trigger.http.as_slice() else {
            bail!("this host serves exactly one [[trigger.http]]: use `--host spin`");
        };
        ensure!(
            trigger.route == CATCH_ALL,
            "this host serves the route \"{CATCH_ALL}\" only: use `--host spin`"
        );
        let mut components = raw.component.into_iter();
        let (Some((name, component)), None) = (components.next(), components.next()) else {
            bail!("this host serves exactly one component: use `--host spin`");
        };
        ensure!(
            trigger.component == name,
            "[[trigger.http]] names the component {:?}, but there is only {name:?}",
            trigger.component
        );
        let stores = &component.key_value_stores;
        if let Some(label) = stores.iter().find(|it| *it != DEFAULT_STORE) {
            bail!(
                "this host has the key-value store \"{DEFAULT_STORE}\" only, not {label:?}: use `--host spin`"
            );
        }
        let variables = named(raw.variables);
        for variable in &variables {
            ensure!(
                variable.required != variable.default.is_some(),
                "the variable {} needs either `required = true` or a `default`, not both",
                variable.name
            );
        }
        Ok(Self {
            source: component.source,
            variables,
            templates: component.variables,
            key_value_stores: component.key_value_stores,
            allowed_outbound_hosts: component.allowed_outbound_hosts,
        })
    }
}

/// Parses only the variables that a `spin.toml` declares.
pub fn variables(text: &str) -> Result<Vec<Variable>> {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Declared {
        variables: BTreeMap<String, Variable>,
    }
    let declared: Declared = toml::from_str(text)
        .map_err(|error| one_line(text, &error))
        .context("spin.toml cannot be read")?;
    Ok(named(declared.variables))
}

fn named(variables: BTreeMap<String, Variable>) -> Vec<Variable> {
    let variables = variables.into_iter();
    variables
        .map(|(name, variable)| Variable { name, ..variable })
        .collect()
}

/// Returns the error in one line, without the excerpt of the file, which may contain a value.
pub(crate) fn one_line(text: &str, error: &toml::de::Error) -> anyhow::Error {
    let message = error.message().replace('\n', " ");
    // For a value of a wrong type, or outside the allowed set, the message quotes the value.
    let message = match message.rsplit_once(", expected ") {
        Some((quoted, expected)) if quoted.starts_with("invalid ") && quoted.contains(": ") => {
            format!("a value is not as it has to be, expected {expected}")
        }
        _ => message,
    };
    match error.span() {
        Some(span) => anyhow!("line {}: {message}", line_of(text.as_bytes(), span.start)),
        None => anyhow!(message),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
spin_manifest_version = 2
[application]
name = "app"
[variables]
key = { required = true, secret = true }
place = { default = "here" }
[[trigger.http]]
route = "/..."
component = "app"
[component.app]
source = "target/app.wasm"
key_value_stores = ["default"]
allowed_outbound_hosts = ["https://{{ place }}.test"]
[component.app.variables]
key = "{{ key }}"
[component.app.build]
command = "true"
"#;

    #[test]
    fn a_manifest_of_one_component_is_read() {
        let manifest = Manifest::parse(GOOD).unwrap();
        assert_eq!(manifest.source, Path::new("target/app.wasm"));
        let [key, place] = &manifest.variables[..] else {
            panic!("{:?}", manifest.variables);
        };
        assert!(key.required && key.name == "key");
        assert_eq!(place.default.as_deref(), Some("here"));
        assert_eq!(manifest.templates["key"], "{{ key }}");
        assert_eq!(manifest.key_value_stores, [DEFAULT_STORE]);
        assert_eq!(
            manifest.allowed_outbound_hosts,
            ["https://{{ place }}.test"]
        );
    }

    #[test]
    fn what_this_host_cannot_serve_is_rejected() {
        let second_trigger = "\n[[trigger.http]]\nroute = \"/two\"\ncomponent = \"app\"\n";
        let second_component = "\n[component.two]\nsource = \"two.wasm\"\n";
        for (manifest, expected) in [
            (GOOD.replace("version = 2", "version = 1"), "has to be 2"),
            (
                GOOD.replace("/...", "/only"),
                "the route \"/...\" only: use `--host spin`",
            ),
            (
                format!("{GOOD}{second_trigger}"),
                "exactly one [[trigger.http]]",
            ),
            (format!("{GOOD}{second_component}"), "exactly one component"),
            (
                GOOD.replace("component = \"app\"", "component = \"other\""),
                "\"other\"",
            ),
            (
                GOOD.replace("[\"default\"]", "[\"default\", \"other\"]"),
                "not \"other\": use `--host spin`",
            ),
            (
                GOOD.replace("default = \"here\"", ""),
                "the variable place needs",
            ),
            (
                GOOD.replace("required = true", "required = true, default = \"\""),
                "the variable key needs",
            ),
            (GOOD.replace("source =", "source"), "line 12: "),
            (
                GOOD.replace("required = true", "required = \"hush\""),
                "line 6: a value is not as it has to be, expected a boolean",
            ),
        ] {
            let error = format!("{:#}", Manifest::parse(&manifest).err().unwrap());
            assert!(error.contains(expected), "{error}");
            assert!(!error.contains('\n'), "{error}");
            assert!(!error.contains("hush"), "{error}");
        }
    }
}
