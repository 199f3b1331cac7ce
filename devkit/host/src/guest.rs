//! One instance of the component: what it may reach, and how it handles one request.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Incoming};
use hyper::{Request, Response};
use tokio::sync::{Semaphore, oneshot};
use tokio::time::timeout;
use wasmtime::component::ResourceTable;
use wasmtime::{Store, StoreLimits, StoreLimitsBuilder};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::p2::bindings::ProxyPre;
use wasmtime_wasi_http::p2::bindings::http::types::Scheme;
use wasmtime_wasi_http::p2::types::HostResponseOutparam;
use wasmtime_wasi_http::{Error, WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

use crate::faults::{Faults, Provider};
use crate::handover::{GuestBody, outparam};
use crate::log::{Sink, complain};
use crate::outbound::Outbound;
use crate::store::Access;
use crate::variables::{self, Variables};

/// How long an instance may take: the limit of Akamai Functions. Spin itself has none.
const TIME_LIMIT: Duration = Duration::from_secs(30);

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

/// Whether a component asks for Spin's variables. One that was composed to run without Spin reads WASI's environment.
pub(crate) fn asks_for_variables(component: &ProxyPre<Guest>) -> bool {
    let component = component.instance_pre().component();
    component
        .component_type()
        .imports(component.engine())
        .any(|(name, _)| name.starts_with("fermyon:spin/variables@"))
}

/// What every instance of one server starts from.
pub(crate) struct Application {
    /// One permit for each instance of the process.
    pub(crate) instances: Arc<Semaphore>,
    pub(crate) component: ProxyPre<Guest>,
    pub(crate) variables: Arc<Variables>,
    /// WASI's environment; Spin gives none.
    pub(crate) environment: Vec<(String, String)>,
    pub(crate) stores: Access,
    pub(crate) outbound: Outbound,
    pub(crate) faults: Faults,
    pub(crate) log: Sink,
}

/// Lets a new instance respond to the request. Without a response, the reason is on standard error.
///
/// As with Spin, the instance is a task of its own: it goes on while its response is on the way, and also when this
/// future is dropped because the client has gone.
pub(crate) async fn respond(
    application: Arc<Application>,
    request: Request<Incoming>,
) -> Option<Response<GuestBody>> {
    let (sender, receiver) = oneshot::channel();
    let instance = tokio::spawn(run(application, request, outparam(sender)));
    match receiver.await {
        Ok(Ok(response)) => Some(response),
        Ok(Err(code)) => {
            complain(format_args!("error: the component responded with {code}"));
            None
        }
        Err(_) => {
            if let Ok(Ok(())) = instance.await {
                complain("error: the component set no response");
            }
            None
        }
    }
}

/// The instance failed; details are on standard error.
#[derive(Debug)]
pub(crate) struct Failed;

/// Runs an instance from its start to its end.
pub(crate) async fn run<B>(
    application: Arc<Application>,
    request: Request<B>,
    outparam: HostResponseOutparam,
) -> Result<(), Failed>
where
    B: Body<Data = Bytes, Error: Into<Error>> + Send + 'static,
{
    // Released last, when the store has returned its slots to the pool. Nobody closes the semaphore.
    let _permit = application.instances.acquire().await;
    let guest = Guest::new(&application);
    let component = &application.component;
    let mut store = Store::new(component.engine(), guest);
    store.limiter(|guest| &mut guest.limits);
    // The guest yields at each tick, so that it shares its thread and can be dropped while it computes.
    store.set_epoch_deadline(1);
    store.epoch_deadline_async_yield_and_update(1);

    let handled = async {
        let request = store
            .data_mut()
            .http()
            .new_incoming_request(Scheme::Http, request)?;
        let response = store.data_mut().table.push(outparam)?;
        let instance = component.instantiate_async(&mut store).await?;
        instance
            .wasi_http_incoming_handler()
            .call_handle(&mut store, request, response)
            .await
    };
    match timeout(TIME_LIMIT, handled).await {
        Ok(Ok(())) => return Ok(()),
        Ok(Err(error)) => complain(format_args!("error: the component failed: {error:#}")),
        Err(_) => complain(format_args!(
            "error: the component took longer than {TIME_LIMIT:?}"
        )),
    }
    Err(Failed)
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
