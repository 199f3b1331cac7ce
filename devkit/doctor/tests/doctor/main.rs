//! The doctor's findings, its program, and the pages that explain it.

mod credential;
mod documents;
mod findings;
mod program;
mod published;
mod secrets;
mod setup;
