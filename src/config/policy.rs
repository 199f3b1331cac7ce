//! The variables for what is granted to whom.
#![forbid(unsafe_code)]

use super::reader::Reader;
use super::variable;
use crate::person::{Email, Name};
use crate::policy;
use crate::room;
use crate::text::parse_bool;

/// Reads the policy. `is_open` returns whether everybody is let in; it is called only if the result matters.
pub(super) fn read(reader: &mut Reader<'_>, is_open: impl FnOnce() -> bool) -> policy::Settings {
    let settings = policy::Settings {
        defaults: policy::Defaults {
            room: reader.optional(variable::DEFAULT_ROOM, room::Name::parse),
            user_id: reader.optional(variable::DEFAULT_USER_ID, policy::DefaultId::parse),
            user_name: reader.optional(variable::DEFAULT_USER_NAME, Name::parse),
            user_email: reader.optional(variable::DEFAULT_USER_EMAIL, Email::parse),
            moderator: reader.optional(variable::DEFAULT_MODERATOR, |text| {
                parse_bool(text).ok_or("must be true or false")
            }),
        },
        moderator_features: reader.features(variable::MODERATOR_FEATURES),
        member_features: reader.features(variable::MEMBER_FEATURES),
        allowed_rooms: reader
            .parsed(variable::ALLOWED_ROOMS, room::List::parse)
            .flatten(),
        guest_rooms: reader
            .parsed(variable::GUEST_ROOMS, room::List::parse)
            .flatten(),
    };
    if settings.guest_rooms.is_some() && is_open() {
        reader.problem(
            variable::GUEST_ROOMS,
            "is set and auth_mode is none, so that every room is open to everybody; set auth_mode to optional, or empty it.",
        );
    }
    settings
}
