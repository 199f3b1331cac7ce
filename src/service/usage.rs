//! The operator's usage report.
#![forbid(unsafe_code)]

use super::call::Call;
use super::response::Success;
use crate::environment::Environment;
use crate::error::Error;
use crate::usage::{Meter, check_operator};

/// Reports the ledger of the current period.
pub(super) fn report(call: &Call<'_>, environment: &Environment<'_>) -> Result<Success, Error> {
    let token = call.config.operator_token().map_err(Error::Configuration)?;
    check_operator(call.headers, token.ok_or(Error::NotFound)?)?;
    let settings = call.config.usage().map_err(Error::Configuration)?;
    let pseudonyms = call.config.pseudonyms().map_err(Error::Configuration)?;
    let meter = Meter::new(settings, &pseudonyms, environment.store, environment.now);
    Ok(Success::Usage(meter.report()?))
}
