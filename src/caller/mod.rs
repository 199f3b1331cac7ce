//! Authenticates the caller by the credential in `Authorization`.
//!
//! The credential is a JWT issued by the site's own login or its identity provider. It is verified with exactly one
//! configured key, or with one key of a key set. The algorithm follows from the key, never from the token. The rules are
//! those of the JWT Best Current Practices (RFC 8725) and Bearer Token Usage (RFC 6750).
#![forbid(unsafe_code)]

mod bearer;
mod claim_path;
mod claims;
mod error;
mod identity;
mod key;
mod key_set;
mod public_key;
mod remote;
mod token_type;

use std::rc::Rc;

use crate::environment::Environment;
use crate::http::Headers;

pub use crate::secret_text::MIN_SECRET_BYTES;
pub use claim_path::{ClaimPath, ClaimValues, IdentityClaims};
pub use claims::{LATEST_INSTANT, MAX_LIFETIME_SECONDS, TOLERANCE_SECONDS};
pub use error::{
    Cause, Claim, Error, Group, Header, MAX_CREDENTIAL_BYTES, SourceError, Unavailable, Warning,
};
pub use identity::{Caller, Identity};
pub use key::VerificationKey;
pub use key_set::{Dropped, KeySet};
pub use public_key::PublicKey;
pub use remote::{
    MAX_DOCUMENT_BYTES, REFRESH_INTERVAL_SECONDS, RETRY_INTERVAL_SECONDS, RemoteKeySet,
    TIMEOUT_SECONDS,
};

/// How callers are authenticated.
#[derive(Debug)]
pub struct Settings {
    /// Whether a caller without a credential is rejected, rather than treated as a guest.
    pub required: bool,
    /// The key that verifies a credential's signature.
    pub key: KeySource,
    /// The only accepted `iss`.
    pub issuer: String,
    /// The audience claim, and the audiences of which it must name one.
    pub audience: ClaimValues,
    /// The claim and its values for groups that may join; `None` if every authenticated person may join.
    pub group: Option<ClaimValues>,
    /// The claims that identify a person.
    pub identity: IdentityClaims,
}

/// The source of the key or key set.
#[derive(Debug)]
pub enum KeySource {
    /// From a variable.
    Configured(Rc<VerificationKey>),
    /// From a URL.
    Remote(RemoteKeySet),
    /// There is no key, and every credential is rejected.
    NoLogin,
}

impl Settings {
    /// Creates the settings of a site without a login, where every credential is rejected.
    #[must_use]
    pub fn without_login(required: bool) -> Self {
        let claim = |name| ClaimPath::new(name, name);
        let none_of = |name| ClaimValues {
            claim: claim(name),
            values: Vec::new(),
        };
        Self {
            required,
            key: KeySource::NoLogin,
            issuer: String::new(),
            audience: none_of("aud"),
            group: None,
            identity: IdentityClaims {
                id: claim("sub"),
                name: Vec::new(),
                picture: Vec::new(),
                email: None,
                rooms: claim("rooms"),
                moderator: none_of("moderator"),
                visitor_values: Vec::new(),
                name_by_request: false,
            },
        }
    }

    /// Authenticates the caller. `warning` is set to what the operator should know about fetching the keys.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn authenticate(
        &self,
        headers: &Headers,
        environment: &Environment<'_>,
        warning: &mut Option<Warning>,
    ) -> Result<Caller, Error> {
        match bearer::token(headers)? {
            Some(token) => self
                .identify(token, environment, warning)
                .map(Caller::Known),
            None if self.required => Err(Error::Absent),
            None => Ok(Caller::Guest),
        }
    }

    fn identify(
        &self,
        token: &str,
        environment: &Environment<'_>,
        warning: &mut Option<Warning>,
    ) -> Result<Identity, Error> {
        let metadata = key::metadata(token).map_err(Error::Invalid)?;
        token_type::check(&metadata).map_err(Error::Invalid)?;
        let claims = match &self.key {
            KeySource::Configured(key) => key.verify(token, &metadata).map_err(Error::Invalid)?,
            KeySource::Remote(keys) => keys.verify(token, &metadata, environment, warning)?,
            KeySource::NoLogin => return Err(Error::Invalid(Cause::NoLogin)),
        };
        claims::check(&claims, &self.issuer, &self.audience, environment.now)?;
        let identity = identity::read(&claims, &self.identity).map_err(Error::Claim)?;
        if let Some(group) = &self.group {
            claims::check_group(&claims, group)?;
        }
        Ok(identity)
    }
}

#[cfg(test)]
mod tests;
