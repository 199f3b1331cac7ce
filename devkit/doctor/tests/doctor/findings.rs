//! Each finding has a configuration that yields it, and nothing else; one configuration yields none.

use devkit_doctor::credentials::PublicHalf;
use devkit_doctor::facts::Git;
use devkit_doctor::finding::Kind::{self, *};
use devkit_doctor::finding::Severity;
use devkit_doctor::token;

use crate::setup::{APP_ID, NOW, Setup, key, short_key};

fn kinds(setup: &Setup) -> Vec<Kind> {
    let report = setup.report();
    report.findings.iter().map(|finding| finding.kind).collect()
}

fn vault() -> Setup {
    Setup::faultless()
        .without("jaas_private_key")
        .with(|s| s.runtime_config = "[[variables_provider]]\ntype = \"vault\"\n".into())
}

/// Without a login, and with nothing else to remark on than that.
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

/// A configuration and all that is found in it, in the order of the report.
fn cases() -> Vec<(Setup, Vec<Kind>)> {
    let good = Setup::faultless;
    let jwks = |more: &str| {
        let key = r#"{"kid":"1","kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
        format!(r#"{{"keys":[{key}{more}]}}"#)
    };
    let origins = |list: &str| good().set("allowed_origins", list);
    vec![
        // The service's own messages.
        (good().without("jaas_app_id"), vec![Missing]),
        (good().set("jaas_private_key", " "), vec![Missing]),
        (good().set("require_origin", "maybe"), vec![Invalid]),
        (
            good().set(
                "jaas_key_id",
                &format!("{}/7d1e02", APP_ID.replace('9', "8")),
            ),
            vec![Invalid],
        ),
        (good().set("jaas_private_key", "words"), vec![Invalid]),
        (
            good().set(
                "allowed_origins",
                "https://talk.vtaiwan.tw http://vtaiwan.tw",
            ),
            vec![Invalid],
        ),
        (origins("https://talk.vtaiwan.tw *"), vec![Invalid]),
        (origins("https://talk.vtaiwan.tw null"), vec![Invalid]),
        (
            origins("https://talk.vtaiwan.tw https://vtaiwan.tw/"),
            vec![Invalid],
        ),
        (
            origins("https://talk.vtaiwan.tw https://vtaiwan.tw/a"),
            vec![Invalid],
        ),
        (good().without("auth_hs256_secret"), vec![Invalid]),
        (good().without("auth_issuer"), vec![Invalid]),
        // Files.
        (good().file(|f| f.open = true), vec![FileReadable]),
        (good().file(|f| f.git = Git::Tracked), vec![FileTracked]),
        (
            good().file(|f| (f.git, f.shared) = (Git::Tracked, true)),
            vec![FileTracked],
        ),
        (good().file(|f| f.git = Git::Addable), vec![FileNotIgnored]),
        (good().file(|f| f.bom = true), vec![FileBom]),
        (good().file(|f| f.crlf = true), vec![FileCrlf]),
        (
            good().file(|f| (f.secret, f.open, f.git) = (None, true, Git::Tracked)),
            vec![],
        ),
        (
            good().with(|s| s.unread = Some(".dev.vars".into())),
            vec![EnvFileUnread],
        ),
        (vault(), vec![ProviderUnread]),
        // Names and places.
        (good().entry("ALLOWED_ORIGIN", "x"), vec![NameMisspelt]),
        (good().entry("jaas_app_id", "x"), vec![NameMisspelt]),
        (
            good().environment("SPIN_VARIABLE_JAAS_APPID", "x"),
            vec![NameMisspelt],
        ),
        (
            good().with(static_provider("allow_origins = \"x\"")),
            vec![NameMisspelt],
        ),
        (
            good().environment("SPIN_VARIABLE_PORT", "x"),
            vec![NameUnknown],
        ),
        (good().environment("JAAS_TEST_HOST", "x"), vec![]),
        (good().entry("PORT", "3000"), vec![NameUnknown]),
        (
            good().with(static_provider("port = \"x\"")),
            vec![NameUnknown],
        ),
        (good().environment("AUTH_MODE", "none"), vec![NameUnread]),
        (good().environment("JAAS_APP_ID", APP_ID), vec![]),
        (
            good().environment("JAAS_APP_ID", "another"),
            vec![TwoValues],
        ),
        (good().entry("AUTH_MODE", "none"), vec![TwoValues]),
        (good().entry("AUTH_MODE", "required "), vec![]),
        (
            good().with(static_provider("auth_audience = \"other\"")),
            vec![TwoValues],
        ),
        // Texts.
        (good().set("auth_audience", "'jaas-jwt'"), vec![Quotes]),
        (good().set("default_user_name", "\"Guest"), vec![Quotes]),
        (
            good().set("jaas_private_key", &format!("\"{}\"", key())),
            vec![],
        ),
        (
            good().set("jaas_private_key", &key().replace('\n', "\\n")),
            vec![],
        ),
        (good().set("auth_audience", "jaas\\njwt"), vec![Escapes]),
        (
            good().set("auth_audience", "jaas-jwt \\"),
            vec![TrailingBackslash],
        ),
        (good().set("auth_audience", "$AUDIENCE"), vec![Unexpanded]),
        (
            good().set("jaas_private_key", "$(cat key.pem)"),
            vec![Invalid, Unexpanded],
        ),
        (
            good().set("jaas_private_key", "@key.pem"),
            vec![Invalid, PathForContent],
        ),
        (
            good()
                .without("auth_hs256_secret")
                .set("auth_jwks", "https://login.vtaiwan.tw/jwks"),
            vec![Invalid, PathForContent],
        ),
        (
            good().set("jaas_app_id", "your_app_id_here"),
            vec![Invalid, Placeholder],
        ),
        (origins("https://your-domain.com"), vec![Placeholder]),
        (
            good().set("auth_issuer", "https://login.example.org"),
            vec![Placeholder],
        ),
        // Credentials.
        (
            good().set("jaas_app_id", &APP_ID.replace('b', "B")).set(
                "jaas_key_id",
                &format!("{}/7d1e02", APP_ID.replace('b', "B")),
            ),
            vec![AppIdCase],
        ),
        (good().set("jaas_key_id", "7d1e02"), vec![KeyIdAlone]),
        (good().set("jaas_private_key", short_key()), vec![KeyBits]),
        (good().set("signing_engine", "jwt-simple"), vec![EngineSlow]),
        (
            good().with(|s| s.throw_away_key = Some(key().into())),
            vec![ThrowAwayKey],
        ),
        // Origins.
        (origins(" "), vec![TokenRefused, OriginsEmpty]),
        (
            origins(" ").set("require_origin", "false"),
            vec![OriginsEmpty, OriginOptional],
        ),
        (origins("https://TALK.vtaiwan.tw"), vec![OriginForm]),
        (origins("https://talk.vtaiwan.tw:443"), vec![OriginForm]),
        (origins("https://公民.台灣"), vec![OriginForm]),
        (
            origins("https://talk.vtaiwan.tw,https://talk.vtaiwan.tw"),
            vec![OriginRepeated],
        ),
        (origins("https://talk.vtaiwan.tw."), vec![OriginUnlikely]),
        (origins("https://intranet"), vec![OriginUnlikely]),
        (
            origins("https://talk.vtaiwan.tw http://localhost:3000"),
            vec![OriginLocal],
        ),
        (
            origins("https://talk.vtaiwan.tw http://127.0.0.1:3000"),
            vec![OriginLocal],
        ),
        (origins("https://*.vtaiwan.tw"), vec![OriginWildcard]),
        (
            good().without("allowed_origins"),
            vec![OriginsDefault, OriginLocal],
        ),
        (good().set("require_origin", "false"), vec![OriginOptional]),
        (
            good().set("disclose_origins", "true"),
            vec![OriginsDisclosed],
        ),
        // Who gets what.
        (open(), vec![ModeratorOpen]),
        (
            open().set("default_moderator", "true"),
            vec![ModeratorOpen, ModeratorDefault],
        ),
        (
            open().set("moderator_features", "outbound-call"),
            vec![ModeratorOpen, OpenFeatures],
        ),
        (
            open().set("moderator_features", "send-groupchat"),
            vec![ModeratorOpen],
        ),
        (
            open().without("default_user_id"),
            vec![ModeratorOpen, PersonDefault],
        ),
        (open().set("default_user_id", ""), vec![ModeratorOpen]),
        (
            good()
                .set("auth_mode", "optional")
                .set("default_user_id", "guest-{random}"),
            vec![Guests],
        ),
        (
            good().set("member_features", "recording"),
            vec![MemberFeatures],
        ),
        (good().set("member_features", "create-polls"), vec![]),
        (good().set("allowed_rooms", ""), vec![RoomsOpen]),
        (good().set("allowed_rooms", "*"), vec![RoomsOpen]),
        (good().set("allowed_rooms", "*a*"), vec![]),
        (good().set("default_room", "other"), vec![DefaultRoomClosed]),
        (good().set("default_room", ""), vec![]),
        (
            good()
                .set("default_room", "")
                .set("allowed_rooms", "公民 會議*"),
            vec![],
        ),
        (good().set("token_ttl_seconds", "3601"), vec![TtlLong]),
        (good().set("token_leeway_seconds", "9"), vec![LeewayShort]),
        (
            open().set("auth_issuer", "https://login.vtaiwan.tw"),
            vec![ModeratorOpen, AuthUnused],
        ),
        (
            open().set("auth_jwks", &jwks("")),
            vec![ModeratorOpen, AuthUnused],
        ),
        (
            good().set("auth_hs256_secret", &"ab".repeat(16)),
            vec![SecretGuessable],
        ),
        (
            good()
                .without("auth_hs256_secret")
                .set("auth_jwks", &jwks("")),
            vec![],
        ),
        (
            good()
                .without("auth_hs256_secret")
                .set("auth_jwks", &jwks(r#",{"kid":"2","kty":"oct","k":"AA"}"#)),
            vec![JwksPrivate],
        ),
        // Production.
        (open().production(), vec![WeakerThanProduction; 3]),
        (
            good()
                .set("auth_mode", "optional")
                .set("default_user_id", "")
                .production(),
            vec![WeakerThanProduction],
        ),
        (
            good().without("allowed_origins").production(),
            vec![WeakerThanProduction],
        ),
        (
            origins("https://talk.vtaiwan.tw http://localhost").production(),
            vec![WeakerThanProduction],
        ),
        (
            origins("").production(),
            vec![WeakerThanProduction, TokenRefused],
        ),
        (
            good().set("require_origin", "FALSE").production(),
            vec![WeakerThanProduction],
        ),
        (
            good().set("disclose_origins", "true").production(),
            vec![WeakerThanProduction],
        ),
        (
            good().set("allowed_rooms", "").production(),
            vec![WeakerThanProduction],
        ),
        (
            good()
                .set("moderator_features", "recording outbound-call")
                .production(),
            vec![WeakerThanProduction],
        ),
        (
            good().set("moderator_features", "recording").production(),
            vec![],
        ),
        (
            good().set("member_features", "recording").production(),
            vec![WeakerThanProduction],
        ),
        (
            good().set("token_ttl_seconds", "3601").production(),
            vec![WeakerThanProduction],
        ),
        (good().set("token_ttl_seconds", "60").production(), vec![]),
    ]
}

#[test]
fn each_configuration_yields_what_is_wrong_with_it_and_no_more() {
    for (index, (setup, expected)) in cases().into_iter().enumerate() {
        let report = setup.report();
        assert_eq!(kinds(&setup), expected, "case {index}:\n{}", report.text());
    }
}

/// What no configuration can yield has tests of its own, here and in `program.rs`.
#[test]
fn each_finding_is_yielded_by_a_configuration() {
    let elsewhere = [
        TokenRule,
        TokenSignature,
        EnvFileBroken,
        RuntimeConfigBroken,
    ];
    let cases = cases();
    for kind in Kind::ALL {
        let yielded = cases.iter().any(|(_, kinds)| kinds.contains(kind));
        assert_ne!(yielded, elsewhere.contains(kind), "{kind:?}");
    }
}

#[test]
fn a_faultless_configuration_yields_nothing_and_a_good_token() {
    for setup in [Setup::faultless(), Setup::faultless().production()] {
        let report = setup.report();
        assert_eq!(report.findings, [], "{}", report.text());
        assert!(report.is_ok());
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
            let line = finding.to_string();
            assert!(!line.contains('\n'), "{line}");
            assert!(finding.message.ends_with('.'), "{line}");
            let of_the_service = matches!(finding.kind, Missing | Invalid);
            assert_eq!(finding.repair.is_none(), of_the_service, "{line}");
            let start = format!(
                "{}[{}] {} ",
                finding.kind.severity(),
                finding.kind.id(),
                finding.subject
            );
            assert!(line.starts_with(&start), "{line}");
        }
    }
}

#[test]
fn the_place_that_wins_is_named_first() {
    let setup = Setup::faultless().entry("AUTH_MODE", "none");
    let line = setup.report().findings[0].to_string();
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
    assert!(warned().report().is_ok());
    assert!(!warned().production().report().is_ok());
    let hinted = Setup::faultless()
        .set("jaas_key_id", "7d1e02")
        .production()
        .report();
    assert_eq!(hinted.count(Severity::Hint), 1);
    assert!(hinted.is_ok());
    assert!(
        !Setup::faultless()
            .set("require_origin", "x")
            .report()
            .is_ok()
    );
}

fn public_half(setup: &Setup) -> PublicHalf {
    PublicHalf::of(&setup.facts()).expect("a key")
}

#[test]
fn a_token_of_another_key_or_of_yesterday_is_caught() {
    let setup = Setup::faultless();
    let token = token::sign(&setup.facts(), NOW).expect("a token");
    let now = i64::try_from(NOW).expect("a time");
    let judge = |token: &str, setup: &Setup, now| {
        let (judgement, findings) = token::judge(token, &public_half(setup), now);
        let kinds: Vec<Kind> = findings.iter().map(|finding| finding.kind).collect();
        let failed: Vec<&str> = judgement
            .checks
            .iter()
            .filter(|c| !c.ok)
            .map(|c| c.name)
            .collect();
        (kinds, failed.join(", "))
    };
    assert_eq!(judge(&token, &setup, now), (vec![], String::new()));
    let other = Setup::faultless().set("jaas_private_key", short_key());
    assert_eq!(
        judge(&token, &other, now),
        (vec![TokenSignature], String::new())
    );
    assert_eq!(
        judge(&token, &setup, now + 3600),
        (vec![TokenRule], "exp has not passed".to_owned())
    );
    let (kinds, failed) = judge("no token", &setup, now);
    assert_eq!(kinds, [TokenRule, TokenSignature]);
    assert_eq!(failed.split(", ").count(), 14);
}

#[test]
fn what_the_service_answers_instead_of_a_token_is_told() {
    let setup = Setup::faultless().without("jaas_app_id");
    let finding = token::sign(&setup.facts(), NOW).expect_err("nothing can be signed");
    assert_eq!(finding.kind, TokenRefused);
    assert!(finding.message.contains("500"), "{finding}");
}
