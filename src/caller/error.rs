//! Why a caller is not let in: one sentence for the caller, and the exact cause for the log.
#![forbid(unsafe_code)]

use crate::environment::FetchError;

/// The largest credential that is looked at, in bytes.
pub const MAX_CREDENTIAL_BYTES: usize = 8 * 1024;

/// Why a caller is not let in: `Display` is the sentence that the caller reads, [`Error::reason`] the one for the log.
/// Neither tells anything of the credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// No credential, where one is required.
    #[error("Not logged in: send Authorization: Bearer with the credential of your login")]
    Absent,
    /// More than one `Authorization` header, or not `Bearer` and one token.
    #[error("Malformed credential: send one header, Authorization: Bearer TOKEN")]
    Malformed(Header),
    /// More than [`MAX_CREDENTIAL_BYTES`].
    #[error("The credential is too long: at most {MAX_CREDENTIAL_BYTES} bytes are read")]
    TooLong,
    /// Not signed by the configured key, for this audience, by this issuer, at this time.
    #[error(
        "The credential is not valid: it is expired, not yet valid, not for this service, or not signed by its login; log in again"
    )]
    Invalid(Cause),
    /// The keys that would tell are not at hand. This is no fault of the caller's.
    #[error(
        "The keys of the login cannot be read at the moment; try again in {retry_after} seconds"
    )]
    KeysUnavailable {
        /// Why, for the log.
        reason: Unavailable,
        /// When a further request can succeed, in seconds.
        retry_after: u64,
    },
    /// A claim of a wrong type, or a claim that is missing.
    #[error("The credential's claim {} is missing, repeated or of a wrong type", .0.name())]
    Claim(Claim),
    /// A good credential of somebody who is not in a group that may join.
    #[error("Not a member of a group that may join")]
    NotMember(Group),
}

/// Why somebody is not in a group that may join.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Group {
    /// The credential does not say in which groups.
    #[error("the claim of auth_required_claim is missing")]
    NoClaim,
    /// Only in others.
    #[error("the claim of auth_required_claim has none of auth_required_values")]
    Another,
}

/// Why a key is not at hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unavailable {
    /// The fetch for this request failed.
    #[error("auth_jwks_url {0}")]
    Source(SourceError),
    /// A fetch failed so short a time ago that none is tried again yet.
    #[error("there is no copy of auth_jwks_url's document, and fetching it failed a moment ago")]
    NoCopy,
    /// The copy does not have the key, and is so new that it is not fetched again yet.
    #[error("no key for this credential, and auth_jwks_url was fetched a moment ago")]
    NewKey,
}

/// Why `auth_jwks_url` brings no keys; `Display` continues a sentence that starts with that name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// No response.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// A status of 300 to 399.
    #[error("is redirected, which is not followed; set it to the address of the document itself")]
    Redirect,
    /// Any other status but 200.
    #[error("responds with status {0} instead of 200")]
    Status(u16),
    /// Not UTF-8.
    #[error("responds with something that is not text")]
    NotText,
    /// Not a document of keys that can be used.
    #[error("responds with a document that {}", .0.trim_end_matches('.'))]
    KeySet(&'static str),
}

/// What the operator should know although the request goes on; `Display` is the log's sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Warning {
    /// Old keys are used, since no newer ones can be had.
    #[error("auth_jwks_url {error}; the copy of {age} seconds ago is used")]
    StaleCopy {
        /// Its age in seconds.
        age: u64,
        /// What is wrong with the address.
        error: SourceError,
    },
    /// Nothing can be kept.
    #[error(
        "the key-value store default cannot be used, so auth_jwks_url is fetched for every request; with Spin, key_value_stores in spin.toml grants it"
    )]
    StoreUnavailable,
    /// Something else has written into the store.
    #[error("the stored copy of auth_jwks_url's document is damaged, and is not used")]
    DamagedCopy,
}

/// What is wrong with the header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Header {
    /// More than one.
    #[error("more than one Authorization header")]
    Several,
    /// A byte that is not of a token.
    #[error("Authorization is not text")]
    NotText,
    /// Another scheme, or none.
    #[error("Authorization is not Bearer and a token")]
    NotBearer,
    /// A space or a comma within the token.
    #[error("Authorization has more than one token")]
    SeveralTokens,
}

