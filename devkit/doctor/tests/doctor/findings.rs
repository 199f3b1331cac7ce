//! For each finding, there is a configuration that yields only that finding; one configuration yields none.

use std::collections::BTreeSet;
use std::process::Command;

use devkit_doctor::checks;
use devkit_doctor::context::Context;
use devkit_doctor::facts::Git;
use devkit_doctor::report::Report;
use devkit_doctor::service::{Rejection, signed_by_each_engine};
use devkit_doctor::token;

use crate::setup::{APP_ID, NOW, Setup, key, rsa, short_key};

fn ids(report: &Report) -> String {
    let ids: Vec<&str> = report.findings.iter().map(|finding| finding.id).collect();
    ids.join(" ")
}

fn vault() -> Setup {
    Setup::faultless()
        .without("jaas_private_key")
        .with(|s| s.runtime_config = "[[variables_provider]]\ntype = \"vault\"\n".into())
}

/// Returns a configuration without a login, in which nothing else is wrong.
fn open() -> Setup {
    Setup::faultless()
        .set("auth_mode", "none")
        .without("auth_hs256_secret")
        .without("auth_issuer")
        .without("auth_audience")
        .set("default_moderator", "false")
        .set("default_user_id", "guest-{random}")
        .set("moderator_features", "")
}

fn static_provider(line: &str) -> impl FnOnce(&mut Setup) {
    let config =
        format!("[[variables_provider]]\ntype = \"static\"\n[variables_provider.values]\n{line}\n");
    |setup| setup.runtime_config = config
}

