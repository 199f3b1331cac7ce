//! Serves a Spin HTTP component under Wasmtime, for development and tests on machines without the `spin` program.
//!
//! It takes the same `.wasm`, `spin.toml`, `runtime-config.toml` and `SPIN_VARIABLE_…` as Spin does, and gives the
//! component what a Spin application without further rights gets: `wasi:http`, `fermyon:spin/variables`, clocks, random
//! numbers and its standard output. Production is Spin.
//!
//! # The same as Spin 4.1
//!
//! - HTTP/1.1 by hyper with its defaults: keep-alive, limits of the head, names of headers in lower case, chunks where
//!   the component sets no `content-length`, no body after `HEAD`. Nagle's algorithm stays on. Nothing limits how long a
//!   client takes, or how large a body is.
//! - With WASI 0.2 a new instance for each request, in a task of its own: it goes on when the client has gone. A body that
//!   it writes after it has set the response follows the head in a segment of its own (with Spin nearly always, here
//!   always).
//! - With WASI 0.3 an instance handles up to 128 requests, up to 16 at once, and ends when it is idle for a second.
//! - A header that is not UTF-8: 500 with an empty body, and no instance. So when the component traps, or sets no
//!   response. When it traps after that, the body ends where it is.
//! - No `Host`, one that is no authority, or one that differs from the target's: the connection ends.
//! - Hop-by-hop headers do not reach the component. Spin's own do (`spin-client-addr`, `spin-full-url` and five more),
//!   beside what a client sends under their names.
//! - `/.well-known/spin/health`, and 404 for the rest of that prefix.
//! - Instances share one log, to which each write goes as it comes.
//!
//! # Not the same
//!
//! - An instance has 128 MiB and 30 s, as at Akamai; Spin gives 4 GiB and sets no limit of time. Here 1,000 run at once
//!   and others wait; there more than its pool holds are 500. Here a guest that computes lets others run every 10 ms;
//!   there it keeps its thread.
//! - Standard output and standard error are one log. Spin writes a file for each, and both to its standard error.
//! - No TLS, no HTTP/2, no `/.well-known/spin/info`, no files, one component, one route (`/...`).
//! - At the end, requests that are under way have 5 s. Spin ends at once.
//!
//! ```no_run
//! use devkit_host::{Log, Options, start};
//!
//! # fn main() -> anyhow::Result<()> {
//! let server = start(Options {
//!     manifest: "spin.toml".into(),
//!     component: None,
//!     runtime_config: None,
//!     environment: [("SPIN_VARIABLE_PLACE".into(), "here".into())].into(),
//!     listen: ([127, 0, 0, 1], 0).into(),
//!     log: Log::Memory,
//!     store: Default::default(),
//! })?;
//! println!("Serving http://{}", server.address());
//! server.stop();
//! # Ok(())
//! # }
//! ```

mod command;
mod compile;
mod engine;
mod faults;
mod guest;
mod handles;
mod handover;
mod imports;
mod key_value;
mod log;
mod outbound;
mod reuse;
mod serve;
mod single;
mod store;
mod variables;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use anyhow::Result;
use devkit_spin_app::manifest::Manifest;
use devkit_spin_app::outbound::AllowedHosts;
use devkit_spin_app::providers::Providers;
use tokio::sync::oneshot;

use crate::engine::Shared;
use crate::guest::Application;
use crate::log::{Sink, complain};
use crate::outbound::Outbound;
use crate::store::Access;
use crate::variables::Variables;

pub use crate::command::command;
pub use crate::faults::{Faults, Provider, StoreFault};
pub use crate::store::KeyValueStore;

/// What to serve, and where.
#[derive(Clone)]
pub struct Options {
    /// The path of `spin.toml`.
    pub manifest: PathBuf,
    /// A component to serve in the place of the manifest's. It may use WebAssembly's wide arithmetic; the manifest's
    /// may not, as with Spin. One that does not import Spin's variables gets `environment` as WASI's environment.
    pub component: Option<PathBuf>,
    /// The path of `runtime-config.toml`.
    pub runtime_config: Option<PathBuf>,
    /// The environment, of which only the entries `SPIN_VARIABLE_…` matter.
    pub environment: BTreeMap<String, String>,
    /// The address to listen on; port 0 is any free port.
    pub listen: SocketAddr,
    /// Where the component's output goes.
    pub log: Log,
    /// The key-value store `default`: an empty one, or what an earlier server has left.
    pub store: KeyValueStore,
}

