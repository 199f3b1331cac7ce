//! The operator's report of what was counted.
#![forbid(unsafe_code)]

use serde::Serialize;

use super::ledger::Ledger;
use super::period::Period;
use super::settings::{Settings, Source};

/// The report of one period. Serialised, it is the body of the response.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// `webhook` for devices that 8x8 reported, `issued` for ids in issued tokens.
    source: &'static str,
    period: Dates,
    /// The limit; `null` if there is none.
    limit: Option<u32>,
    /// The part of the limit that is not open to guests.
    reserve: Option<u32>,
    count: usize,
    guests: usize,
    known: usize,
    /// Every day of the period up to today.
    days: Vec<Day>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Dates {
    start: String,
    /// The first day of the next period.
    end: String,
}

/// The devices that were counted for the first time on one day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Day {
    date: String,
    guests: usize,
    known: usize,
}

impl Report {
    pub(super) fn new(settings: &Settings, period: Period, ledger: &Ledger, now: u64) -> Self {
        let mut days: Vec<Day> = (0..=period.day(now))
            .map(|day| Day {
                date: period.date_of(day).to_string(),
                guests: 0,
                known: 0,
            })
            .collect();
        let last = days.len() - 1;
        for (day, known) in ledger.devices() {
            let day = &mut days[usize::from(day).min(last)];
            *(if known {
                &mut day.known
            } else {
                &mut day.guests
            }) += 1;
        }
        let known = days.iter().map(|day| day.known).sum();
        let guests = days.iter().map(|day| day.guests).sum();
        Self {
            source: match settings.source {
                Source::Webhook => "webhook",
                Source::Issued => "issued",
            },
            period: Dates {
                start: period.start().to_string(),
                end: period.end().to_string(),
            },
            limit: settings.limit.map(|limit| limit.total),
            reserve: settings.limit.map(|limit| limit.reserve),
            count: ledger.count(),
            guests,
            known,
            days,
        }
    }
}
