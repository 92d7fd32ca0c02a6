//! Statements, routes and captured streams as text. What was normalized once stays as it is.
#![no_main]

use sonde_l7::{corpus::Stream, route, sql};

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    for quotes in [sql::Quotes::Names, sql::Quotes::Literals] {
        let mut out = String::new();
        sql::normalize(input, quotes, 512, &mut out);
        assert!(out.len() < 2048);
    }
    let mut out = String::new();
    route::fold(input, b'/', 512, &mut out);
    assert!(out.len() < 2048);
    if let Ok(text) = std::str::from_utf8(input)
        && let Ok(stream) = Stream::parse(text)
    {
        assert_eq!(Stream::parse(&stream.to_text()), Ok(stream));
    }
});
