//! The webhook that 8x8 calls.
#![forbid(unsafe_code)]

use std::io::Read;

use super::call::Call;
use super::guard::Note;
use super::response::Success;
use crate::environment::{Environment, Store};
use crate::error::Error;
use crate::usage::{Meter, Source, Use};
use crate::webhook::{Event, UsedDevice};

/// Handles one event. If 8x8 requests the settings of a room, the response contains them.
pub(super) fn receive(
    call: &Call<'_>,
    body: impl Read,
    environment: Environment<'_>,
) -> Result<Success, Error> {
    let Environment { now, store, .. } = environment;
    let settings = call.config.webhook().map_err(Error::Configuration)?;
    let settings = settings.ok_or(Error::NotFound)?;
    match settings.receive(call.headers, body, now)? {
        Event::Starting { room } => {
            let rooms = call.config.room_settings().map_err(Error::Configuration)?;
            let provisioning = rooms.and_then(|rooms| Some(rooms.of(room.as_ref()?)));
            Ok(Success::RoomSettings(provisioning.unwrap_or_default()))
        }
        Event::Usage { at, devices } => Ok(Success::EventAccepted {
            note: count(call, at, &devices, store, now)?,
        }),
        Event::Other => Ok(Success::EventAccepted { note: None }),
    }
}

/// Counts devices, unless issued tokens are the source of the count.
fn count(
    call: &Call<'_>,
    at: u64,
    devices: &[UsedDevice],
    store: &dyn Store,
    now: u64,
) -> Result<Option<Note>, Error> {
    let settings = call.config.usage().map_err(Error::Configuration)?;
    if settings.source != Source::Webhook {
        return Ok(None);
    }
    let pseudonyms = call.config.pseudonyms().map_err(Error::Configuration)?;
    let policy = call.config.policy();
    let uses: Vec<Use<'_>> = devices
        .iter()
        .map(|device| {
            let person = device
                .person
                .as_ref()
                .map(|person| person.expose().as_str());
            Use {
                device: device.id.expose(),
                person: person.filter(|id| !policy.is_shared_id(id)),
                known: person.is_some_and(|id| !policy.is_guest_id(id)),
            }
        })
        .collect();
    let reached = Meter::new(settings, &pseudonyms, store, now).record(&uses, at)?;
    Ok(reached.map(Note::Reached))
}
