//! Feeds whatever bytes the fuzzer finds to every reader of `deskline-wire`.
#![no_main]

#[path = "../harness.rs"]
mod harness;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| harness::read(bytes));
