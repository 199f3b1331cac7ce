//! The page of `cargo dev demo`: every state, in both languages, with a screenshot of each in
//! `target/screenshots/`.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::thread;

use browser_tests::{Browser, Key};
use serde_json::{Value, json};

use crate::credentials::Login;
use crate::harness::{Settings, now};
use crate::joining::consumer;
use crate::root;
use crate::site::{Service, form, serve, tokens};

/// A room name that is not English.
const ROOM: &str = "公民會議";

/// The demo: its pages and the browser that shows them.
struct Demo {
    browser: Browser,
    pages: devkit_pages::Server,
}

impl Demo {
    fn new() -> Self {
        Self {
            browser: Browser::take(),
            pages: serve(&root().join("web")),
        }
    }

    /// Starts a service that allows the page's origin.
    fn service(&self) -> Service {
        Service::start(Settings::good().set("allowed_origins", &self.pages.origin()))
    }

    /// Returns the page's URL with these parameters. The page is in English unless they set another language.
    fn url(&self, server: &str, parameters: &[(&str, &str)]) -> String {
        // The first of repeated parameters counts.
        let last = [("lang", "en"), ("server", server)];
        let parameters = form(&[parameters, &last].concat());
        format!("{}/demo/?{parameters}", self.pages.origin())
    }

    fn open(&self, server: &str, parameters: &[(&str, &str)]) {
        self.browser.open(&self.url(server, parameters));
        self.expect("idle");
    }

    /// Clicks the button and waits for the given state.
    fn ask(&self, state: &str) {
        self.browser.click("#get-token");
        self.expect(state);
    }

    fn expect(&self, state: &str) {
        let state = format!("document.querySelector('#app')?.dataset.state === '{state}'");
        self.browser.until(&state);
    }

    fn meeting(&self, state: &str) {
        let state = format!("document.querySelector('#meeting').dataset.state === '{state}'");
        self.browser.until(&state);
        assert_ne!(self.browser.text("#meeting-text"), "");
    }

    /// Checks the text that describes the page's state in each language, and saves screenshots of both.
    fn show(&self, name: &str) {
        let told = |suffix: &str| {
            self.browser.screenshot(&format!("demo-{name}-{suffix}"));
            self.accessible(&format!("{name}, {suffix}"));
            let told = self.browser.text("#status");
            assert_ne!(self.browser.text("#status-title"), "", "{name}, {suffix}");
            (
                self.browser
                    .run("return document.documentElement.lang", &Value::Null),
                told,
            )
        };
        let (language, english) = told("en");
        assert_eq!(language, "en", "{name}");
        // The text contains the room name.
        assert!(
            !english.replace(ROOM, "").contains(is_chinese),
            "{name}: {english}"
        );
        self.browser.click("#language");
        let (language, chinese) = told("zh-TW");
        assert_eq!(language, "zh-TW", "{name}");
        assert!(chinese.contains(is_chinese), "{name}: {chinese}");
        self.browser.click("#language");
        assert_eq!(self.browser.text("#status"), english, "{name}");
    }

    /// Asserts that axe finds no violation.
    fn accessible(&self, context: &str) {
        if self.value("window.axe === undefined") == true {
            let Some(axe) = consumer("node_modules/axe-core/axe.min.js") else {
                return;
            };
            let axe = fs::read_to_string(axe).expect("axe is installed");
            // Injected through the driver, because the page's policy forbids evaluating code.
            self.browser.run(&axe, &Value::Null);
        }
        let found = self.browser.run(
            "const { violations } = await axe.run();
            return violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)]);",
            &Value::Null,
        );
        assert_eq!(found, json!([]), "{context}");
    }

    /// Requests a token and checks the state of a failure. No token may be signed.
    fn fails(&self, service: &Service, state: &str) -> Vec<Value> {
        let lines = service.log_of(|| self.ask(state));
        assert_eq!(tokens(&lines), 0, "{state}: {lines:?}");
        self.show(state);
        assert_eq!(self.browser.text("#result"), "", "{state}");
        lines
    }

    /// Returns the service's own error message.
    fn message(&self) -> String {
        self.browser.text("#server-message")
    }

    fn value(&self, expression: &str) -> Value {
        self.browser
            .run(&format!("return {expression}"), &Value::Null)
    }
}

