//! Measures what a call costs: `cargo run --release -p sonde-l7 --example measure`

use std::hint::black_box;
use std::time::Instant;

use sonde_l7::{Connection, Protocol, Segment, Side, Start, Transport, Turn, Verdict, describe, judge};

const ROUNDS: u32 = 1_000_000;

const HTTP: (&[u8], &[u8]) = (
    b"GET /orders/12345/items?sort=name HTTP/1.1\r\nHost: shop.example.org\r\nUser-Agent: curl/7.88.1\r\nAccept: */*\r\nAccept-Encoding: gzip\r\nX-Request-Id: 7f1c9a20\r\ntraceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\nX-Forwarded-For: 10.0.0.1\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nServer: nginx\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}",
);
const REDIS: (&[u8], &[u8]) = (b"*2\r\n$3\r\nGET\r\n$10\r\nkey:000001\r\n", b"$3\r\nabc\r\n");

fn main() {
    for (name, protocol, (request, response)) in [
        ("HTTP/1.1, 270 bytes", Protocol::Http1, HTTP),
        ("Redis GET", Protocol::Redis, REDIS),
    ] {
        let verdict = Verdict {
            protocol,
            server: Side::B,
        };
        let turns = [(Side::A, request), (Side::B, response)].map(|(side, bytes)| Turn {
            side,
            bytes,
            len: bytes.len() as u64,
        });
        measure(&format!("{name}: verdict"), || {
            black_box(judge(Transport::Tcp, black_box(&turns), None));
        });
        measure(&format!("{name}: describe"), || {
            describe(
                Transport::Tcp,
                protocol,
                black_box(request),
                black_box(response),
                |call| black_box(call.error().is_some()),
            );
        });
        let Some(mut connection) = Connection::new(Transport::Tcp, verdict, Start::Fresh) else {
            return;
        };
        let mut key = String::new();
        measure(&format!("{name}: stream, with its key"), || {
            connection.feed(Segment::whole(Side::A, 1, black_box(request)), &mut |_| {});
            connection.feed(Segment::whole(Side::B, 2, black_box(response)), &mut |call| {
                key.clear();
                call.request.target.write_key(&mut key);
                black_box(&key);
            });
        });
    }
}

fn measure(name: &str, mut run: impl FnMut()) {
    // The best of some rounds is the least disturbed one.
    let best = (0..5)
        .map(|_| {
            let start = Instant::now();
            for _ in 0..ROUNDS / 5 {
                run();
            }
            start.elapsed() / (ROUNDS / 5)
        })
        .min();
    println!("{name}: {best:?}");
}
