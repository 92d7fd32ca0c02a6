use super::*;

fn message(body: &[u8]) -> Vec<u8> {
    [&(body.len() as u32).to_be_bytes(), body].concat()
}

fn request(key: i16, version: i16, id: u32, body: &[u8]) -> Vec<u8> {
    let flexible = match key {
        0 => version >= 9,
        1 => version >= 12,
        3 => version >= 9,
        18 => version >= 3,
        _ => false,
    };
    let header = [
        key.to_be_bytes().as_slice(),
        &version.to_be_bytes(),
        &id.to_be_bytes(),
        b"\0\x08producer",
        if flexible { b"\0" } else { b"" },
    ]
    .concat();
    message(&[header.as_slice(), body].concat())
}

fn response(id: u32, body: &[u8]) -> Vec<u8> {
    message(&[&id.to_be_bytes(), body].concat())
}

const TRACE: &str = "traceparent\x6e00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

pub(super) fn samples() -> Vec<Sample> {
    let produce = |acks: i16| {
        let body = [
            b"\xff\xff".as_slice(),
            &acks.to_be_bytes(),
            b"\0\0\x75\x30\0\0\0\x01\0\x06orders\0\0\0\x01\0\0\0\0\0\0\0\x60",
            TRACE.as_bytes(),
        ];
        body.concat()
    };
    let produced = |code: i16| {
        [
            b"\0\0\0\x01\0\x06orders\0\0\0\x01\0\0\0\0".as_slice(),
            &code.to_be_bytes(),
            &[0; 20],
        ]
        .concat()
    };
    // Flexible: compact texts, tags.
    let fetch = b"\xff\xff\xff\xff\0\0\x01\xf4\0\0\0\x01\0\x50\0\0\0\0\0\0\x01\0\0\0\x01\x02\x07orders\x02\0\0\0\0\0\0\0\0\0";
    let turns: Vec<(Side, Vec<u8>)> = vec![
        (A, request(18, 3, 1, b"\x0akafka-java\x043.7\0")),
        (B, response(1, b"\0\0\x02\0\0\0\0\0\x09\0\0\0\0\0\0")),
        (A, request(3, 1, 2, b"\0\0\0\x01\0\x06orders")),
        (B, response(2, &[0; 30])),
        (
            A,
            [
                request(0, 7, 3, &produce(1)),
                request(1, 12, 4, fetch),
                request(0, 7, 5, &produce(0)),
            ]
            .concat(),
        ),
        (
            B,
            [
                response(4, b"\0\0\0\0\0\0\x46\0\0\0\0\x01\0"),
                response(3, &produced(6)),
            ]
            .concat(),
        ),
        (A, request(12, 3, 6, b"\0\x04cart\0\0\0\x05\0\x02m1\xff\xff")),
        (B, response(6, b"\0\0\0\0\0\x1b")),
    ];
    let turns: Vec<(Side, &[u8])> = turns
        .iter()
        .map(|(side, bytes)| (*side, bytes.as_slice()))
        .collect();
    vec![Sample::tcp(
        Protocol::Kafka,
        "several at once",
        &turns,
        &[
            "kafka ApiVersions -> 0",
            "kafka Metadata orders ->",
            "kafka Produce orders +one-way #4bf92f3577b34da6a3ce929d0e0e4736",
            "kafka Fetch orders -> 70 !caller FETCH_SESSION_ID_NOT_FOUND",
            "kafka Produce orders -> 6 !callee NOT_LEADER_OR_FOLLOWER #4bf92f3577b34da6a3ce929d0e0e4736",
            "kafka Heartbeat cart -> 27 !caller REBALANCE_IN_PROGRESS",
        ],
    )]
}
