//! The route that issues tokens.
#![forbid(unsafe_code)]

use std::io::Read;

use super::call::Call;
use super::guard;
use super::response::Success;
use super::who::Who;
use crate::caller;
use crate::environment::Environment;
use crate::error::Error;
use crate::invitation::{self, Cause, Error as Rejection};
use crate::policy;
use crate::request::{self, TokenRequest};
use crate::role::Role;
use crate::token::Claims;
use crate::usage::Standing;

/// Authenticates the caller, decides what is granted, and signs the token.
pub(super) fn issue(
    call: &Call<'_>,
    body: impl Read,
    environment: Environment<'_>,
) -> Result<Success, Error> {
    let invitations = call.config.invitations().map_err(Error::Configuration)?;
    let mut read = Some(|| read(call, body));
    // An invitation needs no login, so the request is read before a caller without a credential is rejected.
    let early = invitations.and_then(|_| Some(read.take()?()));
    let who = match (invitations, &early) {
        (Some(settings), Some(request)) => match find_invitation(call, request)? {
            Some(text) => Who::invited(call, settings, text, &environment)?,
            None => match (Who::logged_in(call, &environment), request) {
                // An invalid request may contain an invitation, so its error is the more useful one.
                (Err(Error::Caller(caller::Error::Absent)), Err(error)) => {
                    return Err(error.clone().into());
                }
                (who, _) => who?,
            },
        },
        _ => Who::logged_in(call, &environment)?,
    };
    let Environment {
        now, random, store, ..
    } = environment;
    let signer = call.config.signer().map_err(Error::Configuration)?;
    let request = early.or_else(|| Some(read.take()?())).transpose()?;
    let request = request.unwrap_or_default();
    // In a query, `invitation` is ignored like every other unknown name.
    if invitations.is_none() && call.method == "POST" && request.invitation.is_some() {
        return Err(Rejection::Invalid(Cause::Off).into());
    }
    let grant = policy::decide(call.config.policy(), who.subject(), request, random)?;
    let (standing, id) = (guard::standing(&who), grant.user_id.as_ref());
    guard::check(call, standing, id, store, now)?;
    let is_head = call.method == "HEAD";
    if let Some(invitation) = who.invitation() {
        if is_head {
            invitation.check_uses(store)?;
        } else {
            invitation.redeem(store)?;
        }
    }
    if is_head {
        return Ok(Success::TokenUnsigned);
    }
    let note = guard::count(call, standing, id, store, now)?;
    // A guest without an invitation gets no passcode, and can only learn it from someone who has it.
    let rooms = call.config.room_settings().map_err(Error::Configuration)?;
    let passcode = rooms
        .filter(|_| standing != Standing::Guest || who.invitation().is_some())
        .and_then(|rooms| rooms.passcode(&grant.room));
    let moderator = grant.role == Some(Role::Moderator);
    let claims = Claims::new(signer.app_id(), grant, call.config.validity(), now);
    Ok(Success::Token {
        token: signer.sign(&claims, random)?,
        moderator,
        passcode,
        note,
    })
}

fn read(call: &Call<'_>, body: impl Read) -> Result<TokenRequest, request::Error> {
    if call.method == "POST" {
        TokenRequest::from_post(call.query, call.headers, body)
    } else {
        TokenRequest::from_query(call.query)
    }
}

/// Returns the invitation from the header or from the body, if there is one.
fn find_invitation<'a>(
    call: &'a Call<'_>,
    request: &'a Result<TokenRequest, request::Error>,
) -> Result<Option<&'a str>, Rejection> {
    let in_header = invitation::bearer(call.headers);
    let in_request = request.as_ref().ok().and_then(|r| r.invitation.as_ref());
    match (in_header, in_request) {
        (_, Some(_)) if call.method != "POST" => Err(Rejection::InUrl),
        (Some(_), Some(_)) => Err(Rejection::Duplicate),
        (found, None) => Ok(found),
        (None, Some(found)) => Ok(Some(found.expose())),
    }
}
