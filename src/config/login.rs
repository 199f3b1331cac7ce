//! The variables for the authentication of callers.
#![forbid(unsafe_code)]

use super::claims::{read_audience, read_group, read_identity, read_text};
use super::memo::Memo;
use super::reader::Reader;
use super::remote::{self, Remote};
use super::variable::{self, Variable};
use crate::caller::{self, KeySource, VerificationKey};
use crate::kept::Slot;

/// The variables that show that a login is intended, if they are neither empty nor at the default of `spin.toml`. If
/// `auth_mode` is `none`, no credential would be required, and the site would be open although its operator meant to close
/// it.
const DESCRIBING: &[Variable] = &[
    variable::AUTH_HS256_SECRET,
    variable::AUTH_PUBLIC_KEY,
    variable::AUTH_JWKS,
    variable::AUTH_JWKS_URL,
    variable::AUTH_JWKS_ORIGIN,
    variable::AUTH_ISSUER,
    variable::AUTH_AUDIENCE,
    variable::AUTH_MODERATOR_VALUES,
    variable::AUTH_VISITOR_VALUES,
    variable::AUTH_REQUIRED_CLAIM,
    variable::AUTH_REQUIRED_VALUES,
];

type ParseKey = fn(&str) -> Result<VerificationKey, &'static str>;

/// The subset of [`DESCRIBING`] that says something about a login other than its key.
const BESIDES_KEY: &[Variable] = &[
    variable::AUTH_ISSUER,
    variable::AUTH_AUDIENCE,
    variable::AUTH_MODERATOR_VALUES,
    variable::AUTH_VISITOR_VALUES,
    variable::AUTH_REQUIRED_CLAIM,
    variable::AUTH_REQUIRED_VALUES,
];

/// Reads how callers are authenticated; `None` if they are not. If there are invitations, a login is optional.
pub(super) fn read(
    reader: &mut Reader<'_>,
    memo: Option<&Memo>,
    has_invitations: impl FnOnce() -> bool,
) -> Option<caller::Settings> {
    let mode = reader.parsed(variable::AUTH_MODE, |text| match text {
        "none" => Ok(None),
        "optional" => Ok(Some(false)),
        "required" => Ok(Some(true)),
        _ => Err("is not none, optional or required; set it to one of them."),
    })?;
    let Some(required) = mode else {
        reject_description(reader);
        return None;
    };
    let key = match read_key(reader, memo) {
        Keys::Unset if has_invitations() => {
            if !described(reader, BESIDES_KEY).is_empty() {
                reader.problem(variable::AUTH_MODE, NO_KEY);
            }
            return Some(caller::Settings::without_login(required));
        }
        Keys::Unset => {
            reader.problem(variable::AUTH_MODE, NO_KEY);
            None
        }
        Keys::Set(key) => key,
    };
    let issuer = read_text(reader, variable::AUTH_ISSUER);
    let audience = read_audience(reader);
    let group = read_group(reader);
    let identity = read_identity(reader);
    Some(caller::Settings {
        required,
        key: key?,
        issuer: issuer?,
        audience: audience?,
        group: group?,
        identity: identity?,
    })
}

const NO_KEY: &str = "asks for credentials, and nothing is there to verify them; set one of auth_jwks_url, auth_jwks, auth_public_key and auth_hs256_secret.";

/// Returns the names of the variables that are neither empty nor at the default of `spin.toml`.
fn described(reader: &mut Reader<'_>, variables: &[Variable]) -> Vec<&'static str> {
    variables
        .iter()
        .filter(|variable| {
            let text = reader.text(**variable);
            text.is_some_and(|text| !text.is_empty() && Some(text.as_str()) != variable.default)
        })
        .map(|variable| variable.name)
        .collect()
}

fn reject_description(reader: &mut Reader<'_>) {
    let described = described(reader, DESCRIBING);
    if !described.is_empty() {
        reader.problem(
            variable::AUTH_MODE,
            format!(
                "is none, so that nobody is asked for the login that {} describes; set auth_mode to required or optional, or empty the others.",
                described.join(", ")
            ),
        );
    }
}

enum Keys {
    /// All variables for keys are empty.
    Unset,
    /// `None` if the key has a problem, which is reported already.
    Set(Option<KeySource>),
}

/// Reads the key, the key set or its URL. Only one of them may be set.
fn read_key(reader: &mut Reader<'_>, memo: Option<&Memo>) -> Keys {
    let mut keys = Vec::new();
    let mut unread = false;
    // The value is used as it is, because quotes may be part of the secret.
    let secret = reader.text(variable::AUTH_HS256_SECRET);
    let public_key = reader.key(variable::AUTH_PUBLIC_KEY);
    let key_set = reader.key(variable::AUTH_JWKS);
    for (variable, text, parse) in [
        (
            variable::AUTH_HS256_SECRET,
            secret,
            VerificationKey::from_secret as ParseKey,
        ),
        (
            variable::AUTH_PUBLIC_KEY,
            public_key,
            VerificationKey::from_pem,
        ),
        (variable::AUTH_JWKS, key_set, VerificationKey::from_jwks),
    ] {
        match text {
            Some(text) if text.is_empty() => {}
            Some(text) => {
                let kept = memo.map(|memo| &memo.login_key);
                let key = Slot::get(kept, &[variable.name, &text], || parse(&text))
                    .map_err(|error| reader.problem(variable, error));
                keys.push((variable, key.ok().map(KeySource::Configured)));
            }
            None => unread = true,
        }
    }
    match remote::read(reader, memo) {
        Remote::Unset => {}
        Remote::Set(keys_by_url) => {
            keys.push((variable::AUTH_JWKS_URL, keys_by_url.map(KeySource::Remote)));
        }
        Remote::Unread => unread = true,
    }
    if keys.is_empty() && !unread {
        return Keys::Unset;
    }
    for (variable, _) in keys.iter().skip(1) {
        let first = keys[0].0.name;
        reader.problem(
            *variable,
            format!(
                "is set and {first} is too; keep the one that your login signs with and empty the other."
            ),
        );
    }
    Keys::Set(keys.into_iter().next().and_then(|(_, key)| key))
}
