//! MySQL and MariaDB: text and prepared statements.

mod packet;
mod session;

use super::{Dialect, Fit};
use crate::bytes::{Cursor, is_printable, is_text};
use crate::kernel::{KernelCheck, Outcome, Rule};
use crate::redact::Mask;
use crate::sql;
use crate::verdict::{Role, Turn};
use packet::{HEADER_LEN, header, lenenc};

pub(crate) static DIALECT: Dialect = Dialect {
    starts: |role, turn| match role {
        Role::Client => is_command(turn),
        Role::Server => answer(turn) != Fit::No,
    },
    fit,
    greeting: Some(|server, client| {
        let greets = packet_of(server, 0).is_some_and(packet::is_greeting);
        Fit::strong_if(greets && is_login(client))
    }),
    session: |start| Box::new(session::Mysql::new(start)),
    secrets,
    kernel: KernelCheck::new([Rule::byte(4, 0xff..=0xff, Outcome::CalleeError)], Outcome::Ok)
        .long(0, 3, true, 4),
};

fn fit(request: &Turn<'_>, response: &Turn<'_>) -> Fit {
    if is_login(request) {
        let answers = packet_of(response, 2)
            .and_then(<[u8]>::first)
            .is_some_and(|kind| matches!(kind, 0x00 | 0x01 | 0xfe | 0xff));
        return Fit::strong_if(answers);
    }
    if is_command(request) {
        answer(response)
    } else {
        Fit::No
    }
}

/// The first packet of a turn, as far as it is here, if it has this sequence number.
fn packet_of<'a>(turn: &Turn<'a>, wanted: u8) -> Option<&'a [u8]> {
    let (len, sequence) = header(turn.bytes)?;
    let rest = &turn.bytes[HEADER_LEN..];
    (sequence == wanted && len > 0 && turn.holds(u64::from(len) + HEADER_LEN as u64))
        .then(|| &rest[..rest.len().min(len as usize)])
}

fn is_login(turn: &Turn<'_>) -> bool {
    packet_of(turn, 1).is_some_and(|payload| {
        header(turn.bytes).is_some_and(|(len, _)| packet::login(payload, len).is_some())
    })
}

/// Whether a turn is one command, strictly.
fn is_command(turn: &Turn<'_>) -> bool {
    let (Some(payload), Some((len, _))) = (packet_of(turn, 0), header(turn.bytes)) else {
        return false;
    };
    let Some((command, body)) = payload.split_first() else {
        return false;
    };
    // Clients wait for an answer before they send the next command, except after those without one.
    if u64::from(len) + HEADER_LEN as u64 != turn.len
        && !matches!(*command, packet::COM_CLOSE | packet::COM_LONG_DATA)
    {
        return false;
    }
    match *command {
        packet::COM_QUERY | packet::COM_PREPARE => {
            let text = packet::query(body);
            is_text(text) && !sql::command(text).is_empty()
        }
        // The number of iterations is always one.
        packet::COM_EXECUTE => len >= 10 && body.get(5..9).is_none_or(|count| count == [1, 0, 0, 0]),
        packet::COM_CLOSE => len == 5,
        packet::COM_INIT_DB => is_printable(body),
        // PING, STATISTICS, RESET_CONNECTION, DEBUG.
        0x0e | packet::COM_STATISTICS | 0x1f | 0x0d => len == 1,
        0x1a | 0x1c => len == 5 || len == 9,
        0x1b => len == 3,
        packet::COM_CHANGE_USER => len > 4,
        _ => false,
    }
}

/// Whether a turn answers a command.
fn answer(turn: &Turn<'_>) -> Fit {
    let (Some(payload), Some((len, _))) = (packet_of(turn, 1), header(turn.bytes)) else {
        return Fit::No;
    };
    let ends = u64::from(len) + HEADER_LEN as u64 == turn.len;
    let valid = match payload {
        [0xff, c0, c1, rest @ ..] => {
            let code = u16::from_le_bytes([*c0, *c1]);
            let state = match rest {
                [b'#', state @ ..] => state.iter().take(5).all(u8::is_ascii_alphanumeric),
                _ => is_text(rest),
            };
            ends && code >= 1000 && state
        }
        // The answer to PREPARE: a statement's number, and two counts.
        [0x00, rest @ ..] if len == 12 && rest.get(8) == Some(&0) => true,
        [0x00, ..] => ends && len >= 7 && packet::status(payload).is_some_and(|it| it & 0x8000 == 0),
        [0xfe, ..] => ends && len == 5,
        [0xfb, file @ ..] => ends && is_printable(file),
        _ => is_result(payload, len, turn),
    };
    Fit::strong_if(valid)
}

/// A count of columns, and the first of them.
fn is_result(payload: &[u8], len: u32, turn: &Turn<'_>) -> bool {
    let mut cursor = Cursor::new(payload);
    let count = lenenc(&mut cursor);
    if len > 5 || !count.is_some_and(|count| (1..=4096).contains(&count)) {
        return false;
    }
    let rest = &turn.bytes[turn.bytes.len().min(HEADER_LEN + len as usize)..];
    let next = header(rest);
    next.is_some_and(|(len, sequence)| sequence == 2 && len > 12)
        && rest
            .get(HEADER_LEN..HEADER_LEN + 4)
            .is_none_or(|start| start == b"\x03def")
}

/// What clients send to prove who they are.
fn secrets(from: Role, bytes: &[u8], mask: &mut Mask<'_>) {
    if from == Role::Server {
        return;
    }
    let mut rest = bytes;
    while let Some((len, sequence)) = header(rest) {
        let payload = &rest[HEADER_LEN..];
        let payload = &payload[..payload.len().min(len as usize)];
        match packet::login(payload, len) {
            Some(login) if sequence > 0 => mask.hide_part(login.auth),
            // The further steps of a login, or a file's content.
            None if sequence > 0 => mask.hide_part(payload),
            _ if payload.first() == Some(&packet::COM_CHANGE_USER) => {
                let user_end = memchr::memchr(0, payload).unwrap_or(payload.len());
                mask.hide_part(&payload[user_end..]);
            }
            _ => {}
        }
        rest = &rest[HEADER_LEN + payload.len()..];
    }
}
