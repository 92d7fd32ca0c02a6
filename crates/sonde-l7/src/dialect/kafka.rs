//! Kafka: requests by API and topic or group, responses by correlation id.

mod apis;

use super::{Dialect, Event, Expects, Fit, Input, Key, Read, Session, Start};
use crate::bytes::{Cursor, is_printable};
use crate::call::{Blame, Failure, Flags, Kind, Request, Response, Target};
use crate::kernel::{Framing, KernelCheck, Outcome, Rule};
use crate::record::Open;
use crate::redact::Mask;
use crate::trace;
use crate::verdict::{Role, Turn};
use apis::{Api, ErrorAt, Subject};

pub(crate) static DIALECT: Dialect = Dialect {
    starts: |role, turn| match role {
        Role::Client => request_of(turn).is_some(),
        Role::Server => response_of(turn).is_some(),
    },
    fit: |request, response| match (request_of(request), response_of(response)) {
        (Some(asked), Some(id)) => Fit::strong_if(asked.correlation == id && answers(&asked, response.bytes)),
        _ => Fit::No,
    },
    greeting: None,
    session: |_: Start| Box::new(Kafka),
    secrets,
    // Where an error stands depends on what was asked.
    kernel: KernelCheck::new([], Outcome::Unknown)
        .correlated(8, 4, 4)
        .long(0, 4, false, 4)
        .framed(Framing {
            request_header: 12,
            answer_header: 8,
            answer_by_id: 1,
            len_max: LEN_MAX,
            // There are fewer than 128 APIs, in fewer than 32 versions.
            client: Rule::when(4, 0xff80_ffe0, 0..=0),
            ..Framing::NONE
        }),
};

/// The greatest request that brokers take (`socket.request.max.bytes`).
const LEN_MAX: u32 = 100 * 1024 * 1024;

/// No API has come near this version.
const VERSION_MAX: i16 = 24;

#[derive(Clone, Copy)]
struct Asked<'a> {
    api: &'static Api,
    version: i16,
    correlation: u32,
    /// After the header.
    body: Cursor<'a>,
    /// The header's end was not captured.
    cut: bool,
}

impl Asked<'_> {
    fn flexible(&self) -> bool {
        self.version >= self.api.flexible
    }
}

/// The length of the message, without the field itself.
fn len_of(bytes: &[u8]) -> Option<u32> {
    let len = u32::from_be_bytes(*bytes.first_chunk()?);
    (4..=LEN_MAX).contains(&len).then_some(len)
}

fn request(message: &[u8]) -> Option<Asked<'_>> {
    let mut cursor = Cursor::new(message);
    cursor.u32()?;
    let (key, version, correlation) = (cursor.i16()?, cursor.i16()?, cursor.u32()?);
    let api = apis::find(key).filter(|_| (0..=VERSION_MAX).contains(&version))?;
    let mut asked = Asked {
        api,
        version,
        correlation,
        body: cursor,
        cut: true,
    };
    let Some(len) = cursor.i16() else {
        return Some(asked);
    };
    let client = match len {
        -1 => b"".as_slice(),
        0..=1024 => cursor.take_at_most(len as usize),
        _ => return None,
    };
    if !client.is_empty() && !is_printable(client) {
        return None;
    }
    // Tagged fields of the header: a count, and none are in use.
    if asked.flexible() && cursor.u8().is_some_and(|count| count != 0) {
        return None;
    }
    asked.cut = client.len() < usize::try_from(len).unwrap_or_default();
    asked.body = cursor;
    Some(asked)
}

/// A turn that starts with a request, strictly.
fn request_of<'a>(turn: &Turn<'a>) -> Option<Asked<'a>> {
    let len = len_of(turn.bytes)?;
    if !turn.holds(u64::from(len) + 4) || len < 10 {
        return None;
    }
    let asked = request(turn.bytes)?;
    (asked.cut || plausible(asked)).then_some(asked)
}

/// Fields with few values, where the header alone may be by chance: zeroes are everywhere.
fn plausible(asked: Asked<'_>) -> bool {
    let mut body = asked.body;
    match asked.api.subject {
        Subject::Produce => produce(&mut body, &asked)
            .is_none_or(|(acks, timeout)| (-1..=1).contains(&acks) && (0..=3_600_000).contains(&timeout)),
        Subject::Fetch if asked.version < 15 => body.i32().is_none_or(|replica| replica >= -2),
        _ => true,
    }
}

/// Reads up to the topics of a Produce; gives acks and the time-out.
fn produce(body: &mut Cursor<'_>, asked: &Asked<'_>) -> Option<(i16, i32)> {
    if asked.version >= 3 {
        text(body, asked.flexible())?;
    }
    Some((body.i16()?, body.i32()?))
}

