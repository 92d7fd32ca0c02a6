//! TLS 1.0 to 1.3 (RFC 8446, RFC 5246): the handshake in the clear, as a call that works or fails.

use super::{Dialect, Event, Expects, Fit, Input, Key, Read, Session, Start};
use crate::bytes::{Cursor, is_graphic};
use crate::call::{Blame, Failure, Flags, Kind, Request, Response, Target};
use crate::kernel::{KernelCheck, Outcome, Rule};
use crate::record::Open;
use crate::redact::Mask;
use crate::verdict::{Role, Turn};

pub(crate) static DIALECT: Dialect = Dialect {
    starts,
    fit,
    greeting: None,
    session: |start| {
        Box::new(Tls {
            over: start == Start::Midway,
            ..Tls::default()
        })
    },
    secrets: |_: Role, _: &[u8], _: &mut Mask<'_>| {},
    kernel: KernelCheck::new(
        [
            Rule::byte(0, 0x15..=0x15, Outcome::CallerError),
            Rule::byte(0, 0x16..=0x16, Outcome::Ok),
        ],
        Outcome::Unknown,
    )
    .long(3, 2, false, 5),
};

const CHANGE_CIPHER: u8 = 20;
const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;
const DATA: u8 = 23;

const RECORD_LEN: usize = 5;

/// A server that asks for another ClientHello says so by this random number (RFC 8446 §4.1.3).
const RETRY: [u8; 32] = [
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2,
    0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];

/// Alerts that end a handshake (IANA's registry).
const ALERTS: &[(u8, &str)] = &[
    (10, "unexpected_message"),
    (20, "bad_record_mac"),
    (21, "decryption_failed"),
    (22, "record_overflow"),
    (40, "handshake_failure"),
    (41, "no_certificate"),
    (42, "bad_certificate"),
    (43, "unsupported_certificate"),
    (44, "certificate_revoked"),
    (45, "certificate_expired"),
    (46, "certificate_unknown"),
    (47, "illegal_parameter"),
    (48, "unknown_ca"),
    (49, "access_denied"),
    (50, "decode_error"),
    (51, "decrypt_error"),
    (70, "protocol_version"),
    (71, "insufficient_security"),
    (80, "internal_error"),
    (86, "inappropriate_fallback"),
    (90, "user_canceled"),
    (109, "missing_extension"),
    (110, "unsupported_extension"),
    (111, "certificate_unobtainable"),
    (112, "unrecognized_name"),
    (113, "bad_certificate_status_response"),
    (115, "unknown_psk_identity"),
    (116, "certificate_required"),
    (120, "no_application_protocol"),
];

fn starts(role: Role, turn: &Turn<'_>) -> bool {
    match role {
        Role::Client => client_hello(turn.bytes).is_some(),
        Role::Server => answers(turn),
    }
}

fn fit(request: &Turn<'_>, response: &Turn<'_>) -> Fit {
    if client_hello(request.bytes).is_some() {
        return Fit::strong_if(answers(response));
    }
    // Nothing but encrypted records on both sides: TLS, and who is the server must be known from elsewhere.
    if is_encrypted(request) && is_encrypted(response) {
        Fit::Sideless
    } else {
        Fit::No
    }
}

fn answers(turn: &Turn<'_>) -> bool {
    match record(turn.bytes) {
        Some((HANDSHAKE, _)) => server_hello(turn.bytes).is_some(),
        Some((ALERT, 2)) => alert(turn.bytes).is_some_and(|(level, _)| level <= 2),
        _ => false,
    }
}

fn is_encrypted(turn: &Turn<'_>) -> bool {
    let mut rest = turn.bytes;
    let mut records = 0;
    while rest.len() >= RECORD_LEN {
        match record(rest) {
            Some((DATA, len)) if rest.starts_with(&[DATA, 3, 3]) && len >= 17 => {
                if records == 0 && !turn.holds(RECORD_LEN as u64 + u64::from(len)) {
                    return false;
                }
                rest = &rest[rest.len().min(RECORD_LEN + usize::from(len))..];
                records += 1;
            }
            _ => return false,
        }
    }
    records > 0
}

