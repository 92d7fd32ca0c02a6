use super::*;

fn typed(kind: u8, payload: &[u8]) -> Vec<u8> {
    let mut out = vec![kind];
    out.extend((payload.len() as u32 + 4).to_be_bytes());
    out.extend(payload);
    out
}

fn startup() -> Vec<u8> {
    let body = b"\0\x03\0\0user\0anna\0database\0shop\0application_name\0psql\0\0";
    [&(body.len() as u32 + 4).to_be_bytes(), body.as_slice()].concat()
}

fn error(code: &str, text: &str) -> Vec<u8> {
    typed(
        b'E',
        format!("SERROR\0VERROR\0C{code}\0M{text}\0Fx.c\0\0").as_bytes(),
    )
}

fn sample(name: &'static str, turns: &[(Side, Vec<u8>)], calls: &[&'static str]) -> Sample {
    let turns: Vec<(Side, &[u8])> = turns
        .iter()
        .map(|(side, bytes)| (*side, bytes.as_slice()))
        .collect();
    Sample::tcp(Protocol::Postgres, name, &turns, calls)
}

pub(super) fn samples() -> Vec<Sample> {
    let ready = typed(b'Z', b"I");
    let sync = typed(b'S', b"");
    let columns = typed(
        b'T',
        b"\0\x01id\0\0\0\0\0\0\0\0\0\0\x17\0\x04\xff\xff\xff\xff\0\0",
    );
    let row = typed(b'D', b"\0\x01\0\0\0\x011");
    let parse = |name: &str, query: &str| typed(b'P', format!("{name}\0{query}\0\0\0").as_bytes());
    let bind = |name: &str| typed(b'B', format!("\0{name}\0\0\0\0\0\0\0").as_bytes());
    let execute = typed(b'E', b"\0\0\0\0\0");
    let password = typed(b'p', b"md5c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0\0");
    let login: Vec<(Side, Vec<u8>)> = vec![
        (A, b"\0\0\0\x08\x04\xd2\x16\x2f".to_vec()),
        (B, b"N".to_vec()),
        (A, startup()),
        (B, typed(b'R', b"\0\0\0\x05salt")),
        (A, password),
        (
            B,
            [
                typed(b'R', &[0; 4]),
                typed(b'S', b"server_version\x0017\0"),
                typed(b'K', &[7; 8]),
                ready.clone(),
            ]
            .concat(),
        ),
        (A, typed(b'Q', b"SELECT id FROM orders WHERE id = 17\0")),
        (
            B,
            [
                columns.clone(),
                row.clone(),
                typed(b'C', b"SELECT 1\0"),
                ready.clone(),
            ]
            .concat(),
        ),
        (A, typed(b'Q', b"insert into orders values (1, 'x'), (2, 'y')\0")),
        (B, [error("23505", "duplicate key"), ready.clone()].concat()),
        (A, typed(b'Q', b"BEGIN; SELECT 1; COMMIT\0")),
        (
            B,
            [
                typed(b'C', b"BEGIN\0"),
                columns.clone(),
                row.clone(),
                typed(b'C', b"SELECT 1\0"),
                typed(b'C', b"COMMIT\0"),
                ready.clone(),
            ]
            .concat(),
        ),
        (A, typed(b'X', b"")),
    ];
    let refused: Vec<(Side, Vec<u8>)> = vec![
        (A, startup()),
        (B, error("53300", "sorry, too many clients already")),
    ];
    let extended: Vec<(Side, Vec<u8>)> = vec![
        (
            A,
            [
                parse("s1", "UPDATE t SET a = $1"),
                typed(b'D', b"Ss1\0"),
                sync.clone(),
            ]
            .concat(),
        ),
        (
            B,
            [
                typed(b'1', b""),
                typed(b't', b"\0\x01\0\0\0\x17"),
                typed(b'n', b""),
                ready.clone(),
            ]
            .concat(),
        ),
        (A, [bind("s1"), execute.clone(), sync.clone()].concat()),
        (
            B,
            [typed(b'2', b""), typed(b'C', b"UPDATE 1\0"), ready.clone()].concat(),
        ),
        // Two in one batch, of which the first fails.
        (
            A,
            [
                parse("", "SELECT a FROM u /* x */"),
                bind(""),
                typed(b'D', b"P\0"),
                execute.clone(),
                bind("s1"),
                execute.clone(),
                sync.clone(),
            ]
            .concat(),
        ),
        (
            B,
            [error("42P01", "relation \"u\" does not exist"), ready.clone()].concat(),
        ),
        (
            A,
            [
                parse("", "SELECT a FROM v"),
                bind(""),
                execute.clone(),
                bind("s1"),
                execute,
                sync,
            ]
            .concat(),
        ),
        (
            B,
            [
                typed(b'1', b""),
                typed(b'2', b""),
                columns,
                row,
                typed(b'C', b"SELECT 1\0"),
                typed(b'2', b""),
                error("57014", "canceling statement"),
                ready,
            ]
            .concat(),
        ),
    ];
    vec![
        sample(
            "login and simple queries",
            &login,
            &[
                "postgres CONNECT @shop ->",
                "postgres SELECT SELECT id FROM orders WHERE id = ? ->",
                "postgres INSERT insert into orders values (?) -> !caller 23505 (duplicate key)",
                "postgres BEGIN BEGIN; SELECT ?; COMMIT -> 1/3",
            ],
        ),
        sample(
            "refused",
            &refused,
            &["postgres CONNECT @shop -> !callee 53300 (sorry, too many clients already)"],
        ),
        sample(
            "extended queries",
            &extended,
            &[
                "postgres PREPARE UPDATE t SET a = ? ->",
                "postgres UPDATE UPDATE t SET a = ? ->",
                "postgres SELECT SELECT a FROM u -> !caller 42P01 (relation \"u\" does not exist)",
                "postgres SELECT SELECT a FROM v ->",
                "postgres UPDATE UPDATE t SET a = ? -> !callee 57014 (canceling statement) +pipelined",
            ],
        ),
    ]
}
