//! Lists of rooms: names, in which `*` stands for any text, also none.
//!
//! Names are compared as people write them, decoded, in NFKC and lower case: in the encoded claim a `*` could stand for
//! half of a percent escape.
#![forbid(unsafe_code)]

use super::name::{Error, Name, normalize};
use crate::text::{NamesNothing, Separator, parse_list};

/// A list of rooms. An empty one has no room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct List(Vec<Pattern>);

/// Why a text is not a list of rooms; continues a sentence that starts with the variable's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ListError {
    /// The text is not empty and has no name.
    #[error("{0}")]
    NamesNothing(NamesNothing),
    /// An entry that no room can have as its name.
    #[error(
        "entry {place} {problem}; write names separated by commas, with * for any text in a name."
    )]
    Entry {
        /// Which one, from 1.
        place: usize,
        /// Why.
        problem: Error,
    },
}

impl From<NamesNothing> for ListError {
    fn from(error: NamesNothing) -> Self {
        Self::NamesNothing(error)
    }
}

/// The literal parts around the stars; a single one where there is no star.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Pattern(Vec<String>);

impl List {
    /// Reads names separated by commas or line breaks; spaces belong to the names. `None` for an empty text.
    ///
    /// # Errors
    /// A list that names nothing, and the first name that no room can have.
    pub fn parse(text: &str) -> Result<Option<Self>, ListError> {
        let patterns = parse_list(text, Separator::CommaOrLine)?
            .iter()
            .zip(1..)
            .map(|(name, place)| {
                Pattern::parse(name).map_err(|problem| ListError::Entry {
                    place,
                    // A plain one is no error here.
                    problem: match problem {
                        Error::EveryRoom => Error::EncodedStar,
                        other => other,
                    },
                })
            })
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Some(Self(patterns)).filter(|list| !list.0.is_empty()))
    }

    /// The list of these names. A name that no room can have matches none.
    pub fn from_names<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        let patterns = names
            .into_iter()
            .filter_map(|name| Pattern::parse(name.trim()).ok());
        Self(patterns.collect())
    }

    /// The list of one name or pattern.
    ///
    /// # Errors
    /// A name that no room can have.
    pub fn one(name: &str) -> Result<Self, Error> {
        Pattern::parse(name.trim()).map(|pattern| Self(vec![pattern]))
    }

    /// Whether every room of the other list is one of this. A star of the other counts as a character that only a star
    /// matches, so that the whole of what it stands for falls under that one.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        let covered = |pattern: &Pattern| {
            let text = pattern.0.join("*");
            self.0.iter().any(|own| own.matches(&text))
        };
        other.0.iter().all(covered)
    }

    /// Whether the room is one of the list.
    #[must_use]
    pub fn contains(&self, room: &Name) -> bool {
        self.0.iter().any(|pattern| pattern.matches(room.plain()))
    }
}

impl Pattern {
    fn parse(name: &str) -> Result<Self, Error> {
        if !name.contains('*') {
            return Ok(Self(vec![Name::parse(name)?.plain().to_owned()]));
        }
        let literal = |part: &str| {
            let plain = normalize(part)?;
            // A part that vanishes would leave a pattern that names more rooms: `!*` would name all.
            if plain.is_empty() && !part.is_empty() {
                return Err(Error::Empty);
            }
            Ok(plain)
        };
        name.split('*')
            .map(literal)
            .collect::<Result<_, _>>()
            .map(Self)
    }

    fn matches(&self, room: &str) -> bool {
        let (first, middle, last) = match self.0.as_slice() {
            [] => return false,
            [only] => return only == room,
            [first, middle @ .., last] => (first, middle, last),
        };
        let Some(rest) = room.strip_prefix(first.as_str()) else {
            return false;
        };
        let Some(mut rest) = rest.strip_suffix(last.as_str()) else {
            return false;
        };
        // The earliest place for each part leaves most for the parts behind it.
        for part in middle {
            match rest.split_once(part.as_str()) {
                Some((_, behind)) => rest = behind,
                None => return false,
            }
        }
        true
    }
}
