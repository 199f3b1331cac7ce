//! One instance of the component: what it may reach, and how it answers one request.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{self, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::{Request, Response};
use tokio::sync::oneshot;
use tokio::time::timeout;
use wasmtime::component::{HasSelf, Linker, ResourceTable};
use wasmtime::{ResourceLimiter, Store, StoreLimits, StoreLimitsBuilder};
use wasmtime_wasi::runtime::AbortOnDropJoinHandle;
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::p2::bindings::ProxyPre;
use wasmtime_wasi_http::p2::bindings::http::types::{ErrorCode, Scheme};
use wasmtime_wasi_http::p2::body::HyperOutgoingBody;
use wasmtime_wasi_http::{
    Error, RequestOptions, WasiBody, WasiHttpCtx, WasiHttpCtxView, WasiHttpHooks, WasiHttpView,
};

use crate::engine::{MEMORY, Shared};
use crate::faults::{Faults, Provider};
use crate::log::{Sink, complain};
use crate::variables::{self, Variables};

/// How long a request may take, its body included: the limit of Akamai Functions.
const TIME_LIMIT: Duration = Duration::from_secs(30);

/// How long an instance may go on when nobody reads its answer any more.
const FAREWELL: Duration = Duration::from_secs(1);

/// What an instance owns on the host's side.
pub(crate) struct Guest {
    wasi: WasiCtx,
    http: WasiHttpCtx,
    outbound: NoOutbound,
    table: ResourceTable,
    limits: Limits,
    variables: Arc<Variables>,
    /// Asked before `variables`.
    provider: Option<Arc<Provider>>,
}

impl Guest {
    fn new(application: &Application) -> Self {
        // Nothing else is given: no file, no argument, no socket.
        let mut wasi = WasiCtx::builder();
        wasi.envs(&application.environment)
            .stdout(application.log.stream())
            .stderr(application.log.stream())
            .allow_tcp(false)
            .allow_udp(false)
            .allow_ip_name_lookup(false);
        application.faults.add_to(&mut wasi);
        Self {
            wasi: wasi.build(),
            http: WasiHttpCtx::new(),
            outbound: NoOutbound,
            table: ResourceTable::new(),
            limits: Limits {
                limits: StoreLimitsBuilder::new().memory_size(MEMORY).build(),
                peak: application.peak_memory.clone(),
            },
            variables: application.variables.clone(),
            provider: application.faults.variables.clone(),
        }
    }
}

/// Holds an instance to its limits, and notes how much memory it takes.
struct Limits {
    limits: StoreLimits,
    peak: Arc<AtomicUsize>,
}

impl ResourceLimiter for Limits {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let allowed = self.limits.memory_growing(current, desired, maximum)?;
        if allowed {
            self.peak.fetch_max(desired, Ordering::Relaxed);
        }
        Ok(allowed)
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        self.limits.table_growing(current, desired, maximum)
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
            Some(answer) => answer.map_err(variables::Error::Provider),
            None => self.variables.get(&name),
        }
    }
}

/// Refuses every request that a guest sends, as `allowed_outbound_hosts = []` does.
struct NoOutbound;

type Sent = Result<
    (
        Response<WasiBody>,
        Box<dyn Future<Output = Result<(), Error>> + Send>,
    ),
    Error,
>;

impl WasiHttpHooks for NoOutbound {
    fn send_request(
        &mut self,
        _: Request<WasiBody>,
        _: Option<RequestOptions>,
        _: Box<dyn Future<Output = Result<(), Error>> + Send>,
    ) -> Box<dyn Future<Output = Sent> + Send> {
        Box::new(async { Err(Error::HttpRequestDenied) })
    }
}

/// Gives a component its imports.
pub(crate) fn link(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    // All of WASI, not `wasi:http/proxy` alone: Rust's standard library imports wasi:cli/environment and others.
    wasmtime_wasi::p2::add_to_linker_async(linker)?;
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(linker)?;
    variables::add_to_linker::<_, HasSelf<_>>(linker, |guest| guest)
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
    pub(crate) shared: &'static Shared,
    pub(crate) component: ProxyPre<Guest>,
    pub(crate) variables: Arc<Variables>,
    /// WASI's environment; Spin gives none.
    pub(crate) environment: Vec<(String, String)>,
    pub(crate) faults: Faults,
    pub(crate) log: Sink,
    /// The most memory that one instance has had, in bytes.
    pub(crate) peak_memory: Arc<AtomicUsize>,
}

