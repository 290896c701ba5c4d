#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    deskline_voice::receiver::ops::act(bytes);
});
