//! The binary protocol: a header of 24 bytes
//! (<https://github.com/memcached/memcached/wiki/BinaryProtocolRevamped>).

use super::{failure, nothing};
use crate::bytes::Cursor;
use crate::call::{Blame, Request, Response};
use crate::dialect::{Event, Expects, Fit, Input, Key, Read};
use crate::record::Open;
use crate::redact::Mask;
use crate::verdict::{Role, Turn};

pub(super) const REQUEST: u8 = 0x80;
pub(super) const RESPONSE: u8 = 0x81;

const HEADER_LEN: usize = 24;

/// Names by opcode; what a `Q` ends is not answered if it worked, or if it found nothing.
const OPCODES: [&str; 0x26] = [
    "GET",
    "SET",
    "ADD",
    "REPLACE",
    "DELETE",
    "INCR",
    "DECR",
    "QUIT",
    "FLUSH_ALL",
    "GETQ",
    "NOOP",
    "VERSION",
    "GETK",
    "GETKQ",
    "APPEND",
    "PREPEND",
    "STAT",
    "SETQ",
    "ADDQ",
    "REPLACEQ",
    "DELETEQ",
    "INCRQ",
    "DECRQ",
    "QUITQ",
    "FLUSHQ",
    "APPENDQ",
    "PREPENDQ",
    "VERBOSITY",
    "TOUCH",
    "GAT",
    "GATQ",
    "",
    "SASL_LIST_MECHS",
    "SASL_AUTH",
    "SASL_STEP",
    "GATK",
    "GATKQ",
    "",
];

const STAT: u8 = 0x10;
const SASL_AUTH: u8 = 0x21;
const SASL_STEP: u8 = 0x22;

#[derive(Clone, Copy, Debug)]
pub(super) struct Header {
    opcode: u8,
    name: &'static str,
    /// Of a request, a partition; of a response, the status.
    status: u16,
    body: u32,
    opaque: u32,
}

impl Header {
    fn size(self) -> u64 {
        HEADER_LEN as u64 + u64::from(self.body)
    }

    fn is_quiet(self) -> bool {
        self.name.ends_with('Q')
    }
}

fn header(bytes: &[u8], magic: u8) -> Option<Header> {
    let mut cursor = Cursor::new(bytes);
    let (found, opcode, key) = (cursor.u8()?, cursor.u8()?, cursor.u16()?);
    let (extras, kind, status) = (cursor.u8()?, cursor.u8()?, cursor.u16()?);
    let (body, opaque, _cas) = (cursor.u32()?, cursor.u32()?, cursor.u64()?);
    let name = OPCODES
        .get(usize::from(opcode))
        .copied()
        .filter(|name| !name.is_empty())?;
    let valid = found == magic
        && kind == 0
        && key <= 250
        && matches!(extras, 0 | 4 | 8 | 12 | 20)
        && u32::from(key) + u32::from(extras) <= body
        && body <= 1 << 30
        && (magic == REQUEST || status < 0x100);
    valid.then_some(Header {
        opcode,
        name,
        status,
        body,
        opaque,
    })
}

pub(super) fn header_of(turn: &Turn<'_>, magic: u8) -> Option<Header> {
    header(turn.bytes, magic).filter(|header| turn.holds(header.size()))
}

pub(super) fn fit(request: &Turn<'_>, response: &Turn<'_>) -> Fit {
    let (Some(asked), Some(answered)) = (header_of(request, REQUEST), header_of(response, RESPONSE)) else {
        return Fit::No;
    };
    // A quiet request is answered together with a later one.
    let same = asked.opcode == answered.opcode && asked.opaque == answered.opaque;
    Fit::strong_if(same || asked.is_quiet())
}

pub(super) fn read<'a>(from: Role, input: Input<'a>, open: &Open) -> Read<'a> {
    if input.bytes.len() < HEADER_LEN {
        return Read::More;
    }
    let magic = match from {
        Role::Client => REQUEST,
        Role::Server => RESPONSE,
    };
    let Some(header) = header(input.bytes, magic) else {
        return Read::Lost;
    };
    if from == Role::Client {
        let event = Event::Request {
            key: 0,
            tag: u32::from(header.opcode) | u32::from(header.is_quiet()) << 8,
            request: Request {
                operation: header.name,
                ..Request::default()
            },
            expects: if header.name == "QUITQ" {
                Expects::Nothing
            } else {
                Expects::Response
            },
            protocol: None,
        };
        return Read::message(header.size(), event);
    }
    let Some(tag) = open.tag(Key::Front) else {
        return nothing(header.size());
    };
    if tag & 0xff != u32::from(header.opcode) {
        // A quiet request that worked, or found nothing, is passed over in silence.
        return match tag >> 8 {
            0 => nothing(header.size()),
            _ => Read::message(0, Event::End { key: Key::Front }),
        };
    }
    // Absent, present and not stored are answers; 0x20 and 0x21 are steps of authentication.
    let failed = match header.status {
        0x00..=0x02 | 0x05 | 0x21 => None,
        0x20 => Some(failure("AUTH_ERROR", Blame::Caller, b"")),
        0x03 | 0x04 | 0x06 | 0x81 => Some(failure("CLIENT_ERROR", Blame::Caller, b"")),
        _ => Some(failure("SERVER_ERROR", Blame::Callee, b"")),
    };
    // Statistics end with an empty one.
    let last = header.opcode != STAT || header.body == 0 || failed.is_some();
    Read::message(
        header.size(),
        Event::Response {
            key: Key::Front,
            response: Response {
                status: Some(i32::from(header.status)),
                failure: failed,
                ..Response::default()
            },
            messages: u32::from(last),
            last,
        },
    )
}

pub(super) fn secrets(bytes: &[u8], mask: &mut Mask<'_>) {
    let mut at = 0;
    while let Some(header) = bytes.get(at..).and_then(|rest| header(rest, REQUEST)) {
        let end = at.saturating_add(usize::try_from(header.size()).unwrap_or(usize::MAX));
        if matches!(header.opcode, SASL_AUTH | SASL_STEP) {
            mask.hide(at + HEADER_LEN..end);
        }
        at = end;
    }
}
