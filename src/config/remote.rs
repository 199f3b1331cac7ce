//! The variables for a key set that is fetched from a URL.
#![forbid(unsafe_code)]

use url::{Host, Url};

use super::memo::Memo;
use super::reader::Reader;
use super::variable;
use crate::caller::RemoteKeySet;

/// The maximum of `auth_jwks_max_stale_seconds`: a week.
const MAX_STALE_SECONDS: u64 = 7 * 24 * 60 * 60;

/// The state of the variables.
pub(super) enum Remote {
    /// No URL is set.
    Unset,
    /// A URL is set; `None` if it cannot be used, which is reported already.
    Set(Option<RemoteKeySet>),
    /// A provider failed, which is reported already.
    Unread,
}

/// Reads the location of the key set.
pub(super) fn read(reader: &mut Reader<'_>, memo: Option<&Memo>) -> Remote {
    let (Some(url), Some(origin)) = (
        reader.text(variable::AUTH_JWKS_URL),
        reader.text(variable::AUTH_JWKS_ORIGIN),
    ) else {
        return Remote::Unread;
    };
    if url.is_empty() {
        if Some(origin.as_str()) != variable::AUTH_JWKS_ORIGIN.default {
            reader.problem(
                variable::AUTH_JWKS_ORIGIN,
                "is set and auth_jwks_url is not; set both, or leave both out.",
            );
        }
        return Remote::Unset;
    }
    let max_stale_seconds =
        reader.seconds(variable::AUTH_JWKS_MAX_STALE_SECONDS, 0, MAX_STALE_SECONDS);
    let parsed = parse(&url).map_err(|error| reader.problem(variable::AUTH_JWKS_URL, error));
    let Ok(parsed) = parsed else {
        return Remote::Set(None);
    };
    // Spin allows requests to this origin only.
    if origin != parsed.origin().ascii_serialization() {
        reader.problem(
            variable::AUTH_JWKS_ORIGIN,
            "is not the origin of auth_jwks_url; set it to that URL's scheme, host and port, in lower case, without path and final slash.",
        );
        return Remote::Set(None);
    }
    Remote::Set(Some(RemoteKeySet {
        url: parsed.into(),
        max_stale_seconds,
        kept: memo.map(|memo| memo.remote_keys.clone()),
    }))
}

fn parse(text: &str) -> Result<Url, &'static str> {
    let url = Url::parse(text).map_err(
        |_| "is not a URL; set it to the jwks_uri of your login, which starts with https://.",
    )?;
    let is_loopback = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    match url.scheme() {
        "https" => {}
        "http" if is_loopback => {}
        _ => return Err("is not https, which anything but this machine itself must be."),
    }
    if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
        return Err(
            "has a user name, a password or a fragment; set it to the address without them.",
        );
    }
    Ok(url)
}
