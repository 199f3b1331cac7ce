//! Tests the service against docs/openapi.yaml. Schemathesis derives valid and invalid requests from the document and
//! compares the status, headers and body of each response with it. contract/hooks.py adds what Schemathesis lacks: it
//! signs webhooks and reports headers that the document leaves out.
//!
//! `cargo dev test` installs Schemathesis; without it, only the tests that do not need it run.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use devkit_host::{Faults, StoreFault};
use serde_json::json;

use jaas_jwt::request::name;
use jaas_jwt::service::{HEALTH_PATH, INVITATIONS_PATH, TOKEN_PATH, USAGE_PATH, WEBHOOK_PATH};

use crate::credentials::Login;
use crate::harness::{ALLOWED, Server, Settings, now, root};
use crate::http::{Request, get};
use crate::webhook::SECRET;

/// The environment variable with the path of the program.
const PROGRAM: &str = "JAAS_TEST_SCHEMATHESIS";

/// The number of operations in the document.
const OPERATIONS: usize = 15;

/// The paths that exist in every configuration, and those that a variable enables.
const ALWAYS: &str = "^/(api/jitsi-token|healthz)$";
const OPTIONAL: &str = "^/(api/(invitations|usage)|webhooks)";
const INVITATIONS: &str = "^/api/invitations";
const USAGE: &str = "^/api/usage";
const WEBHOOK: &str = "^/webhooks";

/// The checks that need only the document and a response.
const OF_RESPONSES: &str = "status_code_conformance,content_type_conformance,response_headers_conformance,\
    response_schema_conformance,documented_headers";

/// Checks that no run uses. A preflight without its headers is a plain OPTIONS request and gets a 405, which
/// `missing_required_header` does not expect. Invitations can be withdrawn twice, because the service keeps no list of them.
const NEVER: &str = "missing_required_header,use_after_free,ensure_resource_availability";

/// Returns the value of an `Authorization` header.
fn bearer(credential: &str) -> String {
    format!("Bearer {credential}")
}

const OPERATOR: &str = "Zm9yIHRoZXNlIHRlc3RzIGFsb25lLCAzMiBieXRlcyBvciBtb3Jl";

fn page() -> PathBuf {
    root().join("docs/openapi.yaml")
}

fn text() -> String {
    std::fs::read_to_string(page()).expect("docs/openapi.yaml")
}

/// One run of Schemathesis.
struct Run<'a> {
    /// The name of the run's folder.
    name: &'a str,
    page: PathBuf,
    headers: Vec<String>,
    arguments: Vec<&'a str>,
    phases: &'a str,
    /// Whether webhooks are signed.
    signs: bool,
}

impl<'a> Run<'a> {
    fn new(name: &'a str, paths: &'a str) -> Self {
        Self {
            name,
            page: page(),
            headers: Vec::new(),
            arguments: vec!["--include-path-regex", paths],
            phases: "examples,coverage,fuzzing",
            signs: false,
        }
    }

    fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push(format!("{name}: {value}"));
        self
    }

    /// Runs all checks except these.
    fn without(mut self, checks: &'a str) -> Self {
        self.arguments.extend(["--exclude-checks", checks]);
        self
    }

    /// Checks only whether the document describes each response.
    fn of_responses(mut self) -> Self {
        self.arguments.extend(["--checks", OF_RESPONSES]);
        self
    }

    fn examples(mut self, number: &'a str) -> Self {
        self.arguments.extend(["--max-examples", number]);
        self
    }

    fn phases(mut self, phases: &'a str) -> Self {
        self.phases = phases;
        self
    }

    /// Runs Schemathesis, or returns `None` if it is not installed. The requests depend only on the document and the version.
    fn start(&self, server: &Server) -> Option<Output> {
        let Some(program) = std::env::var_os(PROGRAM).filter(|path| !path.is_empty()) else {
            eprintln!("SKIPPED: {PROGRAM} names no program; `cargo dev test` installs it");
            return None;
        };
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"))
            .join("contract")
            .join(self.name);
        std::fs::create_dir_all(&folder).expect("a folder");
        let mut command = Command::new(program);
        command
            .arg("run")
            .arg(&self.page)
            .args(["--url", &format!("http://{}", server.address())])
            .args(["--phases", self.phases])
            .args(["--generation-deterministic", "--continue-on-failure"])
            // Many generated requests match no pattern and are discarded, which says nothing about the service.
            .args(["--suppress-health-check", "all", "--no-color"])
            .args(self.headers.iter().flat_map(|header| ["--header", header]))
            .args(&self.arguments)
            .env(
                "SCHEMATHESIS_HOOKS",
                root().join("tests/service/contract/hooks.py"),
            )
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .current_dir(folder);
        if self.signs {
            command.env("CONTRACT_WEBHOOK_SECRET", SECRET);
        }
        Some(command.output().expect("Schemathesis starts"))
    }

    /// Asserts that Schemathesis reports nothing and that the log follows its rules.
    fn assert_conforms(&self, server: &Server) {
        let Some(output) = self.start(server) else {
            return;
        };
        let report = String::from_utf8_lossy(&output.stdout);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{}: {report}\n{errors}", self.name);
        assert!(
            report.contains(&format!("/ {OPERATIONS} total")),
            "{report}"
        );
        // A checked request: it also checks all log lines so far.
        server.send(&Request::new("GET", HEALTH_PATH));
    }
}

