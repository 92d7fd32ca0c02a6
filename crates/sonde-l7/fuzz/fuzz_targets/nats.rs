//! Any segments, as a connection of this protocol.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    sonde_l7_fuzz::connection(sonde_l7::Protocol::Nats, input);
});
