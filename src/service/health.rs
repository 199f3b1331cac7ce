//! The route that says whether tokens can be made.
#![forbid(unsafe_code)]

use super::call::Call;
use super::response::Success;
use crate::error::Error;

/// What the health check warns of when its query has the parameter `verbose`, and the doctor.
pub const OPEN_WARNING: &str = "auth_mode is none: whoever asks may become moderator";

/// Reads the whole configuration.
pub(super) fn check(call: &Call<'_>) -> Result<Success, Error> {
    call.config.signer().map_err(Error::Unhealthy)?;
    let verbose =
        url::form_urlencoded::parse(call.query.as_bytes()).any(|(name, _)| name == "verbose");
    let is_open = matches!(call.config.login(), Ok(None));
    Ok(Success::Healthy {
        warnings: verbose.then(|| is_open.then_some(OPEN_WARNING).into_iter().collect()),
    })
}
