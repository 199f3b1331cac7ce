//! Keys as text: undoes what shells, dashboards and `.env` files do to a PEM file.
//!
//! The text may be a private key, so every copy is in a buffer that is allocated once, at its full length, and wiped when it
//! is dropped. The crate `pem` is not used because it leaves copies in freed memory.
#![forbid(unsafe_code)]

use base64::Engine as _;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use percent_encoding::percent_decode;
use pkcs8::der::asn1::AnyRef;
use pkcs8::der::{Decode as _, Reader as _, SliceReader, Tag, Tagged as _};
use zeroize::Zeroizing;

/// The maximum length of a text, in bytes. A 4096-bit private key needs 3,300, and its base64 4,400.
pub const MAX_BYTES: usize = 64 * 1024;

/// Bytes that are wiped when they are dropped.
pub type Wiped = Zeroizing<Vec<u8>>;

/// Why a text contains no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Error {
    /// The text is longer than [`MAX_BYTES`].
    TooLong,
    /// The text has no `BEGIN` line, neither plain nor in base64, and is not a key in DER.
    NoPem,
    /// A `BEGIN` line has no matching `END` line.
    CutOff,
    /// The content between the lines is not base64.
    Damaged,
}

/// The format of a text.
pub enum Document {
    /// Text with at least one `BEGIN` line.
    Pem(Wiped),
    /// The content of a PEM block without its lines.
    Der(Wiped, Kind),
    /// A public key in OpenSSH's one-line format.
    SshPublicKey,
}

/// The kind of a DER structure, according to its outermost elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `PrivateKeyInfo` (RFC 5958) or `RSAPrivateKey` (RFC 8017).
    Private,
    /// `EncryptedPrivateKeyInfo` (RFC 5958).
    Encrypted,
    /// `ECPrivateKey` (RFC 5915).
    EcPrivate,
    /// `SubjectPublicKeyInfo` (RFC 5280) or `RSAPublicKey` (RFC 8017).
    Public,
    /// `Certificate` (RFC 5280) or a request for one.
    Certificate,
}

/// One block of a PEM file.
#[derive(Clone, Copy)]
pub struct Block<'a> {
    /// The text after `BEGIN`.
    pub label: &'a [u8],
    body: &'a [u8],
}

/// Detects the format of a text, and decodes it.
///
/// # Errors
/// [`Error::TooLong`] or [`Error::NoPem`].
pub fn read(text: &str) -> Result<Document, Error> {
    if text.len() > MAX_BYTES {
        return Err(Error::TooLong);
    }
    let mut text = match pem_or_ssh(undo_escapes(text.as_bytes())) {
        Ok(document) => return Ok(document),
        Err(text) => text,
    };
    // Base64 gets a file through tools that keep a single line. The body of a block may be base64-encoded again, too.
    for _ in 0..2 {
        let decoded = decode_base64(&text).ok_or(Error::NoPem)?;
        if let Some(kind) = kind_of(&decoded) {
            return Ok(Document::Der(decoded, kind));
        }
        text = match pem_or_ssh(undo_escapes(&decoded)) {
            Ok(document) => return Ok(document),
            Err(text) => text,
        };
    }
    Err(Error::NoPem)
}

fn pem_or_ssh(text: Wiped) -> Result<Document, Wiped> {
    if text.starts_with(b"ssh-") || text.starts_with(b"ecdsa-sha2-") {
        Ok(Document::SshPublicKey)
    } else if find(&text, BEGIN).is_some() {
        Ok(Document::Pem(text))
    } else {
        Err(text)
    }
}

const BEGIN: &[u8] = b"-----BEGIN";
const END: &[u8] = b"-----END";
const DASHES: &[u8] = b"-----";

