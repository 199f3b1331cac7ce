//! The route that issues tokens.
#![forbid(unsafe_code)]

use std::io::Read;

use super::call::Call;
use super::guard;
use super::response::Success;
use crate::environment::Environment;
use crate::error::Error;
use crate::policy;
use crate::request::TokenRequest;
use crate::token::Claims;
use crate::usage::Standing;

/// Finds out who is calling, what is granted to them, and signs it.
pub(super) fn issue(
    call: &Call<'_>,
    body: impl Read,
    environment: Environment<'_>,
) -> Result<Success, Error> {
    let caller = call.caller(&environment)?;
    let Environment {
        now, random, store, ..
    } = environment;
    let signer = call.config.signer().map_err(Error::Configuration)?;
    let request = if call.method == "POST" {
        TokenRequest::from_post(call.query, call.headers, body)?
    } else {
        TokenRequest::from_query(call.query)?
    };
    let grant = policy::decide(call.config.policy(), &caller, request, random)?;
    let standing = guard::standing(&caller);
    let note = guard::admit(call, standing, grant.user_id.as_ref(), store, now)?;
    if call.method == "HEAD" {
        return Ok(Success::TokenUnsigned);
    }
    // Guests learn a passcode from those whom somebody knows.
    let rooms = call.config.room_settings().map_err(Error::Configuration)?;
    let passcode = rooms
        .filter(|_| standing != Standing::Guest)
        .and_then(|rooms| rooms.passcode(&grant.room));
    let moderator = grant.moderator == Some(true);
    let claims = Claims::new(signer.app_id(), grant, call.config.validity(), now);
    Ok(Success::Token {
        token: signer.sign(&claims, random)?,
        moderator,
        passcode,
        note,
    })
}
