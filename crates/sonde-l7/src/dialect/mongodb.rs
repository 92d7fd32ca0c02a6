//! MongoDB's wire protocol (<https://www.mongodb.com/docs/manual/reference/mongodb-wire-protocol/>).

mod bson;

use super::{Dialect, Event, Expects, Fit, Input, Key, Read, Session, Start};
use crate::bytes::{Cursor, ascii};
use crate::call::{Blame, Failure, Flags, Kind, Request, Response, Target};
use crate::kernel::{Framing, KernelCheck, Outcome, Rule};
use crate::record::Open;
use crate::redact::Mask;
use crate::trace;
use crate::verdict::{Role, Turn};
use bson::{Elements, Value};

pub(crate) static DIALECT: Dialect = Dialect {
    starts: |role, turn| header_of(turn).is_some_and(|it| (it.answers == 0) == (role == Role::Client)),
    fit,
    greeting: None,
    session: |_: Start| Box::new(Mongodb),
    secrets,
    // Whether it worked stands in the answer's document, wherever the server puts it.
    kernel: KernelCheck::new([], Outcome::Unknown)
        .correlated(4, 8, 4)
        .long(0, 4, true, 0)
        .framed(Framing {
            request_header: 20,
            answer_header: 16,
            // A cursor that is exhausted sends on by itself.
            answers_unasked: 1,
            len_max: LEN_MAX,
            client: OPERATION,
            server: OPERATION,
            request: [
                Rule::when(8, u32::MAX, 0..=0),
                Rule::when(16, FLAG_MORE_TO_COME << 24, 0..=0),
            ],
            answer: [Rule::when(8, u32::MAX, 1..=u32::MAX), Rule::NONE],
            ..Framing::NONE
        }),
};

/// The least significant byte first: 1, or from 2000 on.
const OPERATION: Rule = Rule::when(12, 0x00f8_ffff, 0..=0);

const OP_REPLY: i32 = 1;
const OP_UPDATE: i32 = 2001;
const OP_INSERT: i32 = 2002;
const OP_QUERY: i32 = 2004;
const OP_GET_MORE: i32 = 2005;
const OP_DELETE: i32 = 2006;
const OP_KILL_CURSORS: i32 = 2007;
const OP_COMPRESSED: i32 = 2012;
const OP_MSG: i32 = 2013;

const HEADER_LEN: usize = 16;

/// Servers refuse greater messages.
const LEN_MAX: u32 = 48_000_000;

/// No answer is wanted, and answers go on without a further request.
const FLAG_MORE_TO_COME: u32 = 2;

#[derive(Clone, Copy, Debug)]
struct Header {
    len: u32,
    id: u32,
    answers: u32,
    operation: i32,
}

fn header(bytes: &[u8]) -> Option<Header> {
    let mut cursor = Cursor::new(bytes);
    let header = Header {
        len: cursor.u32_le()?,
        id: cursor.u32_le()?,
        answers: cursor.u32_le()?,
        operation: cursor.i32_le()?,
    };
    let known = matches!(
        header.operation,
        OP_REPLY | OP_UPDATE | OP_INSERT | OP_QUERY..=OP_KILL_CURSORS | OP_COMPRESSED | OP_MSG
    );
    // The least message is a header and a number.
    (known && (20..=LEN_MAX).contains(&header.len)).then_some(header)
}

fn header_of(turn: &Turn<'_>) -> Option<Header> {
    header(turn.bytes).filter(|header| turn.holds(u64::from(header.len)))
}

fn fit(request: &Turn<'_>, response: &Turn<'_>) -> Fit {
    let (Some(asked), Some(answered)) = (header_of(request), header_of(response)) else {
        return Fit::No;
    };
    let kinds = match asked.operation {
        OP_MSG | OP_COMPRESSED => matches!(answered.operation, OP_MSG | OP_COMPRESSED),
        OP_QUERY | OP_GET_MORE => matches!(answered.operation, OP_REPLY | OP_COMPRESSED),
        _ => false,
    };
    let documents = |header: Header, bytes| match document(header.operation, bytes) {
        Some(mut elements) => elements.by_ref().next().is_some() || !elements.is_wrong(),
        None => header.operation == OP_COMPRESSED || header.operation == OP_GET_MORE,
    };
    Fit::strong_if(
        kinds
            && asked.answers == 0
            && answered.answers == asked.id
            && documents(asked, request.bytes)
            && documents(answered, response.bytes),
    )
}

/// The elements of a message's first document.
fn document(operation: i32, message: &[u8]) -> Option<Elements<'_>> {
    let mut cursor = Cursor::new(message.get(HEADER_LEN..)?);
    match operation {
        OP_MSG => {
            cursor.u32_le()?;
            // Sections of documents may stand before the one that is the command.
            for _ in 0..8 {
                if cursor.u8()? == 0 {
                    return Elements::new(cursor.rest());
                }
                let len = usize::try_from(cursor.i32_le()?).ok()?;
                cursor.take(len.checked_sub(4)?)?;
            }
            None
        }
        OP_QUERY => {
            cursor.u32_le()?;
            cursor.cstr()?;
            cursor.take(8)?;
            Elements::new(cursor.rest())
        }
        OP_REPLY => {
            cursor.take(20)?;
            Elements::new(cursor.rest())
        }
        _ => None,
    }
}

