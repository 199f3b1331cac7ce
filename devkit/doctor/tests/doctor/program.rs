//! Runs the program as `cargo dev doctor` does.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use serde_json::Value;

use crate::secrets::{Search, body, shapes};
use crate::setup::{faultless, root, short_key};

/// Creates a folder for this run.
fn folder(name: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("doctor-{name}"));
    let _ = fs::remove_dir_all(&path);
    fs::create_dir_all(&path).expect("a folder");
    path
}

/// Creates an env file that only its owner can read, in a new folder.
fn env_file(folder: &str, text: &str) -> PathBuf {
    let path = self::folder(folder).join("test.vars");
    fs::write(&path, text).expect("a file");
    #[cfg(unix)]
    set_mode(&path, 0o600);
    path
}

#[cfg(unix)]
fn set_mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("the mode is set");
}

/// Returns a faultless env file with a PEM of many lines.
fn good_text() -> String {
    let entries = faultless();
    let lines = entries
        .iter()
        .map(|(name, value)| format!("{name}=\"{}\"\n", value.trim_end()));
    lines.collect()
}

/// Creates a project with this runtime configuration.
fn project(name: &str, runtime_config: &str) -> PathBuf {
    let path = folder(name);
    fs::create_dir(path.join("devkit")).expect("a folder");
    fs::write(path.join("devkit/Cargo.toml"), "").expect("a file");
    fs::write(path.join("runtime-config.toml"), runtime_config).expect("a file");
    fs::copy(root().join("spin.toml"), path.join("spin.toml")).expect("a file");
    path
}

/// Runs the program in a project with the default configuration, without the caller's settings.
pub fn doctor(arguments: &[&str]) -> Output {
    static PROJECT: OnceLock<PathBuf> = OnceLock::new();
    doctor_in(PROJECT.get_or_init(|| project("defaults", "")), arguments)
}

fn doctor_in(project: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_devkit-doctor"));
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("JAAS_") || text.starts_with("SPIN_") {
            command.env_remove(name);
        }
    }
    command
        .env("CARGO_MANIFEST_DIR", project)
        .args(arguments)
        .output()
        .expect("it starts")
}

fn text(output: &Output) -> String {
    let bytes = [&output.stdout[..], &output.stderr].concat();
    String::from_utf8(bytes).expect("UTF-8")
}

fn with_file(path: &Path, more: &[&str]) -> Output {
    let path = path.to_str().expect("a path in UTF-8");
    doctor(&[&["--env-file", path], more].concat())
}

#[test]
fn a_faultless_env_file_ends_with_0() {
    let path = env_file("good", &good_text());
    for more in [&[][..], &["--production"]] {
        let output = with_file(&path, more);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output));
        let lines = text(&output);
        assert!(lines.contains("14 of 14 checks"), "{lines}");
        assert!(lines.contains("signature verifies"), "{lines}");
        assert!(
            lines.ends_with("usable: no errors, no warnings, no hints.\n"),
            "{lines}"
        );
    }
}

#[test]
fn an_error_ends_with_1_and_a_warning_only_for_production() {
    let wrong = good_text().replace("=\"true\"", "=\"maybe\"");
    let output = with_file(&env_file("wrong", &wrong), &[]);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    assert!(text(&output).contains("error[invalid] require_origin is neither"));

    let path = env_file(
        "warned",
        &format!("{}TOKEN_LEEWAY_SECONDS=0\n", good_text()),
    );
    assert_eq!(with_file(&path, &[]).status.code(), Some(0));
    assert_eq!(with_file(&path, &["--production"]).status.code(), Some(1));
}

