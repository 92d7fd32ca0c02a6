//! PostgreSQL's protocol 3 (<https://www.postgresql.org/docs/current/protocol.html>): simple and extended queries.

use super::statements::Statements;
use super::{Dialect, Event, Expects, Fit, Input, Key, Read, Session, Start};
use crate::bytes::{Cursor, ascii, is_printable, is_text};
use crate::call::{Blame, Failure, Flags, Kind, Request, Response, Target};
use crate::kernel::{KernelCheck, Outcome, Rule};
use crate::protocol::Protocol;
use crate::record::Open;
use crate::redact::Mask;
use crate::sql::{self, Quotes};
use crate::trace;
use crate::verdict::{Role, Turn};

pub(crate) static DIALECT: Dialect = Dialect {
    starts,
    fit,
    greeting: None,
    session: |start| {
        Box::new(Postgres {
            typed: start == Start::Midway,
            ..Postgres::default()
        })
    },
    secrets,
    // An error may also come after rows; then only the sample tells.
    kernel: KernelCheck::new(
        [
            Rule::byte(0, 0x45..=0x45, Outcome::CalleeError),
            // Notices and parameters stand before an answer.
            Rule::byte(0, 0x4e..=0x4e, Outcome::Unknown),
            Rule::byte(0, 0x53..=0x53, Outcome::Unknown),
        ],
        Outcome::Ok,
    )
    .long(1, 4, false, 1),
};

const CLIENT_TYPES: &[u8] = b"QPBDECSHFXpdcf";
const SERVER_TYPES: &[u8] = b"RKSZTDCEIN123GHWAVnstvdc";

const TLS_CODE: u32 = 80_877_103;
const GSS_CODE: u32 = 80_877_104;
const CANCEL_CODE: u32 = 80_877_102;

/// A server refuses greater start-up messages (`MAX_STARTUP_PACKET_LENGTH`).
const STARTUP_MAX: u32 = 10_000;

/// What an open call is.
const TAG_ENCRYPT: u32 = 1;
const TAG_STARTUP: u32 = 2;
const TAG_QUERY: u32 = 3;
const TAG_EXECUTE: u32 = 4;
const TAG_SYNC: u32 = 5;

fn starts(role: Role, turn: &Turn<'_>) -> bool {
    match role {
        Role::Client => chain(turn, CLIENT_TYPES).is_some() || startup(turn.bytes).is_some(),
        Role::Server => chain(turn, SERVER_TYPES).is_some(),
    }
}

fn fit(request: &Turn<'_>, response: &Turn<'_>) -> Fit {
    if let Some(startup) = startup(request.bytes) {
        let matched = match startup {
            Startup::Encrypt => {
                request.len == 8
                    && (matches!(response.bytes, b"S" | b"N" | b"G") && response.len == 1
                        || is_error(response))
            }
            Startup::Cancel => false,
            Startup::Connect { .. } => {
                is_error(response)
                    || chain(response, SERVER_TYPES).is_some_and(|it| matches!(it.first, b'R' | b'v'))
            }
        };
        return Fit::strong_if(matched);
    }
    let (Some(asked), Some(answered)) = (chain(request, CLIENT_TYPES), chain(response, SERVER_TYPES)) else {
        return Fit::No;
    };
    let asks = match asked.first {
        b'Q' => request.holds(asked.first_size) && query(request.bytes),
        b'P' | b'B' | b'D' | b'E' | b'C' | b'F' => true,
        _ => false,
    };
    if !asks || matches!(answered.first, b'R' | b'K' | b'v' | b'd' | b'c') {
        return Fit::No;
    }
    // One message alone may be by chance.
    if answered.count > 1 || asked.count > 1 || (asked.first == b'Q' && !response.is_whole()) {
        Fit::Strong
    } else {
        Fit::Weak
    }
}

fn is_error(turn: &Turn<'_>) -> bool {
    chain(turn, SERVER_TYPES).is_some_and(|it| it.first == b'E')
}

/// `Q` with a statement that ends with the message's zero, as far as it is here.
fn query(bytes: &[u8]) -> bool {
    let Some(text) = bytes.get(5..) else {
        return true;
    };
    match memchr::memchr(0, text) {
        Some(0) => true,
        Some(end) => is_text(&text[..end]),
        None => is_text(text),
    }
}

/// Messages in a row.
struct Chain {
    first: u8,
    first_size: u64,
    count: u32,
}