fn flags(operation: i32, message: &[u8]) -> u32 {
    let bits = Cursor::new(message.get(HEADER_LEN..).unwrap_or_default()).u32_le();
    if operation == OP_MSG {
        bits.unwrap_or_default()
    } else {
        0
    }
}

#[derive(Debug)]
struct Mongodb;

impl Session for Mongodb {
    fn read<'a>(&'a mut self, from: Role, input: Input<'a>, _: &Open) -> Read<'a> {
        if input.bytes.len() < HEADER_LEN {
            return Read::More;
        }
        let Some(header) = header(input.bytes) else {
            return Read::Lost;
        };
        let size = u64::from(header.len);
        let Some(head) = input.head(size) else {
            return Read::More;
        };
        let cut = (head.len() as u64) < size;
        let event = match from {
            Role::Client => request(header, head, cut),
            Role::Server => response(header, head),
        };
        Read::message(size, event)
    }
}

/// Commands that drivers send to look after the connection.
const UPKEEP: [&str; 4] = ["hello", "isMaster", "ismaster", "ping"];

fn request(header: Header, head: &[u8], cut: bool) -> Event<'_> {
    let mut request = Request {
        operation: match header.operation {
            OP_COMPRESSED => "COMPRESSED",
            OP_GET_MORE => "getMore",
            OP_INSERT => "insert",
            OP_UPDATE => "update",
            OP_DELETE => "delete",
            OP_KILL_CURSORS => "killCursors",
            _ => "",
        },
        flags: Flags::default()
            .with_if(header.operation == OP_COMPRESSED, Flags::COMPRESSED)
            .with_if(cut, Flags::TRUNCATED),
        trace: trace::scan(head),
        ..Request::default()
    };
    let elements = document(header.operation, head).into_iter().flatten();
    for (at, (name, value)) in elements.enumerate() {
        match (at, name, value) {
            // The first element is the command, and its value what it is about.
            (0, _, value) => {
                request.operation = ascii(name);
                if let Value::Text(collection) = value {
                    request.target = Target::new(Kind::Name, collection);
                }
            }
            (_, b"$db", Value::Text(database)) => request.scope = database,
            // A cursor's further documents: the collection is named beside its number.
            (_, b"collection", Value::Text(collection)) => {
                request.target = Target::new(Kind::Name, collection)
            }
            _ => {}
        }
    }
    if !request.scope.is_empty() || !cut {
        // What was looked for was found before the cut.
        request.flags = Flags::default().with_if(header.operation == OP_COMPRESSED, Flags::COMPRESSED);
    }
    let one_way = flags(header.operation, head) & FLAG_MORE_TO_COME != 0
        || matches!(
            header.operation,
            OP_INSERT | OP_UPDATE | OP_DELETE | OP_KILL_CURSORS
        );
    Event::Request {
        key: u64::from(header.id),
        tag: 0,
        expects: match one_way {
            true => Expects::Nothing,
            false if UPKEEP.contains(&request.operation) => Expects::Silence,
            false => Expects::Response,
        },
        request,
        protocol: None,
    }
}

fn response(header: Header, head: &[u8]) -> Event<'_> {
    let (mut ok, mut code, mut name, mut message) = (true, 0, "", b"".as_slice());
    for (field, value) in document(header.operation, head).into_iter().flatten() {
        match (field, value) {
            (b"ok", Value::Number(number)) => ok = number != 0.0,
            (b"ok", Value::Bool(value)) => ok = value,
            (b"code", Value::Number(number)) => code = number as i32,
            (b"codeName", Value::Text(text)) => name = ascii(text),
            (b"errmsg" | b"$err", Value::Text(text)) => message = text,
            // The write was taken, but not all of it was done: the failures are listed.
            (b"writeErrors", Value::Other(list)) if list.len() > 5 => {
                ok = false;
                name = "WriteError";
            }
            _ => {}
        }
    }
    let failure = (!ok).then_some(Failure {
        blame: if is_servers(code) {
            Blame::Callee
        } else {
            Blame::Caller
        },
        code: name,
        message,
    });
    // An exhausted cursor's answers follow each other; the call is the first.
    Event::Response {
        key: Key::Id(u64::from(header.answers)),
        response: Response {
            status: (!ok && code != 0).then_some(code),
            failure,
            detail: "",
            flags: Flags::default().with_if(header.operation == OP_COMPRESSED, Flags::COMPRESSED),
        },
        messages: 1,
        last: true,
    }
}

/// Codes that speak of the server's state: failovers, shutdowns, time limits, conflicts.
fn is_servers(code: i32) -> bool {
    matches!(
        code,
        1 | 6
            | 7
            | 24
            | 50
            | 64
            | 89
            | 91
            | 112
            | 133
            | 134
            | 136
            | 146
            | 189
            | 202
            | 246
            | 262
            | 9001
            | 10107
            | 11600
            | 11602
            | 13435
            | 13436
    )
}

/// Proofs of identity, and passwords of users that are made.
fn secrets(from: Role, bytes: &[u8], mask: &mut Mask<'_>) {
    if from == Role::Server {
        return;
    }
    let Some(elements) = header(bytes).and_then(|it| document(it.operation, bytes)) else {
        return;
    };
    for (name, value) in elements {
        if let (b"payload" | b"pwd" | b"key" | b"nonce", Value::Text(part) | Value::Other(part)) =
            (name, value)
        {
            mask.hide_part(part);
        }
    }
}
