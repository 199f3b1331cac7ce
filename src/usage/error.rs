//! Why a user is rejected, or cannot be counted.
#![forbid(unsafe_code)]

use chrono::{Datelike, Month, NaiveDate};

use crate::environment::StoreUnavailable;

/// Why a user is rejected, or cannot be counted. `Display` is the public message, [`Error::reason`] the text for the log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The request does not have the operator's token.
    #[error("Not the operator: send Authorization: Bearer with operator_token")]
    NotOperator,
    /// The part of the limit that is open to guests is used up.
    #[error("The meetings' monthly quota of guests is used up until {}", day_and_month(*until))]
    GuestsUsedUp {
        /// The first day of the next period.
        until: NaiveDate,
        /// The time until then, in seconds.
        retry_after: u64,
    },
    /// The whole limit is used up.
    #[error("The meetings' monthly quota is used up until {}", day_and_month(*until))]
    UsedUp {
        /// The first day of the next period.
        until: NaiveDate,
        /// The time until then, in seconds.
        retry_after: u64,
    },
    /// The key-value store is unavailable.
    #[error("This month's users cannot be counted at the moment: try again later")]
    Unavailable,
    /// The value in the store under this key is not a ledger.
    #[error("This month's users cannot be counted at the moment: try again later")]
    Damaged {
        /// The key.
        key: String,
    },
    /// Concurrent changes won every attempt.
    #[error("This month's users cannot be counted at the moment: try again later")]
    Busy,
}

impl Error {
    /// Returns the text for the log.
    #[must_use]
    pub fn reason(&self) -> String {
        match self {
            Self::NotOperator => self.to_string(),
            Self::GuestsUsedUp { .. } => {
                "monthly_user_limit without monthly_user_reserve is reached: a guest who is not in the ledger".into()
            }
            Self::UsedUp { .. } => {
                "monthly_user_limit is reached: somebody who is not in the ledger".into()
            }
            Self::Unavailable => {
                "the key-value store cannot be used: check key_value_stores in spin.toml and its entry in the runtime configuration".into()
            }
            Self::Damaged { key } => format!(
                "the key {key} of the key-value store is not a usage ledger: delete it, and the period is counted anew"
            ),
            Self::Busy => {
                "the usage ledger changed too often while it was written: 8x8 sends the event again".into()
            }
        }
    }

    /// Returns the seconds until a rejected user may be admitted, if that is known.
    #[must_use]
    pub const fn retry_after(&self) -> Option<u64> {
        match self {
            Self::GuestsUsedUp { retry_after, .. } | Self::UsedUp { retry_after, .. } => {
                Some(*retry_after)
            }
            _ => None,
        }
    }
}

impl From<StoreUnavailable> for Error {
    fn from(_: StoreUnavailable) -> Self {
        Self::Unavailable
    }
}

/// Formats a date such as `8 December`.
fn day_and_month(date: NaiveDate) -> String {
    let month = u8::try_from(date.month())
        .ok()
        .and_then(|month| Month::try_from(month).ok());
    format!("{} {}", date.day(), month.map_or("", |month| month.name()))
}
