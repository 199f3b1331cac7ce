//! The variables for the usage ledger and its limit.
#![forbid(unsafe_code)]

use super::reader::Reader;
use super::variable;
use crate::secret::Secret;
use crate::secret_text;
use crate::usage::{Limit, MAX_BILLING_DAY, Settings, Source};

/// The maximum of `monthly_user_limit`.
const MAX_LIMIT: u32 = 80_000;

/// The two variables that switch counting on. Every token request reads them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Switches {
    /// The limit of monthly users; 0 if there is none.
    pub limit: u32,
    pub count_issued: bool,
}

impl Switches {
    /// Whether token requests use the ledger.
    pub const fn is_on(self) -> bool {
        self.limit > 0 || self.count_issued
    }
}

pub(super) fn read_switches(reader: &mut Reader<'_>) -> Switches {
    Switches {
        limit: reader
            .parsed(variable::MONTHLY_USER_LIMIT, |text| {
                number(text, 0..=MAX_LIMIT).ok_or_else(|| {
                    format!("is not a whole number from 0 to {MAX_LIMIT}; set it to the monthly users that you pay for, or to 0.")
                })
            })
            .unwrap_or(0),
        count_issued: reader.switch(variable::COUNT_ISSUED, false),
    }
}

/// The other settings that the usage settings depend on.
pub(super) struct Surroundings {
    pub switches: Switches,
    /// Whether the signature of events from 8x8 can be verified.
    pub has_signatures: bool,
    /// Whether guests who choose no id get different ids.
    pub has_random_ids: bool,
}

/// Reads how users are counted.
pub(super) fn read(reader: &mut Reader<'_>, surroundings: &Surroundings) -> Settings {
    let Surroundings {
        switches,
        has_signatures,
        has_random_ids,
    } = *surroundings;
    let billing_day = reader.parsed(variable::BILLING_DAY, |text| {
        number(text, 1..=MAX_BILLING_DAY).ok_or_else(|| {
            format!("is not a day of the month from 1 to {MAX_BILLING_DAY}; set it to the day on which the account was made at 8x8.")
        })
    });
    let reserve = reader.parsed(variable::MONTHLY_USER_RESERVE, |text| {
        parse_reserve(text, switches.limit)
    });
    if switches.count_issued && has_signatures {
        reader.problem(
            variable::COUNT_ISSUED,
            "is true, and jaas_webhook_secret is set, by which 8x8 tells what it bills; set it to false, or empty the secret.",
        );
    }
    if switches.limit > 0 && !switches.count_issued && !has_signatures {
        reader.problem(
            variable::MONTHLY_USER_LIMIT,
            "is set, and nothing counts users; set jaas_webhook_secret and have 8x8 send USAGE events, or set count_issued to true.",
        );
    }
    if switches.is_on() && !has_random_ids {
        reader.problem(
            variable::DEFAULT_USER_ID,
            "is the same for all guests, and monthly_user_limit or count_issued has to tell them apart; set it to guest-{random}.",
        );
    }
    Settings {
        source: if switches.count_issued {
            Source::Issued
        } else {
            Source::Webhook
        },
        billing_day: billing_day.unwrap_or(1),
        limit: (switches.limit > 0).then_some(Limit {
            total: switches.limit,
            reserve: reserve.unwrap_or(switches.limit),
        }),
    }
}

/// Reads the token that grants access to the ledger; `None` if nobody has access.
pub(super) fn read_operator_token(reader: &mut Reader<'_>) -> Option<Secret<String>> {
    let token = reader.parsed(variable::OPERATOR_TOKEN, |text| {
        if text.is_empty() {
            return Ok(None);
        }
        secret_text::check(text)?;
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err("has characters that no Bearer token can have; make one with `openssl rand -base64 48`.");
        }
        Ok(Some(Secret::new(text.to_owned())))
    });
    token.flatten()
}

/// Parses a number of users, or a percentage of the limit, which is rounded up.
fn parse_reserve(text: &str, limit: u32) -> Result<u32, &'static str> {
    if let Some(percent) = text.strip_suffix('%') {
        let percent = number(percent.trim_end(), 0..=100).ok_or(
            "is not a percentage from 0% to 100%; set it to one, or to a number of users.",
        )?;
        // This cannot overflow: 100 % of the largest limit is far below the maximum of `u32`.
        return Ok((limit * percent).div_ceil(100));
    }
    let users = number(text, 0..=MAX_LIMIT).ok_or(
        "is neither a percentage such as 20% nor a whole number of users; set it to one of them.",
    )?;
    if limit > 0 && users > limit {
        return Err("is more than monthly_user_limit; set it to a part of the limit, such as 20%.");
    }
    Ok(users)
}

fn number(text: &str, range: std::ops::RangeInclusive<u32>) -> Option<u32> {
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    let number = text.parse().ok().filter(|_| is_number)?;
    range.contains(&number).then_some(number)
}
