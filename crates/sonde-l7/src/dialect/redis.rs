//! Redis: RESP2, RESP3 and what speaks them (<https://redis.io/docs/latest/develop/reference/protocol-spec/>).

mod commands;

use super::{Dialect, Event, Expects, Fit, Input, Key, Read, Session, Start};
use crate::bytes::{ascii, crlf_line, decimal, is_graphic, is_text};
use crate::call::{Blame, Failure, Flags, Request, Response, Target};
use crate::kernel::{KernelCheck, Outcome, Rule};
use crate::record::Open;
use crate::redact::Mask;
use crate::verdict::{Role, Turn};
use commands::known;

pub(crate) static DIALECT: Dialect = Dialect {
    starts,
    fit,
    greeting: None,
    session: |_: Start| Box::new(Redis::default()),
    secrets,
    kernel: KernelCheck::new(
        [
            Rule::byte(0, 0x2d..=0x2d, Outcome::CalleeError),
            // RESP3: an error as a bulk string; a pushed message comes on its own.
            Rule::byte(0, 0x21..=0x21, Outcome::CalleeError),
            Rule::byte(0, 0x3e..=0x3e, Outcome::Interim),
        ],
        Outcome::Ok,
    ),
};

/// Longer command names are not names.
const NAME_MAX: usize = 64;

/// The server's own bound of an array and of a string (`proto-max-bulk-len`).
const ELEMENTS_MAX: i64 = 1024 * 1024;
const BULK_MAX: i64 = 512 * 1024 * 1024;

/// A remark about an open call: its answers carry the command's name, one for each channel.
const TAG_SUBSCRIBE: u32 = 1;

fn starts(role: Role, turn: &Turn<'_>) -> bool {
    match role {
        Role::Client => matches!(command(turn.bytes), Parsed::Command { .. }),
        Role::Server => is_reply(turn),
    }
}

fn fit(request: &Turn<'_>, response: &Turn<'_>) -> Fit {
    if let Parsed::Command { name: asked, .. } = command(request.bytes) {
        // NATS quotes its errors; and what comes back as it was sent is an echo.
        let is_echo = response.bytes == request.bytes;
        if !is_reply(response) || is_echo || response.bytes.starts_with(b"-ERR '") {
            return Fit::No;
        }
        // An array of strings may be a command or a reply: one that names a command could be either side's.
        return match command(response.bytes) {
            Parsed::Command { name, .. } if known(name).is_some() => {
                let subscribed = name.ends_with(b"subscribe") && name.eq_ignore_ascii_case(asked);
                if subscribed { Fit::Strong } else { Fit::Sideless }
            }
            _ => Fit::Strong,
        };
    }
    // Of the commands that people type, only this one has an answer that no other protocol gives.
    Fit::strong_if(
        request
            .bytes
            .get(..6)
            .is_some_and(|it| it.eq_ignore_ascii_case(b"PING\r\n"))
            && response.bytes.starts_with(b"+PONG\r\n"),
    )
}

/// Whether a turn starts with a reply, strictly.
fn is_reply(turn: &Turn<'_>) -> bool {
    let Some((text, size)) = crlf_line(turn.bytes) else {
        // A long status or error may be cut.
        return !turn.is_whole() && matches!(turn.bytes.first(), Some(b'-' | b'+')) && is_text(turn.bytes);
    };
    let Some((kind, value)) = text.split_first() else {
        return false;
    };
    match kind {
        b'+' => value.is_empty() || is_text(value),
        b'-' => is_text(value) && value[0].is_ascii_uppercase(),
        b':' => integer(value).is_some(),
        b'_' => value.is_empty(),
        b'#' => matches!(value, b"t" | b"f"),
        b',' | b'(' => is_graphic(value) && value.len() < 400 && value.iter().any(u8::is_ascii_alphanumeric),
        b'$' | b'=' | b'!' => match integer(value) {
            Some(-1) => true,
            Some(len @ 0..=BULK_MAX) => {
                let end = size as u64 + len as u64;
                let at = usize::try_from(end).unwrap_or(usize::MAX);
                turn.holds(end) && turn.bytes.get(at..at + 2).is_none_or(|it| it == b"\r\n")
            }
            _ => false,
        },
        b'*' | b'%' | b'~' | b'>' | b'|' => match integer(value) {
            Some(-1) => *kind == b'*',
            Some(0) => true,
            Some(1..=ELEMENTS_MAX) => turn
                .bytes
                .get(size)
                .is_none_or(|next| b"+-:$*_#,(!=%~>".contains(next)),
            _ => false,
        },
        _ => false,
    }
}