fn is_chinese(c: char) -> bool {
    ('\u{4e00}'..='\u{9fff}').contains(&c)
}

#[test]
fn nothing_is_sent_before_the_click() {
    let demo = Demo::new();
    let service = demo.service();
    demo.open(&service.wire.url(), &[]);
    demo.show("idle");
    assert_eq!(service.wire.methods(), Vec::<String>::new());
}

#[test]
fn a_token_is_explained_and_all_verdicts_are_good() {
    let demo = Demo::new();
    let service = demo.service();
    for (moderator, method) in [("true", "POST"), ("false", "GET")] {
        let person = [("room", ROOM), ("name", "Jane"), ("moderator", moderator)];
        demo.open(&service.wire.url(), &person);
        let script = format!("document.querySelector('#method').value = '{method}'");
        demo.browser.run(&script, &Value::Null);
        let lines = service.log_of(|| demo.ask("token"));
        assert_eq!((lines.len(), tokens(&lines)), (1, 1), "{lines:?}");
        assert_eq!(service.wire.count(method), 1);

        let verdicts = demo.value(
            "[...document.querySelectorAll('#checks > li')].map(it => [it.dataset.check, it.dataset.verdict])",
        );
        let all: Vec<Value> = (1..=14).map(|n| json!([n.to_string(), "pass"])).collect();
        assert_eq!(verdicts, json!(all));
        let verdicts = demo.value(
            "[...document.querySelectorAll('#prosody-checks > li')].map(it => it.dataset.verdict)",
        );
        assert_eq!(verdicts, json!(vec!["pass"; 5]));
        let summary = demo.value("{ ...document.querySelector('#summary').dataset }");
        assert_eq!(summary, json!({ "passed": "14", "total": "14" }));
        let seconds = demo.value("Number(document.querySelector('#countdown').dataset.seconds)");
        let left = seconds.as_i64().expect("seconds");
        assert!((3500..=3600).contains(&left), "{left}");

        let token = demo.value("document.querySelector('#token').value");
        let token = token.as_str().expect("a token");
        assert!(devkit_rules::violations(token, now()).is_empty());
        let payload = demo.browser.text("#payload-json");
        let payload: Value = serde_json::from_str(&payload).expect("JSON");
        assert_eq!(payload["context"]["user"]["name"], "Jane");
        assert_eq!(payload["context"]["user"]["moderator"], moderator);
        assert_eq!(payload["room"], "%e5%85%ac%e6%b0%91%e6%9c%83%e8%ad%b0");
        let header = demo.browser.text("#header-json");
        let header: Value = serde_json::from_str(&header).expect("JSON");
        assert_eq!(header["alg"], "RS256");
        demo.show(if moderator == "true" {
            "token"
        } else {
            "token-member"
        });
    }
}

#[test]
fn a_token_runs_out_on_the_page() {
    let demo = Demo::new();
    let service = demo.service();
    demo.open(&service.wire.url(), &[]);
    demo.ask("token");
    demo.browser.run(
        "const real = Date.now.bind(Date); Date.now = () => real() + 2 * 3600e3;",
        &Value::Null,
    );
    demo.expect("expired");
    assert_eq!(
        demo.value("document.querySelector('#countdown').dataset.seconds"),
        "0"
    );
    let verdict =
        demo.value("document.querySelector('#checks > [data-check=\"11\"]').dataset.verdict");
    assert_eq!(verdict, "fail");
    demo.show("expired");
}

