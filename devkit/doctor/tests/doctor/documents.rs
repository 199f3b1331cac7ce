//! The pages that explain messages of the service and the doctor are complete, and agree with the code.

use std::collections::BTreeSet;
use std::fs;

use devkit_doctor::checks;
use devkit_doctor::profile;
use proc_macro2::{Delimiter, TokenStream, TokenTree};

use crate::setup::root;

/// The pages that explain every finding and every message, in two languages.
const PAGES: [&str; 2] = ["docs/troubleshooting.md", "docs/troubleshooting.zh-TW.md"];

fn read(name: &str) -> String {
    fs::read_to_string(root().join(name)).expect(name)
}

/// Returns the texts in backticks in the first column of a page's tables.
fn explained(name: &str) -> Vec<String> {
    first_column(&read(name))
}

/// Returns the same for the table of findings, which is the page's first.
fn findings(name: &str) -> Vec<String> {
    let text = read(name);
    let section = text.split("\n## ").nth(1).expect("the first section");
    first_column(section)
}

fn first_column(text: &str) -> Vec<String> {
    let rows = text.lines().filter(|line| line.starts_with("| "));
    rows.filter_map(|row| row.trim_start_matches("| ").split(" | ").next())
        .flat_map(|cell| cell.split('`').skip(1).step_by(2))
        .map(str::to_owned)
        .collect()
}

#[test]
fn both_pages_explain_each_finding() {
    let ids: BTreeSet<&str> = checks::all().map(|check| check.id).collect();
    for name in PAGES {
        let explained = explained(name);
        for id in &ids {
            let rows = explained.iter().filter(|text| text == id).count();
            assert_eq!(rows, 1, "{name}: {id}");
        }
        // The first table contains the findings, and nothing else in backticks.
        let gone: Vec<_> = findings(name)
            .into_iter()
            .filter(|text| !ids.contains(text.as_str()))
            .collect();
        assert!(gone.is_empty(), "{name}: {gone:?}");
    }
}

/// Texts in the service's source that require no action: parts of other messages, log entries for successful requests, and
/// strings that are not messages.
const NO_MESSAGES: &[&str] = &[
    // Texts that join, begin or end other messages.
    " ",
    ", ",
    "; ",
    "N N",
    "make a new pair with `openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:4096 -out key.pem` and give 8x8 its public half, `openssl pkey -in key.pem -pubout`",
    "for moderators",
    "of auth_audience_claim",
    "of auth_email_claim",
    "of auth_id_claim",
    "of auth_picture_claim",
    "of auth_required_claim",
    "of auth_rooms_claim",
    "auth_jwks_url N",
    "a \\\\u escape is half of a surrogate pair at line N column N",
    "it is JSON of another kind",
    "it is empty",
    // Errors that become another message.
    "an object",
    "does not fit the engine",
    "lone leading surrogate",
    "not an object",
    "the token could not be signed",
    "unexpected end of hex escape",
    // Headers.
    "Bearer realm=\"jaas-jwt\"",
    "Bearer realm=\"jaas-jwt\", error=\"invalid_token\"",
    "DELETE, OPTIONS",
    "GET, HEAD, OPTIONS",
    "GET, HEAD, POST, OPTIONS",
    "GET, POST, OPTIONS",
    "POST, OPTIONS",
    // Texts by which keys, secrets or credentials are recognised.
    " _-.:",
    "---- BEGIN SSH2",
    "BEGIN CERTIFICATE",
    "BEGIN PUBLIC KEY",
    "Bearer ",
    "[object ",
    // Defaults.
    "Content-Type, Authorization, sentry-trace, baggage, traceparent, tracestate, x-requested-with",
    "Your User",
    "https://vtaiwan.pages.dev https://vue.vtaiwan.tw http://localhost:3000 http://localhost:3001 http://localhost:4173 http://localhost:4174 http://localhost:8080 http://localhost:8081 https://vtaiwan.tw https://www.vtaiwan.tw https://talk.vtaiwan.tw",
    "livestreaming, outbound-call",
    // Placeholders for secrets, and errors that cannot happen.
    "WASI's random source does not fail",
    "[verification key elided]",
    // Log entries for successful requests.
    "invitation made",
    "invitation withdrawn",
    "token issued",
];

