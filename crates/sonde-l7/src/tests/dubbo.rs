use super::*;

fn message(flags: u8, status: u8, id: u64, body: &[u8]) -> Vec<u8> {
    let mut out = vec![0xda, 0xbb, flags, status];
    out.extend(id.to_be_bytes());
    out.extend((body.len() as u32).to_be_bytes());
    out.extend(body);
    out
}

fn text(text: &str) -> Vec<u8> {
    let mut out = match text.len() {
        len @ 0..32 => vec![len as u8],
        len => vec![0x30 | (len >> 8) as u8, len as u8],
    };
    out.extend(text.bytes());
    out
}

pub(super) fn samples() -> Vec<Sample> {
    let call = |method: &str| {
        [
            "2.0.2",
            "org.example.shop.orders.OrderService",
            "1.0.0",
            method,
            "Ljava/lang/String;",
            "x",
        ]
        .iter()
        .flat_map(|it| text(it))
        .collect::<Vec<u8>>()
    };
    let thrown = [b"\x90C".to_vec(), text("org.example.OutOfStock"), vec![0x91]].concat();
    let turns: Vec<(Side, Vec<u8>)> = vec![
        (A, message(0xc2, 0, 1, &call("find"))),
        (
            B,
            message(
                0x02,
                20,
                1,
                &[&[0x94], text("ok").as_slice(), b"H\x05dubbo\x052.0.2Z"].concat(),
            ),
        ),
        (
            A,
            [
                message(0xc2, 0, 2, &call("place")),
                message(0xc2, 0, 3, &call("cancel")),
                message(0x82, 0, 4, &call("log")),
            ]
            .concat(),
        ),
        (
            B,
            [
                message(0x02, 100, 3, &text("Thread pool is EXHAUSTED!")),
                message(0x02, 20, 2, &thrown),
            ]
            .concat(),
        ),
        (A, message(0xe2, 0, 5, b"N")),
        (B, message(0x22, 20, 5, b"N")),
        (
            A,
            message(0xc6, 0, 6, b"\"2.0.2\"\n\"org.example.Cart\"\n\"1.0\"\n\"get\"\n"),
        ),
        (B, message(0x06, 20, 6, b"1\n\"x\"\n")),
    ];
    let turns: Vec<(Side, &[u8])> = turns
        .iter()
        .map(|(side, bytes)| (*side, bytes.as_slice()))
        .collect();
    vec![Sample::tcp(
        Protocol::Dubbo,
        "calls",
        &turns,
        &[
            "dubbo find org.example.shop.orders.OrderService -> 20",
            "dubbo log org.example.shop.orders.OrderService +one-way",
            "dubbo cancel org.example.shop.orders.OrderService -> 100 !callee SERVER_THREADPOOL_EXHAUSTED (Thread pool is EXHAUSTED!)",
            "dubbo place org.example.shop.orders.OrderService -> 20 !callee EXCEPTION (org.example.OutOfStock)",
            "dubbo get org.example.Cart -> 20",
        ],
    )]
}
