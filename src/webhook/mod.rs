//! Requests from 8x8: events of meetings, and requests for a room's settings before a meeting starts.
//!
//! A request proves that it comes from 8x8 by its signature, by the fixed text in `Authorization` that 8x8's console can be
//! told to send, or by both ([`Settings::receive`]). Until then, nothing in it is trusted.
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

/// How requests from 8x8 are verified.
#[derive(Debug)]
pub struct Settings {
    /// The secrets of the endpoint, one of which signs. There are several while a secret is being replaced.
    pub secrets: Vec<Secret<String>>,
    /// The expected value of the whole `Authorization` header.
    pub authorization: Option<Secret<String>>,
    /// The App ID, to which every event must belong.
    pub app_id: String,
}

impl Settings {
    /// Reads a request and verifies that it comes from 8x8. `now` is in seconds since 1970-01-01 UTC.
    ///
    /// If `authorization` is set, `Authorization` must match. If there are secrets, a signature that is present must be valid.
    /// `USAGE` events must be signed, and so must other events if there are secrets. A request for a room's settings may be
    /// unsigned if `Authorization` matches, because 8x8 does not document that it signs them.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn receive(&self, headers: &Headers, body: impl Read, now: u64) -> Result<Event, Error> {
        let has_authorization = self.check_authorization(headers)?;
        // The unparsed bytes, because the signature covers every byte.
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
