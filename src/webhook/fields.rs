//! The fields of an entry of `room_settings`, with checks of their types and values.
#![forbid(unsafe_code)]

use std::ops::RangeInclusive;

use serde_json::{Map, Value};

use crate::room;

/// The names of all fields, for the message about an unknown one.
const FIELDS: [&str; 9] = [
    "rooms",
    "lobby",
    "passcode",
    "passcode_from",
    "max_occupants",
    "participants_soft_limit",
    "visitors",
    "transcriber",
    "hide_display_name",
];

/// The fields of an entry. An error continues a sentence that starts with `entry N`.
pub(super) struct Fields<'a>(pub &'a Map<String, Value>);

impl Fields<'_> {
    pub fn check_names(&self) -> Result<(), String> {
        // Shows the nearest known name instead of the unknown one, which may be part of a misplaced secret.
        let unknown = self.0.keys().find(|name| !FIELDS.contains(&name.as_str()));
        let Some(unknown) = unknown else {
            return Ok(());
        };
        let likeness = |field: &&str| strsim::sorensen_dice(unknown, field);
        let nearest = FIELDS
            .into_iter()
            .max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
        Err(format!(
            "has an unknown field, of which the nearest known one is {}; the fields are {}.",
            nearest.unwrap_or_default(),
            FIELDS.join(", ")
        ))
    }

    pub fn rooms(&self) -> Result<room::List, String> {
        // A JSON list is parsed like a plain one, because the list of a variable may be JSON as well.
        let text = match self.0.get("rooms") {
            Some(Value::String(text)) => text.clone(),
            Some(list @ Value::Array(names)) if names.iter().all(Value::is_string) => {
                list.to_string()
            }
            _ => {
                return Err(
                    "has no field rooms, or one that is neither a string nor a list of strings; name the rooms as in allowed_rooms.".into(),
                );
            }
        };
        match room::List::parse(&text) {
            Ok(Some(rooms)) => Ok(rooms),
            Ok(None) => Err("has an empty field rooms; name the rooms as in allowed_rooms.".into()),
            Err(error @ room::ListError::NamesNothing(_)) => {
                Err(format!("has a field rooms that {error}"))
            }
            Err(error @ room::ListError::Entry { .. }) => {
                Err(format!("has a field rooms of which {error}"))
            }
        }
    }

    pub fn text(&self, name: &str) -> Result<Option<&str>, String> {
        match self.0.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(format!(
                "has a {name} that is not a string; write it in quotes."
            )),
        }
    }

    pub fn one_of(
        &self,
        name: &str,
        values: &[(&str, &'static str)],
    ) -> Result<Option<&'static str>, String> {
        let Some(value) = self.0.get(name) else {
            return Ok(None);
        };
        let found = values.iter().find(|(own, _)| value.as_str() == Some(own));
        found.map(|(_, theirs)| Some(*theirs)).ok_or_else(|| {
            let names: Vec<_> = values.iter().map(|(own, _)| *own).collect();
            format!(
                "has a {name} that is not known; write one of: {}.",
                names.join(", ")
            )
        })
    }

    pub fn number(&self, name: &str, range: RangeInclusive<u64>) -> Result<Option<u64>, String> {
        let Some(value) = self.0.get(name) else {
            return Ok(None);
        };
        let number = value.as_u64().filter(|number| range.contains(number));
        number.map(Some).ok_or_else(|| {
            format!(
                "has a {name} that is not a whole number from {} to {}; write one, without quotes.",
                range.start(),
                range.end()
            )
        })
    }

    pub fn bool(&self, name: &str) -> Result<Option<bool>, String> {
        match self.0.get(name) {
            None => Ok(None),
            Some(Value::Bool(value)) => Ok(Some(*value)),
            Some(_) => Err(format!(
                "has a {name} that is neither true nor false; write one of them, without quotes."
            )),
        }
    }
}
