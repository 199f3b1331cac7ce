//! All checks, by subject.

mod access;
mod credentials;
mod files;
mod guests;
mod login;
mod service;
mod texts;

use crate::check::Check;

/// The checks of files come first: they are the only ones that apply if a file cannot be parsed.
pub const TABLES: [&[Check]; 7] = [
    files::CHECKS,
    service::CHECKS,
    texts::CHECKS,
    credentials::CHECKS,
    access::CHECKS,
    guests::CHECKS,
    login::CHECKS,
];

pub fn all() -> impl Iterator<Item = &'static Check> {
    TABLES.into_iter().flatten()
}
