//! Spin's interfaces as types, and an instance's handles for the key-value store.
// The macro's items are public, but this module is not.
#![allow(missing_docs)]

wasmtime::component::bindgen!({
    path: "../../wit",
    world: "jaas-jwt:devkit/host",
    with: {
        "fermyon:spin/key-value.store": crate::imports::Opened,
        "wasi:keyvalue/store.bucket": crate::imports::Opened,
        "wasi:keyvalue/atomics.cas": crate::imports::Cas,
    },
});

/// A handle for an open store. There is only one store, so the handle is empty.
pub struct Opened;

/// A compare-and-swap handle for one key.
pub struct Cas {
    /// The store's handle. As in Spin, it must still be open when the swap has failed and is to be retried.
    pub(crate) bucket: u32,
    pub(crate) key: String,
    /// The value that `cas.current` returned.
    pub(crate) seen: Option<Vec<u8>>,
}
