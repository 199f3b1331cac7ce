//! Keys as text: the shapes into which shells, dashboards and `.env` files press a PEM file, undone.
//!
//! The text may be a private key's, so every copy is a buffer that is reserved once, at its full length, and wiped
//! when it is dropped. That is why the crate `pem` is not used: it leaves copies behind in freed memory.
#![forbid(unsafe_code)]

use base64::Engine as _;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use percent_encoding::percent_decode;
use pkcs8::der::asn1::AnyRef;
use pkcs8::der::{Decode as _, Reader as _, SliceReader, Tag, Tagged as _};
use zeroize::Zeroizing;

/// The longest text that is looked at, in bytes: a 4096-bit private key needs 3,300, its base64 4,400.
pub const MAX_BYTES: usize = 64 * 1024;

/// Bytes that are wiped when they are dropped.
pub type Wiped = Zeroizing<Vec<u8>>;

/// Why a text holds no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Error {
    /// More than [`MAX_BYTES`].
    TooLong,
    /// No `BEGIN` line, neither plain nor in base64, and no key in DER.
    NoPem,
    /// A `BEGIN` line without its `END` line.
    CutOff,
    /// Something between the lines that is not base64.
    Damaged,
}

/// What a text turned out to be.
pub enum Document {
    /// Text with at least one `BEGIN` line.
    Pem(Wiped),
    /// The inside of a PEM block, without its lines.
    Der(Wiped, Kind),
    /// A public key in OpenSSH's one-line format.
    SshPublicKey,
}

/// What DER holds, told by its outermost elements.
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
    /// What stands after `BEGIN`.
    pub label: &'a [u8],
    body: &'a [u8],
}

/// Finds the PEM or DER in a text.
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
    // Base64 brings a file of many lines through a tool that keeps one. A body alone may come in base64, too.
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

/// Rules that turn an escaped character into itself. White space of any kind becomes a line feed.
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
    // XML attributes, such as a web.config's.
    (b"&#10;", b"\n"),
    (b"&#13;", b"\n"),
    (b"&#xA;", b"\n"),
    (b"&#xD;", b"\n"),
    (b"&#xa;", b"\n"),
    (b"&#xd;", b"\n"),
    // Web pages: breaks, and spaces and separators of Unicode in UTF-8.
    (b"<br>", b"\n"),
    (b"<br/>", b"\n"),
    (b"<br />", b"\n"),
    (b"&nbsp;", b" "),
    (b"\xc2\xa0", b" "),
    (b"\xe2\x80\xa8", b"\n"),
    (b"\xe2\x80\xa9", b"\n"),
];

/// Whether an escape may start with a byte. Most texts have none, and are looked through once by this table: parsing the
/// key is a good part of what a request takes.
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

/// Undoes escapes and percent-encoding. No rule makes the text longer.
fn undo_escapes(text: &[u8]) -> Wiped {
    let has_escapes = text.iter().any(|byte| STARTS_ESCAPE[usize::from(*byte)]);
    let mut clean = if has_escapes {
        decode_percent(text)
    } else {
        Zeroizing::new(text.to_vec())
    };
    // Forms write a space as a plus sign, which no label has, and encode plus signs.
    // Encoded twice, the plus sign is there after the first decoding only.
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
        // Twice encoded is `%250A`.
        clean = decode_percent(&clean);
        undo_rules(&mut clean);
    }
    clean
}

/// Whether the label has plus signs for its spaces; base64 has neither of these dashes.
fn is_form(text: &[u8]) -> bool {
    let before = find(text, b"BEGIN+").map(|at| &text[..at]);
    before.is_some_and(|before| before.ends_with(b"-") || before.ends_with(b"%2D"))
}

/// Percent-decodes; what is not two hexadecimal digits stays.
fn decode_percent(text: &[u8]) -> Wiped {
    let mut decoded = Zeroizing::new(Vec::with_capacity(text.len()));
    decoded.extend(percent_decode(text));
    decoded
}

/// Undoes [`ESCAPES`] where they stand.
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

/// Decodes base64 with or without white space and padding, in either alphabet.
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

/// Tells what DER holds.
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
        // Modulus and exponent, or a version and more numbers.
        (Tag::Integer, Tag::Integer) if reader.is_finished() => Some(Kind::Public),
        (Tag::Integer, Tag::Integer) => Some(Kind::Private),
        (Tag::Integer, Tag::OctetString) => Some(Kind::EcPrivate),
        (Tag::Sequence, Tag::OctetString) => Some(Kind::Encrypted),
        (Tag::Sequence, Tag::BitString) => Some(Kind::Public),
        (Tag::Sequence, Tag::Sequence) => Some(Kind::Certificate),
        _ => None,
    }
}

/// The blocks of a PEM file in their order. What stands around them is passed over (RFC 7468, section 2).
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

/// Reads a block from behind its `BEGIN`; with it comes what follows.
fn block(text: &[u8]) -> Option<(Block<'_>, &[u8])> {
    let (label, text) = split_at(text, DASHES)?;
    let (body, text) = split_at(text, END)?;
    let (end_label, after) = split_at(text, DASHES)?;
    let label = label.trim_ascii();
    let whole = label == end_label.trim_ascii() && find(body, BEGIN).is_none();
    whole.then_some((Block { label, body }, after))
}

impl Block<'_> {
    /// Whether its header says that it is encrypted (RFC 1421), as PKCS#1 files do; line breaks may be lost.
    #[must_use]
    pub fn is_encrypted(&self) -> bool {
        find(self.body, b"Proc-Type").is_some() && find(self.body, b"ENCRYPTED").is_some()
    }

    /// The bytes in the block.
    ///
    /// # Errors
    /// [`Error::Damaged`] where it is not base64.
    pub fn decode(&self) -> Result<Wiped, Error> {
        if !self.body.contains(&b':') {
            return decode_base64(self.body).ok_or(Error::Damaged);
        }
        let mut body = Zeroizing::new(Vec::with_capacity(self.body.len()));
        // A line with a colon is a header.
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
    // Base64 has few dashes: most of a text is passed over by its bytes alone.
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
