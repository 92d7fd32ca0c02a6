use super::*;

fn frame(kind: u8, channel: u16, payload: &[u8]) -> Vec<u8> {
    let mut out = vec![kind];
    out.extend(channel.to_be_bytes());
    out.extend((payload.len() as u32).to_be_bytes());
    out.extend(payload);
    out.push(0xce);
    out
}

fn method(channel: u16, class: u16, id: u16, arguments: &[u8]) -> Vec<u8> {
    frame(
        1,
        channel,
        &[&class.to_be_bytes(), &id.to_be_bytes(), arguments].concat(),
    )
}

fn close(channel: u16, class: u16, id: u16, code: u16, text: &str, failed: (u16, u16)) -> Vec<u8> {
    let mut arguments = code.to_be_bytes().to_vec();
    arguments.push(text.len() as u8);
    arguments.extend(text.bytes());
    arguments.extend(failed.0.to_be_bytes());
    arguments.extend(failed.1.to_be_bytes());
    method(channel, class, id, &arguments)
}

const TRACE: &[u8] = b"\x0btraceparentS\0\0\0\x3700-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

pub(super) fn samples() -> Vec<Sample> {
    let start = method(0, 10, 10, b"\0\x09\0\0\0\0\0\0\0\x05PLAIN\0\0\0\x05en_US");
    let start_ok = method(0, 10, 11, b"\0\0\0\0\x05PLAIN\0\0\0\x0c\0anna\0s3cret\x05en_US");
    let content = |headers: &[u8]| {
        frame(
            2,
            1,
            &[
                b"\0\x3c\0\0\0\0\0\0\0\0\0\x02\x20\0\0\0\0\x43".as_slice(),
                headers,
            ]
            .concat(),
        )
    };
    let session: Vec<(Side, Vec<u8>)> = vec![
        (A, b"AMQP\0\0\x09\x01".to_vec()),
        (B, start.clone()),
        (A, start_ok.clone()),
        (B, method(0, 10, 30, b"\x07\xff\0\x02\0\0\0\x3c")),
        (
            A,
            [
                method(0, 10, 31, b"\x07\xff\0\x02\0\0\0\x3c"),
                method(0, 10, 40, b"\x05/shop\0\0"),
            ]
            .concat(),
        ),
        (B, method(0, 10, 41, b"\0")),
        (A, method(1, 20, 10, b"\0")),
        (B, method(1, 20, 11, b"\0\0\0\0")),
        (
            A,
            method(1, 50, 10, b"\0\0\x1eamq.gen-JzTY20BRgKO-HjmUJj0wLg\0\0\0\0\0"),
        ),
        (
            B,
            method(1, 50, 11, b"\x1eamq.gen-JzTY20BRgKO-HjmUJj0wLg\0\0\0\0\0\0\0\0"),
        ),
        (
            A,
            [
                method(1, 60, 40, b"\0\0\x06orders\x07created\0"),
                content(TRACE),
                frame(3, 1, b"hi"),
                method(1, 60, 70, b"\0\0\x04work\0"),
            ]
            .concat(),
        ),
        (
            B,
            [
                method(1, 60, 72, b"\0"),
                method(1, 60, 60, b"\x02c1\0\0\0\0\0\0\0\x01\0\0\x04work"),
                content(b""),
                frame(3, 1, b"hi"),
                frame(8, 0, b""),
            ]
            .concat(),
        ),
        (
            A,
            [
                method(1, 60, 80, b"\0\0\0\0\0\0\0\x01\0"),
                method(1, 60, 40, b"\0\0\x04nope\0\0"),
                content(b""),
                frame(3, 1, b"hi"),
            ]
            .concat(),
        ),
        (
            B,
            close(1, 20, 40, 404, "NOT_FOUND - no exchange 'nope'", (60, 40)),
        ),
        (A, method(1, 20, 41, b"")),
        (
            B,
            close(
                0,
                10,
                50,
                320,
                "CONNECTION_FORCED - broker forced connection closure",
                (0, 0),
            ),
        ),
    ];
    let refused: Vec<(Side, Vec<u8>)> = vec![
        (A, b"AMQP\0\0\x09\x01".to_vec()),
        (B, start),
        (A, start_ok),
        (
            B,
            close(0, 10, 50, 403, "ACCESS_REFUSED - Login was refused", (0, 0)),
        ),
    ];
    let borrowed = |turns: &[(Side, Vec<u8>)], name, calls: &[&'static str]| {
        let turns: Vec<(Side, &[u8])> = turns
            .iter()
            .map(|(side, bytes)| (*side, bytes.as_slice()))
            .collect();
        Sample::tcp(Protocol::Amqp, name, &turns, calls)
    };
    vec![
        borrowed(
            &session,
            "session",
            &[
                "amqp connection.start-ok ->",
                "amqp connection.open @/shop ->",
                "amqp channel.open ->",
                "amqp queue.declare amq.{id} ->",
                "amqp basic.publish orders +one-way #4bf92f3577b34da6a3ce929d0e0e4736",
                "amqp basic.get work ->",
                "amqp basic.deliver work +one-way +from-server",
                "amqp basic.publish nope +one-way",
                "amqp basic.publish -> 404 !caller NOT_FOUND (no exchange 'nope') +from-server",
                "amqp connection -> 320 !callee CONNECTION_FORCED (broker forced connection closure) +from-server",
            ],
        ),
        borrowed(
            &refused,
            "refused",
            &["amqp connection.start-ok -> 403 !caller ACCESS_REFUSED (Login was refused)"],
        ),
    ]
}
