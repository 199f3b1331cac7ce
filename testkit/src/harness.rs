//! Starts the built component and checks, on every response, what no response may lack or hold.
//!
//! `JAAS_TEST_HOST` chooses the host: `embedded` (Wasmtime in this process) or `spin` (the program on `PATH`).
//! `JAAS_TEST_COMPONENT` names a component to be served in the place of the manifest's; the embedded host alone can.

use std::collections::{BTreeMap, HashSet};
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{LazyLock, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use devkit_host::{Faults, KeyValueStore, Log, Options};
use devkit_rules as rules;
use serde_json::Value;

use crate::http::{Connection, Request, Response};
use crate::key_material::{Key, Kind, key};
pub use crate::root;
use crate::{locked, signature, spin};

pub const APP_ID: &str = "vpaas-magic-cookie-0123456789abcdef0123456789abcdef";
pub const KEY_ID: &str = "vpaas-magic-cookie-0123456789abcdef0123456789abcdef/4f4910";

/// An origin of the manifest's default list.
pub const ALLOWED: &str = "https://vtaiwan.tw";
pub const FOREIGN: &str = "https://evil.example";

const ARTIFACT: &str = "target/wasm32-wasip2/release/jaas_jwt.wasm";

/// Seconds since 1970.
pub fn now() -> i64 {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH);
    i64::try_from(elapsed.expect("after 1970").as_secs()).expect("before the year 292 billion")
}

/// The variables that a server is started with; those not given have the manifest's defaults.
#[derive(Clone)]
pub struct Settings {
    variables: BTreeMap<String, String>,
    key: &'static Key,
    component: Option<PathBuf>,
    runtime_config: Option<PathBuf>,
    store: Option<KeyValueStore>,
}

impl Settings {
    pub fn good() -> Self {
        Self::with_key(key(Kind::Pkcs8, 2048))
    }

    pub fn with_key(key: &'static Key) -> Self {
        let variables = [
            ("jaas_app_id", APP_ID),
            ("jaas_key_id", KEY_ID),
            ("jaas_private_key", &key.pem),
        ];
        Self {
            variables: variables
                .map(|(name, value)| (name.into(), value.into()))
                .into(),
            key,
            component: None,
            runtime_config: None,
            store: None,
        }
    }

    /// A component of the test's own, served by the embedded host whatever `JAAS_TEST_HOST` says.
    pub fn served_from(mut self, component: &Path) -> Self {
        self.component = Some(component.to_owned());
        self
    }

    /// With a `runtime-config.toml` of the test's own.
    pub fn with_runtime_config(mut self, file: &Path) -> Self {
        self.runtime_config = Some(root().join(file));
        self
    }

    /// With a store that an earlier server has used, in the embedded host. Without it each server starts with an empty one.
    pub fn with_store(mut self, store: &KeyValueStore) -> Self {
        self.store = Some(store.clone());
        self
    }

    pub fn set(mut self, name: &str, value: &str) -> Self {
        self.variables.insert(name.to_owned(), value.to_owned());
        self
    }

    pub fn set_all(self, values: &[(&str, &str)]) -> Self {
        values
            .iter()
            .fold(self, |settings, (name, value)| settings.set(name, value))
    }

    /// As Spin and the embedded host read them.
    fn environment(&self) -> BTreeMap<String, String> {
        self.variables
            .iter()
            .map(|(name, value)| {
                (
                    format!("SPIN_VARIABLE_{}", name.to_uppercase()),
                    value.clone(),
                )
            })
            .collect()
    }
}

enum Host {
    Embedded {
        address: SocketAddr,
        // A mutex, because threads share what holds this, and the server itself they cannot.
        server: Mutex<devkit_host::Server>,
    },
    Spin(spin::Server),
}

impl Host {
    /// Starts the embedded host, with what goes wrong with it.
    fn embedded(settings: &Settings, faults: Faults) -> Self {
        check_artifact();
        let options = Options {
            manifest: root().join("spin.toml"),
            component: settings.component.clone().or_else(other_component),
            runtime_config: settings.runtime_config.clone(),
            environment: settings.environment(),
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            log: Log::Memory,
            store: settings.store.clone().unwrap_or_default(),
            faults,
        };
        let server = devkit_host::start(options).expect("the embedded host starts");
        Self::Embedded {
            address: server.address(),
            server: Mutex::new(server),
        }
    }

