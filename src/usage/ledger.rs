//! The ledger of one period: the devices, since when each is in use, and the people who used them.
//!
//! The ledger is a set. Adding an event again, or events in another order, does not change the result: the day of a device
//! is its earliest, and a device counts as known once anybody known has used it.
#![forbid(unsafe_code)]

use super::pseudonym::Pseudonym;

/// The start of a serialised ledger: its type, and the version of its format.
const MAGIC: [u8; 3] = [b'J', b'U', 1];

/// The length of a record: pseudonym, day, flags.
const RECORD_BYTES: usize = size_of::<Pseudonym>() + 2;

/// The flag of a record for a device, which counts.
const COUNTS: u8 = 1;
/// The flag of a device that somebody known has used.
const KNOWN: u8 = 2;

/// The maximum number of records. Some stores limit a value to 1 MB. It is above the highest limit of users that can be set.
const MAX_RECORDS: usize = 90_000;
/// The maximum number of records for people.
const MAX_PEOPLE: usize = 60_000;

/// The devices and the people of one period.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Ledger(Vec<Record>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Record {
    pseudonym: Pseudonym,
    day: u8,
    flags: u8,
}

impl Record {
    fn counts(self) -> bool {
        self.flags & COUNTS != 0
    }
}

/// The error of a value that is not a ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Damaged;

impl Ledger {
    /// Decodes a value from the store.
    ///
    /// # Errors
    /// See [`Damaged`].
    pub fn decode(value: &[u8]) -> Result<Self, Damaged> {
        let records = value.strip_prefix(&MAGIC).ok_or(Damaged)?;
        let (records, rest) = records.as_chunks::<RECORD_BYTES>();
        if !rest.is_empty() || records.len() > MAX_RECORDS {
            return Err(Damaged);
        }
        let record = |[pseudonym @ .., day, flags]: &[u8; RECORD_BYTES]| Record {
            pseudonym: *pseudonym,
            day: *day,
            flags: *flags,
        };
        Ok(Self(records.iter().map(record).collect()))
    }

    /// Encodes the ledger as a value for the store.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut value = Vec::with_capacity(MAGIC.len() + self.0.len() * RECORD_BYTES);
        value.extend(MAGIC);
        for record in &self.0 {
            value.extend(record.pseudonym);
            value.extend([record.day, record.flags]);
        }
        value
    }

    /// Adds a device that was used on this day, or updates its record. In a full ledger it takes the place of a person: a limit
    /// that can be set must be reached.
    pub fn add_device(&mut self, device: Pseudonym, day: u8, known: bool) {
        let flags = if known { COUNTS | KNOWN } else { COUNTS };
        if let Some(record) = self.0.iter_mut().find(|r| r.pseudonym == device) {
            record.day = record.day.min(day);
            record.flags |= flags;
            return;
        }
        let record = Record {
            pseudonym: device,
            day,
            flags,
        };
        if self.0.len() < MAX_RECORDS {
            self.0.push(record);
        } else if let Some(person) = self.0.iter_mut().find(|r| !r.counts()) {
            *person = record;
        }
    }

    /// Adds a person. If there are too many, the person is not added, and counts as new on the next request.
    pub fn add_person(&mut self, person: Pseudonym, day: u8) {
        let people = self.0.len() - self.count();
        if !self.contains(person) && people < MAX_PEOPLE && self.0.len() < MAX_RECORDS {
            self.0.push(Record {
                pseudonym: person,
                day,
                flags: 0,
            });
        }
    }

    /// Whether the ledger contains a device or person.
    #[must_use]
    pub fn contains(&self, pseudonym: Pseudonym) -> bool {
        self.0.iter().any(|record| record.pseudonym == pseudonym)
    }

    /// Returns the number of devices.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.iter().filter(|record| record.counts()).count()
    }

    /// Returns the devices: the first day of each, and whether somebody known has used it.
    pub fn devices(&self) -> impl Iterator<Item = (u8, bool)> {
        let devices = self.0.iter().filter(|record| record.counts());
        devices.map(|record| (record.day, record.flags & KNOWN != 0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: Pseudonym = *b"device-a";
    const B: Pseudonym = *b"device-b";
    const P: Pseudonym = *b"person-p";

    #[test]
    fn events_can_come_twice_and_in_any_order() {
        type Event = fn(&mut Ledger);
        let events: [Event; 4] = [
            |ledger| ledger.add_device(A, 3, false),
            |ledger| ledger.add_device(A, 1, true),
            |ledger| ledger.add_device(B, 2, false),
            |ledger| ledger.add_person(P, 2),
        ];
        for order in [&[0, 1, 2, 3][..], &[3, 2, 1, 0], &[1, 0, 1, 3, 3, 2, 2, 0]] {
            let mut ledger = Ledger::default();
            for event in order {
                events[*event](&mut ledger);
            }
            let mut devices: Vec<_> = ledger.devices().collect();
            devices.sort_unstable();
            assert_eq!(devices, [(1, true), (2, false)], "{order:?}");
            assert_eq!(ledger.count(), 2);
            assert!(ledger.contains(P));
        }
    }

    #[test]
    fn a_ledger_is_read_as_it_was_written() {
        let mut ledger = Ledger::default();
        assert_eq!(Ledger::decode(&ledger.encode()), Ok(ledger.clone()));
        ledger.add_device(A, 30, true);
        ledger.add_person(P, 0);
        assert_eq!(Ledger::decode(&ledger.encode()), Ok(ledger));
    }

    #[test]
    fn what_is_no_ledger_is_damaged() {
        let mut ledger = Ledger::default();
        ledger.add_device(A, 0, false);
        let good = ledger.encode();
        for value in [
            &b""[..],
            b"JU",
            b"JU\x02",
            b"{}",
            &good[..good.len() - 1],
            &good[1..],
            &[&good[..], b"x"].concat(),
        ] {
            assert_eq!(Ledger::decode(value), Err(Damaged), "{value:?}");
        }
    }

    /// A ledger with so many people and devices.
    fn ledger(people: usize, devices: usize) -> Ledger {
        let record = |i: usize| Record {
            pseudonym: i.to_be_bytes(),
            day: 0,
            flags: if i < people { 0 } else { COUNTS },
        };
        Ledger((0..people + devices).map(record).collect())
    }

    #[test]
    fn a_full_ledger_fits_every_store_and_goes_on_counting_devices() {
        let mut full = ledger(MAX_PEOPLE, MAX_RECORDS - MAX_PEOPLE);
        full.add_person(P, 0);
        assert!(!full.contains(P));
        full.add_device(A, 0, false);
        assert!(full.contains(A));
        assert_eq!(full.count(), MAX_RECORDS - MAX_PEOPLE + 1);
        assert!(full.encode().len() < 1_000_000);
        assert_eq!(Ledger::decode(&full.encode()), Ok(full));
        let mut last = ledger(1, MAX_RECORDS - 1);
        last.add_device(A, 0, false);
        last.add_device(B, 0, false);
        assert!(last.contains(A) && !last.contains(B));
        assert!(Ledger::decode(&last.encode()).is_ok());
    }

    #[test]
    fn people_leave_room_for_devices() {
        let mut ledger = ledger(MAX_PEOPLE, 0);
        ledger.add_person(P, 0);
        assert!(!ledger.contains(P));
        ledger.add_device(A, 0, false);
        assert_eq!(ledger.count(), 1);
    }
}
