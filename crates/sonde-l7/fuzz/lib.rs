//! What all targets do with their input.

use libfuzzer_sys::arbitrary::{self, Arbitrary};
use sonde_l7::{
    Connection, Protocol, Role, Segment, Side, Start, Transport, Turn, Verdict, describe, judge, redact,
};

/// A connection of any segments.
#[derive(Arbitrary, Debug)]
pub struct Input {
    /// Datagrams instead of a stream.
    pub udp: bool,
    /// The capture began late.
    pub midway: bool,
    /// What was sent.
    pub segments: Vec<Piece>,
}

/// A segment.
#[derive(Arbitrary, Debug)]
pub struct Piece {
    from_server: bool,
    lost_before: bool,
    missing: u16,
    bytes: Vec<u8>,
}

impl Input {
    fn transport(&self) -> Transport {
        if self.udp { Transport::Udp } else { Transport::Tcp }
    }
}

impl Piece {
    fn side(&self) -> Side {
        if self.from_server { Side::B } else { Side::A }
    }

    fn segment(&self, time_ns: u64) -> Segment<'_> {
        Segment {
            side: self.side(),
            time_ns,
            bytes: &self.bytes,
            // Most segments are whole.
            len: self.bytes.len() as u64
                + if self.missing > 60_000 {
                    u64::from(self.missing)
                } else {
                    0
                },
            lost_before: self.lost_before && self.missing > 50_000,
        }
    }
}

/// Follows the segments as a connection of a protocol, and looks at what comes out.
pub fn connection(protocol: Protocol, input: &Input) {
    let verdict = Verdict {
        protocol,
        server: Side::B,
    };
    let start = if input.midway { Start::Midway } else { Start::Fresh };
    let Some(connection) = Connection::new(input.transport(), verdict, start) else {
        return;
    };
    follow(connection, input);
    for pair in input.segments.windows(2) {
        let [request, response] = pair else { continue };
        describe(
            input.transport(),
            protocol,
            &request.bytes,
            &response.bytes,
            |call| call.request.target.key().len(),
        );
    }
    for piece in &input.segments {
        let role = if piece.from_server {
            Role::Server
        } else {
            Role::Client
        };
        let hidden = redact(Some(protocol), role, &piece.bytes);
        assert_eq!(hidden.len(), piece.bytes.len());
        if let Some(check) = protocol.kernel_check(input.transport()) {
            check.outcome(&piece.bytes);
            check.message_len(&piece.bytes);
        }
    }
}

/// Judges the segments and follows them as what they are.
pub fn verdict(input: &Input) {
    let turns: Vec<Turn<'_>> = input
        .segments
        .iter()
        .map(|piece| Turn {
            side: piece.side(),
            bytes: &piece.bytes,
            len: piece.segment(0).len,
        })
        .collect();
    judge(input.transport(), &turns, None);
    judge(input.transport(), &turns, Some(Side::A));
    follow(
        Connection::undecided(input.transport(), None, Start::Fresh),
        input,
    );
}

fn follow(mut connection: Connection, input: &Input) {
    let mut calls = 0;
    let mut text = String::new();
    for (at, piece) in input.segments.iter().enumerate() {
        connection.feed(piece.segment(at as u64), &mut |call| {
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
