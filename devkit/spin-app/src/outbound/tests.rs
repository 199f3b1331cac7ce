//! Tests of the allowed hosts.

use url::Url;

use super::*;

fn allowed(entries: &[&str]) -> Result<AllowedHosts> {
    let rules = entries.iter().map(|entry| Rule::parse(entry));
    Ok(AllowedHosts {
        rules: rules.collect::<Result<_>>()?,
        problem: None,
    })
}

#[test]
fn an_entry_allows_its_scheme_host_and_port_alone() {
    for (entry, yes, no) in [
        (
            "https://a.test",
            &["https://a.test", "https://A.test:443"][..],
            &[
                "http://a.test",
                "https://a.test:8443",
                "https://b.a.test",
                "https://a.test.b",
            ][..],
        ),
        (
            "http://a.test",
            &["http://a.test:80"],
            &["http://a.test:443"],
        ),
        ("https://a.test/", &["https://a.test"], &["https://b.test"]),
        (
            "https://a.test:",
            &["https://a.test"],
            &["https://a.test:1"],
        ),
        (" https://a.test ", &["https://a.test"], &[]),
        (
            "https://a.test:8443",
            &["https://a.test:8443"],
            &["https://a.test"],
        ),
        (
            "https://a.test:8443/",
            &["https://a.test:8443"],
            &["https://a.test"],
        ),
        (
            "http://a.test:10..12",
            &["http://a.test:10", "http://a.test:11"],
            &["http://a.test:9", "http://a.test:12"],
        ),
        ("*://a.test", &[], &["https://a.test"]),
        (
            "*://a.test:*",
            &["http://a.test:7", "https://a.test"],
            &["https://b.test"],
        ),
        (
            "https://*.a.test",
            &["https://b.a.test", "https://c.b.a.test"],
            &["https://a.test", "https://xa.test", "http://b.a.test"],
        ),
        (
            "https://*",
            &["https://a.test", "https://1.2.3.4"],
            &["https://a.test:1"],
        ),
        (
            "http://127.0.0.1:*",
            &["http://127.0.0.1:9", "http://2130706433:9"],
            &["http://localhost:9", "http://127.0.0.2:9"],
        ),
        (
            "http://10.1.2.3/8",
            &["http://10.9.9.9"],
            &["http://11.0.0.1", "http://ten.test"],
        ),
        (
            "http://[::1]",
            &["http://[::1]"],
            &["http://[::2]", "http://[::1]:8"],
        ),
        ("http://[::1]:8", &["http://[::1]:8"], &["http://[::1]"]),
        (
            "http://2001:db8::/32",
            &["http://[2001:db8::5]"],
            &["http://[2002::1]"],
        ),
        ("http://self", &[], &["http://self", "http://a.test"]),
    ] {
        // A scheme `*` has no default port.
        let Ok(allowed) = allowed(&[entry]) else {
            assert!(yes.is_empty(), "{entry}");
            continue;
        };
        for (urls, expected) in [(yes, true), (no, false)] {
            for url in urls {
                let uri = Url::parse(url).unwrap();
                let (scheme, rest) = url.split_once("://").unwrap();
                let port = uri.port();
                let host = port.map_or(rest, |it| rest.strip_suffix(&format!(":{it}")).unwrap());
                let host = host.trim_end_matches(":443").trim_end_matches(":80");
                assert_eq!(allowed.allow(scheme, host, port), expected, "{entry} {url}");
            }
        }
    }
    assert!(!AllowedHosts::default().allow("https", "a.test", None));
    let two = allowed(&["https://a.test", "http://b.test"]).unwrap();
    assert!(two.allow("http", "b.test", None) && !two.allow("http", "a.test", None));
    // Invalid hosts, and hosts that could be taken for another.
    for host in ["", "a.test/@b.test", "b.test@a.test:1", "a test"] {
        assert!(!two.allow("https", host, Some(1)), "{host}");
    }
}

