//! Reads the token in `Authorization` (RFC 6750, section 2.1).
#![forbid(unsafe_code)]

use super::error::{Cause, Error, Header, MAX_CREDENTIAL_BYTES};
use crate::http::Headers;

/// The words that JavaScript and Python write for an absent value.
const UNSET: [&str; 4] = ["undefined", "null", "nan", "none"];

/// Whether a text is what a page or a program writes for a value that is absent, or not available yet.
fn is_unset(text: &str) -> bool {
    let text = text.trim_matches(['"', '\'']);
    text.starts_with("[object ") || UNSET.iter().any(|word| text.eq_ignore_ascii_case(word))
}

/// Returns the token, or `None` if there is no `Authorization` header.
pub(super) fn token(headers: &Headers) -> Result<Option<&str>, Error> {
    let mut values = headers.get_all("authorization");
    let Some(value) = values.next() else {
        return Ok(None);
    };
    if values.next().is_some() {
        return Err(Error::Malformed(Header::Several));
    }
    let text = std::str::from_utf8(value).map_err(|_| Error::Malformed(Header::NotText))?;
    let (_, token) = text
        .trim()
        .split_once(' ')
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .ok_or(Error::Malformed(Header::NotBearer))?;
    let token = token.trim_start();
    if is_unset(token) {
        return Err(Error::Invalid(Cause::Unset));
    }
    if token.contains(' ') {
        return Err(Error::Malformed(Header::SeveralTokens));
    }
    if token.len() > MAX_CREDENTIAL_BYTES {
        return Err(Error::TooLong);
    }
    Ok(Some(token))
}
