//! Tests of the values that variables accept, and of the messages about others.

mod memo;
mod usage;

use super::*;

pub const APP_ID: &str = "vpaas-magic-cookie-1fc542a3e4414a44b2611668195e2bfe";

/// A source of these variables; all others have their defaults.
pub fn source<'a>(variables: &'a [(&'a str, &'a str)]) -> impl Source + 'a {
    move |name: &str| {
        let found = variables.iter().find(|(known, _)| *known == name);
        Ok(found.map(|(_, value)| (*value).to_owned()))
    }
}

fn problems_with(variables: &[(&str, &str)]) -> Vec<String> {
    let source = source(variables);
    let problems = Config::new(&source).problems();
    problems.iter().map(Problem::to_string).collect()
}

#[test]
fn the_three_credentials_are_missing_when_absent_or_empty() {
    for variables in [
        &[][..],
        &[
            ("jaas_app_id", ""),
            ("jaas_key_id", " "),
            ("jaas_private_key", "\n"),
        ],
    ] {
        let source = source(variables);
        let problems = Config::new(&source).problems();
        assert!(problems.iter().all(Problem::is_missing), "{problems:?}");
        let missing: Vec<_> = problems.iter().map(Problem::variable).collect();
        assert_eq!(missing, ["jaas_app_id", "jaas_key_id", "jaas_private_key"]);
    }
}

#[test]
fn everything_wrong_is_reported_at_once_by_variable_name() {
    let problems = problems_with(&[
        ("jaas_app_id", "nonsense"),
        ("jaas_key_id", "a b"),
        ("jaas_private_key", "anything"),
        ("allowed_origins", "* http://vtaiwan.tw"),
        ("allowed_headers", "*"),
        ("disclose_origins", "maybe"),
        ("require_origin", ""),
        ("default_room", "*"),
        ("default_user_id", "a\u{7}b"),
        ("default_user_email", "nobody"),
        ("default_moderator", "1"),
        ("token_ttl_seconds", "59"),
        ("token_leeway_seconds", "301"),
        ("moderator_features", "recordings"),
        ("member_features", "lobby, Recording"),
        ("allowed_rooms", "a, b/c"),
        ("auth_mode", "sometimes"),
        ("jaas_webhook_secret", "secret"),
        ("jaas_webhook_authorization", "Bearer x"),
        ("room_settings", "lobby"),
        ("monthly_user_limit", "many"),
        ("monthly_user_reserve", "a fifth"),
        ("billing_day", "31"),
        ("count_issued", "maybe"),
        ("operator_token", "operator"),
        ("signing_engine", "openssl"),
    ]);
    let names: Vec<_> = problems
        .iter()
        .filter_map(|p| p.split(' ').next())
        .collect();
    assert_eq!(
        names,
        [
            "jaas_app_id",
            "jaas_key_id",
            "jaas_private_key",
            "allowed_origins",
            "allowed_origins",
            "allowed_headers",
            "disclose_origins",
            "require_origin",
            "default_room",
            "default_user_id",
            "default_user_email",
            "default_moderator",
            "token_ttl_seconds",
            "token_leeway_seconds",
            "moderator_features",
            "member_features",
            "allowed_rooms",
            "auth_mode",
            "jaas_webhook_secret",
            "jaas_webhook_authorization",
            "room_settings",
            "monthly_user_limit",
            "monthly_user_reserve",
            "billing_day",
            "count_issued",
            "operator_token",
            "signing_engine",
        ]
    );
    for problem in &problems {
        assert!(problem.ends_with('.'), "{problem}");
    }
    assert!(
        problems[14].contains("the nearest is recording."),
        "{}",
        problems[14]
    );
    assert!(problems[15].contains("entry 2 "), "{}", problems[15]);
    assert!(problems[16].contains("entry 2 "), "{}", problems[16]);
}

