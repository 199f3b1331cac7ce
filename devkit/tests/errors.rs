//! Errors of the command: one line, and an exit code other than 0.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output};

/// Runs the command in the project's folder, without the caller's settings.
fn dev(arguments: &[&str]) -> Output {
    command(arguments).output().expect("the command starts")
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_devkit"));
    command.env_remove("RUSTC");
    for name in ["JAAS_APP_ID", "JAAS_KEY_ID", "JAAS_PRIVATE_KEY"] {
        command
            .env_remove(name)
            .env_remove(format!("SPIN_VARIABLE_{name}"));
    }
    // With an empty PATH, no other program can be started.
    command.env("PATH", "").args(arguments);
    command
}

/// Returns the line that begins with "error:". Asserts that there is exactly one.
fn error_line(output: &Output) -> String {
    let text = String::from_utf8(output.stderr.clone()).expect("the output is UTF-8");
    let mut lines = text.lines().filter(|line| line.starts_with("error: "));
    let line = lines
        .next()
        .unwrap_or_else(|| panic!("no error in {text:?}"))
        .to_owned();
    assert_eq!(lines.next(), None, "more than one error in {text:?}");
    line
}

#[test]
fn a_bad_flag_ends_with_2_before_anything_is_done() {
    for arguments in [
        &["up", "--port", "3000"][..],
        &["up", "--listen", "70000"],
        &["up", "--listen", "example.org:3000"],
        &["up", "--host", "docker"],
        &["demo", "--page-listen", "localhost"],
        &["build", "--toolchain", "gcc"],
        &["key", "--bits", "1024"],
        &["key", "--format", "sec1"],
        &["test", "--host", "docker"],
        &["deploy"],
    ] {
        let output = dev(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        error_line(&output);
    }
}

/// Exit code 1 would mean that the configuration is wrong.
#[test]
fn a_doctor_that_cannot_be_built_ends_with_2() {
    let output = Command::new(env!("CARGO_BIN_EXE_devkit"))
        .env("CARGO", "/no/such/cargo")
        .arg("doctor")
        .output()
        .expect("the command starts");
    assert_eq!(output.status.code(), Some(2));
    assert!(error_line(&output).contains("cargo cannot be started"));
}

#[test]
fn a_missing_env_file_is_named() {
    for arguments in [&["up"][..], &["demo", "--page-listen", "127.0.0.1:0"]] {
        let output = dev(&[arguments, &["--env-file", "no-such.vars"]].concat());
        assert_eq!(output.status.code(), Some(1));
        assert!(error_line(&output).contains("no-such.vars cannot be read"));
    }
}

#[test]
fn a_broken_env_file_is_named_by_line_and_not_quoted() {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("broken.vars");
    std::fs::write(&path, "JAAS_APP_ID=a\n\nhidden words\n").expect("the file is written");
    let output = dev(&["up", "--env-file", path.to_str().expect("a UTF-8 path")]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        error_line(&output).contains("broken.vars, line 3: "),
        "{}",
        error_line(&output)
    );
    assert!(!String::from_utf8_lossy(&output.stderr).contains("hidden"));
}

#[test]
fn a_taken_port_is_named_before_anything_is_built() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("its address").to_string();
    let free = "127.0.0.1:0";
    for (arguments, flag) in [
        (&["up", "--listen", &address][..], "--listen"),
        (
            &["demo", "--page-listen", free, "--listen", &address],
            "--listen",
        ),
        (
            &["demo", "--listen", free, "--page-listen", &address],
            "--page-listen",
        ),
    ] {
        let output = dev(arguments);
        assert_eq!(output.status.code(), Some(1));
        let line = error_line(&output);
        assert!(
            line.starts_with(&format!("error: {address} is in use"))
                && line.contains(&format!("with {flag}, such as")),
            "{line}"
        );
    }
}

#[test]
fn a_page_that_other_machines_reach_is_refused() {
    let output = dev(&["demo", "--page-listen", "0.0.0.0:8080"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(error_line(&output).contains("--page-listen 127.0.0.1:8080"));
}

#[test]
fn a_machine_without_spin_is_told_so() {
    for arguments in [
        &["up"][..],
        &["demo", "--page-listen", "127.0.0.1:0"],
        &["test"],
    ] {
        let output = dev(&[arguments, &["--host", "spin"]].concat());
        assert_eq!(output.status.code(), Some(1));
        assert!(error_line(&output).contains("`spin` is not on PATH"));
    }
}

/// Outside of CI, the tests that need a browser are skipped; CI must not skip anything.
#[cfg(unix)]
#[test]
fn ci_without_a_browser_is_told_what_to_install() {
    use std::os::unix::fs::PermissionsExt;

    // Only the other programs that the tests need; no apt-get either.
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("no-browser");
    std::fs::create_dir_all(&folder).expect("a folder");
    for name in ["openssl", "ssh-keygen", "node", "python3"] {
        let path = folder.join(name);
        std::fs::write(&path, "").expect("a file");
        let runs = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(&path, runs).expect("it may be run");
    }
    let output = command(&["test"])
        .env("PATH", &folder)
        .env("CI", "true")
        .output()
        .expect("the command starts");
    assert_eq!(output.status.code(), Some(1));
    let line = error_line(&output);
    assert!(line.contains("chromium and chromium-driver"), "{line}");
}

#[test]
fn a_machine_without_a_compiler_for_the_target_is_told_what_to_install() {
    let output = dev(&["build"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(error_line(&output).contains("rustup target add wasm32-wasip2"));
}

#[test]
fn a_key_is_not_replaced_without_force() {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("kept.pem");
    std::fs::write(&path, "kept").expect("the file is written");
    let output = dev(&["key", "--out", path.to_str().expect("a UTF-8 path")]);
    assert_eq!(output.status.code(), Some(1));
    assert!(error_line(&output).contains("--force"));
    assert_eq!(
        std::fs::read_to_string(&path).expect("it is still there"),
        "kept"
    );
}
