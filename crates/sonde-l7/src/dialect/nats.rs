//! NATS' client protocol (<https://docs.nats.io/reference/reference-protocols/nats-protocol>).

use super::{Dialect, Event, Expects, Fit, Input, Key, Read, Session, Start};
use crate::bytes::{ascii, crlf_line, decimal, fnv, is_graphic, is_text};
use crate::call::{Blame, Failure, Kind, Request, Response, Target};
use crate::kernel::{KernelCheck, Outcome, Rule};
use crate::record::Open;
use crate::redact::Mask;
use crate::trace;
use crate::verdict::{Role, Turn};

pub(crate) static DIALECT: Dialect = Dialect {
    starts: |role, turn| message_of(turn, role).is_some(),
    fit: |request, response| match (
        message_of(request, Role::Client),
        message_of(response, Role::Server),
    ) {
        // The verdict of a verbose server, or a delivery.
        (Some(Verb::Pub | Verb::Hpub | Verb::Sub | Verb::Unsub | Verb::Connect), Some(answer)) => {
            Fit::strong_if(matches!(
                answer,
                Verb::Ok | Verb::Err | Verb::Msg | Verb::Hmsg | Verb::Pong
            ))
        }
        _ => Fit::No,
    },
    greeting: Some(|server, client| {
        let said = message_of(client, Role::Client);
        match message_of(server, Role::Server) {
            Some(Verb::Info) => Fit::strong_if(said == Some(Verb::Connect)),
            Some(Verb::Msg | Verb::Hmsg) => Fit::strong_if(matches!(
                said,
                Some(Verb::Pub | Verb::Hpub | Verb::Sub | Verb::Unsub)
            )),
            _ => Fit::No,
        }
    }),
    session: |_: Start| Box::new(Nats),
    secrets,
    kernel: KernelCheck::new(
        [
            Rule::text(0, *b"-ERR", Outcome::CallerError),
            Rule::text(0, *b"+OK\r", Outcome::Ok),
            Rule::text(0, *b"PONG", Outcome::Ok),
            Rule::text(0, *b"INFO", Outcome::Interim),
        ],
        Outcome::Unknown,
    ),
};

/// Servers have 4 KiB for a control line; INFO and CONNECT may be longer.
const LINE_MAX: usize = 15 * 1024;

/// Servers allow 64 MiB at most.
const PAYLOAD_MAX: u64 = 64 << 20;

/// Calls that are not known by a subject.
const CONNECT_KEY: u64 = 1;
const PING_KEY: u64 = 2;
const ERROR_KEY: u64 = 3;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verb {
    Connect,
    Pub,
    Hpub,
    Sub,
    Unsub,
    Ping,
    Pong,
    Info,
    Msg,
    Hmsg,
    Ok,
    Err,
}

/// Verbs in capitals, as all clients and servers send them, and who sends them.
const VERBS: &[(&[u8], Verb, Option<Role>)] = &[
    (b"CONNECT", Verb::Connect, Some(Role::Client)),
    (b"PUB", Verb::Pub, Some(Role::Client)),
    (b"HPUB", Verb::Hpub, Some(Role::Client)),
    (b"SUB", Verb::Sub, Some(Role::Client)),
    (b"UNSUB", Verb::Unsub, Some(Role::Client)),
    (b"PING", Verb::Ping, None),
    (b"PONG", Verb::Pong, None),
    (b"INFO", Verb::Info, Some(Role::Server)),
    (b"MSG", Verb::Msg, Some(Role::Server)),
    (b"HMSG", Verb::Hmsg, Some(Role::Server)),
    (b"+OK", Verb::Ok, Some(Role::Server)),
    (b"-ERR", Verb::Err, Some(Role::Server)),
];

#[derive(Clone, Copy)]
struct Line<'a> {
    verb: Verb,
    /// Words after the verb; for INFO, CONNECT and -ERR the rest of the line.
    words: [&'a [u8]; 5],
    count: usize,
    rest: &'a [u8],
    size: u64,
    /// Bytes of headers and payload with the line end after them; zero if there are none.
    payload: u64,
}

