//! The limit of monthly users, as the routes apply it.
#![forbid(unsafe_code)]

use super::call::Call;
use crate::caller::Caller;
use crate::environment::Store;
use crate::error::Error;
use crate::person::Id;
use crate::usage::{self, Meter, Settings, Source, Standing};

/// What the log has to say of a request that succeeds.
#[derive(Debug, thiserror::Error)]
pub(super) enum Note {
    /// A share of the limit, in percent.
    #[error("{0} % of monthly_user_limit is used")]
    Reached(u64),
    /// Somebody was let in and is not in the count.
    #[error("not counted: {}", .0.reason())]
    NotCounted(usage::Error),
}

/// What is proven of a caller. A role that is only claimed proves nothing.
pub(super) fn standing(caller: &Caller) -> Standing {
    match caller {
        Caller::Anyone | Caller::Guest => Standing::Guest,
        Caller::Known(identity) if identity.moderator => Standing::Moderator,
        Caller::Known(_) => Standing::Member,
    }
}

/// Whether a token may be issued, and where tokens are what is counted, counts it unless it is only asked for.
pub(super) fn admit(
    call: &Call<'_>,
    standing: Standing,
    id: Option<&Id>,
    store: &dyn Store,
    now: u64,
) -> Result<Option<Note>, Error> {
    let Some(settings) = call.config.guard().map_err(Error::Configuration)? else {
        return Ok(None);
    };
    let pseudonyms = call.config.pseudonyms().map_err(Error::Configuration)?;
    let meter = Meter::new(settings, &pseudonyms, store, now);
    match (settings.source, id.map(Id::as_str)) {
        (Source::Issued, Some(id)) if call.method != "HEAD" => match meter.issue(standing, id) {
            Ok(reached) => Ok(reached.map(Note::Reached)),
            Err(error) if is_let_in(settings, standing) => Ok(Some(Note::NotCounted(error))),
            Err(error) => Err(error.into()),
        },
        (_, id) => {
            meter.admit(standing, id)?;
            Ok(None)
        }
    }
}

/// Whether somebody is let in without regard to the count.
fn is_let_in(settings: &Settings, standing: Standing) -> bool {
    settings.limit.is_none() || standing == Standing::Moderator
}
