//! Any turns, judged by all protocols, and followed as what they are said to be.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    sonde_l7_fuzz::verdict(input);
});
