use super::*;

const INFO: &[u8] = b"INFO {\"server_id\":\"NDHBLLCIGK3PQKD5RUAUPCZAO6HCLQC4\",\"version\":\"2.10.4\",\"max_payload\":1048576}\r\n";

pub(super) fn samples() -> Vec<Sample> {
    let headers = "NATS/1.0\r\ntraceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n\r\n";
    let (headers_len, len) = (headers.len(), headers.len() + 2);
    let asked = format!("HPUB prices.get _INBOX.a1.b2 {headers_len} {len}\r\n{headers}hi\r\n").into_bytes();
    let nobody = b"HMSG _INBOX.a1.b2 2 16 16\r\nNATS/1.0 503\r\n\r\n\r\n";
    vec![
        Sample::tcp(
            Protocol::Nats,
            "session",
            &[
                (B, INFO),
                (A, b"CONNECT {\"verbose\":false,\"user\":\"anna\",\"pass\":\"s3cret\",\"lang\":\"go\"}\r\nPING\r\n"),
                (B, b"PONG\r\n"),
                (A, b"SUB orders.* 1\r\nPUB orders.1207.created 5\r\nhello\r\n"),
                (B, b"MSG orders.1207.created 1 5\r\nhello\r\n"),
                (A, &asked),
                (B, nobody),
                (A, b"PUB prices.get _INBOX.a1.b3 2\r\nhi\r\nPUB prices.get _INBOX.a1.b4 0\r\n\r\n"),
                (B, b"MSG _INBOX.a1.b4 2 3\r\n1.5\r\nMSG _INBOX.a1.b3 2 3\r\n1.4\r\nPING\r\n"),
                (A, b"PONG\r\nPUB forbidden 0\r\n\r\n"),
                (B, b"-ERR 'Permissions Violation for Publish to \"forbidden\"'\r\n"),
            ],
            &[
                "nats CONNECT ->",
                "nats subscribe orders.* +one-way",
                "nats publish orders.{id}.created +one-way",
                "nats deliver orders.{id}.created +one-way +from-server",
                "nats request prices.get -> !callee 503 #4bf92f3577b34da6a3ce929d0e0e4736",
                "nats request prices.get ->",
                "nats request prices.get ->",
                "nats publish forbidden +one-way",
                "nats -ERR -> !caller Permissions Violation for Publish to \"forbidden\" +from-server",
            ],
        ),
        Sample::tcp(
            Protocol::Nats,
            "refused",
            &[
                (B, INFO),
                (A, b"CONNECT {\"verbose\":false,\"pass\":\"x\"}\r\nPING\r\n"),
                (B, b"-ERR 'Authorization Violation'\r\n"),
            ],
            &["nats CONNECT -> !caller Authorization Violation"],
        ),
    ]
}
