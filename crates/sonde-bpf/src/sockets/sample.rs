//! Single calls with the beginnings of what was said.

use std::time::Duration;

use zerocopy::FromBytes as _;

use super::EdgeKey;
use super::read::{address, edge_key};
use super::record::{self, REASON_FAILED, REASON_SLOW, REASON_VERDICT};

/// The server's end that calls go to, as one network namespace sees it; all connections to it speak one protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Endpoint {
    /// Its address.
    pub address: std::net::IpAddr,
    /// Inode of the network namespace.
    pub netns: u32,
    /// Its port.
    pub port: u16,
}

impl Endpoint {
    pub(super) fn to_record(self) -> record::Endpoint {
        let address = match self.address {
            std::net::IpAddr::V4(address) => address.to_ipv6_mapped(),
            std::net::IpAddr::V6(address) => address,
        };
        record::Endpoint {
            address: address.octets(),
            netns: self.netns,
            port: self.port.into(),
        }
    }
}

/// Why a call was sent as a sample; several may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reason {
    /// Among the first calls of a connection whose protocol is not known.
    pub verdict: bool,
    /// It was slow.
    pub slow: bool,
    /// It failed by the protocol's own meaning.
    pub failed: bool,
}

/// One call with the beginnings of what was said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// Its edge.
    pub edge: EdgeKey,
    /// Where it went.
    pub endpoint: Endpoint,
    /// The connection's cookie.
    pub cookie: u64,
    /// When the answer began, since the node's boot.
    pub since_boot: Duration,
    /// Its number on the connection, from 1.
    pub number: u64,
    /// From the request to the answer's first byte.
    pub total: Duration,
    /// Server: of that, unread in the receive queue.
    pub waited: Duration,
    /// Server: of that, from the read to the first write.
    pub worked: Duration,
    /// Why it was sent.
    pub reason: Reason,
    /// The first bytes of the request.
    pub request: Vec<u8>,
    /// Bytes of the whole request.
    pub request_length: u64,
    /// The first bytes of the answer.
    pub answer: Vec<u8>,
}

pub(super) fn read(bytes: &[u8]) -> Option<Sample> {
    let (raw, _) = record::Sample::read_from_prefix(bytes).ok()?;
    Some(Sample {
        edge: edge_key(&raw.edge),
        endpoint: Endpoint {
            address: address(raw.endpoint.address),
            netns: raw.endpoint.netns,
            port: u16::try_from(raw.endpoint.port).unwrap_or(0),
        },
        cookie: raw.cookie,
        since_boot: Duration::from_nanos(raw.boot_ns),
        number: raw.number,
        total: Duration::from_nanos(raw.total_ns),
        waited: Duration::from_nanos(raw.waited_ns),
        worked: Duration::from_nanos(raw.worked_ns),
        reason: Reason {
            verdict: raw.reason & REASON_VERDICT != 0,
            slow: raw.reason & REASON_SLOW != 0,
            failed: raw.reason & REASON_FAILED != 0,
        },
        request: raw.request[..usize::from(raw.request_bytes)].to_vec(),
        request_length: raw.request_length,
        answer: raw.answer[..usize::from(raw.answer_bytes)].to_vec(),
    })
}
