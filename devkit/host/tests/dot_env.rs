//! The program reads `.env` in its current folder, as `spin up` does.

use std::path::Path;
use std::process::Command;

const MANIFEST: &str = r#"
spin_manifest_version = 2
[application]
name = "app"
[variables]
key = { required = true }
[[trigger.http]]
route = "/..."
component = "app"
[component.app]
source = "not-built.wasm"
"#;

/// Returns the program's error in a folder with this `.env`.
fn error(name: &str, dot_env: Option<&str>) -> String {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::create_dir_all(&folder).expect("a folder");
    std::fs::write(folder.join("spin.toml"), MANIFEST).expect("a file");
    if let Some(text) = dot_env {
        std::fs::write(folder.join(".env"), text).expect("a file");
    }
    let output = Command::new(env!("CARGO_BIN_EXE_devkit-host"))
        .current_dir(folder)
        .env_remove("SPIN_VARIABLE_KEY")
        .args(["--listen", "127.0.0.1:0"])
        .output()
        .expect("it starts");
    String::from_utf8(output.stderr).expect("text")
}

#[test]
fn a_variable_of_dot_env_is_given() {
    let missing = "the variable key is required and has no value";
    assert!(error("none", None).contains(missing));
    assert!(error("other", Some("KEY=hidden\n")).contains(missing));
    let text = error("given", Some("SPIN_VARIABLE_KEY='hidden'\n"));
    assert!(text.contains("There is no component at"), "{text}");
}

#[test]
fn a_line_that_is_no_entry_ends_it_and_is_not_quoted() {
    let text = error("broken", Some("SPIN_VARIABLE_KEY=a\nhidden words\n"));
    assert!(text.starts_with("error: .env, line 2: "), "{text}");
    assert!(!text.contains("hidden"), "{text}");
}
