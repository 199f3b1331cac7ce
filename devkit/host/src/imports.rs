//! Spin's interfaces as types, and what an instance holds of the key-value store.
// What the macro makes is as public as this module, which is not.
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

/// A store that an instance has opened. There is one alone, so it says nothing.
pub struct Opened;

/// A value that an instance means to replace.
pub struct Cas {
    /// The store's handle: as with Spin it has to be open still when another try is to be made.
    pub(crate) bucket: u32,
    pub(crate) key: String,
    /// What `cas.current` has read.
    pub(crate) seen: Option<Vec<u8>>,
}
