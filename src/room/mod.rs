//! Room names: the claim must equal the name that the Jitsi client makes of the same room.
//!
//! The client (jitsi-meet, `react/features/base/util/uri.ts`, `getBackendSafeRoomName`) decodes a name that is
//! percent-encoded, normalises it to NFKC, lower-cases it, encodes it as `encodeURIComponent` does and lower-cases the
//! result; before that it drops from the URL's path the characters that neither it nor its server can take. Prosody
//! then compares the room of the token with the name of the conference, lower-casing ASCII only.
#![forbid(unsafe_code)]

use icu_normalizer::ComposingNormalizerBorrowed;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::parameters::{decode_percent, split_names};

/// The longest name, in characters (Unicode scalar values) before encoding.
pub const MAX_ROOM_CHARACTERS: usize = 128;

/// What `encodeURIComponent` encodes (ECMAScript, section 19.2.6.4).
const URI_COMPONENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'!')
    .remove(b'~')
    .remove(b'*')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')');

/// The name of one room, in the form in which Prosody compares it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomName(String);

/// Why a room name is refused; continues a sentence that starts with the parameter's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RoomError {
    /// More than [`MAX_ROOM_CHARACTERS`].
    TooLong,
    /// A `*`, which alone means every room of the tenant.
    EveryRoom,
    /// A character that has a meaning in Lua patterns, which Prosody uses.
    PatternCharacter(char),
    /// A slash of either kind, which separates the tenant from the room.
    Slash,
    /// A control character or one that XML excludes.
    ControlCharacter,
    /// `.` or `..`, which a browser takes out of a URL's path.
    Dots,
    /// Nothing is left of the name after the Jitsi client's own clean-up.
    Empty,
}

impl std::fmt::Display for RoomError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::TooLong => write!(f, "must have at most {MAX_ROOM_CHARACTERS} characters"),
            Self::EveryRoom => f.write_str("must name one room: * would open every room"),
            Self::PatternCharacter(c) => {
                write!(f, "must not contain {c}: name one room, not a pattern")
            }
            Self::Slash => {
                f.write_str("must not contain / or \\: give the room's name without App ID or path")
            }
            Self::ControlCharacter => f.write_str("must not contain control characters"),
            Self::Dots => f.write_str("must not be . or .."),
            Self::Empty => f.write_str("has only characters that Jitsi removes from room names"),
        }
    }
}

impl RoomName {
    /// Brings a name, not empty and without white space around it, into the form that Prosody compares.
    ///
    /// # Errors
    /// A name that no conference can have, or that would stand for more than one.
    pub fn parse(text: &str) -> Result<Self, RoomError> {
        let claim = normalize(text)?;
        if claim == "." || claim == ".." {
            return Err(RoomError::Dots);
        }
        Ok(Self(claim))
    }

    /// The claim.
    #[must_use]
    pub fn into_string(self) -> String {
        self.0
    }
}

/// The client's way from what a person types to what the server compares.
fn normalize(text: &str) -> Result<String, RoomError> {
    // A name taken from a page's address is still encoded, so the client decodes what it can.
    let decoded = decode_percent(text);
    let text = decoded.as_deref().unwrap_or(text);
    if text.chars().count() > MAX_ROOM_CHARACTERS {
        return Err(RoomError::TooLong);
    }
    let mut name = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '*' => return Err(RoomError::EveryRoom),
            '^' | '$' | '(' | ')' | '%' | '[' | ']' | '+' | '?' => {
                return Err(RoomError::PatternCharacter(c));
            }
            '/' | '\\' => return Err(RoomError::Slash),
            c if is_excluded_from_xml(c) => return Err(RoomError::ControlCharacter),
            // What of the client's list (`_ROOM_EXCLUDE_PATTERN`) can stand unencoded in a URL's path. In ASCII
            // only: a full-width sign is encoded in the URL, so the client keeps it.
            ':' | '@' | '!' | '&' | '\'' | ',' | ';' | '=' => {}
            c => name.push(c),
        }
    }
    if name.trim().is_empty() {
        return Err(RoomError::Empty);
    }
    let name = ComposingNormalizerBorrowed::new_nfkc()
        .normalize(&name)
        .to_lowercase();
    // NFKC turns the full-width asterisk into the plain one, which encoding leaves as it is.
    if name.contains('*') {
        return Err(RoomError::EveryRoom);
    }
    let mut claim = utf8_percent_encode(&name, URI_COMPONENT).to_string();
    claim.make_ascii_lowercase();
    Ok(claim)
}