fn join(checks: &[&str]) -> String {
    checks.join(",")
}

#[test]
fn with_the_defaults_an_allowed_page_gets_what_the_page_says() {
    let server = Server::start(Settings::good());
    // No credential is required.
    let checks = join(&[NEVER, "ignored_auth"]);
    let run = Run::new("defaults", ALWAYS).header("Origin", ALLOWED);
    run.without(&checks).examples("60").assert_conforms(&server);
}

#[test]
fn with_the_defaults_any_origin_gets_what_the_page_says() {
    let server = Server::start(Settings::good());
    let checks = join(&[NEVER, "ignored_auth,every_operation_succeeds"]);
    let run = Run::new("origins", ALWAYS).without(&checks);
    run.examples("30").assert_conforms(&server);
    // Any request to a route that is disabled.
    let run = Run::new("switched-off", OPTIONAL).of_responses();
    run.examples("3").assert_conforms(&server);
}

/// Returns the variables of SECURITY.md's production profile, with a login.
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
        // The tests' login has its own issuer and audience.
        if !["AUTH_ISSUER", "AUTH_AUDIENCE"].contains(&name) {
            settings = settings.set(&name.to_lowercase(), value);
        }
        count += 1;
    }
    assert!(count >= 10, "{block}");
    settings
}

const PRODUCTION_ORIGIN: &str = "https://app.example.org";

#[test]
fn in_production_a_caller_with_a_credential_gets_what_the_page_says() {
    let login = Login::new();
    let server = Server::start(production(&login));
    // This configuration requires a room, which a document for all configurations cannot express.
    let checks = join(&[NEVER, "positive_data_acceptance"]);
    let credential = login.sign(&json!({ "exp": now() + 3600 }));
    let run = Run::new("production", ALWAYS).header("Origin", PRODUCTION_ORIGIN);
    let run = run
        .header("Authorization", &bearer(&credential))
        .without(&checks);
    run.examples("40").assert_conforms(&server);
}

#[test]
fn in_production_a_stranger_gets_what_the_page_says() {
    let server = Server::start(production(&Login::new()));
    let checks = join(&[NEVER, "every_operation_succeeds"]);
    let run = Run::new("strangers", ALWAYS).header("Origin", PRODUCTION_ORIGIN);
    run.examples("20").without(&checks).assert_conforms(&server);
}

/// Returns settings that enable every route.
fn everything(login: &Login) -> Settings {
    login.configure("required").set_all(&[
        ("invitation_secret", "Vb3xK8rQ2mWz7Lt0Ns5Yd9Pf4Hc6Jg1UaE"),
        ("invitation_link", "https://vtaiwan.tw/meet#{invitation}"),
        ("jaas_webhook_secret", SECRET),
        ("operator_token", OPERATOR),
        ("default_user_id", "guest-{random}"),
        ("monthly_user_limit", "300"),
        (
            "room_settings",
            r#"[{"rooms":"my-*","lobby":"wait-for-moderator","passcode":"428613","max_occupants":9}]"#,
        ),
    ])
}

#[test]
fn a_broken_configuration_gets_what_the_page_says() {
    let login = Login::new();
    let server = Server::start_broken(everything(&login).set("jaas_app_id", "x"));
    let run = Run::new("broken", ".").of_responses().examples("5");
    run.header("Origin", ALLOWED)
        .header("Authorization", &bearer(OPERATOR))
        .assert_conforms(&server);
}