/// How a configuration differs from a faultless one, and all of its findings in the report's order. Changes are joined by
/// ` | `: `name=value` and `-name` for a variable, `env NAME=value` and `entry NAME=value` for the environment and the env
/// file, `open` for [`open`], `production` for the profile.
const CASES: &[(&str, &str)] = &[
    (
        "invitation_secret=kX3vQ9sLw2Zr8TnB5yHd7GfJ4mPc6VaE | operator_token=kX3vQ9sLw2Zr8TnB5yHd7GfJ4mPc6VaE",
        "secret-shared usage-uncounted",
    ),
    ("guest_rooms=my-room", "guest-rooms-unused"),
    (
        "invitation_link=https://vtaiwan.tw/#{invitation}",
        "invitation-unused",
    ),
    (
        "operator_token=kX3vQ9sLw2Zr8TnB5yHd7GfJ4mPc6VaE",
        "usage-uncounted",
    ),
    (
        "open | monthly_user_limit=25 | count_issued=true",
        "moderator-open reserve-lost",
    ),
    // Profiles of docs/guests.md.
    ("invitation_secret=kX3vQ9sLw2Zr8TnB5yHd7GfJ4mPc6VaE", ""),
    (
        "invitation_secret=kX3vQ9sLw2Zr8TnB5yHd7GfJ4mPc6VaE | -auth_hs256_secret | -auth_issuer | -auth_audience | production",
        "",
    ),
    ("auth_mode=optional | guest_rooms=my-room", ""),
    (
        "default_user_id=guest-{random} | monthly_user_limit=25 | count_issued=true",
        "",
    ),
    // The service's own messages.
    ("-jaas_app_id", "missing"),
    ("jaas_private_key= ", "missing"),
    ("require_origin=maybe", "invalid"),
    ("jaas_private_key=words", "invalid"),
    (
        "allowed_origins=https://talk.vtaiwan.tw http://vtaiwan.tw",
        "invalid",
    ),
    ("allowed_origins=https://talk.vtaiwan.tw *", "invalid"),
    ("allowed_origins=https://talk.vtaiwan.tw null", "invalid"),
    (
        "allowed_origins=https://talk.vtaiwan.tw https://vtaiwan.tw/",
        "invalid",
    ),
    (
        "allowed_origins=https://talk.vtaiwan.tw https://vtaiwan.tw/a",
        "invalid",
    ),
    ("-auth_hs256_secret", "invalid"),
    ("-auth_issuer", "invalid"),
    // Names and places.
    ("entry ALLOWED_ORIGIN=x", "name-misspelt"),
    ("entry jaas_app_id=x", "name-misspelt"),
    ("env JAAS_APPID=x", "name-misspelt"),
    ("env SPIN_VARIABLE_JAAS_APPID=x", "name-misspelt"),
    ("env SPIN_VARIABLE_PORT=x", "name-unknown"),
    ("env JAAS_TEST_HOST=x", ""),
    ("entry PORT=3000", "name-unknown"),
    ("env AUTH_MODE=none", "name-unread"),
    // The same value with and without the prefix.
    ("env AUTH_MODE= required", ""),
    ("env JAAS_APP_ID=another", "two-values"),
    ("entry AUTH_MODE=none", "two-values"),
    ("entry AUTH_MODE=required ", ""),
    // Texts.
    ("auth_audience='jaas-jwt'", "quotes"),
    ("default_user_name=\"Guest", "quotes"),
    ("auth_audience=$AUDIENCE", "unexpanded"),
    ("jaas_private_key=$(cat key.pem)", "invalid unexpanded"),
    ("jaas_private_key=@key.pem", "invalid path-for-content"),
    (
        "-auth_hs256_secret | auth_jwks=https://login.vtaiwan.tw/jwks",
        "invalid path-for-content",
    ),
    ("jaas_app_id=your_app_id_here", "invalid placeholder"),
    ("allowed_origins=https://your-domain.com", "placeholder"),
    ("auth_issuer=https://login.example.org", "placeholder"),
    // Credentials.
    ("jaas_key_id=7d1e02", ""),
    ("jaas_key_id=fee1bc-sample_app", "invalid"),
    ("signing_engine=jwt-simple", "engine-slow"),
    // Origins.
    ("allowed_origins= ", "token-refused origins-empty"),
    ("allowed_origins=  | require_origin=false", "origins-empty"),
    ("allowed_origins=https://TALK.vtaiwan.tw", ""),
    ("allowed_origins=https://talk.vtaiwan.tw:443", ""),
    ("allowed_origins=https://公民.台灣", ""),
    (
        "allowed_origins=https://talk.vtaiwan.tw,https://talk.vtaiwan.tw",
        "",
    ),
    (
        "allowed_origins=https://talk.vtaiwan.tw http://localhost:3000",
        "",
    ),
    (
        "allowed_origins=https://talk.vtaiwan.tw http://127.0.0.1:3000",
        "",
    ),
    ("allowed_origins=https://*.vtaiwan.tw", ""),
    ("allowed_origins=https://*.vercel.app", "origin-shared"),
    (
        "allowed_origins=https://app-*-team.vercel.app",
        "origin-shared",
    ),
    (
        "allowed_origins=https://talk.vtaiwan.tw https://*.github.io https://*.co.uk",
        "origin-shared origin-shared",
    ),
    (
        "allowed_origins=https://*.vercel.app https://*.pages.dev | production",
        "origin-shared origin-shared",
    ),
    ("allowed_origins=https://*.vtaiwan.tw | production", ""),
    ("-allowed_origins", "origins-default"),
    ("require_origin=false", ""),
    ("disclose_origins=true", ""),
    // Who gets what.
    ("open", "moderator-open"),
    ("open | default_moderator=true", "moderator-open"),
    (
        "open | moderator_features=outbound-call",
        "moderator-open open-features",
    ),
    ("open | moderator_features=send-groupchat", "moderator-open"),
    ("auth_mode=optional", ""),
    ("member_features=recording", "member-features"),
    ("member_features=create-polls", ""),
    ("allowed_rooms=", ""),
    ("allowed_rooms=*", ""),
    ("allowed_rooms=*a*", ""),
    ("default_room=other", "default-room-closed"),
    ("default_room=", ""),
    ("default_room= | allowed_rooms=公民 會議*", ""),
    ("token_ttl_seconds=3601", "ttl-long"),
    ("token_leeway_seconds=9", "leeway-short"),
    ("open | auth_issuer=https://login.vtaiwan.tw", "invalid"),
    ("auth_id_claim=sub, user_id", "invalid"),
    ("auth_name_claim=name, nickname", ""),
    // Production.
    (
        "open | production",
        "weaker-than-production weaker-than-production weaker-than-production",
    ),
    ("auth_mode=optional | production", "weaker-than-production"),
    ("-allowed_origins | production", "weaker-than-production"),
    (
        "allowed_origins=https://talk.vtaiwan.tw http://localhost | production",
        "weaker-than-production",
    ),
    (
        "allowed_origins= | production",
        "token-refused weaker-than-production",
    ),
    (
        "require_origin=FALSE | production",
        "weaker-than-production",
    ),
    (
        "disclose_origins=true | production",
        "weaker-than-production",
    ),
    ("allowed_rooms= | production", "weaker-than-production"),
    (
        "moderator_features=recording outbound-call | production",
        "weaker-than-production",
    ),
    ("moderator_features=recording | production", ""),
    (
        "member_features=recording | production",
        "weaker-than-production",
    ),
    (
        "token_ttl_seconds=3601 | production",
        "weaker-than-production",
    ),
    ("token_ttl_seconds=60 | production", ""),
];

