//! Runs `spin up` as a child process.

use std::fs::{self, File};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::connection::Connection;
use crate::http::Request;
use crate::key_material::Directory;
use crate::root;
use crate::settings::Settings;

/// How long to wait for the start. The first start compiles the component.
const START: Duration = Duration::from_secs(60);

/// Ends Spin when this process closes the pipe or dies: statics are never dropped, and Spin's trigger process outlives
/// its parent when that is killed. `$1` is the state directory; the other arguments are Spin's. `kill 0` signals the
/// process group, which this script and Spin have to themselves.
const WATCH: &str = r#"
state=$1; shift
(spin "$@" </dev/null; echo "spin ended with status $?" >&2) &
trap '' TERM
cat >/dev/null
kill -TERM 0
wait
rm -rf "$state"
"#;

/// The file in the server's folder that receives the output of `spin up`.
const OUTPUT: &str = "output.txt";

/// What the script above prints when `spin up` ends by itself.
const ENDED: &str = "spin ended with status";

pub struct Server {
    watch: Child,
    address: SocketAddr,
    folder: PathBuf,
}

impl Server {
    pub fn start(settings: &Settings) -> Self {
        // Another process may take the port before Spin binds it.
        for _ in 0..3 {
            let server = Self::spawn(settings);
            match server.wait_until_ready() {
                Ok(()) => return server,
                Err(output) if output.contains("already in use") => {}
                Err(output) => panic!("`spin up` does not start:\n{output}"),
            }
        }
        panic!("`spin up` found no free port");
    }

    fn spawn(settings: &Settings) -> Self {
        let address = TcpListener::bind("127.0.0.1:0")
            .and_then(|listener| listener.local_addr())
            .expect("a free port");
        let folder = Directory::new("spin").keep();
        let mut command = command(&folder, address);
        if let Some(file) = &settings.runtime_config {
            command.arg("--runtime-config-file").arg(file);
        }
        let output = File::create(folder.join(OUTPUT)).expect("a temporary file");
        let watch = command.envs(&settings.environment).stderr(output).spawn();
        Self {
            watch: watch.expect("sh runs"),
            address,
            folder,
        }
    }

    fn wait_until_ready(&self) -> Result<(), String> {
        let deadline = Instant::now() + START;
        // Spin handles this route itself: it neither calls the component nor adds to its log.
        let health = Request::new("GET", "/.well-known/spin/health");
        loop {
            let output = self.written(OUTPUT);
            if output.contains(ENDED) || Instant::now() > deadline {
                return Err(output);
            }
            let response = Connection::open(self.address).and_then(|c| c.send_last(&health));
            if response.is_ok_and(|response| response.status == 200) {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns everything that the component has written to standard error.
    pub fn log(&self) -> String {
        self.written("state/logs/jaas-jwt_stderr.txt")
    }

    fn written(&self, file: &str) -> String {
        let bytes = fs::read(self.folder.join(file)).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

/// Returns a `spin up` command without the developer's own Spin settings: it gets no environment variable that sets a
/// flag, and runs in a folder without a `.env` file.
fn command(folder: &Path, address: SocketAddr) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", WATCH, "sh"]).arg(folder);
    command.args(["up", "--from"]).arg(root().join("spin.toml"));
    command.arg("--listen").arg(address.to_string());
    command.arg("--temp").arg(folder.join("work"));
    // Spin writes its logs to a folder inside the state directory.
    command.arg("--state-dir").arg(folder.join("state"));
    for (name, _) in std::env::vars_os() {
        let is_spins = |name: &str| name.starts_with("SPIN_") || name == "RUNTIME_CONFIG_FILE";
        if name.to_str().is_some_and(is_spins) {
            command.env_remove(name);
        }
    }
    command
        .current_dir(folder)
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(Stdio::null());
    command
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.watch.stdin.take());
        let _ = self.watch.wait();
    }
}