#[test]
fn a_moderator_who_invites_gets_what_the_page_says() {
    let login = Login::new();
    let server = Server::start(everything(&login));
    let credential = |claims| bearer(&login.sign(&claims));
    let run = |name: &'static str, authorization: String| {
        let run = Run::new(name, INVITATIONS).header("Origin", ALLOWED);
        run.header("Authorization", &authorization)
    };
    let moderator = || credential(json!({"exp": now() + 3600, "moderator": true}));
    // The latest `not_before` depends on the time of day, which the document cannot express.
    let checks = join(&[NEVER, "positive_data_acceptance"]);
    let all = run("moderators", moderator()).without(&checks);
    let all = all.phases("examples,coverage,fuzzing,stateful");
    all.examples("30").assert_conforms(&server);
    let examples = run("invitations", moderator()).without(NEVER);
    examples.phases("examples").assert_conforms(&server);
    let members = run("members", credential(json!({"exp": now() + 3600})));
    members
        .of_responses()
        .examples("3")
        .assert_conforms(&server);
    let strangers = Run::new("uninvited", INVITATIONS).of_responses();
    strangers.examples("3").assert_conforms(&server);
}

#[test]
fn the_operator_gets_what_the_page_says() {
    let server = Server::start(everything(&Login::new()));
    let operator = Run::new("operator", USAGE)
        .header("Origin", ALLOWED)
        .header("Authorization", &bearer(OPERATOR));
    operator.without(NEVER).assert_conforms(&server);
    let others = Run::new("no-operator", USAGE).of_responses();
    others.examples("5").assert_conforms(&server);
}

#[test]
fn the_webhook_gets_what_the_page_says() {
    let server = Server::start(everything(&Login::new()));
    let unsigned = join(&[NEVER, "every_operation_succeeds"]);
    let run = Run::new("unsigned", WEBHOOK).without(&unsigned);
    run.phases("examples").assert_conforms(&server);
    // The hook signs each request after Schemathesis has derived it, so `ignored_auth` cannot derive an unsigned one.
    let checks = join(&[NEVER, "ignored_auth"]);
    let mut run = Run::new("signed", WEBHOOK).without(&checks);
    run.signs = true;
    run.examples("60").assert_conforms(&server);
    let authorization = "Bearer 5dc0a8c1b6f94f3e8a7b2c1d0e9f8a7b";
    let settings = Settings::good().set("jaas_webhook_authorization", authorization);
    let run = Run::new("authorized", WEBHOOK)
        .without(NEVER)
        .phases("examples");
    let run = run.header("Authorization", authorization);
    run.assert_conforms(&Server::start(settings));
}

#[test]
fn without_its_store_the_service_responds_as_the_page_says() {
    let login = Login::new();
    let faults = Faults {
        store: Some(StoreFault::Fails),
        ..Faults::default()
    };
    let server = Server::start_faulty(everything(&login), faults);
    let moderator = bearer(&login.sign(&json!({"exp": now() + 3600, "moderator": true})));
    for (folder, paths, authorization) in [
        ("store-of-invitations", INVITATIONS, moderator),
        ("store-of-usage", USAGE, bearer(OPERATOR)),
    ] {
        let run = Run::new(folder, paths).header("Authorization", &authorization);
        run.of_responses().examples("3").assert_conforms(&server);
    }
    let mut run = Run::new("store-of-events", WEBHOOK)
        .of_responses()
        .examples("3");
    run.signs = true;
    run.assert_conforms(&server);
}

/// 429 responses, and 503 responses with `Retry-After`.
#[test]
fn whoever_has_to_wait_gets_what_the_page_says() {
    let limited = Settings::good().set_all(&[
        ("count_issued", "true"),
        ("default_user_id", "guest-{random}"),
        ("monthly_user_limit", "1"),
        ("monthly_user_reserve", "0"),
    ]);
    let server = Server::start(limited);
    assert_eq!(server.send(&get(&[("user_id", "first")])).status, 200);
    let waiting = get(&[("user_id", "second")]);
    assert_eq!(server.send(&waiting).status, 429);
    let run = Run::new("limit", ALWAYS).header("Origin", ALLOWED);
    run.of_responses().examples("5").assert_conforms(&server);

    // A port on which nothing listens.
    let settings = Login::new().configure("required").set_all(&[
        ("auth_hs256_secret", ""),
        ("auth_jwks_url", "http://127.0.0.1:9/jwks"),
        ("auth_jwks_origin", "http://127.0.0.1:9"),
    ]);
    let server = Server::start_broken(settings);
    let credential = "Bearer eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCIsImtpZCI6ImEifQ.e30.AAAA";
    let waiting = get(&[]).header("Authorization", credential);
    let response = server.send(&waiting);
    assert_eq!(response.status, 503, "{response}");
    let run = Run::new("no-keys", ALWAYS).header("Origin", ALLOWED);
    let run = run.header("Authorization", credential);
    run.of_responses().examples("5").assert_conforms(&server);
}