#[test]
fn times_have_their_limits() {
    for (variable, text, good) in [
        ("token_ttl_seconds", "60", true),
        ("token_ttl_seconds", " 86400 ", true),
        ("token_ttl_seconds", "86401", false),
        ("token_ttl_seconds", "", false),
        ("token_ttl_seconds", "3600s", false),
        ("token_ttl_seconds", "-60", false),
        ("token_ttl_seconds", "1e3", false),
        ("token_ttl_seconds", "99999999999999999999", false),
        ("token_leeway_seconds", "0", true),
        ("token_leeway_seconds", "300", true),
    ] {
        let problems = problems_with(&[(variable, text)]);
        assert_eq!(problems.len() == 3, good, "{variable} {text}: {problems:?}");
    }
}

#[test]
fn each_variable_has_its_default_when_the_host_does_not_know_it() {
    let declared: Vec<_> = variable::ALL
        .iter()
        .filter_map(|v| Some((v.name, v.default?)))
        .collect();
    let (implicit, explicit) = (source(&[]), source(&declared));
    let (implicit, explicit) = (Config::new(&implicit), Config::new(&explicit));
    assert_eq!(implicit.problems(), explicit.problems());
    assert_eq!(
        implicit.problems().len(),
        3,
        "only the credentials are missing"
    );
    let debug = |config: &Config<'_>| {
        format!(
            "{:?} {:?} {:?} {:?}",
            config.allowed_origins(),
            config.allowed_headers(),
            config.policy(),
            config.validity()
        )
    };
    assert_eq!(debug(&implicit), debug(&explicit));
}

#[test]
fn the_defaults_are_those_of_the_worker() {
    let source = source(&[]);
    let config = Config::new(&source);
    assert_eq!(config.allowed_origins().to_vec().len(), 11);
    assert!(config.disclose_origins() && !config.require_origin());
    assert!(matches!(config.login(), Ok(None)));
    assert!(matches!(config.invitations(), Ok(None)) && !config.has_invitations());
    let crate::policy::Settings {
        defaults,
        allowed_rooms,
        ..
    } = config.policy();
    assert!(allowed_rooms.is_none());
    assert_eq!(defaults.room, crate::room::Name::parse("default-room").ok());
    assert!(defaults.user_id.is_some());
    assert_eq!(
        defaults.user_name,
        crate::person::Name::parse("Your User").ok()
    );
    assert_eq!(
        defaults.user_email,
        crate::person::Email::parse("user@example.com").ok()
    );
    assert_eq!(defaults.moderator, Some(true));
}

/// Otherwise the browser would reject every request from a page that Sentry or OpenTelemetry traces.
#[test]
fn headers_that_tracing_adds_are_allowed_by_default() {
    let source = source(&[]);
    let config = Config::new(&source);
    for header in [
        "content-type",
        "authorization",
        "sentry-trace",
        "baggage",
        "traceparent",
        "tracestate",
        "x-requested-with",
    ] {
        let preflight = [("access-control-request-headers", header)].into();
        let missing = config.allowed_headers().first_missing(&preflight);
        assert_eq!(missing, None, "{header}");
    }
}

