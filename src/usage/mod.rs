//! How many monthly users 8x8 will bill, as far as this service learns of it, and whom it lets in near the limit.
//!
//! 8x8 bills devices that met another in a billing period. Its webhook names each ([`Source::Webhook`]); where there is
//! no webhook, the ids that got tokens are counted in their place ([`Source::Issued`]).
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