/// Escapes and the characters they stand for. White space of any kind becomes a line feed, except spaces.
const ESCAPES: [(&[u8], &[u8]); 26] = [
    // JSON, shells and `.env` files.
    (b"\\n", b"\n"),
    (b"\\r", b"\n"),
    (b"\\t", b"\n"),
    (b"\\u000a", b"\n"),
    (b"\\u000A", b"\n"),
    (b"\\u000d", b"\n"),
    (b"\\u000D", b"\n"),
    (b"\\x0a", b"\n"),
    (b"\\x0A", b"\n"),
    (b"\\012", b"\n"),
    (b"\\", b""),
    // PowerShell.
    (b"`n", b"\n"),
    (b"`r", b"\n"),
    // XML attributes, for example in a web.config.
    (b"&#10;", b"\n"),
    (b"&#13;", b"\n"),
    (b"&#xA;", b"\n"),
    (b"&#xD;", b"\n"),
    (b"&#xa;", b"\n"),
    (b"&#xd;", b"\n"),
    // Web pages: line breaks, and Unicode spaces and separators in UTF-8.
    (b"<br>", b"\n"),
    (b"<br/>", b"\n"),
    (b"<br />", b"\n"),
    (b"&nbsp;", b" "),
    (b"\xc2\xa0", b" "),
    (b"\xe2\x80\xa8", b"\n"),
    (b"\xe2\x80\xa9", b"\n"),
];

/// Whether an escape can start with a byte. Most texts contain none, and this table finds that out in one pass: parsing the
/// key takes a considerable part of a request's time.
const STARTS_ESCAPE: [bool; 256] = {
    let mut starts = [false; 256];
    starts[b'%' as usize] = true;
    let mut rule = 0;
    while rule < ESCAPES.len() {
        starts[ESCAPES[rule].0[0] as usize] = true;
        rule += 1;
    }
    starts
};

/// Undoes escapes and percent-encoding. The result is never longer than the text.
fn undo_escapes(text: &[u8]) -> Wiped {
    let has_escapes = text.iter().any(|byte| STARTS_ESCAPE[usize::from(*byte)]);
    let mut clean = if has_escapes {
        decode_percent(text)
    } else {
        Zeroizing::new(text.to_vec())
    };
    // Forms encode a space as a plus sign, which no label contains, and percent-encode plus signs. In a text that is encoded
    // twice, the plus sign appears only after the first decoding.
    let decoded = has_escapes.then_some(&clean[..]);
    let form = [Some(text), decoded]
        .into_iter()
        .flatten()
        .find(|text| is_form(text));
    if let Some(form) = form {
        let mut spaced = Zeroizing::new(form.to_vec());
        for byte in spaced.iter_mut().filter(|byte| **byte == b'+') {
            *byte = b' ';
        }
        clean = decode_percent(&spaced);
    }
    if has_escapes {
        // `%250A` is encoded twice.
        clean = decode_percent(&clean);
        undo_rules(&mut clean);
    }
    clean
}

/// Whether plus signs stand for the spaces of the label. No alphabet of base64 has both a dash and a plus sign.
fn is_form(text: &[u8]) -> bool {
    let before = find(text, b"BEGIN+").map(|at| &text[..at]);
    before.is_some_and(|before| before.ends_with(b"-") || before.ends_with(b"%2D"))
}

/// Percent-decodes a text. Escapes without two hexadecimal digits are kept.
fn decode_percent(text: &[u8]) -> Wiped {
    let mut decoded = Zeroizing::new(Vec::with_capacity(text.len()));
    decoded.extend(percent_decode(text));
    decoded
}

/// Undoes [`ESCAPES`] in place.
fn undo_rules(text: &mut Wiped) {
    let (mut read, mut write) = (0, 0);
    while read < text.len() {
        let first = text[read];
        let rule = if STARTS_ESCAPE[usize::from(first)] {
            ESCAPES
                .iter()
                .find(|(escaped, _)| text[read..].starts_with(escaped))
        } else {
            None
        };
        if let Some((escaped, plain)) = rule {
            text[write..write + plain.len()].copy_from_slice(plain);
            read += escaped.len();
            write += plain.len();
        } else {
            text[write] = first;
            read += 1;
            write += 1;
        }
    }
    text.truncate(write);
}