#[test]
fn what_cannot_be_examined_ends_with_2() {
    for arguments in [
        &["--no-such-flag"][..],
        &["--env-file"],
        &["--env-file", "no-such.vars"],
        &["more"],
    ] {
        let output = doctor(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(output.stdout.is_empty(), "{arguments:?}");
        assert!(text(&output).contains("error: "), "{arguments:?}");
    }
}

#[test]
fn what_cannot_be_examined_is_an_object_of_json_too() {
    let path = env_file("not-utf8", "");
    fs::write(&path, b"AUTH_MODE=none\nJAAS_APP_ID=hush\xff\n").expect("a file");
    let file = path.to_str().expect("a path in UTF-8");
    for (arguments, part) in [
        (
            &["--env-file", "no-such.vars"][..],
            "no-such.vars cannot be read",
        ),
        (&["--env-file", file], "line 2 has other bytes"),
        (
            &["--credential", "no-such.jwt"],
            "no-such.jwt cannot be read",
        ),
        (&["--credential", file], "line 2 has other bytes"),
        (&["--issuer", "https://login.example"], "leave out --json"),
    ] {
        let output = doctor(&[arguments, &["--json"]].concat());
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        let json: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        let members: Vec<_> = json.as_object().expect("an object").keys().collect();
        assert_eq!(members, ["error", "ok", "version"], "{json}");
        assert!(json["version"] == 1 && json["ok"] == false, "{json}");
        let error = json["error"].as_str().expect("a sentence");
        assert!(error.contains(part), "{error}");
        assert!(!text(&output).contains("hush"), "{}", text(&output));
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_report_that_cannot_be_written_ends_with_2_and_one_that_nobody_reads_does_not() {
    use std::process::Stdio;
    let path = env_file("unwritable", &good_text());
    let run = |more: &[&str], stdout: Stdio| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_devkit-doctor"));
        let command = command
            .env("CARGO_MANIFEST_DIR", project("unwritable-project", ""))
            .arg("--env-file")
            .arg(&path)
            .args(more)
            .stdout(stdout)
            .stderr(Stdio::piped());
        let output = command.spawn().expect("it starts").wait_with_output();
        let output = output.expect("it ends");
        let error = String::from_utf8(output.stderr).expect("UTF-8");
        (output.status.code(), error)
    };
    for more in [&[][..], &["--json"]] {
        let full = fs::OpenOptions::new().write(true).open("/dev/full");
        let (code, error) = run(more, full.expect("a device").into());
        assert_eq!(code, Some(2), "{error}");
        let sentence = "error: standard output cannot be written: No space left";
        assert!(error.starts_with(sentence), "{error}");
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        assert_eq!(run(more, writer.into()), (Some(0), String::new()));
    }
}

#[cfg(unix)]
#[test]
fn a_file_of_the_configuration_that_is_none_is_told() {
    let project = project("no-files", "");
    for name in [".env", "runtime-config.toml"] {
        let path = project.join(name);
        let kept = fs::read(&path).unwrap_or_default();
        let _ = fs::remove_file(&path);
        for (target, part) in [
            ("/dev/zero", "is larger than 16 MiB"),
            ("/", "cannot be read: Is a directory"),
        ] {
            std::os::unix::fs::symlink(target, &path).expect("a link");
            let output = doctor_in(&project, &[]);
            assert!(text(&output).contains(part), "{name}: {}", text(&output));
            assert_ne!(output.status.code(), Some(0), "{name}");
            fs::remove_file(&path).expect("the link");
        }
        fs::write(&path, kept).expect("a file");
    }
}

#[test]
fn a_broken_env_file_is_told_by_its_line() {
    let path = env_file(
        "broken",
        "JAAS_APP_ID=a\nJAAS_PRIVATE_KEY=-----BEGIN\nhidden words\n",
    );
    let output = with_file(&path, &[]);
    assert_eq!(output.status.code(), Some(1));
    let lines = text(&output);
    assert!(lines.starts_with("error[env-file-broken] "), "{lines}");
    assert!(lines.contains("line 3: "), "{lines}");
    assert!(!lines.contains("hidden"), "{lines}");
    assert!(!lines.contains("[missing]"), "{lines}");
}

#[test]
fn a_broken_runtime_configuration_is_told_and_not_quoted() {
    for shape in shapes(short_key()) {
        let config = format!("a = 1\njaas_private_key = {shape}\n");
        let output = doctor_in(&project("broken-providers", &config), &[]);
        assert_eq!(output.status.code(), Some(1), "{}", text(&output));
        let search = Search::new(&[&body(short_key())]);
        assert_eq!(search.find(&text(&output)), None, "{}", text(&output));
        // A quoted shape may be a valid TOML string.
        if !shape.contains('"') {
            let line = text(&output);
            assert!(line.starts_with("error[runtime-config-broken] "), "{line}");
            assert!(line.contains("is not TOML: line "), "{line}");
        }
    }
}

#[test]
fn a_repair_has_its_line_whatever_ends_lines() {
    let text = "X=\"\nTOKEN_TTL_SECONDS=1\n\"\nTOKEN_TTL_SECONDS=7200\nTOKEN_LEEWAY_SECONDS=0\n";
    for end in ["\n", "\r\n", "\r"] {
        let path = env_file("ends", &text.replace('\n', end));
        let lines = self::text(&with_file(&path, &[]));
        for (line, name) in [(4, "TOKEN_TTL_SECONDS"), (5, "TOKEN_LEEWAY_SECONDS")] {
            assert!(
                lines.contains(&format!("Repair: line {line} of ")),
                "{end:?} {name}: {lines}"
            );
        }
    }
}

#[cfg(unix)]
#[test]
fn files_of_the_project_that_hold_a_secret_are_found() {
    let project = project(
        "files",
        "[[variables_provider]]\ntype = \"vault\"\ntoken = \"x\"\n",
    );
    for (name, text, mode) in [
        (".dev.vars", "JAAS_PRIVATE_KEY=x\n", 0o644),
        (".env", "JAAS_PRIVATE_KEY=x\n", 0o600),
        ("key.pem", short_key(), 0o644),
        ("public.pem", "-----BEGIN PUBLIC KEY-----\n", 0o644),
    ] {
        fs::write(project.join(name), text).expect("a file");
        set_mode(&project.join(name), mode);
    }
    set_mode(&project.join("runtime-config.toml"), 0o644);
    let lines = text(&doctor_in(&project, &[]));
    let readable: Vec<&str> = lines
        .lines()
        .filter_map(|line| line.strip_prefix("warning[file-readable] "))
        .filter_map(|line| line.split(" holds ").next()?.rsplit('/').next())
        .collect();
    assert_eq!(
        readable,
        [".dev.vars", "key.pem", "runtime-config.toml"],
        "{lines}"
    );
    assert!(lines.contains("hint[env-file-unread] "), "{lines}");
    assert!(lines.contains("hint[provider-unread] "), "{lines}");
}

#[cfg(unix)]
#[test]
fn a_private_key_is_found_by_its_text_wherever_it_lies() {
    let project = project("scan", "");
    let git = Command::new("git")
        .current_dir(&project)
        .args(["init", "--quiet"])
        .status();
    assert!(git.expect("git runs").success());
    fs::copy(root().join(".gitignore"), project.join(".gitignore")).expect("a file");
    let download = "Key 9_25_2026, 10_00_00 AM.pk";
    for (name, text, mode) in [
        (download, short_key().to_owned(), 0o600),
        (
            "docs/old notes.txt",
            format!("the key:\n\n  {}", short_key()),
            0o600,
        ),
        (
            "deploy/a/b/secret.yaml",
            short_key().replace('\n', "\n    "),
            0o644,
        ),
        // Not scanned: other programs' folders, and files larger than any key.
        ("target/x/key.pem", short_key().to_owned(), 0o644),
        ("web/node_modules/x/key.pem", short_key().to_owned(), 0o644),
        (
            "large.txt",
            format!("{}{}", " ".repeat(70_000), short_key()),
            0o644,
        ),
        (
            "public.pem",
            "-----BEGIN PUBLIC KEY-----\n".to_owned(),
            0o644,
        ),
    ] {
        let path = project.join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(&path, text).expect("a file");
        set_mode(&path, mode);
    }
    let report = text(&doctor_in(&project, &[]));
    let found = |id: &str| {
        let lines = report
            .lines()
            .filter(|line| line.contains(&format!("[{id}] ")));
        let files = lines.filter_map(|line| line.split(" holds ").next());
        files
            .filter_map(|path| path.rsplit('/').next())
            .collect::<Vec<_>>()
            .join(", ")
    };
    assert_eq!(found("file-readable"), "secret.yaml", "{report}");
    // The project's `.gitignore` covers the name of 8x8's own download.
    assert_eq!(
        found("file-not-ignored"),
        "old notes.txt, secret.yaml",
        "{report}"
    );
    fs::remove_file(project.join(".gitignore")).expect("a file");
    let report = text(&doctor_in(&project, &[]));
    assert!(
        report.contains(&format!("{download} holds a private key")),
        "{report}"
    );
}

#[test]
fn a_credential_comes_from_a_file_or_from_standard_input() {
    use std::io::Write as _;
    let path = env_file("credential", &good_text());
    let credential = path.with_extension("jwt");
    fs::write(&credential, "undefined\n").expect("a file");
    let file = credential.to_str().expect("a path in UTF-8");
    let output = with_file(&path, &["--credential", file]);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    assert!(
        text(&output).contains("fail[form] credential \"undefined\""),
        "{}",
        text(&output)
    );
    assert_eq!(
        with_file(&path, &["--credential", "no-such.jwt"])
            .status
            .code(),
        Some(2)
    );

    let mut child = Command::new(env!("CARGO_BIN_EXE_devkit-doctor"))
        .env("CARGO_MANIFEST_DIR", project("stdin", ""))
        .args(["--json", "--credential", "-", "--env-file"])
        .arg(&path)
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    stdin.write_all(b"a.b.c.d.e").expect("it reads");
    drop(stdin);
    let output = child.wait_with_output().expect("it ends");
    let json: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(json["ok"], false);
    let message = json["credential"]["checks"][0]["message"]
        .as_str()
        .expect("a message");
    assert!(message.contains("encrypted (JWE)"), "{message}");
}

#[test]
fn values_of_dot_env_count_as_spin_reads_them() {
    let project = project("dot-env", "");
    let entries = "SPIN_VARIABLE_TOKEN_TTL_SECONDS=7200\nTOKEN_LEEWAY_SECONDS=0\n";
    fs::write(project.join(".env"), entries).expect("a file");
    let lines = text(&doctor_in(&project, &[]));
    assert!(lines.contains("warning[ttl-long] "), "{lines}");
    let repair = "Repair: in .env: SPIN_VARIABLE_TOKEN_TTL_SECONDS=\"3600\"";
    assert!(lines.contains(repair), "{lines}");
    // Spin reads no other names from there.
    assert!(!lines.contains("leeway-short"), "{lines}");
}

#[test]
fn a_pipe_gets_no_colours_and_each_repair_on_its_line() {
    let wrong = good_text().replace("=\"true\"", "=\"maybe\"") + "TOKEN_LEEWAY_SECONDS=0\n";
    let lines = text(&with_file(&env_file("pipe", &wrong), &[]));
    assert!(!lines.contains('\x1b'), "{lines}");
    assert!(lines.contains(" Repair: line "), "{lines}");
}

#[test]
fn the_json_has_its_documented_shape() {
    let path = env_file("json", &good_text().replace("=\"true\"", "=\"maybe\""));
    let output = with_file(&path, &["--json"]);
    assert!(output.stderr.is_empty());
    let json: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let names = |value: &Value| {
        let object = value.as_object().expect("an object");
        object.keys().cloned().collect::<Vec<_>>().join(" ")
    };
    assert_eq!(
        names(&json),
        "errors findings hints ok production token version warnings"
    );
    assert_eq!(json["version"], 1);
    assert_eq!(json["ok"], false);
    assert_eq!(json["errors"], 1);
    assert_eq!(json["token"], Value::Null);
    let finding = &json["findings"][0];
    assert_eq!(names(finding), "file id message repair severity variable");
    assert_eq!(finding["id"], "invalid");
    assert_eq!(finding["severity"], "error");
    assert_eq!(finding["variable"], "require_origin");

    let output = with_file(&env_file("json-good", &good_text()), &["--json"]);
    let json: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(json["ok"], true);
    assert_eq!(
        names(&json["token"]),
        "checks engines_agree signature_verified"
    );
    assert_eq!(names(&json["token"]["checks"][0]), "name ok");
}

#[cfg(unix)]
#[test]
fn a_file_that_others_can_read_and_one_that_git_tracks_are_found() {
    let path = env_file("open", &good_text());
    set_mode(&path, 0o640);
    let lines = text(&with_file(&path, &[]));
    assert!(lines.starts_with("warning[file-readable] "), "{lines}");
    assert!(lines.contains("Repair: chmod 600 "), "{lines}");

    // Without a secret, the file's permissions do not matter.
    let path = env_file("plain", "AUTH_MODE=none\n");
    set_mode(&path, 0o644);
    let lines = text(&with_file(&path, &[]));
    assert!(!lines.contains("[file-readable] "), "{lines}");

    let path = env_file("tracked", &good_text());
    let git = |arguments: &[&str]| {
        let status = Command::new("git")
            .current_dir(path.parent().expect("a folder"))
            .args(arguments)
            .status()
            .expect("git runs");
        assert!(status.success(), "git {arguments:?}");
    };
    git(&["init", "--quiet"]);
    let lines = text(&with_file(&path, &[]));
    assert!(lines.starts_with("warning[file-not-ignored] "), "{lines}");
    git(&["add", "--force", "test.vars"]);
    let output = with_file(&path, &[]);
    assert_eq!(output.status.code(), Some(1));
    let lines = text(&output);
    assert!(lines.starts_with("error[file-tracked] "), "{lines}");
}

#[test]
fn an_env_file_of_any_shape_is_examined_without_a_piece_of_the_key() {
    let search = Search::new(&[&body(short_key())]);
    let path = env_file("shapes", "");
    for shape in shapes(short_key()) {
        for file in [
            shape.clone(),
            format!("JAAS_PRIVATE_KEY={shape}"),
            format!("JAAS_PRIVATE_KEY=\"{shape}\""),
            format!("{shape}=x"),
            format!("SPIN_VARIABLE_{shape}=\"x\"\nJAAS_APP_ID='{shape}'"),
        ] {
            fs::write(&path, &file).expect("a file");
            for more in [&[][..], &["--json"]] {
                let output = with_file(&path, more);
                assert_ne!(output.status.code(), Some(2), "{}", text(&output));
                assert_eq!(search.find(&text(&output)), None, "{}", text(&output));
            }
        }
    }
}

#[test]
fn the_production_block_with_ones_own_values_is_good_for_production() {
    let mut text = devkit_doctor::profile::block().replace("example.org", "vtaiwan.tw");
    for (name, value) in faultless() {
        if !text.contains(&format!("{name}=")) {
            text.push_str(&format!("{name}=\"{}\"\n", value.trim_end()));
        }
    }
    let text = text.replace("my-room", "vtaiwan");
    let output = with_file(&env_file("block", &text), &["--production"]);
    let lines = self::text(&output);
    assert_eq!(output.status.code(), Some(0), "{lines}");
}
