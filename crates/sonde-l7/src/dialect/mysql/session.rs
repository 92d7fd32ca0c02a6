//! Packets to calls.

use super::packet::{self, FULL, HEADER_LEN, header};
use crate::bytes::Cursor;
use crate::call::{Flags, Kind, Request, Response, Target};
use crate::dialect::statements::Statements;
use crate::dialect::{Event, Expects, Input, Key, Read, Session, Start};
use crate::protocol::Protocol;
use crate::record::Open;
use crate::sql::{self, Quotes};
use crate::trace;
use crate::verdict::Role;

/// A remark about an open call: it is a login.
const TAG_CONNECT: u32 = 0x100;

/// Where the connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Greeting,
    Login,
    Command,
}

/// What the server's next packet is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    /// The first one of an answer.
    First,
    /// The first one of a further result.
    Next,
    /// Definitions of this many columns, and then rows.
    Columns(u64),
    /// Rows; the definitions' own end may stand before them.
    Rows { end_of_columns: bool },
    /// Definitions of parameters and columns of a prepared statement.
    Definitions(u32),
}

#[derive(Debug)]
pub(super) struct Mysql {
    phase: Phase,
    answer: Answer,
    /// The sequence number of the client's last packet: the answer's is the next.
    sequence: u8,
    /// The packet before was full, so this one goes on with it.
    client_full: bool,
    server_full: bool,
    /// Negotiated, and in force after the login.
    will_compress: bool,
    compressed: bool,
    becomes: Option<Protocol>,
    database: Vec<u8>,
    prepared: Statements,
    preparing: Vec<u8>,
}

impl Mysql {
    pub(super) fn new(start: Start) -> Self {
        Self {
            phase: match start {
                Start::Fresh => Phase::Greeting,
                Start::Midway => Phase::Command,
            },
            answer: Answer::First,
            sequence: 0,
            client_full: false,
            server_full: false,
            will_compress: false,
            compressed: false,
            becomes: None,
            database: Vec::new(),
            prepared: Statements::default(),
            preparing: Vec::new(),
        }
    }
}

impl Session for Mysql {
    fn read<'a>(&'a mut self, from: Role, input: Input<'a>, open: &Open) -> Read<'a> {
        if self.becomes.is_some() {
            return Read::message(0, Event::Becomes(self.becomes));
        }
        if self.compressed {
            return self.compressed(from, input, open);
        }
        let Some((len, sequence)) = header(input.bytes) else {
            return Read::More;
        };
        let full = match from {
            Role::Client => &mut self.client_full,
            Role::Server => &mut self.server_full,
        };
        let size = u64::from(len) + HEADER_LEN as u64;
        if std::mem::replace(full, len == FULL) || len == 0 {
            return Read::message(size, Event::Nothing);
        }
        match from {
            Role::Client => {
                self.sequence = sequence;
                // Only commands start a sequence on the client's side.
                if sequence == 0 {
                    self.phase = Phase::Command;
                }
                if self.phase != Phase::Command {
                    return self.login(input, len);
                }
                if sequence != 0 {
                    return Read::message(size, Event::Nothing);
                }
                let Some(head) = input.head(size) else {
                    return Read::More;
                };
                let Some(payload) = head.get(HEADER_LEN..).filter(|it| !it.is_empty()) else {
                    return Read::More;
                };
                Read::message(size, self.command(payload, Flags::default()))
            }
            Role::Server => self.packet(input, len, sequence, open),
        }
    }

    fn lost(&mut self, from: Role) {
        self.phase = Phase::Command;
        self.answer = Answer::First;
        match from {
            Role::Client => self.client_full = false,
            Role::Server => self.server_full = false,
        }
    }
}

impl Mysql {
    fn login<'a>(&'a mut self, input: Input<'a>, len: u32) -> Read<'a> {
        let size = u64::from(len) + HEADER_LEN as u64;
        let Some(head) = input.head(size) else {
            return Read::More;
        };
        let Some(login) = packet::login(&head[HEADER_LEN..], len) else {
            // A further step, or a command if the end of the login was not understood.
            return Read::message(size, Event::Nothing);
        };
        self.phase = Phase::Login;
        if login.tls {
            self.becomes = Some(Protocol::Tls);
            return Read::message(size, Event::Nothing);
        }
        self.will_compress = login.capabilities & (packet::CAP_COMPRESS | packet::CAP_ZSTD) != 0;
        self.database.clear();
        self.database.extend_from_slice(login.database);
        Read::message(size, self.connect())
    }

