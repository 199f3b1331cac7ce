//! Drives Chromium through WebDriver, for tests of what only a browser does: origins, preflights, pages.
//!
//! All tests of a process share one browser with an empty profile, one after the other ([`Browser::take`]). It connects
//! to 127.0.0.1 only, because it can resolve no names. `chromedriver` and `chromium` must be on `PATH`;
//! `JAAS_TEST_CHROMIUM` names another Chromium. Everything here panics on failure, and waits for at most [`LIMIT`].
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

/// The time limit for one command of the browser, and for one condition in a page.
pub const LIMIT: Duration = Duration::from_secs(30);

/// The interval between two checks of a condition.
const PAUSE: Duration = Duration::from_millis(25);

/// The width and height of the window, in CSS pixels.
const WINDOW: (u32, u32) = (1280, 900);

/// A key that produces no character, by its code point in WebDriver.
#[derive(Debug, Clone, Copy)]
pub enum Key {
    /// Moves the focus to the next element.
    Tab = 0xe004,
    /// Activates the focused element.
    Enter = 0xe007,
}

/// Returns the folder for the tests' files: the project's `target`.
fn target() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target")
}

/// The browser, reserved for one test.
pub struct Browser {
    session: Session,
    /// Held for as long as the test uses the browser.
    _turn: MutexGuard<'static, Option<Session>>,
}

impl Browser {
    /// Waits until the browser is free and returns it with an empty page. The first call starts it.
    ///
    /// # Panics
    /// Panics if the browser does not start.
    #[must_use]
    pub fn take() -> Self {
        static BROWSER: Mutex<Option<Session>> = Mutex::new(None);
        // A failed test leaves the browser usable.
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
    /// Panics if the page does not load.
    pub fn open(&self, url: &str) {
        self.session.post("url", &json!({ "url": url }));
    }

    /// Enters the frame that matches a CSS selector; the next [`open`](Self::open) leaves it.
    ///
    /// # Panics
    /// Panics if no frame matches.
    pub fn enter_frame(&self, selector: &str) {
        self.session.find(selector).enter_frame();
    }

    /// Runs the body of an asynchronous function in the page, with `args` as its arguments, and returns the result.
    ///
    /// # Panics
    /// Panics if the function throws.
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

    /// Sends a request with the page's `fetch`. Returns status, headers and JSON of the response, or `{"failed": …}` with the
    /// name of the error, which is all that a page learns if it may not read the response.
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

    /// Waits until a JavaScript expression is true in the page.
    ///
    /// # Panics
    /// Panics if it is still false after [`LIMIT`].
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

    /// Clicks an element as a user would: it must be visible and not covered.
    ///
    /// # Panics
    /// Panics if no element matches, or if it cannot be clicked.
    pub fn click(&self, selector: &str) {
        self.session.find(selector).click();
    }

    /// Replaces the text of an input.
    ///
    /// # Panics
    /// Panics if no element matches, or if it is not editable.
    pub fn fill(&self, selector: &str, text: &str) {
        let input = self.session.find(selector);
        input.clear();
        input.send_keys(text);
    }

    /// Returns the visible text of an element, which is empty if the element is hidden.
    ///
    /// # Panics
    /// Panics if no element matches.
    #[must_use]
    pub fn text(&self, selector: &str) -> String {
        self.session.find(selector).text()
    }

    /// Presses and releases a key on the focused element.
    ///
    /// # Panics
    /// Panics if the browser rejects the command.
    pub fn press(&self, key: Key) {
        let key = char::from_u32(key as u32).expect("a character");
        self.type_keys(&key.to_string());
    }

    /// Types text into the focused element.
    ///
    /// # Panics
    /// Panics if the browser rejects the command.
    pub fn type_keys(&self, text: &str) {
        let keys = text
            .chars()
            .flat_map(|key| ["keyDown", "keyUp"].map(|kind| json!({ "type": kind, "value": key })));
        let keys: Vec<Value> = keys.collect();
        let keyboard = json!({ "type": "key", "id": "keyboard", "actions": keys });
        self.session
            .post("actions", &json!({ "actions": [keyboard] }));
    }

    /// Emulates a phone's screen of this width and height in CSS pixels, and these media features (name and value). Without
    /// either, pages look as on this machine.
    ///
    /// # Panics
    /// Panics if the browser does not know a feature.
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

    /// Sends a command of the Chrome DevTools protocol.
    fn cdp(&self, command: &'static str, parameters: Value) -> Value {
        let body = json!({ "cmd": command, "params": parameters });
        self.session.post("goog/cdp/execute", &body)
    }

    /// Opens a page, and runs the body of a function in it before the page's own scripts.
    ///
    /// # Panics
    /// Panics if the page does not load.
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

    /// Saves a screenshot of the whole page as `target/screenshots/<name>.png`.
    ///
    /// # Panics
    /// Panics if the file cannot be written.
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
