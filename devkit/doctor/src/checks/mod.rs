//! Every check, by what it looks at.

mod access;
mod credentials;
mod files;
mod guests;
mod login;
mod service;
mod texts;

use crate::check::Check;

/// Those of the files come first: they alone apply where a file cannot be understood.
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