#[test]
fn authentication_needs_exactly_one_key_and_an_issuer_and_an_audience() {
    let secret = ("auth_hs256_secret", "f3b1c9d27a64e8500f3b1c9d27a64e85");
    let issuer = ("auth_issuer", "https://login.example");
    let audience = ("auth_audience", "jaas");
    let jwks = ("auth_jwks", r#"{"keys":[]}"#);
    for mode in ["optional", "required"] {
        let mode = ("auth_mode", mode);
        type Row<'a> = (&'a [(&'a str, &'a str)], &'a [&'a str]);
        let table: [Row; 8] = [
            (&[mode, secret, issuer, audience], &[]),
            (
                &[mode, issuer, audience],
                &["auth_mode asks for credentials"],
            ),
            (
                &[mode, secret],
                &["auth_issuer is empty", "auth_audience is empty"],
            ),
            (
                &[mode, secret, issuer, audience, ("auth_moderator_claim", "")],
                &["auth_moderator_claim is empty"],
            ),
            (
                &[mode, issuer, audience, ("auth_hs256_secret", "x7Kq")],
                &["auth_hs256_secret is shorter than 32 bytes"],
            ),
            (
                &[mode, secret, jwks, issuer, audience],
                &[
                    "auth_jwks has no public key",
                    "auth_jwks is set and auth_hs256_secret is too",
                ],
            ),
            (
                &[mode, issuer, audience, ("auth_public_key", "nonsense")],
                &["auth_public_key is not PEM"],
            ),
            (
                &[mode, issuer, audience, ("auth_jwks", "nonsense")],
                &["auth_jwks is not a JWKS document"],
            ),
        ];
        for (variables, parts) in table {
            let source = source(variables);
            let config = Config::new(&source);
            let problems: Vec<_> = config
                .problems()
                .iter()
                .filter(|p| !p.is_missing())
                .map(Problem::to_string)
                .collect();
            assert_eq!(problems.len(), parts.len(), "{problems:?}");
            for (problem, part) in problems.iter().zip(parts) {
                assert!(problem.starts_with(part), "{problem}");
            }
            let login = config.login().map(|login| login.is_some());
            assert_eq!(
                login.ok(),
                parts.is_empty().then_some(true),
                "{variables:?}"
            );
        }
    }
}

/// The settings of a login with these additional variables, or their problems.
fn login_with(variables: &[(&str, &str)]) -> Result<caller::Settings, Vec<String>> {
    let good = [
        ("auth_mode", "required"),
        ("auth_hs256_secret", "f3b1c9d27a64e8500f3b1c9d27a64e85"),
        ("auth_issuer", "https://login.example"),
        ("auth_audience", "jaas"),
    ];
    let variables = [variables, &good].concat();
    let source = source(&variables);
    let setting = reader::Setting::read(&source, |reader| login::read(reader, None, || false));
    let problems: Vec<_> = setting.problems.iter().map(Problem::to_string).collect();
    match setting.value {
        Some(settings) if problems.is_empty() => Ok(settings),
        _ => Err(problems),
    }
}

#[test]
fn claims_have_the_names_that_the_variables_say() {
    let shown = |variables: &[(&str, &str)]| {
        let settings = login_with(variables).unwrap();
        format!(
            "{:?} {:?} {:?}",
            settings.audience, settings.group, settings.identity
        )
    };
    let default = shown(&[]);
    for name in [
        "aud",
        "sub",
        "name",
        "picture",
        "email",
        "rooms",
        "moderator",
    ] {
        assert!(default.contains(&format!("{name:?}")), "{name}: {default}");
    }
    assert!(!default.contains("of auth_"), "{default}");
    for (variable, value, names) in [
        ("auth_audience", "jaas, https://a.tw", &["https://a.tw"][..]),
        ("auth_audience", "[\"a b\", \"c\"]", &["a b", "c"]),
        ("auth_audience_claim", "client_id", &["client_id"]),
        ("auth_id_claim", "user.id", &["user.id"]),
        (
            "auth_name_claim",
            "name, preferred_username",
            &["name", "preferred_username"],
        ),
        (
            "auth_picture_claim",
            "picture\nimage",
            &["picture", "image"],
        ),
        (
            "auth_email_claim",
            "https://x.tw/mail",
            &["https://x.tw/mail"],
        ),
        ("auth_rooms_claim", "meet.rooms", &["meet.rooms"]),
    ] {
        let shown = shown(&[(variable, value)]);
        for name in names {
            assert!(shown.contains(&format!("{name:?}")), "{variable}: {shown}");
        }
        let label = format!("of {variable}");
        assert_eq!(
            shown.contains(&label),
            variable != "auth_audience",
            "{shown}"
        );
    }
    let settings = login_with(&[
        ("auth_name_claim", ""),
        ("auth_picture_claim", " "),
        ("auth_email_claim", ""),
        ("auth_request_name", "false"),
    ]);
    let identity = settings.unwrap().identity;
    assert!(identity.name.is_empty() && identity.picture.is_empty());
    assert!(identity.email.is_none() && !identity.name_by_request);
    let group = login_with(&[
        ("auth_required_claim", "hd"),
        ("auth_required_values", "a.tw, b.tw"),
    ]);
    assert_eq!(group.unwrap().group.unwrap().values, ["a.tw", "b.tw"]);
}