/// A list of rooms: names, in which `*` stands for any text, also none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomList(Vec<RoomPattern>);

/// The literal parts around the stars, each in the form that Prosody compares.
#[derive(Debug, Clone, PartialEq, Eq)]
struct RoomPattern(Vec<String>);

impl RoomList {
    /// Reads names separated by commas or line breaks; spaces belong to the names. `None` when there is none.
    ///
    /// # Errors
    /// The place of the first name that no room can have, from 1, and why.
    pub fn parse(text: &str) -> Result<Option<Self>, (usize, RoomError)> {
        let patterns: Vec<_> = split_names(text)
            .zip(1..)
            .map(|(name, place)| RoomPattern::parse(name).map_err(|e| (place, e)))
            .collect::<Result<_, _>>()?;
        Ok(Some(Self(patterns)).filter(|list| !list.0.is_empty()))
    }

    /// The list of these names. A name that no room can have matches none.
    pub fn from_names<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        let patterns = names
            .into_iter()
            .filter_map(|name| RoomPattern::parse(name.trim()).ok());
        Self(patterns.collect())
    }

    /// Whether the room is one of the list.
    #[must_use]
    pub fn contains(&self, room: &RoomName) -> bool {
        self.0.iter().any(|pattern| pattern.matches(&room.0))
    }
}

impl RoomPattern {
    fn parse(name: &str) -> Result<Self, RoomError> {
        let literal = |part: &str| match part {
            "" => Ok(String::new()),
            part => normalize(part),
        };
        name.split('*')
            .map(literal)
            .collect::<Result<_, _>>()
            .map(Self)
    }

    fn matches(&self, room: &str) -> bool {
        let (Some(first), Some(last)) = (self.0.first(), self.0.last()) else {
            return false;
        };
        if self.0.len() == 1 {
            return first == room;
        }
        let Some(rest) = room.strip_prefix(first.as_str()) else {
            return false;
        };
        let Some(mut rest) = rest.strip_suffix(last.as_str()) else {
            return false;
        };
        // The earliest place for each part leaves most for the parts behind it.
        for part in &self.0[1..self.0.len() - 1] {
            match rest.split_once(part.as_str()) {
                Some((_, behind)) => rest = behind,
                None => return false,
            }
        }
        true
    }
}

