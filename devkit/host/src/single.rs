//! Components for WASI 0.2: each request has its own instance.

use std::sync::Arc;

use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::{Request, Response};
use tokio::sync::oneshot;
use tokio::time::timeout;
use wasmtime_wasi_http::p2::bindings::ProxyPre;
use wasmtime_wasi_http::p2::bindings::http::types::Scheme;
use wasmtime_wasi_http::p2::types::HostResponseOutparam;
use wasmtime_wasi_http::{WasiBody, WasiHttpView};

use crate::guest::{Application, Guest, PERMITS, TIME_LIMIT};
use crate::handover::outparam;
use crate::log::complain;

/// Has a new instance respond to the request. Returns `None` after writing the reason to standard error.
///
/// As in Spin, the instance runs in its own task, which continues while its response is being sent, and also if the client
/// disconnects and this future is dropped.
pub(crate) async fn respond(
    application: Arc<Application>,
    component: ProxyPre<Guest>,
    request: Request<Incoming>,
) -> Option<Response<WasiBody>> {
    let (sender, receiver) = oneshot::channel();
    let instance = tokio::spawn(run(application, component, request, outparam(sender)));
    match receiver.await {
        Ok(Ok(response)) => Some(response.map(BodyExt::boxed_unsync)),
        Ok(Err(code)) => {
            complain(format_args!("error: the component responded with {code}"));
            None
        }
        Err(_) => {
            if let Ok(true) = instance.await {
                complain("error: the component set no response");
            }
            None
        }
    }
}

/// Runs an instance from start to end, and returns whether it succeeded. If not, the reason is on standard error.
async fn run(
    application: Arc<Application>,
    component: ProxyPre<Guest>,
    request: Request<Incoming>,
    outparam: HostResponseOutparam,
) -> bool {
    // Released last, after the store has returned its slots to the pool.
    let _permit = PERMITS.acquire().await;
    let mut store = Guest::in_store(&application, component.engine());
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
        Ok(Ok(())) => return true,
        Ok(Err(error)) => complain(format_args!("error: the component failed: {error:#}")),
        Err(_) => complain(format_args!(
            "error: the component took longer than {TIME_LIMIT:?}"
        )),
    }
    false
}
