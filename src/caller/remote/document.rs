//! Fetches a key set, and determines how long it is fresh.
#![forbid(unsafe_code)]

use std::ops::RangeInclusive;
use std::time::Duration;

use crate::caller::error::SourceError;
use crate::caller::key_set::KeySet;
use crate::environment::{FetchLimits, Network};
use crate::http::Headers;

/// The maximum length of a document, in bytes.
pub const MAX_DOCUMENT_BYTES: usize = 64 * 1024;
/// The maximum duration of a fetch, in seconds.
pub const TIMEOUT_SECONDS: u64 = 3;

/// The minimum and maximum time for which a document is fresh, in seconds.
pub(super) const MAX_AGES: RangeInclusive<u64> = 300..=86_400;
/// The time for which a document is fresh if its server does not specify it, in seconds.
const DEFAULT_MAX_AGE: u64 = 3_600;

/// A fetched document with at least one usable key.
pub(super) struct Document {
    pub(super) text: String,
    pub(super) keys: KeySet,
    /// How long the document is fresh, in seconds.
    pub(super) max_age: u64,
}

/// Fetches and parses the document.
pub(super) fn fetch(network: &dyn Network, url: &str) -> Result<Document, SourceError> {
    let limits = FetchLimits {
        max_bytes: MAX_DOCUMENT_BYTES,
        timeout: Duration::from_secs(TIMEOUT_SECONDS),
    };
    let response = network.get(url, limits)?;
    match response.status {
        200 => {}
        300..400 => return Err(SourceError::Redirect),
        status => return Err(SourceError::Status(status)),
    }
    if response.body.len() > MAX_DOCUMENT_BYTES {
        return Err(SourceError::Fetch(crate::environment::FetchError::TooLarge));
    }
    let text = String::from_utf8(response.body).map_err(|_| SourceError::NotText)?;
    let keys = KeySet::parse(&text).map_err(SourceError::KeySet)?;
    Ok(Document {
        text,
        keys,
        max_age: max_age(&response.headers),
    })
}

/// Returns `max-age` of `Cache-Control` less the response's `Age` (RFC 9111, section 4.2), limited to [`MAX_AGES`].
fn max_age(headers: &Headers) -> u64 {
    let directives = headers
        .get_all("cache-control")
        .filter_map(|value| std::str::from_utf8(value).ok())
        .flat_map(|value| value.split(','))
        .map(str::trim);
    let mut seconds = DEFAULT_MAX_AGE;
    for directive in directives {
        let (name, value) = directive.split_once('=').unwrap_or((directive, ""));
        if name.eq_ignore_ascii_case("max-age") {
            let age = number(headers.get_all("age").next()).unwrap_or(0);
            let value = value.trim_matches('"').as_bytes();
            seconds = number(Some(value)).map_or(DEFAULT_MAX_AGE, |max| max.saturating_sub(age));
        } else if name.eq_ignore_ascii_case("no-store") || name.eq_ignore_ascii_case("no-cache") {
            seconds = 0;
            break;
        }
    }
    seconds.clamp(*MAX_AGES.start(), *MAX_AGES.end())
}

/// Parses a whole number of seconds. A number that overflows counts as the maximum (RFC 9111, section 1.2.2).
fn number(text: Option<&[u8]>) -> Option<u64> {
    let text = std::str::from_utf8(text?).ok()?.trim();
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().unwrap_or(u64::MAX))
}
