//! Tests of the settings.

use super::*;

const MANIFEST: &str = r#"
    [variables]
    jaas_app_id = { required = true }
    jaas_key_id = { required = true }
    jaas_private_key = { required = true, secret = true }
    default_room = { default = "default-room" }
    allowed_origins = { default = "https://a.example" }
"#;

fn pairs(entries: &[(&str, &str)]) -> Vec<(String, String)> {
    entries
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

fn gather(config: &str, environment: &[(&str, &str)], env_file: &[(&str, &str)]) -> Settings {
    let variables = variables(MANIFEST).expect("the manifest is TOML");
    let providers = Providers::parse(config).expect("the configuration is TOML");
    let of = |name: &str| {
        Ok(environment
            .iter()
            .find(|(key, _)| *key == name)
            .map(|(_, value)| (*value).to_owned()))
    };
    Settings::gather(&variables, providers, of, &pairs(env_file))
        .expect("the environment is readable")
}

fn value(settings: &Settings, name: &str) -> Option<String> {
    settings
        .environment()
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.to_owned())
}

#[test]
fn the_variables_are_those_of_the_manifest() {
    let names: Vec<_> = variables(MANIFEST)
        .expect("TOML")
        .into_iter()
        .map(|v| (v.name, v.required))
        .collect();
    let expected = [
        ("allowed_origins", false),
        ("default_room", false),
        ("jaas_app_id", true),
        ("jaas_key_id", true),
        ("jaas_private_key", true),
    ];
    assert_eq!(
        names,
        expected.map(|(name, required)| (name.to_owned(), required))
    );
}

#[test]
fn the_first_source_wins() {
    let (prefixed, plain) = ("SPIN_VARIABLE_JAAS_APP_ID", "JAAS_APP_ID");
    for (environment, env_file, expected) in [
        (vec![], vec![], None),
        (
            vec![(prefixed, "a"), (plain, "b")],
            vec![(plain, "c")],
            Some("a"),
        ),
        (vec![(plain, "b")], vec![(prefixed, "c")], Some("b")),
        (vec![], vec![(plain, "c")], Some("c")),
        (vec![], vec![(plain, "d"), (prefixed, "c")], Some("c")),
        (vec![], vec![(plain, "c"), (plain, "d")], Some("d")),
        (vec![(prefixed, "")], vec![(plain, "c")], Some("")),
    ] {
        let settings = gather("", &environment, &env_file);
        assert_eq!(
            value(&settings, prefixed).as_deref(),
            expected,
            "{environment:?} {env_file:?}"
        );
    }
}

#[test]
fn every_place_of_a_value_is_kept_in_the_order_in_which_they_win() {
    let (prefixed, plain) = ("SPIN_VARIABLE_JAAS_APP_ID", "JAAS_APP_ID");
    let config = "[[variables_provider]]\ntype = \"static\"\n[variables_provider.values]\njaas_app_id = \"p\"\n";
    let settings = gather(
        config,
        &[(plain, "b"), (prefixed, "a")],
        &[(plain, "d"), (prefixed, "c"), (plain, "e")],
    );
    let (environment, file) = (
        |name: &str| Source::Environment(name.to_owned()),
        |name: &str| Source::EnvFile(name.to_owned()),
    );
    let expected = [
        (Source::Provider, "p"),
        (environment(prefixed), "a"),
        (environment(plain), "b"),
        (file(prefixed), "c"),
        (file(plain), "e"),
        (file(plain), "d"),
    ];
    assert_eq!(
        settings.given("jaas_app_id"),
        expected.map(|(source, value)| (source, value.to_owned()))
    );
    assert_eq!(settings.given("default_room"), []);
    assert_eq!(settings.given("no_such_variable"), []);
}

#[test]
fn dot_env_counts_where_nothing_else_does() {
    let (prefixed, plain) = ("SPIN_VARIABLE_JAAS_APP_ID", "JAAS_APP_ID");
    let dot_env = pairs(&[(prefixed, "x"), (plain, "y"), (prefixed, "z")]);
    for (environment, env_file, expected) in [
        (vec![], vec![], "z"),
        (vec![(prefixed, "a")], vec![], "a"),
        (vec![(prefixed, "")], vec![], ""),
        (vec![(plain, "b")], vec![], "b"),
        (vec![], vec![(plain, "c")], "c"),
    ] {
        let settings = gather("", &environment, &env_file).with_dot_env(&dot_env);
        assert_eq!(value(&settings, prefixed).as_deref(), Some(expected));
        let last = settings.given("jaas_app_id").last();
        let source = Source::DotEnv(prefixed.to_owned());
        assert_eq!(last, Some(&(source, "x".to_owned())));
        assert_eq!(settings.unknown(), [""; 0]);
    }
    let key = pairs(&[("SPIN_VARIABLE_JAAS_PRIVATE_KEY", "k")]);
    let settings = gather("", &[], &[]).with_dot_env(&key);
    assert_eq!(settings.key_source(), KeySource::Given);
}

#[test]
fn only_the_workers_names_count_without_the_prefix_in_the_environment() {
    let name = "SPIN_VARIABLE_DEFAULT_ROOM";
    assert_eq!(
        value(&gather("", &[("DEFAULT_ROOM", "a")], &[]), name),
        None
    );
    assert_eq!(
        value(&gather("", &[], &[("DEFAULT_ROOM", "a")]), name).as_deref(),
        Some("a")
    );
}

