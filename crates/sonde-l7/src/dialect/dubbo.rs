//! Dubbo 2 (<https://dubbo.apache.org/en/overview/reference/protocols/tcp/>).

use super::{Dialect, Event, Expects, Fit, Input, Key, Read, Session, Start};
use crate::bytes::{Cursor, ascii, is_printable, line};
use crate::call::{Blame, Failure, Flags, Kind, Request, Response, Target};
use crate::kernel::{Framing, KernelCheck, Outcome, Rule};
use crate::record::Open;
use crate::redact::Mask;
use crate::trace;
use crate::verdict::{Role, Turn};

pub(crate) static DIALECT: Dialect = Dialect {
    starts: |role, turn| {
        header_of(turn).is_some_and(|it| it.is_event() || it.is_request() == (role == Role::Client))
    },
    fit: |request, response| match (header_of(request), header_of(response)) {
        // Either side may ask whether the other one lives, so that proves no role.
        (Some(asked), Some(answered)) => Fit::strong_if(
            asked.is_request() && !answered.is_request() && !asked.is_event() && asked.id == answered.id,
        ),
        _ => Fit::No,
    },
    greeting: None,
    session: |_: Start| Box::new(Dubbo),
    secrets: |_: Role, _: &[u8], _: &mut Mask<'_>| {},
    // An exception of the service is a success of the protocol: its body tells, in the common serialization.
    kernel: KernelCheck::new(
        [
            Rule::byte(3, 0x28..=0x28, Outcome::CallerError),
            Rule::byte(3, 0x3c..=0x3c, Outcome::CallerError),
            Rule::byte(3, 0x5a..=0x5a, Outcome::CallerError),
            Rule::byte(3, 0x15..=0xff, Outcome::CalleeError),
            Rule::byte(16, 0x90..=0x90, Outcome::CalleeError),
            Rule::byte(16, 0x93..=0x93, Outcome::CalleeError),
        ],
        Outcome::Ok,
    )
    .guarded(Rule::word(0, 0xdabb..=0xdabb, Outcome::Unknown))
    .correlated(4, 4, 8)
    .long(12, 4, false, 16)
    .framed(Framing {
        request_header: HEADER_LEN as u8,
        answer_header: HEADER_LEN as u8,
        len_max: BODY_MAX,
        client: MAGIC,
        server: MAGIC,
        // Not an event, and an answer is wanted.
        request: [Rule::when(0, 0xe000, 0xc000..=0xc000), Rule::NONE],
        answer: [Rule::when(0, 0xa000, 0..=0), Rule::NONE],
        ..Framing::NONE
    }),
};

const MAGIC: Rule = Rule::when(0, 0xffff_0000, 0xdabb_0000..=0xdabb_0000);

const HEADER_LEN: usize = 16;

/// Eight times the default bound of a message (`payload`, 8 MiB).
const BODY_MAX: u32 = 64 << 20;

const HESSIAN: u8 = 2;
const FASTJSON: u8 = 6;

/// Statuses of responses.
const STATUSES: &[(u8, &str)] = &[
    (30, "CLIENT_TIMEOUT"),
    (31, "SERVER_TIMEOUT"),
    (35, "CHANNEL_INACTIVE"),
    (40, "BAD_REQUEST"),
    (50, "BAD_RESPONSE"),
    (60, "SERVICE_NOT_FOUND"),
    (70, "SERVICE_ERROR"),
    (80, "SERVER_ERROR"),
    (90, "CLIENT_ERROR"),
    (100, "SERVER_THREADPOOL_EXHAUSTED"),
    (105, "SERIALIZATION_ERROR"),
];

#[derive(Clone, Copy, Debug)]
struct Header {
    flags: u8,
    status: u8,
    id: u64,
    body: u32,
}

impl Header {
    fn is_request(self) -> bool {
        self.flags & 0x80 != 0
    }

    fn is_two_way(self) -> bool {
        self.flags & 0x40 != 0
    }

    fn is_event(self) -> bool {
        self.flags & 0x20 != 0
    }

    fn serialization(self) -> u8 {
        self.flags & 0x1f
    }
}

fn header(bytes: &[u8]) -> Option<Header> {
    let mut cursor = Cursor::new(bytes);
    let (magic, flags, status) = (cursor.u16()?, cursor.u8()?, cursor.u8()?);
    let (id, body) = (cursor.u64()?, cursor.u32()?);
    let header = Header {
        flags,
        status,
        id,
        body,
    };
    let status_fits = header.is_request() || status == 20 || STATUSES.iter().any(|(code, _)| *code == status);
    (magic == 0xdabb && body <= BODY_MAX && header.serialization() != 0 && status_fits).then_some(header)
}

