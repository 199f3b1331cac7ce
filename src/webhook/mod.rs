//! What 8x8 sends to the service: events of meetings, and the request for a room's settings before a meeting starts.
//!
//! A request proves that it comes from 8x8 by its signature, by the fixed text in `Authorization` that the console has
//! 8x8 send along, or by both ([`Settings::receive`]). Nothing of it is believed before.
#![forbid(unsafe_code)]

mod error;
mod event;
mod fields;
mod room_settings;
mod signature;
#[cfg(test)]
mod tests;

use std::io::Read;

use crate::http::{Headers, read_body};
use crate::secret::Secret;

pub use error::{Error, MAX_BODY_BYTES, TOLERANCE_SECONDS};
pub use event::{Event, UsedDevice};
pub use room_settings::{Provisioning, RoomSettings, RoomSettingsError};

/// How requests of 8x8 are told from others.
#[derive(Debug)]
pub struct Settings {
    /// The secrets of the endpoint, one of which signs. Several while they are changed.
    pub secrets: Vec<Secret<String>>,
    /// The whole value of the header `Authorization`.
    pub authorization: Option<Secret<String>>,
    /// The App ID, to which every event must belong.
    pub app_id: String,
}

impl Settings {
    /// Reads a request, and believes it once it is proven to come from 8x8. `now` is in seconds since 1970-01-01 UTC.
    ///
    /// A signature that is there has to be right where there are secrets, and so has `Authorization` where it is set.
    /// What is counted has to be signed. The request for a room's settings may come without, because 8x8 does not say
    /// that it signs it, but only with the right `Authorization`.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn receive(&self, headers: &Headers, body: impl Read, now: u64) -> Result<Event, Error> {
        let has_authorization = self.check_authorization(headers)?;
        // As it came: its signature is about every byte.
        let body = read_body(headers, body, MAX_BODY_BYTES)?;
        let is_signed = if self.secrets.is_empty() {
            false
        } else {
            signature::check(&self.secrets, headers, &body, now)?
        };
        if !is_signed && !has_authorization {
            return Err(Error::SignatureMissing);
        }
        let event = Event::parse(&body, &self.app_id)?;
        let needs_signature = match event {
            Event::Starting { .. } => false,
            Event::Usage { .. } => true,
            Event::Other => !self.secrets.is_empty(),
        };
        if needs_signature && !is_signed {
            return Err(Error::SignatureMissing);
        }
        Ok(event)
    }

    fn check_authorization(&self, headers: &Headers) -> Result<bool, Error> {
        let Some(expected) = &self.authorization else {
            return Ok(false);
        };
        let mut values = headers.get_all("authorization");
        match (values.next(), values.next()) {
            (Some(value), None) if ct_codecs::verify(value, expected.expose().as_bytes()) => {
                Ok(true)
            }
            _ => Err(Error::Authorization),
        }
    }
}
