//! Parses and formats the expiry of an invitation.

use anyhow::{Context, Result, ensure};
use chrono::{DateTime, Local, NaiveDateTime, TimeZone};

/// Returns the seconds from `now` until a time such as `2h` or `2026-12-24T19:00` in this machine's time zone.
pub fn lifetime(text: &str, now: &DateTime<Local>) -> Result<u64> {
    if let Some(seconds) = duration(text) {
        return Ok(seconds);
    }
    let naive = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]
        .iter()
        .find_map(|form| NaiveDateTime::parse_from_str(text, form).ok())
        .context(
            "is neither a duration such as 90m, 2h or 7d nor a time such as 2026-12-24T19:00",
        )?;
    // When clocks are set back, a time occurs twice; use the first.
    let time = Local
        .from_local_datetime(&naive)
        .earliest()
        .context("is a time that the time zone of this machine leaves out")?;
    let seconds = (time.timestamp() - now.timestamp()).max(0);
    ensure!(seconds > 0, "is in the past");
    Ok(seconds.unsigned_abs())
}

/// Parses a number with a unit.
fn duration(text: &str) -> Option<u64> {
    let unit = text.chars().next_back()?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 86_400,
        _ => return None,
    };
    let number = text.strip_suffix(unit)?;
    number.parse::<u64>().ok()?.checked_mul(seconds)
}

/// Formats a time in this machine's time zone, which is UTC if the system does not know the zone in `TZ`.
pub fn shown(seconds: u64) -> String {
    i64::try_from(seconds)
        .ok()
        .and_then(|seconds| Local.timestamp_opt(seconds, 0).single())
        .map_or_else(
            || seconds.to_string(),
            |time| time.format("%Y-%m-%d at %H:%M (UTC%:z)").to_string(),
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_shown_with_its_distance_from_utc() {
        let time = shown(1_800_000_000);
        let time = DateTime::parse_from_str(&time, "%Y-%m-%d at %H:%M (UTC%:z)");
        assert_eq!(time.expect("a time").timestamp(), 1_800_000_000);
    }

    #[test]
    fn a_lifetime_is_a_duration_or_a_time() {
        let now = Local.timestamp_opt(1_800_000_000, 0).unwrap();
        let later = Local.timestamp_opt(1_800_000_000 + 7200, 0).unwrap();
        let before = Local.timestamp_opt(1_800_000_000 - 60, 0).unwrap();
        let minutes = "%Y-%m-%dT%H:%M";
        for (text, expected) in [
            ("90s".to_owned(), Ok(90)),
            ("90m".to_owned(), Ok(5400)),
            ("2h".to_owned(), Ok(7200)),
            ("7d".to_owned(), Ok(604_800)),
            (later.format(minutes).to_string(), Ok(7200)),
            (later.format("%Y-%m-%dT%H:%M:%S").to_string(), Ok(7200)),
            (before.format(minutes).to_string(), Err("is in the past")),
            ("2026-02-30T10:00".to_owned(), Err("is neither")),
            ("tomorrow".to_owned(), Err("is neither")),
            ("-2h".to_owned(), Err("is neither")),
            ("99999999999999999999d".to_owned(), Err("is neither")),
            (String::new(), Err("is neither")),
        ] {
            match (lifetime(&text, &now), expected) {
                (Ok(found), Ok(expected)) => assert_eq!(found, expected, "{text}"),
                (Err(error), Err(part)) => {
                    assert!(error.to_string().contains(part), "{text}: {error}");
                }
                (found, _) => panic!("{text}: {found:?}"),
            }
        }
    }
}
