//! Redaction: a second pass damages no mark of the first.
#![no_main]

use sonde_collect::redact;

libfuzzer_sys::fuzz_target!(|text: &str| {
    let marks = |text: &str| text.matches("[redacted:").count();
    let once = redact::text(text).into_owned();
    let twice = redact::text(&once).into_owned();
    assert!(marks(&twice) >= marks(&once), "{once:?} became {twice:?}");
});
