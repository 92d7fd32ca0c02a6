use super::*;

fn record(kind: u8, payload: &[u8]) -> Vec<u8> {
    let mut out = vec![kind, 3, if kind == 22 { 1 } else { 3 }];
    out.extend((payload.len() as u16).to_be_bytes());
    out.extend(payload);
    out
}

fn handshake(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut out = vec![kind];
    out.extend(&(body.len() as u32).to_be_bytes()[1..]);
    out.extend(body);
    record(22, &out)
}

fn extension(kind: u16, body: &[u8]) -> Vec<u8> {
    [&kind.to_be_bytes(), &(body.len() as u16).to_be_bytes(), body].concat()
}

fn client_hello() -> Vec<u8> {
    let name = b"shop.example.org";
    let extensions = [
        extension(0x0a0a, b""),
        extension(0, &[&[0, 19, 0, 0, 16], name.as_slice()].concat()),
        extension(16, b"\x00\x0c\x02h2\x08http/1.1"),
        extension(43, b"\x04\x03\x04\x03\x03"),
    ]
    .concat();
    let mut body = vec![3, 3];
    body.extend([7; 32]);
    body.push(32);
    body.extend([8; 32]);
    body.extend(b"\x00\x04\x13\x01\xc0\x2f\x01\x00");
    body.extend((extensions.len() as u16).to_be_bytes());
    body.extend(extensions);
    handshake(1, &body)
}

fn server_hello(version: u8, random: &[u8]) -> Vec<u8> {
    let mut body = vec![3, 3];
    body.extend(random);
    body.push(0);
    body.extend(b"\x13\x01\x00");
    let extensions = if version == 4 {
        extension(43, b"\x03\x04")
    } else {
        extension(0xff01, b"\0")
    };
    body.extend((extensions.len() as u16).to_be_bytes());
    body.extend(extensions);
    handshake(2, &body)
}

const RETRY: &[u8] = b"\xcf\x21\xad\x74\xe5\x9a\x61\x11\xbe\x1d\x8c\x02\x1e\x65\xb8\x91\xc2\xa2\x11\x16\x7a\xbb\x8c\x5e\x07\x9e\x09\xe2\xc8\xa8\x33\x9c";

fn sample(name: &'static str, turns: &[(Side, Vec<u8>)], calls: &[&'static str]) -> Sample {
    let turns: Vec<(Side, &[u8])> = turns
        .iter()
        .map(|(side, bytes)| (*side, bytes.as_slice()))
        .collect();
    Sample::tcp(Protocol::Tls, name, &turns, calls)
}

pub(super) fn samples() -> Vec<Sample> {
    let change = record(20, &[1]);
    let data = |len: usize| record(23, &vec![0x5a; len]);
    let random = [9; 32];
    vec![
        sample(
            "1.3 after a retry",
            &[
                (A, client_hello()),
                (B, [server_hello(4, RETRY), change.clone()].concat()),
                (A, [change.clone(), client_hello()].concat()),
                (B, [server_hello(4, &random), data(900), data(53)].concat()),
                (A, [data(53), data(100)].concat()),
                (B, data(200)),
            ],
            &["tls HANDSHAKE shop.example.org @h2 ->"],
        ),
        sample(
            "1.2",
            &[
                (A, client_hello()),
                (
                    B,
                    [
                        server_hello(3, &random),
                        handshake(11, &[1; 700]),
                        handshake(14, b""),
                    ]
                    .concat(),
                ),
                (
                    A,
                    [handshake(16, &[2; 33]), change.clone(), record(22, &[3; 40])].concat(),
                ),
                (B, [change, record(22, &[4; 40])].concat()),
                (A, data(60)),
            ],
            &["tls HANDSHAKE shop.example.org @h2 ->"],
        ),
        sample(
            "refused by the server",
            &[(A, client_hello()), (B, record(21, &[2, 70]))],
            &["tls HANDSHAKE shop.example.org @h2 -> 70 !caller protocol_version (the server refused)"],
        ),
        sample(
            "refused by the client",
            &[
                (A, client_hello()),
                (B, [server_hello(3, &random), handshake(11, &[1; 700])].concat()),
                (A, record(21, &[2, 48])),
            ],
            &["tls HANDSHAKE shop.example.org @h2 -> 48 !callee unknown_ca (the client refused)"],
        ),
        sample(
            "refused by the client in 1.3",
            &[
                (A, client_hello()),
                (B, [server_hello(4, &random), data(900)].concat()),
                (A, data(19)),
            ],
            &["tls HANDSHAKE shop.example.org @h2 -> !callee encrypted_alert (the client refused)"],
        ),
    ]
}

/// PostgreSQL's client asks for encryption, and the connection goes on as TLS.
#[test]
fn encryption_may_start_in_the_middle() {
    let verdict = Verdict {
        protocol: Protocol::Postgres,
        server: B,
    };
    let connection = Connection::new(Transport::Tcp, verdict, Start::Fresh).unwrap();
    let hello = client_hello();
    let turns: [(Side, &[u8]); 4] = [
        (A, b"\0\0\0\x08\x04\xd2\x16\x2f"),
        (B, b"S"),
        (A, &hello),
        (B, &record(21, &[2, 40])),
    ];
    assert_eq!(
        calls(connection, &turns),
        ["tls HANDSHAKE shop.example.org @h2 -> 40 !caller handshake_failure (the server refused)"]
    );
}

/// Records of data alone are TLS if it is known who opened the connection.
#[test]
fn a_late_start_is_tls() {
    let data = record(23, &[0x5a; 80]);
    let turns = [A, B].map(|side| Turn {
        side,
        bytes: &data,
        len: data.len() as u64,
    });
    let verdict = Verdict {
        protocol: Protocol::Tls,
        server: B,
    };
    assert_eq!(judge(Transport::Tcp, &turns, Some(A)), Some(verdict));
    assert_eq!(judge(Transport::Tcp, &turns, None), None);
}