#[test]
fn a_token_that_jitsi_would_reject_is_flagged() {
    let demo = Demo::new();
    let service = demo.service();
    // The device's clock is two days ahead, so that the token looks expired.
    demo.browser.open_with(
        &demo.url(&service.wire.url(), &[]),
        "const real = Date.now.bind(Date); Date.now = () => real() + 2 * 86400e3;",
    );
    demo.ask("token");
    let summary = demo.value("{ ...document.querySelector('#summary').dataset }");
    assert_eq!(summary, json!({ "passed": "13", "total": "14" }));
    assert_ne!(demo.browser.text("#clock-note"), "");
    demo.show("token-doubtful");
}

#[test]
fn a_page_that_is_not_allowed_is_told_what_to_add() {
    let demo = Demo::new();
    let service = Service::start(Settings::good().set("allowed_origins", "https://vtaiwan.tw"));
    demo.open(&service.wire.url(), &[]);
    let lines = demo.fails(&service, "refused");
    assert!(lines.iter().any(|line| line["status"] == 403), "{lines:?}");
    let advice = demo.browser.text("#status-advice");
    assert!(advice.contains(&demo.pages.origin()), "{advice}");
}

#[test]
fn a_service_that_says_why_is_quoted() {
    let demo = Demo::new();
    let origin = demo.pages.origin();
    let settings =
        Settings::good().set_all(&[("allowed_origins", &*origin), ("allowed_rooms", "meetup-*")]);
    let service = Service::start(settings);
    demo.open(&service.wire.url(), &[("room", "meetup-*")]);
    demo.fails(&service, "bad-request");
    assert!(demo.message().starts_with("room"), "{}", demo.message());
    demo.browser.fill("#room", "other");
    demo.fails(&service, "forbidden");
    assert_eq!(demo.message(), "Room not allowed");
    demo.browser.fill("#room", "meetup-1");
    demo.ask("token");
    assert_eq!(demo.message(), "");
    drop(service);

    let settings = Settings::good().set_all(&[
        ("allowed_origins", &*origin),
        ("jaas_private_key", "no key"),
    ]);
    let service = Service::start_broken(settings);
    demo.open(&service.wire.url(), &[]);
    demo.fails(&service, "misconfigured");
    assert!(
        demo.message().starts_with("jaas_private_key"),
        "{}",
        demo.message()
    );
}

#[test]
fn a_credential_opens_what_is_closed_without_it() {
    let demo = Demo::new();
    let login = Login::new();
    let settings = login.configure("required");
    let service = Service::start(settings.set("allowed_origins", &demo.pages.origin()));
    demo.open(&service.wire.url(), &[]);
    demo.fails(&service, "unauthorised");
    assert_ne!(demo.message(), "");
    demo.browser.click("#login > summary");
    demo.browser.fill("#credential", &login.sign(&json!({})));
    let lines = service.log_of(|| demo.ask("token"));
    assert_eq!(tokens(&lines), 1, "{lines:?}");
    let address = demo.value("location.href");
    assert!(
        !address.as_str().expect("an address").contains("eyJ"),
        "{address}"
    );
}

#[test]
fn a_server_that_does_not_respond_is_told_apart_from_one_that_is_not_there() {
    let demo = Demo::new();
    // Accepts connections but never responds.
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("its address");
    let server = format!("http://{address}");
    // Shortens the page's timeout of ten seconds to half a second.
    demo.browser.open_with(
        &demo.url(&server, &[]),
        "const real = window.setTimeout;
        window.setTimeout = (run, time, ...all) => real(run, time === 10000 ? window.wait : time, ...all);
        window.wait = 3600e3;",
    );
    demo.ask("loading");
    demo.show("loading");
    demo.browser.open_with(
        &demo.url(&server, &[]),
        "const real = window.setTimeout;
        window.setTimeout = (run, time, ...all) => real(run, time === 10000 ? 500 : time, ...all);",
    );
    demo.ask("timeout");
    demo.show("timeout");

    drop(listener);
    demo.open(&server, &[]);
    demo.ask("unreachable");
    demo.show("unreachable");

    for wrong in [
        "ftp://127.0.0.1",
        "http://",
        "http://user:secret@127.0.0.1",
        "/",
        "a b",
    ] {
        demo.browser.fill("#server", wrong);
        demo.ask("invalid-server");
    }
    demo.show("invalid-server");
}

