//! docs/openapi.yaml says what the service does. Schemathesis derives requests from it, some that keep to it and some that
//! do not, and holds each response to what the page says of its status, headers and body.
//!
//! `cargo dev test` installs Schemathesis; without it only what needs no program is checked.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::json;

use jaas_jwt::request::name;
use jaas_jwt::service::{HEALTH_PATH, TOKEN_PATH};

use crate::credentials::{Login, bearer};
use crate::harness::{ALLOWED, Server, Settings, root};
use crate::http::Request;

/// Names the program.
const PROGRAM: &str = "JAAS_TEST_SCHEMATHESIS";

/// The checks that need nothing but the page and a response.
const OF_RESPONSES: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
    response_headers_conformance,response_schema_conformance,unsupported_method,allow_header_conformance";

/// Left out everywhere: without its headers a preflight is another method, a 405, which this check does not expect.
const NO_PREFLIGHT: &str = "missing_required_header";

/// Left out besides where nobody logs in.
const NO_LOGIN: &str = "ignored_auth,missing_required_header";

fn page() -> PathBuf {
    root().join("docs/openapi.yaml")
}

fn text() -> String {
    std::fs::read_to_string(page()).expect("docs/openapi.yaml")
}

/// Runs Schemathesis in a folder of its own; `None`: it is not there. The same page and the same version make the same
/// requests each time.
fn schemathesis(folder: &str, page: &Path, server: &Server, arguments: &[&str]) -> Option<Output> {
    let Some(program) = std::env::var_os(PROGRAM).filter(|path| !path.is_empty()) else {
        eprintln!("SKIPPED: {PROGRAM} names no program; `cargo dev test` installs it");
        return None;
    };
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join("contract")
        .join(folder);
    std::fs::create_dir_all(&folder).expect("a folder");
    let mut command = Command::new(program);
    command
        .arg("run")
        .arg(page)
        .arg("--url")
        .arg(format!("http://{}", server.address()))
        .args(["--generation-deterministic", "--continue-on-failure"])
        // Many requests are thrown away before one fits a pattern: that says nothing about the service.
        .args(["--suppress-health-check", "all", "--no-color"])
        .args(arguments)
        .current_dir(folder);
    Some(command.output().expect("Schemathesis starts"))
}

/// Nothing is found, and nothing odd is in the log.
fn assert_kept(folder: &str, server: &Server, arguments: &[&str]) {
    let Some(output) = schemathesis(folder, &page(), server, arguments) else {
        return;
    };
    let report = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{report}\n{errors}");
    assert!(report.contains("7 selected / 7 total"), "{report}");
    // The rules of the log hold for all lines so far.
    server.send(&Request::new("GET", HEALTH_PATH));
}

#[test]
fn with_the_defaults_an_allowed_page_gets_what_the_page_says() {
    let server = Server::start(Settings::good());
    let origin = format!("Origin: {ALLOWED}");
    // Nobody has to prove who they are.
    let arguments = ["--exclude-checks", NO_LOGIN, "--header", &origin];
    assert_kept("defaults", &server, &arguments);
}

#[test]
fn with_the_defaults_any_origin_gets_what_the_page_says() {
    let server = Server::start(Settings::good());
    let arguments = ["--exclude-checks", NO_LOGIN, "--max-examples", "30"];
    assert_kept("origins", &server, &arguments);
}

/// The block of variables in SECURITY.md, with a login.
fn production(login: &Login) -> Settings {
    let security = std::fs::read_to_string(root().join("SECURITY.md")).expect("SECURITY.md");
    let (_, block) = security
        .split_once("\n## Production profile\n")
        .and_then(|(_, section)| section.split_once("\n```sh\n"))
        .expect("the profile");
    let lines = block.split("\n```").next().expect("an end").lines();
    let mut settings = login.configure("required");
    let mut count = 0;
    for line in lines {
        let Some(pair) = line.strip_prefix("SPIN_VARIABLE_") else {
            continue;
        };
        let (name, value) = pair.split_once('=').expect("a value");
        let value = value.trim_matches('"');
        // The login of the tests has its own.
        if !["AUTH_ISSUER", "AUTH_AUDIENCE"].contains(&name) {
            settings = settings.set(&name.to_lowercase(), value);
        }
        count += 1;
    }
    assert!(count >= 10, "{block}");
    settings
}