enum Parsed<'a> {
    More,
    No,
    Command {
        name: &'a [u8],
        /// Bytes up to the end of the name.
        size: usize,
        /// Elements after it.
        left: u64,
    },
}

/// `*2\r\n$3\r\nGET\r\n`: a command up to its name.
fn command(bytes: &[u8]) -> Parsed<'_> {
    match bytes.first() {
        None => return Parsed::More,
        Some(b'*') => {}
        Some(_) => return Parsed::No,
    }
    let Some((count, first)) = crlf_line(bytes) else {
        return if bytes.len() > 12 || bytes.contains(&b'\n') {
            Parsed::No
        } else {
            Parsed::More
        };
    };
    let count = integer(&count[1..]).filter(|count| (1..=ELEMENTS_MAX).contains(count));
    let Some(count) = count else {
        return Parsed::No;
    };
    let rest = &bytes[first..];
    let Some((len, second)) = crlf_line(rest) else {
        let maybe =
            rest.len() < 12 && rest.first().is_none_or(|byte| *byte == b'$') && !rest.contains(&b'\n');
        return if maybe { Parsed::More } else { Parsed::No };
    };
    let len = len
        .strip_prefix(b"$")
        .and_then(decimal)
        .filter(|len| (1..=NAME_MAX as u64).contains(len));
    let Some(len) = len else {
        return Parsed::No;
    };
    let len = len as usize;
    let rest = &rest[second..];
    let here = &rest[..len.min(rest.len())];
    if !here.is_empty() && !is_name(here) {
        return Parsed::No;
    }
    match rest.get(len..len + 2) {
        Some(b"\r\n") => Parsed::Command {
            name: here,
            size: first + second + len + 2,
            left: count as u64 - 1,
        },
        Some(_) => Parsed::No,
        None => Parsed::More,
    }
}

fn is_name(name: &[u8]) -> bool {
    name[0].is_ascii_alphabetic()
        && name
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || b"._-|".contains(byte))
}

fn integer(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        digits => (false, digits),
    };
    let value = i64::try_from(decimal(digits)?).ok()?;
    Some(if negative { -value } else { value })
}

#[derive(Debug, Default)]
struct Redis {
    /// Elements of the command under way.
    client_left: u64,
    /// Elements of the reply under way, all levels in one number.
    server_left: u64,
    /// Whether that reply answers a command.
    answering: bool,
    /// Messages of channels may come in between.
    subscribed: bool,
}

impl Session for Redis {
    fn read<'a>(&'a mut self, from: Role, input: Input<'a>, open: &Open) -> Read<'a> {
        match from {
            Role::Client => self.request(input.bytes),
            Role::Server => self.reply(input, open),
        }
    }

    fn lost(&mut self, from: Role) {
        match from {
            Role::Client => self.client_left = 0,
            Role::Server => self.server_left = 0,
        }
    }
}

