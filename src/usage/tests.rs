//! Tests of the ledger in a store, and of who is admitted.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::environment::tests::MemoryStore;
use crate::environment::{Isolated, Store};

/// 2026-11-20T00:00:00Z, in the period from 8 November to 8 December.
const NOW: u64 = 1_795_132_800;
const DAY: u64 = 86_400;
const KEY: &str = "jaas-jwt.v1.usage.webhook-2026-11-08";

fn settings(source: Source, limit: Option<(u32, u32)>) -> Settings {
    Settings {
        source,
        billing_day: 8,
        limit: limit.map(|(total, reserve)| Limit { total, reserve }),
    }
}

fn device(device: &str) -> Use<'_> {
    Use {
        device,
        person: None,
        known: false,
    }
}

fn report(meter: Meter<'_>) -> serde_json::Value {
    serde_json::to_value(meter.report().unwrap()).unwrap()
}

fn count(meter: Meter<'_>) -> u64 {
    report(meter)["count"].as_u64().unwrap()
}

#[test]
fn a_hundred_events_at_once_count_each_device_once() {
    for lies in [false, true] {
        let store = MemoryStore {
            lies,
            ..MemoryStore::default()
        };
        let settings = settings(Source::Webhook, Some((100, 0)));
        let pseudonyms = Pseudonyms::new(b"secret");
        let meter = || Meter::new(&settings, &pseudonyms, &store, NOW);
        let warnings = Mutex::new(Vec::new());
        std::thread::scope(|scope| {
            for i in 0..100 {
                let (meter, warnings) = (&meter, &warnings);
                scope.spawn(move || {
                    // Each device is reported twice.
                    let id = format!("device {}", i / 2);
                    let both = format!("device {}", 50 + i / 2);
                    let uses = [device(&id), device(&both)];
                    let reached = meter().record(&uses, NOW).unwrap();
                    warnings.lock().unwrap().extend(reached);
                });
            }
        });
        assert_eq!(count(meter()), 100, "lies: {lies}");
        let mut warnings = warnings.into_inner().unwrap();
        warnings.sort_unstable();
        if !lies {
            assert_eq!(warnings, [80, 90, 100]);
        }
    }
}

#[test]
fn an_event_that_comes_again_writes_nothing() {
    let store = MemoryStore::default();
    let settings = settings(Source::Webhook, None);
    let pseudonyms = Pseudonyms::new(b"secret");
    for (now, at, writes) in [
        (NOW, NOW, 1),
        (NOW, NOW, 1),
        (NOW + DAY, NOW, 1),
        (NOW + DAY, NOW + DAY, 1),
        // The device was first used on another day.
        (NOW + DAY, NOW - DAY, 2),
    ] {
        let meter = Meter::new(&settings, &pseudonyms, &store, now);
        meter.record(&[device("a")], at).unwrap();
        assert_eq!(
            store.replacements.load(Ordering::Relaxed),
            writes,
            "{now} {at}"
        );
        assert_eq!(count(meter), 1);
    }
}

#[test]
fn an_event_counts_in_the_period_in_which_it_happened() {
    let store = MemoryStore::default();
    let settings = settings(Source::Webhook, None);
    let pseudonyms = Pseudonyms::new(b"secret");
    let meter = Meter::new(&settings, &pseudonyms, &store, NOW);
    for (id, at) in [
        ("now", NOW),
        ("by a clock that is fast", NOW + 90 * DAY),
        ("late", NOW - 13 * DAY),
        ("of a bill that is written", NOW - 80 * DAY),
    ] {
        meter.record(&[device(id)], at).unwrap();
    }
    assert_eq!(count(meter), 2);
    let keys = store.keys().unwrap();
    assert_eq!(keys, ["jaas-jwt.v1.usage.webhook-2026-10-08", KEY]);
    let next = Meter::new(&settings, &pseudonyms, &store, NOW + 18 * DAY);
    assert_eq!(count(next), 0);
}

#[test]
fn old_ledgers_are_removed_and_nothing_else() {
    let store = MemoryStore::default();
    for key in [
        "jaas-jwt.v1.usage.webhook-2025-11-08",
        "jaas-jwt.v1.usage.webhook-2025-10-08",
        "jaas-jwt.v1.usage.issued-2020-01-01",
        "jaas-jwt.v1.usage.notes",
        "jaas-jwt.v1.usage.webhook-soon",
        "jaas-jwt.v1.usage.webhook-2020-13-01",
        "jaas-jwt.v1.usage.webhook-2020-01",
        "revoked-2020-01-01",
    ] {
        store.set(key, b"").unwrap();
    }
    let settings = settings(Source::Webhook, None);
    let pseudonyms = Pseudonyms::new(b"secret");
    let meter = Meter::new(&settings, &pseudonyms, &store, NOW);
    meter.record(&[device("a")], NOW).unwrap();
    assert_eq!(
        store.keys().unwrap(),
        [
            "jaas-jwt.v1.usage.notes",
            "jaas-jwt.v1.usage.webhook-2020-01",
            "jaas-jwt.v1.usage.webhook-2020-13-01",
            "jaas-jwt.v1.usage.webhook-2025-11-08",
            KEY,
            "jaas-jwt.v1.usage.webhook-soon",
            "revoked-2020-01-01",
        ]
    );
}

