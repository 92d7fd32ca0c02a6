//! Any segments, as a connection of this protocol.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: sonde_l7_fuzz::Input| {
    sonde_l7_fuzz::connection(sonde_l7::Protocol::Dns, &input);
});