const PRODUCTION_ORIGIN: &str = "Origin: https://app.example.org";

#[test]
fn in_production_a_caller_with_a_credential_gets_what_the_page_says() {
    let login = Login::new();
    let server = Server::start(production(&login));
    let (name, value) = bearer(&login.sign(&json!({ "exp": crate::harness::now() + 3600 })));
    let credential = format!("{name}: {value}");
    let headers = ["--header", PRODUCTION_ORIGIN, "--header", &credential];
    // A room is required there, and the page of all configurations cannot say so.
    let checks = [
        "--exclude-checks",
        "positive_data_acceptance,missing_required_header",
    ];
    assert_kept("production", &server, &[&headers[..], &checks].concat());
}

#[test]
fn in_production_a_stranger_gets_what_the_page_says() {
    let server = Server::start(production(&Login::new()));
    let arguments = ["--header", PRODUCTION_ORIGIN, "--max-examples", "20"];
    let checks = ["--exclude-checks", NO_PREFLIGHT];
    assert_kept("strangers", &server, &[&arguments[..], &checks].concat());
}

#[test]
fn a_broken_configuration_gets_what_the_page_says() {
    let server = Server::start_broken(Settings::good().set("jaas_app_id", "x"));
    let checks = OF_RESPONSES.replace("not_a_server_error,", "");
    let arguments = ["--checks", &checks, "--max-examples", "10"];
    let origin = format!("Origin: {ALLOWED}");
    assert_kept(
        "broken",
        &server,
        &[&arguments[..], &["--header", &origin]].concat(),
    );
}

/// A page that leaves out a status, a header or a member is found out.
#[test]
fn a_page_that_says_too_little_is_found_out() {
    let server = Server::start(Settings::good());
    let origin = format!("Origin: {ALLOWED}");
    for (folder, from, to, finding) in [
        (
            "without-status",
            "        \"400\": { $ref: \"#/components/responses/BadRequest\" }\n",
            "",
            "Undocumented status code",
        ),
        (
            "another-header",
            "{ const: no-store }",
            "{ const: no-cache }",
            "header does not conform",
        ),
        (
            "another-body",
            "required: [token]",
            "required: [jwt]",
            "required property",
        ),
    ] {
        let text = text();
        assert!(text.contains(from), "{from}");
        let changed = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{folder}.yaml"));
        std::fs::write(&changed, text.replace(from, to)).expect("a file");
        let one = ["--include-operation-id", "getToken", "--phases", "coverage"];
        let arguments = [&one[..], &["--checks", OF_RESPONSES, "--header", &origin]].concat();
        let Some(output) = schemathesis(folder, &changed, &server, &arguments) else {
            return;
        };
        let report = String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.code(), Some(1), "{folder}: {report}");
        assert!(report.contains(finding), "{folder}: {report}");
    }
}

/// Schemathesis does not know of what the page leaves out.
#[test]
fn the_page_has_every_route_and_parameter() {
    let text = text();
    for path in [TOKEN_PATH, HEALTH_PATH] {
        assert!(text.contains(&format!("\n  {path}:\n")), "{path}");
    }
    // Two parameters that exclude each other cannot be written so: the page says it in words.
    assert!(text.contains("`user_role`"));
    for name in name::ALL {
        let members = text.matches(&format!("\n        {name}:")).count();
        match name {
            name::USER_ROLE => continue,
            // In a body alone.
            name::INVITATION => {
                assert_eq!(members, 2, "{name}");
                continue;
            }
            _ => {}
        }
        let parameter = format!("\n    {name}:\n      name: {name}\n      in: query\n");
        assert!(text.contains(&parameter), "{name} is no parameter");
        let used = text
            .matches(&format!("\"#/components/parameters/{name}\""))
            .count();
        assert_eq!(used, 2, "{name}: GET and HEAD have it");
        assert_eq!(members, 2, "{name}: JSON and form have it");
    }
}