#[test]
fn an_unknown_name_in_the_env_file_is_told_once() {
    let settings = gather(
        "",
        &[],
        &[
            ("PORT", "1"),
            ("JAAS_APP_ID", "a"),
            ("PORT", "2"),
            ("jaas_key_id", "k"),
        ],
    );
    assert_eq!(settings.unknown(), ["PORT", "jaas_key_id"]);
}

#[test]
fn a_key_from_anywhere_keeps_the_throw_away_key_away() {
    let fixed = "[[variables_provider]]\ntype = \"static\"\n[variables_provider.values]\njaas_private_key = \"k\"\n";
    let vault = "[[variables_provider]]\ntype = \"vault\"\nurl = \"http://127.0.0.1\"\n";
    let room = "[[variables_provider]]\ntype = \"static\"\n[variables_provider.values]\ndefault_room = \"r\"\n";
    let environment = vec![("JAAS_PRIVATE_KEY", "k")];
    let provider = |kind: &str| KeySource::Provider(kind.to_owned());
    for (config, environment, expected) in [
        ("", vec![], KeySource::Nobody),
        ("", environment.clone(), KeySource::Given),
        (room, vec![], KeySource::Nobody),
        (fixed, vec![], provider("static")),
        (fixed, environment.clone(), provider("static")),
        (vault, vec![], provider("vault")),
        (vault, environment, KeySource::Given),
    ] {
        assert_eq!(
            gather(config, &environment, &[]).key_source(),
            expected,
            "{config} {environment:?}"
        );
    }
}

#[test]
fn what_is_missing_beside_a_given_key_is_named_not_invented() {
    let settings = gather("", &[("JAAS_PRIVATE_KEY", "k")], &[]);
    assert_eq!(
        settings.missing(),
        ["SPIN_VARIABLE_JAAS_APP_ID", "SPIN_VARIABLE_JAAS_KEY_ID"]
    );
    let ids = "[[variables_provider]]\ntype = \"static\"\n[variables_provider.values]\njaas_app_id = \"a\"\n";
    let settings = gather(ids, &[("JAAS_PRIVATE_KEY", "k")], &[]);
    assert_eq!(settings.missing(), ["SPIN_VARIABLE_JAAS_KEY_ID"]);
}

#[test]
fn ids_beside_a_throw_away_key_are_well_formed_and_nobodys() {
    let nobody = format!("vpaas-magic-cookie-{}", "0".repeat(32));
    for (environment, app_id, key_id) in [
        (vec![], nobody.clone(), format!("{nobody}/000000")),
        (
            vec![("JAAS_APP_ID", "mine")],
            "mine".to_owned(),
            "mine/000000".to_owned(),
        ),
        (
            vec![("JAAS_KEY_ID", "mine/1")],
            nobody.clone(),
            "mine/1".to_owned(),
        ),
    ] {
        let mut settings = gather("", &environment, &[]);
        settings.use_throw_away_key("pem".to_owned());
        assert_eq!(value(&settings, "SPIN_VARIABLE_JAAS_APP_ID"), Some(app_id));
        assert_eq!(value(&settings, "SPIN_VARIABLE_JAAS_KEY_ID"), Some(key_id));
        assert_eq!(
            value(&settings, "SPIN_VARIABLE_JAAS_PRIVATE_KEY").as_deref(),
            Some("pem")
        );
        assert!(settings.missing().is_empty());
    }
}

#[test]
fn only_what_looks_like_a_name_is_shown() {
    for (name, shown) in [
        ("PORT", true),
        ("NODE_ENV", true),
        ("SPIN_VARIABLE_DEFAULT_ROOMS", true),
        ("MIIEvQIBADANBgkqhkiG9w0BAQEFAASC", false),
        ("ABCDEFGHIJKL", false),
        ("abcd", false),
    ] {
        assert_eq!(redact_name(name) == name, shown, "{name}");
    }
}

#[test]
fn an_origin_is_added_to_those_that_are_configured() {
    let name = "SPIN_VARIABLE_ALLOWED_ORIGINS";
    let fixed = "[[variables_provider]]\ntype = \"static\"\n[variables_provider.values]\nallowed_origins = \"https://f.example,http://127.0.0.1:1\"\n";
    for (config, environment, origin, expected, allowed) in [
        (
            "",
            vec![],
            "http://127.0.0.1:1",
            Some("https://a.example http://127.0.0.1:1"),
            true,
        ),
        (
            "",
            vec![(name, "https://b.example")],
            "http://127.0.0.1:1",
            Some("https://b.example http://127.0.0.1:1"),
            true,
        ),
        (
            "",
            vec![(name, "http://127.0.0.1:1,https://b.example")],
            "http://127.0.0.1:1",
            Some("http://127.0.0.1:1,https://b.example"),
            true,
        ),
        (
            "",
            vec![(name, "http://127.0.0.1:12")],
            "http://127.0.0.1:1",
            Some("http://127.0.0.1:12 http://127.0.0.1:1"),
            true,
        ),
        (fixed, vec![], "http://127.0.0.1:1", None, true),
        (fixed, vec![], "http://127.0.0.1:2", None, false),
    ] {
        let mut settings = gather(config, &environment, &[]);
        assert_eq!(settings.allow_origin(origin), allowed, "{environment:?}");
        assert_eq!(value(&settings, name).as_deref(), expected, "{origin}");
    }
}
