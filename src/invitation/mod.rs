//! Invitations, which let their holders into a room without a login until they expire.
//!
//! An invitation is a JWT with its own type, signed with its own secret (HS256), so that it cannot be taken for a login's
//! credential. Anyone who has it can use it, like a key. It is shown only in the response that creates it.
#![forbid(unsafe_code)]

mod claims;
mod error;
mod id;
mod link;
mod order;
mod register;
#[cfg(test)]
pub(crate) mod tests;

use jwt_simple::prelude::HS256Key;

use crate::environment::{Random, Store};
use crate::http::Headers;
use crate::person;
use crate::role::Role;
use crate::room;
use crate::secret_text;

use claims::Claims;
use error::MIN_LIFETIME_SECONDS;

pub use claims::{ISSUER, TYPE};
pub use error::{Cause, Error, MAX_INVITATION_BYTES, MAX_LIFETIME_SECONDS, MAX_USES};
pub use id::Id;
pub use link::{Link, LinkError};
pub use order::NewInvitation;

/// How invitations are made and verified.
pub struct Settings {
    key: HS256Key,
    /// The link to the page that the invited person visits.
    pub link: Option<Link>,
    /// Invitations made before this time are invalid, in seconds since 1970-01-01 UTC.
    pub not_before: u64,
}

impl std::fmt::Debug for Settings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Settings")
            .field("link", &self.link)
            .field("not_before", &self.not_before)
            .finish_non_exhaustive()
    }
}

/// A verified invitation.
#[derive(Debug)]
pub struct Invitation {
    /// The invitation's id.
    pub id: Id,
    /// The room, if the invitation is for a single one; `None` if it is for a pattern.
    pub room: Option<room::Name>,
    /// The rooms that the holder may join.
    pub rooms: room::List,
    /// The highest role that the holder may have.
    pub role: Role,
    /// The name of the holder, unless the request has another.
    pub name: Option<person::Name>,
    /// The expiry, in seconds since 1970-01-01 UTC.
    pub expires_at: u64,
    max_uses: Option<u32>,
    parent: Option<Id>,
}

/// A newly made invitation.
#[derive(Debug)]
pub struct Made {
    /// The invitation's id.
    pub id: Id,
    /// The signed JWT.
    pub invitation: crate::secret::Secret<String>,
    /// The expiry, in seconds since 1970-01-01 UTC.
    pub expires_at: u64,
}

impl Settings {
    /// Creates settings with this secret.
    ///
    /// # Errors
    /// If the secret is too weak. The error continues a sentence that starts with the variable's name.
    pub fn new(secret: &str) -> Result<Self, &'static str> {
        secret_text::check(secret)?;
        Ok(Self {
            key: HS256Key::from_bytes(secret.as_bytes()),
            link: None,
            not_before: 0,
        })
    }

    /// Whether another key was made from the same secret.
    #[must_use]
    pub fn has_secret_of(&self, other: &HS256Key) -> bool {
        self.key.to_bytes() == other.to_bytes()
    }

    /// Verifies an invitation for this App ID and time.
    ///
    /// # Errors
    /// [`Error::Invalid`], or [`Error::StoreUnavailable`] if it is unknown whether the invitation was withdrawn.
    pub fn verify(
        &self,
        text: &str,
        app_id: &str,
        now: u64,
        store: &dyn Store,
    ) -> Result<Invitation, Error> {
        let claims = Claims::verify(text, &self.key)?;
        claims.check(app_id, self.not_before, now)?;
        let invitation = Invitation::from_claims(claims)?;
        for id in [Some(&invitation.id), invitation.parent.as_ref()] {
            if let Some(id) = id
                && register::is_withdrawn(store, id)?
            {
                return Err(Cause::Withdrawn.into());
            }
        }
        Ok(invitation)
    }

    /// Makes an invitation. If its maker was invited, it expires no later than the maker's own invitation.
    ///
    /// # Errors
    /// [`Error::MayNotInvite`] if the maker may not invite, or [`Error::Parameter`] if the times do not fit.
    pub fn make(
        &self,
        order: NewInvitation,
        by: Option<&Invitation>,
        app_id: &str,
        now: u64,
        random: &mut dyn Random,
    ) -> Result<Made, Error> {
        if by.is_some_and(|by| !by.may_invite()) {
            return Err(Error::MayNotInvite);
        }
        let latest = now.saturating_add(MAX_LIFETIME_SECONDS);
        let not_before = order.not_before.unwrap_or(now).max(now);
        if not_before >= latest {
            return Err(order::NOT_BEFORE);
        }
        let expires_at = not_before.saturating_add(order.expires_in);
        if expires_at > latest {
            return Err(order::LIFETIME);
        }
        let expires_at = by.map_or(expires_at, |by| by.expires_at.min(expires_at));
        if expires_at < not_before.saturating_add(MIN_LIFETIME_SECONDS) {
            return Err(order::NOT_BEFORE);
        }
        let id = Id::random(random);
        let claims = Claims {
            aud: app_id.to_owned(),
            exp: expires_at,
            iat: now,
            iss: ISSUER.to_owned(),
            jti: id.as_str().to_owned(),
            max_uses: order.max_uses,
            name: order.name.map(crate::secret::Secret::into_inner),
            nbf: not_before,
            parent: by.map(|by| by.id.as_str().to_owned()),
            role: order.role.name().to_owned(),
            room: order.room,
        };
        Ok(Made {
            id,
            invitation: crate::secret::Secret::new(claims.sign(&self.key)?),
            expires_at,
        })
    }
}