/// Decodes base64 in either alphabet, with or without white space and padding.
fn decode_base64(text: &[u8]) -> Option<Wiped> {
    const LENIENT: GeneralPurpose = GeneralPurpose::new(
        &base64::alphabet::STANDARD,
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
    );
    let mut buffer = Zeroizing::new(vec![0; text.len()]);
    let compact: &mut [u8] = &mut buffer;
    let mut length = 0;
    for byte in text {
        compact[length] = match byte {
            b'-' => b'+',
            b'_' => b'/',
            other => *other,
        };
        length += usize::from(!byte.is_ascii_whitespace());
    }
    let compact = &compact[..length];
    let mut decoded = Zeroizing::new(vec![0; base64::decoded_len_estimate(length)]);
    let length = LENIENT.decode_slice(compact, &mut decoded).ok()?;
    decoded.truncate(length);
    Some(decoded)
}

/// Detects the kind of a DER structure.
fn kind_of(der: &[u8]) -> Option<Kind> {
    let sequence = AnyRef::from_der(der).ok()?;
    if sequence.tag() != Tag::Sequence {
        return None;
    }
    let mut reader = SliceReader::new(sequence.value()).ok()?;
    let first = AnyRef::decode(&mut reader).ok()?;
    let second = AnyRef::decode(&mut reader).ok()?;
    match (first.tag(), second.tag()) {
        (Tag::Integer, Tag::Sequence) => Some(Kind::Private),
        // Either modulus and exponent alone, or a version followed by more numbers.
        (Tag::Integer, Tag::Integer) if reader.is_finished() => Some(Kind::Public),
        (Tag::Integer, Tag::Integer) => Some(Kind::Private),
        (Tag::Integer, Tag::OctetString) => Some(Kind::EcPrivate),
        (Tag::Sequence, Tag::OctetString) => Some(Kind::Encrypted),
        (Tag::Sequence, Tag::BitString) => Some(Kind::Public),
        (Tag::Sequence, Tag::Sequence) => Some(Kind::Certificate),
        _ => None,
    }
}

/// Returns the blocks of a PEM file in order. Text around them is ignored (RFC 7468, section 2).
pub fn blocks(pem: &[u8]) -> impl Iterator<Item = Result<Block<'_>, Error>> {
    let mut rest = Some(pem);
    std::iter::from_fn(move || {
        let text = rest?;
        rest = None;
        let begin = find(text, BEGIN)?;
        match block(&text[begin + BEGIN.len()..]) {
            Some((block, after)) => {
                rest = Some(after);
                Some(Ok(block))
            }
            None => Some(Err(Error::CutOff)),
        }
    })
}

/// Parses a block from the text after its `BEGIN`. Also returns the text after the block.
fn block(text: &[u8]) -> Option<(Block<'_>, &[u8])> {
    let (label, text) = split_at(text, DASHES)?;
    let (body, text) = split_at(text, END)?;
    let (end_label, after) = split_at(text, DASHES)?;
    let label = label.trim_ascii();
    let whole = label == end_label.trim_ascii() && find(body, BEGIN).is_none();
    whole.then_some((Block { label, body }, after))
}

impl Block<'_> {
    /// Whether the block's header marks it as encrypted (RFC 1421), as in PKCS#1 files. Line breaks may have been lost.
    #[must_use]
    pub fn is_encrypted(&self) -> bool {
        find(self.body, b"Proc-Type").is_some() && find(self.body, b"ENCRYPTED").is_some()
    }

    /// Decodes the content of the block.
    ///
    /// # Errors
    /// [`Error::Damaged`] if the content is not base64.
    pub fn decode(&self) -> Result<Wiped, Error> {
        if !self.body.contains(&b':') {
            return decode_base64(self.body).ok_or(Error::Damaged);
        }
        let mut body = Zeroizing::new(Vec::with_capacity(self.body.len()));
        // Skip header lines, which contain a colon.
        for line in self.body.split(|byte| matches!(byte, b'\n' | b'\r')) {
            if !line.contains(&b':') {
                body.extend_from_slice(line);
            }
        }
        decode_base64(&body).ok_or(Error::Damaged)
    }
}

fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    let (first, rest) = part.split_first()?;
    let mut from = 0;
    // Base64 has few dashes, so searching for the first byte skips most of a text.
    while let Some(at) = text[from..].iter().position(|byte| byte == first) {
        from += at + 1;
        if text[from..].starts_with(rest) {
            return Some(from - 1);
        }
    }
    None
}

fn split_at<'a>(text: &'a [u8], separator: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let at = find(text, separator)?;
    Some((&text[..at], &text[at + separator.len()..]))
}