/// What an instance answers.
pub(crate) type Answer = Result<Response<HyperOutgoingBody>, ErrorCode>;

/// Why there is no response, for the peer; details are on standard error.
pub(crate) type Failure = &'static str;

/// Lets a new instance answer the request.
///
/// The future can be dropped at any time, and the instance ends with it.
pub(crate) async fn answer(
    application: Arc<Application>,
    request: Request<Incoming>,
) -> Result<Response<GuestBody>, Failure> {
    let (sender, receiver) = oneshot::channel();
    let failed = Arc::new(AtomicBool::new(false));
    // A task of its own, because an instance goes on while its response is on the way.
    let instance = run(application, request, sender, failed.clone());
    let instance = AbortOnDropJoinHandle::from(tokio::spawn(instance));
    match receiver.await {
        Ok(Ok(response)) => Ok(response.map(|body| GuestBody {
            body: Some((body, instance)),
            failed,
        })),
        Ok(Err(code)) => {
            complain(format_args!("error: the component answered with {code}"));
            Err("the component answered with an error")
        }
        Err(_) => Err(instance
            .await
            .err()
            .unwrap_or("the component set no response")),
    }
}

/// Runs an instance from its start to its end.
pub(crate) async fn run<B>(
    application: Arc<Application>,
    request: Request<B>,
    sender: oneshot::Sender<Answer>,
    failed: Arc<AtomicBool>,
) -> Result<(), Failure>
where
    B: Body<Data = Bytes, Error: Into<Error>> + Send + 'static,
{
    // Released last, when the store has returned its slots to the pool. Nobody closes the semaphore.
    let _permit = application.shared.instances.acquire().await;
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
        let answer = store.data_mut().http().new_response_outparam(sender)?;
        let instance = component.instantiate_async(&mut store).await?;
        instance
            .wasi_http_incoming_handler()
            .call_handle(&mut store, request, answer)
            .await
    };
    let (failure, detail) = match timeout(TIME_LIMIT, handled).await {
        Ok(Ok(())) => return Ok(()),
        Ok(Err(error)) => ("the component failed", format!("{error:#}")),
        Err(_) => ("the component took too long", format!("{TIME_LIMIT:?}")),
    };
    // Before the store goes, which ends the response body as if it were complete.
    failed.store(true, Ordering::Release);
    complain(format_args!("error: {failure}: {detail}"));
    Err(failure)
}

/// The body of a response, and the instance that writes it.
pub(crate) struct GuestBody {
    /// Taken when it is dropped.
    body: Option<(
        HyperOutgoingBody,
        AbortOnDropJoinHandle<Result<(), Failure>>,
    )>,
    /// Whether the instance failed, so that what it wrote is not all.
    failed: Arc<AtomicBool>,
}

impl Body for GuestBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut task::Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let Some((body, _)) = &mut self.body else {
            return Poll::Ready(None);
        };
        let frame = ready!(Pin::new(body).poll_frame(context));
        if frame.is_none() && self.failed.load(Ordering::Acquire) {
            return Poll::Ready(Some(Err(Error::HttpResponseIncomplete)));
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body
            .as_ref()
            .is_none_or(|(body, _)| body.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        self.body
            .as_ref()
            .map_or_else(SizeHint::default, |(body, _)| body.size_hint())
    }
}

impl Drop for GuestBody {
    /// Lets the instance end by itself, soon.
    ///
    /// The server drops the body as soon as it needs no more of it: after the last byte, at once in answer to HEAD,
    /// or because the peer is gone. The instance may have some lines to log yet.
    fn drop(&mut self) {
        if let Some((mut body, instance)) = self.body.take() {
            let farewell = async move {
                while let Some(Ok(_)) = body.frame().await {}
                instance.await
            };
            tokio::spawn(timeout(FAREWELL, farewell));
        }
    }
}
