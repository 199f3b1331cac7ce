//! Fetches a key set, and reads how long it may be kept.
#![forbid(unsafe_code)]

use std::ops::RangeInclusive;
use std::time::Duration;

use crate::caller::error::SourceError;
use crate::caller::key_set::KeySet;
use crate::environment::{FetchLimits, Network};
use crate::http::Headers;

/// The largest document, in bytes.
pub const MAX_DOCUMENT_BYTES: usize = 64 * 1024;
/// The longest time that a fetch may take, in seconds.
pub const TIMEOUT_SECONDS: u64 = 3;

/// How long a document is fresh at least and at most, in seconds.
pub(super) const MAX_AGES: RangeInclusive<u64> = 300..=86_400;
/// How long it is where its server does not say.
const DEFAULT_MAX_AGE: u64 = 3_600;

/// A document whose keys can be used.
pub(super) struct Document {
    pub(super) text: String,
    pub(super) keys: KeySet,
    /// How long it is fresh, in seconds.
    pub(super) max_age: u64,
}

/// Fetches the document.
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

/// `max-age` of `Cache-Control`, less the `Age` that the response has already (RFC 9111, section 4.2), within bounds.
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

/// A whole number of seconds. One that is too large for its type is the largest (RFC 9111, section 1.2.2).
fn number(text: Option<&[u8]>) -> Option<u64> {
    let text = std::str::from_utf8(text?).ok()?.trim();
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().unwrap_or(u64::MAX))
}
