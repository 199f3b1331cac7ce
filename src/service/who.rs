//! The holder of an invitation, or the caller as the login identifies them.
#![forbid(unsafe_code)]

use super::call::Call;
use crate::caller::Caller;
use crate::environment::Environment;
use crate::error::Error;
use crate::invitation::{self, Invitation};
use crate::policy::Subject;

pub(super) enum Who {
    Caller(Caller),
    Invited(Box<Invitation>),
}

impl Who {
    /// Authenticates the caller by the credential in `Authorization`.
    pub fn logged_in(call: &Call<'_>, environment: &Environment<'_>) -> Result<Self, Error> {
        call.caller(environment).map(Self::Caller)
    }

    /// Verifies an invitation and identifies the caller as its holder.
    pub fn invited(
        call: &Call<'_>,
        settings: &invitation::Settings,
        text: &str,
        environment: &Environment<'_>,
    ) -> Result<Self, Error> {
        let app_id = call.config.app_id().map_err(Error::Configuration)?;
        let Environment { now, store, .. } = environment;
        let invitation = settings.verify(text, app_id, *now, *store)?;
        Ok(Self::Invited(Box::new(invitation)))
    }

    pub fn subject(&self) -> Subject<'_> {
        match self {
            Self::Caller(caller) => caller.into(),
            Self::Invited(invitation) => (&**invitation).into(),
        }
    }

    pub fn invitation(&self) -> Option<&Invitation> {
        match self {
            Self::Caller(_) => None,
            Self::Invited(invitation) => Some(invitation),
        }
    }
}
