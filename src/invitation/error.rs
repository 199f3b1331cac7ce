//! Why an invitation is invalid, and why one cannot be made.
#![forbid(unsafe_code)]

use crate::environment::StoreUnavailable;

/// The maximum length of an invitation, in bytes.
pub const MAX_INVITATION_BYTES: usize = 4 * 1024;
/// The maximum lifetime of an invitation, in seconds: 90 days.
pub const MAX_LIFETIME_SECONDS: u64 = 90 * 24 * 60 * 60;
/// The minimum lifetime of an invitation, in seconds.
pub const MIN_LIFETIME_SECONDS: u64 = 60;
/// The maximum of `max_uses`.
pub const MAX_USES: u32 = 10_000;

/// Why a request with or about an invitation is rejected. `Display` is the public message, [`Error::reason`] the text for
/// the log. Neither contains any part of the invitation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The invitation is invalid.
    #[error(
        "The invitation is not valid: it is expired, not yet valid, withdrawn, used up, or not for this service; ask for another"
    )]
    Invalid(Cause),
    /// The store is unavailable, so it is unknown whether the invitation was withdrawn or used up.
    #[error(
        "The invitation cannot be checked, because the key-value store is unavailable: try again later"
    )]
    StoreUnavailable,
    /// The invitation is in the query.
    #[error(
        "invitation is in the URL, which histories and logs keep: send it in the body of a POST"
    )]
    InUrl,
    /// There is an invitation in the body and another in `Authorization`.
    #[error("invitation is in the body and in Authorization: send one of them")]
    Duplicate,
    /// The caller is not proven to be a moderator, so may not invite.
    #[error(
        "Only a moderator makes and withdraws invitations: send Authorization: Bearer with the credential of your login, or a moderator's invitation"
    )]
    NotModerator,
    /// The caller's own invitation is limited, so does not permit making another.
    #[error(
        "Your invitation lets you join but not invite: it has max_uses, or its maker was invited"
    )]
    MayNotInvite,
    /// The caller may not open the room to others.
    #[error("room is not open to you: invite to a room that you may join")]
    Room,
    /// A member of the body has an invalid value.
    #[error("{0} {1}")]
    Parameter(&'static str, &'static str),
    /// The body has a member that invitations do not have.
    #[error(
        "The body has an unknown parameter: those of an invitation are room, role, name, not_before, expires_in and max_uses"
    )]
    UnknownParameter,
    /// The id in the path does not have 32 hexadecimal digits.
    #[error(
        "The path does not end with the id of an invitation: 32 hexadecimal digits, its claim jti"
    )]
    Id,
    /// Signing failed.
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

/// Why an invitation is invalid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Cause {
    /// The site accepts no invitations.
    #[error("an invitation where there is no invitation_secret")]
    Off,
    /// The invitation is longer than [`MAX_INVITATION_BYTES`].
    #[error("the invitation is too long")]
    TooLong,
    /// The text is not a JWT, or is one of another type or algorithm.
    #[error("the invitation is no JWT whose typ is invitation+jwt and whose alg is HS256")]
    Type,
    /// The signature does not verify.
    #[error("the invitation's signature is not that of invitation_secret")]
    Signature,
    /// A claim is missing, repeated, unknown or of a wrong type.
    #[error("the invitation's claims are unreadable")]
    Claims,
    /// `iss` is not [`super::ISSUER`].
    #[error("the invitation's iss is not jaas-jwt")]
    Issuer,
    /// `aud` is another App ID.
    #[error("the invitation is for another App ID")]
    Audience,
    /// `exp` is in the past.
    #[error("the invitation is expired")]
    Expired,
    /// `nbf` is in the future.
    #[error("the invitation is not yet valid")]
    NotYetValid,
    /// `iat` is in the future.
    #[error("the invitation's iat is in the future")]
    IssuedInFuture,
    /// The lifetime is longer than [`MAX_LIFETIME_SECONDS`].
    #[error("the invitation's exp is more than 90 days after its iat")]
    Lifetime,
    /// `iat` is earlier than `invitations_not_before`.
    #[error("the invitation is older than invitations_not_before")]
    Older,
    /// The invitation was withdrawn.
    #[error("the invitation was withdrawn")]
    Withdrawn,
    /// All uses of `max_uses` are spent.
    #[error("the invitation is used up")]
    UsedUp,
    /// The clock of this host is off by decades.
    #[error("this host's clock is too far off to check the invitation's exp")]
    Clock,
}

impl Error {
    /// Returns the value of `WWW-Authenticate` (RFC 6750, section 3); `None` unless the invitation is invalid.
    #[must_use]
    pub const fn challenge(self) -> Option<&'static str> {
        match self {
            Self::Invalid(_) => Some(r#"Bearer realm="jaas-jwt", error="invalid_token""#),
            _ => None,
        }
    }

    /// Returns the text for the log.
    #[must_use]
    pub fn reason(self) -> String {
        match self {
            Self::Invalid(cause) => cause.to_string(),
            error => error.to_string(),
        }
    }
}