/// Control characters, and the two code points of the basic plane that XML 1.0 excludes besides: what a value of the
/// token must not have, because the conference's server puts it into XML.
pub(crate) fn is_excluded_from_xml(c: char) -> bool {
    c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_room_is_named_as_the_jitsi_client_names_it() {
        for (text, claim) in [
            ("default-room", "default-room"),
            ("My-Room", "my-room"),
            ("my room", "my%20room"),
            ("公民會議", "%e5%85%ac%e6%b0%91%e6%9c%83%e8%ad%b0"),
            ("Ａ１", "a1"),
            ("①", "1"),
            ("ﬁne", "fine"),
            ("e\u{301}", "%c3%a9"),
            ("É", "%c3%a9"),
            ("ΟΔΟΣ", "%ce%bf%ce%b4%ce%bf%cf%82"),
            ("İ", "i%cc%87"),
            ("Straße", "stra%c3%9fe"),
            ("a.b_c~d-e", "a.b_c~d-e"),
            ("a#b\"c<d>e", "a%23b%22c%3cd%3ee"),
            ("a{b}|`", "a%7bb%7d%7c%60"),
            // Dropped by the client, in ASCII.
            ("Q&A: it's on!", "qa%20its%20on"),
            ("a,b;c=d@e", "abcde"),
            // Kept by the client, because the URL has them encoded.
            (
                "公民會議（二）",
                "%e5%85%ac%e6%b0%91%e6%9c%83%e8%ad%b0(%e4%ba%8c)",
            ),
            ("好！嗎？", "%e5%a5%bd!%e5%97%8e%3f"),
            ("１００％", "100%25"),
            // Encoded once more than it should be.
            ("%E5%85%AC", "%e5%85%ac"),
            ("my%20room", "my%20room"),
            ("...", "..."),
            ("😀", "%f0%9f%98%80"),
        ] {
            let name = RoomName::parse(text);
            assert_eq!(
                name.map(RoomName::into_string),
                Ok(claim.to_owned()),
                "{text}"
            );
        }
    }

    #[test]
    fn a_normalised_name_stays_as_it_is() {
        for text in ["My Room", "公民會議", "Straße", "a.b"] {
            let once = RoomName::parse(text).unwrap();
            assert_eq!(RoomName::parse(&once.0), Ok(once.clone()), "{text}");
        }
    }

    #[test]
    fn what_is_not_one_room_is_refused() {
        use RoomError::{ControlCharacter, Dots, Empty, EveryRoom, PatternCharacter, Slash};
        for (text, error) in [
            ("*", EveryRoom),
            ("a*", EveryRoom),
            ("＊", EveryRoom),
            ("﹡", EveryRoom),
            ("%2A", EveryRoom),
            ("%EF%BC%8A", EveryRoom),
            ("meet-.+", PatternCharacter('+')),
            ("^room$", PatternCharacter('^')),
            ("room$", PatternCharacter('$')),
            ("room%d", PatternCharacter('%')),
            ("%252A", PatternCharacter('%')),
            ("[abc]", PatternCharacter('[')),
            ("abc]", PatternCharacter(']')),
            ("(a", PatternCharacter('(')),
            ("a)", PatternCharacter(')')),
            ("a?", PatternCharacter('?')),
            ("a/b", Slash),
            ("a%2Fb", Slash),
            ("a\\b", Slash),
            ("a\0b", ControlCharacter),
            ("a\tb", ControlCharacter),
            ("a\nb", ControlCharacter),
            ("a%0Ab", ControlCharacter),
            ("a\u{7f}b", ControlCharacter),
            ("a\u{85}b", ControlCharacter),
            ("a\u{ffff}b", ControlCharacter),
            (".", Dots),
            ("..", Dots),
            ("．", Dots),
            ("!!!", Empty),
            ("& &", Empty),
            ("%20", Empty),
        ] {
            assert_eq!(RoomName::parse(text), Err(error), "{text}");
        }
    }

    #[test]
    fn a_list_of_rooms_matches_names_after_normalisation() {
        let list = RoomList::parse("vTaiwan, Meetup-*\n公民*會議, *-open, a*b*c, my room")
            .unwrap()
            .unwrap();
        for (room, listed) in [
            ("vtaiwan", true),
            ("VTAIWAN", true),
            ("vtaiwan2", false),
            ("meetup-", true),
            ("meetup-7", true),
            ("xmeetup-7", false),
            ("公民會議", true),
            ("公民大會議", true),
            ("公民大會", false),
            ("town-open", true),
            ("abc", true),
            ("a-b-b-c", true),
            ("acb", false),
            ("ab", false),
            ("My Room", true),
            ("myroom", false),
        ] {
            let name = RoomName::parse(room).unwrap();
            assert_eq!(list.contains(&name), listed, "{room}");
        }
    }

    #[test]
    fn overlapping_parts_do_not_match_twice() {
        let list = RoomList::from_names(["ab*ba"]);
        assert!(!list.contains(&RoomName::parse("aba").unwrap()));
        assert!(list.contains(&RoomName::parse("abba").unwrap()));
        let list = RoomList::from_names(["a*ab*b"]);
        assert!(!list.contains(&RoomName::parse("aab").unwrap()));
        assert!(list.contains(&RoomName::parse("aabb").unwrap()));
    }

    #[test]
    fn a_star_alone_lists_every_room_and_nothing_lists_none() {
        let any = RoomName::parse("any").unwrap();
        assert!(RoomList::from_names(["*"]).contains(&any));
        assert!(!RoomList::from_names([]).contains(&any));
        assert!(!RoomList::from_names(["a/b", "x\0", ""]).contains(&any));
        assert_eq!(RoomList::parse(" , \n "), Ok(None));
        assert_eq!(RoomList::parse("a, b/c"), Err((2, RoomError::Slash)));
    }

    #[test]
    fn a_name_has_at_most_128_characters_not_bytes() {
        for c in ["a", "會", "😀"] {
            assert!(RoomName::parse(&c.repeat(128)).is_ok(), "{c}");
            assert_eq!(
                RoomName::parse(&c.repeat(129)),
                Err(RoomError::TooLong),
                "{c}"
            );
        }
    }
}