    fn connect(&self) -> Event<'_> {
        Event::Request {
            key: 0,
            tag: TAG_CONNECT,
            request: Request {
                operation: "CONNECT",
                scope: &self.database,
                ..Request::default()
            },
            expects: Expects::Response,
            protocol: None,
        }
    }

    /// A command, from its byte on.
    fn command<'a>(&'a mut self, payload: &'a [u8], flags: Flags) -> Event<'a> {
        let (command, body) = (payload[0], &payload[1..]);
        let (operation, text) = match command {
            packet::COM_QUIT | packet::COM_LONG_DATA => return Event::Nothing,
            packet::COM_CLOSE => {
                self.prepared.remove(body);
                return Event::Nothing;
            }
            packet::COM_QUERY => {
                let text = packet::query(body);
                (sql::command(text), text)
            }
            packet::COM_PREPARE => {
                self.preparing.clear();
                self.preparing.extend_from_slice(body);
                ("PREPARE", body)
            }
            packet::COM_EXECUTE | 0xfa => {
                let id = body.get(..4).unwrap_or_default();
                // MariaDB: the statement prepared last.
                let text = match id {
                    [0xff, 0xff, 0xff, 0xff] => self.preparing.as_slice(),
                    _ => self.prepared.get(id),
                };
                let operation = sql::command(text);
                (
                    if operation.is_empty() {
                        "EXECUTE"
                    } else {
                        operation
                    },
                    text,
                )
            }
            packet::COM_INIT_DB => {
                self.database.clear();
                self.database.extend_from_slice(body);
                ("INIT_DB", b"".as_slice())
            }
            packet::COM_CHANGE_USER => {
                self.phase = Phase::Login;
                ("CHANGE_USER", b"".as_slice())
            }
            _ => (packet::command(command).unwrap_or_default(), b"".as_slice()),
        };
        self.answer = Answer::First;
        Event::Request {
            key: 0,
            tag: u32::from(command),
            request: Request {
                operation,
                target: Target::new(Kind::Statement(Quotes::Literals), text),
                scope: &self.database,
                trace: trace::scan(text),
                flags,
            },
            expects: Expects::Response,
            protocol: None,
        }
    }

    fn packet<'a>(&'a mut self, input: Input<'a>, len: u32, sequence: u8, open: &Open) -> Read<'a> {
        let size = u64::from(len) + HEADER_LEN as u64;
        let Some(kind) = input.bytes.get(HEADER_LEN).copied() else {
            return Read::More;
        };
        // Rows and definitions are counted, not read.
        let read = matches!(self.answer, Answer::First | Answer::Next)
            || self.phase != Phase::Command
            || matches!(kind, 0xfe | 0xff);
        let payload = if read {
            let Some(head) = input.head(size) else {
                return Read::More;
            };
            &head[HEADER_LEN..]
        } else {
            &input.bytes[HEADER_LEN..=HEADER_LEN]
        };
        let Some(tag) = open.tag(Key::Front) else {
            if self.phase == Phase::Greeting && kind == 0xff {
                // Refused without a greeting: the login that would have come is the call that failed.
                return Read::message(0, self.connect());
            }
            return Read::message(size, Event::Nothing);
        };
        if kind == 0xff {
            self.answer = Answer::First;
            let (code, failure) = packet::failure(payload);
            let response = Response {
                status: Some(code),
                failure: Some(failure),
                ..Response::default()
            };
            return Read::message(size, Event::answer(response));
        }
        if self.phase != Phase::Command {
            return Read::message(size, self.logged_in(kind));
        }
        Read::message(size, self.result(kind, payload, len, sequence, tag))
    }

    fn logged_in(&mut self, kind: u8) -> Event<'static> {
        if kind != 0x00 {
            // Another step of the login.
            return Event::Nothing;
        }
        self.phase = Phase::Command;
        self.compressed = self.will_compress;
        Event::answer(Response::default())
    }

    /// A packet of an answer that is no error.
    fn result(&mut self, kind: u8, payload: &[u8], len: u32, sequence: u8, tag: u32) -> Event<'static> {
        let part = |last| Event::Response {
            key: Key::Front,
            response: Response::default(),
            messages: 1,
            last,
        };
        let is_end = kind == 0xfe && len < FULL;
        match self.answer {
            Answer::First if sequence != self.sequence.wrapping_add(1) => Event::Nothing,
            Answer::First | Answer::Next => {
                let tag = tag as u8;
                match kind {
                    0x00 if tag == packet::COM_PREPARE && len >= 12 => part(self.prepared(payload)),
                    0x00 => part(self.ends(payload)),
                    // The server asks for a file; the client's next packets are its content.
                    0xfb if tag == packet::COM_QUERY => Event::Nothing,
                    0xfe if is_end => part(true),
                    _ if tag == packet::COM_STATISTICS || tag == 0x12 || tag == 0x1e => part(true),
                    _ if tag == packet::COM_FIELD_LIST => {
                        self.answer = Answer::Rows {
                            end_of_columns: false,
                        };
                        part(false)
                    }
                    _ => {
                        self.answer = columns(payload);
                        part(false)
                    }
                }
            }
            Answer::Columns(left) => {
                self.answer = match left {
                    0 | 1 => Answer::Rows { end_of_columns: true },
                    _ => Answer::Columns(left - 1),
                };
                Event::Nothing
            }
            Answer::Rows { end_of_columns: true } if is_end && len == 5 => {
                self.answer = Answer::Rows {
                    end_of_columns: false,
                };
                // The rows are fetched later by a command of their own.
                if packet::status(payload).is_some_and(|status| status & packet::STATUS_CURSOR != 0) {
                    self.answer = Answer::First;
                    return Event::End { key: Key::Front };
                }
                Event::Nothing
            }
            Answer::Rows { .. } if is_end => match self.ends(payload) {
                true => Event::End { key: Key::Front },
                false => Event::Nothing,
            },
            Answer::Rows { .. } => {
                self.answer = Answer::Rows {
                    end_of_columns: false,
                };
                Event::Nothing
            }
            Answer::Definitions(_) if is_end && len == 5 => Event::Nothing,
            Answer::Definitions(left) => {
                if left > 1 {
                    self.answer = Answer::Definitions(left - 1);
                    return Event::Nothing;
                }
                self.answer = Answer::First;
                Event::End { key: Key::Front }
            }
        }
    }

    /// Whether the packet that ends a result ends the answer.
    fn ends(&mut self, payload: &[u8]) -> bool {
        let more = packet::status(payload).is_some_and(|status| status & packet::STATUS_MORE != 0);
        self.answer = if more { Answer::Next } else { Answer::First };
        !more
    }

    /// Remembers the statement's number; whether no definitions follow.
    fn prepared(&mut self, payload: &[u8]) -> bool {
        let mut cursor = Cursor::new(payload);
        cursor.u8();
        let id = cursor.take(4).unwrap_or_default();
        self.prepared.put(id, &self.preparing);
        let columns = u32::from(cursor.u16_le().unwrap_or_default());
        let parameters = u32::from(cursor.u16_le().unwrap_or_default());
        let definitions = columns + parameters;
        self.answer = match definitions {
            0 => Answer::First,
            left => Answer::Definitions(left),
        };
        definitions == 0
    }

    /// A frame of the compressed protocol: what it holds is told if it was not worth compressing.
    fn compressed<'a>(&'a mut self, from: Role, input: Input<'a>, open: &Open) -> Read<'a> {
        const FRAME_LEN: usize = 7;
        let Some([l0, l1, l2, sequence, u0, u1, u2]) = input.bytes.first_chunk::<FRAME_LEN>() else {
            return Read::More;
        };
        let len = u32::from_le_bytes([*l0, *l1, *l2, 0]);
        let plain = u32::from_le_bytes([*u0, *u1, *u2, 0]) == 0;
        let size = u64::from(len) + FRAME_LEN as u64;
        let Some(head) = input.head(size) else {
            return Read::More;
        };
        let payload = head
            .get(FRAME_LEN + HEADER_LEN..)
            .filter(|payload| plain && !payload.is_empty());
        if from == Role::Client {
            if *sequence != 0 {
                return Read::message(size, Event::Nothing);
            }
            let event = match payload {
                Some(payload) => self.command(payload, Flags::COMPRESSED),
                None => Event::Request {
                    key: 0,
                    tag: 0,
                    request: Request {
                        operation: "COMPRESSED",
                        scope: &self.database,
                        flags: Flags::COMPRESSED,
                        ..Request::default()
                    },
                    expects: Expects::Response,
                    protocol: None,
                },
            };
            return Read::message(size, event);
        }
        if open.is_empty() {
            return Read::message(size, Event::Nothing);
        }
        let error = payload.filter(|payload| payload[0] == 0xff).map(packet::failure);
        let response = Response {
            status: error.map(|(code, _)| code),
            failure: error.map(|(_, failure)| failure),
            flags: Flags::COMPRESSED,
            ..Response::default()
        };
        Read::message(size, Event::answer(response))
    }
}

/// The number of columns of a result, and whether their definitions follow.
fn columns(payload: &[u8]) -> Answer {
    let mut cursor = Cursor::new(payload);
    let count = packet::lenenc(&mut cursor).unwrap_or_default();
    // MariaDB says by a further byte that it leaves out definitions that the client knows.
    match (count, cursor.u8()) {
        (0, _) | (_, Some(0)) => Answer::Rows { end_of_columns: true },
        (count, _) => Answer::Columns(count),
    }
}