#[test]
fn a_claim_that_is_needed_has_a_name_and_a_group_has_both_halves() {
    for (variables, problem) in [
        (
            &[("auth_audience_claim", "")][..],
            "auth_audience_claim is empty",
        ),
        (&[("auth_audience", ",")], "auth_audience is not empty and"),
        (&[("auth_audience", "")], "auth_audience is empty"),
        (&[("auth_id_claim", " ")], "auth_id_claim is empty"),
        (&[("auth_rooms_claim", "")], "auth_rooms_claim is empty"),
        (&[("auth_name_claim", ",")], "auth_name_claim is not empty"),
        (
            &[("auth_picture_claim", "[]")],
            "auth_picture_claim is not empty",
        ),
        (&[("auth_id_claim", "sub,oid")], "auth_id_claim has a comma"),
        (
            &[("auth_email_claim", "email\nmail")],
            "auth_email_claim has a comma",
        ),
        (
            &[("auth_rooms_claim", "rooms, room")],
            "auth_rooms_claim has a comma",
        ),
        (
            &[("auth_audience_claim", "azp,client_id")],
            "auth_audience_claim has a comma",
        ),
        (
            &[("auth_moderator_claim", "moderator,role")],
            "auth_moderator_claim has a comma",
        ),
        (
            &[
                ("auth_required_claim", "groups, hd"),
                ("auth_required_values", "staff"),
            ],
            "auth_required_claim has a comma",
        ),
        (
            &[("auth_request_name", "maybe")],
            "auth_request_name is neither true nor false",
        ),
        (
            &[("auth_required_claim", "groups")],
            "auth_required_values is empty and auth_required_claim is not",
        ),
        (
            &[("auth_required_values", "staff")],
            "auth_required_claim is empty and auth_required_values is not",
        ),
        (
            &[
                ("auth_required_claim", "groups"),
                ("auth_required_values", ","),
            ],
            "auth_required_values is not empty and names nothing",
        ),
    ] {
        let problems = login_with(variables).unwrap_err();
        assert_eq!(problems.len(), 1, "{variables:?}: {problems:?}");
        assert!(problems[0].starts_with(problem), "{problems:?}");
        assert!(problems[0].ends_with('.'), "{problems:?}");
    }
}

#[test]
fn a_login_that_is_described_and_not_required_of_anybody_is_a_problem() {
    for (mode, problem) in [
        (&[][..], "auth_mode is none, so that nobody"),
        (
            &[("auth_mode", "none")],
            "auth_mode is none, so that nobody",
        ),
        (&[("auth_mode", "")], "auth_mode is not none, optional or"),
    ] {
        for variable in [
            "auth_hs256_secret",
            "auth_public_key",
            "auth_jwks",
            "auth_issuer",
            "auth_audience",
            "auth_moderator_values",
            "auth_required_claim",
            "auth_required_values",
        ] {
            let variables = [mode, &[(variable, "anything")]].concat();
            let problems = problems_with(&variables);
            assert_eq!(problems.len(), 4, "{variables:?}: {problems:?}");
            assert!(problems[3].starts_with(problem), "{problems:?}");
            let source = source(&variables);
            assert!(Config::new(&source).login().is_err());
        }
    }
    // These variables have defaults, and alone do not show that a login is intended.
    for (variable, value) in [
        ("auth_moderator_claim", "role"),
        ("auth_audience_claim", "azp"),
        ("auth_id_claim", "user.id"),
        ("auth_name_claim", "nickname"),
        ("auth_picture_claim", "image"),
        ("auth_email_claim", ""),
        ("auth_rooms_claim", "meetings"),
        ("auth_request_name", "false"),
    ] {
        assert_eq!(problems_with(&[(variable, value)]).len(), 3, "{variable}");
    }
    assert_eq!(problems_with(&[("auth_issuer", " \n")]).len(), 3);
}

