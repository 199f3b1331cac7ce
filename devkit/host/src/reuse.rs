//! Components for WASI 0.3: an instance handles many requests, several at once. The limits are Spin's.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::{Request, Response};
use tokio::sync::SemaphorePermit;
use tokio::time::{Sleep, sleep};
use wasmtime::component::GuestTaskId;
use wasmtime::{Store, StoreContextMut};
use wasmtime_wasi_http::handler::{
    HandlerState, Instance, Proxy, ProxyHandler, ShouldAccept, WorkerExpiration, WorkerState,
    WorkerStatus,
};
use wasmtime_wasi_http::p3::bindings::ServicePre;
use wasmtime_wasi_http::{Error, WasiBody, WasiHttpView};

use crate::guest::{Application, Guest, PERMITS, TIME_LIMIT};
use crate::log::complain;

/// The number of requests after which an instance is dropped.
const REQUESTS: usize = 128;

/// The maximum number of concurrent requests per instance.
const AT_ONCE: usize = 16;

/// How long an idle instance is kept.
const IDLE: Duration = Duration::from_secs(1);

/// The instances of one server.
pub(crate) type Instances = ProxyHandler<Source>;

/// Creates instances.
pub(crate) struct Source {
    pub(crate) application: Arc<Application>,
    pub(crate) component: ServicePre<Guest>,
}

/// Has an instance respond to the request. Returns `None` after writing the reason to standard error.
///
/// The instance runs in its own task, which continues if the client disconnects and this future is dropped.
pub(crate) async fn respond(
    instances: &Instances,
    request: Request<Incoming>,
) -> Option<Response<WasiBody>> {
    let request = request.map(|body| body.map_err(Error::from).boxed_unsync());
    let handled = instances.handle((), request).await;
    handled
        .inspect_err(|error| complain(format_args!("error: the component failed: {error:#}")))
        .ok()
}

impl HandlerState for Source {
    type StoreData = Guest;
    type WorkerExpiration = Expiration;
    type WorkerState = Worker;

    async fn instantiate(&self) -> wasmtime::Result<Instance<Guest, Expiration, Worker>> {
        let permit = PERMITS.acquire().await.ok();
        let mut store = Guest::in_store(&self.application, self.component.engine());
        let service = self.component.instantiate_async(&mut store).await?;
        Ok(Instance {
            store,
            proxy: Proxy::P3(service),
            view: Guest::http,
            expiration: Expiration(Box::pin(sleep(IDLE))),
            state: Worker { _permit: permit },
        })
    }
}

/// Decides whether an instance accepts another request.
pub(crate) struct Worker {
    /// Released after the store has returned its slots to the pool.
    _permit: Option<SemaphorePermit<'static>>,
}

impl WorkerState for Worker {
    type StoreData = Guest;
    type RequestData = ();

    fn should_accept_request(&self, at_once: usize, so_far: usize) -> ShouldAccept {
        if so_far >= REQUESTS {
            ShouldAccept::Never
        } else if at_once >= AT_ONCE {
            ShouldAccept::No
        } else {
            ShouldAccept::Yes
        }
    }

    fn on_request_start(
        &self,
        _: StoreContextMut<'_, Guest>,
        (): (),
        _: GuestTaskId,
    ) -> Pin<Box<dyn Future<Output = ()> + 'static + Send + Sync>> {
        Box::pin(sleep(TIME_LIMIT))
    }

    fn drop(&self, store: Store<Guest>, result: wasmtime::Result<()>) {
        if let Err(error) = result {
            complain(format_args!("error: an instance failed: {error:#}"));
        }
        drop(store);
    }
}

/// Ends an instance that has been idle, or busy with a request, for too long.
pub(crate) struct Expiration(Pin<Box<Sleep>>);

impl WorkerExpiration for Expiration {
    fn poll(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        status: WorkerStatus,
        since: Instant,
    ) -> Poll<()> {
        let limit = match status {
            WorkerStatus::Idle => IDLE,
            WorkerStatus::Requests | WorkerStatus::PostReturn => TIME_LIMIT,
        };
        let deadline = (since + limit).into();
        let timer = &mut self.0;
        if timer.deadline() != deadline {
            timer.as_mut().reset(deadline);
        }
        timer.as_mut().poll(context)
    }
}
