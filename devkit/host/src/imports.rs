//! Spin's interfaces as types.
// What the macro makes is as public as this module, which is not.
#![allow(missing_docs)]

wasmtime::component::bindgen!({
    path: "../../wit",
    world: "jaas-jwt:devkit/host",
    with: {
        "fermyon:spin/key-value.store": crate::handles::Opened,
        "wasi:keyvalue/store.bucket": crate::handles::Opened,
        "wasi:keyvalue/atomics.cas": crate::handles::Cas,
    },
});