    fn start(settings: &Settings) -> Self {
        check_artifact();
        let manifest = root().join("spin.toml");
        let host = std::env::var("JAAS_TEST_HOST");
        let host = host
            .as_deref()
            .ok()
            .filter(|_| settings.component.is_none());
        match host {
            None | Some("" | "embedded") => Self::embedded(settings, Faults::default()),
            Some("spin") if other_component().is_some() => {
                panic!(
                    "JAAS_TEST_COMPONENT is for the embedded host, which JAAS_TEST_HOST does not choose"
                )
            }
            Some("spin") => Self::Spin(spin::Server::start(
                &manifest,
                settings.runtime_config.as_deref(),
                &settings.environment(),
            )),
            Some(other) => panic!("JAAS_TEST_HOST is {other:?}, neither `embedded` nor `spin`"),
        }
    }

    fn address(&self) -> SocketAddr {
        match self {
            Self::Embedded { address, .. } => *address,
            Self::Spin(server) => server.address(),
        }
    }

    /// What the component wrote to its standard error so far.
    fn log(&self) -> String {
        match self {
            Self::Embedded { server, .. } => locked(server).log(),
            Self::Spin(server) => server.log(),
        }
    }
}

/// The component that takes the place of the manifest's.
fn other_component() -> Option<PathBuf> {
    std::env::var_os("JAAS_TEST_COMPONENT")
        .filter(|path| !path.is_empty())
        .map(PathBuf::from)
}

/// The file of the component that is served.
pub fn component() -> PathBuf {
    root().join(other_component().unwrap_or_else(|| ARTIFACT.into()))
}

/// Tests of yesterday's component would say nothing about today's source.
fn check_artifact() {
    static VERDICT: LazyLock<Result<(), String>> = LazyLock::new(|| {
        let artifact = component();
        let shown = artifact.strip_prefix(root()).unwrap_or(&artifact).display();
        let Some(built) = modified(&artifact) else {
            return Err(format!(
                "There is no component at {shown}: run `cargo dev build` first."
            ));
        };
        // Only what cargo itself dates: a touched Cargo.toml or Cargo.lock does not make it link again.
        let mut directories = vec![root().join("src")];
        while let Some(directory) = directories.pop() {
            for entry in std::fs::read_dir(directory).expect("a directory of source") {
                let path = entry.expect("an entry").path();
                if path.is_dir() {
                    directories.push(path);
                } else if path.extension().is_some_and(|extension| extension == "rs")
                    && modified(&path).is_some_and(|changed| changed > built)
                {
                    let source = path.strip_prefix(root()).expect("below the root");
                    return Err(format!(
                        "The component at {shown} is older than {}: run `cargo dev build` again.",
                        source.display()
                    ));
                }
            }
        }
        Ok(())
    });
    if let Err(message) = &*VERDICT {
        panic!("{message}");
    }
}

