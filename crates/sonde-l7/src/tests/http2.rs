use super::*;

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let mut out = (payload.len() as u32).to_be_bytes()[1..].to_vec();
    out.extend([kind, flags]);
    out.extend(stream.to_be_bytes());
    out.extend(payload);
    out
}

/// Literals that are added to the table if `index`.
fn literal(index: bool, name: &str, value: &str) -> Vec<u8> {
    let mut out = vec![if index { 0x40 } else { 0 }, name.len() as u8];
    out.extend(name.as_bytes());
    out.push(value.len() as u8);
    out.extend(value.as_bytes());
    out
}

fn message(body: &[u8]) -> Vec<u8> {
    let mut out = vec![0];
    out.extend((body.len() as u32).to_be_bytes());
    out.extend(body);
    out
}

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const TRACE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

pub(super) fn samples() -> Vec<Sample> {
    let settings = frame(4, 0, 0, &[0, 3, 0, 0, 0, 100]);
    let acknowledged = frame(4, 1, 0, b"");
    let get = |path: &str| {
        [
            vec![0x82, 0x86],
            literal(true, ":path", path),
            literal(true, ":authority", "shop"),
        ]
        .concat()
    };
    let call = |path: &str| {
        [
            vec![0x83, 0x86],
            literal(false, ":path", path),
            literal(true, "content-type", "application/grpc"),
            literal(false, "traceparent", TRACE),
        ]
        .concat()
    };
    let trailers = |status: &str, text: &str| {
        [
            literal(false, "grpc-status", status),
            literal(false, "grpc-message", text),
        ]
        .concat()
    };
    let long = literal(false, "x-long", &"y".repeat(120)).repeat(9);
    let plain: Vec<(Side, Vec<u8>)> = vec![
        (
            A,
            [
                PREFACE,
                &settings,
                &frame(1, 5, 1, &get("/a/12")),
                &frame(1, 5, 3, &[0x82, 0x86, 0x84, 0xbe]),
            ]
            .concat(),
        ),
        (
            B,
            [
                settings.clone(),
                acknowledged.clone(),
                frame(1, 4, 3, &[0x8d]),
                frame(1, 4, 1, &[0x88]),
                frame(0, 0, 1, b"abc"),
                frame(0, 1, 1, b"abc"),
                frame(0, 1, 3, b""),
            ]
            .concat(),
        ),
        // A block in two frames, and a response that is one frame.
        (
            A,
            [
                acknowledged.clone(),
                frame(1, 1, 5, &get("/b")),
                frame(9, 4, 5, &long),
            ]
            .concat(),
        ),
        (B, [frame(6, 0, 0, &[0; 8]), frame(1, 5, 5, &[0x8e])].concat()),
        (A, frame(1, 5, 7, &[0x82, 0x86, 0x84])),
        (B, frame(3, 0, 7, &7_u32.to_be_bytes())),
    ];
    let stream = [message(b"hello"), message(b""), message(b"world")].concat();
    let grpc: Vec<(Side, Vec<u8>)> = vec![
        (
            A,
            [
                PREFACE.to_vec(),
                settings.clone(),
                frame(1, 4, 1, &call("/shop.Cart/Add")),
                frame(0, 1, 1, &message(b"item")),
            ]
            .concat(),
        ),
        (
            B,
            [
                settings.clone(),
                frame(
                    1,
                    4,
                    1,
                    &[vec![0x88], literal(true, "content-type", "application/grpc")].concat(),
                ),
                frame(0, 0, 1, &message(b"ok")),
                frame(1, 5, 1, &trailers("0", "")),
            ]
            .concat(),
        ),
        (
            A,
            [
                frame(1, 4, 3, &call("/shop.Cart/Watch")),
                frame(0, 0, 3, &stream[..7]),
                frame(0, 1, 3, &stream[7..]),
            ]
            .concat(),
        ),
        (
            B,
            [
                frame(1, 4, 3, &[0x88]),
                frame(0, 0, 3, &stream),
                frame(1, 5, 3, &trailers("14", "gone")),
            ]
            .concat(),
        ),
        // An error without a body: trailers only.
        (
            A,
            [
                frame(1, 4, 5, &call("/shop.Cart/Get")),
                frame(0, 1, 5, &message(b"")),
            ]
            .concat(),
        ),
        (
            B,
            frame(1, 5, 5, &[vec![0x88], trailers("5", "no cart")].concat()),
        ),
    ];
    vec![
        sample(
            "two streams",
            &plain,
            &[
                "http2 GET /a/{id} @shop -> 200",
                "http2 GET / @shop -> 404 !caller ",
                "http2 GET /b @shop -> 500 !callee ",
                "http2 GET / -> !callee REFUSED_STREAM (stream reset)",
            ],
        ),
        sample(
            "gRPC",
            &grpc,
            &[
                "grpc Add shop.Cart -> 0 #4bf92f3577b34da6a3ce929d0e0e4736",
                "grpc Watch shop.Cart -> 14 !callee UNAVAILABLE (gone) 3/3 #4bf92f3577b34da6a3ce929d0e0e4736",
                "grpc Get shop.Cart -> 5 !caller NOT_FOUND (no cart) #4bf92f3577b34da6a3ce929d0e0e4736",
            ],
        ),
    ]
}

fn sample(name: &'static str, turns: &[(Side, Vec<u8>)], calls: &[&'static str]) -> Sample {
    let turns: Vec<(Side, &[u8])> = turns
        .iter()
        .map(|(side, bytes)| (*side, bytes.as_slice()))
        .collect();
    Sample::tcp(Protocol::Http2, name, &turns, calls)
}

/// The block that defined the authority was missed; the rest of the call is there.
#[test]
fn a_late_start_tells_what_it_can() {
    let samples = samples();
    let turns: Vec<(Side, &[u8])> = whole(&samples[1]).split_off(2);
    let connection = Connection::undecided(Transport::Tcp, None, Start::Midway);
    assert_eq!(calls(connection, &turns), samples[1].calls[1..]);
}
