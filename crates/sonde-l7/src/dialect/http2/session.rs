//! Frames to calls: header blocks, streams, messages of gRPC.

use std::ops::Range;

use super::frame::{self, Frame, HEADER_LEN, PREFACE, frame};
use crate::bytes::{ascii, decimal};
use crate::call::{Blame, Failure, Flags, Kind, Request, Response, Target};
use crate::dialect::{Event, Expects, Input, Key, Read, Session, http1};
use crate::hpack::{Block, Table};
use crate::limits::{BUFFER_MAX, OPEN_MAX, SAMPLE_MAX};
use crate::protocol::Protocol;
use crate::record::Open;
use crate::trace::{self, TraceReader};
use crate::verdict::Role;

#[derive(Debug, Default)]
pub(super) struct Http2 {
    client: Lane,
    server: Lane,
    fields: Fields,
}

/// What one side has under way.
#[derive(Debug, Default)]
struct Lane {
    table: Table,
    /// A header block that goes on in CONTINUATION frames, and the frame that began it.
    block: Vec<u8>,
    block_of: Option<Frame>,
    /// A DATA frame of gRPC that is being read: the frame, and what is left of it.
    data: Option<(Frame, u64)>,
    /// Messages under way in streams of gRPC.
    messages: Vec<Message>,
}

/// Where in a stream of gRPC's messages a side is.
#[derive(Clone, Copy, Debug)]
struct Message {
    stream: u32,
    left: u64,
    any: bool,
}

/// The headers of a block that matter, in one buffer.
#[derive(Debug, Default)]
struct Fields {
    texts: Vec<u8>,
    scratch: Vec<u8>,
    method: Range<usize>,
    path: Range<usize>,
    authority: Range<usize>,
    grpc_message: Range<usize>,
    traces: Vec<(Range<usize>, Range<usize>)>,
    status: Option<i32>,
    grpc_status: Option<i32>,
    is_request: bool,
    grpc: bool,
    compressed: bool,
    streaming: bool,
}

impl Session for Http2 {
    fn read<'a>(&'a mut self, from: Role, input: Input<'a>, open: &Open) -> Read<'a> {
        let lane = match from {
            Role::Client => &mut self.client,
            Role::Server => &mut self.server,
        };
        if lane.data.is_some() {
            return data(lane, from, input);
        }
        if from == Role::Client {
            if input.bytes.starts_with(PREFACE) {
                return Read::message(PREFACE.len() as u64, Event::Nothing);
            }
            if PREFACE.starts_with(input.bytes) {
                return Read::More;
            }
        }
        if input.bytes.len() < HEADER_LEN {
            return Read::More;
        }
        let Some(frame) = frame(input.bytes) else {
            return Read::Lost;
        };
        if lane
            .block_of
            .is_some_and(|of| frame.kind != frame::CONTINUATION || frame.stream != of.stream)
        {
            return Read::Lost;
        }
        let id = u64::from(frame.stream);
        match frame.kind {
            frame::HEADERS | frame::PUSH_PROMISE | frame::CONTINUATION => {
                headers(lane, &mut self.fields, from, frame, input, open)
            }
            frame::DATA => {
                let grpc = open.protocol(Key::Id(id)) == Some(Protocol::Grpc);
                if grpc && frame.len > 0 && !frame.has(frame::PADDED) {
                    lane.data = Some((frame, u64::from(frame.len)));
                    return Read::message(HEADER_LEN as u64, Event::Nothing);
                }
                Read::message(frame.size(), end_of(frame, from))
            }
            frame::RST_STREAM => match input.head(frame.size()) {
                None => Read::More,
                Some(head) => {
                    lane.messages.retain(|it| it.stream != frame.stream);
                    Read::message(frame.size(), reset(id, from, &head[HEADER_LEN..]))
                }
            },
            _ => Read::message(frame.size(), Event::Nothing),
        }
    }

    fn lost(&mut self, from: Role) {
        let lane = match from {
            Role::Client => &mut self.client,
            Role::Server => &mut self.server,
        };
        lane.table.forget();
        lane.block.clear();
        lane.block_of = None;
        lane.data = None;
        lane.messages.clear();
    }
}

/// What the end of a frame means for its stream.
fn end_of(frame: Frame, from: Role) -> Event<'static> {
    let key = Key::Id(u64::from(frame.stream));
    match from {
        _ if !frame.has(frame::END_STREAM) => Event::Nothing,
        Role::Client => Event::RequestPart { key, messages: 0 },
        Role::Server => Event::End { key },
    }
}

fn reset(id: u64, from: Role, payload: &[u8]) -> Event<'static> {
    let code = payload.first_chunk().map_or(0, |code| u32::from_be_bytes(*code));
    Event::Response {
        key: Key::Id(id),
        response: Response {
            status: None,
            failure: Some(Failure {
                blame: if from == Role::Client {
                    Blame::Caller
                } else {
                    Blame::Callee
                },
                code: frame::error_name(code),
                message: b"stream reset",
            }),
            detail: "",
            flags: Flags::default(),
        },
        messages: 0,
        last: true,
    }
}