#[test]
fn invitations_have_a_secret_of_their_own_and_a_link_that_no_server_sees() {
    const SECRET: &str = "f3b1c9d27a64e8500f3b1c9d27a64e85";
    let login = [
        ("auth_mode", "required"),
        ("auth_hs256_secret", SECRET),
        ("auth_issuer", "https://login.example"),
        ("auth_audience", "jaas"),
    ];
    let other = ("invitation_secret", "qJ4vS8wZk2Xn7Tb0Lr5Yd9Mf3Hc6Pg1Ua");
    for (variables, expected) in [
        (&[][..], &[][..]),
        (&[other], &[]),
        (
            &[("invitation_secret", SECRET)],
            &["invitation_secret is auth_hs256_secret as well"],
        ),
        (
            &[("invitation_secret", "x7Kq")],
            &["invitation_secret is shorter than 32 bytes"],
        ),
        (
            &[
                other,
                ("invitation_link", "https://x.example/#i={invitation}"),
            ],
            &[],
        ),
        (
            &[
                other,
                ("invitation_link", "https://x.example/?i={invitation}"),
            ],
            &["invitation_link must be an https URL"],
        ),
        (&[other, ("invitations_not_before", "1700000000")], &[]),
        (
            &[other, ("invitations_not_before", "1700000000000")],
            &["invitations_not_before is not a whole number"],
        ),
        (
            &[other, ("invitations_not_before", "2026-12-24")],
            &["invitations_not_before is not a whole number"],
        ),
        // Without a secret, no other variable of invitations is read.
        (
            &[("invitation_link", "x"), ("invitations_not_before", "x")],
            &[],
        ),
    ] {
        let variables = [&login[..], variables].concat();
        let problems = problems_with(&variables);
        assert_eq!(problems.len(), 3 + expected.len(), "{problems:?}");
        for (problem, part) in problems[3..].iter().zip(expected) {
            assert!(
                problem.starts_with(part) && problem.ends_with('.'),
                "{problem}"
            );
        }
        let source = source(&variables);
        assert_eq!(
            Config::new(&source).invitations().is_ok(),
            expected.is_empty()
        );
    }
}

#[test]
fn with_invitations_there_need_be_no_login_and_without_a_closed_door_they_are_a_problem() {
    let secret = ("invitation_secret", "qJ4vS8wZk2Xn7Tb0Lr5Yd9Mf3Hc6Pg1Ua");
    let required = ("auth_mode", "required");
    let nothing_to_verify = "auth_mode asks for credentials, and nothing is there";
    for (variables, expected) in [
        (&[required, secret][..], None),
        (&[("auth_mode", "optional"), secret], None),
        (&[required], Some(nothing_to_verify)),
        (
            &[required, secret, ("auth_issuer", "x")],
            Some(nothing_to_verify),
        ),
        (
            &[required, secret, ("auth_required_values", "x")],
            Some(nothing_to_verify),
        ),
        (
            &[secret],
            Some("invitation_secret is set and auth_mode is none"),
        ),
        (
            &[("guest_rooms", "lobby")],
            Some("guest_rooms is set and auth_mode is none"),
        ),
        (&[("guest_rooms", "lobby"), required, secret], None),
    ] {
        let problems = problems_with(variables);
        let found = problems
            .iter()
            .find(|problem| expected.is_some_and(|part| problem.starts_with(part)));
        assert_eq!(
            found.is_some(),
            expected.is_some(),
            "{variables:?}: {problems:?}"
        );
        assert_eq!(problems.len() == 3, expected.is_none(), "{problems:?}");
    }
    let variables = [required, secret];
    let source = source(&variables);
    let config = Config::new(&source);
    assert!(config.login().is_ok_and(|login| login.is_some()));
    assert!(
        config
            .invitations()
            .is_ok_and(|settings| settings.is_some())
    );
}

