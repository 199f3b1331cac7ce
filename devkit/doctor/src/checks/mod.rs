//! Every check, by what it looks at.

mod access;
mod credentials;
mod files;
mod guests;
mod login;
mod service;
mod texts;

pub use login::is_presentable;

use crate::check::Check;

/// The checks that need no more than the files.
pub const OF_FILES: &[&[Check]] = &[files::CHECKS];

pub const OF_SETTINGS: &[&[Check]] = &[
    service::CHECKS,
    texts::CHECKS,
    credentials::CHECKS,
    access::CHECKS,
    guests::CHECKS,
    login::CHECKS,
];

pub fn all() -> impl Iterator<Item = &'static Check> {
    OF_FILES.iter().chain(OF_SETTINGS).copied().flatten()
}
