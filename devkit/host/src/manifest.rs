//! Reads the parts of `spin.toml` and `runtime-config.toml` that this host honours.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail, ensure};
use serde::Deserialize;

/// The one route of an application that this host serves: every path.
pub(crate) const CATCH_ALL: &str = "/...";

/// An application of one component, as `spin.toml` describes it.
pub(crate) struct Manifest {
    /// Where the component's `.wasm` is.
    pub(crate) source: PathBuf,
    /// The application's variables.
    pub(crate) variables: BTreeMap<String, Variable>,
    /// What the component sees: its own variable names and their templates.
    pub(crate) templates: BTreeMap<String, String>,
}

/// An application variable.
#[derive(Deserialize)]
pub(crate) struct Variable {
    /// Its value when nobody gives another.
    pub(crate) default: Option<String>,
    /// Whether somebody has to give it.
    #[serde(default)]
    pub(crate) required: bool,
}

#[derive(Deserialize)]
struct RawManifest {
    spin_manifest_version: u32,
    #[serde(default)]
    variables: BTreeMap<String, Variable>,
    #[serde(default)]
    trigger: RawTriggers,
    #[serde(default)]
    component: BTreeMap<String, RawComponent>,
}

#[derive(Default, Deserialize)]
struct RawTriggers {
    #[serde(default)]
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
}

impl Manifest {
    /// Reads the manifest at `path`.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path)
            .with_context(|| format!("cannot read the manifest {}", path.display()))?;
        let mut manifest =
            Self::parse(&text).with_context(|| format!("in the manifest {}", path.display()))?;
        let directory = path.parent().unwrap_or(Path::new(""));
        manifest.source = directory.join(manifest.source);
        Ok(manifest)
    }

    /// Parses a manifest; `source` stays relative to the manifest's directory.
    fn parse(text: &str) -> Result<Self> {
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
        for (name, variable) in &raw.variables {
            ensure!(
                variable.required != variable.default.is_some(),
                "the variable {name} needs either `required = true` or a `default`, not both"
            );
        }
        Ok(Self {
            source: component.source,
            variables: raw.variables,
            templates: component.variables,
        })
    }
}

/// Reads the values of the static providers of a `runtime-config.toml`, in the order of the file.
pub(crate) fn read_providers(path: &Path) -> Result<Vec<BTreeMap<String, String>>> {
    let text = fs::read_to_string(path)
        .with_context(|| format!("cannot read the runtime configuration {}", path.display()))?;
    parse_providers(&text)
        .with_context(|| format!("in the runtime configuration {}", path.display()))
}

/// Walks the tables by hand: an error of a typed reading quotes what it found, and that can be a secret.
fn parse_providers(text: &str) -> Result<Vec<BTreeMap<String, String>>> {
    let table: toml::Table = text.parse().map_err(|error| one_line(text, &error))?;
    let Some(providers) = table.get("variables_provider") else {
        return Ok(Vec::new());
    };
    let providers = providers
        .as_array()
        .context("variables_provider has to be written [[variables_provider]]")?;
    providers.iter().map(static_values).collect()
}

fn static_values(provider: &toml::Value) -> Result<BTreeMap<String, String>> {
    let kind = provider
        .get("type")
        .and_then(toml::Value::as_str)
        .context("a [[variables_provider]] needs a `type`")?;
    ensure!(
        kind == "static",
        "the variables provider {kind:?} is not supported here, only \"static\" is: use `--host spin`"
    );
    let values = provider
        .get("values")
        .and_then(toml::Value::as_table)
        .context("a static [[variables_provider]] needs a table `values`")?;
    values
        .iter()
        .map(|(name, value)| match value.as_str() {
            Some(value) => Ok((name.clone(), value.to_owned())),
            None => bail!("the value of {name} has to be a string"),
        })
        .collect()
}

/// The error without its excerpt of the file: one line, and no value of a line that failed.
fn one_line(text: &str, error: &toml::de::Error) -> anyhow::Error {
    let message = error.message().replace('\n', " ");
    match error.span() {
        Some(span) => {
            let line = text[..span.start].matches('\n').count() + 1;
            anyhow!("line {line}: {message}")
        }
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
allowed_outbound_hosts = []
[component.app.variables]
key = "{{ key }}"
[component.app.build]
command = "true"
"#;

    #[test]
    fn a_manifest_of_one_component_is_read() {
        let manifest = Manifest::parse(GOOD).unwrap();
        assert_eq!(manifest.source, Path::new("target/app.wasm"));
        assert!(manifest.variables["key"].required);
        assert_eq!(manifest.variables["place"].default.as_deref(), Some("here"));
        assert_eq!(manifest.templates["key"], "{{ key }}");
    }

    #[test]
    fn what_this_host_cannot_serve_is_refused() {
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
                GOOD.replace("default = \"here\"", ""),
                "the variable place needs",
            ),
            (
                GOOD.replace("required = true", "required = true, default = \"\""),
                "the variable key needs",
            ),
            (GOOD.replace("source =", "source"), "line 12: "),
        ] {
            let error = format!("{:#}", Manifest::parse(&manifest).err().unwrap());
            assert!(error.contains(expected), "{error}");
            assert!(!error.contains('\n'), "{error}");
        }
    }

    #[test]
    fn static_providers_are_read_in_order() {
        let text = r#"
[[variables_provider]]
type = "static"
values = { a = "1" }
[[variables_provider]]
type = "static"
[variables_provider.values]
a = "2"
b = """
two
lines"""
"#;
        let providers = parse_providers(text).unwrap();
        assert_eq!(providers[0]["a"], "1");
        assert_eq!(providers[1]["a"], "2");
        assert_eq!(providers[1]["b"], "two\nlines");
        assert!(parse_providers("# nothing").unwrap().is_empty());
    }

    #[test]
    fn bad_providers_are_refused_without_their_values() {
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
            ("a = \"x\"\nb = hush", "line 2: "),
        ] {
            let error = format!("{:#}", parse_providers(text).unwrap_err());
            assert!(error.contains(expected), "{error}");
            assert!(!error.contains("hush"), "{error}");
        }
    }
}
