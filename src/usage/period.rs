//! Billing periods: 8x8 counts from the account's day of creation in one month to the day before it in the next.
#![forbid(unsafe_code)]

use chrono::{DateTime, Datelike, Days, Months, NaiveDate};

/// The latest billing day: the last day that every month has.
pub const MAX_BILLING_DAY: u32 = 28;

/// The number of periods whose ledgers are kept, including the current one.
const KEPT: u32 = 13;

const SECONDS_OF_A_DAY: u64 = 86_400;

/// A period, from midnight to midnight UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    start: NaiveDate,
    end: NaiveDate,
}

impl Period {
    /// Returns the period of a time in seconds since 1970-01-01 UTC. `billing_day` is from 1 to [`MAX_BILLING_DAY`].
    #[must_use]
    pub fn of(now: u64, billing_day: u32) -> Self {
        let today = date(now);
        let this_month = today.with_day(billing_day).unwrap_or(today);
        let start = if this_month <= today {
            this_month
        } else {
            months_before(this_month, 1)
        };
        Self::from_start(start)
    }

    fn from_start(start: NaiveDate) -> Self {
        let end = start.checked_add_months(Months::new(1)).unwrap_or(start);
        Self { start, end }
    }

    /// Returns the period before this one.
    #[must_use]
    pub fn previous(self) -> Self {
        Self::from_start(months_before(self.start, 1))
    }

    /// Returns the first day.
    #[must_use]
    pub const fn start(self) -> NaiveDate {
        self.start
    }

    /// Returns the first day of the next period.
    #[must_use]
    pub const fn end(self) -> NaiveDate {
        self.end
    }

    /// Returns the day of a time, counted from 0 at the start of the period. A time before the start is on day 0.
    #[must_use]
    pub fn day(self, at: u64) -> u8 {
        // Without chrono's durations: with wide arithmetic, their checked product of two 64-bit numbers is wrong.
        let days = date(at).num_days_from_ce() - self.start.num_days_from_ce();
        u8::try_from(days.max(0)).unwrap_or(u8::MAX)
    }

    /// Returns the date of a day as counted by [`Period::day`].
    #[must_use]
    pub fn date_of(self, day: u8) -> NaiveDate {
        let date = self.start.checked_add_days(Days::new(day.into()));
        date.unwrap_or(self.start)
    }

    /// Returns the seconds until the next period.
    #[must_use]
    pub fn seconds_left(self, now: u64) -> u64 {
        let epoch = NaiveDate::default().num_days_from_ce();
        let days = u32::try_from(self.end.num_days_from_ce() - epoch).unwrap_or(0);
        (u64::from(days) * SECONDS_OF_A_DAY).saturating_sub(now)
    }

    /// Whether the ledger of a period that starts on this date is no longer kept in this period.
    #[must_use]
    pub fn outlives(self, start: NaiveDate) -> bool {
        start < months_before(self.start, KEPT - 1)
    }
}

/// Returns the date of a time. A time beyond the calendar is 1970-01-01.
fn date(at: u64) -> NaiveDate {
    i64::try_from(at)
        .ok()
        .and_then(|at| DateTime::from_timestamp(at, 0))
        .map_or_else(NaiveDate::default, |time| time.date_naive())
}

/// Parses a date as `Display` writes it. chrono's own parser accepts every format of a date, and is larger than all the rest of
/// chrono that is used here.
pub(super) fn parse_date(text: &str) -> Option<NaiveDate> {
    let (year, rest) = text.split_once('-')?;
    let (month, day) = rest.split_once('-')?;
    NaiveDate::from_ymd_opt(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?)
}

fn months_before(date: NaiveDate, months: u32) -> NaiveDate {
    date.checked_sub_months(Months::new(months)).unwrap_or(date)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(date: &str) -> u64 {
        let days = date.parse::<NaiveDate>().unwrap();
        let days = days.signed_duration_since(NaiveDate::default()).num_days();
        u64::try_from(days).unwrap() * SECONDS_OF_A_DAY
    }

    #[test]
    fn a_period_starts_on_the_billing_day_at_midnight() {
        for (now, day, start, end) in [
            (at("2026-11-08"), 8, "2026-11-08", "2026-12-08"),
            (at("2026-11-08") - 1, 8, "2026-10-08", "2026-11-08"),
            (at("2026-12-08") - 1, 8, "2026-11-08", "2026-12-08"),
            (at("2026-01-01"), 28, "2025-12-28", "2026-01-28"),
            (at("2024-02-29"), 28, "2024-02-28", "2024-03-28"),
            (at("2026-03-01"), 28, "2026-02-28", "2026-03-28"),
            (at("2026-03-31"), 1, "2026-03-01", "2026-04-01"),
            (0, 1, "1970-01-01", "1970-02-01"),
            (u64::MAX, 1, "1970-01-01", "1970-02-01"),
        ] {
            let period = Period::of(now, day);
            let dates = (period.start.to_string(), period.end.to_string());
            assert_eq!(dates, (start.to_owned(), end.to_owned()), "{now} {day}");
        }
    }

    #[test]
    fn days_and_seconds_are_counted_within_the_period() {
        let period = Period::of(at("2026-11-08"), 8);
        for (now, day, left) in [
            (at("2026-11-07"), 0, 31 * SECONDS_OF_A_DAY),
            (at("2026-11-08"), 0, 30 * SECONDS_OF_A_DAY),
            (at("2026-11-09") - 1, 0, 29 * SECONDS_OF_A_DAY + 1),
            (at("2026-11-09"), 1, 29 * SECONDS_OF_A_DAY),
            (at("2026-12-08") - 1, 29, 1),
            (at("2026-12-09"), 31, 0),
        ] {
            assert_eq!((period.day(now), period.seconds_left(now)), (day, left));
        }
        assert_eq!(period.date_of(29).to_string(), "2026-12-07");
        assert_eq!(period.previous(), Period::of(at("2026-11-01"), 8));
    }

    #[test]
    fn thirteen_periods_are_kept() {
        let period = Period::of(at("2026-11-08"), 8);
        for (start, outlived) in [
            ("2025-11-08", false),
            ("2025-11-07", true),
            ("2025-10-08", true),
            ("2026-11-08", false),
            ("2027-01-01", false),
        ] {
            let start = start.parse().unwrap();
            assert_eq!(period.outlives(start), outlived, "{start}");
        }
    }
}
