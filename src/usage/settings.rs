//! Settings for counting and limiting users.
#![forbid(unsafe_code)]

/// How users are counted and limited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// The source of the count.
    pub source: Source,
    /// The day of the month on which a period starts.
    pub billing_day: u32,
    /// The limit of users in a period; `None` if there is none.
    pub limit: Option<Limit>,
}

/// The source of the count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// Devices, as reported by 8x8's webhook.
    Webhook,
    /// Ids in issued tokens.
    Issued,
}

/// The limit of users in a period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// The maximum number of users.
    pub total: u32,
    /// The part of the limit that is not open to guests.
    pub reserve: u32,
}

impl Limit {
    /// Returns the number of users from which on guests are rejected.
    pub(super) const fn for_guests(self) -> u32 {
        self.total.saturating_sub(self.reserve)
    }
}
