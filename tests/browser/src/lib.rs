//! Chromium, driven by WebDriver, for tests that need what only a browser does: origins, preflights, pages.
//!
//! One browser with an empty profile serves all tests of a process, one after the other ([`Browser::take`]). It sends
//! traffic to 127.0.0.1 only: it can resolve no other name. `chromedriver` and `chromium` are taken from `PATH`;
//! `JAAS_TEST_CHROMIUM` names another Chromium. Everything here panics when it fails, and waits for [`LIMIT`] at most.
#![forbid(unsafe_code)]

mod driver;
mod webdriver;
mod wire;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::webdriver::Session;

pub use crate::wire::Wire;

/// How long the browser may take for one thing, and a page to show what is waited for.
pub const LIMIT: Duration = Duration::from_secs(30);

/// How often a page is looked at meanwhile.
const PAUSE: Duration = Duration::from_millis(25);

/// Width and height of the window, in CSS pixels.
const WINDOW: (u32, u32) = (1280, 900);

/// A key without a character, as WebDriver writes it.
#[derive(Debug, Clone, Copy)]
pub enum Key {
    /// Moves the focus on.
    Tab = 0xe004,
    /// Activates what has the focus.
    Enter = 0xe007,
}

/// The folder for what the tests leave: `target` of the project.
fn target() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target")
}

/// The browser, for the test that holds this.
pub struct Browser {
    session: Session,
    /// Nobody else has the browser.
    _turn: MutexGuard<'static, Option<Session>>,
}

impl Browser {
    /// Waits until the browser is free, and returns it with an empty page; the first call starts it.
    ///
    /// # Panics
    /// It does not start.
    #[must_use]
    pub fn take() -> Self {
        static BROWSER: Mutex<Option<Session>> = Mutex::new(None);
        // A test that failed leaves the browser in order all the same.
        let mut turn = BROWSER.lock().unwrap_or_else(PoisonError::into_inner);
        let session = turn.get_or_insert_with(driver::start).clone();
        let browser = Self {
            session,
            _turn: turn,
        };
        browser.open("about:blank");
        browser.emulate(None, &[]);
        let (width, height) = WINDOW;
        let size = json!({ "width": width, "height": height });
        browser.session.post("window/rect", &size);
        browser
    }

    /// Opens a page.
    ///
    /// # Panics
    /// It does not load.
    pub fn open(&self, url: &str) {
        self.session.post("url", &json!({ "url": url }));
    }

    /// Enters the frame that a CSS selector finds; the next [`open`](Self::open) leaves it.
    ///
    /// # Panics
    /// There is none.
    pub fn enter_frame(&self, selector: &str) {
        self.session.find(selector).enter_frame();
    }

    /// Runs the body of an asynchronous function in the page, with `args` as its arguments, and returns its result.
    ///
    /// # Panics
    /// It throws.
    pub fn run(&self, body: &str, args: &Value) -> Value {
        let script = format!(
            "const [args, done] = arguments;
            (async () => {{ {body} }})().then(
                value => done({{ value: value ?? null }}),
                error => done({{ error: String(error) }}),
            );"
        );
        let body = json!({ "script": script, "args": [args] });
        let outcome = self.session.post("execute/async", &body);
        if let Some(error) = outcome.get("error") {
            panic!("{error} in the page, by {body}");
        }
        outcome["value"].clone()
    }

