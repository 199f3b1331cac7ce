//! The claim set of an invitation. No other claims are allowed, and all of them are checked.
#![forbid(unsafe_code)]

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jwt_simple::claims::NoCustomClaims;
use jwt_simple::common::HeaderOptions;
use jwt_simple::prelude::{Duration, HS256Key, MACLike, UnixTimeStamp, VerificationOptions};
use jwt_simple::token::Token;
use serde::{Deserialize, Serialize};

use super::error::{Cause, Error, MAX_INVITATION_BYTES, MAX_LIFETIME_SECONDS};
use crate::caller::{LATEST_INSTANT, TOLERANCE_SECONDS};

/// The issuer of every invitation.
pub const ISSUER: &str = "jaas-jwt";
/// The type of an invitation (RFC 8725, section 3.11). No login's credential has it.
pub const TYPE: &str = "invitation+jwt";

/// The claims of an invitation. An unknown claim makes it invalid.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Claims {
    /// The App ID.
    pub aud: String,
    /// The expiry, in seconds since 1970-01-01 UTC, like `iat` and `nbf`.
    pub exp: u64,
    pub iat: u64,
    pub iss: String,
    /// The id of the invitation: 128 random bits in hexadecimal.
    pub jti: String,
    /// The maximum number of tokens that are issued for the invitation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_uses: Option<u32>,
    /// The name of the invited person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    pub nbf: u64,
    /// The id of its maker's own invitation. If that is withdrawn, so is this invitation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
    pub role: String,
    /// A room, or a pattern.
    pub room: String,
}

/// Whether a text is a token whose header has [`TYPE`]. Nothing is verified.
pub(super) fn has_type(token: &str) -> bool {
    Token::decode_metadata(token).is_ok_and(|metadata| metadata.signature_type() == Some(TYPE))
}

impl Claims {
    pub(super) fn sign(self, key: &HS256Key) -> Result<String, Error> {
        let options = HeaderOptions {
            signature_type: Some(TYPE.to_owned()),
            ..HeaderOptions::default()
        };
        // Without jwt-simple's own claims, which would repeat these.
        let claims = crate::jwt::only(self);
        key.authenticate_with_options(claims, &options)
            .map_err(|_| Error::Signing)
    }

    /// Verifies the signature and returns the claims, which are not checked yet.
    pub(super) fn verify(token: &str, key: &HS256Key) -> Result<Self, Cause> {
        if token.len() > MAX_INVITATION_BYTES {
            return Err(Cause::TooLong);
        }
        let metadata = Token::decode_metadata(token).map_err(|_| Cause::Type)?;
        if !has_type(token) || metadata.algorithm() != "HS256" {
            return Err(Cause::Type);
        }
        let options = VerificationOptions {
            required_signature_type: Some(TYPE.to_owned()),
            // Times are checked by `check`: jwt-simple keeps them in 32 bits.
            accept_future: true,
            artificial_time: Some(UnixTimeStamp::from_secs(0)),
            time_tolerance: Some(Duration::from_secs(0)),
            ..VerificationOptions::default()
        };
        match key.verify_token::<NoCustomClaims>(token, Some(options)) {
            Ok(_) => {}
            // jwt-simple parses the claims only after it has verified the signature.
            Err(error) if error.is::<serde_json::Error>() => return Err(Cause::Claims),
            Err(_) => return Err(Cause::Signature),
        }
        let payload = token.split('.').nth(1).ok_or(Cause::Type)?;
        let payload = URL_SAFE_NO_PAD.decode(payload).map_err(|_| Cause::Claims)?;
        serde_json::from_slice(&payload).map_err(|_| Cause::Claims)
    }

    /// Checks the claims that depend on this service and on the current time.
    pub(super) fn check(&self, app_id: &str, not_before: u64, now: u64) -> Result<(), Cause> {
        if !(TOLERANCE_SECONDS..=LATEST_INSTANT).contains(&now) {
            return Err(Cause::Clock);
        }
        // The clock of the instance that made the invitation may be ahead.
        let soon = now + TOLERANCE_SECONDS;
        let rules = [
            (self.iss == ISSUER, Cause::Issuer),
            (self.aud == app_id, Cause::Audience),
            (self.iat <= soon, Cause::IssuedInFuture),
            (self.iat >= not_before, Cause::Older),
            (
                self.exp.saturating_sub(self.iat) <= MAX_LIFETIME_SECONDS,
                Cause::Lifetime,
            ),
            (self.nbf <= soon, Cause::NotYetValid),
            // Without tolerance: a token issued now would expire together with the invitation.
            (self.exp > now, Cause::Expired),
        ];
        match rules.into_iter().find(|(holds, _)| !holds) {
            Some((_, cause)) => Err(cause),
            None => Ok(()),
        }
    }
}
