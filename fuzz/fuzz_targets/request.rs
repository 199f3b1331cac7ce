//! The libFuzzer program for `src/request.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| jaas_jwt_fuzz::run("request", input));