    /// Sends a request by the page's `fetch`: status, headers and JSON of the response, or `{"failed": …}` with the name
    /// of the error, which is all that a page learns when it may not read a response.
    pub fn fetch(&self, url: &str, init: &Value) -> Value {
        self.run(
            "try {
                const response = await fetch(args.url, args.init);
                const text = await response.text();
                return {
                    status: response.status,
                    type: response.type,
                    headers: Object.fromEntries(response.headers),
                    body: text === '' ? null : JSON.parse(text),
                };
            } catch (error) {
                return { failed: error.name };
            }",
            &json!({ "url": url, "init": init }),
        )
    }

    /// Waits until an expression of JavaScript holds in the page.
    ///
    /// # Panics
    /// It does not within [`LIMIT`].
    pub fn until(&self, expression: &str) {
        let deadline = Instant::now() + LIMIT;
        let body = format!("return Boolean({expression})");
        while self.run(&body, &Value::Null) != json!(true) {
            assert!(
                Instant::now() < deadline,
                "{expression} does not hold; the page says: {}",
                self.run("return document.body.innerText", &Value::Null)
            );
            std::thread::sleep(PAUSE);
        }
    }

    /// Clicks an element as a person does: it has to be visible, and nothing may cover it.
    ///
    /// # Panics
    /// It is not there, or cannot be clicked.
    pub fn click(&self, selector: &str) {
        self.session.find(selector).click();
    }

    /// Replaces the text of an input.
    ///
    /// # Panics
    /// It is not there, or takes no text.
    pub fn fill(&self, selector: &str, text: &str) {
        let input = self.session.find(selector);
        input.clear();
        input.send_keys(text);
    }

    /// The text of an element as a reader sees it; empty when it is hidden.
    ///
    /// # Panics
    /// It is not there.
    #[must_use]
    pub fn text(&self, selector: &str) -> String {
        self.session.find(selector).text()
    }

    /// Presses a key and lets it go, whatever has the focus.
    ///
    /// # Panics
    /// The browser does not take it.
    pub fn press(&self, key: Key) {
        let key = char::from_u32(key as u32).expect("a character");
        self.type_keys(&key.to_string());
    }

    /// Types, whatever has the focus.
    ///
    /// # Panics
    /// The browser does not take it.
    pub fn type_keys(&self, text: &str) {
        let keys = text
            .chars()
            .flat_map(|key| ["keyDown", "keyUp"].map(|kind| json!({ "type": kind, "value": key })));
        let keys: Vec<Value> = keys.collect();
        let keyboard = json!({ "type": "key", "id": "keyboard", "actions": keys });
        self.session
            .post("actions", &json!({ "actions": [keyboard] }));
    }

    /// Shows pages as on a screen of this width and height in CSS pixels, a phone's, and with these media features
    /// (name and value). Neither: as on this machine.
    ///
    /// # Panics
    /// The browser does not know one.
    pub fn emulate(&self, phone: Option<(u32, u32)>, features: &[(&str, &str)]) {
        match phone {
            Some((width, height)) => self.cdp(
                "Emulation.setDeviceMetricsOverride",
                json!({ "width": width, "height": height, "deviceScaleFactor": 2, "mobile": true }),
            ),
            None => self.cdp("Emulation.clearDeviceMetricsOverride", json!({})),
        };
        let features: Vec<Value> = features
            .iter()
            .map(|(name, value)| json!({ "name": name, "value": value }))
            .collect();
        self.cdp(
            "Emulation.setEmulatedMedia",
            json!({ "features": features }),
        );
    }

    /// A command of the Chrome DevTools protocol.
    fn cdp(&self, command: &'static str, parameters: Value) -> Value {
        let body = json!({ "cmd": command, "params": parameters });
        self.session.post("goog/cdp/execute", &body)
    }

    /// Opens a page, and runs the body of a function in it before its own scripts.
    ///
    /// # Panics
    /// It does not load.
    pub fn open_with(&self, url: &str, body: &str) {
        let added = self.cdp(
            "Page.addScriptToEvaluateOnNewDocument",
            json!({ "source": format!("(() => {{ {body} }})()") }),
        );
        self.open(url);
        self.cdp(
            "Page.removeScriptToEvaluateOnNewDocument",
            json!({ "identifier": added["identifier"] }),
        );
    }

    /// Keeps a picture of the whole page as `target/screenshots/<name>.png`.
    ///
    /// # Panics
    /// It cannot be written.
    pub fn screenshot(&self, name: &str) {
        let folder = target().join("screenshots");
        fs::create_dir_all(&folder).expect("a folder");
        let metrics = self.cdp("Page.getLayoutMetrics", json!({}));
        let mut clip = metrics["cssContentSize"].clone();
        clip["scale"] = json!(1);
        let picture = self.cdp(
            "Page.captureScreenshot",
            json!({ "captureBeyondViewport": true, "clip": clip }),
        );
        let picture = picture["data"].as_str().expect("a picture");
        let picture = STANDARD.decode(picture).expect("it is base64");
        fs::write(folder.join(format!("{name}.png")), picture).expect("a file");
    }
}