/// Returns the texts in the service's source, without tests: every string literal that contains a space. `N` stands for an
/// inserted value.
fn texts() -> BTreeSet<String> {
    let mut texts = BTreeSet::new();
    let mut folders = vec![root().join("src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("the source") {
            let path = entry.expect("an entry").path();
            // Test modules, which their parents declare as such.
            if path.file_stem().is_some_and(|name| name == "tests") {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let source = fs::read_to_string(&path).expect("a source file");
            let tokens: TokenStream = source.parse().expect("Rust");
            collect(tokens, &mut texts);
        }
    }
    texts
}

fn collect(tokens: TokenStream, texts: &mut BTreeSet<String>) {
    let mut tokens = tokens.into_iter().peekable();
    let mut is_test = false;
    while let Some(token) = tokens.next() {
        match token {
            // Attributes, including documentation.
            TokenTree::Punct(punct) if punct.as_char() == '#' => {
                tokens.next_if(|t| matches!(t, TokenTree::Punct(p) if p.as_char() == '!'));
                if let Some(TokenTree::Group(group)) = tokens.next_if(
                    |t| matches!(t, TokenTree::Group(g) if g.delimiter() == Delimiter::Bracket),
                ) {
                    is_test |= group.stream().to_string().replace(' ', "") == "cfg(test)";
                    // thiserror's messages.
                    if group.stream().to_string().starts_with("error") {
                        collect(group.stream(), texts);
                    }
                }
            }
            // A test module in its own file.
            TokenTree::Punct(punct) if punct.as_char() == ';' => is_test = false,
            TokenTree::Group(group) => {
                if is_test && group.delimiter() == Delimiter::Brace {
                    is_test = false;
                } else {
                    collect(group.stream(), texts);
                }
            }
            TokenTree::Literal(literal) => {
                if let Some(text) = text_of(&literal.to_string()).filter(|text| text.contains(' '))
                {
                    texts.insert(text);
                }
            }
            _ => {}
        }
    }
}

/// Returns the text of a string literal, with `N` for each placeholder.
fn text_of(literal: &str) -> Option<String> {
    let literal = literal
        .strip_prefix('r')
        .unwrap_or(literal)
        .trim_matches('#');
    let text = literal
        .strip_prefix('"')?
        .strip_suffix('"')?
        .replace("\\\"", "\"");
    let mut plain = String::new();
    let mut rest = text.as_str();
    while let Some((before, after)) = rest.split_once('{') {
        plain.push_str(before);
        match after.strip_prefix('{') {
            Some(after) => {
                plain.push('{');
                rest = after;
            }
            None => {
                plain.push('N');
                rest = after.split_once('}').map_or("", |(_, after)| after);
            }
        }
    }
    plain.push_str(rest);
    Some(plain)
}

/// Returns whether an explained text quotes the beginning of `text`, after the name of a variable or a parameter and a
/// position in a list.
fn is_explained(text: &str, explained: &[String]) -> bool {
    explained.iter().any(|quoted| {
        let quoted = quoted.trim_end_matches('…').trim();
        let quoted = quoted.trim_start_matches('…').trim();
        // In the middle, `…` stands for another message.
        let quoted = quoted.replace('…', "N");
        let quoted = quoted.as_str();
        let after_name = quoted.split_once(' ').map_or("", |(_, rest)| rest);
        [quoted, after_name]
            .iter()
            .flat_map(|part| [*part, part.strip_prefix("entry N ").unwrap_or(part)])
            .any(|part| part.contains(' ') && text.starts_with(part))
    })
}

#[test]
fn both_pages_explain_each_message_of_the_service() {
    let texts = texts();
    assert!(texts.len() > 60, "{texts:#?}");
    for name in PAGES {
        let explained = explained(name);
        let missing: Vec<&String> = texts
            .iter()
            .filter(|text| !NO_MESSAGES.contains(&text.as_str()))
            .filter(|text| !is_explained(text, &explained))
            .collect();
        assert!(missing.is_empty(), "{name} does not explain {missing:#?}");
    }
}

#[test]
fn what_is_no_message_is_still_in_the_source() {
    let texts = texts();
    for text in NO_MESSAGES {
        assert!(texts.contains(*text), "{text}");
    }
}

#[test]
fn the_page_of_the_doctor_has_the_shape_of_its_json() {
    let setup = crate::setup::Setup::faultless().set("require_origin", "maybe");
    let page = read("docs/doctor.md");
    let example = page.split("```json\n").nth(1).expect("an example");
    let example = example.split("```").next().expect("its end");
    assert_eq!(example.trim(), setup.report().json());
}

#[test]
fn security_md_has_the_production_profile() {
    let text = read("SECURITY.md");
    let (_, section) = text
        .split_once("\n## Production profile\n")
        .expect("the heading");
    let block = section.split("```").nth(1).expect("a block");
    let (_, block) = block.split_once('\n').expect("its first line");
    assert_eq!(block, profile::block());
}

/// Returns the part of a page under a heading, which begins with `mark`.
fn section<'a>(text: &'a str, mark: &str, end: &str) -> &'a str {
    let (_, rest) = text.split_once(mark).expect(mark);
    rest.split(end).next().unwrap_or(rest)
}

#[test]
fn every_place_that_advises_sets_the_fast_engine_and_says_how_it_is_checked() {
    let overlay = "deploy/spinkube/overlays/production/kustomization.yaml";
    for (page, mark, end, setting) in [
        (
            "README.md",
            "\n## Deploying\n",
            "\n| ",
            "signing_engine = rs256",
        ),
        (
            "README.zh-TW.md",
            "\n## 部署\n",
            "\n| ",
            "signing_engine = rs256",
        ),
        (
            "docs/deploy.md",
            "\nEverywhere:\n",
            "\n## ",
            "signing_engine = rs256",
        ),
        (
            "SECURITY.md",
            "\n## Production profile\n",
            "\n## ",
            "SIGNING_ENGINE=\"rs256\"",
        ),
        (overlay, "apiVersion", "\0", "- signing_engine=rs256\n"),
    ] {
        let text = read(page);
        let text = section(&text, mark, end);
        assert!(text.contains(setting), "{page}");
        assert!(text.contains("cargo dev doctor"), "{page}");
    }
}
