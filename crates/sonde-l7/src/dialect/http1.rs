//! HTTP/1.0 and HTTP/1.1 (RFC 9112).
//!
//! Heads are read line by line here and not by a parser of whole heads: a capture ends inside most of them, and what
//! stands before the cut is what is needed.

use super::{Dialect, Event, Expects, Fit, Input, Key, Read, Session, Start};
use crate::bytes::{decimal, is_graphic, is_printable, line};
use crate::call::{Blame, Failure, Flags, Kind, Request, Response, Target};
use crate::kernel::{KernelCheck, Outcome, Rule};
use crate::limits::HEADERS_MAX;
use crate::protocol::Protocol;
use crate::record::Open;
use crate::redact::{Mask, is_secret_name};
use crate::trace::TraceReader;
use crate::verdict::{Role, Turn};

pub(crate) static DIALECT: Dialect = Dialect {
    starts,
    fit,
    greeting: None,
    session: |_: Start| Box::new(Http1::default()),
    secrets,
    kernel: KernelCheck::new(
        [
            Rule::byte(9, 0x35..=0x35, Outcome::CalleeError),
            Rule::byte(9, 0x34..=0x34, Outcome::CallerError),
            Rule::byte(9, 0x32..=0x33, Outcome::Ok),
            // 101 ends the talk in HTTP; the other ones are followed by the response.
            Rule::text(8, *b" 101", Outcome::Ok),
            Rule::byte(9, 0x31..=0x31, Outcome::Interim),
        ],
        Outcome::Unknown,
    )
    .guarded(Rule::text(0, *b"HTTP", Outcome::Unknown)),
};

/// Methods of the registry at IANA that servers in use know, and `PURGE` of caches.
const METHODS: &[&str] = &[
    "GET",
    "POST",
    "HEAD",
    "PUT",
    "DELETE",
    "OPTIONS",
    "PATCH",
    "CONNECT",
    "TRACE",
    "PROPFIND",
    "PROPPATCH",
    "MKCOL",
    "COPY",
    "MOVE",
    "LOCK",
    "UNLOCK",
    "REPORT",
    "SEARCH",
    "PURGE",
    "MKCALENDAR",
    "ACL",
    "LINK",
    "UNLINK",
    "QUERY",
];

/// Remarks about an open call: its response has no body, or is a tunnel.
const TAG_HEAD: u32 = 1;
const TAG_CONNECT: u32 = 2;

fn starts(role: Role, turn: &Turn<'_>) -> bool {
    match role {
        Role::Client => request_line(turn.bytes, !turn.is_whole()).is_some(),
        Role::Server => status_line(turn.bytes).is_some(),
    }
}

fn fit(request: &Turn<'_>, response: &Turn<'_>) -> Fit {
    let asked = request_line(request.bytes, !request.is_whole());
    Fit::strong_if(asked.is_some() && status_line(response.bytes).is_some())
}

/// `GET /path HTTP/1.1`; the path may be cut if the rest was not captured.
fn request_line(bytes: &[u8], cut: bool) -> Option<(&'static str, &[u8])> {
    let space = bytes.iter().take(12).position(|byte| *byte == b' ')?;
    let method = METHODS
        .iter()
        .copied()
        .find(|method| method.as_bytes() == &bytes[..space])?;
    let rest = &bytes[space + 1..];
    let Some((rest, _)) = line(rest) else {
        let end = memchr::memchr(b' ', rest).unwrap_or(rest.len());
        let (target, version) = (&rest[..end], rest[end..].trim_ascii());
        let plausible =
            cut && is_target(method, target) && b"HTTP/1.".starts_with(&version[..version.len().min(7)]);
        return plausible.then_some((method, target));
    };
    let at = memchr::memchr(b' ', rest)?;
    let (target, version) = (&rest[..at], &rest[at + 1..]);
    (matches!(version, b"HTTP/1.1" | b"HTTP/1.0") && is_target(method, target)).then_some((method, target))
}

fn is_target(method: &str, target: &[u8]) -> bool {
    // Raw UTF-8 in paths is common, though not allowed.
    let clean = is_printable(target);
    clean
        && match target[0] {
            b'/' => true,
            b'*' => method == "OPTIONS",
            _ => method == "CONNECT" || memchr::memmem::find(target, b"://").is_some(),
        }
}

/// `HTTP/1.1 200`, and the rest of the line.
fn status_line(bytes: &[u8]) -> Option<(i32, bool)> {
    let head: &[u8; 12] = bytes.first_chunk()?;
    let minor = match &head[..9] {
        b"HTTP/1.1 " => true,
        b"HTTP/1.0 " => false,
        _ => return None,
    };
    let status = decimal(&head[9..])?;
    let ended = matches!(bytes.get(12), None | Some(b' ' | b'\r' | b'\n'));
    ((100..600).contains(&status) && ended).then_some((status as i32, minor))
}

/// What the next byte of a side is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Next {
    /// A head.
    #[default]
    Head,
    /// Chunks of a body.
    Chunk,
    /// Headers after the last chunk.
    Trailer,
    /// A body that ends with the connection.
    UntilClose,
}

