//! Tells what captured streams say: `cargo run -p sonde-l7 --example follow -- FILE.stream…`

use std::error::Error;

use sonde_l7::corpus::Stream;
use sonde_l7::{Call, Connection};

fn main() -> Result<(), Box<dyn Error>> {
    for path in std::env::args().skip(1) {
        let stream = Stream::parse(&std::fs::read_to_string(&path)?)?;
        println!("{path}:");
        let mut connection = Connection::undecided(stream.transport, stream.opener, stream.start);
        for segment in &stream.segments {
            connection.feed(segment.segment(), &mut show);
        }
        let verdict = connection.verdict();
        connection.close(u64::MAX, &mut show);
        println!("  {verdict:?} {:?}", connection.counters());
    }
    Ok(())
}

fn show(call: &Call<'_>) {
    let response = match (call.error(), call.response) {
        (Some(failure), _) => format!(
            "failed {} {}",
            failure.code,
            String::from_utf8_lossy(failure.message)
        ),
        (None, Some(response)) => format!("ok {:?}", response.status),
        (None, None) => "no response".to_owned(),
    };
    let latency_us = call
        .times
        .response_ns
        .map(|at| at.saturating_sub(call.times.request_ns) / 1000);
    println!(
        "  {} {} {}: {response}, {latency_us:?} us, {}/{}, {:?}",
        call.protocol.name(),
        call.request.operation,
        call.request.target.key(),
        call.request_messages,
        call.response_messages,
        call.flags,
    );
}
