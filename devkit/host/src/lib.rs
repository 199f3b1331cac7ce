//! Serves a Spin HTTP component under Wasmtime, for development and tests on machines without the `spin` program.
//!
//! It takes the same `.wasm`, `spin.toml`, `runtime-config.toml` and `SPIN_VARIABLE_…` as Spin does, and gives the
//! component what a Spin application without further rights gets: `wasi:http`, `fermyon:spin/variables`, clocks, random
//! numbers and its standard output. Production is Spin.
//!
//! What is the same as with Spin 4.1, and what is not, is the table "The embedded host and Spin" in docs/architecture.md.
//! It serves one component at one route (`/...`), and gives it no files.
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

use crate::engine::{Shared, asks_for_variables};
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
    /// What goes wrong with the host, for tests of what happens then.
    pub faults: Faults,
}

/// A running server. It stops when it is dropped, and does not wait for the requests that are under way.
#[must_use = "the server stops when it is dropped"]
pub struct Server {
    address: SocketAddr,
    application: Arc<Application>,
    /// Dropped to stop the server.
    stop: oneshot::Sender<()>,
    serving: JoinHandle<()>,
}

impl Server {
    /// The address that it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// All that the component has written so far; empty unless the server was started with [`Log::Memory`].
    pub fn log(&self) -> String {
        let written = self
            .application
            .log
            .as_ref()
            .map(MemoryOutputPipe::contents);
        String::from_utf8_lossy(&written.unwrap_or_default()).into_owned()
    }

    /// How many requests the component has sent to other servers so far, or meant to.
    pub fn outbound_requests(&self) -> usize {
        self.application.outbound.requests.load(Ordering::Relaxed)
    }

    /// How many instances of the component there have been so far.
    pub fn instances(&self) -> usize {
        self.application.started.load(Ordering::Relaxed)
    }

    /// Stops accepting connections, and waits up to five seconds for the requests that are under way.
    pub async fn stop(self) {
        drop(self.stop);
        let _ = self.serving.await;
    }
}

/// Starts a server, and returns as soon as it listens. Not to be called from asynchronous code.
///
/// All servers of a process share their threads and the compiled component.
///
/// # Errors
///
/// When a file cannot be read or asks for what this host has not, when the component is not built, when a required
/// variable has no value, or when the address is taken. The message never holds a variable's value.
pub fn start(options: Options) -> Result<Server> {
    let manifest = Manifest::read(&options.manifest)?;
    let providers = match &options.runtime_config {
        Some(path) => Providers::read(path)?.only_static()?,
        None => Providers::default(),
    };
    let variables = resolve(&manifest, &providers, &options.environment)?;
    let allowed = AllowedHosts::resolve(&manifest, &providers, &options.environment)?;
    let shared = Shared::get(options.component.is_some())?;
    // Before the component is compiled: what is wrong should show at once.
    let listener = shared.runtime.block_on(serve::listen(options.listen))?;
    let address = listener.local_addr()?;
    let component = shared.component(options.component.as_ref().unwrap_or(&manifest.source))?;
    let environment = if asks_for_variables(&component) {
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
