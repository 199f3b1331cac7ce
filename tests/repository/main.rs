//! Tests of the repository itself: its documents and the structure of its source.

mod dependencies;
mod links;
mod private_keys;
mod structure;
mod twins;
mod variables;

use testkit::root;
use toml::Table;

/// Returns the content of a file in the repository.
fn document(name: &str) -> String {
    std::fs::read_to_string(root().join(name)).expect(name)
}

/// Parses a TOML file in the repository.
fn table(name: &str) -> Table {
    document(name).parse().expect(name)
}