/// Type and length of a record.
fn record(bytes: &[u8]) -> Option<(u8, u16)> {
    // Encryption adds at most 2048 bytes in TLS 1.2.
    const LEN_MAX: u16 = 16_384 + 2048;
    let [kind, major, minor, l0, l1] = *bytes.first_chunk::<RECORD_LEN>()?;
    let len = u16::from_be_bytes([l0, l1]);
    let valid =
        (CHANGE_CIPHER..=DATA).contains(&kind) && major == 3 && minor <= 4 && (1..=LEN_MAX).contains(&len);
    valid.then_some((kind, len))
}

fn alert(bytes: &[u8]) -> Option<(u8, u8)> {
    let [level, description] = *bytes.get(RECORD_LEN..)?.first_chunk()?;
    (matches!(level, 1 | 2) && description <= 121).then_some((level, description))
}

#[derive(Clone, Copy, Debug, Default)]
struct ClientHello<'a> {
    name: &'a [u8],
    protocol: &'a [u8],
    cut: bool,
}

fn client_hello(bytes: &[u8]) -> Option<ClientHello<'_>> {
    let (HANDSHAKE, len) = record(bytes)? else {
        return None;
    };
    let mut cursor = Cursor::new(&bytes[RECORD_LEN..]);
    let (kind, hello_len) = (cursor.u8()?, u24(&mut cursor)?);
    let version = cursor.u16()?;
    cursor.take(32)?;
    let session = cursor.u8()?;
    let plausible = kind == 1
        && (0x0300..=0x0303).contains(&version)
        && session <= 32
        // Hellos in several records exist, of several kilobytes, and not shorter than the fixed part.
        && (41..16_384).contains(&hello_len)
        && hello_len + 4 >= u32::from(len);
    if !plausible {
        return None;
    }
    let mut hello = ClientHello {
        cut: true,
        ..ClientHello::default()
    };
    let mut extensions = || {
        cursor.take(usize::from(session))?;
        let ciphers = cursor.u16()?;
        cursor.take(usize::from(ciphers))?;
        let methods = cursor.u8()?;
        cursor.take(usize::from(methods))?;
        let len = cursor.u16()?;
        Some(Cursor::new(cursor.take_at_most(usize::from(len))))
    };
    let Some(mut extensions) = extensions() else {
        return Some(hello);
    };
    while !extensions.is_empty() {
        let (Some(kind), Some(len)) = (extensions.u16(), extensions.u16()) else {
            return Some(hello);
        };
        let Some(body) = extensions.take(usize::from(len)) else {
            // The name of a server may be cut where the capture ends; a part of a name is none.
            return Some(hello);
        };
        match kind {
            0 => hello.name = server_name(body).unwrap_or_default(),
            16 => hello.protocol = first_protocol(body).unwrap_or_default(),
            _ => {}
        }
    }
    hello.cut = false;
    Some(hello)
}

fn server_name(body: &[u8]) -> Option<&[u8]> {
    let mut cursor = Cursor::new(body);
    let (_list, kind, len) = (cursor.u16()?, cursor.u8()?, cursor.u16()?);
    cursor
        .take(usize::from(len))
        .filter(|name| kind == 0 && is_graphic(name))
}

fn first_protocol(body: &[u8]) -> Option<&[u8]> {
    let mut cursor = Cursor::new(body);
    let (_list, len) = (cursor.u16()?, cursor.u8()?);
    cursor.take(usize::from(len)).filter(|name| is_graphic(name))
}

fn u24(cursor: &mut Cursor<'_>) -> Option<u32> {
    let high = cursor.u8()?;
    Some(u32::from(high) << 16 | u32::from(cursor.u16()?))
}

/// The version that a server chose; `None` inside if it wants another hello.
#[allow(clippy::option_option, reason = "no hello and no version yet are two answers")]
fn server_hello(bytes: &[u8]) -> Option<Option<&'static str>> {
    let (HANDSHAKE, _) = record(bytes)? else {
        return None;
    };
    let mut cursor = Cursor::new(&bytes[RECORD_LEN..]);
    let (kind, len, version) = (cursor.u8()?, u24(&mut cursor)?, cursor.u16()?);
    let random = cursor.take(32)?;
    if kind != 2 || !(38..2048).contains(&len) || !(0x0300..=0x0303).contains(&version) {
        return None;
    }
    if random == RETRY {
        return Some(None);
    }
    let mut chosen = || {
        let session = cursor.u8()?;
        cursor.take(usize::from(session))?;
        let (_cipher, _compression, _len) = (cursor.u16()?, cursor.u8()?, cursor.u16()?);
        // A hello has few extensions.
        for _ in 0..32 {
            let (kind, len) = (cursor.u16()?, cursor.u16()?);
            let body = cursor.take(usize::from(len))?;
            if kind == 43 {
                return body.first_chunk().map(|it| u16::from_be_bytes(*it));
            }
        }
        None
    };
    Some(Some(match chosen().unwrap_or(version) {
        0x0304 => "1.3",
        0x0303 => "1.2",
        0x0302 => "1.1",
        0x0301 => "1.0",
        _ => "SSL 3.0",
    }))
}

