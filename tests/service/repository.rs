//! What the files of the repository must and must not hold.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;

use toml::Table;

use crate::harness::root;
use crate::key_material::pem_line;

const CREDENTIALS: [&str; 3] = ["jaas_app_id", "jaas_key_id", "jaas_private_key"];

fn read(name: &str) -> Table {
    let text = std::fs::read_to_string(root().join(name)).expect(name);
    text.parse().expect(name)
}

/// A variable's name and its default; `None`: it is required.
type Variables = BTreeMap<String, Option<String>>;

fn of_manifest() -> Variables {
    let manifest = read("spin.toml");
    let variables = manifest["variables"].as_table().expect("variables");
    let default = |variable: &toml::Value| Some(variable.get("default")?.as_str()?.to_owned());
    variables
        .iter()
        .map(|(name, variable)| (name.clone(), default(variable)))
        .collect()
}

/// The table under the first heading of a README after which a row has such a name.
fn of_readme(name: &str) -> Variables {
    let text = std::fs::read_to_string(root().join(name)).expect(name);
    let origins = text
        .lines()
        .find_map(|line| line.strip_prefix("`allowed_origins` "))
        .and_then(|line| line.split('`').nth(1))
        .expect("the default of allowed_origins");
    let rows = text
        .lines()
        .skip_while(|line| !line.starts_with("| `jaas_app_id` | "))
        .take_while(|line| line.starts_with('|'));
    rows.map(|row| {
        let cells: Vec<_> = row.trim_matches('|').split('|').map(str::trim).collect();
        let variable = cells[0].trim_matches('`').to_owned();
        let default = match cells[1] {
            "required" | "必填" => None,
            "empty" | "空字串" => Some(String::new()),
            _ if variable == "allowed_origins" => Some(origins.to_owned()),
            code => {
                let value = code
                    .strip_prefix('`')
                    .and_then(|code| code.strip_suffix('`'));
                Some(value.expect(code).to_owned())
            }
        };
        (variable, default)
    })
    .collect()
}

#[test]
fn manifest_code_and_both_readmes_have_the_same_variables_and_defaults() {
    let of_code: Variables = jaas_jwt::config::variable::ALL
        .iter()
        .map(|variable| {
            (
                variable.name.to_owned(),
                variable.default.map(str::to_owned),
            )
        })
        .collect();
    assert_eq!(of_manifest(), of_code, "spin.toml");
    for name in ["README.md", "README.zh-TW.md"] {
        assert_eq!(of_readme(name), of_code, "{name}");
    }
}

/// The defaults with which the service takes the Worker's place.
#[test]
fn the_defaults_are_those_of_the_worker() {
    let variables = of_manifest();
    for (name, default) in [
        (
            "allowed_origins",
            "https://vtaiwan.pages.dev http://localhost:3000 http://localhost:3001 \
             http://localhost:8080 https://vtaiwan.tw https://www.vtaiwan.tw https://talk.vtaiwan.tw",
        ),
        ("default_moderator", "true"),
        ("default_room", "default-room"),
        ("default_user_email", "user@example.com"),
        ("default_user_id", "user123"),
        ("default_user_name", "Your User"),
        ("disclose_origins", "true"),
        ("require_origin", "false"),
        ("token_ttl_seconds", "3600"),
        ("token_leeway_seconds", "10"),
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
    let manifest = read("spin.toml");
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
fn the_component_sees_every_variable_and_calls_nobody() {
    let manifest = read("spin.toml");
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
    assert_eq!(
        component["allowed_outbound_hosts"].as_array().map(Vec::len),
        Some(0)
    );
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
    assert_eq!(read("runtime-config.toml"), Table::new());
}

#[test]
fn every_package_comes_from_crates_io() {
    let lock = read("Cargo.lock");
    for package in lock["package"].as_array().expect("packages") {
        if let Some(source) = package.get("source") {
            assert_eq!(
                source.as_str(),
                Some("registry+https://github.com/rust-lang/crates.io-index"),
                "{package:?}"
            );
        }
    }
}

/// All files that are, or would be, committed.
fn files() -> Vec<PathBuf> {
    let output = Command::new("git")
        .current_dir(root())
        .args([
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ])
        .output()
        .expect("git runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let names = String::from_utf8(output.stdout).expect("names in UTF-8");
    names
        .split_terminator('\0')
        .map(|name| root().join(name))
        // Deleted, but not yet so in the index.
        .filter(|path| path.is_file())
        .collect()
}

/// Whether a line of `text` begins a private key.
fn has_private_key(text: &str) -> bool {
    let start = format!("{}BEGIN ", "-".repeat(5));
    text.match_indices(&start).any(|(at, _)| {
        let label = text[at + start.len()..].split('-').next().unwrap_or("");
        label.ends_with("PRIVATE KEY") && label.chars().all(|c| c.is_ascii_uppercase() || c == ' ')
    })
}

#[test]
fn a_private_key_would_be_found() {
    for label in [
        "PRIVATE KEY",
        "RSA PRIVATE KEY",
        "EC PRIVATE KEY",
        "OPENSSH PRIVATE KEY",
        "ENCRYPTED PRIVATE KEY",
    ] {
        let line = pem_line("BEGIN", label);
        assert!(has_private_key(&line), "{line}");
        assert!(has_private_key(&format!("x = \"{line}\\nMIIE")), "{line}");
    }
    for label in ["PUBLIC KEY", "CERTIFICATE"] {
        assert!(!has_private_key(&pem_line("BEGIN", label)));
    }
    assert!(!has_private_key(&pem_line("END", "PRIVATE KEY")));
}

#[test]
fn no_file_has_a_private_key() {
    let files = files();
    assert!(files.len() > 5, "{files:?}");
    for path in files {
        let bytes = std::fs::read(&path).expect("a file of the repository");
        assert!(
            !has_private_key(&String::from_utf8_lossy(&bytes)),
            "{}",
            path.display()
        );
    }
}
