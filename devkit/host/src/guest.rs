//! An instance of the component: its rights and its initial state.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::Semaphore;
use wasmtime::component::ResourceTable;
use wasmtime::{Engine, Store, StoreLimits, StoreLimitsBuilder};
use wasmtime_wasi::p2::pipe::MemoryOutputPipe;
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

use crate::faults::Faults;
use crate::outbound::Outbound;
use crate::store::KeyValueStore;

/// The time limit for a request, as on Akamai Functions. Spin itself has none.
pub(crate) const TIME_LIMIT: Duration = Duration::from_secs(30);

/// The memory limit of an instance in bytes, as on Akamai Functions.
pub(crate) const MEMORY: usize = 128 * 1024 * 1024;

/// The maximum number of instances at once in a process; further requests wait.
pub(crate) const INSTANCES: u32 = 1000;

/// One permit for each instance. The semaphore is never closed.
pub(crate) static PERMITS: Semaphore = Semaphore::const_new(INSTANCES as usize);

/// What all instances of a server share.
#[derive(Default)]
pub(crate) struct Application {
    pub(crate) variables: BTreeMap<String, String>,
    /// WASI's environment. Empty under Spin.
    pub(crate) environment: Vec<(String, String)>,
    pub(crate) store: KeyValueStore,
    /// The stores that the component may open.
    pub(crate) key_value_stores: Vec<String>,
    pub(crate) outbound: Outbound,
    pub(crate) faults: Faults,
    /// What instances have written, or `None` if it goes to standard error.
    pub(crate) log: Option<MemoryOutputPipe>,
    /// The number of instances so far.
    pub(crate) started: AtomicUsize,
}

/// The host's state of an instance.
pub(crate) struct Guest {
    wasi: WasiCtx,
    http: WasiHttpCtx,
    outbound: Outbound,
    limits: StoreLimits,
    pub(crate) table: ResourceTable,
    pub(crate) application: Arc<Application>,
}

impl Guest {
    pub(crate) fn new(application: &Arc<Application>) -> Self {
        // No files, arguments or sockets; the host sends the requests to other servers.
        let mut wasi = WasiCtx::builder();
        wasi.envs(&application.environment)
            .allow_tcp(false)
            .allow_udp(false)
            .allow_ip_name_lookup(false);
        match &application.log {
            None => wasi.stdout(io::stderr()).stderr(io::stderr()),
            Some(kept) => wasi.stdout(kept.clone()).stderr(kept.clone()),
        };
        application.faults.add_to(&mut wasi);
        Self {
            wasi: wasi.build(),
            http: WasiHttpCtx::new(),
            outbound: application.outbound.clone(),
            limits: StoreLimitsBuilder::new().memory_size(MEMORY).build(),
            table: ResourceTable::new(),
            application: application.clone(),
        }
    }

    /// Creates the Wasmtime store of a new instance.
    pub(crate) fn in_store(application: &Arc<Application>, engine: &Engine) -> Store<Self> {
        application.started.fetch_add(1, Ordering::Relaxed);
        let mut store = Store::new(engine, Self::new(application));
        store.limiter(|guest| &mut guest.limits);
        // The guest yields at each tick, so that it shares its thread and can be dropped while it computes.
        store.set_epoch_deadline(1);
        store.epoch_deadline_async_yield_and_update(1);
        store
    }
}

impl WasiView for Guest {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}

impl WasiHttpView for Guest {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView {
            hooks: &mut self.outbound,
            table: &mut self.table,
            ctx: &mut self.http,
        }
    }
}
