//! Starts the driver and the browser, both of which end with this process.

use std::env;
use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::sync::{Mutex, PoisonError};
use std::thread;

use serde_json::json;

use crate::webdriver::Session;
use crate::{LIMIT, target};

/// Runs the driver (`$1`) until the shell's input ends, which happens when the test process ends for any reason; then ends
/// the driver and deletes the profile (`$2`). The browser exits with the driver, but it keeps the profile locked until
/// then, and its last processes may write to the profile once more.
const GUARD: &str = r#"
    trap : TERM INT
    "$1" --port=0 </dev/null &
    driver=$!
    read -r _
    kill "$driver"
    wait "$driver"
    for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
        [ -L "$2/SingletonLock" ] || break
        sleep 0.2
    done
    rm -rf "$2"
    sleep 1
    rm -rf "$2"
"#;

/// The driver's output before its port number.
const STARTED: &str = "started successfully on port ";

/// Starts the driver on a free port, and through it a browser with an empty profile.
pub(crate) fn start() -> Session {
    let profile = target().join(format!("browser/profile-{}", std::process::id()));
    // Left over from an earlier process with the same id.
    let _ = fs::remove_dir_all(&profile);
    fs::create_dir_all(&profile).expect("a folder for the profile");
    let profile = profile.canonicalize().expect("it is there");
    let mut guard = Command::new("sh")
        .args(["-c", GUARD, "sh", "chromedriver"])
        .arg(&profile)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("`sh` starts");
    let port = port(&mut guard);
    // Keeps the guards' inputs open for as long as this process lives.
    static GUARDS: Mutex<Vec<Child>> = Mutex::new(Vec::new());
    GUARDS
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(guard);

    let chromium = env::var("JAAS_TEST_CHROMIUM").unwrap_or_else(|_| "chromium".to_owned());
    let binary = env::split_paths(&env::var_os("PATH").unwrap_or_default())
        .map(|folder| folder.join(&chromium))
        .find(|path| path.is_file())
        .unwrap_or_else(|| panic!("`{chromium}` is not on PATH: install Debian's packages chromium and chromium-driver, or name another Chromium by JAAS_TEST_CHROMIUM"));
    let milliseconds = LIMIT.as_millis();
    let capabilities = json!({
        "timeouts": { "script": milliseconds, "pageLoad": milliseconds, "implicit": 0 },
        "goog:chromeOptions": {
            "binary": binary,
            "args": [
                format!("--user-data-dir={}", profile.display()),
                "--remote-debugging-pipe",
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-quic",
                "--disable-dev-shm-usage",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                "--lang=en-US",
                // The browser resolves no names and connects to no other machine.
                "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
                "--no-proxy-server",
            ],
        },
    });
    Session::start(&format!("http://127.0.0.1:{port}"), &capabilities)
}

/// Waits until the driver prints its port.
fn port(guard: &mut Child) -> u16 {
    let output = guard.stdout.take().expect("it is a pipe");
    let (said, heard) = mpsc::channel();
    // Keeps reading after the port, so that the driver never blocks on a full pipe.
    thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            let port = line
                .split_once(STARTED)
                .and_then(|(_, port)| port.trim_end_matches('.').parse().ok());
            if let Some(port) = port {
                let _ = said.send(port);
            }
        }
    });
    heard
        .recv_timeout(LIMIT)
        .expect("`chromedriver` starts: install Debian's package chromium-driver")
}
