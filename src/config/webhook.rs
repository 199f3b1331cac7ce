//! The variables for 8x8's webhook.
#![forbid(unsafe_code)]

use super::reader::Reader;
use super::variable;
use crate::secret::Secret;
use crate::secret_text;
use crate::text::{Separator, parse_list};
use crate::webhook::RoomSettings;

/// The prefix of every webhook secret.
const SECRET_PREFIX: &str = "whsec_";
/// The minimum length of a secret after its prefix, in bytes. 8x8's secrets have 32 hexadecimal digits.
const MIN_SECRET_REST: usize = 16;

/// The secrets by which a request proves that it comes from 8x8.
#[derive(Debug, Default)]
pub(super) struct Proof {
    pub secrets: Vec<Secret<String>>,
    pub authorization: Option<Secret<String>>,
}

impl Proof {
    /// Whether there is any secret.
    pub fn is_set(&self) -> bool {
        !self.secrets.is_empty() || self.authorization.is_some()
    }
}

pub(super) fn read_proof(reader: &mut Reader<'_>) -> Proof {
    let secrets = reader.parsed(variable::JAAS_WEBHOOK_SECRET, |text| {
        let secrets = parse_list(text, Separator::CommaOrSpace).map_err(|e| e.to_string())?;
        for (secret, place) in secrets.iter().zip(1..) {
            let rest = secret.strip_prefix(SECRET_PREFIX).unwrap_or_default();
            if rest.len() < MIN_SECRET_REST {
                return Err(format!(
                    "entry {place} is not the secret of an endpoint, which is whsec_ and 32 hexadecimal digits; copy it from the Webhooks page of https://jaas.8x8.vc."
                ));
            }
        }
        Ok(secrets.into_iter().map(Secret::new).collect())
    });
    let authorization = reader.parsed(variable::JAAS_WEBHOOK_AUTHORIZATION, |text| {
        if text.is_empty() {
            return Ok(None);
        }
        // The strength is measured without the scheme, which is not secret.
        let credential = text.split_once(' ').map_or(text, |(_, rest)| rest);
        secret_text::check(credential)?;
        Ok::<_, &str>(Some(Secret::new(text.to_owned())))
    });
    Proof {
        secrets: secrets.unwrap_or_default(),
        authorization: authorization.flatten(),
    }
}

/// Reads the settings with which rooms start; `None` if 8x8's defaults apply. `has_webhook` is called only if they are set.
pub(super) fn read_room_settings(
    reader: &mut Reader<'_>,
    has_webhook: impl FnOnce() -> bool,
) -> Option<RoomSettings> {
    let text = reader
        .text(variable::ROOM_SETTINGS)
        .filter(|text| !text.is_empty())?;
    let settings = RoomSettings::parse(&text)
        .map_err(|error| reader.problem(variable::ROOM_SETTINGS, error))
        .ok();
    if !has_webhook() {
        reader.problem(
            variable::ROOM_SETTINGS,
            "is set, and anybody could ask for the settings of a room and its passcode; set jaas_webhook_authorization, jaas_webhook_secret or both, or empty it.",
        );
    }
    settings
}
