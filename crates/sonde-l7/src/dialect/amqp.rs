//! AMQP 0-9-1, as RabbitMQ speaks it.

mod method;

use super::{Dialect, Event, Expects, Fit, Input, Key, Read, Session, Start};
use crate::bytes::{Cursor, ascii};
use crate::call::{Blame, Failure, Kind, Request, Response, Target};
use crate::kernel::{KernelCheck, Outcome, Rule};
use crate::record::Open;
use crate::redact::Mask;
use crate::trace;
use crate::verdict::{Role, Turn};
use method::{By, First, Method};

pub(crate) static DIALECT: Dialect = Dialect {
    starts: |role, turn| {
        (role == Role::Client && turn.bytes.starts_with(PREFACE))
            || frame_of(turn).is_some_and(|it| it.fits(role))
    },
    fit,
    greeting: None,
    session: |_: Start| Box::new(Amqp::default()),
    secrets,
    // Servers tell failures by closing: the channel for most, the connection for the worst.
    kernel: KernelCheck::new(
        [
            Rule::long(7, 0x0014_0028..=0x0014_0028, Outcome::CallerError),
            Rule::long(7, 0x000a_0032..=0x000a_0032, Outcome::CallerError),
            Rule::long(7, 0x003c_0032..=0x003c_0032, Outcome::CallerError),
        ],
        Outcome::Ok,
    )
    .guarded(Rule::byte(0, 1..=1, Outcome::Unknown))
    .correlated(1, 1, 2)
    .long(3, 4, false, 8),
};

/// What a client sends first.
const PREFACE: &[u8] = b"AMQP\x00\x00\x09\x01";

const METHOD: u8 = 1;
const CONTENT_HEADER: u8 = 2;
const BODY: u8 = 3;
const HEARTBEAT: u8 = 8;

/// Type, channel and length before the payload, a mark after it.
const BEFORE: usize = 7;
const END: u8 = 0xce;

/// RabbitMQ negotiates 128 KiB unless it is told otherwise.
const PAYLOAD_MAX: u32 = 4 << 20;

/// Contents of which the method was seen and the header was not.
const PENDING_MAX: usize = 64;

#[derive(Clone, Copy)]
struct Frame<'a> {
    kind: u8,
    channel: u16,
    len: u32,
    payload: &'a [u8],
}

impl<'a> Frame<'a> {
    fn size(&self) -> u64 {
        u64::from(self.len) + BEFORE as u64 + 1
    }

    /// Class and number of a method.
    fn id(&self) -> Option<(u16, u16)> {
        let mut cursor = Cursor::new(self.payload);
        (self.kind == METHOD).then_some((cursor.u16()?, cursor.u16()?))
    }

    fn method(&self) -> Option<&'static Method> {
        let (class, id) = self.id()?;
        method::find(class, id)
    }

    fn arguments(&self) -> Cursor<'a> {
        Cursor::new(self.payload.get(4..).unwrap_or_default())
    }

    /// Whether this side may send it.
    fn fits(&self, role: Role) -> bool {
        self.kind != METHOD
            || self.method().is_some_and(|it| match it.by {
                By::Both => true,
                By::Client => role == Role::Client,
                By::Server => role == Role::Server,
            })
    }
}

fn frame(bytes: &[u8]) -> Option<Frame<'_>> {
    let mut cursor = Cursor::new(bytes);
    let (kind, channel, len) = (cursor.u8()?, cursor.u16()?, cursor.u32()?);
    let valid = match kind {
        METHOD => len >= 4,
        CONTENT_HEADER => len >= 14 && channel > 0,
        BODY => channel > 0,
        HEARTBEAT => len == 0 && channel == 0,
        _ => false,
    };
    let payload = cursor.take_at_most(len as usize);
    // Where the end is here, it has its mark.
    let marked = payload.len() < len as usize || cursor.u8().is_none_or(|mark| mark == END);
    (valid && len <= PAYLOAD_MAX && marked).then_some(Frame {
        kind,
        channel,
        len,
        payload,
    })
}

fn frame_of<'a>(turn: &Turn<'a>) -> Option<Frame<'a>> {
    frame(turn.bytes).filter(|frame| turn.holds(frame.size()))
}

