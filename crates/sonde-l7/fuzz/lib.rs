//! What all targets do with their input: captured streams as text, so that the committed ones are seeds.

use sonde_l7::corpus::Stream;
use sonde_l7::{
    Connection, Protocol, Role, Segment, Side, Start, Transport, Turn, Verdict, describe, judge, redact,
};

/// Reads what can be read of a stream: a line that is none is passed over.
fn stream(input: &[u8]) -> Option<Stream> {
    let text = String::from_utf8_lossy(input);
    let mut all = Stream::parse("").ok()?;
    for line in text.lines().filter_map(|line| Stream::parse(line).ok()) {
        all.segments.extend(line.segments);
        if line.transport == Transport::Udp {
            all.transport = Transport::Udp;
        }
        if line.start == Start::Midway {
            all.start = Start::Midway;
        }
    }
    Some(all)
}

fn segments(stream: &Stream) -> impl Iterator<Item = Segment<'_>> {
    stream.segments.iter().map(|segment| segment.segment())
}

/// Follows the segments as a connection of a protocol, and looks at what comes out.
pub fn connection(protocol: Protocol, input: &[u8]) {
    let Some(stream) = stream(input) else { return };
    let verdict = Verdict {
        protocol,
        server: Side::B,
    };
    let Some(connection) = Connection::new(stream.transport, verdict, stream.start) else {
        return;
    };
    follow(connection, &stream);
    for pair in stream.segments.windows(2) {
        let [request, response] = pair else { continue };
        describe(
            stream.transport,
            protocol,
            &request.bytes,
            &response.bytes,
            |call| call.request.target.key().len(),
        );
    }
    for segment in &stream.segments {
        let role = if segment.side == Side::B {
            Role::Server
        } else {
            Role::Client
        };
        let hidden = redact(Some(protocol), role, &segment.bytes);
        assert_eq!(hidden.len(), segment.bytes.len());
        if let Some(check) = protocol.kernel_check(stream.transport) {
            check.outcome(&segment.bytes);
            check.message_len(&segment.bytes);
        }
    }
}

/// Judges the segments and follows them as what they are.
pub fn verdict(input: &[u8]) {
    let Some(stream) = stream(input) else { return };
    let turns: Vec<Turn<'_>> = segments(&stream)
        .map(|it| Turn {
            side: it.side,
            bytes: it.bytes,
            len: it.len,
        })
        .collect();
    judge(stream.transport, &turns, None);
    judge(stream.transport, &turns, Some(Side::A));
    follow(
        Connection::undecided(stream.transport, None, stream.start),
        &stream,
    );
}

fn follow(mut connection: Connection, stream: &Stream) {
    let mut calls = 0;
    let mut text = String::new();
    for segment in segments(stream) {
        connection.feed(segment, &mut |call| {
            calls += 1;
            text.clear();
            call.request.target.write_key(&mut text);
            call.request.target.write_sample(&mut text);
            assert!(text.len() < 8 * 1024);
        });
    }
    connection.close(u64::MAX, &mut |_| calls += 1);
    assert_eq!(connection.counters().calls, calls);
}