impl Redis {
    fn request<'a>(&mut self, bytes: &'a [u8]) -> Read<'a> {
        if self.client_left > 0 {
            return match element(bytes) {
                Element::More => Read::More,
                Element::Scalar(size) if bytes[0] == b'$' => {
                    self.client_left -= 1;
                    Read::message(size, Event::Nothing)
                }
                Element::Scalar(_) | Element::Many { .. } | Element::No => Read::Lost,
            };
        }
        match command(bytes) {
            Parsed::More => Read::More,
            Parsed::Command { name, size, left } => {
                self.client_left = left;
                Read::message(size as u64, self.event(name))
            }
            Parsed::No => match crlf_line(bytes) {
                Some((b"" | b"*0", size)) => Read::message(size as u64, Event::Nothing),
                Some((text, size)) => {
                    let name = text.split(|byte| *byte == b' ').next().unwrap_or_default();
                    if known(name).is_none() {
                        return Read::Lost;
                    }
                    Read::message(size as u64, self.event(name))
                }
                None if bytes[0].is_ascii_alphabetic() => Read::More,
                None => Read::Lost,
            },
        }
    }

    fn event<'a>(&mut self, name: &'a [u8]) -> Event<'a> {
        let operation = known(name).unwrap_or_else(|| ascii(name));
        let subscribes = operation.ends_with("SUBSCRIBE");
        self.subscribed |= subscribes;
        Event::Request {
            key: 0,
            tag: if subscribes { TAG_SUBSCRIBE } else { 0 },
            request: Request {
                operation,
                target: Target::default(),
                scope: b"",
                trace: None,
                flags: Flags::default(),
            },
            expects: Expects::Response,
            protocol: None,
        }
    }

    fn reply<'a>(&mut self, input: Input<'a>, open: &Open) -> Read<'a> {
        let bytes = input.bytes;
        let element = element(bytes);
        let (size, children) = match element {
            Element::More => return Read::More,
            Element::No => return Read::Lost,
            Element::Scalar(size) => (size, 0),
            Element::Many { size, children } => (size, children),
        };
        if self.server_left > 0 {
            self.server_left = self.server_left - 1 + children;
            let ends = self.server_left == 0 && self.answering;
            let event = if ends {
                Event::End { key: Key::Front }
            } else {
                Event::Nothing
            };
            return Read::message(size, event);
        }
        // The text of an error is part of what is told.
        if bytes[0] == b'!' && input.head(size).is_none() {
            return Read::More;
        }
        // An attribute comes before a reply, a pushed message beside it.
        let mut answers = !matches!(bytes[0], b'|' | b'>');
        if answers && self.subscribed {
            match channel_word(bytes, size) {
                None => return Read::More,
                Some(word) if is_message(word) => answers = false,
                // One reply for each channel, but one command.
                Some(word) if word.ends_with(b"subscribe") => {
                    answers = open.tag(Key::Front) == Some(TAG_SUBSCRIBE);
                }
                Some(_) => {}
            }
        }
        self.server_left = children;
        self.answering = answers;
        if !answers {
            return Read::message(size, Event::Nothing);
        }
        Read::message(
            size,
            Event::Response {
                key: Key::Front,
                response: Response {
                    status: None,
                    failure: failure(bytes),
                    detail: "",
                    flags: Flags::default(),
                },
                messages: 1,
                last: children == 0,
            },
        )
    }
}

/// One element of a command or a reply.
enum Element {
    More,
    No,
    Scalar(u64),
    /// An aggregate: its line, and how many elements follow.
    Many {
        size: u64,
        children: u64,
    },
}

fn element(bytes: &[u8]) -> Element {
    // The longest line is an error with a message.
    const LINE_MAX: usize = 16 * 1024;
    let Some((text, size)) = crlf_line(bytes) else {
        let wrong = bytes.len() >= LINE_MAX || bytes.contains(&b'\n');
        return if wrong { Element::No } else { Element::More };
    };
    let Some((kind, value)) = text.split_first() else {
        return Element::No;
    };
    let size = size as u64;
    match kind {
        b'+' | b'-' | b':' | b'_' | b'#' | b',' | b'(' => Element::Scalar(size),
        b'$' | b'=' | b'!' => match integer(value) {
            Some(-1) => Element::Scalar(size),
            Some(len @ 0..=BULK_MAX) => Element::Scalar(size + len as u64 + 2),
            _ => Element::No,
        },
        b'*' | b'~' | b'>' | b'%' | b'|' => match integer(value) {
            Some(-1) => Element::Scalar(size),
            Some(count @ 0..=ELEMENTS_MAX) => Element::Many {
                size,
                children: count as u64 * if matches!(kind, b'%' | b'|') { 2 } else { 1 },
            },
            _ => Element::No,
        },
        _ => Element::No,
    }
}

