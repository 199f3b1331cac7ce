//! Hands a response from its instance to the server.
//!
//! In Spin the two run concurrently: the server nearly always sends the head before the instance writes a body that
//! follows the response. Here it always does, so that tests reveal whatever depends on it.

use std::pin::Pin;
use std::sync::mpsc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use hyper::Response;
use hyper::body::{Body, Frame, SizeHint};
use tokio::sync::oneshot;
use tokio::task::block_in_place;
use wasmtime_wasi_http::Error;
use wasmtime_wasi_http::p2::bindings::http::types::ErrorCode;
use wasmtime_wasi_http::p2::body::HyperOutgoingBody;
use wasmtime_wasi_http::p2::types::HostResponseOutparam;

/// How long an instance waits at most for a busy server.
const PATIENCE: Duration = Duration::from_secs(1);

/// What the server receives from an instance.
pub(crate) type Handed = Result<Response<GuestBody>, ErrorCode>;

/// Returns the out-parameter for an instance's response. Setting it blocks until the server has polled the body.
pub(crate) fn outparam(sender: oneshot::Sender<Handed>) -> HostResponseOutparam {
    let send = move |outcome: Result<Response<HyperOutgoingBody>, _>| {
        let (awaited, looked_for) = mpsc::channel();
        let handed = outcome.map(|response| {
            response.map(|body| GuestBody {
                body,
                awaited: Some(awaited),
            })
        });
        // Nothing is sent on this channel; its end is the signal. If the client has disconnected, it has ended already.
        let sent = sender.send(handed);
        drop(sent);
        let _ = block_in_place(|| looked_for.recv_timeout(PATIENCE));
    };
    HostResponseOutparam {
        send: Box::new(send),
    }
}

/// The body of a response.
pub(crate) struct GuestBody {
    body: HyperOutgoingBody,
    /// Dropped when the body is polled, or never will be.
    awaited: Option<mpsc::Sender<()>>,
}

impl Body for GuestBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(context);
        self.awaited = None;
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