fn header_of(turn: &Turn<'_>) -> Option<Header> {
    header(turn.bytes).filter(|header| turn.holds(HEADER_LEN as u64 + u64::from(header.body)))
}

/// The next text of a body.
fn text<'a>(cursor: &mut Cursor<'a>, serialization: u8) -> Option<&'a [u8]> {
    match serialization {
        HESSIAN => {
            // Lengths count characters; names are ASCII.
            let len = match cursor.u8()? {
                len @ 0x00..=0x1f => usize::from(len),
                high @ 0x30..=0x33 => usize::from(high & 3) << 8 | usize::from(cursor.u8()?),
                b'S' => usize::from(cursor.u16()?),
                _ => return None,
            };
            cursor.take(len)
        }
        FASTJSON => {
            let (text, size) = line(cursor.rest())?;
            cursor.take(size)?;
            text.strip_prefix(b"\"")?.strip_suffix(b"\"")
        }
        _ => None,
    }
}

#[derive(Debug)]
struct Dubbo;

impl Session for Dubbo {
    fn read<'a>(&'a mut self, from: Role, input: Input<'a>, _: &Open) -> Read<'a> {
        if input.bytes.len() < HEADER_LEN {
            return Read::More;
        }
        let Some(header) = header(input.bytes) else {
            return Read::Lost;
        };
        let size = HEADER_LEN as u64 + u64::from(header.body);
        let Some(head) = input.head(size) else {
            return Read::More;
        };
        let body = &head[HEADER_LEN..];
        let event = match (header.is_request(), from) {
            _ if header.is_event() => Event::Nothing,
            (true, Role::Client) => request(header, body),
            (false, Role::Server) => response(header, body),
            _ => return Read::Lost,
        };
        Read::message(size, event)
    }
}

fn request(header: Header, body: &[u8]) -> Event<'_> {
    let mut cursor = Cursor::new(body);
    let mut next =
        || text(&mut cursor, header.serialization()).filter(|text| text.is_empty() || is_printable(text));
    // Dubbo's version, the service, the service's version, the method.
    let (_, service, _, method) = (next(), next(), next(), next());
    Event::Request {
        key: header.id,
        tag: 0,
        request: Request {
            operation: ascii(method.unwrap_or_default()),
            target: Target::new(Kind::Name, service.unwrap_or_default()),
            scope: b"",
            trace: trace::scan(body),
            flags: Flags::default().with_if(
                method.is_none() && body.len() < header.body as usize,
                Flags::TRUNCATED,
            ),
        },
        expects: if header.is_two_way() {
            Expects::Response
        } else {
            Expects::Nothing
        },
        protocol: None,
    }
}

fn response(header: Header, body: &[u8]) -> Event<'_> {
    let mut cursor = Cursor::new(body);
    let kind = match header.serialization() {
        HESSIAN => cursor.u8().and_then(|byte| byte.checked_sub(0x90)),
        FASTJSON => line(body).and_then(|(text, _)| text.first()?.checked_sub(b'0')),
        _ => None,
    };
    // With and without attachments.
    let threw = header.status == 20 && matches!(kind, Some(0 | 3));
    let failure = if threw {
        // A class definition starts with the class' name.
        let class = cursor
            .u8()
            .filter(|byte| *byte == b'C')
            .and_then(|_| text(&mut cursor, HESSIAN));
        Some(Failure {
            blame: Blame::Callee,
            code: "EXCEPTION",
            message: class.unwrap_or_default(),
        })
    } else if header.status == 20 {
        None
    } else {
        let mut cursor = Cursor::new(body);
        Some(Failure {
            blame: if matches!(header.status, 40 | 60 | 90) {
                Blame::Caller
            } else {
                Blame::Callee
            },
            code: STATUSES
                .iter()
                .find(|(code, _)| *code == header.status)
                .map_or("", |(_, name)| *name),
            message: text(&mut cursor, header.serialization()).unwrap_or_default(),
        })
    };
    Event::Response {
        key: Key::Id(header.id),
        response: Response {
            status: Some(i32::from(header.status)),
            failure,
            ..Response::default()
        },
        messages: 1,
        last: true,
    }
}
