//! Tests of templates and precedence.

use super::*;
use crate::manifest::Variable;

fn table(entries: &[(&str, &str)]) -> BTreeMap<String, String> {
    entries
        .iter()
        .map(|&(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// Returns an application with `key` (required) and `place` (default "default"), whose component sees `templates`.
fn manifest(templates: &[(&str, &str)]) -> Manifest {
    let variable = |name: &str, default: Option<&str>| Variable {
        name: name.to_owned(),
        default: default.map(str::to_owned),
        required: default.is_none(),
    };
    Manifest {
        source: "app.wasm".into(),
        variables: vec![variable("key", None), variable("place", Some("default"))],
        templates: table(templates),
        ..Manifest::default()
    }
}

#[test]
fn templates_are_expanded() {
    let application = BTreeMap::from([("a", "1"), ("b", "{{ a }}")]);
    for (template, expected) in [
        ("", Some("")),
        ("text", Some("text")),
        ("{{ a }}", Some("1")),
        ("{{a}}", Some("1")),
        ("<{{ a }}|{{ a }}>", Some("<1|1>")),
        ("{{ a }}{{ b }}", Some("1{{ a }}")),
        ("} }} { x", Some("} }} { x")),
        ("{{ a }}{{ c }}", None),
        ("{{ a", None),
        ("{{ missing }}", None),
        ("{{ }}", None),
    ] {
        assert_eq!(
            expand(template, &application).ok().as_deref(),
            expected,
            "{template}"
        );
    }
}

#[test]
fn providers_win_over_the_environment_which_wins_over_the_default() {
    let manifest = manifest(&[("place", "{{ place }}")]);
    let environment = table(&[("SPIN_VARIABLE_PLACE", "env"), ("SPIN_VARIABLE_KEY", "k")]);
    let only_key = table(&[("SPIN_VARIABLE_KEY", "k")]);
    let provider = |values: &str| {
        format!("[[variables_provider]]\ntype = \"static\"\nvalues = {{ {values} }}\n")
    };
    let (first, second) = (
        provider("place = \"first\""),
        provider("place = \"second\""),
    );
    for (providers, environment, expected) in [
        (format!("{first}{second}"), &environment, "first"),
        (format!("{}{second}", provider("")), &environment, "second"),
        (
            provider("SPIN_VARIABLE_PLACE = \"no\""),
            &environment,
            "env",
        ),
        (String::new(), &environment, "env"),
        (String::new(), &only_key, "default"),
    ] {
        let providers = Providers::parse(&providers).unwrap();
        let values = resolve(&manifest, &providers, environment).unwrap();
        assert_eq!(values["place"], expected);
    }
}

#[test]
fn an_empty_value_is_a_value() {
    let environment = table(&[("SPIN_VARIABLE_KEY", ""), ("SPIN_VARIABLE_PLACE", "")]);
    let manifest = manifest(&[("key", "{{ key }}"), ("place", "{{ place }}")]);
    let values = resolve(&manifest, &Providers::default(), &environment).unwrap();
    assert_eq!((&*values["key"], &*values["place"]), ("", ""));
}

#[test]
fn a_required_variable_without_a_value_is_named() {
    let error = resolve(&manifest(&[]), &Providers::default(), &BTreeMap::new())
        .err()
        .unwrap();
    assert_eq!(
        error.to_string(),
        "the variable key is required and has no value: set SPIN_VARIABLE_KEY"
    );
}

#[test]
fn the_component_has_its_own_table_only() {
    let environment = table(&[("SPIN_VARIABLE_KEY", "k"), ("SPIN_VARIABLE_OTHER", "o")]);
    let manifest = manifest(&[("mine", "<{{ key }}>")]);
    let values = resolve(&manifest, &Providers::default(), &environment).unwrap();
    assert_eq!(values, table(&[("mine", "<k>")]));
}

#[test]
fn names_are_those_that_spin_takes() {
    assert!(check_name("auth_hs256_secret").is_ok());
    for name in ["", "Mine", "_mine", "mine_", "mi__ne", "mi-ne", "1mine"] {
        assert!(check_name(name).is_err(), "{name}");
    }
}

#[test]
fn bad_templates_and_names_are_errors() {
    let environment = table(&[("SPIN_VARIABLE_KEY", "hush")]);
    for (name, template, expected) in [
        ("a", "{{ key", "unmatched \"{{\""),
        ("a", "{{ nobody }}", "unknown variable \"nobody\""),
        ("A", "{{ key }}", "the variable name \"A\" has to start"),
    ] {
        let manifest = manifest(&[(name, template)]);
        let error = resolve(&manifest, &Providers::default(), &environment).err();
        let error = format!("{:#}", error.unwrap());
        assert!(error.contains(expected), "{error}");
        assert!(!error.contains("hush"), "{error}");
    }
}