#[test]
fn a_value_makes_a_moderator_or_a_visitor() {
    let variables = [
        ("auth_mode", "required"),
        ("auth_hs256_secret", "f3b1c9d27a64e8500f3b1c9d27a64e85"),
        ("auth_issuer", "https://login.example"),
        ("auth_audience", "jaas"),
        ("auth_moderator_values", "chair, host"),
        ("auth_visitor_values", "public, host"),
    ];
    let problems = problems_with(&variables);
    assert_eq!(problems.len(), 4, "{problems:?}");
    assert!(
        problems[3].starts_with("auth_visitor_values has a value that"),
        "{problems:?}"
    );
}

#[test]
fn a_list_that_names_nothing_is_a_problem_in_every_list() {
    let login = [
        ("auth_mode", "required"),
        ("auth_hs256_secret", "f3b1c9d27a64e8500f3b1c9d27a64e85"),
        ("auth_issuer", "https://login.example"),
        ("auth_audience", "jaas"),
    ];
    for variable in [
        "allowed_origins",
        "allowed_headers",
        "moderator_features",
        "member_features",
        "allowed_rooms",
        "auth_moderator_values",
        "auth_audience",
        "auth_visitor_values",
        "auth_required_values",
        "auth_name_claim",
        "auth_picture_claim",
        "guest_rooms",
        "jaas_webhook_secret",
    ] {
        for list in [",", " , \n,", "[]", "['']"] {
            let problems = problems_with(&[&[(variable, list)], &login[..]].concat());
            let problem = problems.iter().find(|p| p.starts_with(variable));
            let problem = problem.expect(variable);
            assert!(problem.contains("names nothing"), "{problem}");
        }
    }
}

#[test]
fn an_empty_default_leaves_the_field_out() {
    let source = source(&[
        ("default_room", ""),
        ("default_user_id", ""),
        ("default_user_name", " "),
        ("default_user_email", ""),
        ("default_moderator", ""),
    ]);
    let config = Config::new(&source);
    let defaults = &config.policy().defaults;
    assert!(defaults.room.is_none() && defaults.user_id.is_none());
    assert!(defaults.user_name.is_none() && defaults.user_email.is_none());
    assert!(defaults.moderator.is_none());
    assert_eq!(
        config.problems().len(),
        3,
        "only the credentials are missing"
    );
}

#[test]
fn a_provider_that_fails_is_a_problem_and_the_stricter_switch_holds() {
    let source = |_: &str| Err(Unavailable);
    let config = Config::new(&source);
    let problems = config.problems();
    // The login's other variables are not read without `auth_mode`, nor those of invitations without their secret.
    assert_eq!(problems.len(), variable::ALL.len() - 22, "{problems:?}");
    assert!(config.require_origin() && !config.disclose_origins());
    assert!(config.allowed_origins_is_wrong());
    assert!(config.login().is_err());
}

#[test]
fn each_variable_is_read_at_most_once() {
    let secret = ("auth_hs256_secret", "f3b1c9d27a64e8500f3b1c9d27a64e85");
    for variables in [&[][..], &[("auth_mode", "required"), secret]] {
        let counts = std::cell::RefCell::new(std::collections::BTreeMap::new());
        let values = source(variables);
        let counting = |name: &str| {
            *counts.borrow_mut().entry(name.to_owned()).or_insert(0) += 1;
            values.get(name)
        };
        let config = Config::new(&counting);
        for _ in 0..2 {
            let _ = (config.login(), config.signer(), config.problems());
            let _ = (config.allowed_origins(), config.policy(), config.validity());
        }
        assert!(
            counts.borrow().values().all(|count| *count == 1),
            "{counts:?}"
        );
    }
}

#[test]
fn no_problem_shows_a_part_of_a_value() {
    let secret = "S3cretS3cretS3cret";
    for variable in variable::ALL {
        let login = [("auth_mode", "required"), (variable.name, secret)];
        for variables in [&login[1..], &login] {
            let source = source(variables);
            let told = format!("{:?}", Config::new(&source).signer());
            assert!(!told.contains("S3cret"), "{told}");
        }
    }
}
