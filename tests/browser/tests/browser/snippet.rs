//! The two snippets from the Worker's documentation, unchanged except for the host.
//!
//! `snippets/` contains them as copied from a page that hides email addresses: [`HIDDEN`] replaces each address, and pages
//! that copied a snippet from there send it.

use std::fs;
use std::path::Path;

use browser_tests::Browser;
use serde_json::{Value, json};

use crate::harness::Settings;
use crate::http::Token;
use crate::site::{Service, serve, tokens};

const FRONT_END: &str = include_str!("../../snippets/front-end.js");
const FRAMEWORKS: &str = include_str!("../../snippets/frameworks.js");

const HIDDEN: &str = "[email protected]";

/// How each snippet writes the route's URL. The first is for a page on the Worker's own host.
const HOSTS: [(&str, &str); 2] = [
    ("`/api/jitsi-token", "`{}/api/jitsi-token"),
    ("`https://your-worker-domain.workers.dev/", "`{}/"),
];

/// Serves a page with the snippet, runs it, and returns its console output once there is a line with this level. The page
/// collects the output in `said`.
fn said(
    browser: &Browser,
    service: impl Fn(&str) -> Service,
    snippet: &str,
    level: &str,
) -> (Vec<Value>, Vec<Value>) {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("snippet");
    fs::create_dir_all(&folder).expect("a folder");
    let pages = serve(&folder);
    let service = service(&pages.origin());
    let places: usize = HOSTS
        .iter()
        .map(|(old, _)| snippet.matches(old).count())
        .sum();
    assert_eq!(places, 1, "the host stands in one place");
    let snippet = HOSTS.iter().fold(snippet.to_owned(), |text, (old, new)| {
        text.replace(old, &new.replace("{}", &service.wire.url()))
    });
    let page = format!(
        "<!doctype html><meta charset=\"utf-8\"><link rel=\"icon\" href=\"data:,\">
        <script>
            window.said = [];
            for (const level of ['log', 'error']) {{
                console[level] = (...all) => said.push([level, ...all.map(String)]);
            }}
        </script>
        <script type=\"module\">{snippet}</script>"
    );
    fs::write(folder.join("index.html"), page).expect("a file");
    let mut said = Vec::new();
    let lines = service.log_of(|| {
        browser.open(&pages.origin());
        browser.until(&format!("said.some(line => line[0] === '{level}')"));
        said = browser
            .run("return said", &Value::Null)
            .as_array()
            .expect("a list")
            .clone();
    });
    (said, lines)
}

fn allowing(origin: &str) -> Service {
    Service::start(Settings::good().set("allowed_origins", origin))
}

#[test]
fn the_workers_snippets_run_with_another_host_alone() {
    let browser = Browser::take();
    for (snippet, label, tokens_issued, address, claim) in [
        (FRONT_END, "JWT Token:", 2, HIDDEN, "user@example.com"),
        (FRAMEWORKS, "Got token:", 1, HIDDEN, "user@example.com"),
        (
            FRAMEWORKS,
            "Got token:",
            1,
            "jane@example.com",
            "jane@example.com",
        ),
    ] {
        assert!(snippet.contains(HIDDEN));
        let snippet = snippet.replace(HIDDEN, address);
        let (said, lines) = said(&browser, allowing, &snippet, "log");
        assert_eq!(said.len(), 1, "{said:?}");
        assert_eq!(said[0][1], label, "{said:?}");
        assert_eq!(tokens(&lines), tokens_issued, "{lines:?}");
        let token = Token::parse(said[0][2].as_str().expect("a token").to_owned());
        assert_eq!(token.claims["room"], "my-meeting-room");
        let user = &token.claims["context"]["user"];
        for (name, value) in [
            ("id", "user123"),
            ("name", "John Doe"),
            ("email", claim),
            ("moderator", "true"),
        ] {
            assert_eq!(user[name], value, "{user}");
        }
    }
}

#[test]
fn a_snippet_on_a_page_that_is_not_allowed_gets_no_token() {
    let browser = Browser::take();
    let rejecting = |_: &str| allowing("http://127.0.0.1:1");
    let (said, lines) = said(&browser, rejecting, FRAMEWORKS, "error");
    assert_eq!(tokens(&lines), 0, "{lines:?}");
    let learnt = json!([
        "error",
        "Failed to get Jitsi token:",
        "TypeError: Failed to fetch"
    ]);
    assert_eq!(said[0], learnt, "{said:?}");
}