#[test]
fn the_store_has_no_id_in_clear() {
    let store = MemoryStore::default();
    let settings = settings(Source::Webhook, None);
    let pseudonyms = Pseudonyms::new(b"secret");
    let meter = Meter::new(&settings, &pseudonyms, &store, NOW);
    let used = Use {
        device: "+886212345678",
        person: Some("somebody@example.org"),
        known: true,
    };
    meter.record(&[used], NOW).unwrap();
    let value = store.get(KEY).unwrap().unwrap();
    let text = String::from_utf8_lossy(&value);
    for part in ["886", "somebody", "example"] {
        assert!(!text.contains(part), "{text}");
    }
    assert_eq!(value.len(), 3 + 2 * 10);
}

#[test]
fn near_the_limit_only_those_who_are_counted_or_proven_are_let_in() {
    use Standing::{Guest, Member, Moderator};
    let pseudonyms = Pseudonyms::new(b"secret");
    let limited = settings(Source::Webhook, Some((10, 2)));
    for (count, guest, member) in [
        (0, "in", "in"),
        (7, "in", "in"),
        (8, "guests", "in"),
        (9, "guests", "in"),
        (10, "all", "all"),
        (11, "all", "all"),
    ] {
        let store = MemoryStore::default();
        let meter = Meter::new(&limited, &pseudonyms, &store, NOW);
        let ids: Vec<String> = (0..count).map(|i| format!("device {i}")).collect();
        let mut uses: Vec<Use<'_>> = ids.iter().map(|id| device(id)).collect();
        if let Some(used) = uses.first_mut() {
            used.person = Some("counted");
        }
        meter.record(&uses, NOW).unwrap();
        for (standing, id, expected) in [
            (Guest, Some("new"), guest),
            (Guest, None, guest),
            (Member, Some("new"), member),
            (Moderator, Some("new"), "in"),
            (
                Guest,
                Some("counted"),
                if count == 0 { guest } else { "in" },
            ),
            (Member, Some("counted"), "in"),
        ] {
            let (until, retry_after) = ("2026-12-08".parse().unwrap(), 18 * DAY);
            let expected = match expected {
                "in" => Ok(()),
                "guests" => Err(Error::GuestsUsedUp { until, retry_after }),
                _ => Err(Error::UsedUp { until, retry_after }),
            };
            assert_eq!(
                meter.admit(standing, id),
                expected,
                "{count} {standing:?} {id:?}"
            );
        }
    }
}

#[test]
fn the_message_says_until_when() {
    let error = |until: &str| {
        Error::GuestsUsedUp {
            until: until.parse().unwrap(),
            retry_after: 1,
        }
        .to_string()
    };
    for (until, end) in [
        ("2026-12-08", "until 8 December"),
        ("2027-01-28", "until 28 January"),
    ] {
        let message = error(until);
        assert!(message.ends_with(end), "{message}");
    }
}

#[test]
fn a_count_that_nobody_knows_lets_in_moderators_alone() {
    let settings = settings(Source::Webhook, Some((10, 2)));
    let pseudonyms = Pseudonyms::new(b"secret");
    let damaged = MemoryStore::default();
    damaged.set(KEY, b"{}").unwrap();
    let key = KEY.to_owned();
    for (store, error) in [
        (&Isolated as &dyn Store, Error::Unavailable),
        (&damaged, Error::Damaged { key }),
    ] {
        let meter = Meter::new(&settings, &pseudonyms, store, NOW);
        for standing in [Standing::Guest, Standing::Member] {
            assert_eq!(meter.admit(standing, Some("a")), Err(error.clone()));
        }
        assert_eq!(meter.admit(Standing::Moderator, None), Ok(()));
        // The event is rejected, so 8x8 sends it again.
        assert_eq!(meter.record(&[device("a")], NOW), Err(error.clone()));
        assert_eq!(meter.report(), Err(error));
    }
    assert_eq!(damaged.get(KEY).unwrap().as_deref(), Some(&b"{}"[..]));
}

#[test]
fn without_a_limit_no_store_is_read() {
    let settings = settings(Source::Webhook, None);
    let pseudonyms = Pseudonyms::new(b"secret");
    let meter = Meter::new(&settings, &pseudonyms, &Isolated, NOW);
    assert_eq!(meter.admit(Standing::Guest, None), Ok(()));
}