#[derive(Debug, Default)]
struct Http1 {
    client: Next,
    server: Next,
    after: After,
}

/// Whose the connection is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum After {
    #[default]
    Http,
    Upgrade(Option<Protocol>),
}

impl Session for Http1 {
    fn read<'a>(&'a mut self, from: Role, input: Input<'a>, open: &Open) -> Read<'a> {
        if let After::Upgrade(protocol) = self.after {
            return Read::message(0, Event::Becomes(protocol));
        }
        let next = match from {
            Role::Client => &mut self.client,
            Role::Server => &mut self.server,
        };
        match *next {
            Next::Chunk => chunk(next, input),
            Next::Trailer => trailer(next, from, input),
            Next::UntilClose => Read::message(input.bytes.len() as u64, Event::Nothing),
            Next::Head => match from {
                Role::Client => request(next, input),
                Role::Server => response(next, &mut self.after, input, open),
            },
        }
    }

    fn lost(&mut self, from: Role) {
        match from {
            Role::Client => self.client = Next::Head,
            Role::Server => self.server = Next::Head,
        }
    }
}

/// The headers that matter.
#[derive(Default)]
struct Headers<'a> {
    /// Bytes of the whole head, if its end is here.
    size: Option<u64>,
    length: Option<u64>,
    chunked: bool,
    compressed: bool,
    upgrade: &'a [u8],
    host: &'a [u8],
    content_type: &'a [u8],
    trace: TraceReader<'a>,
}

/// Reads the lines after the first; `None` if they are no headers.
fn headers(bytes: &[u8]) -> Option<Headers<'_>> {
    let mut headers = Headers::default();
    let (_, mut at) = line(bytes)?;
    for _ in 0..HEADERS_MAX * 2 {
        let Some((text, size)) = line(&bytes[at..]) else {
            return Some(headers);
        };
        at += size;
        if text.is_empty() {
            headers.size = Some(at as u64);
            return Some(headers);
        }
        let colon = memchr::memchr(b':', text)?;
        let (name, value) = (&text[..colon], text[colon + 1..].trim_ascii());
        if !is_graphic(name) {
            return None;
        }
        header(&mut headers, name, value);
    }
    None
}

fn header<'a>(headers: &mut Headers<'a>, name: &[u8], value: &'a [u8]) {
    let is = |other: &str| name.eq_ignore_ascii_case(other.as_bytes());
    match name.len() {
        4 if is("host") => headers.host = value,
        7 if is("upgrade") => headers.upgrade = value,
        12 if is("content-type") => headers.content_type = value,
        14 if is("content-length") => headers.length = decimal(value),
        16 if is("content-encoding") => headers.compressed = !value.eq_ignore_ascii_case(b"identity"),
        17 if is("transfer-encoding") => {
            // "chunked" is the last coding, if it is there at all (RFC 9112 §6.1).
            let last = value.rsplit(|byte| *byte == b',').next().unwrap_or_default();
            headers.chunked = last.trim_ascii().eq_ignore_ascii_case(b"chunked");
        }
        _ => headers.trace.header(name, value),
    }
}

fn request<'a>(next: &mut Next, input: Input<'a>) -> Read<'a> {
    // Servers skip an empty line before a request (RFC 9112 §2.2).
    if let [b'\r', b'\n', ..] | [b'\n', ..] = input.bytes {
        return Read::message(1 + u64::from(input.bytes[0] == b'\r'), Event::Nothing);
    }
    if !input.cut && line(input.bytes).is_none() {
        let word = input.bytes.split(|byte| *byte == b' ').next().unwrap_or_default();
        let maybe = METHODS.iter().any(|method| method.as_bytes().starts_with(word));
        return if maybe { Read::More } else { Read::Lost };
    }
    let Some((method, target)) = request_line(input.bytes, true) else {
        return Read::Lost;
    };
    let headers = if line(input.bytes).is_some() {
        headers(input.bytes)
    } else {
        Some(Headers::default())
    };
    let Some(headers) = headers else {
        return Read::Lost;
    };
    if headers.size.is_none() && !input.cut {
        return Read::More;
    }
    *next = if headers.chunked { Next::Chunk } else { Next::Head };
    let length = if headers.chunked {
        0
    } else {
        headers.length.unwrap_or(0)
    };
    let request = Request {
        operation: method,
        target: Target::new(Kind::Route, target),
        scope: headers.host,
        trace: headers.trace.finish(),
        flags: Flags::default()
            .with_if(headers.compressed, Flags::COMPRESSED)
            .with_if(headers.size.is_none(), Flags::TRUNCATED),
    };
    Read::Message {
        size: headers.size.map(|size| size.saturating_add(length)),
        event: Event::Request {
            key: 0,
            tag: match method {
                "HEAD" => TAG_HEAD,
                "CONNECT" => TAG_CONNECT,
                _ => 0,
            },
            request,
            expects: Expects::Response,
            protocol: None,
        },
    }
}