fn parse<'a>(line: &'a [u8], line_size: usize, role: Role) -> Option<Line<'a>> {
    let end = line
        .iter()
        .position(|byte| matches!(byte, b' ' | b'\t'))
        .unwrap_or(line.len());
    let (_, verb, by) = VERBS.iter().find(|(word, _, _)| *word == &line[..end])?;
    if by.is_some_and(|by| by != role) {
        return None;
    }
    let rest = line[end..].trim_ascii();
    let mut parsed = Line {
        verb: *verb,
        words: [b""; 5],
        count: 0,
        rest,
        size: line_size as u64,
        payload: 0,
    };
    if matches!(verb, Verb::Info | Verb::Connect) {
        return (rest.starts_with(b"{") && rest.ends_with(b"}") && is_text(rest)).then_some(parsed);
    }
    if *verb == Verb::Err {
        return (rest.starts_with(b"'") && is_text(rest)).then_some(parsed);
    }
    for word in rest
        .split(|byte| matches!(byte, b' ' | b'\t'))
        .filter(|it| !it.is_empty())
    {
        if !is_graphic(word) && !is_text(word) {
            return None;
        }
        *parsed.words.get_mut(parsed.count)? = word;
        parsed.count += 1;
    }
    let fits = match verb {
        Verb::Pub => (2..=3).contains(&parsed.count),
        Verb::Hpub => (3..=4).contains(&parsed.count),
        Verb::Msg => (3..=4).contains(&parsed.count),
        Verb::Hmsg => (4..=5).contains(&parsed.count),
        Verb::Sub => (2..=3).contains(&parsed.count),
        Verb::Unsub => (1..=2).contains(&parsed.count),
        _ => parsed.count == 0,
    };
    if !fits {
        return None;
    }
    if matches!(verb, Verb::Pub | Verb::Hpub | Verb::Msg | Verb::Hmsg) {
        let len = decimal(parsed.words[parsed.count - 1]).filter(|len| *len <= PAYLOAD_MAX)?;
        parsed.payload = len + 2;
    }
    Some(parsed)
}

impl<'a> Line<'a> {
    /// Where an answer is wanted.
    fn reply(&self) -> Option<&'a [u8]> {
        let numbers = match self.verb {
            Verb::Pub | Verb::Msg => 1,
            _ => 2,
        };
        let names = if matches!(self.verb, Verb::Msg | Verb::Hmsg) {
            2
        } else {
            1
        };
        (self.count == names + 1 + numbers).then(|| self.words[names])
    }
}

/// The first message of a turn, strictly.
fn message_of(turn: &Turn<'_>, role: Role) -> Option<Verb> {
    let Some((line, size)) = crlf_line(turn.bytes) else {
        // A server's description of itself is longer than what is captured of it.
        let long = (role == Role::Server && turn.bytes.starts_with(b"INFO {\""))
            || (role == Role::Client && turn.bytes.starts_with(b"CONNECT {\""));
        let cut = !turn.is_whole() && long && is_text(turn.bytes);
        return cut.then_some(if role == Role::Server {
            Verb::Info
        } else {
            Verb::Connect
        });
    };
    let parsed = parse(line, size, role)?;
    let end = parsed.size + parsed.payload;
    let ended = usize::try_from(end)
        .ok()
        .and_then(|end| turn.bytes.get(end.checked_sub(2)?..end))
        .is_none_or(|it| it == b"\r\n");
    (turn.holds(end) && ended).then_some(parsed.verb)
}

#[derive(Debug)]
struct Nats;

impl Session for Nats {
    fn read<'a>(&'a mut self, from: Role, input: Input<'a>, open: &Open) -> Read<'a> {
        let Some((line, line_size)) = crlf_line(input.bytes) else {
            let wrong = input.bytes.len() > LINE_MAX || input.bytes.contains(&b'\n');
            return if wrong { Read::Lost } else { Read::More };
        };
        if line.is_empty() {
            return Read::message(line_size as u64, Event::Nothing);
        }
        let Some(line) = parse(line, line_size, from) else {
            return Read::Lost;
        };
        let size = line.size + line.payload;
        let Some(head) = input.head(size) else {
            return Read::More;
        };
        let payload = head.get(line_size..).unwrap_or_default();
        match from {
            Role::Client => Read::message(size, request(line, payload)),
            Role::Server => response(line, size, payload, open),
        }
    }
}

