//! The health check, which reports whether tokens can be issued.
#![forbid(unsafe_code)]

use super::call::Call;
use super::response::{Details, Success};
use crate::caller::KeySource;
use crate::environment::Environment;
use crate::error::Error;

/// The warning of the doctor, and of the health check with the query parameter `verbose`, if `auth_mode` is `none`.
pub const OPEN_WARNING: &str = "auth_mode is none: anyone can become a moderator";

/// Reads the whole configuration. Fetches nothing from other servers.
pub(super) fn check(call: &Call<'_>, environment: &Environment<'_>) -> Result<Success, Error> {
    let problems = call.config.problems();
    if !problems.is_empty() {
        return Err(Error::Unhealthy(problems));
    }
    let login = call.config.login().map_err(Error::Unhealthy)?;
    let verbose =
        url::form_urlencoded::parse(call.query.as_bytes()).any(|(name, _)| name == "verbose");
    let details = verbose.then(|| Details {
        warnings: login
            .is_none()
            .then_some(OPEN_WARNING)
            .into_iter()
            .collect(),
        auth_jwks_age_seconds: match login.map(|login| &login.key) {
            Some(KeySource::Remote(keys)) => Some(keys.copy_age(environment)),
            _ => None,
        },
    });
    Ok(Success::Healthy { details })
}