fn response<'a>(next: &mut Next, after: &mut After, input: Input<'a>, open: &Open) -> Read<'a> {
    let Some((status, version_1_1)) = status_line(input.bytes) else {
        let short =
            input.bytes.len() < 12 && b"HTTP/1.".starts_with(&input.bytes[..input.bytes.len().min(7)]);
        return if short { Read::More } else { Read::Lost };
    };
    let parsed = if line(input.bytes).is_some() {
        headers(input.bytes)
    } else {
        Some(Headers::default())
    };
    let Some(headers) = parsed else {
        return Read::Lost;
    };
    if headers.size.is_none() && !input.cut {
        return Read::More;
    }
    let tag = open.tag(Key::Front).unwrap_or(0);
    if status == 101 || (tag == TAG_CONNECT && (200..300).contains(&status)) {
        return upgrade(after, status, &headers);
    }
    let interim = status < 200;
    let bodiless = interim || status == 204 || status == 304 || tag == TAG_HEAD;
    let response = Response {
        status: Some(status).filter(|_| !interim),
        failure: failure(status),
        detail: if version_1_1 { "1.1" } else { "1.0" },
        flags: Flags::default()
            .with_if(headers.compressed, Flags::COMPRESSED)
            .with_if(headers.size.is_none(), Flags::TRUNCATED)
            .with_if(
                headers.content_type.starts_with(b"text/event-stream"),
                Flags::STREAMING,
            ),
    };
    let (size, last) = match (headers.size, headers.length) {
        // Where the head was cut, its body cannot be found.
        (None, _) => (None, !interim),
        (Some(size), _) if bodiless => (Some(size), !interim),
        (Some(size), _) if headers.chunked => {
            *next = Next::Chunk;
            (Some(size), false)
        }
        (Some(size), Some(length)) => (Some(size.saturating_add(length)), true),
        (Some(size), None) => {
            *next = Next::UntilClose;
            (Some(size), false)
        }
    };
    Read::Message {
        size,
        event: Event::Response {
            key: Key::Front,
            response,
            messages: u32::from(!interim),
            last,
        },
    }
}

/// The call ends here; the next byte of either side is not HTTP/1's.
fn upgrade<'a>(after: &mut After, status: i32, headers: &Headers<'_>) -> Read<'a> {
    let h2c = headers.upgrade.eq_ignore_ascii_case(b"h2c");
    *after = After::Upgrade(h2c.then_some(Protocol::Http2));
    Read::Message {
        size: headers.size,
        event: Event::answer(Response {
            status: Some(status),
            failure: None,
            detail: "1.1",
            flags: Flags::UPGRADED,
        }),
    }
}

/// Whose fault a status says it is (RFC 9110 §15.5, §15.6), in whatever version of HTTP.
pub(super) fn failure(status: i32) -> Option<Failure<'static>> {
    let blame = match status {
        400..500 => Blame::Caller,
        500..600 => Blame::Callee,
        _ => return None,
    };
    Some(Failure {
        blame,
        code: "",
        message: b"",
    })
}

/// A chunk with its size line (RFC 9112 §7.1).
fn chunk<'a>(next: &mut Next, input: Input<'a>) -> Read<'a> {
    // 16 hexadecimal digits and extensions; a line longer than this is not one.
    const LINE_MAX: usize = 256;
    let Some((text, size)) = line(&input.bytes[..input.bytes.len().min(LINE_MAX)]) else {
        return if input.bytes.len() >= LINE_MAX {
            Read::Lost
        } else {
            Read::More
        };
    };
    let digits = text
        .split(|byte| matches!(byte, b';' | b' '))
        .next()
        .unwrap_or_default();
    let length = (!digits.is_empty() && digits.len() <= 15)
        .then(|| {
            digits.iter().try_fold(0_u64, |sum, byte| {
                Some(sum << 4 | u64::from(char::from(*byte).to_digit(16)?))
            })
        })
        .flatten();
    match length {
        None => Read::Lost,
        Some(0) => {
            *next = Next::Trailer;
            Read::message(size as u64, Event::Nothing)
        }
        Some(length) => Read::message(size as u64 + length + 2, Event::Nothing),
    }
}

fn trailer<'a>(next: &mut Next, from: Role, input: Input<'a>) -> Read<'a> {
    let Some((text, size)) = line(input.bytes) else {
        return Read::More;
    };
    if !text.is_empty() {
        return Read::message(size as u64, Event::Nothing);
    }
    *next = Next::Head;
    let event = match from {
        Role::Client => Event::RequestPart {
            key: Key::Back,
            messages: 0,
        },
        Role::Server => Event::End { key: Key::Front },
    };
    Read::message(size as u64, event)
}

/// Values of headers that hold secrets.
fn secrets(_: Role, bytes: &[u8], mask: &mut Mask<'_>) {
    let mut rest = bytes;
    for at in 0..HEADERS_MAX * 2 {
        let (text, size) = line(rest).unwrap_or((rest, rest.len()));
        if text.is_empty() {
            return;
        }
        if at > 0
            && let Some(colon) = memchr::memchr(b':', text)
            && is_secret_name(text[..colon].trim_ascii())
        {
            mask.hide_part(text[colon + 1..].trim_ascii());
        }
        rest = &rest[size..];
    }
}
