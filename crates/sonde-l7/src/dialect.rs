//! What a protocol has to bring: a strict match of request and response, a reader of its messages, its secrets.

pub(crate) mod amqp;
pub(crate) mod dns;
pub(crate) mod dubbo;
pub(crate) mod http1;
pub(crate) mod http2;
pub(crate) mod kafka;
pub(crate) mod memcached;
pub(crate) mod mongodb;
pub(crate) mod mqtt;
pub(crate) mod mysql;
pub(crate) mod nats;
pub(crate) mod postgres;
pub(crate) mod redis;
mod statements;
pub(crate) mod tls;
pub(crate) mod zookeeper;

use crate::call::{Request, Response};
use crate::kernel::KernelCheck;
use crate::limits::HEAD_MAX;
use crate::protocol::Protocol;
use crate::record::Open;
use crate::redact::Mask;
use crate::verdict::{Role, Turn};

/// One protocol, as a row of functions.
#[derive(Debug)]
pub(crate) struct Dialect {
    /// Whether a turn starts with a message of that role, strictly; used to get in step after a loss.
    pub(crate) starts: fn(Role, &Turn<'_>) -> bool,
    /// How well a client's turn and the server's next one are a request and its response.
    pub(crate) fit: fn(&Turn<'_>, &Turn<'_>) -> Fit,
    /// The same for a server that speaks first and the client's answer.
    pub(crate) greeting: Option<fn(&Turn<'_>, &Turn<'_>) -> Fit>,
    /// A reader of messages.
    pub(crate) session: fn(Start) -> Box<dyn Session>,
    /// Marks the secrets of a sample.
    pub(crate) secrets: fn(Role, &[u8], &mut Mask<'_>),
    /// How the kernel judges responses.
    pub(crate) kernel: KernelCheck,
}

/// How well two turns match.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fit {
    /// They do not.
    No,
    /// They may: a second match is needed.
    Weak,
    /// Nothing else looks like this, but either side may be the server.
    Sideless,
    /// Nothing else looks like this.
    Strong,
}

impl Fit {
    pub(crate) fn strong_if(condition: bool) -> Self {
        if condition { Self::Strong } else { Self::No }
    }
}

/// Where the reading of a connection starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// At its first byte.
    Fresh,
    /// Somewhere in the middle; the first turns may be rests.
    Midway,
}

/// Bytes that start where a message starts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Input<'a> {
    pub(crate) bytes: &'a [u8],
    /// What follows these bytes was not captured: what can be told has to be told from them.
    pub(crate) cut: bool,
}

impl<'a> Input<'a> {
    /// The first bytes of a message of `size` bytes: all that is needed to understand it, or `None` if more will come.
    pub(crate) fn head(&self, size: u64) -> Option<&'a [u8]> {
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        let here = &self.bytes[..size.min(self.bytes.len())];
        (self.cut || here.len() >= size.min(HEAD_MAX)).then_some(here)
    }
}

/// What the start of some bytes is.
#[derive(Debug)]
pub(crate) enum Read<'a> {
    /// More bytes are needed to tell.
    More,
    /// Not a message: the stream is out of step.
    Lost,
    /// A message, or a part that stands for itself.
    Message {
        /// Bytes to the next one, perhaps more than are here; `None` if it ends where the side's turn ends.
        size: Option<u64>,
        /// What it says.
        event: Event<'a>,
    },
}

impl<'a> Read<'a> {
    pub(crate) fn message(size: u64, event: Event<'a>) -> Self {
        Self::Message {
            size: Some(size),
            event,
        }
    }
}

/// Which open call is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    /// The oldest one.
    Front,
    /// The newest one.
    Back,
    /// The one with this correlation id.
    Id(u64),
}

/// What comes back for a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expects {
    /// A response.
    Response,
    /// Nothing, ever.
    Nothing,
    /// A response, but the call is of no interest: keep-alives, marks of the protocol itself.
    Silence,
}

/// What a message says about calls.
#[derive(Debug)]
pub(crate) enum Event<'a> {
    /// Nothing.
    Nothing,
    /// A call begins.
    Request {
        key: u64,
        /// A remark of the dialect about the call, for reading its response.
        tag: u32,
        request: Request<'a>,
        expects: Expects,
        /// The protocol, if it is a finer one than the connection's.
        protocol: Option<Protocol>,
    },
    /// More messages of a request.
    RequestPart { key: Key, messages: u32 },
    /// A response, or a part of one.
    Response {
        key: Key,
        response: Response<'a>,
        /// Messages that count as answers.
        messages: u32,
        /// Whether the call ends with it.
        last: bool,
    },
    /// The call ends.
    End { key: Key },
    /// The call is forgotten.
    Drop { key: Key },
    /// The rest of the connection is another protocol's, or nobody's.
    Becomes(Option<Protocol>),
}

impl<'a> Event<'a> {
    /// The oldest call ends with this response.
    pub(crate) fn answer(response: Response<'a>) -> Self {
        Self::Response {
            key: Key::Front,
            response,
            messages: 1,
            last: true,
        }
    }
}

/// Reads the messages of one connection, one after the other.
pub(crate) trait Session: std::fmt::Debug + Send {
    /// Reads the message at the start of `input`, which `from` has sent.
    fn read<'a>(&'a mut self, from: Role, input: Input<'a>, open: &Open) -> Read<'a>;

    /// Bytes of a side are missing, or it was out of step: the next byte starts a message.
    fn lost(&mut self, _from: Role) {}
}