fn modified(path: &Path) -> Option<SystemTime> {
    path.metadata().and_then(|found| found.modified()).ok()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Configuration {
    Good,
    Broken,
}

pub struct Server {
    host: Host,
    settings: Settings,
    configuration: Configuration,
    secret: Secret,
    /// How much of the log has been looked through, in bytes.
    checked: Mutex<usize>,
    _place: Option<Place>,
}

impl Server {
    /// The server with nothing but defaults, shared by all tests: look for nothing in its log.
    pub fn good() -> &'static Self {
        // Not a LazyLock: where it does not start, each test says why.
        static SHARED: OnceLock<Server> = OnceLock::new();
        SHARED.get_or_init(|| Server::new(Settings::good(), Configuration::Good, None))
    }

    /// A server of the caller's own. A test holds one at a time.
    pub fn start(settings: Settings) -> Self {
        Self::new(settings, Configuration::Good, Some(Place::take()))
    }

    /// A server whose configuration is wrong: it may respond 500 and 503.
    pub fn start_broken(settings: Settings) -> Self {
        Self::new(settings, Configuration::Broken, Some(Place::take()))
    }

    /// A server with which something goes wrong: always the embedded host, which alone can be made to.
    pub fn start_faulty(settings: Settings, faults: Faults) -> Self {
        let place = Some(Place::take());
        let host = Host::embedded(&settings, faults);
        Self::of(host, settings, Configuration::Broken, place)
    }

    fn new(settings: Settings, configuration: Configuration, place: Option<Place>) -> Self {
        let host = Host::start(&settings);
        Self::of(host, settings, configuration, place)
    }

    fn of(
        host: Host,
        settings: Settings,
        configuration: Configuration,
        place: Option<Place>,
    ) -> Self {
        Self {
            host,
            secret: Secret::new(settings.variables.get("jaas_private_key").map_or("", |v| v)),
            settings,
            configuration,
            checked: Mutex::new(0),
            _place: place,
        }
    }

    pub fn key(&self) -> &'static Key {
        self.settings.key
    }

    pub fn address(&self) -> SocketAddr {
        self.host.address()
    }

    /// How many requests the component has sent to other servers; the embedded host alone counts them.
    pub fn outbound_requests(&self) -> usize {
        match &self.host {
            Host::Embedded { server, .. } => locked(server).outbound_requests(),
            Host::Spin(_) => 0,
        }
    }

    /// How many instances of the component there have been; `None`: Spin does not tell.
    pub fn instances(&self) -> Option<usize> {
        match &self.host {
            Host::Embedded { server, .. } => Some(locked(server).instances()),
            Host::Spin(_) => None,
        }
    }

    pub fn connect(&self) -> Connection {
        Connection::open(self.address()).expect("the server listens")
    }

    pub fn send(&self, request: &Request) -> Response {
        self.try_send(request)
            .unwrap_or_else(|error| panic!("no response ({error}) to {}", summary(request)))
    }

    pub fn try_send(&self, request: &Request) -> io::Result<Response> {
        let response = self.connect().send_last(request)?;
        self.check(request, &response);
        Ok(response)
    }

    /// For responses that the host may give before the component sees the request.
    pub fn send_unchecked(&self, request: &Request) -> io::Result<Response> {
        self.connect().send_last(request)
    }

    /// The rules of every response.
    pub fn check(&self, request: &Request, response: &Response) {
        let context = || format!("{}\n{response}", summary(request));
        if request.has_text_headers() {
            self.check_status(response.status, &context);
            self.check_body(request, response, &context);
            check_headers(response, &context);
            if let Some(piece) = self.secret.find(response.to_string().as_bytes()) {
                panic!("{piece:?} of the private key is in {}", context());
            }
        } else {
            let is_hosts = response.status == 500 && response.body.is_empty();
            assert!(is_hosts, "not the host's own response: {}", context());
        }
        self.check_log(&self.host.log());
    }

    fn check_status(&self, status: u16, context: Context) {
        let may_fail = self.configuration == Configuration::Broken;
        let is_expected = status < 500 || may_fail && [500, 503].contains(&status);
        assert!(is_expected, "an unexpected 5xx: {}", context());
    }

    fn check_body(&self, request: &Request, response: &Response, context: Context) {
        if request.method == "HEAD" || response.status == 204 {
            assert!(response.body.is_empty(), "a body: {}", context());
            return;
        }
        let body = response.json();
        let kind = response.header("Content-Type");
        assert_eq!(kind, Some("application/json"), "{}", context());
        if response.status >= 400 {
            let has_message = body["error"].as_str().is_some_and(|text| !text.is_empty());
            assert!(has_message, "no error message: {}", context());
        }
        if let Some(token) = body.get("token") {
            assert_eq!(response.status, 200, "a token: {}", context());
            self.check_token(token.as_str().expect("a string"), context);
        }
    }

    fn check_token(&self, token: &str, context: Context) {
        // The operator may open features to members; nothing else does.
        let members_have_features = self
            .settings
            .variables
            .get("member_features")
            .is_some_and(|list| !list.is_empty());
        let violations: Vec<String> = rules::violations(token, now())
            .iter()
            .filter(|found| !members_have_features || found.rule != rules::FEATURES_BY_ROLE)
            .map(ToString::to_string)
            .collect();
        assert!(violations.is_empty(), "{violations:?}: {}", context());
        assert!(
            signature::is_valid(token, self.settings.key),
            "the signature is not this key's: {}",
            context()
        );
    }

    /// All that the component has written so far.
    pub fn log(&self) -> String {
        self.host.log()
    }

    /// Stops the host as the end of its process does: nothing is waited for.
    pub fn stop(self) {
        drop(self);
    }

    /// Every line is an object of JSON with a level, and tells nothing of the private key.
    fn check_log(&self, log: &str) {
        let end = log.rfind('\n').map_or(0, |end| end + 1);
        let start = {
            // Before they are checked: a line that is wrong fails one test.
            let mut checked = locked(&self.checked);
            let start = *checked;
            *checked = end.max(start);
            start
        };
        for line in log.get(start..end).unwrap_or("").lines() {
            if let Some(piece) = self.secret.find(line.as_bytes()) {
                panic!("{piece:?} of the private key is in the log: {line}");
            }
            let level = serde_json::from_str::<Value>(line)
                .ok()
                .and_then(|line| line["level"].as_str().map(str::to_owned));
            assert!(
                matches!(level.as_deref(), Some("info" | "warn" | "error")),
                "a log line: {line}"
            );
        }
    }

    /// The lines that `requests` brought into the log. Only for a server of the caller's own.
    pub fn log_of(&self, requests: impl FnOnce(&Self)) -> Vec<Value> {
        assert!(self._place.is_some(), "others write to this log, too");
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let before = self.host.log().len();
        requests(self);

        // A host may write lines later than responses. A rejected request of its own marks the end.
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let marker = format!("https://marker-{number}.invalid");
        self.send(&Request::new("GET", "/marker").origin(&marker));
        let deadline = Instant::now() + Duration::from_secs(5);
        loop {
            let log = self.host.log();
            let new = &log[before..];
            if let Some(end) = new.find(&marker)
                && new[end..].contains('\n')
            {
                let end = new[..end].rfind('\n').map_or(0, |end| end + 1);
                return new[..end]
                    .lines()
                    .map(|line| serde_json::from_str(line).expect("a line of JSON"))
                    .collect();
            }
            assert!(
                Instant::now() < deadline,
                "a rejected request left no line with its origin: {new}"
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// The request and the response, for a message.
type Context<'a> = &'a dyn Fn() -> String;

fn check_headers(response: &Response, context: Context) {
    let varies = response
        .header_values("Vary")
        .flat_map(|value| value.split(','))
        .any(|name| name.trim().eq_ignore_ascii_case("Origin"));
    assert!(varies, "no Vary: Origin: {}", context());
    for (name, value) in [
        ("Cache-Control", Some("no-store")),
        ("X-Content-Type-Options", Some("nosniff")),
        ("Referrer-Policy", Some("no-referrer")),
        ("Access-Control-Allow-Credentials", None),
        ("Access-Control-Allow-Private-Network", None),
    ] {
        assert_eq!(response.header(name), value, "{name}: {}", context());
    }
    let allowed = response.header("Access-Control-Allow-Origin");
    assert!(!matches!(allowed, Some("null" | "*")), "{}", context());
}

fn summary(request: &Request) -> String {
    let mut target = String::from_utf8_lossy(&request.target).into_owned();
    if target.len() > 300 {
        target = format!("{}…", target.chars().take(300).collect::<String>());
    }
    format!("{} {target} {:?}", request.method, request.headers)
}

/// The private key's value, to be looked for where it must not be.
pub struct Secret(HashSet<[u8; Self::SIZE]>);

impl Secret {
    /// So many characters of base64 in a row are no accident.
    const SIZE: usize = 16;

    pub fn new(value: &str) -> Self {
        // Inside a PEM the base64 is broken into lines; a file in base64 is one run already.
        let joined: String = value
            .replace("\\r", "")
            .replace("\\n", "")
            .split_whitespace()
            .collect();
        let pieces = value
            .split(|c: char| !is_base64(c))
            .chain(joined.split(|c: char| !is_base64(c)))
            .flat_map(|run| run.as_bytes().windows(Self::SIZE))
            .map(|window| window.try_into().expect("a window of this size"));
        Self(pieces.collect())
    }

    pub fn find<'a>(&self, text: &'a [u8]) -> Option<std::borrow::Cow<'a, str>> {
        text.windows(Self::SIZE)
            .find(|window| self.0.contains(*window))
            .map(String::from_utf8_lossy)
    }
}

fn is_base64(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=')
}

/// Spin takes a process and a second each: not too many at once.
struct Place;

impl Place {
    const ALL: u32 = 4;

    fn counter() -> &'static (Mutex<u32>, std::sync::Condvar) {
        static COUNTER: (Mutex<u32>, std::sync::Condvar) =
            (Mutex::new(0), std::sync::Condvar::new());
        &COUNTER
    }

    fn take() -> Self {
        let (taken, freed) = Self::counter();
        *freed
            .wait_while(locked(taken), |taken| *taken >= Self::ALL)
            .unwrap_or_else(PoisonError::into_inner) += 1;
        Self
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let (taken, freed) = Self::counter();
        *locked(taken) -= 1;
        freed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::get;

    #[test]
    fn a_test_that_fails_fails_no_other() {
        // A server of its own: its log is checked further than it is written.
        let server = Server::start(Settings::good());
        let good = server.send(&get(&[]));
        std::thread::scope(|scope| {
            let wrong_line = || {
                let log = server.log();
                server.check_log(&format!("{log}no JSON\n"));
            };
            scope.spawn(wrong_line).join().expect_err("it is wrong");
            let holder = || {
                let _checked = locked(&server.checked);
                let _taken = locked(&Place::counter().0);
                panic!("on purpose: the next test must not see it");
            };
            scope.spawn(holder).join().expect_err("a panic");
        });
        server.check(&get(&[]), &good);
        assert_eq!(Server::start(Settings::good()).send(&get(&[])).status, 200);
    }
}