#[test]
fn an_entry_that_spin_does_not_take_is_rejected() {
    for (entry, expected) in [
        ("", "is empty"),
        ("a.test", "has no scheme"),
        ("*", "has no scheme"),
        ("insecure:allow-all", "has no scheme"),
        ("https://", "no valid host"),
        ("https://a.test/path", "has a path"),
        ("https://a.test:1/path", "has a path"),
        ("https://a.test:one", "not a number"),
        ("https://a.test:99999", "not a number"),
        ("ftp://a.test", "needs a port"),
        ("*://a.test", "needs a port"),
        ("h2://a.test:1", "not made of letters"),
        ("https://a.*.test", "not a whole subdomain"),
        ("https://*.*.test", "not in front"),
        ("https://*.1.2.3.4", "before an address"),
        ("https://a test", "no valid host"),
        ("{http,https}://a.test:1", "not made of letters"),
    ] {
        let error = Rule::parse(entry).map(drop).unwrap_err();
        assert!(
            format!("{error:#}").contains(expected),
            "{entry}: {error:#}"
        );
    }
}

/// Returns a manifest with the variable `origin` (with a default, or required) and one entry.
fn manifest(default: Option<&str>, entry: &str) -> Manifest {
    let origin = default.map_or("{ required = true }".into(), |default| {
        format!("{{ default = {default:?} }}")
    });
    Manifest::parse(&format!(
        r#"
spin_manifest_version = 2
[variables]
origin = {origin}
[[trigger.http]]
route = "/..."
component = "app"
[component.app]
source = "app.wasm"
allowed_outbound_hosts = [{entry:?}]
"#
    ))
    .unwrap()
}

#[test]
fn a_template_has_the_variables_final_value() {
    const ORIGIN: &str = "{{ origin }}";
    let unset = Some("https://unset.invalid");
    for (default, entry, set, expected) in [
        (unset, ORIGIN, None, Ok(false)),
        (unset, ORIGIN, Some("https://keys.test"), Ok(true)),
        (None, ORIGIN, Some("https://keys.test"), Ok(true)),
        (Some("keys"), "https://{{ origin }}.test", None, Ok(true)),
        (Some(""), "https://keys.test", None, Ok(true)),
        // Invalid with its default: the host does not start.
        (Some(""), ORIGIN, Some("https://keys.test"), Err("is empty")),
        (Some("keys.test"), ORIGIN, None, Err("has no scheme")),
        (unset, "{{ other }}", None, Err("unknown variable")),
        (unset, "{{ origin", None, Err("unmatched")),
        (unset, "https://keys.test/a", None, Err("has a path")),
    ] {
        let manifest = manifest(default, entry);
        let environment = set.map(|it| ("SPIN_VARIABLE_ORIGIN".to_owned(), it.to_owned()));
        let environment = environment.into_iter().collect();
        let allowed = AllowedHosts::resolve(&manifest, &Providers::default(), &environment);
        let case = format!("{default:?} {entry} {set:?}");
        match (allowed, expected) {
            (Ok(allowed), Ok(expected)) => {
                assert_eq!(allowed.problem(), None, "{case}");
                assert_eq!(
                    allowed.allow("https", "keys.test", None),
                    expected,
                    "{case}"
                );
            }
            (Err(error), Err(expected)) => {
                let error = format!("{error:#}");
                assert!(error.contains(expected), "{case}: {error}");
            }
            (other, _) => panic!("{case}: {other:?}"),
        }
    }
}

#[test]
fn a_wrong_value_denies_all_and_is_not_quoted() {
    let manifest = manifest(Some("https://unset.invalid"), "{{ origin }}");
    for value in [
        "",
        "keys.test",
        "https://keys.test/path",
        "https://keys.test:x",
    ] {
        let environment = [("SPIN_VARIABLE_ORIGIN".to_owned(), value.to_owned())].into();
        let allowed =
            AllowedHosts::resolve(&manifest, &Providers::default(), &environment).unwrap();
        let problem = allowed.problem().expect(value);
        assert!(
            problem.contains("{{ origin }}") && !problem.contains("keys"),
            "{problem}"
        );
        assert!(!allowed.allow("https", "keys.test", None));
    }
}
