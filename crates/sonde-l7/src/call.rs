//! What was called and how it went.

use crate::limits::{KEY_MAX, SAMPLE_MAX};
use crate::protocol::Protocol;
use crate::trace::Trace;
use crate::{route, sql};

/// A request and what came back for it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Call<'a> {
    /// The protocol of the call; `Grpc` for calls that a connection of HTTP/2 carries.
    pub protocol: Protocol,
    /// What was asked.
    pub request: Request<'a>,
    /// What came back; `None` if nothing was expected or nothing came.
    pub response: Option<Response<'a>>,
    /// When.
    pub times: Times,
    /// Messages of the request: more than one for streams.
    pub request_messages: u32,
    /// Messages of the response, without interim ones.
    pub response_messages: u32,
    /// Remarks about the request, the response and their pairing.
    pub flags: Flags,
}

impl<'a> Call<'a> {
    /// How it failed, if it failed by the protocol's own meaning.
    pub fn error(&self) -> Option<Failure<'a>> {
        self.response.and_then(|response| response.failure)
    }
}

/// When the parts of a call were seen, in nanoseconds of the caller's clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Times {
    /// The request's first bytes.
    pub request_ns: u64,
    /// The request's last bytes, as far as they were seen before the response.
    pub request_end_ns: u64,
    /// The response's first bytes, interim ones included.
    pub response_ns: Option<u64>,
    /// The response's last bytes.
    pub end_ns: Option<u64>,
}

/// What was asked.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Request<'a> {
    /// The verb: HTTP method, SQL command, Redis command, Kafka API, DNS record type, RPC method.
    pub operation: &'a str,
    /// The noun: route, statement, topic, name.
    pub target: Target<'a>,
    /// Where the noun lives: host, database, virtual host; may be empty.
    pub scope: &'a [u8],
    /// The caller's trace, if the request carries one.
    pub trace: Option<Trace<'a>>,
    /// Remarks.
    pub flags: Flags,
}

/// How it went.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Response<'a> {
    /// The protocol's own number: HTTP status, gRPC status, MySQL error, DNS rcode, Kafka error.
    pub status: Option<i32>,
    /// Set if the call failed.
    pub failure: Option<Failure<'a>>,
    /// The connection's negotiated version, where the response tells it.
    pub detail: &'a str,
    /// Remarks.
    pub flags: Flags,
}

/// A call that failed by its protocol's own meaning.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Failure<'a> {
    /// Whose fault the protocol says it is.
    pub blame: Blame,
    /// The protocol's word for it: SQLSTATE, `WRONGTYPE`, `NXDOMAIN`, `UNAVAILABLE`.
    pub code: &'a str,
    /// The server's sentence; may be empty, may be cut.
    pub message: &'a [u8],
}

/// Whose fault a failure is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Blame {
    /// The server, or something behind it.
    #[default]
    Callee,
    /// The request was wrong, not allowed or about a thing that is not there.
    Caller,
}

/// What a target is, and so how it is folded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    /// There is none.
    #[default]
    None,
    /// The path of an URL, with its query.
    Route,
    /// A statement of SQL, and what its double quotes mean.
    Statement(sql::Quotes),
    /// A name to be taken as it is: collection, service, queue.
    Name,
    /// A name in DNS' wire format.
    DnsName,
    /// Parts between `/`: MQTT topics, ZooKeeper paths.
    Path,
    /// Parts between `.`: NATS subjects, Kafka topics.
    Subject,
}

/// The noun of a request, as it was on the wire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Target<'a> {
    /// What it is.
    pub kind: Kind,
    /// Its bytes on the wire, perhaps cut.
    pub raw: &'a [u8],
}

impl<'a> Target<'a> {
    pub(crate) fn new(kind: Kind, raw: &'a [u8]) -> Self {
        if raw.is_empty() {
            return Self::default();
        }
        Self { kind, raw }
    }

    /// Appends the form with few values that is fit for a map key: ids and literals folded, at most `KEY_MAX` bytes.
    pub fn write_key(&self, out: &mut String) {
        match self.kind {
            Kind::None => {}
            Kind::Route => route::fold(self.raw, b'/', KEY_MAX, out),
            Kind::Path => route::fold_path(self.raw, b'/', KEY_MAX, out),
            Kind::Subject => route::fold_path(self.raw, b'.', KEY_MAX, out),
            Kind::Statement(quotes) => sql::normalize(self.raw, quotes, KEY_MAX, out),
            Kind::Name => route::write_clean(self.raw, KEY_MAX, out),
            Kind::DnsName => route::write_dns(self.raw, out),
        }
    }

    /// Appends the form for a sample: as sent, control characters replaced, at most `SAMPLE_MAX` bytes.
    pub fn write_sample(&self, out: &mut String) {
        match self.kind {
            Kind::DnsName => route::write_dns(self.raw, out),
            _ => route::write_clean(self.raw, SAMPLE_MAX, out),
        }
    }

    /// The form with few values as a text of its own.
    pub fn key(&self) -> String {
        let mut out = String::new();
        self.write_key(&mut out);
        out
    }
}

/// Remarks about a call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flags(u16);

impl Flags {
    /// Sent before the response to an earlier request had come: its latency includes the wait for that one.
    pub const PIPELINED: Self = Self(1);
    /// The body or the payload is compressed.
    pub const COMPRESSED: Self = Self(1 << 1);
    /// The head was cut, so names and ids may be missing.
    pub const TRUNCATED: Self = Self(1 << 2);
    /// Messages flow in a stream.
    pub const STREAMING: Self = Self(1 << 3);
    /// The connection speaks something else after this call.
    pub const UPGRADED: Self = Self(1 << 4);
    /// A response is expected and did not come before the connection or the capture ended.
    pub const UNANSWERED: Self = Self(1 << 5);
    /// No response exists: publishing, cancelling, closing.
    pub const ONE_WAY: Self = Self(1 << 6);
    /// The server started it: deliveries, pushed messages.
    pub const FROM_SERVER: Self = Self(1 << 7);

    /// Whether all remarks of `other` are here.
    pub fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Both sets.
    #[must_use]
    pub fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// `other` is added if the condition holds.
    #[must_use]
    pub(crate) fn with_if(self, condition: bool, other: Self) -> Self {
        if condition { self.with(other) } else { self }
    }
}
