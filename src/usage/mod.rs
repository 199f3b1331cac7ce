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
#[cfg(test)]
mod tests;

pub use error::Error;
pub use meter::{Meter, Standing, Use};
pub use operator::check_operator;
pub use period::{MAX_BILLING_DAY, Period};
pub use pseudonym::Pseudonyms;
pub use report::Report;

/// How users are counted, and how many may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// What is counted.
    pub source: Source,
    /// The day of the month on which a period starts.
    pub billing_day: u32,
    /// How many there may be; `None`: any number.
    pub limit: Option<Limit>,
}

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// Devices, as 8x8's webhook reports them.
    Webhook,
    /// Ids that got a token.
    Issued,
}

/// How many users there may be in one period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// All.
    pub total: u32,
    /// How many of them only people with a login may take.
    pub reserve: u32,
}

impl Limit {
    /// How many there may be before guests are no longer let in.
    const fn for_guests(self) -> u32 {
        self.total.saturating_sub(self.reserve)
    }
}
