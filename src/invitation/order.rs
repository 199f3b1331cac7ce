//! The details of an invitation to be made: the body of `POST /api/invitations`.
#![forbid(unsafe_code)]

use serde_json::{Map, Value};

use super::error::{Error, MAX_LIFETIME_SECONDS, MAX_USES, MIN_LIFETIME_SECONDS};
use crate::person;
use crate::role::Role;
use crate::room;
use crate::secret::Secret;

/// The default lifetime of an invitation, in seconds: one day.
const DEFAULT_LIFETIME_SECONDS: u64 = 24 * 60 * 60;

/// An invitation to be made.
#[derive(Debug)]
pub struct NewInvitation {
    /// The room or pattern as in the request, without surrounding white space.
    pub room: String,
    /// The same, parsed.
    pub rooms: room::List,
    /// The role of the invited person.
    pub role: Role,
    /// The name of the invited person.
    pub name: Option<Secret<String>>,
    /// The time from which the invitation is valid, in seconds since 1970-01-01 UTC; `None` for immediately.
    pub not_before: Option<u64>,
    /// The lifetime, in seconds.
    pub expires_in: u64,
    /// The maximum number of tokens that are issued for the invitation; `None` if it is not limited.
    pub max_uses: Option<u32>,
}

impl NewInvitation {
    /// Creates an order for a member, valid for one day.
    ///
    /// # Errors
    /// If no room can have this name.
    pub fn new(room: &str) -> Result<Self, Error> {
        let rooms = room::List::one(room).map_err(|_| ROOM)?;
        Ok(Self {
            room: room.trim().to_owned(),
            rooms,
            role: Role::Member,
            name: None,
            not_before: None,
            expires_in: DEFAULT_LIFETIME_SECONDS,
            max_uses: None,
        })
    }

    /// Sets the display name.
    ///
    /// # Errors
    /// If the text is not a valid display name.
    pub fn with_name(mut self, name: &str) -> Result<Self, Error> {
        let name = person::Name::parse(name.trim()).map_err(|_| NAME)?;
        self.name = Some(Secret::new(name.into_string()));
        Ok(self)
    }

    /// Sets the lifetime, in seconds.
    ///
    /// # Errors
    /// If the lifetime is too short or too long.
    pub fn with_lifetime(mut self, seconds: u64) -> Result<Self, Error> {
        if !(MIN_LIFETIME_SECONDS..=MAX_LIFETIME_SECONDS).contains(&seconds) {
            return Err(LIFETIME);
        }
        self.expires_in = seconds;
        Ok(self)
    }

    /// Reads the members of a JSON object. `null` counts as absent.
    ///
    /// # Errors
    /// If a member is missing, unknown or invalid.
    pub fn from_json(mut object: Map<String, Value>) -> Result<Self, Error> {
        let mut take = |name: &str| object.remove(name).filter(|value| !value.is_null());
        let Some(Value::String(room)) = take("room") else {
            return Err(ROOM);
        };
        let mut order = Self::new(&room)?;
        match take("role") {
            None => {}
            Some(Value::String(role)) => order.role = Role::from_name(&role).ok_or(ROLE)?,
            Some(_) => return Err(ROLE),
        }
        match take("name") {
            None => {}
            Some(Value::String(name)) => order = order.with_name(&name)?,
            Some(_) => return Err(NAME),
        }
        if let Some(value) = take("not_before") {
            order.not_before = Some(value.as_u64().ok_or(NOT_BEFORE)?);
        }
        if let Some(value) = take("expires_in") {
            order = order.with_lifetime(value.as_u64().ok_or(LIFETIME)?)?;
        }
        if let Some(value) = take("max_uses") {
            let uses = value.as_u64().and_then(|uses| u32::try_from(uses).ok());
            let uses = uses.filter(|uses| (1..=MAX_USES).contains(uses));
            order.max_uses = Some(uses.ok_or(USES)?);
        }
        if object.is_empty() {
            Ok(order)
        } else {
            Err(Error::UnknownParameter)
        }
    }
}

const ROOM: Error = Error::Parameter(
    "room",
    "must be the name of a room, or a pattern with * for any text in a name",
);
const ROLE: Error = Error::Parameter("role", "must be visitor, member or moderator");
const NAME: Error = Error::Parameter(
    "name",
    "must be a visible text of at most 256 characters, without control characters",
);
pub(super) const NOT_BEFORE: Error = Error::Parameter(
    "not_before",
    "must be a whole number of seconds since 1970-01-01 UTC, less than 90 days ahead",
);
pub(super) const LIFETIME: Error = Error::Parameter(
    "expires_in",
    "must be a whole number of seconds from 60 to 7776000, which are 90 days, the time before not_before included",
);
const USES: Error = Error::Parameter("max_uses", "must be a whole number from 1 to 10000");
