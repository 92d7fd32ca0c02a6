use super::*;

const WHOLE: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

fn sample(name: &'static str, turns: &[(Side, &[u8])], calls: &[&'static str]) -> Sample {
    Sample::tcp(Protocol::Http1, name, turns, calls)
}

pub(super) fn samples() -> Vec<Sample> {
    vec![
        sample(
            "keep alive",
            &[
                (A, b"GET /orders/123?x=1 HTTP/1.1\r\nHost: shop\r\n\r\n"),
                (B, WHOLE),
                (A, b"POST /orders HTTP/1.1\r\nhost: shop\r\ncontent-length: 3\r\n\r\na=1"),
                (B, b"HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n"),
                (A, b"DELETE /orders/77 HTTP/1.1\r\nHost: shop\r\n\r\n"),
                (B, b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n"),
            ],
            &[
                "http1 GET /orders/{id} @shop -> 200",
                "http1 POST /orders @shop -> 503 !callee ",
                "http1 DELETE /orders/{id} @shop -> 404 !caller ",
            ],
        ),
        sample(
            "pipelined",
            &[
                (
                    A,
                    b"GET /a HTTP/1.1\r\n\r\nHEAD /b HTTP/1.1\r\n\r\nGET /c HTTP/1.1\r\n\r\n",
                ),
                (
                    B,
                    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhelloHTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n",
                ),
            ],
            &[
                "http1 GET /a -> 200",
                "http1 HEAD /b -> 200 +pipelined",
                "http1 GET /c -> 204 +pipelined",
            ],
        ),
        sample(
            "chunked both ways, with 100 and trailers",
            &[
                (
                    A,
                    b"PUT /f HTTP/1.1\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n",
                ),
                (B, b"HTTP/1.1 100 Continue\r\n\r\n"),
                (A, b"5;x=y\r\nhello\r\n0\r\n\r\n"),
                (
                    B,
                    b"HTTP/1.1 201 Created\r\nTransfer-Encoding: gzip, chunked\r\nContent-Encoding: gzip\r\n\r\n3\r\nabc\r\nA\r\n0123456789\r\n0\r\nX-T: 1\r\n\r\n",
                ),
                (A, b"GET /g HTTP/1.1\r\n\r\n"),
                (B, WHOLE),
            ],
            &["http1 PUT /f -> 201 +compressed", "http1 GET /g -> 200"],
        ),
        sample(
            "until the end",
            &[
                (A, b"GET /old HTTP/1.0\r\n\r\n"),
                (B, b"HTTP/1.0 200 OK\r\nServer: x\r\n\r\n<html>HTTP/1.1 500"),
            ],
            &["http1 GET /old -> 200"],
        ),
        sample(
            "upgrade",
            &[
                (A, b"GET /ws HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"),
                (B, b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n\x81\x05hello"),
                (A, b"\x81\x85abcdefghi"),
                (B, b"\x81\x05hello"),
            ],
            &["http1 GET /ws -> 101 +upgraded"],
        ),
        sample(
            "tunnel",
            &[
                (A, b"CONNECT example.org:443 HTTP/1.1\r\nHost: example.org:443\r\n\r\n"),
                (B, b"HTTP/1.1 200 Connection established\r\n\r\n"),
                (A, b"\x01\x02\x03"),
                (B, b"\x01\x02\x03"),
            ],
            &["http1 CONNECT example.org:443 @example.org:443 -> 200 +upgraded"],
        ),
        sample(
            "trace",
            &[
                (
                    A,
                    b"GET / HTTP/1.1\r\ntraceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n\r\n",
                ),
                (B, WHOLE),
            ],
            &["http1 GET / -> 200 #4bf92f3577b34da6a3ce929d0e0e4736"],
        ),
    ]
}

/// Only the first bytes of each turn were captured.
#[test]
fn prefixes_of_turns_give_calls() {
    let mut connection = samples()[0].connection();
    let mut out = Vec::new();
    let body = [
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1000\r\n".as_slice(),
        &[b'x'; 100],
    ]
    .concat();
    let long = [b"GET /search?q=".as_slice(), &[b'y'; 200]].concat();
    for round in 0..3 {
        for (side, bytes, len) in [(A, &long, 4000), (B, &body, 70_000)] {
            let segment = Segment {
                side,
                time_ns: round,
                bytes,
                len,
                lost_before: false,
            };
            connection.feed(segment, &mut |call| out.push(shown(call)));
        }
    }
    connection.close(9, &mut |call| out.push(shown(call)));
    assert_eq!(out, ["http1 GET /search -> 200 +truncated"; 3]);
}

#[test]
fn a_late_start_gets_in_step() {
    let sample = &samples()[0];
    let verdict = Verdict {
        protocol: Protocol::Http1,
        server: B,
    };
    let connection = Connection::new(Transport::Tcp, verdict, Start::Midway).unwrap();
    let mut turns = whole(sample);
    turns[0].1 = &turns[0].1[10..];
    assert_eq!(calls(connection, &turns), sample.calls[1..]);
}