#[derive(Debug, Default)]
struct Tls {
    /// What the server chose.
    version: Option<&'static str>,
    /// The handshake ended; what follows is encrypted.
    over: bool,
}

impl Session for Tls {
    fn read<'a>(&'a mut self, from: Role, input: Input<'a>, open: &Open) -> Read<'a> {
        if self.over {
            return Read::message(0, Event::Becomes(None));
        }
        let Some((kind, len)) = record(input.bytes) else {
            return if input.bytes.len() < RECORD_LEN {
                Read::More
            } else {
                Read::Lost
            };
        };
        let size = RECORD_LEN as u64 + u64::from(len);
        let clear = kind == HANDSHAKE || (kind == ALERT && len == 2);
        let Some(head) = input.head(if clear { size } else { RECORD_LEN as u64 }) else {
            return Read::More;
        };
        let event = match (kind, from) {
            (ALERT, _) if len == 2 => self.alert(from, head),
            (HANDSHAKE, Role::Client) if open.is_empty() => match client_hello(head) {
                Some(hello) => request(hello),
                None => return Read::Lost,
            },
            (HANDSHAKE, Role::Server) if self.version.is_none() => self.hello(head),
            // TLS 1.3: the client's first encrypted record is its Finished, or an alert, which alone is so short.
            (DATA, Role::Client) if self.version == Some("1.3") => {
                self.over = true;
                const ALERT_LEN: u16 = 2 + 1 + 16;
                if len == ALERT_LEN { rejected() } else { done() }
            }
            // TLS 1.2: the server's last step before its Finished.
            (CHANGE_CIPHER, Role::Server) if self.version.is_some_and(|it| it != "1.3") => {
                self.over = true;
                done()
            }
            _ => Event::Nothing,
        };
        Read::message(size, event)
    }

    fn lost(&mut self, _: Role) {
        self.over = true;
    }
}

impl Tls {
    fn hello(&mut self, head: &[u8]) -> Event<'static> {
        let Some(Some(version)) = server_hello(head) else {
            return Event::Nothing;
        };
        self.version = Some(version);
        Event::Response {
            key: Key::Front,
            response: Response {
                detail: version,
                ..Response::default()
            },
            messages: 0,
            last: false,
        }
    }

    fn alert(&mut self, from: Role, head: &[u8]) -> Event<'static> {
        let Some((level, description)) = alert(head) else {
            return Event::Nothing;
        };
        // A warning is a remark, and the end of a connection is none of the handshake's.
        if level < 2 {
            return Event::Nothing;
        }
        self.over = true;
        let code = ALERTS
            .iter()
            .find(|(number, _)| *number == description)
            .map_or("", |(_, name)| *name);
        Event::answer(Response {
            status: Some(i32::from(description)),
            failure: Some(Failure {
                // Who sends an alert did not like what the other side sent, except for this one.
                blame: match (from, description) {
                    (Role::Server, 80) => Blame::Callee,
                    (Role::Client, 80) | (Role::Server, _) => Blame::Caller,
                    (Role::Client, _) => Blame::Callee,
                },
                code,
                message: match from {
                    Role::Client => b"the client refused",
                    Role::Server => b"the server refused",
                },
            }),
            ..Response::default()
        })
    }
}

fn request(hello: ClientHello<'_>) -> Event<'_> {
    Event::Request {
        key: 0,
        tag: 0,
        request: Request {
            operation: "HANDSHAKE",
            target: Target::new(Kind::Name, hello.name),
            scope: hello.protocol,
            trace: None,
            flags: Flags::default().with_if(hello.cut, Flags::TRUNCATED),
        },
        expects: Expects::Response,
        protocol: None,
    }
}

fn done() -> Event<'static> {
    Event::End { key: Key::Front }
}

fn rejected() -> Event<'static> {
    Event::answer(Response {
        failure: Some(Failure {
            blame: Blame::Callee,
            code: "encrypted_alert",
            message: b"the client refused",
        }),
        ..Response::default()
    })
}