/// Reads on in a DATA frame of gRPC, one message or a part of one at a time.
fn data<'a>(lane: &mut Lane, from: Role, input: Input<'a>) -> Read<'a> {
    // A flag and a length stand before each message.
    const PREFIX: u64 = 5;
    let Some((frame, left)) = lane.data else {
        return Read::Lost;
    };
    if left == 0 {
        lane.data = None;
        return Read::message(0, end_of(frame, from));
    }
    let at = match lane.messages.iter().position(|it| it.stream == frame.stream) {
        Some(at) => at,
        None => {
            if lane.messages.len() >= OPEN_MAX {
                lane.messages.remove(0);
            }
            lane.messages.push(Message {
                stream: frame.stream,
                left: 0,
                any: false,
            });
            lane.messages.len() - 1
        }
    };
    let message = &mut lane.messages[at];
    if message.left > 0 || left < PREFIX {
        // A prefix that is split between frames is not put together: the count may miss its message.
        let size = if message.left > 0 {
            left.min(message.left)
        } else {
            left
        };
        message.left = message.left.saturating_sub(size);
        lane.data = Some((frame, left - size));
        return finish(lane, frame, from, size, Event::Nothing);
    }
    let Some([compressed, length @ ..]) = input.bytes.first_chunk::<5>() else {
        return Read::More;
    };
    message.left = u64::from(u32::from_be_bytes(*length));
    let first = !std::mem::replace(&mut message.any, true);
    lane.data = Some((frame, left - PREFIX));
    let key = Key::Id(u64::from(frame.stream));
    let event = match from {
        // A request is one message from its beginning.
        Role::Client => Event::RequestPart {
            key,
            messages: u32::from(!first),
        },
        Role::Server => Event::Response {
            key,
            response: Response {
                flags: Flags::default().with_if(*compressed == 1, Flags::COMPRESSED),
                ..Response::default()
            },
            messages: 1,
            last: false,
        },
    };
    Read::message(PREFIX, event)
}

/// Ends a DATA frame together with its last part, so that no byte has to follow.
fn finish<'a>(lane: &mut Lane, frame: Frame, from: Role, size: u64, event: Event<'a>) -> Read<'a> {
    match lane.data {
        Some((_, 0)) => {
            lane.data = None;
            Read::message(size, end_of(frame, from))
        }
        _ => Read::message(size, event),
    }
}

fn headers<'a>(
    lane: &mut Lane,
    fields: &'a mut Fields,
    from: Role,
    frame: Frame,
    input: Input<'a>,
    open: &Open,
) -> Read<'a> {
    let size = frame.size();
    let here = (frame.len as usize).min(input.bytes.len() - HEADER_LEN);
    let payload = &input.bytes[HEADER_LEN..HEADER_LEN + here];
    let whole = here == frame.len as usize;
    if !whole && !input.cut {
        return Read::More;
    }
    let fragment = match frame.kind {
        frame::CONTINUATION => Some(payload),
        _ => frame::block(frame, payload),
    };
    let first = match (frame.kind, lane.block_of) {
        (frame::CONTINUATION, Some(first)) => first,
        (frame::CONTINUATION, None) => return Read::Lost,
        (_, _) => frame,
    };
    let Some(fragment) = fragment else {
        return Read::Lost;
    };
    if !frame.has(frame::END_HEADERS) || frame.kind == frame::CONTINUATION {
        let room = BUFFER_MAX.saturating_sub(lane.block.len());
        lane.block
            .extend_from_slice(&fragment[..fragment.len().min(room)]);
        lane.block_of = Some(first);
        if !frame.has(frame::END_HEADERS) && whole {
            return Read::message(size, Event::Nothing);
        }
    }
    lane.block_of = None;
    let continued = std::mem::take(&mut lane.block);
    let block = if continued.is_empty() {
        fragment
    } else {
        &continued
    };
    let end = fields.read(&mut lane.table, block);
    if end != Block::Whole || !whole {
        // Definitions are missing, so what is known no longer has its place.
        lane.table.forget();
    }
    lane.block = continued;
    lane.block.clear();
    if end == Block::Wrong && whole {
        return Read::Lost;
    }
    if first.kind == frame::PUSH_PROMISE {
        return Read::message(size, Event::Nothing);
    }
    let ends = first.has(frame::END_STREAM);
    if ends {
        lane.messages.retain(|it| it.stream != first.stream);
    }
    let id = u64::from(first.stream);
    let event = match from {
        Role::Client => fields.request(id, open, !whole),
        Role::Server => fields.response(id, open, ends),
    };
    Read::message(size, event)
}

impl Fields {
    fn read(&mut self, table: &mut Table, block: &[u8]) -> Block {
        let mut scratch = std::mem::take(&mut self.scratch);
        let (mut texts, mut traces) = (std::mem::take(&mut self.texts), std::mem::take(&mut self.traces));
        texts.clear();
        traces.clear();
        *self = Self {
            texts,
            traces,
            ..Self::default()
        };
        let end = table.read(block, &mut scratch, &mut |name, value| {
            if let (Some(name), Some(value)) = (name, value) {
                self.header(name, value);
            } else if name == Some(b":method") || name == Some(b":path") {
                self.is_request = true;
            }
        });
        self.scratch = scratch;
        end
    }

