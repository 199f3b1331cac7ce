//! Counts users, and decides who is admitted.
#![forbid(unsafe_code)]

use super::error::Error;
use super::ledger::{Damaged, Ledger};
use super::period::{Period, parse_date};
use super::pseudonym::{Pseudonym, Pseudonyms};
use super::report::Report;
use super::settings::{Limit, Settings, Source};
use crate::environment::Store;

/// The maximum number of attempts to change the ledger. With 100 concurrent changes the slowest needs about 100.
const MAX_ATTEMPTS: usize = 250;

/// The shares of the limit at which the log warns, in percent.
const WARNINGS: [u64; 3] = [100, 90, 80];

/// The prefix of every ledger's key.
const KEYS: &str = "jaas-jwt.v1.usage.";

/// What is proven about a caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// A login or an invitation proves that the caller is a moderator.
    Moderator,
    /// A login proves who the caller is.
    Member,
    /// Nothing that counts for the limit is proven.
    Guest,
}

/// The use of a device, as 8x8 reports it.
#[derive(Debug, Clone, Copy)]
pub struct Use<'a> {
    /// The id of the device, or its telephone number.
    pub device: &'a str,
    /// The id in the token, unless guests share it.
    pub person: Option<&'a str>,
    /// Whether the id belongs to somebody known to the site.
    pub known: bool,
}

/// Counts users during one request.
#[derive(Clone, Copy)]
pub struct Meter<'a> {
    settings: &'a Settings,
    pseudonyms: &'a Pseudonyms,
    store: &'a dyn Store,
    now: u64,
}

impl<'a> Meter<'a> {
    /// Creates a meter for this time, in seconds since 1970-01-01 UTC. Nothing is read yet.
    #[must_use]
    pub fn new(
        settings: &'a Settings,
        pseudonyms: &'a Pseudonyms,
        store: &'a dyn Store,
        now: u64,
    ) -> Self {
        Self {
            settings,
            pseudonyms,
            store,
            now,
        }
    }

    /// Admits or rejects a caller with this id. Reads the store only if there is a limit.
    ///
    /// # Errors
    /// If the limit is reached or the count is unavailable. A proven moderator is always admitted.
    pub fn admit(&self, standing: Standing, id: Option<&str>) -> Result<(), Error> {
        let Some(limit) = self.settings.limit else {
            return Ok(());
        };
        if standing == Standing::Moderator {
            return Ok(());
        }
        let person = id.map(|id| self.pseudonyms.person(id));
        let (_, ledger) = self.load(self.period())?;
        self.check(limit, &ledger, standing, person)
    }

    /// As [`Meter::admit`], and counts the id. Returns the share of the limit in percent, if this count reaches one at which the
    /// log warns.
    ///
    /// # Errors
    /// As for [`Meter::admit`]. Without a limit, and for a moderator, only if the count cannot be written.
    pub fn issue(&self, standing: Standing, id: &str) -> Result<Option<u64>, Error> {
        let person = self.pseudonyms.person(id);
        let period = self.period();
        let day = period.day(self.now);
        self.update(period, |ledger| {
            if let Some(limit) = self.settings.limit {
                self.check(limit, ledger, standing, Some(person))?;
            }
            ledger.add_device(person, day, standing != Standing::Guest);
            Ok(())
        })
    }

