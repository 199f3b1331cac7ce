//! The settings with which meetings start: the operator's list of rooms with lobbies, passcodes and limits.
#![forbid(unsafe_code)]

use hmac_sha256::HMAC;
use serde::Serialize;
use serde_json::Value;

use super::fields::Fields;
use crate::room;
use crate::secret::Secret;
use crate::secret_text;

/// The purpose for which passcodes are derived, which separates them from other uses of the secret.
const PURPOSE: &[u8] = b"jaas-jwt passcode 1\0";

/// The permitted numbers of digits in a passcode.
const PASSCODE_DIGITS: std::ops::RangeInclusive<usize> = 4..=16;

/// The number of occupants that 8x8 permits as a limit.
const OCCUPANTS: std::ops::RangeInclusive<u64> = 2..=500;

const LOBBIES: [(&str, &str); 2] = [
    ("wait-for-approval", "WAIT_FOR_APPROVAL"),
    ("wait-for-moderator", "WAIT_FOR_MODERATOR"),
];
const TRANSCRIBERS: [(&str, &str); 3] = [
    ("google", "GOOGLE"),
    ("oracle-cloud-ai-speech", "ORACLE_CLOUD_AI_SPEECH"),
    ("eght-whisper", "EGHT_WHISPER"),
];
const HIDDEN_FROM: [(&str, &str); 1] = [("guest", "GUEST")];

/// A list of settings. The first entry that contains a room's name applies to the room.
#[derive(Debug)]
pub struct RoomSettings(Vec<Entry>);

#[derive(Debug)]
struct Entry {
    rooms: room::List,
    passcode: Passcode,
    /// The settings without the passcode.
    provisioning: Provisioning,
}

#[derive(Debug)]
enum Passcode {
    None,
    Fixed(Secret<String>),
    /// Derived from this secret and the room's name.
    Derived(Secret<String>),
}

/// The settings of a room in 8x8's own names. Settings that are not set are left out.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Provisioning {
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    lobby_enabled: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    lobby_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "expose")]
    passcode: Option<Secret<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_occupants: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    participants_soft_limit: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    visitors_enabled: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    transcriber_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hide_display_name: Option<&'static str>,
}

fn expose<S: serde::Serializer>(
    passcode: &Option<Secret<String>>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    passcode.as_ref().map(Secret::expose).serialize(serializer)
}

/// Why a text is not a list of settings. `Display` continues a sentence that starts with the variable's name, and shows
/// nothing of the text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RoomSettingsError {
    /// The text is not a JSON list.
    #[error(
        "is not a JSON list; write one like [{{\"rooms\":\"townhall-*\",\"lobby\":\"wait-for-moderator\"}}]."
    )]
    NotAList,
    /// The list has no entries.
    #[error("is an empty list; describe at least one room, or empty the variable.")]
    Empty,
    /// An entry is invalid.
    #[error("entry {place} {problem}")]
    Entry {
        /// The position of the entry, counted from 1.
        place: usize,
        /// What is wrong, and what would be right.
        problem: String,
    },
}

impl RoomSettings {
    /// Parses a list.
    ///
    /// # Errors
    /// If the text is not a list with at least one entry, or an entry is invalid.
    pub fn parse(text: &str) -> Result<Self, RoomSettingsError> {
        let entries: Vec<Value> =
            serde_json::from_str(text).map_err(|_| RoomSettingsError::NotAList)?;
        if entries.is_empty() {
            return Err(RoomSettingsError::Empty);
        }
        let entry = |(entry, place)| {
            Entry::parse(entry).map_err(|problem| RoomSettingsError::Entry { place, problem })
        };
        entries
            .iter()
            .zip(1..)
            .map(entry)
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Returns the settings of a room.
    #[must_use]
    pub fn of(&self, room: &room::Name) -> Provisioning {
        self.entry(room)
            .map_or_else(Provisioning::default, |entry| Provisioning {
                passcode: entry.passcode.of(room),
                ..entry.provisioning.clone()
            })
    }

    /// Returns the passcode of a room, if it has one.
    #[must_use]
    pub fn passcode(&self, room: &room::Name) -> Option<Secret<String>> {
        self.entry(room)?.passcode.of(room)
    }

    fn entry(&self, room: &room::Name) -> Option<&Entry> {
        self.0.iter().find(|entry| entry.rooms.contains(room))
    }
}

impl Passcode {
    fn parse(fields: &Fields<'_>) -> Result<Self, String> {
        match (fields.text("passcode")?, fields.text("passcode_from")?) {
            (None, None) => Ok(Self::None),
            (Some(_), Some(_)) => Err("has passcode and passcode_from; keep one of them.".into()),
            (Some(digits), None) => {
                let is_passcode = PASSCODE_DIGITS.contains(&digits.len())
                    && digits.bytes().all(|byte| byte.is_ascii_digit());
                if is_passcode {
                    Ok(Self::Fixed(Secret::new(digits.to_owned())))
                } else {
                    Err(format!(
                        "has a passcode that is not {} to {} digits in quotes; write it so, or derive it with passcode_from.",
                        PASSCODE_DIGITS.start(),
                        PASSCODE_DIGITS.end()
                    ))
                }
            }
            (None, Some(secret)) => match secret_text::check(secret) {
                Ok(()) => Ok(Self::Derived(Secret::new(secret.to_owned()))),
                Err(problem) => Err(format!("has a passcode_from that {problem}")),
            },
        }
    }

    fn of(&self, room: &room::Name) -> Option<Secret<String>> {
        match self {
            Self::None => None,
            Self::Fixed(passcode) => Some(passcode.clone()),
            Self::Derived(secret) => Some(Secret::new(derive(secret.expose(), room))),
        }
    }
}

/// Derives a passcode of six digits. The remainder of a 64-bit number by a million is nearly uniform.
fn derive(secret: &str, room: &room::Name) -> String {
    let mut mac = HMAC::new(secret);
    mac.update(PURPOSE);
    mac.update(room.clone().into_string());
    let [a, b, c, d, e, f, g, h, ..] = mac.finalize();
    format!(
        "{:06}",
        u64::from_be_bytes([a, b, c, d, e, f, g, h]) % 1_000_000
    )
}

impl Entry {
    fn parse(entry: &Value) -> Result<Self, String> {
        let fields = Fields(
            entry
                .as_object()
                .ok_or("is not a JSON object; write it in braces.")?,
        );
        fields.check_names()?;
        let lobby_type = fields.one_of("lobby", &LOBBIES)?;
        Ok(Self {
            rooms: fields.rooms()?,
            passcode: Passcode::parse(&fields)?,
            provisioning: Provisioning {
                lobby_enabled: lobby_type.is_some(),
                lobby_type,
                passcode: None,
                max_occupants: fields.number("max_occupants", OCCUPANTS)?,
                participants_soft_limit: fields
                    .number("participants_soft_limit", 1..=*OCCUPANTS.end())?,
                visitors_enabled: fields.bool("visitors")?,
                transcriber_type: fields.one_of("transcriber", &TRANSCRIBERS)?,
                hide_display_name: fields.one_of("hide_display_name", &HIDDEN_FROM)?,
            },
        })
    }
}
