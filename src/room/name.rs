//! Room names: the claim must equal the name that the Jitsi client makes of the same room.
//!
//! The client (jitsi-meet, `react/features/base/util/uri.ts`) finds the room in the URL of the meeting. It removes from
//! the path what neither it nor its server can take (`_ROOM_EXCLUDE_PATTERN`), and then (`getBackendSafeRoomName`)
//! decodes percent escapes, normalises to NFKC, lower-cases, encodes as `encodeURIComponent` does, and lower-cases the
//! result. Prosody then compares the room of the token with the name of the conference, lower-casing ASCII only.
#![forbid(unsafe_code)]

use icu_normalizer::ComposingNormalizerBorrowed;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::text::{is_excluded_from_xml, is_visible};

/// The longest name, in characters (Unicode scalar values) before encoding.
pub const MAX_CHARACTERS: usize = 128;

/// The longest claim, in bytes. Prosody knows the room as `[<App ID>]<claim>@…` and refuses an address whose part before
/// the `@` does not fit its buffer of 1,024 bytes with a terminator (`util-src/encodings.c`; XMPP allows 1,023, RFC 7622,
/// section 3.3). One byte less than that fits whatever counts the terminator twice.
pub const MAX_CLAIM_BYTES: usize = 1_022 - "[]".len() - APP_ID_BYTES;

/// The length of `vpaas-magic-cookie-` and 32 hexadecimal digits.
const APP_ID_BYTES: usize = 51;

/// How many Chinese characters the longest claim has: three bytes of UTF-8 each, each encoded as three.
const MAX_CHINESE_CHARACTERS: usize = MAX_CLAIM_BYTES / 9;

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

/// The name of one room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    /// In the form that Prosody compares.
    claim: String,
    /// The same before encoding: in the form that lists compare.
    plain: String,
}

/// Why a text is not the name of one room; continues a sentence that starts with the parameter's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// More than [`MAX_CHARACTERS`].
    #[error("must have at most {MAX_CHARACTERS} characters")]
    TooLong,
    /// A claim of more than [`MAX_CLAIM_BYTES`].
    #[error(
        "is too long after encoding: at most {MAX_CLAIM_BYTES} bytes, which are about \
         {MAX_CHINESE_CHARACTERS} Chinese characters"
    )]
    TooLongEncoded,
    /// A `*`, which alone means every room of the tenant.
    #[error("must name one room: * would open every room")]
    EveryRoom,
    /// In a list, where a plain `*` stands for any text: one that is read as plain only after the list has been taken apart.
    #[error(
        "has a * in percent-encoding or full width, which does not stand for any text: write a plain *"
    )]
    EncodedStar,
    /// A `#` or `?`, where the client ends the name.
    #[error("must not contain {0}: Jitsi ends the name there")]
    EndsName(char),
    /// A character that means more than itself: in Lua patterns, which Prosody uses, or in percent-encoding.
    #[error("must not contain {0}: name one room, not a pattern")]
    PatternCharacter(char),
    /// A slash of either kind, which separates the tenant from the room.
    #[error("must not contain / or \\: give the room's name without App ID or path")]
    Slash,
    /// A `'` that the client keeps because it came encoded or full-width. XMPP's nodeprep prohibits it, and encoding
    /// leaves it as it is: no conference can have such a name.
    #[error("must not contain an encoded ': Jitsi's server refuses it")]
    Apostrophe,
    /// U+FFFD, which decoders put in the place of what they cannot read.
    #[error(
        "contains U+FFFD, the sign for bytes that are not UTF-8: encode the name with encodeURIComponent"
    )]
    ReplacementCharacter,
    /// A control character or one that XML excludes.
    #[error("must not contain control characters")]
    ControlCharacter,
    /// `.` or `..`, which a browser takes out of a URL's path.
    #[error("must not be . or ..")]
    Dots,
    /// Nothing that anybody can see is left of the name after the Jitsi client's own clean-up.
    #[error("has only characters that Jitsi removes from room names or that nobody can see")]
    Empty,
}

impl Name {
    /// Reads a name, without white space around it, as the client does.
    ///
    /// # Errors
    /// A name that no conference can have, or that would stand for more than one.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let plain = normalize(text)?;
        if !is_visible(&plain) {
            return Err(Error::Empty);
        }
        if matches!(plain.as_str(), "." | "..") {
            return Err(Error::Dots);
        }
        let mut claim = utf8_percent_encode(&plain, URI_COMPONENT).to_string();
        claim.make_ascii_lowercase();
        if claim.len() > MAX_CLAIM_BYTES {
            return Err(Error::TooLongEncoded);
        }
        Ok(Self { claim, plain })
    }

    /// The claim.
    #[must_use]
    pub fn into_string(self) -> String {
        self.claim
    }

    /// The name before encoding: NFKC and lower case.
    pub(super) fn plain(&self) -> &str {
        &self.plain
    }
}

/// A name, or a part of one, before encoding: what the client makes of what a person types. May be empty.
pub(super) fn normalize(text: &str) -> Result<String, Error> {
    let mut kept = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '#' | '?' => return Err(Error::EndsName(c)),
            // The client's list as far as it can stand unencoded in a URL's path; what cannot is kept, because the URL
            // has it encoded. `*` is on the list, too, and an error all the same: who writes it means many rooms.
            ':' | '@' | '!' | '$' | '&' | '\'' | '(' | ')' | '[' | ']' | '+' | ',' | ';' | '=' => {}
            c => kept.push(c),
        }
    }
    // What is not percent-encoded UTF-8 as a whole stays as it is, with its `%`.
    let decoded = match percent_decode_str(&kept).decode_utf8() {
        Ok(decoded) if is_percent_encoded(&kept) => decoded.into_owned(),
        _ => kept,
    };
    if decoded.chars().count() > MAX_CHARACTERS {
        return Err(Error::TooLong);
    }
    for c in decoded.chars() {
        match c {
            '*' => return Err(Error::EveryRoom),
            '%' | '^' => return Err(Error::PatternCharacter(c)),
            '/' | '\\' => return Err(Error::Slash),
            char::REPLACEMENT_CHARACTER => return Err(Error::ReplacementCharacter),
            c if is_excluded_from_xml(c) => return Err(Error::ControlCharacter),
            _ => {}
        }
    }
    let plain = ComposingNormalizerBorrowed::new_nfkc()
        .normalize(&decoded)
        .to_lowercase();
    // NFKC makes plain signs of full-width ones. Encoding leaves these two as they are.
    if plain.contains('*') {
        return Err(Error::EveryRoom);
    }
    if plain.contains('\'') {
        return Err(Error::Apostrophe);
    }
    Ok(plain)
}

/// Whether every `%` has two hexadecimal digits after it.
fn is_percent_encoded(text: &str) -> bool {
    text.split('%').skip(1).all(|rest| {
        let mut bytes = rest.bytes();
        let mut digit = || bytes.next().is_some_and(|b| b.is_ascii_hexdigit());
        digit() && digit()
    })
}
