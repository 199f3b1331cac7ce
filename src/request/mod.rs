//! The caller's request: the room and the person, validated. Defaults and roles are applied later.
#![forbid(unsafe_code)]

mod body;
mod error;
pub mod name;
mod parameters;
#[cfg(test)]
mod tests;

use std::io::Read;

use crate::features::FeatureSet;
use crate::role::Role;
use crate::secret::Secret;
use crate::text::is_bidi_control;
use crate::{http, person, room};

use body::Body;
use parameters::Values;

pub use error::{Error, MAX_BODY_BYTES, UnknownParameters};

/// A validated request for a token. A parameter that is absent is `None`.
#[derive(Debug, Clone, Default)]
pub struct TokenRequest {
    /// The room to join.
    pub room: Option<room::Name>,
    /// The person's id.
    pub user_id: Option<person::Id>,
    /// The person's display name.
    pub user_name: Option<person::Name>,
    /// The person's e-mail address.
    pub user_email: Option<person::Email>,
    /// The person's picture.
    pub user_avatar: Option<person::Avatar>,
    /// The requested role.
    pub role: Option<Role>,
    /// Whether recordings should leave the person out.
    pub hidden_from_recorder: Option<bool>,
    /// The only features to grant; `None` for all that the role has.
    pub features: Option<FeatureSet>,
    /// The invitation, not verified yet.
    pub invitation: Option<Secret<String>>,
}

/// Reads the body of a `POST` as a JSON object.
///
/// # Errors
/// If the media type is not JSON, or the body is compressed, too large or not a JSON object.
pub fn json_object(
    headers: &http::Headers,
    body: impl Read,
) -> Result<serde_json::Map<String, serde_json::Value>, Error> {
    Body::read(headers, body)?.json_object()
}

impl TokenRequest {
    /// Parses the query of a `GET`. Unknown names are ignored.
    ///
    /// # Errors
    /// The first parameter with an invalid value.
    pub fn from_query(query: &str) -> Result<Self, Error> {
        Self::from_values(&Values::from_query(query))
    }

    /// Reads the body of a `POST`, where unknown names are errors.
    ///
    /// # Errors
    /// A parameter in the URL, an invalid body, or the first parameter with an invalid value.
    pub fn from_post(query: &str, headers: &http::Headers, body: impl Read) -> Result<Self, Error> {
        // URLs end up in histories and logs, so must not contain personal values; and ignoring a room would open the wrong one.
        if let Some(name) = parameters::first_known(query) {
            let problem = "is in the URL of a POST: send it in the body";
            return Err(Error::parameter(name, problem));
        }
        parameters::check_unknown(query)?;
        Self::from_values(&Body::read(headers, body)?.parse()?)
    }

    fn from_values(values: &Values<'_>) -> Result<Self, Error> {
        let room = values
            .text(name::ROOM)?
            .map(room::Name::parse)
            .transpose()
            .map_err(|e| Error::parameter(name::ROOM, e))?;
        Ok(Self {
            room,
            user_id: personal(values, name::USER_ID, parse_id)?,
            user_name: personal(values, name::USER_NAME, person::Name::parse)?,
            user_email: personal(values, name::USER_EMAIL, person::Email::parse)?,
            user_avatar: personal(values, name::USER_AVATAR, person::Avatar::parse)?,
            role: role(values)?,
            hidden_from_recorder: values.bool(name::USER_HIDDEN_FROM_RECORDER)?,
            features: values.features(name::FEATURES)?,
            invitation: values
                .text(name::INVITATION)?
                .map(|text| Secret::new(text.to_owned())),
        })
    }
}

/// Returns the role, from either of its two parameters.
fn role(values: &Values<'_>) -> Result<Option<Role>, Error> {
    let moderator = values.bool(name::USER_MODERATOR)?;
    let Some(text) = values.text(name::USER_ROLE)? else {
        return Ok(moderator.map(Role::moderator));
    };
    let wrong = |problem| Err(Error::parameter(name::USER_ROLE, problem));
    let Some(role) = Role::from_name(text) else {
        return wrong("must be visitor, member or moderator");
    };
    if moderator.is_some_and(|moderator| moderator != (role == Role::Moderator)) {
        return wrong("contradicts user_moderator: send one of them");
    }
    Ok(Some(role))
}

/// Parses a value about a person. An invisible text counts as absent, and so does a text that is not an e-mail address:
/// nothing depends on the address, and the sample code in the Worker's documentation sends such a text if it was copied
/// from a page that obfuscates addresses.
fn personal<T>(
    values: &Values<'_>,
    name: &'static str,
    parse: impl FnOnce(&str) -> Result<T, person::Error>,
) -> Result<Option<T>, Error> {
    match values.text(name)?.map(parse) {
        None | Some(Err(person::Error::Invisible | person::Error::NotAnAddress)) => Ok(None),
        Some(Ok(value)) => Ok(Some(value)),
        Some(Err(error)) => Err(Error::parameter(name, error)),
    }
}

/// Parses an unproven id. Bidirectional controls, which could make it look like another id, are removed, as from names.
fn parse_id(text: &str) -> Result<person::Id, person::Error> {
    if !text.contains(is_bidi_control) {
        return person::Id::parse(text);
    }
    let text: String = text.chars().filter(|c| !is_bidi_control(*c)).collect();
    person::Id::parse(text.trim())
}
