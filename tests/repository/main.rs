//! The repository itself: its documents, and the structure of its source.

mod dependencies;
mod links;
mod private_keys;
mod structure;
mod twins;
mod variables;

use testkit::root;
use toml::Table;

/// The text of a file of the repository.
fn document(name: &str) -> String {
    std::fs::read_to_string(root().join(name)).expect(name)
}

/// A file of the repository in TOML.
fn table(name: &str) -> Table {
    document(name).parse().expect(name)
}
