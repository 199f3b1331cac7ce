//! The repository itself: its documents, and the structure of its source.

mod documents;
mod links;
mod structure;
mod twins;
