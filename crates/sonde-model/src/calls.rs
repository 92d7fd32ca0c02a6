//! What an agent counted of calls and connections.

use core::net::IpAddr;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Histogram, Owner};

/// Which end of a connection an owner is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Role {
    /// It opened the connection.
    Client,
    /// It accepted it.
    Server,
}

/// Counts of one end of an edge over a span of time. Times are sums in nanoseconds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct CallCounts {
    /// Turns from request to answer; the requests of one write count once.
    pub calls: u64,
    /// Calls that failed by the protocol's own meaning.
    pub errors: u64,
    /// Calls that took as long as the agent calls slow, or longer.
    pub slow: u64,
    /// Server: from the request's arrival to the answer's first byte. Client: from its write to its read.
    pub total_ns: u64,
    /// Server: of that, unread in the receive queue.
    pub waited_ns: u64,
    /// Server: of that, from the application's read to its first write.
    pub worked_ns: u64,
    /// Server: after that, from the first write of the answer to the last.
    pub written_ns: u64,
    /// Calls whose wait is known.
    pub with_wait: u64,
    /// Bytes handed to the kernel.
    pub bytes_sent: u64,
    /// Bytes read from the kernel.
    pub bytes_received: u64,
    /// Connections opened.
    pub opened: u64,
    /// Connections closed.
    pub closed: u64,
    /// Client: from SYN to established.
    pub connect_ns: u64,
    /// Client: connections that did not come about.
    pub connect_failed: u64,
    /// Segments sent again.
    pub retransmits: u64,
    /// Resets sent.
    pub resets_sent: u64,
    /// Resets received.
    pub resets_received: u64,
    /// `total_ns` by call.
    pub total: Histogram,
    /// `waited_ns` by call.
    pub wait: Histogram,
}

impl CallCounts {
    /// Adds the counts of another span, or of another edge.
    pub fn add(&mut self, other: &Self) {
        for (to, from) in [
            (&mut self.calls, other.calls),
            (&mut self.errors, other.errors),
            (&mut self.slow, other.slow),
            (&mut self.total_ns, other.total_ns),
            (&mut self.waited_ns, other.waited_ns),
            (&mut self.worked_ns, other.worked_ns),
            (&mut self.written_ns, other.written_ns),
            (&mut self.with_wait, other.with_wait),
            (&mut self.bytes_sent, other.bytes_sent),
            (&mut self.bytes_received, other.bytes_received),
            (&mut self.opened, other.opened),
            (&mut self.closed, other.closed),
            (&mut self.connect_ns, other.connect_ns),
            (&mut self.connect_failed, other.connect_failed),
            (&mut self.retransmits, other.retransmits),
            (&mut self.resets_sent, other.resets_sent),
            (&mut self.resets_received, other.resets_received),
        ] {
            *to = to.saturating_add(from);
        }
        self.total.add(&other.total);
        self.wait.add(&other.wait);
    }
}

/// One end of the calls between an owner and a remote address, as a node's agent saw them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CallEdge {
    /// The first of its counts was made then: whoever has the remote address must have had it since.
    #[schemars(with = "String")]
    pub since: Timestamp,
    /// Whose end this is; all empty where no process of it was seen at the socket.
    pub owner: Owner,
    /// Which end it is.
    pub role: Role,
    /// The other end's address, as this end's network namespace sees it: of a service, its ClusterIP.
    pub remote: IpAddr,
    /// The server's port.
    pub port: u16,
    /// The protocol's name; empty while there is no verdict.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub protocol: String,
    /// The counts.
    #[serde(flatten)]
    pub counts: CallCounts,
}

/// A live TCP connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConnectionSeen {
    /// Whose end this is.
    pub owner: Owner,
    /// Which end it is.
    pub role: Role,
    /// This end's address.
    pub local: IpAddr,
    /// This end's port.
    pub local_port: u16,
    /// The other end's address.
    pub remote: IpAddr,
    /// The other end's port.
    pub remote_port: u16,
    /// `ESTABLISHED` and its kin, as `ss` has them without the dash.
    pub state: String,
    /// The protocol's name; empty while there is no verdict.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub protocol: String,
    /// The kernel's smoothed round-trip time, in microseconds; 0 while there is none.
    pub smoothed_rtt_us: u32,
    /// The least round-trip time of the last minutes, in microseconds; 0 while there is none.
    pub min_rtt_us: u32,
    /// Segments sent again over its whole life.
    pub retransmits: u32,
    /// Bytes written and not acknowledged.
    pub unacked_bytes: u32,
    /// Bytes that came and that the application has not read.
    pub unread_bytes: u32,
    /// What the peer's window has room for, in bytes; 0 is a peer that does not read.
    pub peer_window_bytes: u32,
    /// Bytes that the peer acknowledged, over its whole life.
    pub bytes_acked: u64,
    /// Bytes that came, over its whole life.
    pub bytes_received: u64,
    /// Calls on it since the agent started.
    pub calls: u64,
}