fn setup(changes: &str) -> Setup {
    let pair = |text: &str| {
        let (name, value) = text.split_once('=').expect("a value");
        (name.to_owned(), value.to_owned())
    };
    let mut setup = Setup::faultless();
    for change in changes.split(" | ") {
        setup = match change.split_once(' ') {
            _ if change == "open" => open(),
            _ if change == "production" => setup.production(),
            _ if change.starts_with('-') => setup.without(&change[1..]),
            Some(("env", rest)) => setup.with(|s| s.environment.push(pair(rest))),
            Some(("entry", rest)) => setup.with(|s| s.env_file.push(pair(rest))),
            _ => {
                let (name, value) = pair(change);
                setup.set(&name, &value)
            }
        };
    }
    setup
}

/// Returns all cases: [`CASES`], and those that need code.
fn cases() -> Vec<(Setup, &'static str)> {
    let good = Setup::faultless;
    let by_url = |url: &str| {
        good()
            .without("auth_hs256_secret")
            .set("auth_jwks_url", url)
            .set("auth_jwks_origin", "https://login.vtaiwan.tw")
    };
    let with_jwks = |more: &str| {
        let key = r#"{"kid":"1","kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
        let jwks = format!(r#"{{"keys":[{key}{more}]}}"#);
        good().without("auth_hs256_secret").set("auth_jwks", &jwks)
    };
    let provided = |line: &str| good().with(static_provider(line));
    let with_key = |key: &str| good().set("jaas_private_key", key);
    let with_key_id = |id: String| good().set("jaas_key_id", &id);
    let mut cases: Vec<_> = CASES
        .iter()
        .map(|(changes, ids)| (setup(changes), *ids))
        .collect();
    cases.extend([
        // The service's own messages.
        (with_key_id(format!("{}/7d1e02", APP_ID.replace('9', "8"))), "invalid"),
        (with_key_id(format!("{APP_ID}/fee1bc-SAMPLE_APP")), "invalid"),
        (good().set("auth_hs256_secret", &"ab".repeat(16)), "invalid"),
        (open().set("auth_jwks", r#"{"keys":[{"kid":"1","kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#), "invalid"),
        (by_url("https://login.vtaiwan.tw/keys"), ""),
        (by_url("https://other.vtaiwan.tw/keys"), "invalid"),
        (by_url("https://login.example.org/keys"), "invalid placeholder"),
        // Files.
        (good().file(|f| f.open = true), "file-readable"),
        (good().file(|f| f.git = Git::Tracked), "file-tracked"),
        (good().file(|f| (f.git, f.shared) = (Git::Tracked, true)), "file-tracked"),
        (good().file(|f| f.git = Git::Addable), "file-not-ignored"),
        (good().with(|s| s.unread = Some(".dev.vars".into())), "env-file-unread"),
        (vault(), "provider-unread"),
        // Names and places.
        (provided("allow_origins = \"x\""), "name-misspelt"),
        (provided("port = \"x\""), "name-unknown"),
        (provided("auth_audience = \"other\""), "two-values"),
        (good().environment("JAAS_APP_ID", APP_ID), ""),
        // Keys.
        (with_key(&format!("\"{}\"", key())), ""),
        (with_key(&key().replace('\n', "\\n")), ""),
        (with_key(short_key()), ""),
        (with_key(short_key()).set("signing_engine", "jwt-simple"), "engine-slow"),
        (good().with(|s| s.throw_away_key = Some(key().into())), "throw-away-key"),
    ]);
    cases.extend(JWKS.iter().map(|(more, ids)| (with_jwks(more), *ids)));
    cases
}

/// Keys next to a valid one in `auth_jwks`.
const JWKS: [(&str, &str); 9] = [
    ("", ""),
    (
        r#",{"kid":"2","kty":"RSA","use":"enc","n":"AQAB","e":"AQAB"}"#,
        "",
    ),
    (
        r#",{"kid":"2","kty":"EC","crv":"P-384","x":"AA","y":"AA"}"#,
        "jwks-key-unused",
    ),
    (
        r#",{"kid":"2","kty":"RSA","e":"Aw","n":"AA"}"#,
        "jwks-key-unused",
    ),
    (
        r#",{"kid":"2","kty":"RSA","e":"AQAB","n":"AA"}"#,
        "jwks-key-unused",
    ),
    (r#",{"kid":"2","kty":"unheard-of"}"#, "jwks-key-unused"),
    (
        r#",{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#,
        "jwks-key-unused",
    ),
    (r#",{"kid":"2","kty":"oct","k":"AA"}"#, "invalid"),
    (
        r#",{"kid":"2","kty":"OKP","crv":"Ed25519","x":"AA","d":"AA"}"#,
        "invalid",
    ),
];

#[test]
fn each_configuration_yields_what_is_wrong_with_it_and_no_more() {
    for (index, (setup, expected)) in cases().into_iter().enumerate() {
        let report = setup.report();
        assert_eq!(ids(&report), expected, "case {index}:\n{}", report.text());
    }
}

/// Findings that no configuration can yield have their own tests, here and in `program.rs`.
#[test]
fn each_check_is_yielded_by_a_configuration() {
    let elsewhere = [
        "token-rule",
        "token-signature",
        "engines-differ",
        "env-file-broken",
        "runtime-config-broken",
    ];
    let cases = cases();
    let yielded: BTreeSet<&str> = cases.iter().flat_map(|(_, ids)| ids.split(' ')).collect();
    for check in checks::all() {
        let id = check.id;
        assert_ne!(yielded.contains(id), elsewhere.contains(&id), "{id}");
    }
}

#[test]
fn two_checks_with_one_id_apply_to_different_configurations() {
    let all: Vec<&str> = checks::all().map(|check| check.id).collect();
    let twice: BTreeSet<&str> = all
        .iter()
        .copied()
        .filter(|id| all.iter().filter(|other| *other == id).count() > 1)
        .collect();
    let expected = ["file-tracked", "origin-shared", "throw-away-key"];
    assert_eq!(twice, BTreeSet::from(expected));
}

#[test]
fn a_faultless_configuration_yields_nothing_and_a_good_token() {
    for setup in [Setup::faultless(), Setup::faultless().production()] {
        let report = setup.report();
        assert_eq!(report.findings, [], "{}", report.text());
        assert!(report.ok);
        let token = report.token.expect("a token was signed");
        assert!(token.signature_verified);
        assert_eq!(token.checks.len(), 14);
        assert!(token.checks.iter().all(|check| check.ok));
    }
}

#[test]
fn every_finding_is_one_line_that_names_its_subject_and_repairs_it() {
    for (setup, _) in cases() {
        for finding in setup.report().findings {
            let line = finding.shown(" Repair: ");
            assert!(!line.contains('\n'), "{line}");
            assert!(finding.hit.message.ends_with('.'), "{line}");
            let of_the_service = matches!(finding.id, "missing" | "invalid");
            assert_eq!(finding.hit.repair.is_none(), of_the_service, "{line}");
            let subject = finding.hit.variable.as_ref().or(finding.hit.file.as_ref());
            let subject = subject.map_or("the token", String::as_str);
            let start = format!("{}[{}] {subject} ", finding.severity, finding.id);
            assert!(line.starts_with(&start), "{line}");
        }
    }
}

#[test]
fn the_place_that_wins_is_named_first() {
    let setup = Setup::faultless().entry("AUTH_MODE", "none");
    let line = setup.report().findings[0].shown(" Repair: ");
    let (first, second) = line.split_once(" and another by ").expect("two places");
    assert!(
        first.ends_with("SPIN_VARIABLE_AUTH_MODE in the environment"),
        "{line}"
    );
    assert!(
        second.starts_with("AUTH_MODE in .dev.vars; the first one wins"),
        "{line}"
    );
}

#[test]
fn warnings_fail_for_production_only() {
    let warned = || Setup::faultless().set("token_leeway_seconds", "0");
    assert!(warned().report().ok);
    assert!(!warned().production().report().ok);
    let hinted = Setup::faultless()
        .set("signing_engine", "jwt-simple")
        .production()
        .report();
    assert_eq!(hinted.hints, 1);
    assert!(hinted.ok);
    assert!(!Setup::faultless().set("require_origin", "x").report().ok);
}

#[test]
fn a_token_of_another_key_or_of_yesterday_is_caught() {
    let facts = Setup::faultless().facts();
    let context = Context::new(&facts, false, NOW);
    let token = sign(&context).expect("a token");
    let judge = |token: &str, key: &str, now| {
        let judgement = token::judge(token, key, now);
        let failed: Vec<&str> = judgement
            .checks
            .iter()
            .filter(|c| !c.ok)
            .map(|c| c.name)
            .collect();
        let broken = judgement.broken_rules.len();
        (broken, judgement.signature_verified, failed.join(", "))
    };
    assert_eq!(judge(&token, key(), NOW), (0, true, String::new()));
    assert_eq!(judge(&token, short_key(), NOW), (0, false, String::new()));
    assert_eq!(
        judge(&token, key(), NOW + 3600),
        (1, true, "exp has not passed".to_owned())
    );
    let (broken, verified, failed) = judge("no token", key(), NOW);
    assert_eq!((broken, verified), (1, false));
    assert_eq!(failed.split(", ").count(), 14);
}

#[test]
fn a_bad_token_is_an_error() {
    let facts = Setup::faultless().facts();
    let mut context = Context::new(&facts, false, NOW);
    context.token = Some(Ok(token::judge("no token", short_key(), NOW)));
    let found: Vec<&str> = checks::all()
        .flat_map(|check| check.run(&context))
        .map(|finding| finding.id)
        .collect();
    assert_eq!(found, ["token-rule", "token-signature"]);
}

#[test]
fn both_engines_sign_and_are_compared() {
    let report = Setup::faultless().report();
    let token = report.token.as_ref().expect("a token");
    assert_eq!(token.engines_agree, Some(true));
    let text = report.text();
    assert!(text.contains("; both engines sign alike.\n"), "{text}");

    let odd = rsa("3000");
    assert!(matches!(signed_by_each_engine(&odd, NOW), [Some(_), None]));
    let setup = Setup::faultless().set("signing_engine", "jwt-simple");
    let report = setup.set("jaas_private_key", &odd).report();
    assert_eq!(ids(&report), "", "{}", report.text());
    let text = report.text();
    assert!(text.contains("; only jwt-simple takes this key."), "{text}");
}

#[test]
fn engines_that_differ_are_an_error_and_none_is_recommended() {
    let setup = Setup::faultless().set("signing_engine", "jwt-simple");
    let facts = setup.facts();
    let mut context = Context::new(&facts, false, NOW);
    let judgement = context.token.as_mut().and_then(|token| token.as_mut().ok());
    judgement.expect("a token").engines_agree = Some(false);
    let found: Vec<&str> = checks::all()
        .flat_map(|check| check.run(&context))
        .map(|finding| finding.id)
        .collect();
    assert_eq!(found, ["engines-differ"]);
}

#[test]
fn the_name_that_was_meant_is_written_as_its_place_wants_it() {
    let provided = Setup::faultless().with(static_provider("auth_isuer = \"x\""));
    let mut cases = vec![(provided, "auth_issuer")];
    for (changes, expected) in [
        ("entry AUTH_ISUER=x", "AUTH_ISSUER"),
        (
            "entry SPIN_VARIABLE_AUTH_ISUER=x",
            "SPIN_VARIABLE_AUTH_ISSUER",
        ),
        (
            "entry SPIN_VARIABLES_AUTH_ISSUER=x",
            "SPIN_VARIABLE_AUTH_ISSUER",
        ),
        (
            "env SPIN_VARIABLE_AUTH_ISUER=x",
            "SPIN_VARIABLE_AUTH_ISSUER",
        ),
        ("env SPIN_VAR_AUTH_ISSUER=x", "SPIN_VARIABLE_AUTH_ISSUER"),
        ("env JAAS_APPID=x", "JAAS_APP_ID"),
        (
            "env JAAS_WEBHOOK_SECRETS=x",
            "SPIN_VARIABLE_JAAS_WEBHOOK_SECRET",
        ),
    ] {
        cases.push((setup(changes), expected));
    }
    for (setup, expected) in cases {
        let report = setup.report();
        assert_eq!(ids(&report), "name-misspelt", "{}", report.text());
        let repair = report.findings[0].hit.repair.clone().expect("a repair");
        assert_eq!(repair, format!("write {expected} in its place"));
        let line = " in line 1 of .dev.vars is no variable";
        assert_eq!(report.text().contains(line), !setup.env_file.is_empty());
    }
}

#[test]
fn the_services_response_in_place_of_a_token_is_reported() {
    let facts = Setup::faultless().without("jaas_app_id").facts();
    let context = Context::new(&facts, false, NOW);
    let rejection = sign(&context).expect_err("nothing can be signed");
    assert_eq!(rejection.status, 500);
}

/// Returns the environment after a shell has run a repair.
fn typed_in(setup: &Setup, command: &str) -> Vec<(String, String)> {
    let folder = env!("CARGO_TARGET_TMPDIR");
    std::fs::write(format!("{folder}/key.pem"), key()).expect("a file");
    let output = Command::new("sh")
        .args(["-c", &format!("{command}\nenv -0")])
        .current_dir(folder)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .envs(setup.environment.iter().map(|(name, value)| (name, value)))
        .output()
        .expect("sh runs");
    assert!(output.status.success(), "{command}: {output:?}");
    let text = String::from_utf8(output.stdout).expect("text");
    let entries = text.split('\0').filter_map(|entry| entry.split_once('='));
    entries
        .filter(|(name, _)| name.starts_with("SPIN_VARIABLE_"))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

#[test]
fn a_repair_that_is_typed_leads_to_a_service_that_works() {
    let mut tried = 0;
    for (index, (setup, _)) in cases().into_iter().enumerate() {
        let report = setup.report();
        let repairs: Vec<&str> = report
            .findings
            .iter()
            .filter(|finding| finding.id != "name-unread")
            .filter_map(|finding| finding.hit.repair.as_deref())
            .map(|repair| repair.trim_start_matches("with your own values: "))
            .filter(|repair| repair.starts_with("export ") && !repair.contains("FILE"))
            .filter(|repair| !repair.contains("VALUE") && !repair.contains("JWKS_URI"))
            .collect();
        if repairs.is_empty() || report.findings.iter().any(|f| f.id == "invalid") {
            continue;
        }
        tried += 1;
        let environment = typed_in(&setup, &repairs.join("\n"));
        let after = setup.with(|s| s.environment = environment).report();
        let errors: Vec<String> = after
            .findings
            .iter()
            .filter(|finding| ["missing", "invalid", "token-refused"].contains(&finding.id))
            .map(|finding| finding.shown(" Repair: "))
            .collect();
        assert!(errors.is_empty(), "case {index}: {repairs:?}: {errors:#?}");
    }
    assert!(tried > 15, "{tried}");
}

#[test]
fn of_many_unknown_names_the_first_are_compared_and_the_rest_counted() {
    let setup = (0..5000).fold(Setup::faultless(), |setup, n| {
        setup.entry(&format!("N{n}"), "x")
    });
    let setup = setup
        .entry(&"X".repeat(200_000), "x")
        .entry("REQUIRE_ORIGINS", "x");
    let report = setup.report();
    let unknown = report.findings.iter().filter(|it| it.id == "name-unknown");
    let messages: Vec<_> = unknown.map(|it| it.hit.message.as_str()).collect();
    assert_eq!(messages.len(), 101);
    assert!(
        messages[99].starts_with("N99 in line 100 of "),
        "{}",
        messages[99]
    );
    let last = ".dev.vars has 4902 more names that are no variables";
    assert!(messages[100].starts_with(last), "{}", messages[100]);
    // A name as long as a file is similar to none.
    let long = Setup::faultless().entry(&"X".repeat(200_000), "x");
    assert_eq!(long.report().findings.len(), 1);
}

#[test]
fn two_lines_of_one_name_say_that_the_last_wins() {
    let setup = Setup::faultless().without("default_room");
    let setup = setup
        .entry("DEFAULT_ROOM", "meetup-1")
        .entry("DEFAULT_ROOM", "vtaiwan");
    let report = setup.report();
    let message = "default_room has two values by DEFAULT_ROOM in .dev.vars; the last one wins.";
    assert_eq!(report.findings[0].hit.message, message);
}

#[test]
fn a_repair_names_the_line_of_the_env_file() {
    let in_file = |name: &str, value: &str| {
        let variable = name.to_lowercase();
        Setup::faultless()
            .without(&variable)
            .entry("JAAS_TEST", "first")
            .entry(name, value)
    };
    for (setup, id, expected) in [
        (
            in_file("TOKEN_TTL_SECONDS", "7200"),
            "ttl-long",
            "line 2 of .dev.vars: TOKEN_TTL_SECONDS=\"3600\"",
        ),
        (
            in_file("AUTH_AUDIENCE", "$AUDIENCE"),
            "unexpanded",
            "line 2 of .dev.vars: AUTH_AUDIENCE=\"…\", with the output of `cat FILE`",
        ),
        // Not yet in the file, and in the environment.
        (
            Setup::faultless()
                .entry("PORT", "1")
                .without("allowed_origins"),
            "origins-default",
            "with your own values: add to .dev.vars: SPIN_VARIABLE_ALLOWED_ORIGINS=\"https://app.example.org\"",
        ),
        (
            Setup::faultless()
                .entry("PORT", "1")
                .set("token_ttl_seconds", "7200"),
            "ttl-long",
            "export SPIN_VARIABLE_TOKEN_TTL_SECONDS=3600",
        ),
    ] {
        let report = setup.report();
        let finding = report.findings.iter().find(|finding| finding.id == id);
        let finding = finding.unwrap_or_else(|| panic!("{id}: {}", report.text()));
        assert_eq!(finding.hit.repair.as_deref(), Some(expected));
    }
}

#[test]
fn an_address_in_place_of_a_document_has_a_variable_of_its_own() {
    let address = "https://login.vtaiwan.tw/jwks";
    let setup = Setup::faultless().without("auth_hs256_secret");
    let report = setup.set("auth_jwks", address).report();
    let finding = report.findings.iter().find(|f| f.id == "path-for-content");
    let repair = finding.and_then(|finding| finding.hit.repair.clone());
    assert!(repair.is_some_and(|repair| repair.contains("auth_jwks_url")));
}

#[test]
fn an_open_service_is_closed_by_all_that_a_login_needs() {
    let report = open().report();
    let repair = report.findings[0].hit.repair.as_deref().expect("a repair");
    assert_eq!(
        repair,
        "with your own values: export SPIN_VARIABLE_AUTH_MODE=required SPIN_VARIABLE_AUTH_ISSUER=https://login.example.org SPIN_VARIABLE_AUTH_AUDIENCE=jaas-jwt.example.org SPIN_VARIABLE_AUTH_HS256_SECRET=\"$(openssl rand -base64 48)\""
    );
}

#[test]
fn nothing_configured_is_the_throw_away_key_and_no_error() {
    let nothing = || Setup::faultless().with(|s| s.environment.clear());
    for (setup, signed) in [
        (nothing(), false),
        (
            nothing().with(|s| s.throw_away_key = Some(short_key().into())),
            true,
        ),
    ] {
        let report = setup.report();
        assert_eq!(report.errors, 0, "{}", report.text());
        assert!(report.ok);
        assert!(
            ids(&report).starts_with("throw-away-key "),
            "{}",
            report.text()
        );
        assert_eq!(report.token.is_some(), signed);
        let production = setup.production().report();
        assert_eq!(ids(&production).matches("missing").count(), 3);
    }
}

#[test]
fn on_a_terminal_nothing_of_a_finding_is_cut() {
    for (setup, _) in cases() {
        let report = setup.report();
        let plain = report.terminal(false);
        assert!(!plain.contains('\x1b'));
        let mut lines = plain.lines();
        for finding in &report.findings {
            let line = format!(
                "{}[{}] {}",
                finding.severity, finding.id, finding.hit.message
            );
            assert_eq!(lines.next(), Some(&*line), "{plain}");
            if let Some(repair) = &finding.hit.repair {
                assert_eq!(lines.next(), Some(&*format!("  {repair}")), "{plain}");
            }
        }
        assert!(report.terminal(true).contains("\x1b["));
    }
}

#[test]
fn a_repair_says_that_its_values_are_those_of_an_example() {
    let origins = || Setup::faultless().set("allowed_origins", "");
    for (setup, is_example) in [
        (origins().set("require_origin", "false"), true),
        (open(), true),
        (Setup::faultless().set("token_ttl_seconds", "7200"), false),
    ] {
        let report = setup.report();
        let repair = report.findings[0].hit.repair.as_deref().expect("a repair");
        assert_eq!(repair.starts_with("with your own values: "), is_example);
        let typed = repair.trim_start_matches("with your own values: ");
        let environment = typed_in(&setup, typed);
        let after = setup.with(|s| s.environment = environment).report();
        assert_eq!(ids(&after).contains("placeholder"), is_example, "{repair}");
    }
}

fn sign(context: &Context<'_>) -> Result<String, Rejection> {
    let rooms = context.entries("allowed_rooms");
    token::sign(&context.with(&context.without_login()), &rooms, NOW)
}