#[test]
fn ids_that_get_tokens_are_counted_once_and_never_beyond_the_limit() {
    let store = MemoryStore::default();
    let settings = settings(Source::Issued, Some((20, 5)));
    let pseudonyms = Pseudonyms::new(b"secret");
    let meter = || Meter::new(&settings, &pseudonyms, &store, NOW);
    let issued = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for i in 0..60 {
            let (meter, issued) = (&meter, &issued);
            scope.spawn(move || {
                let id = format!("guest {}", i / 2);
                if meter().issue(Standing::Guest, &id).is_ok() {
                    issued.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    assert_eq!(count(meter()), 15);
    assert!(issued.into_inner() >= 15);
    for i in 0..10 {
        let member = meter().issue(Standing::Member, &format!("member {i}"));
        assert_eq!(member.is_ok(), i < 5, "{i}");
    }
    assert!(meter().issue(Standing::Moderator, "moderator").is_ok());
    let report = report(meter());
    assert_eq!(
        (&report["guests"], &report["known"]),
        (&15.into(), &6.into())
    );
    assert_eq!(report["source"], "issued");
}

#[test]
fn a_report_has_every_day_to_the_present_one() {
    let store = MemoryStore::default();
    let settings = settings(Source::Webhook, Some((25, 5)));
    let pseudonyms = Pseudonyms::new(b"secret");
    let meter = Meter::new(&settings, &pseudonyms, &store, NOW);
    let known = Use {
        known: true,
        ..device("c")
    };
    meter
        .record(&[device("a"), device("b")], NOW - 12 * DAY)
        .unwrap();
    meter.record(&[known, device("a")], NOW).unwrap();
    let report = report(meter);
    let days = report["days"].as_array().unwrap();
    assert_eq!(days.len(), 13);
    let day =
        |date, guests, known| serde_json::json!({"date": date, "guests": guests, "known": known});
    assert_eq!(days[0], day("2026-11-08", 2, 0));
    assert_eq!(days[1], day("2026-11-09", 0, 0));
    assert_eq!(days[12], day("2026-11-20", 0, 1));
    let mut rest = report.clone();
    rest.as_object_mut().unwrap().remove("days");
    assert_eq!(
        rest,
        serde_json::json!({
            "source": "webhook",
            "period": {"start": "2026-11-08", "end": "2026-12-08"},
            "limit": 25, "reserve": 5, "count": 3, "guests": 2, "known": 1,
        })
    );
}

/// Lets guests join around the limit, with a delay until 8x8 reports each. Only those on their way at that moment may be
/// admitted beyond the limit.
fn join_around_the_limit(seconds: u64) {
    const WORKERS: usize = 8;
    const LIMIT: u32 = 200;
    let store = MemoryStore::default();
    let settings = settings(Source::Webhook, Some((LIMIT, 0)));
    let pseudonyms = Pseudonyms::new(b"secret");
    let meter = || Meter::new(&settings, &pseudonyms, &store, NOW);
    let (let_in, rejected) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let start = std::time::Instant::now();
    std::thread::scope(|scope| {
        for worker in 0..WORKERS {
            let (meter, let_in, rejected) = (&meter, &let_in, &rejected);
            scope.spawn(move || {
                for i in 0.. {
                    if start.elapsed().as_secs() >= seconds {
                        return;
                    }
                    let id = format!("{worker}-{i}");
                    if meter().admit(Standing::Guest, Some(&id)).is_ok() {
                        std::thread::sleep(std::time::Duration::from_millis(1));
                        let used = Use {
                            person: Some(&id),
                            ..device(&id)
                        };
                        meter().record(&[used], NOW).unwrap();
                        let_in.fetch_add(1, Ordering::Relaxed);
                    } else {
                        rejected.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    let (let_in, rejected) = (let_in.into_inner(), rejected.into_inner());
    println!("limit {LIMIT}, {WORKERS} at once, {seconds} s: {let_in} let in, {rejected} rejected");
    assert!(
        let_in >= LIMIT as usize && rejected > 0,
        "{let_in} {rejected}"
    );
    assert!(let_in <= LIMIT as usize + WORKERS, "{let_in}");
    assert_eq!(count(meter()), let_in as u64);
}

#[test]
fn no_more_get_in_than_the_limit_and_those_who_are_on_their_way() {
    join_around_the_limit(1);
}

/// `cargo test --release --lib a_minute_of_joins -- --ignored --nocapture`
#[test]
#[ignore = "takes a minute"]
fn a_minute_of_joins_stays_within_the_same_bound() {
    join_around_the_limit(60);
}
