//! The routes that make and withdraw invitations.
#![forbid(unsafe_code)]

use std::io::Read;

use super::call::Call;
use super::response::Success;
use super::who::Who;
use crate::caller::{self, Caller};
use crate::environment::Environment;
use crate::error::Error;
use crate::invitation::{self, Error as Rejection, Id, NewInvitation, Settings};
use crate::policy;
use crate::request;
use crate::role::Role;

/// Makes an invitation on behalf of a proven moderator, for rooms that this moderator may open to others.
pub(super) fn make(
    call: &Call<'_>,
    body: impl Read,
    environment: Environment<'_>,
) -> Result<Success, Error> {
    let settings = settings(call)?;
    let who = moderator(call, settings, &environment)?;
    let Environment { now, random, .. } = environment;
    // Validates the whole configuration, so that no invitation is made that could not be redeemed.
    let signer = call.config.signer().map_err(Error::Configuration)?;
    let order = NewInvitation::from_json(request::json_object(call.headers, body)?)?;
    if !policy::may_open(call.config.policy(), who.subject(), &order.rooms) {
        return Err(Rejection::Room.into());
    }
    let made = settings.make(order, who.invitation(), signer.app_id(), now, random)?;
    let link = settings.link.as_ref();
    Ok(Success::InvitationMade {
        link: link.map(|link| link.with(made.invitation.expose())),
        made,
    })
}

/// Withdraws an invitation by its id, on behalf of a proven moderator.
pub(super) fn withdraw(
    call: &Call<'_>,
    id: &str,
    environment: Environment<'_>,
) -> Result<Success, Error> {
    let who = moderator(call, settings(call)?, &environment)?;
    if who.invitation().is_some_and(|by| !by.may_invite()) {
        return Err(Rejection::MayNotInvite.into());
    }
    invitation::withdraw(environment.store, &Id::parse(id)?, environment.now)?;
    Ok(Success::InvitationWithdrawn)
}

/// Returns the settings. Without them, the route does not exist.
fn settings<'a>(call: &Call<'a>) -> Result<&'a Settings, Error> {
    let settings = call.config.invitations().map_err(Error::Configuration)?;
    settings.ok_or(Error::NotFound)
}

/// Returns the caller if a login or an invitation proves that they are a moderator.
fn moderator(
    call: &Call<'_>,
    settings: &Settings,
    environment: &Environment<'_>,
) -> Result<Who, Error> {
    let who = match invitation::bearer(call.headers) {
        Some(text) => Who::invited(call, settings, text, environment)?,
        None => Who::logged_in(call, environment)?,
    };
    let proven = match &who {
        Who::Invited(invitation) => invitation.role == Role::Moderator,
        Who::Caller(Caller::Known(identity)) => identity.role == Role::Moderator,
        Who::Caller(Caller::Guest) => return Err(caller::Error::Absent.into()),
        // Without a login, nothing is proven.
        Who::Caller(Caller::Anyone) => false,
    };
    if proven {
        Ok(who)
    } else {
        Err(Rejection::NotModerator.into())
    }
}
