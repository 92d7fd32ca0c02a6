use super::*;

fn sample(name: &'static str, turns: &[(Side, &[u8])], calls: &[&'static str]) -> Sample {
    Sample::tcp(Protocol::Redis, name, turns, calls)
}

pub(super) fn samples() -> Vec<Sample> {
    vec![
        sample(
            "one by one",
            &[
                (A, b"*2\r\n$3\r\nget\r\n$5\r\nkey:1\r\n"),
                (B, b"$5\r\nhello\r\n"),
                (A, b"*2\r\n$4\r\nINCR\r\n$1\r\nx\r\n"),
                (B, b"-WRONGTYPE Operation against a key\r\n"),
                (A, b"*1\r\n$7\r\nCOMMAND\r\n"),
                (B, b"*2\r\n*2\r\n$3\r\nget\r\n:2\r\n*0\r\n"),
                (A, b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$3\r\na\r\n\r\n"),
                (B, b"-OOM command not allowed\r\n"),
            ],
            &[
                "redis GET ->",
                "redis INCR -> !caller WRONGTYPE (Operation against a key)",
                "redis COMMAND ->",
                "redis SET -> !callee OOM (command not allowed)",
            ],
        ),
        sample(
            "pipelined",
            &[
                (
                    A,
                    b"*1\r\n$4\r\nPING\r\n*2\r\n$3\r\nGET\r\n$1\r\nk\r\n*3\r\n$6\r\nLRANGE\r\n$1\r\nl\r\n$1\r\n0\r\n",
                ),
                (B, b"+PONG\r\n$-1\r\n*2\r\n$1\r\na\r\n$-1\r\n"),
            ],
            &["redis PING ->", "redis GET -> +pipelined", "redis LRANGE -> +pipelined"],
        ),
        sample(
            "RESP3",
            &[
                (A, b"*2\r\n$5\r\nHELLO\r\n$1\r\n3\r\n"),
                (B, b"%2\r\n$6\r\nserver\r\n$5\r\nredis\r\n$5\r\nproto\r\n:3\r\n"),
                (A, b"*2\r\n$3\r\nGET\r\n$1\r\nk\r\n"),
                (B, b"|1\r\n+ttl\r\n:3600\r\n>2\r\n+invalidate\r\n*1\r\n$1\r\nk\r\n_\r\n"),
                (A, b"*2\r\n$7\r\nHGETALL\r\n$1\r\nh\r\n"),
                (B, b"!21\r\nSYNTAX invalid syntax\r\n"),
            ],
            &[
                "redis HELLO ->",
                "redis GET ->",
                "redis HGETALL -> !caller SYNTAX (invalid syntax)",
            ],
        ),
        sample(
            "channels",
            &[
                (A, b"*3\r\n$9\r\nSUBSCRIBE\r\n$1\r\na\r\n$1\r\nb\r\n"),
                (
                    B,
                    b"*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n*3\r\n$9\r\nsubscribe\r\n$1\r\nb\r\n:2\r\n*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$2\r\nhi\r\n",
                ),
                (A, b"*1\r\n$4\r\nPING\r\n"),
                (B, b"*2\r\n$4\r\npong\r\n$0\r\n\r\n"),
            ],
            &["redis SUBSCRIBE ->", "redis PING ->"],
        ),
        sample(
            "typed",
            &[(A, b"PING\r\n"), (B, b"+PONG\r\n"), (A, b"INFO server\r\n"), (B, b"$2\r\nhi\r\n")],
            &["redis PING ->", "redis INFO ->"],
        ),
    ]
}

/// A large value, of which only the start was captured.
#[test]
fn values_that_were_not_captured_are_skipped() {
    let mut connection = samples()[0].connection();
    let mut out = Vec::new();
    let set = b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$100000\r\nxxxx";
    for (side, bytes, len) in [
        (A, set.as_slice(), set.len() as u64 - 4 + 100_002),
        (B, b"+OK\r\n", 5),
        (A, b"*2\r\n$3\r\nGET\r\n$1\r\nk\r\n", 20),
        (B, b"$100000\r\nxxxx", 100_011),
        (A, b"*1\r\n$4\r\nPING\r\n", 14),
        (B, b"+PONG\r\n", 7),
    ] {
        let segment = Segment {
            side,
            time_ns: 0,
            bytes,
            len,
            lost_before: false,
        };
        connection.feed(segment, &mut |call| out.push(shown(call)));
    }
    assert_eq!(out, ["redis SET ->", "redis GET ->", "redis PING ->"]);
}
