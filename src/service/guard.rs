//! Applies the limit of monthly users to the routes.
#![forbid(unsafe_code)]

use super::call::Call;
use super::who::Who;
use crate::caller::Caller;
use crate::environment::Store;
use crate::error::Error;
use crate::person::Id;
use crate::role::Role;
use crate::usage::{self, Meter, Settings, Source, Standing};

/// A warning to log about a request that succeeds.
#[derive(Debug, thiserror::Error)]
pub(super) enum Note {
    /// The share of the limit that is used, in percent.
    #[error("{0} % of monthly_user_limit is used")]
    Reached(u64),
    /// A token was issued, and its user could not be counted.
    #[error("not counted: {}", .0.reason())]
    NotCounted(usage::Error),
}

/// Returns the standing that is proven. A role that the request merely claims proves nothing, and an invitation proves a
/// moderator or a guest.
pub(super) fn standing(who: &Who) -> Standing {
    match who {
        Who::Caller(Caller::Known(identity)) if identity.role == Role::Moderator => {
            Standing::Moderator
        }
        Who::Invited(invitation) if invitation.role == Role::Moderator => Standing::Moderator,
        Who::Caller(Caller::Known(_)) => Standing::Member,
        Who::Caller(Caller::Anyone | Caller::Guest) | Who::Invited(_) => Standing::Guest,
    }
}

/// Rejects the request if the limit leaves no place for this standing.
pub(super) fn check(
    call: &Call<'_>,
    standing: Standing,
    id: Option<&Id>,
    store: &dyn Store,
    now: u64,
) -> Result<(), Error> {
    let Some(settings) = call.config.guard().map_err(Error::Configuration)? else {
        return Ok(());
    };
    let pseudonyms = call.config.pseudonyms().map_err(Error::Configuration)?;
    let meter = Meter::new(settings, &pseudonyms, store, now);
    Ok(meter.admit(standing, id.map(Id::as_str))?)
}

/// Counts an issued token if tokens are the source of the count. Rejects the request if the last place was taken after
/// [`check`].
pub(super) fn count(
    call: &Call<'_>,
    standing: Standing,
    id: Option<&Id>,
    store: &dyn Store,
    now: u64,
) -> Result<Option<Note>, Error> {
    let guard = call.config.guard().map_err(Error::Configuration)?;
    let (Some(settings), Some(id)) = (guard, id) else {
        return Ok(None);
    };
    if settings.source != Source::Issued {
        return Ok(None);
    }
    let pseudonyms = call.config.pseudonyms().map_err(Error::Configuration)?;
    let meter = Meter::new(settings, &pseudonyms, store, now);
    match meter.issue(standing, id.as_str()) {
        Ok(reached) => Ok(reached.map(Note::Reached)),
        Err(error) if is_let_in(settings, standing) => Ok(Some(Note::NotCounted(error))),
        Err(error) => Err(error.into()),
    }
}

/// Whether a request succeeds even if its user cannot be counted.
fn is_let_in(settings: &Settings, standing: Standing) -> bool {
    settings.limit.is_none() || standing == Standing::Moderator
}
