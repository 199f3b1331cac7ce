//! The subset of WebDriver (<https://www.w3.org/TR/webdriver2/>) that the tests need: JSON over HTTP.

use serde_json::{Value, json};
use ureq::Agent;

use crate::LIMIT;

/// The member that identifies an element in WebDriver.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// A browser session. Every command panics if the driver reports an error or does not respond in time.
#[derive(Clone)]
pub(crate) struct Session {
    agent: Agent,
    url: String,
}

impl Session {
    /// Has the driver at this URL start a browser.
    pub(crate) fn start(driver: &str, capabilities: &Value) -> Self {
        let config = Agent::config_builder()
            .timeout_global(Some(LIMIT * 2))
            .http_status_as_error(false)
            // The driver runs on this machine.
            .proxy(None);
        let mut session = Self {
            agent: config.build().into(),
            url: format!("{driver}/session"),
        };
        let body = json!({ "capabilities": { "alwaysMatch": capabilities } });
        let started = session.request("", Some(&body));
        let id = started["sessionId"].as_str().expect("a session");
        session.url = format!("{driver}/session/{id}");
        session
    }

    /// Sends a command to the driver and returns the result.
    pub(crate) fn post(&self, command: &str, body: &Value) -> Value {
        self.request(&format!("/{command}"), Some(body))
    }

    fn request(&self, path: &str, body: Option<&Value>) -> Value {
        let url = format!("{}{path}", self.url);
        let response = match body {
            Some(body) => self
                .agent
                .post(&url)
                .content_type("application/json")
                .send(body.to_string()),
            None => self.agent.get(&url).call(),
        };
        let mut response = response.unwrap_or_else(|error| panic!("{path}: {error}"));
        let text = response.body_mut().with_config().limit(u64::MAX);
        let text = text.read_to_string().expect("a response of text");
        let mut response: Value = serde_json::from_str(&text).expect("a response of JSON");
        let value = response["value"].take();
        if let Some(error) = value["error"].as_str() {
            panic!("{path}: {error}: {}", value["message"]);
        }
        value
    }

    /// Returns the element that matches a CSS selector.
    pub(crate) fn find(&self, selector: &str) -> Element<'_> {
        let body = json!({ "using": "css selector", "value": selector });
        let reference = self.post("element", &body);
        Element {
            session: self,
            reference,
        }
    }
}

/// An element of the page.
pub(crate) struct Element<'a> {
    session: &'a Session,
    reference: Value,
}

impl Element<'_> {
    fn path(&self, command: &str) -> String {
        let id = self.reference[ELEMENT].as_str().expect("an element");
        format!("element/{id}/{command}")
    }

    pub(crate) fn click(&self) {
        self.session.post(&self.path("click"), &json!({}));
    }

    pub(crate) fn clear(&self) {
        self.session.post(&self.path("clear"), &json!({}));
    }

    pub(crate) fn send_keys(&self, text: &str) {
        self.session
            .post(&self.path("value"), &json!({ "text": text }));
    }

    /// Returns the visible text of the element.
    pub(crate) fn text(&self) -> String {
        let text = self
            .session
            .request(&format!("/{}", self.path("text")), None);
        text.as_str().expect("a text").to_owned()
    }

    /// Makes this frame the target of the following commands.
    pub(crate) fn enter_frame(&self) {
        self.session.post("frame", &json!({ "id": self.reference }));
    }
}