fn request<'a>(line: Line<'a>, payload: &'a [u8]) -> Event<'a> {
    let call = |key, operation, subject, trace, expects| Event::Request {
        key,
        tag: 0,
        request: Request {
            operation,
            target: Target::new(Kind::Subject, subject),
            trace,
            ..Request::default()
        },
        expects,
        protocol: None,
    };
    match line.verb {
        Verb::Connect => call(CONNECT_KEY, "CONNECT", b"".as_slice(), None, Expects::Response),
        Verb::Pub | Verb::Hpub => {
            let trace = if line.verb == Verb::Hpub {
                trace::scan(payload)
            } else {
                None
            };
            match line.reply() {
                Some(reply) => call(fnv(reply), "request", line.words[0], trace, Expects::Response),
                None => call(0, "publish", line.words[0], trace, Expects::Nothing),
            }
        }
        Verb::Sub => call(0, "subscribe", line.words[0], None, Expects::Nothing),
        Verb::Ping => call(PING_KEY, "PING", b"", None, Expects::Silence),
        _ => Event::Nothing,
    }
}

fn response<'a>(line: Line<'a>, size: u64, payload: &'a [u8], open: &Open) -> Read<'a> {
    let ended = |key, failure| Event::Response {
        key: Key::Id(key),
        response: Response {
            failure,
            ..Response::default()
        },
        messages: 1,
        last: true,
    };
    let is_open = |key| open.tag(Key::Id(key)).is_some();
    let event = match line.verb {
        // What follows a CONNECT says whether it was taken.
        Verb::Pong if is_open(CONNECT_KEY) => return Read::message(0, ended(CONNECT_KEY, None)),
        Verb::Pong => ended(PING_KEY, None),
        Verb::Ok if is_open(CONNECT_KEY) => ended(CONNECT_KEY, None),
        Verb::Err => {
            let text = line.rest.trim_ascii();
            let failure = Failure {
                blame: Blame::Caller,
                code: ascii(
                    text.strip_prefix(b"'")
                        .and_then(|it| it.strip_suffix(b"'"))
                        .unwrap_or(text),
                ),
                message: b"",
            };
            if is_open(CONNECT_KEY) {
                ended(CONNECT_KEY, Some(failure))
            } else if is_open(ERROR_KEY) {
                ended(ERROR_KEY, Some(failure))
            } else {
                // Nobody knows which message it is about: it is a call of its own, which is answered next.
                return Read::message(0, error_call());
            }
        }
        Verb::Msg | Verb::Hmsg => {
            let key = fnv(line.words[0]);
            if is_open(key) {
                // A status instead of an answer: nobody listens.
                let status = payload
                    .strip_prefix(b"NATS/1.0 ")
                    .filter(|_| line.verb == Verb::Hmsg)
                    .and_then(|it| it.get(..3));
                let failure = status
                    .filter(|it| matches!(it[0], b'4' | b'5'))
                    .map(|status| Failure {
                        blame: if status[0] == b'5' {
                            Blame::Callee
                        } else {
                            Blame::Caller
                        },
                        code: ascii(status),
                        message: b"",
                    });
                ended(key, failure)
            } else {
                Event::Request {
                    key: 0,
                    tag: 0,
                    request: Request {
                        operation: "deliver",
                        target: Target::new(Kind::Subject, line.words[0]),
                        trace: if line.verb == Verb::Hmsg {
                            trace::scan(payload)
                        } else {
                            None
                        },
                        ..Request::default()
                    },
                    expects: Expects::Nothing,
                    protocol: None,
                }
            }
        }
        _ => Event::Nothing,
    };
    Read::message(size, event)
}

fn error_call() -> Event<'static> {
    Event::Request {
        key: ERROR_KEY,
        tag: 0,
        request: Request {
            operation: "-ERR",
            ..Request::default()
        },
        expects: Expects::Response,
        protocol: None,
    }
}

/// What a client says about itself holds its password, token, or signature.
fn secrets(from: Role, bytes: &[u8], mask: &mut Mask<'_>) {
    if from == Role::Client && bytes.starts_with(b"CONNECT {") {
        let end = crlf_line(bytes).map_or(bytes.len(), |(line, _)| line.len());
        mask.hide(9..end.saturating_sub(1).max(9));
    }
}
