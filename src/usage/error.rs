//! Why somebody is not let in, or cannot be counted.
#![forbid(unsafe_code)]

use chrono::{Datelike, Month, NaiveDate};

use crate::environment::StoreUnavailable;

/// `Display` is the public message, [`Error::reason`] what the log says.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Not the one who may read the ledger.
    #[error("Not the operator: send Authorization: Bearer with operator_token")]
    NotOperator,
    /// Guests may take no more.
    #[error("The meetings' monthly quota of guests is used up until {}", day_and_month(*until))]
    GuestsUsedUp {
        /// The first day of the next period.
        until: NaiveDate,
        /// The seconds until then.
        retry_after: u64,
    },
    /// Nobody may take more.
    #[error("The meetings' monthly quota is used up until {}", day_and_month(*until))]
    UsedUp {
        /// The first day of the next period.
        until: NaiveDate,
        /// The seconds until then.
        retry_after: u64,
    },
    /// The key-value store fails.
    #[error("This month's users cannot be counted at the moment: try again later")]
    Unavailable,
    /// What is in the store under this key is something else.
    #[error("This month's users cannot be counted at the moment: try again later")]
    Damaged {
        /// The key.
        key: String,
    },
    /// Others were always faster.
    #[error("This month's users cannot be counted at the moment: try again later")]
    Busy,
}

impl Error {
    /// What the log says.
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

    /// The seconds until somebody who is not let in may be, where that is known.
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

/// `8 December`.
fn day_and_month(date: NaiveDate) -> String {
    let month = u8::try_from(date.month())
        .ok()
        .and_then(|month| Month::try_from(month).ok());
    format!("{} {}", date.day(), month.map_or("", |month| month.name()))
}
