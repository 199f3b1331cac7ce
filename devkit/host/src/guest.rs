//! An instance of the component: what it may reach, and what it starts from.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::Semaphore;
use wasmtime::component::{InstancePre, ResourceTable};
use wasmtime::{Engine, Store, StoreLimits, StoreLimitsBuilder};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::p2::bindings::ProxyPre;
use wasmtime_wasi_http::p3::bindings::ServicePre;
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

use crate::faults::{Faults, Provider};
use crate::log::Sink;
use crate::outbound::Outbound;
use crate::store::Access;
use crate::variables::{self, Variables};

/// How long a request may take: the limit of Akamai Functions. Spin itself has none.
pub(crate) const TIME_LIMIT: Duration = Duration::from_secs(30);

/// The most memory of an instance, in bytes: the limit of Akamai Functions.
pub(crate) const MEMORY: usize = 128 * 1024 * 1024;

/// What an instance owns on the host's side.
pub(crate) struct Guest {
    wasi: WasiCtx,
    http: WasiHttpCtx,
    outbound: Outbound,
    pub(crate) table: ResourceTable,
    pub(crate) stores: Access,
    limits: StoreLimits,
    variables: Arc<Variables>,
    /// Asked before `variables`.
    provider: Option<Arc<Provider>>,
}

impl Guest {
    fn new(application: &Application) -> Self {
        // Nothing else is given: no file, no argument, no socket; requests to other servers are the host's.
        let mut wasi = WasiCtx::builder();
        wasi.envs(&application.environment)
            .stdout(application.log.clone())
            .stderr(application.log.clone())
            .allow_tcp(false)
            .allow_udp(false)
            .allow_ip_name_lookup(false);
        application.faults.add_to(&mut wasi);
        Self {
            wasi: wasi.build(),
            http: WasiHttpCtx::new(),
            outbound: application.outbound.clone(),
            table: ResourceTable::new(),
            stores: application.stores.clone(),
            limits: StoreLimitsBuilder::new().memory_size(MEMORY).build(),
            variables: application.variables.clone(),
            provider: application.faults.variables.clone(),
        }
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

impl variables::Host for Guest {
    fn get(&mut self, name: String) -> Result<String, variables::Error> {
        match self.provider.as_ref().and_then(|provider| provider(&name)) {
            Some(response) => response.map_err(variables::Error::Provider),
            None => self.variables.get(&name),
        }
    }
}

/// A component, ready for instances.
#[derive(Clone)]
pub(crate) enum Component {
    /// It exports `wasi:http/incoming-handler` of WASI 0.2.
    Wasi2(ProxyPre<Guest>),
    /// It exports `wasi:http/handler` of WASI 0.3.
    Wasi3(ServicePre<Guest>),
}

impl Component {
    pub(crate) fn new(linked: InstancePre<Guest>) -> wasmtime::Result<Self> {
        match ServicePre::new(linked.clone()) {
            Ok(service) => Ok(Self::Wasi3(service)),
            Err(_) => ProxyPre::new(linked).map(Self::Wasi2),
        }
    }

    /// Whether it asks for Spin's variables. One that was composed to run without Spin reads WASI's environment.
    pub(crate) fn asks_for_variables(&self) -> bool {
        let linked = match self {
            Self::Wasi2(proxy) => proxy.instance_pre(),
            Self::Wasi3(service) => service.instance_pre(),
        };
        let component = linked.component();
        component
            .component_type()
            .imports(component.engine())
            .any(|(name, _)| name.starts_with("fermyon:spin/variables@"))
    }
}

/// What every instance of one server starts from.
pub(crate) struct Application {
    /// One permit for each instance of the process.
    pub(crate) instances: Arc<Semaphore>,
    pub(crate) variables: Arc<Variables>,
    /// WASI's environment; Spin gives none.
    pub(crate) environment: Vec<(String, String)>,
    pub(crate) stores: Access,
    pub(crate) outbound: Outbound,
    pub(crate) faults: Faults,
    pub(crate) log: Sink,
    /// How many instances there have been.
    pub(crate) started: Arc<AtomicUsize>,
}

impl Application {
    /// What a new instance owns.
    pub(crate) fn store(&self, engine: &Engine) -> Store<Guest> {
        self.started.fetch_add(1, Ordering::Relaxed);
        let mut store = Store::new(engine, Guest::new(self));
        store.limiter(|guest| &mut guest.limits);
        // The guest yields at each tick, so that it shares its thread and can be dropped while it computes.
        store.set_epoch_deadline(1);
        store.epoch_deadline_async_yield_and_update(1);
        store
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::Log;
    use crate::store::KeyValueStore;

    /// What an instance has whose component may open these stores, without a component.
    pub(crate) fn guest(stores: &[&str]) -> Guest {
        Guest {
            wasi: WasiCtx::builder().stderr(Sink::new(Log::Memory)).build(),
            http: WasiHttpCtx::new(),
            outbound: Outbound::new(Default::default()),
            table: ResourceTable::new(),
            stores: Access {
                store: KeyValueStore::default(),
                granted: stores.iter().map(|it| (*it).to_owned()).collect(),
                fault: None,
            },
            limits: StoreLimits::default(),
            variables: Arc::default(),
            provider: None,
        }
    }
}