/// The messages of a turn, if it is made of messages of these types.
fn chain(turn: &Turn<'_>, types: &[u8]) -> Option<Chain> {
    let mut rest = turn.bytes;
    let mut chain = Chain {
        first: *rest.first()?,
        first_size: 0,
        count: 0,
    };
    while !rest.is_empty() {
        let Some((kind, size)) = header(rest, types) else {
            // A header may be cut where the capture ends.
            let cut = rest.len() < 5 && !turn.is_whole() && types.contains(&rest[0]) && chain.count > 0;
            return cut.then_some(chain);
        };
        let here = &rest[5..rest.len().min(usize::try_from(size).unwrap_or(usize::MAX))];
        let whole = rest.len() as u64 >= size;
        if !plausible(kind, size, here, whole, types == SERVER_TYPES)
            || (!whole && turn.is_whole() && chain.count == 0)
        {
            return None;
        }
        if chain.count == 0 {
            chain.first_size = size;
        }
        chain.count += 1;
        rest = &rest[5 + here.len()..];
    }
    (chain.count > 0).then_some(chain)
}

/// A message's type and size with both.
fn header(bytes: &[u8], types: &[u8]) -> Option<(u8, u64)> {
    const SIZE_MAX: u32 = 1 << 30;
    let [kind, len @ ..] = bytes.first_chunk::<5>()?;
    let len = u32::from_be_bytes(*len);
    (types.contains(kind) && (4..SIZE_MAX).contains(&len)).then_some((*kind, 1 + u64::from(len)))
}

/// Whether a payload can be one of this type.
fn plausible(kind: u8, size: u64, payload: &[u8], whole: bool, server: bool) -> bool {
    let empty = size == 5;
    let ends = !whole || payload.last() == Some(&0);
    match (server, kind) {
        (true, b'Z') => size == 6 && payload.first().is_none_or(|it| b"ITE".contains(it)),
        (true, b'1' | b'2' | b'3' | b'I' | b'n' | b's') | (_, b'c') => empty,
        (false, b'S' | b'H' | b'X') => empty,
        (true, b'C') => ends && payload.first().is_none_or(u8::is_ascii_uppercase),
        (true, b'E' | b'N') => {
            ends && !empty
                && payload.first().is_none_or(|it| b"SCVM".contains(it))
                && (payload.len() < 16 || field(payload, b'S').is_some_and(is_printable))
        }
        (true, b'R') => {
            size >= 9
                && payload
                    .first_chunk()
                    .is_none_or(|it| u32::from_be_bytes(*it) <= 13)
        }
        (true, b'K') => (13..=265).contains(&size),
        (true, b'T' | b'D' | b't' | b'G' | b'H' | b'W') => size >= 7,
        (true, b'S') => ends && (!whole || payload.contains(&0)),
        (false, b'Q' | b'f') => ends && !empty,
        (false, b'P') => size >= 9,
        (false, b'B') => size >= 13,
        (false, b'E') => size >= 10,
        (false, b'D' | b'C') => {
            ends && size >= 7 && payload.first().is_none_or(|it| matches!(it, b'S' | b'P'))
        }
        _ => true,
    }
}

/// A field of an error or a notice.
fn field(payload: &[u8], wanted: u8) -> Option<&[u8]> {
    let mut cursor = Cursor::new(payload);
    // PostgreSQL has 18 fields.
    for _ in 0..32 {
        let kind = cursor.u8().filter(|kind| *kind != 0)?;
        let rest = cursor.rest();
        let text = cursor.cstr().unwrap_or(rest);
        if kind == wanted {
            return Some(text);
        }
        if text.len() == rest.len() {
            return None;
        }
    }
    None
}

enum Startup<'a> {
    Encrypt,
    Cancel,
    Connect { database: &'a [u8] },
}

/// The first message of a connection, which has no type.
fn startup(bytes: &[u8]) -> Option<Startup<'_>> {
    let mut cursor = Cursor::new(bytes);
    let (len, code) = (cursor.u32()?, cursor.u32()?);
    match (code, len) {
        (TLS_CODE | GSS_CODE, 8) => return Some(Startup::Encrypt),
        // Protocol 3.2 has longer keys.
        (CANCEL_CODE, 16..=268) => return Some(Startup::Cancel),
        (0x0003_0000..=0x0003_00ff, 9..=STARTUP_MAX) => {}
        _ => return None,
    }
    let (mut user, mut database) = (None, None);
    for _ in 0..64 {
        let Some(name) = cursor.cstr().filter(|name| !name.is_empty()) else {
            break;
        };
        if !is_printable(name) {
            return None;
        }
        let Some(value) = cursor.cstr() else { break };
        match name {
            b"user" => user = Some(value),
            b"database" => database = Some(value),
            _ => {}
        }
    }
    // A user is required, and is the database's name if none is given.
    let user = user.filter(|user| is_printable(user))?;
    Some(Startup::Connect {
        database: database.unwrap_or(user),
    })
}

