//! The variables of invitations.
#![forbid(unsafe_code)]

use super::reader::Reader;
use super::variable;
use crate::caller::{self, KeySource, LATEST_INSTANT, VerificationKey};
use crate::invitation::{Link, Settings};

/// Reads how invitations are made and verified; `None`: there are none, and nothing but the secret was read. `login` is
/// looked at only where there is a secret.
pub(super) fn read<'a>(
    reader: &mut Reader<'_>,
    login: impl FnOnce() -> Option<&'a caller::Settings>,
) -> Option<Settings> {
    let secret = reader
        .text(variable::INVITATION_SECRET)
        .filter(|secret| !secret.is_empty())?;
    let settings = Settings::new(&secret)
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
    if let Some(login) = login()
        && let KeySource::Configured(VerificationKey::Secret(key)) = &login.key
        && settings.has_secret_of(key)
    {
        reader.problem(
            variable::INVITATION_SECRET,
            "is auth_hs256_secret as well, so that your login could make invitations; make another with `openssl rand -base64 48`.",
        );
    }
    settings.link = link;
    settings.not_before = not_before.unwrap_or_default();
    Some(settings)
}
