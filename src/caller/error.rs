//! Why a caller is rejected: a sentence for the caller, and the exact cause for the log.
#![forbid(unsafe_code)]

use crate::environment::FetchError;

/// The maximum length of a credential, in bytes.
pub const MAX_CREDENTIAL_BYTES: usize = 8 * 1024;

/// Why a caller is rejected. `Display` is the public message, [`Error::reason`] the text for the log. Neither contains any
/// part of the credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// There is no credential, and one is required.
    #[error("Not logged in: send Authorization: Bearer with the credential of your login")]
    Absent,
    /// There is more than one `Authorization` header, or it is not `Bearer` and one token.
    #[error("Malformed credential: send one header, Authorization: Bearer TOKEN")]
    Malformed(Header),
    /// The credential is longer than [`MAX_CREDENTIAL_BYTES`].
    #[error("The credential is too long: at most {MAX_CREDENTIAL_BYTES} bytes are read")]
    TooLong,
    /// The credential is not a JWT signed by the configured key, from this issuer, for this audience and at this time.
    #[error(
        "The credential is not valid: it is expired, not yet valid, not for this service, or not signed by its login; log in again"
    )]
    Invalid(Cause),
    /// The login's keys are unavailable at the moment, so the credential cannot be verified. The caller is not at fault.
    #[error(
        "The keys of the login cannot be read at the moment; try again in {retry_after} seconds"
    )]
    KeysUnavailable {
        /// The cause, for the log.
        reason: Unavailable,
        /// The time after which another request can succeed, in seconds.
        retry_after: u64,
    },
    /// A claim is missing or has a wrong type.
    #[error("The credential's claim {} is missing, repeated or of a wrong type", .0.name())]
    Claim(Claim),
    /// The credential is valid, but the person is in no group that may join.
    #[error("Not a member of a group that may join")]
    NotMember(Group),
}

/// Why a person is in no group that may join.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Group {
    /// The credential names no groups.
    #[error("the claim of auth_required_claim is missing")]
    NoClaim,
    /// The credential names other groups only.
    #[error("the claim of auth_required_claim has none of auth_required_values")]
    Another,
}

/// Why a key is unavailable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unavailable {
    /// The fetch for this request failed.
    #[error("auth_jwks_url {0}")]
    Source(SourceError),
    /// There is no usable copy, and the last fetch was too recent to fetch again.
    #[error("there is no copy of auth_jwks_url's document, and fetching it failed a moment ago")]
    NoCopy,
    /// The key is not in the copy, and the last fetch was too recent to fetch again.
    #[error("no key for this credential, and auth_jwks_url was fetched a moment ago")]
    NewKey,
}

/// Why a fetch of `auth_jwks_url` yields no keys. `Display` continues a sentence that starts with that name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// There is no complete response.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// A status of 300 to 399.
    #[error("is redirected, which is not followed; set it to the address of the document itself")]
    Redirect,
    /// A status other than 200 and the redirects.
    #[error("responds with status {0} instead of 200")]
    Status(u16),
    /// The document is not UTF-8.
    #[error("responds with something that is not text")]
    NotText,
    /// The document is not a usable key set.
    #[error("responds with a document that {}", .0.trim_end_matches('.'))]
    KeySet(&'static str),
}

/// Something that the operator should know although the request is not rejected. `Display` is the text for the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Warning {
    /// A stale copy of the key set is used, because the fetch of a newer one failed.
    #[error("auth_jwks_url {error}; the copy of {age} seconds ago is used")]
    StaleCopy {
        /// The age of the copy, in seconds.
        age: u64,
        /// Why the fetch failed.
        error: SourceError,
    },
    /// The store is unavailable, so the key set cannot be kept.
    #[error(
        "the key-value store default cannot be used, so auth_jwks_url is fetched for every request; with Spin, key_value_stores in spin.toml grants it"
    )]
    StoreUnavailable,
    /// The stored copy is not one that this service wrote.
    #[error("the stored copy of auth_jwks_url's document is damaged, and is not used")]
    DamagedCopy,
}

/// Why the `Authorization` header is malformed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Header {
    /// There is more than one header.
    #[error("more than one Authorization header")]
    Several,
    /// The header is not UTF-8.
    #[error("Authorization is not text")]
    NotText,
    /// The scheme is not `Bearer`, or is missing.
    #[error("Authorization is not Bearer and a token")]
    NotBearer,
    /// The token contains a space.
    #[error("Authorization has more than one token")]
    SeveralTokens,
}

