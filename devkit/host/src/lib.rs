//! Serves a Spin HTTP component under Wasmtime, for development and tests on machines without the `spin` program.
//!
//! Like Spin, it takes a `.wasm`, `spin.toml`, `runtime-config.toml` and `SPIN_VARIABLE_…`, and provides what a Spin
//! application without further rights gets: `wasi:http`, `fermyon:spin/variables`, clocks, random numbers and standard
//! output. Use Spin in production.
//!
//! The table "The embedded host and Spin" in docs/architecture.md compares it with Spin 4.1. It serves one component at one
//! route (`/...`), without files.
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
//!     faults: Default::default(),
//! })?;
//! println!("Serving http://{}", server.address());
//! # Ok(())
//! # }
//! ```

mod command;
mod compile;
mod engine;
mod faults;
mod guest;
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
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, Error, Result};
use devkit_spin_app::manifest::Manifest;
use devkit_spin_app::outbound::AllowedHosts;
use devkit_spin_app::providers::Providers;
use devkit_spin_app::resolve::resolve;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use wasmtime_wasi::p2::pipe::MemoryOutputPipe;

use crate::engine::{Shared, imports_variables};
use crate::guest::Application;
use crate::outbound::Outbound;
use crate::serve::Handler;

pub use crate::command::command;
pub use crate::faults::{Faults, Provider, StoreFault};
pub use crate::log::Log;
pub use crate::store::KeyValueStore;

/// What to serve, and where.
pub struct Options {
    /// The path of `spin.toml`.
    pub manifest: PathBuf,
    /// A component to serve instead of the manifest's. It may use WebAssembly's wide arithmetic; the manifest's component
    /// may not, as in Spin. If it does not import Spin's variables, it gets `environment` as WASI's environment.
    pub component: Option<PathBuf>,
    /// The path of `runtime-config.toml`.
    pub runtime_config: Option<PathBuf>,
    /// The environment. Only the entries `SPIN_VARIABLE_…` are used.
    pub environment: BTreeMap<String, String>,
    /// The address to listen on; port 0 selects a free port.
    pub listen: SocketAddr,
    /// Where the component's output goes.
    pub log: Log,
    /// The key-value store `default`: an empty one, or one that an earlier server has used.
    pub store: KeyValueStore,
    /// The host's faults, for tests.
    pub faults: Faults,
}

/// A running server. Dropping it stops the server without waiting for the current requests.
#[must_use = "the server stops when it is dropped"]
pub struct Server {
    address: SocketAddr,
    application: Arc<Application>,
    /// Dropped to stop the server.
    stop: oneshot::Sender<()>,
    serving: JoinHandle<()>,
}

impl Server {
    /// Returns the address that the server listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns everything that the component has written so far. Empty unless the server was started with [`Log::Memory`].
    pub fn log(&self) -> String {
        let written = self
            .application
            .log
            .as_ref()
            .map(MemoryOutputPipe::contents);
        String::from_utf8_lossy(&written.unwrap_or_default()).into_owned()
    }

    /// Returns the number of requests to other servers that the component has tried to send so far.
    pub fn outbound_requests(&self) -> usize {
        self.application.outbound.requests.load(Ordering::Relaxed)
    }

    /// Returns the number of instances of the component so far.
    pub fn instances(&self) -> usize {
        self.application.started.load(Ordering::Relaxed)
    }

    /// Stops accepting connections, and waits up to five seconds for the current requests.
    pub async fn stop(self) {
        drop(self.stop);
        let _ = self.serving.await;
    }
}

/// Starts a server, and returns once it listens. Must not be called from asynchronous code.
///
/// All servers of a process share their threads and the compiled component.
///
/// # Errors
///
/// Fails if a file cannot be read or requires something that this host lacks, if the component has not been built, if a
/// required variable has no value, or if the address is in use. The message never contains a variable's value.
pub fn start(options: Options) -> Result<Server> {
    let manifest = Manifest::read(&options.manifest)?;
    let providers = match &options.runtime_config {
        Some(path) => Providers::read(path)?.only_static()?,
        None => Providers::default(),
    };
    let variables = resolve(&manifest, &providers, &options.environment)?;
    let allowed = AllowedHosts::resolve(&manifest, &providers, &options.environment)?;
    let shared = Shared::get(options.component.is_some())?;
    // Before compiling the component, so that an error shows at once.
    let listener = shared.runtime.block_on(serve::listen(options.listen))?;
    let address = listener.local_addr()?;
    let component = shared.component(options.component.as_ref().unwrap_or(&manifest.source))?;
    let environment = if imports_variables(&component) {
        Vec::new()
    } else {
        options.environment.into_iter().collect()
    };
    let application = Arc::new(Application {
        variables,
        environment,
        store: options.store,
        key_value_stores: manifest.key_value_stores,
        outbound: Outbound::new(allowed),
        faults: options.faults,
        log: (options.log == Log::Memory).then(|| MemoryOutputPipe::new(usize::MAX)),
        started: AtomicUsize::new(0),
    });
    let handler = Handler::new(application.clone(), component)
        .map_err(Error::from)
        .context("the component does not fit this host")?;
    let (stop, stopped) = oneshot::channel();
    let serving = shared
        .runtime
        .spawn(serve::serve(listener, handler, stopped));
    Ok(Server {
        address,
        application,
        stop,
        serving,
    })
}