#[test]
fn an_address_is_taken_without_its_scheme_and_a_path_is_told_of() {
    let demo = Demo::new();
    let service = demo.service();
    let url = service.wire.url();
    let (_, bare) = url.split_once("://").expect("a scheme");
    demo.open(bare, &[]);
    demo.ask("token");
    assert_eq!(demo.value("document.querySelector('#server').value"), url);
    // Other machines get https: nothing is sent to them unencrypted.
    demo.browser.fill("#server", "tokens.example");
    demo.ask("unreachable");
    assert_eq!(
        demo.value("document.querySelector('#server').value"),
        "https://tokens.example"
    );
    demo.browser.fill("#server", &format!("{url}/foo"));
    demo.ask("wrong-path");
    demo.show("wrong-path");
    assert_eq!(
        demo.value("document.querySelector('#app').dataset.httpStatus"),
        "404"
    );
}

#[test]
fn what_came_of_the_button_comes_into_view_and_starts_with_one_sentence() {
    let demo = Demo::new();
    let service = demo.service();
    for (width, height) in [(1366, 657), (390, 844)] {
        for scheme in ["light", "dark"] {
            demo.browser
                .emulate(Some((width, height)), &[("prefers-color-scheme", scheme)]);
            for language in ["en", "zh-TW"] {
                demo.open(
                    &service.wire.url(),
                    &[("lang", language), ("name", "Jane"), ("moderator", "true")],
                );
                demo.ask("token");
                let visible = demo.value(
                    "['status', 'status-title', 'join'].map(id => document.getElementById(id).getBoundingClientRect())
                        .every(it => it.height > 0 && it.top >= 0 && it.bottom <= innerHeight)",
                );
                assert_eq!(visible, true, "{width}x{height}, {language}");
                let sentence = demo.browser.text("#status-title");
                let (start, rights) = match language {
                    "en" => (
                        "Jane joins my-room as a moderator, ",
                        "stream and dial out, until ",
                    ),
                    _ => ("Jane 以主持人身分加入 my-room，", "可以直播和撥出電話，到 "),
                };
                assert!(
                    sentence.starts_with(start) && sentence.contains(rights),
                    "{sentence}"
                );
                let name = format!("demo-{width}x{height}-{scheme}-{language}");
                demo.browser.screenshot(&name);
                demo.accessible(&name);

                demo.browser.fill("#server", "http://127.0.0.1:9");
                demo.ask("unreachable");
                let visible = demo.value(
                    "(it => it.top >= 0 && it.bottom <= innerHeight)(document.querySelector('#status').getBoundingClientRect())",
                );
                assert_eq!(visible, true, "{width}x{height}, {language}");
            }
        }
    }
}

#[test]
fn good_checks_are_folded_and_bad_ones_are_not() {
    let demo = Demo::new();
    let service = demo.service();
    demo.open(&service.wire.url(), &[]);
    demo.ask("token");
    let open = "document.querySelector('#checks-details').open";
    assert_eq!(demo.value(open), false);
    assert_eq!(demo.browser.text("#summary"), "all 14 passed");
    demo.browser.click("#language");
    assert_eq!(demo.browser.text("#summary"), "14 項全部通過");
    demo.browser.click("#language");
    // Details that the user has opened stay open, although the list is rendered again every second.
    demo.browser.click("#checks-details > summary");
    std::thread::sleep(std::time::Duration::from_millis(1500));
    assert_eq!(demo.value(open), true);
    demo.browser.click("#checks-details > summary");
    demo.browser.run(
        "const real = Date.now.bind(Date); Date.now = () => real() - 3600e3;",
        &Value::Null,
    );
    demo.browser.until(open);
    assert_eq!(
        demo.value("document.querySelector('#status').dataset.tone"),
        "bad"
    );
    demo.show("checks-failed");
}