#[derive(Debug, Default)]
struct Postgres {
    /// The client's messages have types: the start-up is over.
    typed: bool,
    /// The rest of the connection is encrypted, or not.
    becomes: Option<Option<Protocol>>,
    statements: Statements,
    /// Names of portals to names of statements.
    portals: Statements,
    /// What was parsed last; whether that and an execution came since the last Sync.
    parsed: Vec<u8>,
    parsing: bool,
    executed: bool,
}

impl Session for Postgres {
    fn read<'a>(&'a mut self, from: Role, input: Input<'a>, open: &Open) -> Read<'a> {
        if let Some(protocol) = self.becomes {
            return Read::message(0, Event::Becomes(protocol));
        }
        match from {
            Role::Client if !self.typed => self.first(input),
            Role::Client => self.request(input),
            Role::Server => self.response(input, open),
        }
    }

    fn lost(&mut self, from: Role) {
        if from == Role::Client {
            self.typed = true;
            self.parsing = false;
            self.executed = false;
        }
    }
}

impl Postgres {
    fn first<'a>(&'a mut self, input: Input<'a>) -> Read<'a> {
        let Some(len) = input.bytes.first_chunk() else {
            return Read::More;
        };
        let size = u64::from(u32::from_be_bytes(*len));
        if !(8..=u64::from(STARTUP_MAX)).contains(&size) {
            // A capture may begin after the start-up without saying so.
            self.typed = true;
            return self.request(input);
        }
        let Some(head) = input.head(size) else {
            return Read::More;
        };
        let event = |operation, tag, scope, expects| Event::Request {
            key: 0,
            tag,
            request: Request {
                operation,
                scope,
                ..Request::default()
            },
            expects,
            protocol: None,
        };
        let event = match startup(head) {
            None => return Read::Lost,
            Some(Startup::Encrypt) => event("ENCRYPT", TAG_ENCRYPT, b"".as_slice(), Expects::Silence),
            Some(Startup::Cancel) => event("CANCEL", 0, b"", Expects::Nothing),
            Some(Startup::Connect { database }) => {
                self.typed = true;
                event("CONNECT", TAG_STARTUP, database, Expects::Response)
            }
        };
        Read::message(size, event)
    }

    fn request<'a>(&'a mut self, input: Input<'a>) -> Read<'a> {
        if input.bytes.len() < 5 {
            let wrong = !CLIENT_TYPES.contains(&input.bytes[0]);
            return if wrong { Read::Lost } else { Read::More };
        }
        let Some((kind, size)) = header(input.bytes, CLIENT_TYPES) else {
            return Read::Lost;
        };
        if !b"QPBECSF".contains(&kind) {
            return Read::message(size, Event::Nothing);
        }
        let Some(head) = input.head(size) else {
            return Read::More;
        };
        let cut = (head.len() as u64) < size;
        let mut cursor = Cursor::new(&head[5..]);
        let mut text = || {
            let rest = cursor.rest();
            cursor
                .cstr()
                .unwrap_or_else(|| cursor.take(rest.len()).unwrap_or_default())
        };
        let event = match kind {
            b'Q' => statement(text(), TAG_QUERY, cut),
            b'F' => Event::Request {
                key: 0,
                tag: TAG_QUERY,
                request: Request {
                    operation: "FUNCTION",
                    ..Request::default()
                },
                expects: Expects::Response,
                protocol: None,
            },
            b'P' => {
                let (name, query) = (text(), text());
                self.statements.put(name, query);
                self.parsed.clear();
                self.parsed.extend_from_slice(query);
                self.parsing = true;
                Event::Nothing
            }
            b'B' => {
                let (portal, name) = (text(), text());
                self.portals.put(portal, name);
                Event::Nothing
            }
            b'C' => {
                if let (Some(b'S'), name) = (head.get(5), head.get(6..).unwrap_or_default()) {
                    self.statements.remove(name.strip_suffix(b"\0").unwrap_or(name));
                }
                Event::Nothing
            }
            b'E' => {
                self.executed = true;
                let name = self.portals.get(text());
                statement(self.statements.get(name), TAG_EXECUTE, cut)
            }
            _ => self.sync(),
        };
        Read::message(size, event)
    }

