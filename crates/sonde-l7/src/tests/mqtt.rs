use super::*;

fn packet(first: u8, body: &[u8]) -> Vec<u8> {
    let mut out = vec![first];
    if body.len() < 128 {
        out.push(body.len() as u8);
    } else {
        out.extend([(body.len() % 128) as u8 | 0x80, (body.len() / 128) as u8]);
    }
    out.extend(body);
    out
}

fn sample(name: &'static str, turns: &[(Side, Vec<u8>)], calls: &[&'static str]) -> Sample {
    let turns: Vec<(Side, &[u8])> = turns
        .iter()
        .map(|(side, bytes)| (*side, bytes.as_slice()))
        .collect();
    Sample::tcp(Protocol::Mqtt, name, &turns, calls)
}

pub(super) fn samples() -> Vec<Sample> {
    let classic: Vec<(Side, Vec<u8>)> = vec![
        (
            A,
            packet(0x10, b"\0\x04MQTT\x04\xc2\0\x3c\0\x02c1\0\x04anna\0\x06s3cret"),
        ),
        (B, packet(0x20, b"\0\0")),
        (A, packet(0x82, b"\0\x01\0\x09sensors/#\x01")),
        (B, packet(0x90, b"\0\x01\x01")),
        (
            A,
            [
                packet(0x30, b"\0\x0fsensors/17/tempx"),
                packet(
                    0x32,
                    &[b"\0\x0fsensors/18/temp\0\x02".as_slice(), &[b'x'; 200]].concat(),
                ),
            ]
            .concat(),
        ),
        (
            B,
            [packet(0x30, b"\0\x0fsensors/17/tempx"), packet(0x40, b"\0\x02")].concat(),
        ),
        (A, packet(0x34, b"\0\x05a/b/c\0\x03x")),
        (B, packet(0x50, b"\0\x03")),
        (A, packet(0x62, b"\0\x03")),
        (B, packet(0x70, b"\0\x03")),
        (A, packet(0xc0, b"")),
        (B, packet(0xd0, b"")),
        (A, packet(0xe0, b"")),
    ];
    let refused: Vec<(Side, Vec<u8>)> = vec![
        (A, packet(0x10, b"\0\x04MQTT\x04\x02\0\x3c\0\x02c1")),
        (B, packet(0x20, b"\0\x05")),
    ];
    let five: Vec<(Side, Vec<u8>)> = vec![
        (
            A,
            packet(0x10, b"\0\x04MQTT\x05\x02\0\x3c\x05\x11\0\0\0\x0a\0\x02c1"),
        ),
        (B, packet(0x20, b"\0\0\x03\x22\0\x0a")),
        (A, packet(0x82, b"\0\x07\0\0\x05a/b/c\x01")),
        (B, packet(0x90, b"\0\x07\0\x87")),
        (A, packet(0x32, b"\0\x05a/b/c\0\x08\0x")),
        (B, packet(0x40, b"\0\x08\x97\0")),
    ];
    vec![
        sample(
            "3.1.1",
            &classic,
            &[
                "mqtt CONNECT -> 0",
                "mqtt SUBSCRIBE sensors/# -> 0",
                "mqtt PUBLISH sensors/{id}/temp +one-way",
                "mqtt PUBLISH sensors/{id}/temp +one-way +from-server",
                "mqtt PUBLISH sensors/{id}/temp -> 0",
                "mqtt PUBLISH a/b/c -> 0 1/2",
            ],
        ),
        sample("refused", &refused, &["mqtt CONNECT -> 5 !caller not authorized"]),
        sample(
            "5",
            &five,
            &[
                "mqtt CONNECT -> 0",
                "mqtt SUBSCRIBE a/b/c -> 135 !caller not authorized",
                "mqtt PUBLISH a/b/c -> 151 !callee quota exceeded",
            ],
        ),
    ]
}
