//! What the programs count: the twin of `programs/sockets.h`.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

pub(crate) const BUCKETS: usize = 128;

#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub(crate) struct EdgeKey {
    pub group: u64,
    pub remote: [u8; 16],
    pub netns: u32,
    pub port: u16,
    pub role: u8,
    pub protocol: u8,
}

#[derive(FromBytes, Immutable, KnownLayout)]
#[repr(C)]
pub(crate) struct Edge {
    pub first_boot_ns: u64,
    pub errors: u64,
    pub slow: u64,
    pub total_ns: u64,
    pub waited_ns: u64,
    pub written_ns: u64,
    pub bytes_sent: u64,
    pub bytes_received: u64,
    pub opened: u64,
    pub closed: u64,
    pub connect_ns: u64,
    pub connect_failed: u64,
    pub retransmits: u64,
    pub resets_sent: u64,
    pub resets_received: u64,
    pub total: [u32; BUCKETS],
    pub wait: [u32; BUCKETS],
}

#[derive(FromBytes, Immutable, KnownLayout)]
#[repr(C)]
pub(crate) struct Connection {
    pub edge: EdgeKey,
    pub local: [u8; 16],
    pub remote: [u8; 16],
    pub cookie: u64,
    pub bytes_acked: u64,
    pub bytes_received: u64,
    pub calls: u64,
    pub smoothed_rtt_us: u32,
    pub min_rtt_us: u32,
    pub retransmits: u32,
    pub unacked: u32,
    pub unread: u32,
    pub peer_window: u32,
    pub local_port: u16,
    pub remote_port: u16,
    pub state: u8,
    pub pad: [u8; 3],
}

pub(crate) const PREFIX_ROOM: usize = 256;

#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub(crate) struct Endpoint {
    pub address: [u8; 16],
    pub netns: u32,
    pub port: u32,
}

#[derive(FromBytes, Immutable, KnownLayout)]
#[repr(C)]
pub(crate) struct Sample {
    pub edge: EdgeKey,
    pub endpoint: Endpoint,
    pub cookie: u64,
    pub boot_ns: u64,
    pub number: u64,
    pub total_ns: u64,
    pub waited_ns: u64,
    pub worked_ns: u64,
    pub request_length: u64,
    pub reason: u32,
    pub outcome: u8,
    pub request_bytes: u8,
    pub answer_bytes: u8,
    pub pad: u8,
    pub request: [u8; PREFIX_ROOM],
    pub answer: [u8; PREFIX_ROOM],
}

pub(crate) const REASON_VERDICT: u32 = 1;
pub(crate) const REASON_SLOW: u32 = 2;
pub(crate) const REASON_FAILED: u32 = 4;

#[derive(Clone, Copy, IntoBytes, Immutable)]
#[repr(C)]
pub(crate) struct Rule {
    pub offset: u8,
    pub width: u8,
    pub outcome: u8,
    pub pad: u8,
    pub mask: u32,
    pub low: u32,
    pub high: u32,
}

#[derive(Clone, Copy, IntoBytes, Immutable)]
#[repr(C)]
pub(crate) struct Framing {
    pub request_header: u8,
    pub answer_header: u8,
    pub preface_len: u8,
    pub answer_by_id: u8,
    pub answers_unasked: u8,
    pub pad: [u8; 3],
    pub preface: [u8; 4],
    pub len_max: u32,
    pub client: Rule,
    pub server: Rule,
    pub request: [Rule; 2],
    pub answer: [Rule; 2],
    pub end: Rule,
    pub abort: Rule,
}

#[derive(Clone, Copy, IntoBytes, Immutable)]
#[repr(C)]
pub(crate) struct Check {
    pub guard: Rule,
    pub rules: [Rule; 6],
    pub otherwise: u8,
    pub pad: [u8; 3],
    pub correlation: [u8; 4],
    pub length: [u8; 4],
    pub framing: Framing,
}