/// Where the lines go that the component writes to its standard output and standard error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Log {
    /// To this process's standard error.
    Stderr,
    /// To memory, for [`Server::log`].
    Memory,
}

/// A running server. It stops when it is dropped.
#[must_use = "the server stops when it is dropped"]
pub struct Server {
    address: SocketAddr,
    log: Sink,
    store: KeyValueStore,
    outbound: Outbound,
    instances: Arc<AtomicUsize>,
    /// Dropped to stop the server.
    stop: oneshot::Sender<()>,
    /// Closed when the server has ended.
    ended: mpsc::Receiver<()>,
}

impl Server {
    /// The address that it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// All that the component has written so far; empty unless the server was started with [`Log::Memory`].
    pub fn log(&self) -> String {
        self.log.text()
    }

    /// The component's key-value store.
    pub fn store(&self) -> &KeyValueStore {
        &self.store
    }

    /// How many requests the component has sent to other servers so far, or meant to.
    pub fn outbound_requests(&self) -> usize {
        self.outbound.requests.load(Ordering::Relaxed)
    }

    /// How many instances of the component there have been so far.
    pub fn instances(&self) -> usize {
        self.instances.load(Ordering::Relaxed)
    }

    /// Stops accepting connections, and waits up to five seconds for the requests that are under way.
    ///
    /// Dropping the server does the same without waiting.
    pub fn stop(self) {
        drop(self.stop);
        let _ = self
            .ended
            .recv_timeout(serve::GRACE + Duration::from_secs(1));
    }
}

/// Starts a server, and returns as soon as it listens.
///
/// All servers of a process share their threads and the compiled component.
///
/// # Errors
///
/// When a file cannot be read or asks for what this host has not, when the component is not built, when a required
/// variable has no value, or when the address is taken. The message never holds a variable's value.
pub fn start(options: Options) -> Result<Server> {
    start_with_faults(options, Faults::default())
}

/// As [`start`], for tests of what happens when something goes wrong with the host.
///
/// # Errors
///
/// As [`start`].
pub fn start_with_faults(options: Options, faults: Faults) -> Result<Server> {
    let manifest = Manifest::read(&options.manifest)?;
    let providers = match &options.runtime_config {
        Some(path) => Providers::read(path)?.only_static()?,
        None => Providers::default(),
    };
    let variables = Variables::resolve(&manifest, &providers, &options.environment)?;
    let allowed = AllowedHosts::resolve(&manifest, &providers, &options.environment)?;
    let outbound = Outbound::new(allowed);
    let stores = Access {
        store: options.store.clone(),
        granted: manifest.key_value_stores.into(),
        fault: faults.store,
    };
    let shared = Shared::get(options.component.is_some())?;
    let _within = shared.runtime.enter();
    // Before the component is compiled: what is wrong should show at once.
    let listener = serve::listen(options.listen)?;
    let address = listener.local_addr()?;
    let source = options.component.as_ref().unwrap_or(&manifest.source);
    let component = shared.component(source, || {
        if options.log == Log::Stderr {
            complain("Compiling the component for this machine (a few seconds, once per build) …");
        }
    })?;

    let environment = if component.asks_for_variables() {
        Vec::new()
    } else {
        options.environment.into_iter().collect()
    };
    let log = Sink::new(options.log);
    let instances = Arc::new(AtomicUsize::new(0));
    let application = Application {
        instances: shared.instances.clone(),
        variables: Arc::new(variables),
        stores,
        outbound: outbound.clone(),
        faults,
        environment,
        log: log.clone(),
        started: instances.clone(),
    };
    let (stop, stopped) = oneshot::channel();
    let (ending, ended) = mpsc::channel();
    shared.runtime.spawn(async move {
        serve::serve(listener, application, component, stopped).await;
        drop(ending);
    });
    Ok(Server {
        address,
        log,
        store: options.store,
        outbound,
        instances,
        stop,
        ended,
    })
}
