//! The events that 8x8 reports, limited to what this service uses.
#![forbid(unsafe_code)]

use serde::Deserialize;
use serde_json::Value;

use super::error::Error;
use crate::room;
use crate::secret::Secret;

/// The prefix of every App ID. A customer id is the App ID without it.
const APP_ID_PREFIX: &str = "vpaas-magic-cookie-";

/// A webhook request from 8x8.
#[derive(Debug)]
pub enum Event {
    /// `SETTINGS_PROVISIONING`: a meeting is about to start, and the response contains its settings.
    Starting {
        /// The room; `None` if no token can be issued for its name.
        room: Option<room::Name>,
    },
    /// `USAGE`: devices that 8x8 will bill.
    Usage {
        /// The time of the event, in seconds since 1970-01-01 UTC.
        at: u64,
        /// The devices.
        devices: Vec<UsedDevice>,
    },
    /// Any other event. Its contents are discarded.
    Other,
}

/// A device that was used in a meeting.
#[derive(Debug)]
pub struct UsedDevice {
    /// The id of the device, or its telephone number.
    pub id: Secret<String>,
    /// The id in the token of the person who used the device.
    pub person: Option<Secret<String>>,
}

/// The members of an event that are read. `fqn` is `<App ID>/<room>`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    event_type: Option<String>,
    fqn: Option<String>,
    app_id: Option<String>,
    customer_id: Option<String>,
    timestamp: Option<u64>,
    #[serde(default)]
    data: Value,
}

/// An entry of the list `data` in a `USAGE` event.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    customer_id: Option<String>,
    device_id: String,
    user_id: Option<String>,
}

impl Event {
    pub(super) fn parse(body: &[u8], app_id: &str) -> Result<Self, Error> {
        let body: Body = serde_json::from_slice(body).map_err(|_| {
            Error::Malformed("the body is not a JSON object with the members that 8x8 documents")
        })?;
        let room = body.check_owner(app_id)?;
        match body.event_type.as_deref() {
            None | Some("SETTINGS_PROVISIONING") => {
                let room = room.ok_or(Error::Malformed("fqn is missing"))?;
                Ok(Self::Starting {
                    room: room::Name::parse(room).ok(),
                })
            }
            Some("USAGE") => body.usage(app_id),
            Some(_) => Ok(Self::Other),
        }
    }
}

impl Body {
    /// Checks that the event belongs to the App ID, and returns its room.
    fn check_owner(&self, app_id: &str) -> Result<Option<&str>, Error> {
        let (owner, room) = match self.fqn.as_deref().map(|fqn| fqn.split_once('/')) {
            Some(Some((owner, room))) => (Some(owner), Some(room)),
            Some(None) => return Err(Error::Malformed("fqn is not App ID, slash and room")),
            None => (None, None),
        };
        let ids = [owner, self.app_id.as_deref()];
        if ids.iter().all(Option::is_none) {
            return Err(Error::Malformed("fqn and appId are missing"));
        }
        let is_own = |id: &str| id.eq_ignore_ascii_case(app_id);
        if ids.into_iter().flatten().all(is_own) && is_customer(self.customer_id.as_deref(), app_id)
        {
            Ok(room)
        } else {
            Err(Error::Foreign)
        }
    }

    fn usage(self, app_id: &str) -> Result<Event, Error> {
        let milliseconds = self
            .timestamp
            .ok_or(Error::Malformed("timestamp is missing"))?;
        let entries: Vec<Entry> = serde_json::from_value(self.data)
            .map_err(|_| Error::Malformed("data is not a list of devices"))?;
        let is_own = |entry: &Entry| is_customer(entry.customer_id.as_deref(), app_id);
        if !entries.iter().all(is_own) {
            return Err(Error::Foreign);
        }
        let devices = entries
            .into_iter()
            .filter(|entry| !entry.device_id.is_empty())
            .map(|entry| UsedDevice {
                id: Secret::new(entry.device_id),
                person: entry.user_id.filter(|id| !id.is_empty()).map(Secret::new),
            })
            .collect();
        Ok(Event::Usage {
            at: milliseconds / 1000,
            devices,
        })
    }
}

/// Whether a customer id is absent or matches the App ID.
fn is_customer(id: Option<&str>, app_id: &str) -> bool {
    let own = app_id.strip_prefix(APP_ID_PREFIX).unwrap_or(app_id);
    id.is_none_or(|id| id.eq_ignore_ascii_case(own))
}
