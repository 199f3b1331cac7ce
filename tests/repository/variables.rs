//! The variables: the manifest, the code and the documents agree.

use std::collections::BTreeMap;

use toml::Table;

use crate::{document, table};

const CREDENTIALS: [&str; 3] = ["jaas_app_id", "jaas_key_id", "jaas_private_key"];

/// The variables' names and defaults; `None` if the variable is required.
type Variables = BTreeMap<String, Option<String>>;

fn of_manifest() -> Variables {
    let manifest = table("spin.toml");
    let variables = manifest["variables"].as_table().expect("variables");
    let default = |variable: &toml::Value| Some(variable.get("default")?.as_str()?.to_owned());
    variables
        .iter()
        .map(|(name, variable)| (name.clone(), default(variable)))
        .collect()
}

/// Returns the variables in a document's tables: the rows whose first cell is a variable's name in backticks.
fn of_document(text: &str) -> Variables {
    let origins = text
        .lines()
        .find_map(|line| line.strip_prefix("`allowed_origins` "))
        .and_then(|line| line.split('`').nth(1));
    let mut found = Variables::new();
    for row in text.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<_> = row.trim_matches('|').split('|').map(str::trim).collect();
        let code = |cell: &str| Some(cell.strip_prefix('`')?.strip_suffix('`')?.to_owned());
        let Some(variable) = code(cells[0]).filter(|name| is_variable_name(name)) else {
            continue;
        };
        let default = match cells[1] {
            "required" | "必填" => None,
            "empty" | "空字串" => Some(String::new()),
            // Too long for a cell: it is below the table, or in the document that the cell links to.
            cell if variable == "allowed_origins" => Some(origins.unwrap_or(cell).to_owned()),
            cell => Some(code(cell).unwrap_or_else(|| panic!("{row}"))),
        };
        let repeated = found.insert(variable, default);
        assert!(repeated.is_none(), "twice: {row}");
    }
    found
}

fn is_variable_name(text: &str) -> bool {
    text.bytes()
        .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

fn of_code() -> Variables {
    jaas_jwt::config::variable::ALL
        .iter()
        .map(|variable| {
            (
                variable.name.to_owned(),
                variable.default.map(str::to_owned),
            )
        })
        .collect()
}

#[test]
fn manifest_code_and_both_pages_of_the_configuration_have_the_same_variables_and_defaults() {
    assert_eq!(of_manifest(), of_code(), "spin.toml");
    for name in ["docs/configuration.md", "docs/configuration.zh-TW.md"] {
        assert_eq!(of_document(&document(name)), of_code(), "{name}");
    }
}

/// The variables that most sites set. Each README links to the page with all of them.
#[test]
fn both_readmes_have_the_usual_variables_with_their_defaults() {
    let of_code = of_code();
    let mut named = Vec::new();
    for (name, heading, all) in [
        ("README.md", "\n## Variables\n", "](docs/configuration.md)"),
        (
            "README.zh-TW.md",
            "\n## 變數\n",
            "](docs/configuration.zh-TW.md)",
        ),
    ] {
        let text = document(name);
        let (_, section) = text.split_once(heading).expect(heading);
        let section = section.split("\n## ").next().unwrap_or(section);
        assert!(section.contains(all), "{name}: no link {all}");
        let mut usual = of_document(section);
        let origins = usual
            .remove("allowed_origins")
            .flatten()
            .expect("allowed_origins");
        assert!(origins.starts_with('['), "{name}: {origins}");
        for (variable, default) in &usual {
            assert_eq!(of_code.get(variable), Some(default), "{name}: {variable}");
        }
        for variable in CREDENTIALS.iter().chain(&["auth_mode", "allowed_rooms"]) {
            assert!(usual.contains_key(*variable), "{name}: {variable}");
        }
        named.push(usual);
    }
    assert_eq!(named[0], named[1]);
}

/// The defaults that let the service replace the Worker.
#[test]
fn the_defaults_are_those_of_the_worker() {
    let variables = of_manifest();
    for (name, default) in [
        (
            "allowed_origins",
            "https://vtaiwan.pages.dev https://vue.vtaiwan.tw http://localhost:3000 \
             http://localhost:3001 http://localhost:4173 http://localhost:4174 \
             http://localhost:8080 http://localhost:8081 https://vtaiwan.tw \
             https://www.vtaiwan.tw https://talk.vtaiwan.tw",
        ),
        ("default_moderator", "true"),
        ("default_room", "default-room"),
        ("default_user_email", "user@example.com"),
        ("default_user_id", "user123"),
        ("default_user_name", "Your User"),
        ("disclose_origins", "true"),
        ("require_origin", "false"),
        ("token_ttl_seconds", "3600"),
        ("token_leeway_seconds", "60"),
        ("moderator_features", "livestreaming, outbound-call"),
        ("member_features", ""),
        ("allowed_rooms", ""),
        ("auth_mode", "none"),
    ] {
        assert_eq!(variables[name].as_deref(), Some(default), "{name}");
    }
}

#[test]
fn the_credentials_are_required_and_the_key_is_secret() {
    let manifest = table("spin.toml");
    let variables = manifest["variables"].as_table().expect("variables");
    for name in CREDENTIALS {
        let variable = variables[name].as_table().expect(name);
        assert_eq!(variable["required"].as_bool(), Some(true), "{name}");
        assert!(!variable.contains_key("default"), "{name}");
        assert_eq!(
            variable.get("secret").and_then(toml::Value::as_bool),
            (name == "jaas_private_key").then_some(true),
            "{name}"
        );
    }
    assert_eq!(
        variables["auth_hs256_secret"]["secret"].as_bool(),
        Some(true)
    );
}

#[test]
fn the_component_sees_every_variable_and_calls_one_server_at_most() {
    let manifest = table("spin.toml");
    assert_eq!(manifest["spin_manifest_version"].as_integer(), Some(2));
    let triggers = manifest["trigger"]["http"].as_array().expect("triggers");
    assert_eq!(triggers.len(), 1);
    assert_eq!(triggers[0]["route"].as_str(), Some("/..."));
    let name = triggers[0]["component"].as_str().expect("a component");

    let component = &manifest["component"][name];
    assert_eq!(
        component["source"].as_str(),
        Some("target/wasm32-wasip2/release/jaas_jwt.wasm")
    );
    for (right, only) in [
        ("allowed_outbound_hosts", "{{ auth_jwks_origin }}"),
        ("key_value_stores", "default"),
    ] {
        let granted = component[right].as_array().expect("a list");
        let granted: Vec<_> = granted.iter().map(toml::Value::as_str).collect();
        assert_eq!(granted, [Some(only)], "{right}");
    }
    let seen = component["variables"].as_table().expect("variables");
    let declared = manifest["variables"].as_table().expect("variables");
    assert_eq!(seen.len(), declared.len());
    for name in declared.keys() {
        assert_eq!(
            seen[name].as_str(),
            Some(format!("{{{{ {name} }}}}").as_str())
        );
    }
}

#[test]
fn the_runtime_configuration_has_no_active_provider() {
    assert_eq!(table("runtime-config.toml"), Table::new());
}
