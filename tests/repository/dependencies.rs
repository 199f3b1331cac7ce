//! Dependencies: where they come from, and that each has a documented reason.

use std::collections::BTreeSet;
use std::process::Command;

use testkit::{root, stdout_of};

use crate::{document, table};

#[test]
fn every_package_comes_from_crates_io() {
    let lock = table("Cargo.lock");
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

/// Returns the names of the crates that cargo compiles for the component, including procedural macros.
fn crates_of_the_component() -> BTreeSet<String> {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo
        .current_dir(root())
        .args(["tree", "--package", "jaas-jwt", "--features", "wasi-p3"])
        .args(["--locked", "--target", "wasm32-wasip2", "--edges", "normal"])
        .args(["--prefix", "none", "--format", "{p}"]);
    stdout_of(&mut cargo)
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "jaas-jwt")
        .map(str::to_owned)
        .collect()
}

/// Returns the crates in the tables under one heading. Panics if one has no reason.
fn listed_crates(page: &str, heading: &str) -> BTreeSet<String> {
    let part = page
        .split("\n## ")
        .find(|part| part.starts_with(heading))
        .expect(heading);
    let mut listed = BTreeSet::new();
    for row in part.lines().filter(|line| line.starts_with("| ")).skip(2) {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let [.., crates, reason] = &cells[..] else {
            panic!("{row}");
        };
        assert!(reason.len() > 5, "no reason: {row}");
        for name in crates.split('`').skip(1).step_by(2) {
            assert!(listed.insert(name.to_owned()), "{name} twice");
        }
    }
    listed
}

#[test]
fn every_crate_of_the_component_is_listed_with_a_reason() {
    let page = document("docs/dependencies.md");
    let direct = listed_crates(&page, "Direct");
    let manifest = table("Cargo.toml");
    let for_wasm = &manifest["target"]["cfg(target_family = \"wasm\")"];
    let tables = [&manifest["dependencies"], &for_wasm["dependencies"]];
    let tables = tables.map(|table| table.as_table().expect("a table").keys().cloned());
    assert_eq!(direct, tables.into_iter().flatten().collect());

    let mut listed = direct;
    for heading in ["Transitive", "At build time"] {
        for name in listed_crates(&page, heading) {
            assert!(listed.insert(name.clone()), "{name} twice");
        }
    }
    let found = crates_of_the_component();
    let unlisted: Vec<_> = found.difference(&listed).collect();
    let gone: Vec<_> = listed.difference(&found).collect();
    assert!(
        unlisted.is_empty() && gone.is_empty(),
        "not listed: {unlisted:?}; listed and not there: {gone:?}"
    );
}

#[test]
fn the_one_advisory_that_is_passed_over_is_argued() {
    let ignored = &table("deny.toml")["advisories"]["ignore"];
    let ignored = ignored.as_array().expect("a list");
    assert_eq!(ignored.len(), 1, "{ignored:?}");
    let id = ignored[0]["id"].as_str().expect("an id");
    let security = document("SECURITY.md");
    assert!(security.contains(id), "{id}");
}