/// Whether a response with the right number can answer this request: a number alone is soon met.
fn answers(asked: &Asked<'_>, response: &[u8]) -> bool {
    // Who wants no answer gets none.
    if subject(asked).is_some_and(|(_, answered)| !answered) {
        return false;
    }
    let body = Cursor::new(response.get(8..).unwrap_or_default());
    let known = |code: i16| (-1..=160).contains(&code);
    if !error_code(asked.api, asked.version, body).is_none_or(known) {
        return false;
    }
    let flexible = asked.flexible();
    let mut rest = body;
    let mut plausible = || match asked.api.name {
        "ApiVersions" => {
            // The refusal of a version comes in the oldest form.
            const UNSUPPORTED_VERSION: i16 = 35;
            if rest.i16()? == UNSUPPORTED_VERSION {
                return Some(true);
            }
            let apis = count(&mut rest, flexible)?;
            let (_, least, most) = (rest.i16()?, rest.i16()?, rest.i16()?);
            Some((1..200).contains(&apis) && (0..=VERSION_MAX).contains(&least) && least <= most)
        }
        "Metadata" => {
            if flexible {
                rest.u8()?;
            }
            if asked.version >= 3 {
                rest.i32()?;
            }
            let brokers = count(&mut rest, flexible)?;
            if brokers == 0 {
                return Some(true);
            }
            rest.i32()?;
            Some(brokers < 10_000 && is_printable(text(&mut rest, flexible)?))
        }
        "Produce" if asked.version < 13 => {
            if flexible {
                rest.u8()?;
            }
            let topics = count(&mut rest, flexible)?;
            Some((1..10_000).contains(&topics) && is_printable(text(&mut rest, flexible)?))
        }
        _ => Some(true),
    };
    // What was not captured is not held against it.
    plausible().unwrap_or(true)
}

fn response_of(turn: &Turn<'_>) -> Option<u32> {
    let len = len_of(turn.bytes)?;
    let id = u32::from_be_bytes(*turn.bytes.get(4..)?.first_chunk()?);
    // No client counts below zero or that far.
    (turn.holds(u64::from(len) + 4) && id < 1 << 31).then_some(id)
}

/// A text with its length; an absent one is empty.
fn text<'a>(cursor: &mut Cursor<'a>, compact: bool) -> Option<&'a [u8]> {
    let len = if compact {
        cursor.varint()?.saturating_sub(1) as usize
    } else {
        usize::try_from(cursor.i16()?).unwrap_or_default()
    };
    cursor.take(len)
}

/// A number of elements; an absent list has none.
fn count(cursor: &mut Cursor<'_>, compact: bool) -> Option<u32> {
    if compact {
        cursor.varint().map(|count| count.saturating_sub(1))
    } else {
        cursor.i32().map(|count| u32::try_from(count).unwrap_or_default())
    }
}

/// The first topic's or group's name, and for Produce whether an answer is wanted.
fn subject<'a>(asked: &Asked<'a>) -> Option<(&'a [u8], bool)> {
    let mut body = asked.body;
    let compact = asked.flexible();
    let version = asked.version;
    let first = |body: &mut Cursor<'a>| {
        if count(body, compact)? == 0 {
            return Some(b"".as_slice());
        }
        text(body, compact)
    };
    match asked.api.subject {
        Subject::None => None,
        Subject::First if asked.api.key == 9 && version >= 8 => Some((first(&mut body)?, true)),
        Subject::First if asked.api.key == 10 && version >= 4 => None,
        Subject::First => Some((text(&mut body, compact)?, true)),
        Subject::Produce => {
            let (acks, _) = produce(&mut body, asked)?;
            // Topics have numbers instead of names from version 13 on.
            let name = if version < 13 { first(&mut body) } else { None };
            Some((name.unwrap_or_default(), acks != 0))
        }
        Subject::Fetch => {
            let fixed = [
                (15 > version, 4),
                (true, 8),
                (version >= 3, 4),
                (version >= 4, 1),
                (version >= 7, 8),
            ];
            let skipped: usize = fixed.iter().filter(|(here, _)| *here).map(|(_, size)| size).sum();
            body.take(skipped)?;
            (version < 13)
                .then(|| first(&mut body))
                .flatten()
                .map(|name| (name, true))
        }
        Subject::Metadata if version >= 10 => {
            if count(&mut body, compact)? == 0 {
                return None;
            }
            body.take(16)?;
            Some((text(&mut body, compact)?, true))
        }
        Subject::Metadata | Subject::Topics => Some((first(&mut body)?, true)),
        Subject::ListOffsets => {
            body.take(if version >= 2 { 5 } else { 4 })?;
            Some((first(&mut body)?, true))
        }
    }
}