impl Invitation {
    fn from_claims(claims: Claims) -> Result<Self, Cause> {
        let id = |text: &str| Id::parse(text).map_err(|_| Cause::Claims);
        let name = claims.name.as_deref().map(person::Name::parse);
        if claims.max_uses == Some(0) {
            return Err(Cause::Claims);
        }
        Ok(Self {
            id: id(&claims.jti)?,
            room: room::Name::parse(&claims.room).ok(),
            rooms: room::List::one(&claims.room).map_err(|_| Cause::Claims)?,
            role: Role::from_name(&claims.role).ok_or(Cause::Claims)?,
            name: name.transpose().map_err(|_| Cause::Claims)?,
            expires_at: claims.exp,
            max_uses: claims.max_uses,
            parent: claims.parent.as_deref().map(id).transpose()?,
        })
    }

    /// An invitation that expires one day after the tests' time.
    #[cfg(test)]
    pub(crate) fn for_tests(room: &str, role: Role, name: Option<person::Name>) -> Self {
        Self {
            id: Id::parse(&"0".repeat(32)).unwrap(),
            room: room::Name::parse(room).ok(),
            rooms: room::List::from_names([room]),
            role,
            name,
            expires_at: 1_700_086_400,
            max_uses: None,
            parent: None,
        }
    }

    /// Whether the holder may invite others and withdraw invitations.
    #[must_use]
    pub const fn may_invite(&self) -> bool {
        self.max_uses.is_none() && self.parent.is_none()
    }

    /// Checks that a use is left, if uses are limited.
    ///
    /// # Errors
    /// As for [`Invitation::redeem`].
    pub fn check_uses(&self, store: &dyn Store) -> Result<(), Error> {
        match self.max_uses {
            Some(max_uses) => register::check_uses(store, &self.id, max_uses),
            None => Ok(()),
        }
    }

    /// Counts a use, if uses are limited.
    ///
    /// # Errors
    /// [`Cause::UsedUp`], or [`Error::StoreUnavailable`].
    pub fn redeem(&self, store: &dyn Store) -> Result<(), Error> {
        match self.max_uses {
            Some(max_uses) => register::count(store, &self.id, max_uses, self.expires_at),
            None => Ok(()),
        }
    }
}

/// Withdraws an invitation, together with those that its holders made.
///
/// # Errors
/// [`Error::StoreUnavailable`].
pub fn withdraw(store: &dyn Store, id: &Id, now: u64) -> Result<(), Error> {
    register::withdraw(store, id, now)
}

/// Returns the invitation in `Authorization`, which is distinguished from a login's credential by its type.
#[must_use]
pub fn bearer(headers: &Headers) -> Option<&str> {
    let mut values = headers.get_all("authorization");
    let (Some(value), None) = (values.next(), values.next()) else {
        return None;
    };
    let (scheme, token) = str::from_utf8(value).ok()?.trim().split_once(' ')?;
    let token = token.trim_start();
    (scheme.eq_ignore_ascii_case("bearer") && claims::has_type(token)).then_some(token)
}
