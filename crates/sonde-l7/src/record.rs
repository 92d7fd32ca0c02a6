//! Open calls: what was asked, kept in reused buffers until the answer is complete.

use std::collections::VecDeque;

use crate::call::{Blame, Call, Failure, Flags, Kind, Request, Response, Target, Times};
use crate::dialect::Key;
use crate::limits::{OPEN_MAX, SAMPLE_MAX};
use crate::protocol::Protocol;
use crate::trace::{Trace, TraceFormat};

/// Where a text stands in a record's buffer.
#[derive(Clone, Copy, Debug, Default)]
struct Span {
    start: u32,
    end: u32,
}

/// A call whose texts are owned.
#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) key: u64,
    pub(crate) tag: u32,
    pub(crate) silent: bool,
    pub(crate) times: Times,
    pub(crate) request_messages: u32,
    pub(crate) response_messages: u32,
    pub(crate) flags: Flags,
    protocol: Protocol,
    texts: Vec<u8>,
    operation: Span,
    kind: Kind,
    target: Span,
    scope: Span,
    request_flags: Flags,
    trace: Option<(TraceFormat, Span, Span, Option<bool>)>,
    answered: bool,
    status: Option<i32>,
    failure: Option<(Blame, Span, Span)>,
    detail: Span,
    response_flags: Flags,
}

impl Record {
    fn new() -> Self {
        Self {
            key: 0,
            tag: 0,
            silent: false,
            times: Times::default(),
            request_messages: 0,
            response_messages: 0,
            flags: Flags::default(),
            protocol: Protocol::Http1,
            texts: Vec::new(),
            operation: Span::default(),
            kind: Kind::None,
            target: Span::default(),
            scope: Span::default(),
            request_flags: Flags::default(),
            trace: None,
            answered: false,
            status: None,
            failure: None,
            detail: Span::default(),
            response_flags: Flags::default(),
        }
    }

    /// Starts a new call in this record; its buffer is kept.
    pub(crate) fn begin(&mut self, protocol: Protocol, request: &Request<'_>, times: Times) {
        let mut texts = std::mem::take(&mut self.texts);
        texts.clear();
        *self = Self::new();
        self.texts = texts;
        self.protocol = protocol;
        self.times = times;
        self.request_messages = 1;
        self.operation = self.keep(request.operation.as_bytes());
        self.kind = request.target.kind;
        self.target = self.keep(request.target.raw);
        self.scope = self.keep(request.scope);
        self.request_flags = request.flags;
        self.trace = request.trace.map(|trace| {
            (
                trace.format,
                self.keep(trace.id),
                self.keep(trace.span),
                trace.sampled,
            )
        });
    }

    /// Adds what a response says: the first status and the first failure stay.
    pub(crate) fn answer(&mut self, response: &Response<'_>) {
        self.answered = true;
        if self.failure.is_none()
            && let Some(failure) = response.failure
        {
            self.failure = Some((
                failure.blame,
                self.keep(failure.code.as_bytes()),
                self.keep(failure.message),
            ));
            // A failure that comes late, such as gRPC's in the trailers, outranks the status that came first.
            self.status = response.status.or(self.status);
        }
        self.status = self.status.or(response.status);
        if self.detail.start == self.detail.end {
            self.detail = self.keep(response.detail.as_bytes());
        }
        self.response_flags = self.response_flags.with(response.flags);
    }

    pub(crate) fn protocol(&self) -> Protocol {
        self.protocol
    }

    /// The call, borrowed from here.
    pub(crate) fn call(&self) -> Call<'_> {
        let text = |span: Span| std::str::from_utf8(self.bytes(span)).unwrap_or_default();
        let response = self.answered.then(|| Response {
            status: self.status,
            failure: self.failure.map(|(blame, code, message)| Failure {
                blame,
                code: text(code),
                message: self.bytes(message),
            }),
            detail: text(self.detail),
            flags: self.response_flags,
        });
        Call {
            protocol: self.protocol,
            request: Request {
                operation: text(self.operation),
                target: Target::new(self.kind, self.bytes(self.target)),
                scope: self.bytes(self.scope),
                trace: self.trace.map(|(format, id, span, sampled)| Trace {
                    format,
                    id: self.bytes(id),
                    span: self.bytes(span),
                    sampled,
                }),
                flags: self.request_flags,
            },
            response,
            times: self.times,
            request_messages: self.request_messages,
            response_messages: self.response_messages,
            flags: self.flags.with(self.request_flags).with(self.response_flags),
        }
    }

    fn keep(&mut self, bytes: &[u8]) -> Span {
        let start = self.texts.len();
        self.texts
            .extend_from_slice(&bytes[..bytes.len().min(SAMPLE_MAX)]);
        // A record holds at most ten texts of SAMPLE_MAX bytes.
        Span {
            start: start as u32,
            end: self.texts.len() as u32,
        }
    }

    fn bytes(&self, span: Span) -> &[u8] {
        self.texts
            .get(span.start as usize..span.end as usize)
            .unwrap_or_default()
    }
}

/// The open calls of one connection, the oldest first.
#[derive(Debug, Default)]
pub(crate) struct Open {
    /// Boxed, as they move from hand to hand and are large.
    calls: VecDeque<Box<Record>>,
    #[expect(clippy::vec_box, reason = "the boxes are what is reused")]
    spare: Vec<Box<Record>>,
}

impl Open {
    pub(crate) fn len(&self) -> usize {
        self.calls.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.calls.is_empty()
    }

    pub(crate) fn is_full(&self) -> bool {
        self.calls.len() >= OPEN_MAX
    }

    /// The dialect's remark about a call.
    pub(crate) fn tag(&self, key: Key) -> Option<u32> {
        self.at(key).map(|at| self.calls[at].tag)
    }

    /// The protocol of a call.
    pub(crate) fn protocol(&self, key: Key) -> Option<Protocol> {
        self.at(key).map(|at| self.calls[at].protocol())
    }

    /// A record to begin a call in.
    pub(crate) fn spare(&mut self) -> Box<Record> {
        self.spare.pop().unwrap_or_else(|| Box::new(Record::new()))
    }

    pub(crate) fn give_back(&mut self, record: Box<Record>) {
        // As many as a connection without deep pipelines needs; more would only hold memory.
        if self.spare.len() < 4 {
            self.spare.push(record);
        }
    }

    pub(crate) fn push(&mut self, record: Box<Record>) {
        self.calls.push_back(record);
    }

    pub(crate) fn get_mut(&mut self, key: Key) -> Option<&mut Record> {
        let at = self.at(key)?;
        self.calls.get_mut(at).map(Box::as_mut)
    }

    pub(crate) fn remove(&mut self, key: Key) -> Option<Box<Record>> {
        let at = self.at(key)?;
        self.calls.remove(at)
    }

    /// Forgets all; says how many there were.
    pub(crate) fn clear(&mut self) -> u64 {
        let count = self.calls.iter().filter(|call| !call.silent).count();
        self.calls.clear();
        count as u64
    }

    fn at(&self, key: Key) -> Option<usize> {
        match key {
            Key::Front => (!self.calls.is_empty()).then_some(0),
            Key::Back => self.calls.len().checked_sub(1),
            Key::Id(id) => self.calls.iter().position(|call| call.key == id),
        }
    }
}
