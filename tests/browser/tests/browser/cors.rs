//! Who may read a token: how a browser enforces the allow list of origins.

use browser_tests::Browser;
use serde_json::{Value, json};

use crate::harness::{Settings, now};
use crate::site::{Service, own_pages, serve, tokens};

/// Returns settings that allow only these origins.
fn allowing(origins: &str) -> Settings {
    Settings::good().set("allowed_origins", origins)
}

/// The ways in which a page sends the request, and whether the browser sends a preflight first.
fn ways() -> [(&'static str, Value, bool); 5] {
    let credential = "Bearer a.b.c";
    let json = "application/json";
    [
        ("a simple GET", json!({}), false),
        (
            "a simple POST",
            json!({ "method": "POST", "body": "room=a", "headers": { "Content-Type": "application/x-www-form-urlencoded" } }),
            false,
        ),
        (
            "a GET with Authorization",
            json!({ "headers": { "Authorization": credential } }),
            true,
        ),
        (
            "a POST of JSON",
            json!({ "method": "POST", "body": "{}", "headers": { "Content-Type": json } }),
            true,
        ),
        (
            "a POST of JSON with Authorization",
            json!({ "method": "POST", "body": "{}", "headers": { "Content-Type": json, "Authorization": credential } }),
            true,
        ),
    ]
}

fn assert_token(response: &Value, context: &str) {
    assert_eq!(response["status"], 200, "{context}: {response}");
    let token = response["body"]["token"].as_str().expect("a token");
    let violations = devkit_rules::violations(token, now());
    assert!(violations.is_empty(), "{context}: {violations:?}");
}

#[test]
fn a_page_of_an_allowed_origin_reads_the_token() {
    let browser = Browser::take();
    let pages = serve(&own_pages());
    let service = Service::start(allowing(&pages.origin()));
    browser.open(&format!("{}/empty.html", pages.origin()));
    for (way, init, has_preflight) in ways() {
        let preflights = service.wire.count("OPTIONS");
        let lines = service.log_of(|| {
            // A distinct URL, so that no cached preflight applies.
            let url = service.route(&[("way", way)]);
            assert_token(&browser.fetch(&url, &init), way);
        });
        assert_eq!((lines.len(), tokens(&lines)), (1, 1), "{way}: {lines:?}");
        assert_eq!(
            service.wire.count("OPTIONS") - preflights,
            usize::from(has_preflight),
            "{way}: {:?}",
            service.wire.methods()
        );
    }
}

/// Sends the request in every way, and asserts that the page can read nothing and that no token is signed.
fn assert_rejected(browser: &Browser, service: &Service, context: &str) {
    for (way, init, has_preflight) in ways() {
        let before = service.wire.methods().len();
        let lines = service.log_of(|| {
            let response = browser.fetch(&service.bare_route(), &init);
            assert_eq!(
                response,
                json!({ "failed": "TypeError" }),
                "{context}, {way}"
            );
        });
        // Without a preflight, the request itself reaches the service, which must reject it.
        assert_eq!(lines.len(), 1, "{context}, {way}: {lines:?}");
        assert_eq!(lines[0]["status"], 403, "{context}, {way}: {lines:?}");
        assert_eq!(tokens(&lines), 0, "{context}, {way}: {lines:?}");
        let methods = service.wire.methods().split_off(before);
        let sent = match (has_preflight, init["method"].as_str()) {
            (true, _) => "OPTIONS",
            (false, method) => method.unwrap_or("GET"),
        };
        assert_eq!(methods, [sent], "{context}, {way}");
    }
}

#[test]
fn a_page_of_another_origin_reads_nothing_and_nothing_is_signed() {
    let browser = Browser::take();
    let pages = serve(&own_pages());
    let origin = pages.origin();
    let port = pages.address().port();
    let other_port = if port == u16::MAX { port - 1 } else { port + 1 };
    browser.open(&format!("{origin}/empty.html"));
    for (context, allowed) in [
        ("another host", "https://vtaiwan.tw".to_owned()),
        ("another port", format!("http://127.0.0.1:{other_port}")),
        ("no port", "http://127.0.0.1".to_owned()),
        ("http for https", format!("https://127.0.0.1:{port}")),
        (
            "another name of this machine",
            format!("http://localhost:{port}"),
        ),
    ] {
        let service = Service::start(allowing(&allowed));
        assert_rejected(&browser, &service, context);
    }
}

#[test]
fn a_page_without_an_origin_reads_nothing_and_nothing_is_signed() {
    let browser = Browser::take();
    let pages = serve(&own_pages());
    // The page around the frame is allowed; the sandboxed frame has another origin.
    let service = Service::start(allowing(&pages.origin()));
    browser.open(&format!("{}/sandboxed.html", pages.origin()));
    let url = service.bare_route();
    assert_token(&browser.fetch(&url, &json!({})), "the page around it");
    browser.enter_frame("iframe");
    assert_eq!(browser.run("return self.origin", &Value::Null), "null");
    assert_rejected(&browser, &service, "a sandboxed frame");
}

/// With `no-cors` the browser sends a GET without `Origin`, as for an image. The service cannot distinguish it from curl,
/// but the browser hides the response from the page; and `require_origin` rejects it.
#[test]
fn a_page_that_hides_its_origin_reads_nothing() {
    let browser = Browser::take();
    let pages = serve(&own_pages());
    browser.open(&format!("{}/empty.html", pages.origin()));
    for (require_origin, signed) in [("false", 1), ("true", 0)] {
        let settings = allowing("https://vtaiwan.tw").set("require_origin", require_origin);
        let service = Service::start(settings);
        let lines = service.log_of(|| {
            let init = json!({ "mode": "no-cors" });
            let response = browser.fetch(&service.bare_route(), &init);
            assert_eq!(
                response,
                json!({ "type": "opaque", "status": 0, "headers": {}, "body": null }),
                "{require_origin}"
            );
        });
        assert_eq!(tokens(&lines), signed, "{require_origin}: {lines:?}");
    }
}

#[test]
fn a_preflight_is_asked_once_and_then_remembered() {
    let browser = Browser::take();
    let pages = serve(&own_pages());
    let service = Service::start(allowing(&pages.origin()));
    browser.open(&format!("{}/empty.html", pages.origin()));
    for (way, init, has_preflight) in ways() {
        if !has_preflight {
            continue;
        }
        let url = service.route(&[("way", way)]);
        let before = service.wire.methods().len();
        let lines = service.log_of(|| {
            for _ in 0..3 {
                assert_token(&browser.fetch(&url, &init), way);
            }
        });
        assert_eq!(tokens(&lines), 3, "{way}: {lines:?}");
        let mut methods = service.wire.methods().split_off(before);
        // `methods` groups by connection, so the order may vary.
        methods.sort_unstable();
        let sent = init["method"].as_str().unwrap_or("GET");
        let mut expected = ["OPTIONS", sent, sent, sent];
        expected.sort_unstable();
        assert_eq!(methods, expected, "{way}");
    }
}

/// The browser sends only what the preflight's response lists.
#[test]
fn a_method_or_a_header_that_is_not_listed_is_not_sent() {
    let browser = Browser::take();
    let pages = serve(&own_pages());
    let service = Service::start(allowing(&pages.origin()));
    browser.open(&format!("{}/empty.html", pages.origin()));
    for init in [
        json!({ "method": "PUT" }),
        json!({ "method": "DELETE" }),
        json!({ "headers": { "X-Other": "1" } }),
        json!({ "credentials": "include" }),
    ] {
        let lines = service.log_of(|| {
            let response = browser.fetch(&service.bare_route(), &init);
            assert_eq!(response, json!({ "failed": "TypeError" }), "{init}");
        });
        // A simple GET is sent with cookies. The service ignores them, and the page cannot read the response.
        let simple = init.get("credentials").is_some();
        assert_eq!(tokens(&lines), usize::from(simple), "{init}: {lines:?}");
    }
}