#[test]
fn the_throw_away_key_is_told_of_first_and_joins_nothing() {
    let demo = Demo::new();
    let app_id = format!("vpaas-magic-cookie-{}", "0".repeat(32));
    let key_id = format!("{app_id}/000000");
    let service = Service::start(Settings::good().set_all(&[
        ("allowed_origins", &*demo.pages.origin()),
        ("jaas_app_id", &*app_id),
        ("jaas_key_id", &*key_id),
    ]));
    demo.open(&service.wire.url(), &[("name", "Jane")]);
    demo.ask("token");
    let title = demo.browser.text("#status-title");
    assert!(title.contains("8x8 will reject this token"), "{title}");
    assert_eq!(
        demo.value("document.querySelector('#status').dataset.tone"),
        "bad"
    );
    let coloured = demo.value(
        "getComputedStyle(document.querySelector('#status-title')).color !== getComputedStyle(document.body).color",
    );
    assert_eq!(coloured, true);
    assert!(
        demo.browser
            .text("#status-text")
            .contains("Jane joins my-room")
    );
    assert_eq!(demo.value("document.querySelector('#join').disabled"), true);
    assert_eq!(
        demo.value("document.querySelector('#meeting').dataset.state"),
        "throw-away"
    );
    demo.show("throw-away");
}

#[test]
fn the_language_stays_after_a_reload() {
    let demo = Demo::new();
    let service = demo.service();
    demo.open(&service.wire.url(), &[("room", "kept")]);
    demo.browser.click("#language");
    let address = demo.value("location.href");
    demo.browser.open(address.as_str().expect("an address"));
    demo.expect("idle");
    assert_eq!(demo.value("document.documentElement.lang"), "zh-TW");
    assert_eq!(demo.value("document.querySelector('#room').value"), "kept");
}

#[test]
fn an_email_address_that_is_not_in_the_token_is_told_of() {
    let demo = Demo::new();
    let service = demo.service();
    for (email, told) in [("jane@example.com", false), ("jane", true), ("", false)] {
        demo.open(&service.wire.url(), &[("email", email)]);
        demo.ask("token");
        assert_eq!(
            !demo.browser.text("#email-note").is_empty(),
            told,
            "{email}"
        );
    }
    demo.browser.fill("#email", "jane");
    demo.ask("token");
    demo.show("email");
}

#[test]
fn another_server_is_not_taken_for_the_service() {
    let demo = Demo::new();
    let server = responding(
        "HTTP/1.1 418 I'm a teapot",
        "{\"error\":\"short and stout\"}",
    );
    demo.open(&server, &[]);
    demo.ask("failed");
    demo.show("failed");
    let told = demo.browser.text("#status-text");
    assert!(told.contains("418"), "{told}");
    let server = responding("HTTP/1.1 200 OK", "<!doctype html>");
    demo.open(&server, &[]);
    demo.ask("failed");
}

/// Starts a server that sends this text to every client.
pub fn serving(kind: &str, text: &str) -> String {
    responding(&format!("HTTP/1.1 200 OK\r\ncontent-type: {kind}"), text)
}

/// Starts a server that sends every client the same response until the process ends.
fn responding(status: &str, body: &str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("its address");
    let preflight = "HTTP/1.1 204 No Content\r\naccess-control-allow-origin: *\r\naccess-control-allow-headers: *\r\nconnection: close\r\n\r\n";
    let response = format!(
        "{status}\r\naccess-control-allow-origin: *\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
    thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let mut request = [0; 16 * 1024];
            let length = stream.read(&mut request).unwrap_or(0);
            let response = if request[..length].starts_with(b"OPTIONS ") {
                preflight
            } else {
                &response
            };
            let _ = stream.write_all(response.as_bytes());
        }
    });
    format!("http://{address}")
}

