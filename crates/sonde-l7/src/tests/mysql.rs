use super::*;

fn packet(sequence: u8, payload: &[u8]) -> Vec<u8> {
    let mut out = (payload.len() as u32).to_le_bytes()[..3].to_vec();
    out.push(sequence);
    out.extend(payload);
    out
}

fn greeting() -> Vec<u8> {
    let mut out = b"\x0a8.0.36\0".to_vec();
    out.extend([9, 0, 0, 0]);
    out.extend(b"saltsalt\0");
    out.extend([0xff, 0xff, 0xff, 0x02, 0x00, 0xff, 0xdf, 21]);
    out.extend([0; 10]);
    out.extend(b"saltsaltsalt\0mysql_native_password\0");
    packet(0, &out)
}

fn login(capabilities: u32) -> Vec<u8> {
    let mut out = capabilities.to_le_bytes().to_vec();
    out.extend([0, 0, 0, 1, 45]);
    out.extend([0; 23]);
    out.extend(b"anna\0\x08s3cretpwshop\0mysql_native_password\0");
    packet(1, &out)
}

const CAPABILITIES: u32 = 0x0008_0000 | 0x8000 | 0x200 | 0x8;
const OK: &[u8] = &[0, 1, 0, 2, 0, 0, 0];
const EOF: &[u8] = &[0xfe, 0, 0, 2, 0];

fn error(sequence: u8, code: u16, state: &str, text: &str) -> Vec<u8> {
    let mut out = vec![0xff];
    out.extend(code.to_le_bytes());
    out.extend(format!("#{state}{text}").bytes());
    packet(sequence, &out)
}

fn query(text: &str) -> Vec<u8> {
    packet(0, &[b"\x03", text.as_bytes()].concat())
}

const COLUMN: &[u8] = b"\x03def\x04shop\x01t\x01t\x01a\x01a\x0c\x3f\0\x0b\0\0\0\x03\0\0\0\0\0";

/// A result of one column with `rows` rows.
fn result(from: u8, rows: u8, classic: bool, status: u8) -> Vec<u8> {
    let mut out = [packet(from, &[1]), packet(from + 1, COLUMN)].concat();
    let mut sequence = from + 2;
    let mut push = |payload: &[u8]| {
        out.extend(packet(sequence, payload));
        sequence += 1;
    };
    if classic {
        push(EOF);
    }
    for _ in 0..rows {
        push(b"\x011");
    }
    if classic {
        push(&[0xfe, 0, 0, status, 0]);
    } else {
        push(&[0xfe, 0, 0, status, 0, 0, 0]);
    }
    out
}

fn sample(name: &'static str, turns: &[(Side, Vec<u8>)], calls: &[&'static str]) -> Sample {
    let turns: Vec<(Side, &[u8])> = turns
        .iter()
        .map(|(side, bytes)| (*side, bytes.as_slice()))
        .collect();
    Sample::tcp(Protocol::Mysql, name, &turns, calls)
}

pub(super) fn samples() -> Vec<Sample> {
    let text: Vec<(Side, Vec<u8>)> = vec![
        (B, greeting()),
        (A, login(CAPABILITIES)),
        (
            B,
            packet(
                2,
                &[
                    b"\xfe".as_slice(),
                    b"caching_sha2_password\0saltsaltsaltsaltsalt\0",
                ]
                .concat(),
            ),
        ),
        (A, packet(3, b"hashhashhash")),
        (B, packet(4, OK)),
        (A, query("SELECT a FROM t WHERE b = 'x' LIMIT 5")),
        (B, result(1, 3, true, 2)),
        (A, query("update t set a = 1")),
        (B, packet(1, OK)),
        (A, query("select * from nope")),
        (B, error(1, 1146, "42S02", "Table 'shop.nope' doesn't exist")),
        (A, packet(0, b"\x0e")),
        (B, packet(1, OK)),
        (A, query("call p()")),
        (B, [result(1, 1, false, 0x0a), packet(9, OK)].concat()),
        (A, query("select a from t")),
        (B, result(1, 0, false, 2)),
        (A, packet(0, b"\x01")),
    ];
    let prepared: Vec<(Side, Vec<u8>)> = vec![
        (A, packet(0, b"\x16SELECT a FROM t WHERE id = ?")),
        (
            B,
            [
                packet(1, &[0, 7, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0]),
                packet(2, COLUMN),
                packet(3, EOF),
                packet(4, COLUMN),
                packet(5, EOF),
            ]
            .concat(),
        ),
        (
            A,
            packet(0, &[0x17, 7, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 3, 0, 5, 0, 0, 0]),
        ),
        (B, result(1, 2, true, 2)),
        (A, [packet(0, &[0x19, 7, 0, 0, 0]), query("commit")].concat()),
        (B, error(1, 1213, "40001", "Deadlock found")),
    ];
    let refused: Vec<(Side, Vec<u8>)> = vec![
        (B, greeting()),
        (A, login(CAPABILITIES)),
        (B, error(2, 1045, "28000", "Access denied")),
    ];
    let compressed: Vec<(Side, Vec<u8>)> = vec![
        (B, greeting()),
        (A, login(CAPABILITIES | 0x20)),
        (B, packet(2, OK)),
        (A, frame(0, 0, &query("SELECT 1"))),
        (B, frame(1, 0, &result(1, 1, true, 2))),
        (A, frame(0, 900, &[0x78; 60])),
        (B, frame(1, 0, &error(1, 1064, "42000", "syntax"))),
    ];
    vec![
        sample(
            "text",
            &text,
            &[
                "mysql CONNECT @shop ->",
                "mysql SELECT SELECT a FROM t WHERE b = ? LIMIT ? @shop ->",
                "mysql UPDATE update t set a = ? @shop ->",
                "mysql SELECT select * from nope @shop -> 1146 !caller 42S02 (Table 'shop.nope' doesn't exist)",
                "mysql PING @shop ->",
                "mysql CALL call p() @shop -> 1/2",
                "mysql SELECT select a from t @shop ->",
            ],
        ),
        sample(
            "prepared",
            &prepared,
            &[
                "mysql PREPARE SELECT a FROM t WHERE id = ? ->",
                "mysql SELECT SELECT a FROM t WHERE id = ? ->",
                "mysql COMMIT commit -> 1213 !callee 40001 (Deadlock found)",
            ],
        ),
        sample(
            "refused",
            &refused,
            &["mysql CONNECT @shop -> 1045 !caller 28000 (Access denied)"],
        ),
        sample(
            "compressed",
            &compressed,
            &[
                "mysql CONNECT @shop ->",
                "mysql SELECT SELECT ? @shop -> +compressed",
                "mysql COMPRESSED @shop -> 1064 !caller 42000 (syntax) +compressed",
            ],
        ),
    ]
}

fn frame(sequence: u8, plain_len: u32, payload: &[u8]) -> Vec<u8> {
    let mut out = (payload.len() as u32).to_le_bytes()[..3].to_vec();
    out.push(sequence);
    out.extend(&plain_len.to_le_bytes()[..3]);
    out.extend(payload);
    out
}

/// A server that is full says so instead of greeting.
#[test]
fn a_refusal_without_a_greeting_is_a_failed_call() {
    let turns = [(B, error(0, 1040, "08004", "Too many connections"))];
    let turns: Vec<(Side, &[u8])> = turns
        .iter()
        .map(|(side, bytes)| (*side, bytes.as_slice()))
        .collect();
    let found = calls(samples()[0].connection(), &turns);
    assert_eq!(
        found,
        ["mysql CONNECT -> 1040 !callee 08004 (Too many connections) +from-server"]
    );
}
