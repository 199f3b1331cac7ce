//! Room names. The claim must equal the name that the Jitsi client derives for the same room.
//!
//! The client (jitsi-meet, `react/features/base/util/uri.ts`) takes the room from the URL of the meeting. It removes from
//! the path the characters that it or its server cannot handle (`_ROOM_EXCLUDE_PATTERN`). Then (`getBackendSafeRoomName`) it
//! decodes percent escapes, normalises to NFKC, lower-cases, encodes like `encodeURIComponent`, and lower-cases the result.
//! Prosody then compares the token's room with the conference's name, lower-casing ASCII only.
#![forbid(unsafe_code)]

use icu_normalizer::ComposingNormalizerBorrowed;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::text::{is_excluded_from_xml, is_visible};

/// The maximum length of a name before encoding, in characters (Unicode scalar values).
pub const MAX_CHARACTERS: usize = 128;

/// The maximum length of the claim, in bytes. Prosody knows the room as `[<App ID>]<claim>@…`, and rejects an address whose
/// part before the `@` does not fit its 1,024-byte buffer together with a terminator (`util-src/encodings.c`; XMPP allows
/// 1,023, RFC 7622, section 3.3). The limit is one byte lower, in case something counts the terminator twice.
pub const MAX_CLAIM_BYTES: usize = 1_022 - "[]".len() - APP_ID_BYTES;

/// The length of `vpaas-magic-cookie-` and 32 hexadecimal digits.
const APP_ID_BYTES: usize = 51;

/// The number of Chinese characters that fit the claim: each has three bytes in UTF-8, and each byte takes three encoded.
const MAX_CHINESE_CHARACTERS: usize = MAX_CLAIM_BYTES / 9;

/// The characters that `encodeURIComponent` encodes (ECMAScript, section 19.2.6.4).
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
    /// The encoded form, which Prosody compares.
    claim: String,
    /// The form before encoding, which lists compare.
    plain: String,
}

/// Why a text is not the name of one room. `Display` continues a sentence that starts with the parameter's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The name has more than [`MAX_CHARACTERS`].
    #[error("must have at most {MAX_CHARACTERS} characters")]
    TooLong,
    /// The claim has more than [`MAX_CLAIM_BYTES`].
    #[error(
        "is too long after encoding: at most {MAX_CLAIM_BYTES} bytes, which are about \
         {MAX_CHINESE_CHARACTERS} Chinese characters"
    )]
    TooLongEncoded,
    /// The name contains `*`, which alone stands for every room of the tenant.
    #[error("must name one room: * would open every room")]
    EveryRoom,
    /// An entry of a list contains a `*` that appears only after decoding or normalising, so does not match any text.
    #[error(
        "has a * in percent-encoding or full width, which does not stand for any text: write a plain *"
    )]
    EncodedStar,
    /// The name contains `#` or `?`, where the client ends it.
    #[error("must not contain {0}: Jitsi ends the name there")]
    EndsName(char),
    /// The name contains a character with a special meaning in percent-encoding or in Lua patterns, which Prosody uses.
    #[error("must not contain {0}: name one room, not a pattern")]
    PatternCharacter(char),
    /// The name contains a slash or backslash, which separates the tenant from the room.
    #[error("must not contain / or \\: give the room's name without App ID or path")]
    Slash,
    /// The name contains an encoded or full-width `'`, which the client keeps. XMPP's nodeprep prohibits it, and encoding leaves
    /// it unchanged, so no conference can have this name.
    #[error("must not contain an encoded ': Jitsi's server refuses it")]
    Apostrophe,
    /// The name contains U+FFFD, which decoders write in place of bytes that they cannot decode.
    #[error(
        "contains U+FFFD, the sign for bytes that are not UTF-8: encode the name with encodeURIComponent"
    )]
    ReplacementCharacter,
    /// The name contains a control character, or another character that XML excludes.
    #[error("must not contain control characters")]
    ControlCharacter,
    /// The name is `.` or `..`, which browsers remove from a URL's path.
    #[error("must not be . or ..")]
    Dots,
    /// Nothing visible remains of the name after the Jitsi client's own clean-up.
    #[error("has only characters that Jitsi removes from room names or that nobody can see")]
    Empty,
}

impl Name {
    /// Parses a name, without surrounding white space, like the Jitsi client.
    ///
    /// # Errors
    /// If no conference can have this name, or it would stand for more than one.
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

    /// Converts the name to the value of the claim.
    #[must_use]
    pub fn into_string(self) -> String {
        self.claim
    }

    /// Returns the name before encoding, in NFKC and lower case.
    pub(super) fn plain(&self) -> &str {
        &self.plain
    }
}

/// Normalises a name or a part of one like the client, without encoding it. The result may be empty.
pub(super) fn normalize(text: &str) -> Result<String, Error> {
    let mut kept = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '#' | '?' => return Err(Error::EndsName(c)),
            // The client's list, limited to characters that a URL's path may contain unencoded; the URL encodes the others,
            // so the client keeps them. `*` is on the client's list too, but is an error here: it suggests many rooms.
            ':' | '@' | '!' | '$' | '&' | '\'' | '(' | ')' | '[' | ']' | '+' | ',' | ';' | '=' => {}
            c => kept.push(c),
        }
    }
    // A text that is not valid percent-encoded UTF-8 as a whole is kept unchanged, with its `%`.
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
    // NFKC converts full-width characters to plain ones, and encoding leaves these two unchanged.
    if plain.contains('*') {
        return Err(Error::EveryRoom);
    }
    if plain.contains('\'') {
        return Err(Error::Apostrophe);
    }
    Ok(plain)
}

/// Whether every `%` is followed by two hexadecimal digits.
fn is_percent_encoded(text: &str) -> bool {
    text.split('%').skip(1).all(|rest| {
        let mut bytes = rest.bytes();
        let mut digit = || bytes.next().is_some_and(|b| b.is_ascii_hexdigit());
        digit() && digit()
    })
}