/// A stand-in for 8x8's script, with what the page uses of it.
const MEETING: &str = "window.JitsiMeetExternalAPI = class {
    constructor(domain, options) {
        this.listeners = {};
        window.meeting = { domain, options, api: this };
        options.parentNode.append(document.createElement('p'));
    }
    addListener(name, listener) { this.listeners[name] = listener; }
    dispose() { window.meeting.disposed = true; }
};";

#[test]
fn a_meeting_is_joined_where_the_network_has_it() {
    let demo = Demo::new();
    let service = demo.service();
    // This browser resolves no names, so 8x8's script does not load.
    demo.open(&service.wire.url(), &[]);
    demo.ask("token");
    assert_eq!(
        demo.value("document.querySelector('#meeting').dataset.state"),
        "idle"
    );
    demo.browser.click("#join");
    demo.meeting("no-iframe-api");
    demo.show("meeting-no-iframe-api");

    demo.browser
        .open_with(&demo.url(&service.wire.url(), &[]), MEETING);
    demo.ask("token");
    demo.browser.click("#join");
    demo.meeting("joining");
    demo.show("meeting-joining");
    let token = demo.value("document.querySelector('#token').value");
    assert_eq!(demo.value("meeting.options.jwt"), token);
    assert_eq!(demo.value("meeting.domain"), "8x8.vc");
    let room = demo.value("meeting.options.roomName");
    assert_eq!(room, format!("{}/my-room", crate::harness::APP_ID));
    demo.value("meeting.api.listeners.videoConferenceJoined({})");
    demo.meeting("joined");
    demo.show("meeting-joined");
    demo.value("meeting.api.listeners.errorOccurred({ error: { name: 'conference.authenticationRequired', isFatal: true } })");
    demo.meeting("meeting-error");
    assert!(
        demo.browser
            .text("#meeting-text")
            .contains("conference.authenticationRequired")
    );
    demo.show("meeting-error");
    demo.browser.click("#leave");
    demo.meeting("left");
    assert_eq!(demo.value("meeting.disposed"), true);
    demo.show("meeting-left");
}

/// The text about a token does not change while the page stays open.
#[test]
fn the_sentence_about_a_token_is_the_same_after_midnight() {
    let demo = Demo::new();
    let service = demo.service();
    // The page's clock is half an hour before midnight.
    demo.browser.open_with(
        &demo.url(&service.wire.url(), &[]),
        "const real = Date.now;
        const midnight = new Date(real());
        midnight.setHours(24, 0, 0, 0);
        let ahead = midnight - real() - 30 * 60_000;
        Date.now = () => real() + ahead;
        window.pass = (minutes) => { ahead += minutes * 60_000; };",
    );
    demo.ask("token");
    let before = demo.browser.text("#status");
    assert!(before.contains("until"), "{before}");
    demo.value("pass(40)");
    demo.browser.click("#language");
    demo.browser.click("#language");
    assert_eq!(demo.browser.text("#status"), before);
}

#[test]
fn a_meeting_whose_script_does_not_come_is_given_up() {
    let demo = Demo::new();
    let service = demo.service();
    // The script neither loads nor fails, and the test calls the callback of the page's 15-second timeout itself.
    demo.browser.open_with(
        &demo.url(&service.wire.url(), &[]),
        "const append = Element.prototype.append;
        Element.prototype.append = function (...all) {
            if (!(all[0] instanceof HTMLScriptElement)) append.apply(this, all);
        };
        const real = window.setTimeout;
        window.setTimeout = (run, time, ...all) => {
            if (time === 15000) window.giveUp = run;
            else return real(run, time, ...all);
        };",
    );
    demo.ask("token");
    demo.browser.click("#join");
    demo.meeting("loading");
    demo.show("meeting-loading");
    demo.value("giveUp()");
    demo.meeting("no-iframe-api");
}

