//! Tests of the variables for the webhook, the ledger and its limit.

use super::super::*;
use super::{problems_with, source};
use crate::usage::{Limit, Source as Counted};

const SECRET: (&str, &str) = (
    "jaas_webhook_secret",
    "whsec_9635df66714a4cf088ee9d0979dd3bf6",
);
const RANDOM: (&str, &str) = ("default_user_id", "guest-{random}");
const STRONG: &str = "f3b1c9d27a64e8500f3b1c9d27a64e85";

/// The problems other than those of the missing JaaS credentials.
fn problems(variables: &[(&str, &str)]) -> Vec<String> {
    let mut problems = problems_with(variables);
    problems.drain(..3);
    problems
}

#[test]
fn by_default_nothing_of_it_exists() {
    let source = source(&[]);
    let config = Config::new(&source);
    assert!(!config.has_webhook() && !config.has_operator());
    assert!(matches!(config.webhook(), Ok(None)));
    assert!(matches!(config.room_settings(), Ok(None)));
    assert!(matches!(config.guard(), Ok(None)));
    assert!(matches!(config.operator_token(), Ok(None)));
}

#[test]
fn the_limit_and_its_reserve_are_read() {
    for (limit, reserve, total, reserved) in [
        ("25", "20%", 25, 5),
        ("25", " 21 %", 25, 6),
        ("25", "0%", 25, 0),
        ("25", "100%", 25, 25),
        ("25", "25", 25, 25),
        ("300", "0", 300, 0),
        ("80000", "99%", 80_000, 79_200),
        ("1", "20%", 1, 1),
    ] {
        let variables = [
            SECRET,
            RANDOM,
            ("monthly_user_limit", limit),
            ("monthly_user_reserve", reserve),
            ("billing_day", "28"),
        ];
        assert_eq!(problems(&variables), [""; 0], "{limit} {reserve}");
        let source = source(&variables);
        let config = Config::new(&source);
        let settings = config.guard().unwrap().unwrap();
        let reserve = reserved;
        assert_eq!(settings.limit, Some(Limit { total, reserve }));
        assert_eq!(settings.billing_day, 28);
        assert_eq!(settings.source, Counted::Webhook);
    }
}

#[test]
fn what_is_wrong_or_contradicts_itself_is_a_problem() {
    let limit = ("monthly_user_limit", "25");
    let issued = ("count_issued", "true");
    let authorization = ("jaas_webhook_authorization", STRONG);
    let rooms = (
        "room_settings",
        r#"[{"rooms":"*","lobby":"wait-for-approval"}]"#,
    );
    let none: &[&str] = &[];
    for (variables, parts) in [
        (&[SECRET, RANDOM, limit][..], none),
        (&[issued, RANDOM, limit], none),
        (&[issued, RANDOM], none),
        (&[issued, RANDOM, authorization, rooms], none),
        (&[SECRET], none),
        (&[SECRET, rooms], none),
        (&[authorization, rooms], none),
        (&[rooms], &["room_settings is set, and anybody could ask"]),
        (
            &[RANDOM, limit],
            &["monthly_user_limit is set, and nothing counts"],
        ),
        (
            &[RANDOM, limit, authorization],
            &["monthly_user_limit is set, and nothing counts"],
        ),
        (
            &[SECRET, limit],
            &["default_user_id is the same for all guests"],
        ),
        (&[issued], &["default_user_id is the same for all guests"]),
        (
            &[SECRET, RANDOM, issued],
            &["count_issued is true, and jaas_webhook_secret is set"],
        ),
        (
            &[SECRET, RANDOM, limit, ("monthly_user_reserve", "26")],
            &["monthly_user_reserve is more than monthly_user_limit"],
        ),
        (
            &[("monthly_user_reserve", "101%")],
            &["monthly_user_reserve is not a percentage"],
        ),
        (
            &[("monthly_user_reserve", "-1")],
            &["monthly_user_reserve is neither"],
        ),
        (
            &[("monthly_user_reserve", "")],
            &["monthly_user_reserve is neither"],
        ),
        (
            &[("monthly_user_limit", "80001")],
            &["monthly_user_limit is not a whole number"],
        ),
        (
            &[("monthly_user_limit", "+5")],
            &["monthly_user_limit is not a whole number"],
        ),
        (
            &[("monthly_user_limit", "")],
            &["monthly_user_limit is not a whole number"],
        ),
        (&[("billing_day", "0")], &["billing_day is not a day"]),
        (&[("billing_day", "29")], &["billing_day is not a day"]),
        (
            &[("jaas_webhook_secret", "whsec_short")],
            &["jaas_webhook_secret entry 1 is not the secret"],
        ),
        (
            &[(
                "jaas_webhook_secret",
                "whsec_9635df66714a4cf088ee9d0979dd3bf6, 9635df66714a4cf088ee9d0979dd3bf6",
            )],
            &["jaas_webhook_secret entry 2 is not the secret"],
        ),
        (
            &[("jaas_webhook_authorization", "Bearer secret")],
            &["jaas_webhook_authorization is"],
        ),
        (&[("operator_token", "secret")], &["operator_token is"]),
        (
            &[("operator_token", "f3b1c9d27a64e850 0f3b1c9d27a64e85")],
            &["operator_token has characters that no Bearer token can have"],
        ),
        (
            &[
                SECRET,
                (
                    "room_settings",
                    r#"[{"rooms":"r","passcode_from":"secret"}]"#,
                ),
            ],
            &["room_settings entry 1 has a passcode_from that is"],
        ),
        (
            &[("room_settings", "{}")],
            &[
                "room_settings is not a JSON list",
                "room_settings is set, and anybody could ask",
            ],
        ),
    ] {
        let problems = problems(variables);
        assert_eq!(problems.len(), parts.len(), "{variables:?}: {problems:?}");
        for (problem, part) in problems.iter().zip(parts) {
            assert!(
                problem.starts_with(part) && problem.ends_with('.'),
                "{problem}"
            );
        }
    }
}

#[test]
fn a_wrong_variable_closes_what_it_describes() {
    for (name, value, is_closed) in [
        ("jaas_webhook_secret", "x", |c: &Config<'_>| {
            c.has_webhook() && c.webhook().is_err()
        }),
        ("jaas_webhook_authorization", "x", |c| {
            c.has_webhook() && c.webhook().is_err()
        }),
        ("room_settings", "x", |c| {
            c.room_settings().is_err() && c.signer().is_err()
        }),
        ("monthly_user_limit", "x", |c| {
            c.guard().is_err() && c.signer().is_err()
        }),
        ("count_issued", "x", |c| {
            c.guard().is_err() && c.signer().is_err()
        }),
        ("operator_token", "x", |c| {
            c.has_operator() && c.operator_token().is_err()
        }),
    ] as [(&str, &str, fn(&Config<'_>) -> bool); 6]
    {
        let variables = [(name, value)];
        let source = source(&variables);
        assert!(is_closed(&Config::new(&source)), "{name}");
    }
}
