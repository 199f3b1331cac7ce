//! Who is calling, as far as that is proven.
#![forbid(unsafe_code)]

use crate::person;
use crate::room;

/// Who is calling.
#[derive(Debug)]
pub enum Caller {
    /// `auth_mode` is `none`: no credential is read.
    Anyone,
    /// `auth_mode` is `optional`, and there is no credential.
    Guest,
    /// The credential proves who it is.
    Known(Identity),
}

/// What a credential proves.
#[derive(Debug)]
pub struct Identity {
    /// The claim `sub`.
    pub id: person::Id,
    /// The claim `name`.
    pub name: Option<person::Name>,
    /// The claim `email`, unless the login says that it is not verified.
    pub email: Option<person::Email>,
    /// The claim `picture`.
    pub avatar: Option<person::Avatar>,
    /// Whether the claim that the configuration names says so.
    pub moderator: bool,
    /// The claim `rooms`: the only rooms for this person.
    pub rooms: Option<room::List>,
}