/// The id of the focused element, or of its nearest ancestor that has one.
const FOCUS: &str = "document.activeElement.id || document.activeElement.closest('[id]')?.id || ''";

#[test]
fn the_keyboard_alone_reaches_everything() {
    let demo = Demo::new();
    let service = demo.service();
    demo.open(&service.wire.url(), &[]);
    let tab_to = |id: &str| {
        for _ in 0..30 {
            demo.browser.press(Key::Tab);
            let seen = demo.value(
                "document.activeElement === document.body
                    || document.activeElement.matches(':focus-visible')
                    && getComputedStyle(document.activeElement).outlineStyle !== 'none'",
            );
            assert_eq!(seen, true, "the focus on {} shows", demo.value(FOCUS));
            if demo.value(FOCUS) == id {
                return;
            }
        }
        panic!("Tab does not reach {id}");
    };
    tab_to("language");
    demo.browser.press(Key::Enter);
    assert_eq!(demo.value("document.documentElement.lang"), "zh-TW");
    demo.browser.press(Key::Enter);
    assert_eq!(demo.value("document.documentElement.lang"), "en");
    tab_to("server");
    tab_to("room");
    demo.browser.type_keys("by-keyboard");
    tab_to("name");
    demo.browser.type_keys("Jane");
    tab_to("email");
    tab_to("moderator");
    demo.browser.type_keys(" ");
    tab_to("login");
    demo.browser.press(Key::Enter);
    tab_to("credential");
    tab_to("invitation");
    tab_to("method");
    tab_to("get-token");
    demo.browser.press(Key::Enter);
    demo.expect("token");
    let payload: Value = serde_json::from_str(&demo.browser.text("#payload-json")).expect("JSON");
    // Tab selects the content of an input, and typing replaces it.
    assert_eq!(payload["room"], "by-keyboard");
    assert_eq!(payload["context"]["user"]["name"], "Jane");
    assert_eq!(payload["context"]["user"]["moderator"], "true");
    tab_to("join");
    demo.browser.screenshot("demo-keyboard");
    demo.browser.press(Key::Enter);
    demo.meeting("no-iframe-api");
    tab_to("token-details");
    demo.browser.press(Key::Enter);
    tab_to("token");
    tab_to("copy");
    demo.browser.press(Key::Enter);
    demo.browser
        .until("document.querySelector('#copy-text').textContent !== ''");

    // Enter in a field sends the request, too.
    demo.open(&service.wire.url(), &[]);
    tab_to("room");
    demo.browser.press(Key::Enter);
    demo.expect("token");
}

#[test]
fn a_phone_shows_it_without_scrolling_sideways() {
    let demo = Demo::new();
    let service = demo.service();
    for (width, height) in [(320, 568), (390, 844)] {
        demo.browser.emulate(Some((width, height)), &[]);
        demo.open(&service.wire.url(), &[("room", &"long-name-".repeat(12))]);
        let fits = |context: &str| {
            for language in ["en", "zh-TW"] {
                let wide = demo.value(&format!(
                    "[innerWidth, document.documentElement.scrollWidth,
                    [...document.querySelectorAll('body *')].filter(it => it.getBoundingClientRect().right > {width} + 1 && !it.closest('pre, textarea')).map(it => it.outerHTML.slice(0, 80))]"
                ));
                assert_eq!(wide, json!([width, width, []]), "{context}, {language}");
                demo.browser
                    .screenshot(&format!("demo-phone-{width}-{context}-{language}"));
                demo.browser.click("#language");
            }
            let small = demo.value(
                "[...document.querySelectorAll('button, summary, input:not([type=checkbox]), select')]
                    .map(it => [it.id, it.getBoundingClientRect().height])
                    .filter(([, height]) => height > 0 && height < 24)",
            );
            assert_eq!(small, json!([]), "large enough for a finger, {context}");
        };
        fits("idle");
        demo.ask("token");
        demo.value("document.querySelectorAll('details').forEach(it => { it.open = true })");
        fits("token");
    }
}

