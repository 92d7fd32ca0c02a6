use super::*;

enum Field<'a> {
    Text(&'a str),
    Number(f64),
    Int(i32),
}

fn document(fields: &[(&str, Field<'_>)]) -> Vec<u8> {
    let mut out = vec![0; 4];
    for (name, value) in fields {
        let mut put = |kind: u8, value: &[u8]| {
            out.push(kind);
            out.extend(name.as_bytes());
            out.push(0);
            out.extend(value);
        };
        match value {
            Field::Text(text) => {
                put(
                    2,
                    &[&(text.len() as u32 + 1).to_le_bytes(), text.as_bytes(), b"\0"].concat(),
                );
            }
            Field::Number(number) => put(1, &number.to_le_bytes()),
            Field::Int(number) => put(16, &number.to_le_bytes()),
        }
    }
    out.push(0);
    let len = (out.len() as u32).to_le_bytes();
    out[..4].copy_from_slice(&len);
    out
}

fn message(id: u32, answers: u32, operation: u32, body: &[u8]) -> Vec<u8> {
    let len = body.len() as u32 + 16;
    let header = [len, id, answers, operation].map(u32::to_le_bytes).concat();
    [header.as_slice(), body].concat()
}

fn msg(id: u32, answers: u32, flags: u32, fields: &[(&str, Field<'_>)]) -> Vec<u8> {
    message(
        id,
        answers,
        2013,
        &[&flags.to_le_bytes(), b"\0".as_slice(), &document(fields)].concat(),
    )
}

pub(super) fn samples() -> Vec<Sample> {
    use Field::{Int, Number, Text};
    let hello = [
        &[0; 4],
        b"admin.$cmd\0".as_slice(),
        &[0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff],
        &document(&[("isMaster", Int(1))]),
    ]
    .concat();
    let reply = [
        &[8, 0, 0, 0],
        [0; 12].as_slice(),
        &[1, 0, 0, 0],
        &document(&[("ok", Number(1.0))]),
    ]
    .concat();
    let turns: Vec<(Side, Vec<u8>)> = vec![
        (A, message(1, 0, 2004, &hello)),
        (B, message(900, 1, 1, &reply)),
        (
            A,
            msg(
                2,
                0,
                0,
                &[("find", Text("orders")), ("limit", Int(5)), ("$db", Text("shop"))],
            ),
        ),
        (B, msg(901, 2, 0, &[("ok", Number(1.0))])),
        (
            A,
            [
                msg(3, 0, 0, &[("insert", Text("orders")), ("$db", Text("shop"))]),
                msg(4, 0, 0, &[("count", Text("carts")), ("$db", Text("shop"))]),
            ]
            .concat(),
        ),
        (
            B,
            [
                msg(
                    902,
                    4,
                    0,
                    &[
                        ("ok", Number(0.0)),
                        ("errmsg", Text("not primary")),
                        ("code", Int(10107)),
                        ("codeName", Text("NotWritablePrimary")),
                    ],
                ),
                msg(903, 3, 0, &[("ok", Number(1.0))]),
            ]
            .concat(),
        ),
        (
            A,
            msg(5, 0, 2, &[("update", Text("orders")), ("$db", Text("shop"))]),
        ),
        (
            A,
            message(
                6,
                0,
                2012,
                &[&[0xdd, 7, 0, 0, 100, 0, 0, 0, 2], [0x78; 40].as_slice()].concat(),
            ),
        ),
        (
            B,
            message(
                904,
                6,
                2012,
                &[&[0xdd, 7, 0, 0, 100, 0, 0, 0, 2], [0x78; 40].as_slice()].concat(),
            ),
        ),
    ];
    let turns: Vec<(Side, &[u8])> = turns
        .iter()
        .map(|(side, bytes)| (*side, bytes.as_slice()))
        .collect();
    vec![Sample::tcp(
        Protocol::Mongodb,
        "commands",
        &turns,
        &[
            "mongodb find orders @shop ->",
            "mongodb count carts @shop -> 10107 !callee NotWritablePrimary (not primary)",
            "mongodb insert orders @shop ->",
            "mongodb update orders @shop +one-way",
            "mongodb COMPRESSED -> +compressed",
        ],
    )]
}