/// Why a token is invalid. Until the signature is verified, a cause concerns the token's structure alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Cause {
    /// The token is a placeholder for an absent value, such as `undefined`.
    #[error("the token is the word undefined, null or [object Object]: the page has no credential")]
    Unset,
    /// The token does not have three or five parts.
    #[error("not a JWT: an opaque token, such as an access token that only its issuer can read")]
    Opaque,
    /// The token has five parts (JWE).
    #[error("encrypted (JWE); let the login issue signed tokens (JWS)")]
    Encrypted,
    /// The header cannot be read, for example because it is not JSON or repeats a name.
    #[error("the JWT's header is unreadable")]
    HeaderUnreadable,
    /// The header has an embedded key: `jwk` as an object (RFC 7515, section 4.1.3).
    #[error(
        "the JWT's header has a key of its own (jwk), which proves nothing; let the login leave it out"
    )]
    EmbeddedKey,
    /// A member of the header has another type than in RFC 7515.
    #[error("the JWT's header has a {0} of a wrong type")]
    HeaderMember(&'static str),
    /// The header has a `crit` that jwt-simple does not support.
    #[error("the JWT's header has a critical extension (crit)")]
    CriticalExtension,
    /// `typ` names another kind of token.
    #[error("the JWT's header has a typ other than JWT and at+jwt")]
    WrongType,
    /// `alg` is `none`.
    #[error("alg is none")]
    AlgorithmNone,
    /// `alg` is not the algorithm of the configured key.
    #[error("alg is not {0}, which is the configured key's")]
    Algorithm(&'static str),
    /// The site accepts invitations only and has no login.
    #[error("a credential where there is no login, only invitations")]
    NoLogin,
    /// No key of the set is for this `alg`.
    #[error("alg is not that of any key in the key set")]
    AlgorithmOfNoKey,
    /// No key for this `alg` has this `kid`.
    #[error("kid is not in the key set, or its key is for another alg")]
    UnknownKid,
    /// `kid` is missing, and several keys are for this `alg`.
    #[error("kid is missing, and the key set has more than one key for this alg")]
    NoKid,
    /// The signature does not verify.
    #[error("the signature is not the configured key's")]
    Signature,
    /// The signature is valid, but the claims are not a JSON object of the right types.
    #[error("the claims are unreadable")]
    ClaimsUnreadable,
    /// A name is repeated, at any depth.
    #[error("a claim is repeated")]
    Repeated,
    /// A claim has a wrong type.
    #[error("the claim {0} has a wrong type")]
    ClaimType(&'static str),
    /// `iss` is missing.
    #[error("iss is missing")]
    NoIssuer,
    /// `iss` is another issuer.
    #[error("iss is not auth_issuer")]
    Issuer,
    /// `aud` is missing.
    #[error("aud is missing")]
    NoAudience,
    /// `aud` names none of the configured audiences.
    #[error("aud is not auth_audience")]
    Audience,
    /// The claim configured in place of `aud` is missing.
    #[error("the claim of auth_audience_claim is missing")]
    NoAudienceClaim,
    /// The claim configured in place of `aud` names none of the configured audiences.
    #[error("the claim of auth_audience_claim is not auth_audience")]
    AudienceClaim,
    /// `exp` is in the past.
    #[error("exp is in the past")]
    Expired,
    /// `exp` is too far in the future.
    #[error("exp is more than 366 days ahead; is it in milliseconds?")]
    ExpiresTooLate,
    /// `nbf` is in the future.
    #[error("nbf is in the future")]
    NotYetValid,
    /// `nbf` is too far in the future.
    #[error("nbf is more than 366 days ahead; is it in milliseconds?")]
    NotBeforeTooLate,
    /// `iat` is in the future.
    #[error("iat is in the future")]
    IssuedInFuture,
    /// `iat` is too far in the future.
    #[error("iat is more than 366 days ahead; is it in milliseconds?")]
    IssuedTooLate,
    /// The clock of this host is off by decades.
    #[error("this host's clock is too far off to check exp")]
    Clock,
}

/// What is wrong with a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Claim {
    /// `exp` is missing.
    #[error("exp is missing")]
    NoExpiry,
    /// `sub` is missing.
    #[error("sub is missing")]
    NoSubject,
    /// `sub` is empty.
    #[error("sub is empty")]
    EmptySubject,
    /// `sub` is not a valid id.
    #[error("sub is too long, or has a control character or nothing visible")]
    UnusableSubject,
    /// The claim configured in place of `sub` is missing.
    #[error("the claim of auth_id_claim is missing")]
    NoId,
    /// The claim configured in place of `sub` is empty.
    #[error("the claim of auth_id_claim is empty")]
    EmptyId,
    /// The claim configured in place of `sub` is not a valid id.
    #[error(
        "the claim of auth_id_claim is too long, or has a control character or nothing visible"
    )]
    UnusableId,
    /// The claim for roles has a wrong type.
    #[error("the claim for moderators has a wrong type")]
    Moderator,
    /// Another claim has a wrong type.
    #[error("the claim {0} has a wrong type")]
    Type(&'static str),
}

impl Claim {
    /// Returns the name of the claim, for the public message.
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
    /// Returns the value of `WWW-Authenticate` (RFC 6750, section 3). It contains an error only if a credential was sent. There
    /// is none for a person in no group that may join, whom another login would not help.
    #[must_use]
    pub const fn challenge(self) -> Option<&'static str> {
        match self {
            Self::Absent => Some(r#"Bearer realm="jaas-jwt""#),
            Self::NotMember(_) => None,
            _ => Some(r#"Bearer realm="jaas-jwt", error="invalid_token""#),
        }
    }

    /// Returns the text for the log: the cause in fixed words, without values.
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