#[test]
fn light_and_dark_follow_the_device() {
    let demo = Demo::new();
    let service = demo.service();
    for scheme in ["light", "dark"] {
        demo.browser
            .emulate(None, &[("prefers-color-scheme", scheme)]);
        demo.open(&service.wire.url(), &[]);
        demo.ask("token");
        demo.browser.screenshot(&format!("demo-{scheme}"));
        // The lightness of the page and of its text, from 0 to 255.
        let light = |property: &str| {
            let value = demo.value(&format!(
                "(() => {{
                    const colour = getComputedStyle(document.body).{property};
                    const context = document.createElement('canvas').getContext('2d');
                    context.fillStyle = colour;
                    context.fillRect(0, 0, 1, 1);
                    const [red, green, blue, opacity] = context.getImageData(0, 0, 1, 1).data;
                    return opacity === 255 ? 0.2126 * red + 0.7152 * green + 0.0722 * blue : -1;
                }})()"
            ));
            value.as_f64().expect("a number")
        };
        let (ground, text) = (light("backgroundColor"), light("color"));
        assert!(ground >= 0.0 && text >= 0.0, "{scheme}: {ground} {text}");
        let (lighter, darker) = match scheme {
            "light" => (ground, text),
            _ => (text, ground),
        };
        assert!(
            lighter > 180.0 && darker < 75.0,
            "{scheme}: {ground} {text}"
        );
    }
}

#[test]
fn a_moderator_invites_and_the_link_opens_the_page_that_gets_a_token_with_it() {
    let demo = Demo::new();
    let login = Login::new();
    let service = Service::start(login.configure("required").set_all(&[
        ("allowed_origins", &demo.pages.origin()),
        ("invitation_secret", "Vb3xK8rQ2mWz7Lt0Ns5Yd9Pf4Hc6Jg1UaE"),
    ]));
    demo.open(&service.wire.url(), &[("room", ROOM)]);
    let invite = |state: &str| {
        demo.browser.click("#make-invitation");
        let state = format!("document.querySelector('#invite').dataset.state === '{state}'");
        demo.browser.until(&state);
    };
    demo.browser.click("#invite > summary");
    // The caller has not proven to be a moderator.
    invite("refused");
    assert!(demo.browser.text("#invite-text").contains("Not logged in"));
    demo.browser.click("#login > summary");
    let moderator = login.sign(&json!({"moderator": true}));
    demo.browser.fill("#credential", &moderator);
    invite("made");
    demo.show("invitation");
    let link = demo.value("document.querySelector('#invitation-link').value");
    let link = link.as_str().expect("a link").to_owned();
    assert!(link.contains("#invitation=eyJ"), "{link}");

    // Leave the page first, so that the link loads it anew instead of only changing the fragment.
    demo.browser.open("about:blank");
    demo.browser.open(&link);
    demo.expect("idle");
    let address = demo.value("location.href");
    let address = address.as_str().expect("an address");
    assert!(
        !address.contains("eyJ") && !address.contains('#'),
        "{address}"
    );
    let lines = service.log_of(|| demo.ask("token"));
    assert_eq!(tokens(&lines), 1, "{lines:?}");
    let payload: Value = serde_json::from_str(&demo.browser.text("#payload-json")).expect("JSON");
    assert_eq!(payload["context"]["user"]["moderator"], "false");
    assert_eq!(payload["room"], "%e5%85%ac%e6%b0%91%e6%9c%83%e8%ad%b0");
}
