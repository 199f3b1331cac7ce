//! The variables for invitations.
#![forbid(unsafe_code)]

use super::reader::Reader;
use super::variable;
use crate::caller::{self, KeySource, LATEST_INSTANT, VerificationKey};
use crate::invitation::{Link, Settings};

/// The state of the login, as far as invitations depend on it.
pub(super) enum Login<'a> {
    /// `auth_mode` is `none`.
    Open,
    /// The login has a problem, which is reported already.
    Unread,
    /// Callers must authenticate, or are guests.
    Closed(&'a caller::Settings),
}

/// Reads how invitations are made and verified. Returns `None` without reading anything if `secret` is empty, and `None`
/// if it is invalid. `login` is called only if there is a secret.
pub(super) fn read<'a>(
    reader: &mut Reader<'_>,
    secret: &str,
    login: impl FnOnce() -> Login<'a>,
) -> Option<Settings> {
    if secret.is_empty() {
        return None;
    }
    let settings = Settings::new(secret)
        .map_err(|error| reader.problem(variable::INVITATION_SECRET, error))
        .ok();
    let link = reader.optional(variable::INVITATION_LINK, Link::parse);
    let not_before = reader.optional(variable::INVITATIONS_NOT_BEFORE, |text| {
        let seconds = text.parse::<u64>().ok();
        seconds
            .filter(|seconds| *seconds <= LATEST_INSTANT)
            .ok_or("is not a whole number of seconds since 1970-01-01 UTC, as `date +%s` prints it; set it to one, or empty it")
    });
    let mut settings = settings?;
    match login() {
        Login::Open => reader.problem(
            variable::INVITATION_SECRET,
            "is set and auth_mode is none, so that everybody gets in without an invitation; set auth_mode to required or optional, or empty it.",
        ),
        Login::Closed(login) if is_secret_of(login, &settings) => reader.problem(
            variable::INVITATION_SECRET,
            "is auth_hs256_secret as well, so that your login could make invitations; make another with `openssl rand -base64 48`.",
        ),
        Login::Closed(_) | Login::Unread => {}
    }
    settings.link = link;
    settings.not_before = not_before.unwrap_or_default();
    Some(settings)
}

fn is_secret_of(login: &caller::Settings, settings: &Settings) -> bool {
    match &login.key {
        KeySource::Configured(key) => match &**key {
            VerificationKey::Secret(key) => settings.has_secret_of(key),
            _ => false,
        },
        _ => false,
    }
}