/// Schemathesis must notice when the document leaves out a status, a header or a member.
#[test]
fn a_page_that_says_too_little_is_found_out() {
    const EXAMPLES: &str = "examples";
    const COVERAGE: &str = "coverage";
    let login = Login::new();
    let server = Server::start(everything(&login));
    let moderator = bearer(&login.sign(&json!({"exp": now() + 3600, "moderator": true})));
    let without = |line: &str| (format!("        {line}\n"), String::new());
    let status = |status: u16, response: &str| {
        without(&format!(
            "\"{status}\": {{ $ref: \"#/components/responses/{response}\" }}"
        ))
    };
    let header = |name: &str, header: &str| {
        without(&format!(
            "{name}: {{ $ref: \"#/components/headers/{header}\" }}"
        ))
    };
    let other = |from: &str, to: &str| (from.to_owned(), to.to_owned());
    let (no_status, no_header) = ("Undocumented status code", "Undocumented headers");
    for (number, (operation, phase, (from, to), finding)) in [
        ("getToken", COVERAGE, status(400, "BadRequest"), no_status),
        (
            "getToken",
            EXAMPLES,
            other("{ const: no-store }", "{ const: no-cache }"),
            "does not conform",
        ),
        (
            "getToken",
            EXAMPLES,
            other("required: [token]", "required: [jwt]"),
            "required property",
        ),
        (
            "makeInvitation",
            EXAMPLES,
            status(201, "InvitationMade"),
            no_status,
        ),
        (
            "makeInvitation",
            EXAMPLES,
            header("Access-Control-Allow-Origin", "AllowOrigin"),
            no_header,
        ),
        (
            "makeInvitation",
            EXAMPLES,
            other(
                "required: [invitation, id, expires_at]",
                "required: [invitation, id, expires]",
            ),
            "required property",
        ),
        (
            "withdrawInvitation",
            EXAMPLES,
            status(204, "Done"),
            no_status,
        ),
        (
            "receiveEvent",
            EXAMPLES,
            status(401, "UnprovenEvent"),
            no_status,
        ),
        (
            "receiveEvent",
            EXAMPLES,
            header("WWW-Authenticate", "AuthenticateEvent"),
            no_header,
        ),
        ("getUsage", COVERAGE, status(401, "NotOperator"), no_status),
        (
            "getUsage",
            COVERAGE,
            header("WWW-Authenticate", "AuthenticateOperator"),
            no_header,
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let text = text();
        assert!(text.contains(&from), "{from}");
        let folder = format!("found-out-{number}");
        let page = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{folder}.yaml"));
        std::fs::write(&page, text.replace(&from, &to)).expect("a file");
        let run = Run {
            page,
            arguments: vec!["--include-operation-id", operation],
            ..Run::new(&folder, ".")
        };
        let run = run.of_responses().phases(phase).header("Origin", ALLOWED);
        let run = run.header("Authorization", &moderator);
        let Some(output) = run.start(&server) else {
            return;
        };
        let report = String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.code(), Some(1), "{operation}: {report}");
        assert!(report.contains(finding), "{operation}: {report}");
    }
}

/// Schemathesis cannot test routes and parameters that the document leaves out.
#[test]
fn the_page_has_every_route_and_parameter() {
    let text = text();
    let withdrawal = format!("{INVITATIONS_PATH}/{{id}}");
    for path in [
        TOKEN_PATH,
        INVITATIONS_PATH,
        &withdrawal,
        WEBHOOK_PATH,
        USAGE_PATH,
        HEALTH_PATH,
    ] {
        assert!(text.contains(&format!("\n  {path}:\n")), "{path}");
    }
    assert_eq!(text.matches("operationId: ").count() - 1, OPERATIONS);
    // OpenAPI cannot express that two parameters exclude each other, so the text must.
    assert!(text.contains("`user_role`"));
    let (_, bodies) = text.split_once("\n    TokenRequest:\n").expect("bodies");
    let (bodies, _) = bodies.split_once("\n    Token:\n").expect("bodies");
    for name in name::ALL {
        let members = bodies.matches(&format!("\n        {name}:")).count();
        match name {
            name::USER_ROLE => continue,
            // Only in bodies.
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