    /// The end of a batch; the server answers it with ReadyForQuery.
    fn sync(&mut self) -> Event<'_> {
        let prepares = std::mem::take(&mut self.parsing) && !std::mem::take(&mut self.executed);
        self.executed = false;
        if !prepares {
            return Event::Request {
                key: 0,
                tag: TAG_SYNC,
                request: Request::default(),
                expects: Expects::Silence,
                protocol: None,
            };
        }
        Event::Request {
            key: 0,
            tag: TAG_SYNC,
            request: Request {
                operation: "PREPARE",
                target: Target::new(Kind::Statement(Quotes::Names), &self.parsed),
                ..Request::default()
            },
            expects: Expects::Response,
            protocol: None,
        }
    }

    fn response<'a>(&mut self, input: Input<'a>, open: &Open) -> Read<'a> {
        let tag = open.tag(Key::Front);
        if tag == Some(TAG_ENCRYPT) && matches!(input.bytes[0], b'S' | b'N' | b'G') {
            self.becomes = match input.bytes[0] {
                b'S' => Some(Some(Protocol::Tls)),
                b'G' => Some(None),
                _ => None,
            };
            return Read::message(1, Event::Drop { key: Key::Front });
        }
        if input.bytes.len() < 5 {
            let wrong = !SERVER_TYPES.contains(&input.bytes[0]);
            return if wrong { Read::Lost } else { Read::More };
        }
        let Some((kind, size)) = header(input.bytes, SERVER_TYPES) else {
            return Read::Lost;
        };
        let part = |last, messages, failure| Event::Response {
            key: Key::Front,
            response: Response {
                failure,
                ..Response::default()
            },
            messages,
            last,
        };
        let event = match (kind, tag) {
            (_, None) => Event::Nothing,
            (b'E', Some(tag)) => {
                let Some(head) = input.head(size) else {
                    return Read::More;
                };
                let last = matches!(tag, TAG_STARTUP | TAG_EXECUTE | TAG_ENCRYPT);
                part(last, 1, Some(failure(&head[5..])))
            }
            (b'C' | b'I' | b's', Some(TAG_EXECUTE)) => part(true, 1, None),
            (b'C' | b'I', Some(TAG_QUERY)) => part(false, 1, None),
            // What an error made the server skip is no call.
            (b'Z', Some(TAG_EXECUTE)) => return Read::message(0, Event::Drop { key: Key::Front }),
            (b'Z', Some(_)) => part(true, 0, None),
            (b'T' | b'D' | b'G' | b'H' | b'W', Some(_)) => part(false, 0, None),
            _ => Event::Nothing,
        };
        Read::message(size, event)
    }
}

fn statement(text: &[u8], tag: u32, cut: bool) -> Event<'_> {
    Event::Request {
        key: 0,
        tag,
        request: Request {
            operation: sql::command(text),
            target: Target::new(Kind::Statement(Quotes::Names), text),
            scope: b"",
            trace: trace::scan(text),
            flags: Flags::default().with_if(cut, Flags::TRUNCATED),
        },
        expects: Expects::Response,
        protocol: None,
    }
}

fn failure(payload: &[u8]) -> Failure<'_> {
    let code = ascii(field(payload, b'C').unwrap_or_default());
    // Classes of SQLSTATE that speak of the server's state, not of the statement.
    let callee = ["08", "40", "53", "54", "55", "57", "58", "F0", "XX"]
        .iter()
        .any(|class| code.starts_with(class));
    Failure {
        blame: if callee { Blame::Callee } else { Blame::Caller },
        code,
        message: field(payload, b'M').unwrap_or_default(),
    }
}

/// Passwords and what stands for them.
fn secrets(from: Role, bytes: &[u8], mask: &mut Mask<'_>) {
    if from == Role::Server {
        return;
    }
    let mut at = 0;
    while let Some((kind, size)) = bytes.get(at..).and_then(|rest| header(rest, CLIENT_TYPES)) {
        let end = at.saturating_add(usize::try_from(size).unwrap_or(usize::MAX));
        if kind == b'p' {
            mask.hide(at + 5..end);
        }
        at = end;
    }
}
