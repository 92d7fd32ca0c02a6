//! Whatever a person pastes.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| {
    let pasted = sonde_grammar::paste::read(text);
    assert_eq!(pasted.objects.len(), pasted.partial.len());
    assert!(pasted.objects.iter().all(|object| object["kind"].is_string()));
});