/// The first string of an array; empty if there is none, `None` if it is not here yet.
fn channel_word(bytes: &[u8], header: u64) -> Option<&[u8]> {
    if bytes[0] != b'*' {
        return Some(b"");
    }
    let rest = &bytes[header as usize..];
    let (len, size) = crlf_line(rest)?;
    let Some(len) = len.strip_prefix(b"$").and_then(decimal).filter(|len| *len < 16) else {
        return Some(b"");
    };
    rest.get(size..size + len as usize)
}

fn is_message(word: &[u8]) -> bool {
    matches!(word, b"message" | b"pmessage" | b"smessage")
}

/// `-ERR unknown command`, or the same as a bulk string.
fn failure(bytes: &[u8]) -> Option<Failure<'_>> {
    let (text, size) = crlf_line(bytes)?;
    let text = match bytes[0] {
        b'-' => &text[1..],
        b'!' => crlf_line(&bytes[size..]).map_or(b"".as_slice(), |(text, _)| text),
        _ => return None,
    };
    let space = memchr::memchr(b' ', text).unwrap_or(text.len());
    let (code, message) = text.split_at(space);
    // The server's state is to blame for these, the command for the rest.
    let callee = [
        "LOADING",
        "BUSY",
        "OOM",
        "MISCONF",
        "MASTERDOWN",
        "CLUSTERDOWN",
        "TRYAGAIN",
        "READONLY",
        "NOREPLICAS",
        "UNKILLABLE",
        "IOERR",
    ];
    let code = ascii(code);
    Some(Failure {
        blame: if callee.contains(&code) {
            Blame::Callee
        } else {
            Blame::Caller
        },
        code,
        message: message.trim_ascii(),
    })
}

/// Arguments of commands that carry passwords.
fn secrets(from: Role, bytes: &[u8], mask: &mut Mask<'_>) {
    if from == Role::Server {
        return;
    }
    let mut rest = bytes;
    // Every step takes at least one byte; a sample is short.
    while !rest.is_empty() {
        let Parsed::Command { name, size, left } = command(rest) else {
            let Some((text, size)) = crlf_line(rest) else {
                if starts_secretly(rest) {
                    mask.hide_part(&rest[4..]);
                }
                return;
            };
            if starts_secretly(text) {
                mask.hide_part(&text[4..]);
            }
            rest = &rest[size..];
            continue;
        };
        rest = &rest[size..];
        // After these words, the next arguments are secret.
        let mut hiding = name.eq_ignore_ascii_case(b"AUTH");
        let acl = name.eq_ignore_ascii_case(b"ACL");
        for _ in 0..left {
            let Some((len, header)) = crlf_line(rest) else {
                return;
            };
            let Some(len) = len.strip_prefix(b"$").and_then(decimal) else {
                return;
            };
            let end = usize::try_from(len)
                .unwrap_or(usize::MAX)
                .min(rest.len() - header);
            let argument = &rest[header..header + end];
            if hiding || (acl && matches!(argument.first(), Some(b'>' | b'<' | b'#'))) {
                mask.hide_part(argument);
            }
            hiding |= [
                b"AUTH".as_slice(),
                b"AUTH2",
                b"requirepass",
                b"masterauth",
                b"tls-key-file-pass",
            ]
            .iter()
            .any(|word| argument.eq_ignore_ascii_case(word));
            rest = rest.get(header + end + 2..).unwrap_or_default();
        }
    }
}

fn starts_secretly(line: &[u8]) -> bool {
    line.get(..5)
        .is_some_and(|start| start.eq_ignore_ascii_case(b"AUTH "))
}
