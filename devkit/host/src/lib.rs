//! Serves the component under Wasmtime.
