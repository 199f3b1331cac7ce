//! The names of the request parameters; the same in a query, a form and a JSON object.
#![forbid(unsafe_code)]

/// The meeting room.
pub const ROOM: &str = "room";
/// The person's id.
pub const USER_ID: &str = "user_id";
/// The person's display name.
pub const USER_NAME: &str = "user_name";
/// The person's e-mail address.
pub const USER_EMAIL: &str = "user_email";
/// Whether the person moderates: `true` or `false`.
pub const USER_MODERATOR: &str = "user_moderator";
/// What the person wants to be: `visitor`, `member` or `moderator`.
pub const USER_ROLE: &str = "user_role";
/// The address of the person's picture.
pub const USER_AVATAR: &str = "user_avatar";
/// Whether recordings should leave the person out: `true` or `false`.
pub const USER_HIDDEN_FROM_RECORDER: &str = "user_hidden_from_recorder";
/// The features to grant: keys separated by commas or spaces, in JSON also a list.
pub const FEATURES: &str = "features";
/// An invitation to a room; only in a body.
pub const INVITATION: &str = "invitation";
/// All of them.
pub const ALL: [&str; 10] = [
    ROOM,
    USER_ID,
    USER_NAME,
    USER_EMAIL,
    USER_MODERATOR,
    USER_ROLE,
    USER_AVATAR,
    USER_HIDDEN_FROM_RECORDER,
    FEATURES,
    INVITATION,
];