fn fit(request: &Turn<'_>, response: &Turn<'_>) -> Fit {
    let Some(answered) = frame_of(response) else {
        return Fit::No;
    };
    if request.bytes.starts_with(PREFACE) {
        return Fit::strong_if(answered.id() == Some(method::START));
    }
    let Some(asked) = frame_of(request) else {
        return Fit::No;
    };
    if asked.kind == HEARTBEAT && answered.kind == HEARTBEAT && request.len == 8 && response.len == 8 {
        return Fit::Sideless;
    }
    let (Some(sent), Some(came)) = (asked.method(), answered.id()) else {
        return Fit::No;
    };
    if !asked.fits(Role::Client) || !answered.fits(Role::Server) || asked.channel != answered.channel {
        return Fit::No;
    }
    let confirmed = (sent.class, sent.id) == method::PUBLISH && matches!(came, method::ACK | method::NACK);
    let paired = came.0 == sent.class && Some(came.1) == sent.answer;
    // Both sides may close.
    Fit::strong_if(
        confirmed || (paired && sent.by == By::Client) || came == method::GET_EMPTY && sent.id == 70,
    )
}

fn short<'a>(cursor: &mut Cursor<'a>) -> Option<&'a [u8]> {
    let len = cursor.u8()?;
    cursor.take(usize::from(len))
}

/// Contents have their target in one frame and their headers, with the trace, in the next.
#[derive(Debug, Default)]
struct Amqp {
    pending: Vec<Pending>,
}

#[derive(Debug)]
struct Pending {
    from: Role,
    channel: u16,
    target: Vec<u8>,
}

impl Session for Amqp {
    fn read<'a>(&'a mut self, from: Role, input: Input<'a>, open: &Open) -> Read<'a> {
        if from == Role::Client && input.bytes[0] == PREFACE[0] {
            return match input.bytes.get(..PREFACE.len()) {
                None => Read::More,
                Some(PREFACE) => Read::message(PREFACE.len() as u64, Event::Nothing),
                Some(_) => Read::Lost,
            };
        }
        if input.bytes.len() < BEFORE {
            return Read::More;
        }
        let Some(size) = frame(input.bytes).map(|frame| frame.size()) else {
            return Read::Lost;
        };
        let Some(frame) = input.head(size).and_then(frame) else {
            return Read::More;
        };
        match frame.kind {
            METHOD => self.method(from, frame, open),
            CONTENT_HEADER => self.content(from, frame),
            _ => Read::message(size, Event::Nothing),
        }
    }

    fn lost(&mut self, from: Role) {
        self.pending.retain(|it| it.from != from);
    }
}

/// The answer to a method of this class on this channel.
fn key(channel: u16, class: u16, answer: u16) -> u64 {
    u64::from(channel) << 32 | u64::from(class) << 16 | u64::from(answer)
}

impl Amqp {
    fn method<'a>(&mut self, from: Role, frame: Frame<'a>, open: &Open) -> Read<'a> {
        let nothing = Read::message(frame.size(), Event::Nothing);
        let Some((class, id)) = frame.id() else {
            return nothing;
        };
        if matches!((class, id), method::PUBLISH | method::DELIVER) {
            self.begin_content(from, (class, id), frame);
            return nothing;
        }
        let Some(method) = method::find(class, id) else {
            return nothing;
        };
        match from {
            Role::Client => match method.answer {
                Some(answer) => Read::message(frame.size(), request(frame, method, answer)),
                None => nothing,
            },
            Role::Server if matches!((class, id), method::CHANNEL_CLOSE | method::CONNECTION_CLOSE) => {
                closed(frame, class, open)
            }
            Role::Server => {
                let id = if (class, id) == method::GET_EMPTY {
                    method::GET_OK.1
                } else {
                    id
                };
                let event = Event::Response {
                    key: Key::Id(key(frame.channel, class, id)),
                    response: Response::default(),
                    messages: 1,
                    last: true,
                };
                Read::message(frame.size(), event)
            }
        }
    }

    fn begin_content(&mut self, from: Role, id: (u16, u16), frame: Frame<'_>) {
        let mut cursor = frame.arguments();
        let mut target = || {
            if id == method::DELIVER {
                short(&mut cursor)?;
                cursor.take(9)?;
            } else {
                cursor.u16()?;
            }
            let (exchange, key) = (short(&mut cursor)?, short(&mut cursor)?);
            // The nameless exchange routes to the queue of that name.
            Some(if exchange.is_empty() { key } else { exchange })
        };
        let target = target().unwrap_or_default().to_vec();
        self.pending
            .retain(|it| it.from != from || it.channel != frame.channel);
        if self.pending.len() < PENDING_MAX {
            self.pending.push(Pending {
                from,
                channel: frame.channel,
                target,
            });
        }
    }

    fn content<'a>(&'a mut self, from: Role, frame: Frame<'a>) -> Read<'a> {
        let position = self
            .pending
            .iter()
            .position(|it| it.from == from && it.channel == frame.channel);
        let Some(position) = position else {
            // The content of what was fetched or returned.
            return Read::message(frame.size(), Event::Nothing);
        };
        // Kept at the end until the next one, so that it can be borrowed.
        let mut pending = self.pending.swap_remove(position);
        pending.channel = 0;
        self.pending.retain(|it| it.channel != 0);
        self.pending.push(pending);
        let target = self.pending.last().map_or(b"".as_slice(), |it| &it.target);
        let event = Event::Request {
            key: 0,
            tag: 0,
            request: Request {
                operation: if from == Role::Client {
                    "basic.publish"
                } else {
                    "basic.deliver"
                },
                target: Target::new(Kind::Subject, target),
                trace: trace::scan(frame.payload),
                ..Request::default()
            },
            expects: Expects::Nothing,
            protocol: None,
        };
        Read::message(frame.size(), event)
    }
}

