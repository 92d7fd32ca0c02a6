use super::*;

/// A message with one question.
fn message(id: u16, flags: u16, counts: [u16; 4], name: &[u8], record_type: u16, rest: &[u8]) -> Vec<u8> {
    let mut out = id.to_be_bytes().to_vec();
    out.extend(flags.to_be_bytes());
    out.extend(counts.iter().flat_map(|count| count.to_be_bytes()));
    out.extend(name);
    out.extend(record_type.to_be_bytes());
    out.extend(1_u16.to_be_bytes());
    out.extend(rest);
    out
}

fn framed(message: Vec<u8>) -> Vec<u8> {
    [(message.len() as u16).to_be_bytes().to_vec(), message].concat()
}

const NAME: &[u8] = b"\x03wWw\x07example\x03org\x00";
const SAME: &[u8] = b"\x03www\x07example\x03org\x00";
const ADDRESS: &[u8] = b"\xc0\x0c\0\x01\0\x01\0\0\0\x3c\0\x04\x5d\xb8\xd8\x22";
const EDNS: &[u8] = b"\0\0\x29\x10\0\0\0\0\0\0\0";

fn sample(
    name: &'static str,
    transport: Transport,
    turns: Vec<(Side, Vec<u8>)>,
    calls: &[&'static str],
) -> Sample {
    Sample {
        name,
        protocol: Protocol::Dns,
        transport,
        turns,
        calls: calls.to_vec(),
    }
}

pub(super) fn samples() -> Vec<Sample> {
    let question = |id, record_type| message(id, 0x0100, [1, 0, 0, 1], NAME, record_type, EDNS);
    let answer = |id, rcode: u16, record_type| {
        let rest = [ADDRESS, EDNS].concat();
        if rcode == 0 {
            message(id, 0x8180, [1, 1, 0, 1], SAME, record_type, &rest)
        } else {
            message(id, 0x8180 | rcode, [1, 0, 0, 0], SAME, record_type, b"")
        }
    };
    vec![
        sample(
            "answers out of order",
            Transport::Udp,
            vec![
                (A, question(7, 1)),
                (B, answer(7, 0, 1)),
                (A, question(8, 28)),
                (A, question(9, 33)),
                (B, answer(9, 3, 33)),
                (B, answer(8, 2, 28)),
            ],
            &[
                "dns A www.example.org -> 0",
                "dns SRV www.example.org -> 3 !caller NXDOMAIN",
                "dns AAAA www.example.org -> 2 !callee SERVFAIL",
            ],
        ),
        sample(
            "stream",
            Transport::Tcp,
            vec![
                (A, framed(question(1, 1))),
                (B, framed(answer(1, 0, 1))),
                (A, [framed(question(2, 1)), framed(question(3, 28))].concat()),
                (B, framed(answer(3, 5, 28))),
                (B, framed(answer(2, 0, 1))),
            ],
            &[
                "dns A www.example.org -> 0",
                "dns AAAA www.example.org -> 5 !callee REFUSED",
                "dns A www.example.org -> 0",
            ],
        ),
    ]
}
