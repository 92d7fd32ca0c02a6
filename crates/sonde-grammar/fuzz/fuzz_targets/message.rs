//! An event's or a status' message: the first line is the reason.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| {
    let (reason, message) = text.split_once('\n').unwrap_or(("", text));
    let facts = sonde_grammar::message::facts(reason, message);
    assert_eq!(facts, sonde_grammar::message::facts(reason, message));
});
