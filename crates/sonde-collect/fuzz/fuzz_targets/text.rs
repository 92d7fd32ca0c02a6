//! Pasted text, from bytes to the report; the same bytes give the same report.
#![no_main]

use sonde_collect::{Options, paste};
use sonde_diagnose::{Scope, diagnose};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let read = || {
        let gathered = paste::read(&mut &*bytes, "stdin", &Options::default()).ok()?;
        serde_json::to_vec(&diagnose(&gathered.question(Scope::All)).report).ok()
    };
    assert_eq!(read(), read());
});
