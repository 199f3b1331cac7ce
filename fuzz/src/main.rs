//! libFuzzer's program: `JAAS_FUZZ_TARGET` names the target. `cargo dev fuzz` builds and runs it.
#![no_main]

use std::sync::LazyLock;

use jaas_jwt_fuzz::{TARGETS, Target};
use libfuzzer_sys::fuzz_target;

static TARGET: LazyLock<&Target> = LazyLock::new(|| {
    let name = std::env::var("JAAS_FUZZ_TARGET").unwrap_or_default();
    TARGETS
        .iter()
        .find(|target| target.name == name)
        .unwrap_or_else(|| panic!("JAAS_FUZZ_TARGET names no target: {name:?}"))
});

fuzz_target!(|input: &[u8]| (TARGET.run)(input));
