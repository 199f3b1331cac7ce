//! Why an invitation does not hold, and why none is made.
#![forbid(unsafe_code)]

use crate::environment::StoreUnavailable;

/// The largest invitation that is looked at, in bytes.
pub const MAX_INVITATION_BYTES: usize = 4 * 1024;
/// The longest life of an invitation, in seconds: 90 days.
pub const MAX_LIFETIME_SECONDS: u64 = 90 * 24 * 60 * 60;
/// The shortest life of an invitation, in seconds.
pub const MIN_LIFETIME_SECONDS: u64 = 60;
/// The largest number of tokens that an invitation with a limit is good for.
pub const MAX_USES: u32 = 10_000;

/// `Display` is the sentence that the caller reads, [`Error::reason`] the one for the log. Neither tells anything of the
/// invitation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// It does not hold, here and now.
    #[error(
        "The invitation is not valid: it is expired, not yet valid, withdrawn, used up, or not for this service; ask for another"
    )]
    Invalid(Cause),
    /// Whether it was withdrawn or used up cannot be known.
    #[error(
        "The invitation cannot be checked, because the key-value store is unavailable: try again later"
    )]
    StoreUnavailable,
    /// In the query.
    #[error(
        "invitation stands in the URL, which histories and logs keep: put it into the body of a POST"
    )]
    InUrl,
    /// In the body and in `Authorization`.
    #[error("invitation stands in the body beside one in Authorization: send one of them")]
    Two,
    /// Only a proven moderator invites.
    #[error(
        "Only a moderator makes and withdraws invitations: send Authorization: Bearer with the credential of your login, or a moderator's invitation"
    )]
    NotModerator,
    /// What is limited must not make more of itself.
    #[error(
        "Your invitation lets you join and not invite: it has max_uses, or was made by somebody who was invited"
    )]
    NotInheritable,
    /// A room that the caller may not open to others.
    #[error("room is not open to you: invite to a room that you may join")]
    Room,
    /// A member of the body cannot be used.
    #[error("{0} {1}")]
    Parameter(&'static str, &'static str),
    /// A member that an invitation does not have.
    #[error(
        "The body has an unknown parameter: those of an invitation are room, role, name, not_before, expires_in and max_uses"
    )]
    UnknownParameter,
    /// Not 32 hexadecimal digits.
    #[error(
        "The path does not end with the id of an invitation: 32 hexadecimal digits, its claim jti"
    )]
    Id,
    /// The signature was not made.
    #[error("The invitation could not be signed")]
    Signing,
}

impl From<StoreUnavailable> for Error {
    fn from(_: StoreUnavailable) -> Self {
        Self::StoreUnavailable
    }
}

impl From<Cause> for Error {
    fn from(cause: Cause) -> Self {
        Self::Invalid(cause)
    }
}

/// Why an invitation does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Cause {
    /// There are no invitations.
    #[error("an invitation where there is no invitation_secret")]
    Off,
    /// More than [`MAX_INVITATION_BYTES`].
    #[error("the invitation is too long")]
    TooLong,
    /// Another kind of token, or none.
    #[error("the invitation is no JWT whose typ is invitation+jwt and whose alg is HS256")]
    Type,
    /// Another secret.
    #[error("the invitation's signature is not that of invitation_secret")]
    Signature,
    /// Claims that are missing, repeated, unknown or of a wrong type.
    #[error("the invitation's claims are unreadable")]
    Claims,
    /// Another `iss`.
    #[error("the invitation's iss is not jaas-jwt")]
    Issuer,
    /// Another App ID.
    #[error("the invitation is for another App ID")]
    Audience,
    /// In the past.
    #[error("the invitation is expired")]
    Expired,
    /// `nbf` in the future.
    #[error("the invitation is not yet valid")]
    NotYetValid,
    /// `iat` in the future.
    #[error("the invitation's iat is in the future")]
    IssuedInFuture,
    /// Longer than [`MAX_LIFETIME_SECONDS`].
    #[error("the invitation's exp is more than 90 days after its iat")]
    Lifetime,
    /// Before the variable's time.
    #[error("the invitation is older than invitations_not_before")]
    Older,
    /// In the store's list.
    #[error("the invitation was withdrawn")]
    Withdrawn,
    /// As many tokens as `max_uses`.
    #[error("the invitation is used up")]
    UsedUp,
    /// A clock of this host that is off by decades.
    #[error("this host's clock is too far off to check the invitation's exp")]
    Clock,
}

impl Error {
    /// The value of `WWW-Authenticate` (RFC 6750, section 3), of an invitation that does not hold.
    #[must_use]
    pub const fn challenge(self) -> Option<&'static str> {
        match self {
            Self::Invalid(_) => Some(r#"Bearer realm="jaas-jwt", error="invalid_token""#),
            _ => None,
        }
    }

    /// What the log says.
    #[must_use]
    pub fn reason(self) -> String {
        match self {
            Self::Invalid(cause) => cause.to_string(),
            error => error.to_string(),
        }
    }
}
