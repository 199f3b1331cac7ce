//! The operator's page: the number of monthly users as a chart, in both languages, with a screenshot of each state in
//! `target/screenshots/`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use browser_tests::Browser;
use serde_json::{Value, json};

use crate::harness::{APP_ID, Settings, now};
use crate::http::{Body, Request};
use crate::root;
use crate::site::{Service, form, serve};

const OPERATOR: &str = "Zm9yIHRoZXNlIHRlc3RzIGFsb25lLCAzMiBieXRlcyBvciBtb3Jl";
const SECRET: &str = "whsec_2c1f0a9be4d37586a1b2c3d4e5f60718";

/// The page, and the browser that shows it.
struct Page {
    browser: Browser,
    pages: devkit_pages::Server,
}

impl Page {
    fn new() -> Self {
        Self {
            browser: Browser::take(),
            pages: serve(&root().join("web")),
        }
    }

    fn settings(&self) -> Settings {
        Settings::good().set_all(&[
            ("allowed_origins", &self.pages.origin()),
            ("jaas_webhook_secret", SECRET),
            ("default_user_id", "guest-{random}"),
            ("operator_token", OPERATOR),
        ])
    }

    fn open(&self, server: &str) {
        let parameters = form(&[("lang", "en"), ("server", server)]);
        let url = format!("{}/usage/?{parameters}", self.pages.origin());
        self.browser.open(&url);
        self.expect("idle");
    }

    fn read(&self, token: &str, state: &str) {
        self.browser.fill("#operator", token);
        self.browser.click("#read");
        self.expect(state);
    }

    fn expect(&self, state: &str) {
        let state = format!("document.querySelector('#app')?.dataset.state === '{state}'");
        self.browser.until(&state);
    }

    /// Returns the page's text in English after checking both languages, and saves screenshots of both.
    fn show(&self, name: &str) -> String {
        let english = self.browser.text("#status");
        self.browser.screenshot(&format!("usage-{name}-en"));
        self.browser.click("#language");
        let chinese = self.browser.text("#status");
        self.browser.screenshot(&format!("usage-{name}-zh-TW"));
        assert_eq!(self.value("document.documentElement.lang"), "zh-TW");
        assert!(chinese.contains(is_chinese), "{name}: {chinese}");
        self.browser.click("#language");
        assert_eq!(self.browser.text("#status"), english, "{name}");
        assert!(!english.contains(is_chinese), "{name}: {english}");
        english
    }

    fn value(&self, expression: &str) -> Value {
        self.browser
            .run(&format!("return {expression}"), &Value::Null)
    }
}

fn is_chinese(c: char) -> bool {
    ('\u{4e00}'..='\u{9fff}').contains(&c)
}

/// Reports devices of guests and of known users, as 8x8 does.
fn report(service: &Service, guests: usize, known: usize) {
    let guest = |i: usize| json!({"deviceId": format!("g{i}"), "userId": null});
    let other = |i: usize| json!({"deviceId": format!("k{i}"), "userId": format!("person {i}")});
    let devices: Vec<Value> = (0..guests)
        .map(guest)
        .chain((0..known).map(other))
        .collect();
    let body = json!({
        "eventType": "USAGE", "appId": APP_ID, "timestamp": now() * 1000, "data": devices,
    })
    .to_string();
    let at = now();
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, SECRET.as_bytes());
    let mac = ring::hmac::sign(&key, format!("{at}.{body}").as_bytes());
    let signature = format!("t={at},v1={}", STANDARD.encode(mac));
    let request = Request::new("POST", "/webhooks/jaas")
        .header("X-Jaas-Signature", signature)
        .body(Body::Whole(body.into()));
    assert_eq!(service.server.send(&request).status, 204);
}

#[test]
fn the_count_is_drawn_with_its_limit_and_its_forecast() {
    let page = Page::new();
    let limit = [
        ("monthly_user_limit", "25"),
        ("monthly_user_reserve", "20%"),
    ];
    for (limits, guests, known, state, part) in [
        (&limit[..], 7, 3, "limited", "10 of 25 users"),
        (&limit, 14, 6, "reserved", "20 of 25 users"),
        (&limit, 21, 6, "full", "27 of 25 users"),
        (&[], 7, 3, "shown", "10 users"),
    ] {
        let service = Service::start(page.settings().set_all(limits));
        report(&service, guests, known);
        page.open(&service.wire.url());
        page.read(OPERATOR, state);
        let said = page.show(state);
        assert!(said.contains(part), "{said}");
        let says = format!("{guests} guests, {known} known");
        assert!(said.contains(&says), "{said}");

        let count = |selector: &str| {
            page.value(&format!("document.querySelectorAll('{selector}').length"))
                .as_u64()
                .expect("a number")
        };
        let days = count("#chart > rect.guests");
        assert!((1..=31).contains(&days), "{days}");
        assert_eq!(count("#rows > tr"), days);
        let lines = u64::from(!limits.is_empty());
        assert_eq!(
            (count("#chart > .limit"), count("#chart > .reserve")),
            (lines, lines)
        );
        assert_eq!(count("#chart > .forecast"), 1);
        // The heights of the last bar's two parts are in the ratio of their numbers.
        let height = |kind: &str| {
            page.value(&format!(
                "Number([...document.querySelectorAll('#chart > rect.{kind}')].at(-1).getAttribute('height'))"
            ))
            .as_f64()
            .expect("a number")
        };
        let ratio = height("guests") / height("known");
        let expected = guests as f64 / known as f64;
        assert!((ratio - expected).abs() < 0.01, "{ratio} {expected}");
        // The URL does not contain the token.
        let address = page.value("location.href");
        assert!(!address.as_str().expect("an address").contains(OPERATOR));
    }
}

#[test]
fn what_is_wrong_is_said() {
    let page = Page::new();
    let service = Service::start(page.settings());
    page.open(&service.wire.url());
    page.show("idle");
    page.read(&OPERATOR[1..], "unauthorised");
    page.show("unauthorised");
    let message = page.browser.text("#server-message");
    assert!(message.starts_with("Not the operator"), "{message}");
    // Earlier results do not stay visible.
    page.read(OPERATOR, "shown");
    page.read("wrong", "unauthorised");
    assert_eq!(page.browser.text("#result"), "");
    page.browser.fill("#server", "http://a b");
    page.read(OPERATOR, "invalid-server");
    page.show("invalid-server");
    drop(service);

    let off = page.settings().set("operator_token", "");
    let service = Service::start(off);
    page.open(&service.wire.url());
    page.read(OPERATOR, "off");
    page.show("off");
    drop(service);

    let foreign = page
        .settings()
        .set("allowed_origins", "https://other.example");
    let service = Service::start(foreign);
    page.open(&service.wire.url());
    page.read(OPERATOR, "unreachable");
    let said = page.show("unreachable");
    assert!(said.contains(&page.pages.origin()), "{said}");
}