    /// Counts the devices of an event that happened at `at`. Returns the same as [`Meter::issue`].
    ///
    /// An event of the previous period counts there. An older one is ignored: it no longer helps to avoid a bill.
    ///
    /// # Errors
    /// If the ledger cannot be written, so that 8x8 has to send the event again.
    pub fn record(&self, uses: &[Use<'_>], at: u64) -> Result<Option<u64>, Error> {
        let at = at.min(self.now);
        let period = Period::of(at, self.settings.billing_day);
        if period != self.period() && period != self.period().previous() {
            return Ok(None);
        }
        let day = period.day(at);
        self.update(period, |ledger| {
            for used in uses {
                ledger.add_device(self.pseudonyms.device(used.device), day, used.known);
                if let Some(person) = used.person {
                    ledger.add_person(self.pseudonyms.person(person), day);
                }
            }
            Ok(())
        })
    }

    /// Reports what was counted in the current period.
    ///
    /// # Errors
    /// If the ledger cannot be read.
    pub fn report(&self) -> Result<Report, Error> {
        let period = self.period();
        let (_, ledger) = self.load(period)?;
        Ok(Report::new(self.settings, period, &ledger, self.now))
    }

    fn period(&self) -> Period {
        Period::of(self.now, self.settings.billing_day)
    }

    fn check(
        &self,
        limit: Limit,
        ledger: &Ledger,
        standing: Standing,
        person: Option<Pseudonym>,
    ) -> Result<(), Error> {
        let is_counted = person.is_some_and(|person| ledger.contains(person));
        if is_counted || standing == Standing::Moderator {
            return Ok(());
        }
        let count = ledger.count() as u64;
        let period = self.period();
        let until = period.end();
        let retry_after = period.seconds_left(self.now).max(1);
        if count >= limit.total.into() {
            Err(Error::UsedUp { until, retry_after })
        } else if standing == Standing::Guest && count >= limit.for_guests().into() {
            Err(Error::GuestsUsedUp { until, retry_after })
        } else {
            Ok(())
        }
    }

    fn load(&self, period: Period) -> Result<(Option<Vec<u8>>, Ledger), Error> {
        let key = self.key(period);
        let value = self.store.get(&key)?;
        let ledger = match &value {
            None => Ledger::default(),
            Some(value) => Ledger::decode(value).map_err(|Damaged| Error::Damaged { key })?,
        };
        Ok((value, ledger))
    }

    /// Changes a ledger, and repeats that until the ledger contains the change. A store may report success although a concurrent
    /// write won, as Redis does for an aborted transaction, so only a change that finds nothing left to do counts as made.
    fn update(
        &self,
        period: Period,
        change: impl Fn(&mut Ledger) -> Result<(), Error>,
    ) -> Result<Option<u64>, Error> {
        let key = self.key(period);
        let mut reached = None;
        for _ in 0..MAX_ATTEMPTS {
            let (value, before) = self.load(period)?;
            let mut after = before.clone();
            change(&mut after)?;
            if after == before {
                return Ok(reached);
            }
            if !self
                .store
                .replace(&key, value.as_deref(), &after.encode())?
            {
                continue;
            }
            if period == self.period() {
                reached = self.reached(before.count(), after.count());
            }
            if value.is_none() {
                self.forget_old_periods();
            }
        }
        Err(Error::Busy)
    }

    /// Returns the highest share of the limit that the count reaches now and did not reach before.
    fn reached(&self, before: usize, after: usize) -> Option<u64> {
        let total = u64::from(self.settings.limit?.total);
        let is_reached = |count: usize, percent| count as u64 * 100 >= total * percent;
        WARNINGS
            .into_iter()
            .find(|percent| is_reached(after, *percent))
            .filter(|percent| !is_reached(before, *percent))
    }

    /// Removes old ledgers. It runs once a period; a failure can wait for the next period.
    fn forget_old_periods(&self) {
        for key in self.store.keys().unwrap_or_default() {
            let date = key.strip_prefix(KEYS).and_then(|rest| rest.split_once('-'));
            let start = date.and_then(|(_, date)| parse_date(date));
            if start.is_some_and(|start| self.period().outlives(start)) {
                let _ = self.store.delete(&key);
            }
        }
    }

    fn key(&self, period: Period) -> String {
        let source = match self.settings.source {
            Source::Webhook => "webhook",
            Source::Issued => "issued",
        };
        format!("{KEYS}{source}-{}", period.start())
    }
}

impl std::fmt::Debug for Meter<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Meter")
            .field("settings", self.settings)
            .field("now", &self.now)
            .finish_non_exhaustive()
    }
}
