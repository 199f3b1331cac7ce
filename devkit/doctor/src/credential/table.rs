//! The service's errors: the check to which each belongs, and what to do about it.

use crate::service::{Cause, Claim, Error};

/// The checks of claims in the report's order: the name, the variable with the claim's name (empty if it is the check's
/// name), and the required type.
pub(super) const CLAIMS: [(&str, &str, &str); 12] = [
    ("iss", "", TEXT),
    ("aud", "auth_audience_claim", TEXT_OR_LIST),
    ("exp", "", SECONDS),
    ("nbf", "", SECONDS),
    ("iat", "", SECONDS),
    ("sub", "auth_id_claim", TEXT),
    ("name", "auth_name_claim", TEXT),
    ("email", "auth_email_claim", TEXT),
    ("picture", "auth_picture_claim", TEXT),
    ("group", "auth_required_claim", TEXT_OR_LIST),
    ("moderator", "auth_moderator_claim", ROLES),
    ("rooms", "auth_rooms_claim", "a list of strings"),
];
const TEXT: &str = "a string";
const TEXT_OR_LIST: &str = "a string or a list of strings";
const SECONDS: &str = "a number of seconds since 1970 (RFC 7519)";
const ROLES: &str = "true, false, a string or a list of strings";

// Advice.
const SHORTER: &str = "let the login leave out claims: at most 8,192 bytes are read";
const WAIT: &str = "let the page wait for its login's promise";
const A_JWT: &str = "take the login's JWT: with Auth0, name an API as audience; with Google and Firebase, take the ID token";
pub(super) const CHANGED: &str = "it was cut off or changed on the way";
const ALGORITHMS: &str = "the service verifies HS256, RS256, ES256 and EdDSA alone: set auth_hs256_secret for the first, and auth_jwks_url, auth_jwks or auth_public_key for the others";
const OTHER_KEYS: &str = "the key was retired, another login signed, or auth_jwks is an old copy";
const KID: &str = "let the login write the kid into the header";
const OTHER_KEY: &str = "the login signs with another one, or the credential was changed";
const ISSUER: &str = "set auth_issuer to what the login writes, character by character";
const AUDIENCE: &str = "set auth_audience to what the login writes, character by character";
const NO_AUDIENCE: &str = "let the login write one for this service alone; access tokens of Cognito and session tokens of Clerk have only client_id or azp: set auth_audience_claim to that claim, and auth_audience to its value";
const OLD: &str = "the page sent an old credential, or the login writes local time in place of UTC";
const FAST_CLOCK: &str = "the login's clock is fast, or it writes local time in place of UTC";
const TOO_LATE: &str = "Let the login write seconds, as in Math.floor(Date.now() / 1000)";
const PERSON: &str = "let the login write the person's id, as in String(user.id)";
const GROUP: &str = "add the person's group there, or the person to such a group";

/// Returns the check, and the advice, which is empty if the reason or the required type says enough.
pub(super) fn explain(error: Error) -> (&'static str, &'static str) {
    match error {
        Error::Absent | Error::Malformed(_) => ("form", ""),
        Error::TooLong => ("form", SHORTER),
        Error::KeysUnavailable { .. } => ("keys", ""),
        Error::NotMember(_) => ("group", GROUP),
        Error::Claim(Claim::Type(claim)) => of_type(claim),
        Error::Claim(Claim::NoExpiry) => ("exp", ""),
        Error::Claim(Claim::Moderator) => ("moderator", ""),
        // For all other claims: missing, empty or unusable.
        Error::Claim(_) => ("sub", PERSON),
        Error::Invalid(cause) => of_cause(cause),
    }
}

fn of_cause(cause: Cause) -> (&'static str, &'static str) {
    match cause {
        Cause::Unset => ("form", WAIT),
        Cause::Opaque | Cause::Encrypted => ("form", A_JWT),
        Cause::HeaderUnreadable => ("form", CHANGED),
        Cause::EmbeddedKey | Cause::HeaderMember(_) => ("form", ""),
        Cause::WrongType => ("typ", ""),
        Cause::AlgorithmNone | Cause::Algorithm(_) => ("alg", ALGORITHMS),
        Cause::AlgorithmOfNoKey => ("alg", ALGORITHMS),
        Cause::UnknownKid => ("kid", OTHER_KEYS),
        Cause::NoKid => ("kid", KID),
        Cause::CriticalExtension => ("crit", ""),
        Cause::Signature => ("signature", OTHER_KEY),
        Cause::NoLogin => ("login", ""),
        Cause::NoIssuer => ("iss", ""),
        Cause::Issuer => ("iss", ISSUER),
        Cause::NoAudience | Cause::NoAudienceClaim => ("aud", NO_AUDIENCE),
        Cause::Audience | Cause::AudienceClaim => ("aud", AUDIENCE),
        Cause::Expired => ("exp", OLD),
        Cause::NotYetValid => ("nbf", FAST_CLOCK),
        Cause::IssuedInFuture => ("iat", FAST_CLOCK),
        Cause::ExpiresTooLate => ("exp", TOO_LATE),
        Cause::NotBeforeTooLate => ("nbf", TOO_LATE),
        Cause::IssuedTooLate => ("iat", TOO_LATE),
        Cause::ClaimType(claim) => of_type(claim),
        Cause::ClaimsUnreadable | Cause::Repeated | Cause::Clock => ("claims", ""),
    }
}

/// Returns the check for a claim of a wrong type, which errors name directly or as `of` a variable.
fn of_type(claim: &'static str) -> (&'static str, &'static str) {
    let variable = claim.strip_prefix("of ").unwrap_or("none");
    let check = CLAIMS.iter().find(|(_, other, _)| *other == variable);
    match check.map_or(claim, |(name, ..)| name) {
        "sub" => ("sub", PERSON),
        check => (check, ""),
    }
}

/// Joins a reason and advice to a sentence.
pub(super) fn sentence(reason: &str, advice: &str) -> String {
    match (advice, reason.ends_with('?')) {
        ("", _) => format!("{reason}."),
        (_, true) => format!("{reason} {advice}."),
        (_, false) => format!("{reason}; {advice}."),
    }
}
