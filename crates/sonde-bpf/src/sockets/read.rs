//! From what the programs count to what people ask for.

use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use sonde_l7::{KernelCheck, Protocol};
use sonde_model::{CallCounts, Histogram, Role};
use zerocopy::FromBytes as _;

use super::{Connection, EdgeKey, Harvested, record};

pub(super) fn read_edge(key: &[u8], value: &[u8]) -> Option<Harvested> {
    let key = record::EdgeKey::read_from_bytes(key).ok()?;
    let edge = record::Edge::read_from_bytes(value).ok()?;
    // The overflow edge is there whether or not anything overflowed.
    let is_idle = key.role == 0 && edge.total_ns == 0 && edge.opened == 0 && edge.closed == 0;
    (!is_idle).then(|| Harvested {
        key: edge_key(&key),
        first: Duration::from_nanos(edge.first_boot_ns),
        counts: counts(&edge, key.role == SERVER),
    })
}

pub(super) fn to_record(check: &KernelCheck) -> record::Check {
    let rule = |rule: &sonde_l7::kernel::Rule| record::Rule {
        offset: rule.offset,
        width: rule.width,
        outcome: rule.outcome as u8,
        pad: 0,
        mask: rule.mask,
        low: rule.low,
        high: rule.high,
    };
    let (correlation, length, framing) = (check.correlation, check.length, &check.framing);
    record::Check {
        guard: rule(&check.guard),
        rules: check.rules.each_ref().map(rule),
        otherwise: check.otherwise as u8,
        pad: [0; 3],
        correlation: [
            correlation.request_offset,
            correlation.response_offset,
            correlation.width,
            0,
        ],
        length: [
            length.offset,
            length.width,
            length.little_endian,
            length.add.cast_unsigned(),
        ],
        framing: record::Framing {
            request_header: framing.request_header,
            answer_header: framing.answer_header,
            preface_len: framing.preface_len,
            answer_by_id: framing.answer_by_id,
            answers_unasked: framing.answers_unasked,
            pad: [0; 3],
            preface: framing.preface,
            len_max: framing.len_max,
            client: rule(&framing.client),
            server: rule(&framing.server),
            request: framing.request.each_ref().map(rule),
            answer: framing.answer.each_ref().map(rule),
            end: rule(&framing.end),
            abort: rule(&framing.abort),
        },
    }
}

fn counts(edge: &record::Edge, is_server: bool) -> CallCounts {
    let (total, wait) = (
        Histogram::from_counts(&edge.total),
        Histogram::from_counts(&edge.wait),
    );
    CallCounts {
        calls: total.count(),
        errors: edge.errors,
        slow: edge.slow,
        total_ns: edge.total_ns,
        waited_ns: edge.waited_ns,
        // Until it is read a request waits; from then on it is worked on.
        worked_ns: if is_server {
            edge.total_ns.saturating_sub(edge.waited_ns)
        } else {
            0
        },
        written_ns: edge.written_ns,
        with_wait: wait.count(),
        bytes_sent: edge.bytes_sent,
        bytes_received: edge.bytes_received,
        opened: edge.opened,
        closed: edge.closed,
        connect_ns: edge.connect_ns,
        connect_failed: edge.connect_failed,
        retransmits: edge.retransmits,
        resets_sent: edge.resets_sent,
        resets_received: edge.resets_received,
        total,
        wait,
    }
}

pub(crate) fn edge_key(key: &record::EdgeKey) -> EdgeKey {
    EdgeKey {
        group: key.group,
        remote: address(key.remote),
        netns: key.netns,
        port: key.port,
        role: role(key.role),
        protocol: protocol(key.protocol),
    }
}

/// The kernel counts protocols from 1: 0 is "no verdict".
pub(crate) fn number(protocol: Protocol) -> u8 {
    protocol as u8 + 1
}

pub(super) fn protocol(number: u8) -> Option<Protocol> {
    Protocol::ALL.get(usize::from(number.checked_sub(1)?)).copied()
}

/// `enum role` in `programs/sockets.h`.
const SERVER: u8 = 2;

fn role(number: u8) -> Role {
    if number == SERVER {
        Role::Server
    } else {
        Role::Client
    }
}

pub(super) fn address(bytes: [u8; 16]) -> IpAddr {
    Ipv6Addr::from(bytes).to_canonical()
}

pub(super) fn read_connection(raw: &record::Connection) -> Connection {
    Connection {
        edge: edge_key(&raw.edge),
        local: address(raw.local),
        local_port: raw.local_port,
        remote_port: raw.remote_port,
        cookie: raw.cookie,
        bytes_acked: raw.bytes_acked,
        bytes_received: raw.bytes_received,
        calls: raw.calls,
        smoothed_rtt: Duration::from_micros(raw.smoothed_rtt_us.into()),
        // The kernel's "not measured yet" is all ones.
        min_rtt: Duration::from_micros(if raw.min_rtt_us == u32::MAX {
            0
        } else {
            raw.min_rtt_us.into()
        }),
        retransmits: raw.retransmits,
        unacked: raw.unacked,
        unread: raw.unread,
        peer_window: raw.peer_window,
        state: raw.state,
    }
}