/// Why a token is not valid. Until the signature is verified, this is about the token's structure alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Cause {
    /// No credential, only a name of nothing.
    #[error("the token is the word undefined, null or [object Object]: the page has no credential")]
    Unset,
    /// Not three parts.
    #[error("not a JWT: an opaque token, such as an access token that only its issuer can read")]
    Opaque,
    /// Five parts.
    #[error("encrypted (JWE); let the login issue signed tokens (JWS)")]
    Encrypted,
    /// A header that is not JSON of the right types.
    #[error("the JWT's header is unreadable")]
    HeaderUnreadable,
    /// `jwk`, which RFC 7515 has as an object.
    #[error(
        "the JWT's header has a key of its own (jwk), which proves nothing; let the login leave it out"
    )]
    EmbeddedKey,
    /// Another member, whose type is not that of RFC 7515.
    #[error("the JWT's header has a {0} of a wrong type")]
    HeaderMember(&'static str),
    /// `crit`.
    #[error("the JWT's header has a critical extension (crit)")]
    CriticalExtension,
    /// `typ` is of another kind of token.
    #[error("the JWT's header has a typ other than JWT and at+jwt")]
    WrongType,
    /// `none`.
    #[error("alg is none")]
    AlgorithmNone,
    /// Another than the one key's.
    #[error("alg is not {0}, which is the configured key's")]
    Algorithm(&'static str),
    /// A site without a login.
    #[error("a credential where there is no login, only invitations")]
    NoLogin,
    /// One that no key of the set has.
    #[error("alg is not that of any key in the key set")]
    AlgorithmOfNoKey,
    /// Not in the key set.
    #[error("kid is not in the key set, or its key is for another alg")]
    UnknownKid,
    /// None, and several keys.
    #[error("kid is missing, and the key set has more than one key for this alg")]
    NoKid,
    /// The signature does not verify.
    #[error("the signature is not the configured key's")]
    Signature,
    /// The verified claims are not JSON of the right types.
    #[error("the claims are unreadable")]
    ClaimsUnreadable,
    /// Two equal names, at any depth.
    #[error("a claim is repeated")]
    Repeated,
    /// A claim of the wrong type.
    #[error("the claim {0} has a wrong type")]
    ClaimType(&'static str),
    /// No `iss`.
    #[error("iss is missing")]
    NoIssuer,
    /// Another `iss`.
    #[error("iss is not auth_issuer")]
    Issuer,
    /// No `aud`.
    #[error("aud is missing")]
    NoAudience,
    /// Another `aud`.
    #[error("aud is not auth_audience")]
    Audience,
    /// Nothing in the claim that stands for `aud`.
    #[error("the claim of auth_audience_claim is missing")]
    NoAudienceClaim,
    /// Another value in the claim that stands for `aud`.
    #[error("the claim of auth_audience_claim is not auth_audience")]
    AudienceClaim,
    /// In the past.
    #[error("exp is in the past")]
    Expired,
    /// Too far in the future.
    #[error("exp is more than 366 days ahead; is it in milliseconds?")]
    ExpiresTooLate,
    /// `nbf` in the future.
    #[error("nbf is in the future")]
    NotYetValid,
    /// `nbf` far in the future.
    #[error("nbf is more than 366 days ahead; is it in milliseconds?")]
    NotBeforeTooLate,
    /// `iat` in the future.
    #[error("iat is in the future")]
    IssuedInFuture,
    /// `iat` far in the future.
    #[error("iat is more than 366 days ahead; is it in milliseconds?")]
    IssuedTooLate,
    /// A clock of this host that is off by decades.
    #[error("this host's clock is too far off to check exp")]
    Clock,
}

/// What is wrong with a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Claim {
    /// No `exp`.
    #[error("exp is missing")]
    NoExpiry,
    /// No `sub`.
    #[error("sub is missing")]
    NoSubject,
    /// Nothing in `sub`.
    #[error("sub is empty")]
    EmptySubject,
    /// A `sub` that cannot be an id.
    #[error("sub is too long, or has a control character or nothing visible")]
    UnusableSubject,
    /// No claim that stands for `sub`.
    #[error("the claim of auth_id_claim is missing")]
    NoId,
    /// Nothing in the claim that stands for `sub`.
    #[error("the claim of auth_id_claim is empty")]
    EmptyId,
    /// A claim that stands for `sub` and cannot be an id.
    #[error(
        "the claim of auth_id_claim is too long, or has a control character or nothing visible"
    )]
    UnusableId,
    /// The claim that makes a moderator.
    #[error("the claim for moderators has a wrong type")]
    Moderator,
    /// Any other claim.
    #[error("the claim {0} has a wrong type")]
    Type(&'static str),
}

impl Claim {
    /// The claim, as the caller reads it.
    const fn name(self) -> &'static str {
        match self {
            Self::NoExpiry => "exp",
            Self::NoSubject | Self::EmptySubject | Self::UnusableSubject => "sub",
            Self::NoId | Self::EmptyId | Self::UnusableId => "of auth_id_claim",
            Self::Moderator => "for moderators",
            Self::Type(name) => name,
        }
    }
}

impl Error {
    /// The value of `WWW-Authenticate` (RFC 6750, section 3): the error only where a credential was sent, and nothing
    /// where another login would not help.
    #[must_use]
    pub const fn challenge(self) -> Option<&'static str> {
        match self {
            Self::Absent => Some(r#"Bearer realm="jaas-jwt""#),
            Self::NotMember(_) => None,
            _ => Some(r#"Bearer realm="jaas-jwt", error="invalid_token""#),
        }
    }

    /// What the log says: the cause, in fixed words without values.
    #[must_use]
    pub fn reason(self) -> String {
        match self {
            Self::Absent => "no credential".to_owned(),
            Self::TooLong => "the credential is too long".to_owned(),
            Self::Malformed(header) => header.to_string(),
            Self::Invalid(cause) => cause.to_string(),
            Self::Claim(claim) => claim.to_string(),
            Self::KeysUnavailable { reason, .. } => reason.to_string(),
            Self::NotMember(group) => group.to_string(),
        }
    }
}
