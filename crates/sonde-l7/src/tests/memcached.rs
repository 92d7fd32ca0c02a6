use super::*;

fn binary(
    magic: u8,
    opcode: u8,
    key: &[u8],
    status: u16,
    extras: usize,
    value: &[u8],
    opaque: u32,
) -> Vec<u8> {
    let mut out = vec![magic, opcode];
    out.extend((key.len() as u16).to_be_bytes());
    out.extend([extras as u8, 0]);
    out.extend(status.to_be_bytes());
    out.extend(((key.len() + extras + value.len()) as u32).to_be_bytes());
    out.extend(opaque.to_be_bytes());
    out.extend([0; 8]);
    out.extend(vec![0; extras]);
    out.extend(key);
    out.extend(value);
    out
}

pub(super) fn samples() -> Vec<Sample> {
    let text: &[(Side, &[u8])] = &[
        (A, b"set cart:1 0 60 5\r\nhello\r\n"),
        (B, b"STORED\r\n"),
        (A, b"get cart:1 cart:2\r\n"),
        (
            B,
            b"VALUE cart:1 0 5\r\nhello\r\nVALUE cart:2 0 7\r\nEND\r\nab\r\nEND\r\n",
        ),
        (A, b"incr n 1\r\n"),
        (
            B,
            b"CLIENT_ERROR cannot increment or decrement non-numeric value\r\n",
        ),
        (A, b"delete a noreply\r\nget a\r\nversion\r\n"),
        (B, b"END\r\nVERSION 1.6.18\r\n"),
        (A, b"mg k v t\r\nms k 3 q\r\nabc\r\nmn\r\n"),
        (B, b"VA 2 t-1\r\nhi\r\nMN\r\n"),
        (A, b"nonsense\r\n"),
        (B, b"ERROR\r\n"),
        (A, b"set x 0 0 1\r\ny\r\n"),
        (B, b"SERVER_ERROR out of memory storing object\r\n"),
        (A, b"stats\r\n"),
        (B, b"STAT pid 1\r\nSTAT uptime 5\r\nEND\r\n"),
    ];
    let bytes: Vec<(Side, Vec<u8>)> = vec![
        (A, binary(0x80, 0, b"cart", 0, 0, b"", 7)),
        (B, binary(0x81, 0, b"", 0, 4, b"hello", 7)),
        (
            A,
            [
                binary(0x80, 9, b"a", 0, 0, b"", 8),
                binary(0x80, 0x0a, b"", 0, 0, b"", 9),
            ]
            .concat(),
        ),
        (B, binary(0x81, 0x0a, b"", 0, 0, b"", 9)),
        (A, binary(0x80, 1, b"k", 0, 8, b"v", 10)),
        (B, binary(0x81, 1, b"", 0x82, 0, b"Out of memory", 10)),
    ];
    let bytes: Vec<(Side, &[u8])> = bytes
        .iter()
        .map(|(side, bytes)| (*side, bytes.as_slice()))
        .collect();
    vec![
        Sample::tcp(
            Protocol::Memcached,
            "text",
            text,
            &[
                "memcached SET ->",
                "memcached GET ->",
                "memcached INCR -> !caller CLIENT_ERROR (cannot increment or decrement non-numeric value)",
                "memcached DELETE +one-way",
                "memcached GET ->",
                "memcached VERSION -> +pipelined",
                "memcached MS +pipelined +one-way",
                "memcached MG ->",
                "memcached MN -> +pipelined",
                "memcached UNKNOWN -> !caller ERROR",
                "memcached SET -> !callee SERVER_ERROR (out of memory storing object)",
                "memcached STATS ->",
            ],
        ),
        Sample::tcp(
            Protocol::Memcached,
            "binary",
            &bytes,
            &[
                "memcached GET -> 0",
                "memcached GETQ",
                "memcached NOOP -> 0 +pipelined",
                "memcached SET -> 130 !callee SERVER_ERROR",
            ],
        ),
    ]
}