/// The first error code of a response, from after the correlation id on.
fn error_code(api: &Api, version: i16, mut cursor: Cursor<'_>) -> Option<i16> {
    let compact = version >= api.flexible;
    // ApiVersions alone keeps the old header, for clients that do not know the new one yet.
    if compact && api.key != 18 {
        cursor.u8()?;
    }
    let throttled = |from: i16, cursor: &mut Cursor<'_>| {
        if version >= from {
            cursor.i32()?;
        }
        Some(())
    };
    match api.error {
        ErrorAt::None => None,
        ErrorAt::Top { .. } if api.key == 10 && version >= 4 => None,
        ErrorAt::Top { throttle_from } => {
            throttled(throttle_from, &mut cursor)?;
            cursor.i16()
        }
        ErrorAt::TopFrom(from) => {
            if version < from {
                return None;
            }
            cursor.i32()?;
            cursor.i16()
        }
        ErrorAt::Partition { throttle_from } => {
            throttled(throttle_from, &mut cursor)?;
            if count(&mut cursor, compact)? == 0 {
                return None;
            }
            match api.key {
                0 if version >= 13 => {
                    cursor.take(16)?;
                }
                _ => {
                    text(&mut cursor, compact)?;
                }
            }
            if count(&mut cursor, compact)? == 0 {
                return None;
            }
            cursor.i32()?;
            cursor.i16()
        }
        ErrorAt::Topic {
            throttle_from,
            id_from,
        } => {
            throttled(throttle_from, &mut cursor)?;
            if count(&mut cursor, compact)? == 0 {
                return None;
            }
            text(&mut cursor, compact)?;
            if version >= id_from {
                cursor.take(16)?;
            }
            cursor.i16()
        }
    }
}

#[derive(Debug)]
struct Kafka;

impl Session for Kafka {
    fn read<'a>(&'a mut self, from: Role, input: Input<'a>, open: &Open) -> Read<'a> {
        if input.bytes.len() < 4 {
            return Read::More;
        }
        let Some(len) = len_of(input.bytes) else {
            return Read::Lost;
        };
        let size = u64::from(len) + 4;
        let Some(head) = input.head(size) else {
            return Read::More;
        };
        match from {
            Role::Client => match request(head) {
                Some(asked) => Read::message(size, call(&asked, head)),
                None => Read::Lost,
            },
            Role::Server => {
                let mut cursor = Cursor::new(&head[4..]);
                match cursor.u32() {
                    Some(id) => Read::message(size, answer(u64::from(id), cursor, open)),
                    None => Read::More,
                }
            }
        }
    }
}

fn call<'a>(asked: &Asked<'a>, head: &'a [u8]) -> Event<'a> {
    let (name, answered) = subject(asked).unwrap_or((b"", true));
    Event::Request {
        key: u64::from(asked.correlation),
        // Both are small and not negative.
        tag: (asked.api.key as u32) << 16 | asked.version as u32,
        request: Request {
            operation: asked.api.name,
            target: Target::new(Kind::Name, name),
            scope: b"",
            trace: trace::scan(head),
            flags: Flags::default().with_if(asked.cut, Flags::TRUNCATED),
        },
        expects: if answered {
            Expects::Response
        } else {
            Expects::Nothing
        },
        protocol: None,
    }
}

fn answer<'a>(id: u64, cursor: Cursor<'a>, open: &Open) -> Event<'a> {
    let key = Key::Id(id);
    let code = open.tag(key).and_then(|tag| {
        let api = apis::find((tag >> 16) as i16)?;
        error_code(api, (tag & 0xffff) as i16, cursor)
    });
    let failure = code.filter(|code| *code != 0).map(|code| {
        let (name, broker) = apis::error(code);
        Failure {
            blame: if broker { Blame::Callee } else { Blame::Caller },
            code: name,
            message: b"",
        }
    });
    Event::Response {
        key,
        response: Response {
            status: code.map(i32::from),
            failure,
            ..Response::default()
        },
        messages: 1,
        last: true,
    }
}

/// What clients send to prove who they are.
fn secrets(from: Role, bytes: &[u8], mask: &mut Mask<'_>) {
    const SASL_AUTHENTICATE: i16 = 36;
    if from == Role::Client
        && let Some(asked) = request(bytes)
        && asked.api.key == SASL_AUTHENTICATE
    {
        mask.hide_part(asked.body.rest());
    }
}