fn request<'a>(frame: Frame<'a>, method: &'static Method, answer: u16) -> Event<'a> {
    let mut cursor = frame.arguments();
    let (mut target, mut scope) = (b"".as_slice(), b"".as_slice());
    match method.first {
        First::None => {}
        First::Name => {
            cursor.u16();
            target = short(&mut cursor).unwrap_or_default();
        }
        First::Host => scope = short(&mut cursor).unwrap_or_default(),
    }
    Event::Request {
        key: key(frame.channel, method.class, answer),
        tag: 0,
        request: Request {
            operation: method.name,
            target: Target::new(Kind::Subject, target),
            scope,
            ..Request::default()
        },
        expects: Expects::Response,
        protocol: None,
    }
}

/// The server closes: the method that made it do so failed.
fn closed<'a>(frame: Frame<'a>, class: u16, open: &Open) -> Read<'a> {
    let mut cursor = frame.arguments();
    let code = cursor.u16().unwrap_or_default();
    let text = short(&mut cursor).unwrap_or_default();
    let (failed_class, failed_id) = (cursor.u16().unwrap_or_default(), cursor.u16().unwrap_or_default());
    if code < 300 {
        return Read::message(frame.size(), Event::Nothing);
    }
    let method = method::find(failed_class, failed_id);
    let mut id = key(
        frame.channel,
        failed_class,
        method.and_then(|it| it.answer).unwrap_or_default(),
    );
    if failed_class == 0 && class == method::START_OK.0 {
        // Logins are refused without the name of a method.
        id = key(0, class, 30);
    }
    if open.tag(Key::Id(id)).is_none() {
        // A method without an answer, such as publishing, failed: it becomes a call, which is answered next.
        let event = Event::Request {
            key: id,
            tag: 0,
            request: Request {
                operation: method.map_or("connection", |it| it.name),
                ..Request::default()
            },
            expects: Expects::Response,
            protocol: None,
        };
        return Read::message(0, event);
    }
    let end = memchr::memmem::find(text, b" - ").unwrap_or(text.len());
    let failure = Failure {
        blame: if matches!(code, 320 | 506 | 541) {
            Blame::Callee
        } else {
            Blame::Caller
        },
        code: ascii(&text[..end]),
        message: text.get(end + 3..).unwrap_or_default(),
    };
    let event = Event::Response {
        key: Key::Id(id),
        response: Response {
            status: Some(i32::from(code)),
            failure: Some(failure),
            ..Response::default()
        },
        messages: 1,
        last: true,
    };
    Read::message(frame.size(), event)
}

/// Proofs of identity.
fn secrets(from: Role, bytes: &[u8], mask: &mut Mask<'_>) {
    if from == Role::Server {
        return;
    }
    let mut rest = bytes.strip_prefix(PREFACE).unwrap_or(bytes);
    while let Some(frame) = frame(rest) {
        let mut cursor = frame.arguments();
        match frame.id() {
            Some(method::START_OK) => {
                // The client's properties and the mechanism stand before it.
                if let Some(len) = cursor.u32() {
                    cursor.take_at_most(len as usize);
                }
                short(&mut cursor);
                mask.hide_part(cursor.rest());
            }
            Some(method::SECURE_OK | method::UPDATE_SECRET) => mask.hide_part(cursor.rest()),
            _ => {}
        }
        let size = usize::try_from(frame.size()).unwrap_or(usize::MAX);
        rest = rest.get(size..).unwrap_or_default();
    }
}
