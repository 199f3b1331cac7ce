//! Lists of room names, in which `*` matches any text, including none.
//!
//! Names are compared before encoding, in NFKC and lower case. In the encoded claim, a `*` could match half of a percent
//! escape.
#![forbid(unsafe_code)]

use super::name::{Error, Name, normalize};
use crate::text::{NamesNothing, Separator, parse_list};

/// A list of rooms. An empty list contains no room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct List(Vec<Pattern>);

/// Why a text is not a list of rooms. `Display` continues a sentence that starts with the variable's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ListError {
    /// The text is not empty but contains no name.
    #[error("{0}")]
    NamesNothing(NamesNothing),
    /// An entry cannot be the name of a room.
    #[error(
        "entry {place} {problem}; write names separated by commas, with * for any text in a name."
    )]
    Entry {
        /// The position of the entry, counted from 1.
        place: usize,
        /// What is wrong with the entry.
        problem: Error,
    },
}

impl From<NamesNothing> for ListError {
    fn from(error: NamesNothing) -> Self {
        Self::NamesNothing(error)
    }
}

/// The literal parts around the stars; a single part if there is no star.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Pattern(Vec<String>);

impl List {
    /// Parses names separated by commas or line breaks. Names may contain spaces. Returns `None` for an empty text.
    ///
    /// # Errors
    /// If the list contains no name, or a name that no room can have.
    pub fn parse(text: &str) -> Result<Option<Self>, ListError> {
        let patterns = parse_list(text, Separator::CommaOrLine)?
            .iter()
            .zip(1..)
            .map(|(name, place)| {
                Pattern::parse(name).map_err(|problem| ListError::Entry {
                    place,
                    // A plain star is not an error here, so this one was encoded.
                    problem: match problem {
                        Error::EveryRoom => Error::EncodedStar,
                        other => other,
                    },
                })
            })
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Some(Self(patterns)).filter(|list| !list.0.is_empty()))
    }

    /// Creates a list of these names. A name that no room can have matches nothing.
    pub fn from_names<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        let patterns = names
            .into_iter()
            .filter_map(|name| Pattern::parse(name.trim()).ok());
        Self(patterns.collect())
    }

    /// Creates a list of one name or pattern.
    ///
    /// # Errors
    /// If no room can have this name.
    pub fn one(name: &str) -> Result<Self, Error> {
        Pattern::parse(name.trim()).map(|pattern| Self(vec![pattern]))
    }

    /// Whether this list contains every room of the other list. A star of the other list counts as a character that only a star
    /// matches, so that everything it can stand for is covered.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        let covered = |pattern: &Pattern| {
            let text = pattern.0.join("*");
            self.0.iter().any(|own| own.matches(&text))
        };
        other.0.iter().all(covered)
    }

    /// Whether the list contains a room.
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
            // A part that normalises to nothing would leave a pattern with more rooms: `!*` would match all.
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
        // Matching each part as early as possible leaves the most text for the parts after it.
        for part in middle {
            match rest.split_once(part.as_str()) {
                Some((_, behind)) => rest = behind,
                None => return false,
            }
        }
        true
    }
}