    fn header(&mut self, name: &[u8], value: &[u8]) {
        match name {
            b":method" => {
                self.is_request = true;
                self.method = self.keep(value);
            }
            b":path" => {
                self.is_request = true;
                self.path = self.keep(value);
            }
            b":authority" => self.authority = self.keep(value),
            b":status" => self.status = decimal(value).and_then(|it| i32::try_from(it).ok()),
            b"content-type" => {
                self.grpc = value.starts_with(b"application/grpc");
                self.streaming = value.starts_with(b"text/event-stream");
            }
            b"grpc-status" => self.grpc_status = decimal(value).and_then(|it| i32::try_from(it).ok()),
            b"grpc-message" => self.grpc_message = self.keep(value),
            b"content-encoding" | b"grpc-encoding" => self.compressed = value != b"identity",
            _ if trace::is_header(name) && self.traces.len() < 8 => {
                let kept = (self.keep(name), self.keep(value));
                self.traces.push(kept);
            }
            _ => {}
        }
    }

    fn keep(&mut self, text: &[u8]) -> Range<usize> {
        let start = self.texts.len();
        self.texts.extend_from_slice(&text[..text.len().min(SAMPLE_MAX)]);
        start..self.texts.len()
    }

    fn text(&self, range: &Range<usize>) -> &[u8] {
        self.texts.get(range.clone()).unwrap_or_default()
    }

    fn request(&self, id: u64, open: &Open, cut: bool) -> Event<'_> {
        if open.tag(Key::Id(id)).is_some() || !self.is_request {
            // Trailers of the request.
            return Event::RequestPart {
                key: Key::Id(id),
                messages: 0,
            };
        }
        let mut traces = TraceReader::default();
        for (name, value) in &self.traces {
            traces.header(self.text(name), self.text(value));
        }
        let path = self.text(&self.path);
        let (operation, target) = match grpc_path(path).filter(|_| self.grpc) {
            Some((service, method)) => (method, Target::new(Kind::Name, service)),
            None => (self.text(&self.method), Target::new(Kind::Route, path)),
        };
        Event::Request {
            key: id,
            tag: 0,
            request: Request {
                operation: ascii(operation),
                target,
                scope: self.text(&self.authority),
                trace: traces.finish(),
                flags: Flags::default()
                    .with_if(self.compressed, Flags::COMPRESSED)
                    .with_if(cut, Flags::TRUNCATED),
            },
            expects: Expects::Response,
            protocol: self.grpc.then_some(Protocol::Grpc),
        }
    }

    fn response(&self, id: u64, open: &Open, ends: bool) -> Event<'_> {
        let key = Key::Id(id);
        let interim = self.status.is_some_and(|status| status < 200) && !ends;
        let grpc = self.grpc_status.is_some() || open.protocol(key) == Some(Protocol::Grpc);
        let (status, failure) = match (self.grpc_status, self.status) {
            (Some(code), _) => (Some(code), self.grpc_failure(code)),
            (None, _) if interim => (None, None),
            // gRPC's own status comes in the trailers; what is not 200 came from something in between.
            (None, Some(200)) if grpc => (None, None),
            (None, status) => (status, status.and_then(http1::failure)),
        };
        Event::Response {
            key,
            response: Response {
                status,
                failure,
                detail: "",
                flags: Flags::default()
                    .with_if(self.compressed && !grpc, Flags::COMPRESSED)
                    .with_if(self.streaming, Flags::STREAMING),
            },
            messages: u32::from(!interim && !grpc && self.status.is_some()),
            last: ends,
        }
    }

    fn grpc_failure(&self, code: i32) -> Option<Failure<'_>> {
        const NAMES: [&str; 17] = [
            "OK",
            "CANCELLED",
            "UNKNOWN",
            "INVALID_ARGUMENT",
            "DEADLINE_EXCEEDED",
            "NOT_FOUND",
            "ALREADY_EXISTS",
            "PERMISSION_DENIED",
            "RESOURCE_EXHAUSTED",
            "FAILED_PRECONDITION",
            "ABORTED",
            "OUT_OF_RANGE",
            "UNIMPLEMENTED",
            "INTERNAL",
            "UNAVAILABLE",
            "DATA_LOSS",
            "UNAUTHENTICATED",
        ];
        // OpenTelemetry's semantic conventions count these as the server's errors.
        const CALLEE: [i32; 6] = [2, 4, 12, 13, 14, 15];
        (code != 0).then(|| Failure {
            blame: if CALLEE.contains(&code) {
                Blame::Callee
            } else {
                Blame::Caller
            },
            code: usize::try_from(code)
                .ok()
                .and_then(|code| NAMES.get(code).copied())
                .unwrap_or_default(),
            message: self.text(&self.grpc_message),
        })
    }
}

/// `/package.Service/Method`.
fn grpc_path(path: &[u8]) -> Option<(&[u8], &[u8])> {
    let path = path.strip_prefix(b"/")?;
    let slash = memchr::memrchr(b'/', path)?;
    Some((&path[..slash], &path[slash + 1..]))
}