/// What an agent counted over its last spans: the answer of its `/v1/calls`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Calls {
    /// `sonde.calls/v1`.
    pub schema: String,
    /// The node's name.
    pub node: String,
    /// The counts begin then.
    #[schemars(with = "String")]
    pub since: Timestamp,
    /// The counts end then, by the node's clock.
    #[schemars(with = "String")]
    pub now: Timestamp,
    /// A call that takes at least this long counts as slow, in nanoseconds.
    pub slow_ns: u64,
    /// By owner, role, remote address, port and protocol.
    pub edges: Vec<CallEdge>,
    /// Calls that are counted on no edge of their own because the table was full, since the start.
    pub overflowed: u64,
    /// Uses of sockets that could not be followed for want of kernel memory, since the start.
    pub unseen: u64,
}

impl Calls {
    /// The schema's name.
    pub const SCHEMA: &str = "sonde.calls/v1";
}

/// The live connections of a node: the answer of an agent's `/v1/connections`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Connections {
    /// `sonde.connections/v1`.
    pub schema: String,
    /// The node's name.
    pub node: String,
    /// When the kernel was asked, by the node's clock.
    #[schemars(with = "String")]
    pub now: Timestamp,
    /// How long the kernel took to tell them, in microseconds.
    #[serde(default)]
    pub sweep_micros: u64,
    /// In the kernel's order.
    pub connections: Vec<ConnectionSeen>,
}

impl Connections {
    /// The schema's name.
    pub const SCHEMA: &str = "sonde.connections/v1";
}

/// Why a single call was kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum KeptBecause {
    /// It took as long as the agent calls slow, or longer.
    Slow,
    /// It failed by the protocol's own meaning.
    Failed,
    /// It is one of N.
    Chosen,
}

/// A single call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TracedCall {
    /// When its answer began, by the node's clock.
    #[schemars(with = "String")]
    pub time: Timestamp,
    /// Whose end this is.
    pub owner: Owner,
    /// Which end it is.
    pub role: Role,
    /// The other end's address.
    pub remote: IpAddr,
    /// The server's port.
    pub port: u16,
    /// The protocol's name; empty without a verdict, and then what was called is not known.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub protocol: String,
    /// The verb: HTTP method, SQL command, Redis command.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub operation: String,
    /// The noun with what varies folded: route, statement without its literals, topic.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub target: String,
    /// The protocol's own number: HTTP status, gRPC status, DNS rcode.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<i32>,
    /// The protocol's word for the failure, and the server's sentence; empty for a call that did not fail.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub failure: String,
    /// The caller's trace id, if the request carries one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub trace_id: String,
    /// From the request to the answer's first byte.
    pub total_ns: u64,
    /// Server: of that, unread in the receive queue.
    pub waited_ns: u64,
    /// Server: of that, from the application's read to its first write.
    pub worked_ns: u64,
    /// Why it was kept.
    pub because: Vec<KeptBecause>,
}

/// Single calls that an agent kept: the answer of its `/v1/traces`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Traces {
    /// `sonde.traces/v1`.
    pub schema: String,
    /// The node's name.
    pub node: String,
    /// The node's clock when it answered.
    #[schemars(with = "String")]
    pub now: Timestamp,
    /// A call that takes at least this long is kept as slow, in nanoseconds.
    pub slow_ns: u64,
    /// Of the rest, one of so many is kept; 0: none.
    pub one_of: u32,
    /// Oldest first.
    pub calls: Vec<TracedCall>,
    /// Calls that did not fit into the kernel's ring since the start.
    pub lost: u64,
    /// Calls that made room for younger ones here since the start.
    pub dropped: u64,
}

impl Traces {
    /// The schema's name.
    pub const SCHEMA: &str = "sonde.traces/v1";
}
