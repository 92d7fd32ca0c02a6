use super::*;

fn message(parts: &[&[u8]]) -> Vec<u8> {
    let body = parts.concat();
    [&(body.len() as u32).to_be_bytes(), body.as_slice()].concat()
}

fn request(id: i32, kind: i32, path: &str, rest: &[u8]) -> Vec<u8> {
    let path = if path.is_empty() {
        Vec::new()
    } else {
        [&(path.len() as u32).to_be_bytes(), path.as_bytes()].concat()
    };
    message(&[&id.to_be_bytes(), &kind.to_be_bytes(), &path, rest])
}

fn reply(id: i32, error: i32, rest: &[u8]) -> Vec<u8> {
    message(&[
        &id.to_be_bytes(),
        &77_u64.to_be_bytes(),
        &error.to_be_bytes(),
        rest,
    ])
}

pub(super) fn samples() -> Vec<Sample> {
    let password = [&16_u32.to_be_bytes(), [7; 16].as_slice()].concat();
    let session: Vec<(Side, Vec<u8>)> = vec![
        (
            A,
            message(&[&[0; 12], &30_000_u32.to_be_bytes(), &[0; 8], &password, b"\0"]),
        ),
        (
            B,
            message(&[
                &[0; 4],
                &30_000_u32.to_be_bytes(),
                &9_u64.to_be_bytes(),
                &password,
                b"\0",
            ]),
        ),
        (A, request(1, 4, "/brokers/ids/1001", b"\x01")),
        (B, reply(1, 0, &[0; 90])),
        (
            A,
            [
                request(2, 1, "/locks/lock-0000000012", &[0; 30]),
                request(3, 3, "/config", b"\0"),
                request(-2, 11, "", b""),
            ]
            .concat(),
        ),
        (
            B,
            [
                reply(2, -110, b""),
                reply(-1, 0, &[0; 12]),
                reply(3, -101, b""),
                reply(-2, 0, b""),
            ]
            .concat(),
        ),
        (A, request(4, -11, "", b"")),
        (B, reply(4, 0, b"")),
    ];
    let session: Vec<(Side, &[u8])> = session
        .iter()
        .map(|(side, bytes)| (*side, bytes.as_slice()))
        .collect();
    vec![
        Sample::tcp(
            Protocol::Zookeeper,
            "session",
            &session,
            &[
                "zookeeper connect -> 0",
                "zookeeper getData /brokers/ids/{id} -> 0",
                "zookeeper create /locks/{id} -> -110 !caller NODEEXISTS",
                "zookeeper exists /config -> -101 !caller NONODE",
                "zookeeper closeSession -> 0",
            ],
        ),
        Sample::tcp(
            Protocol::Zookeeper,
            "word",
            &[(A, b"ruok"), (B, b"imok")],
            &["zookeeper ruok ->"],
        ),
    ]
}
