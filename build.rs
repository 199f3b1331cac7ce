//! How much stack the component has. A host clears the memory of an instance for each request, and most of that was the
//! stack: a mebibyte, which is the linker's default. No request needs a quarter of what this leaves.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    if std::env::var("CARGO_CFG_TARGET_FAMILY").is_ok_and(|family| family == "wasm") {
        println!("cargo:rustc-link-arg-cdylib=-zstack-size={}", 256 * 1024);
    }
}
