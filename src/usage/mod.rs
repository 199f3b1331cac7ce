//! Counts the monthly users that 8x8 will bill, as far as this service can know them, and decides who is admitted near the
//! limit.
//!
//! 8x8 bills the devices that met another device in a billing period. Its webhook reports each device
//! ([`Source::Webhook`]). Without a webhook, the ids in issued tokens are counted instead ([`Source::Issued`]).
#![forbid(unsafe_code)]

mod error;
mod ledger;
mod meter;
mod operator;
mod period;
mod pseudonym;
mod report;
mod settings;
#[cfg(test)]
mod tests;

pub use error::Error;
pub use meter::{Meter, Standing, Use};
pub use operator::check_operator;
pub use period::{MAX_BILLING_DAY, Period};
pub use pseudonym::Pseudonyms;
pub use report::Report;
pub use settings::{Limit, Settings, Source};
