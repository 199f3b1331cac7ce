//! The names of the request parameters. They are the same in a query, a form and a JSON object.
#![forbid(unsafe_code)]

/// The meeting room.
pub const ROOM: &str = "room";
/// The person's id.
pub const USER_ID: &str = "user_id";
/// The person's display name.
pub const USER_NAME: &str = "user_name";
/// The person's e-mail address.
pub const USER_EMAIL: &str = "user_email";
/// Whether the person is a moderator: `true` or `false`.
pub const USER_MODERATOR: &str = "user_moderator";
/// The requested role: `visitor`, `member` or `moderator`.
pub const USER_ROLE: &str = "user_role";
/// The URL of the person's picture.
pub const USER_AVATAR: &str = "user_avatar";
/// Whether recordings should leave the person out: `true` or `false`.
pub const USER_HIDDEN_FROM_RECORDER: &str = "user_hidden_from_recorder";
/// The features to grant: keys separated by commas or spaces, or in JSON a list.
pub const FEATURES: &str = "features";
/// An invitation to a room. Accepted only in a body.
pub const INVITATION: &str = "invitation";
/// All parameter names.
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
