//! How users are counted, and how many may be.
#![forbid(unsafe_code)]

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
    pub(super) const fn for_guests(self) -> u32 {
        self.total.saturating_sub(self.reserve)
    }
}
