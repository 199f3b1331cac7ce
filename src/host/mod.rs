//! Host services beyond the request itself: the key-value store, and requests to other servers.
#![forbid(unsafe_code)]

mod outbound;
mod store;

pub(crate) use outbound::Outbound;
pub(crate) use store::DefaultStore;
