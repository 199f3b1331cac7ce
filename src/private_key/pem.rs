//! Text in PEM: the shapes into which shells, dashboards and `.env` files press it, undone.
#![forbid(unsafe_code)]

use base64::Engine as _;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use zeroize::Zeroizing;

/// The longest text that is looked at, in bytes: a 4096-bit private key needs 3,300, its base64 4,400.
pub const MAX_BYTES: usize = 64 * 1024;

/// Why a text cannot be PEM.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PemTextError {
    /// More than [`MAX_BYTES`].
    TooLong,
    /// No `BEGIN` line, neither plain nor in base64.
    NoPem,
}

/// Undoes what shells, dashboards and `.env` files do to a PEM file.
///
/// # Errors
/// A text that is too long, or has no `BEGIN` line even after that.
pub fn normalize(text: &str) -> Result<Zeroizing<String>, PemTextError> {
    if text.len() > MAX_BYTES {
        return Err(PemTextError::TooLong);
    }
    let text = strip_quotes(text);
    let unwrapped = if text.contains("-----BEGIN") || starts_like_ssh_public_key(text) {
        Zeroizing::new(text.to_owned())
    } else {
        decode_whole_file(text).ok_or(PemTextError::NoPem)?
    };
    // `\n` for a line break, also when it was escaped more than once; no backslash has another meaning in PEM.
    let lines = unwrapped
        .replace("\\r", "")
        .replace("\\n", "\n")
        .replace('\\', "");
    let lines = Zeroizing::new(lines);
    let mut clean = String::with_capacity(lines.len());
    for line in lines.lines() {
        clean.push_str(line.trim());
        clean.push('\n');
    }
    Ok(Zeroizing::new(clean))
}

fn strip_quotes(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '\u{feff}'))
}

/// Whether a text is a public key in OpenSSH's one-line format, which is not PEM.
#[must_use]
pub fn starts_like_ssh_public_key(text: &str) -> bool {
    text.starts_with("ssh-") || text.starts_with("ecdsa-sha2-")
}

/// The text whose base64 this is: a way to bring a file of many lines through a tool that keeps one.
fn decode_whole_file(text: &str) -> Option<Zeroizing<String>> {
    const LENIENT: GeneralPurpose = GeneralPurpose::new(
        &base64::alphabet::STANDARD,
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
    );
    let mut compact = Zeroizing::new(text.to_owned());
    compact.retain(|c| !c.is_whitespace());
    let bytes = Zeroizing::new(LENIENT.decode(compact.as_bytes()).ok()?);
    let text = std::str::from_utf8(&bytes).ok()?;
    text.contains("-----BEGIN")
        .then(|| Zeroizing::new(strip_quotes(text).to_owned()))
}
