//! What an agent remembers of calls: counts by edge for the last minute, and single calls. Pure but for what it is told.

mod lookups;
mod totals;
mod traces;

use std::collections::{BTreeMap, VecDeque};

use jiff::{SignedDuration, Timestamp};
use sonde_bpf::sockets::Harvested;
use sonde_model::{CallEdge, Calls, Owner};

use crate::clock;

pub(crate) use lookups::{KeptLookups, LOOKUPS_MAX};
pub(crate) use totals::{OTHER, SERIES_MAX, Totals};
pub(crate) use traces::{TRACES_MAX, Traced};

/// Counts are kept for this long.
const KEPT: SignedDuration = SignedDuration::from_secs(60);
/// Edges of all kept spans together; an edge takes some 300 bytes.
pub(crate) const EDGES_MAX: usize = 65_536;

/// The counts between two harvests.
#[derive(Debug)]
struct Span {
    from: Timestamp,
    until: Timestamp,
    edges: Vec<CallEdge>,
}

/// The counts of the last minute.
#[derive(Debug, Default)]
pub(crate) struct Traffic {
    spans: VecDeque<Span>,
    /// The same since the start, by owner.
    pub(crate) totals: Totals,
    /// Edges that did not fit.
    pub(crate) dropped: u64,
    /// Calls that the kernel counted on no edge of their own.
    pub(crate) overflowed: u64,
    /// Uses of sockets that the kernel could not follow.
    pub(crate) unseen: u64,
    /// Frames and answers that could not be followed on connections whose calls run at the same time.
    pub(crate) unfollowed: u64,
}

impl Traffic {
    /// Takes a harvest; `owner` says whose a control group is, `booted` when the node's clock of events was 0.
    pub(crate) fn take(
        &mut self,
        (from, until): (Timestamp, Timestamp),
        harvest: Vec<Harvested>,
        booted: Timestamp,
        mut owner: impl FnMut(u64) -> Owner,
    ) {
        let keep_from = until.saturating_sub(KEPT).unwrap_or(Timestamp::MIN);
        while self.spans.front().is_some_and(|span| span.from < keep_from) {
            self.spans.pop_front();
        }
        let room = EDGES_MAX.saturating_sub(self.edges());
        let too_many = harvest.len().saturating_sub(room);
        self.dropped += too_many as u64;
        let mut edges: Vec<CallEdge> = harvest
            .into_iter()
            .map(|Harvested { key, first, counts }| CallEdge {
                since: clock::at(booted, first).clamp(from, until),
                owner: owner(key.group),
                role: key.role,
                remote: key.remote,
                port: key.port,
                protocol: key.protocol.map_or_else(String::new, |it| it.name().to_owned()),
                counts,
            })
            .collect();
        for edge in &edges {
            self.totals.add(edge, until);
        }
        edges.truncate(room);
        self.spans.push_back(Span { from, until, edges });
    }

    /// How many edges are kept, over all spans.
    pub(crate) fn edges(&self) -> usize {
        self.spans.iter().map(|span| span.edges.len()).sum()
    }

    /// The counts of the spans that began within `last` before the end of the newest one; all without it.
    pub(crate) fn calls(
        &self,
        node: &str,
        slow_ns: u64,
        last: Option<SignedDuration>,
        now: Timestamp,
    ) -> Calls {
        let until = self.spans.back().map_or(now, |span| span.until);
        let from = last.and_then(|last| until.saturating_sub(last).ok());
        let spans = || {
            self.spans
                .iter()
                .filter(|span| from.is_none_or(|from| span.from >= from))
        };
        let mut edges: BTreeMap<_, CallEdge> = BTreeMap::new();
        for edge in spans().flat_map(|span| &span.edges) {
            let key = (&edge.owner, edge.role, edge.remote, edge.port, &edge.protocol);
            edges
                .entry(key)
                .and_modify(|kept| {
                    kept.counts.add(&edge.counts);
                    kept.since = kept.since.min(edge.since);
                })
                .or_insert_with(|| edge.clone());
        }
        Calls {
            schema: Calls::SCHEMA.to_owned(),
            node: node.to_owned(),
            since: spans().next().map_or(until, |span| span.from),
            now: until,
            slow_ns,
            edges: edges.into_values().collect(),
            overflowed: self.overflowed + self.dropped,
            unseen: self.unseen,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use std::time::Duration;

    use sonde_bpf::sockets::EdgeKey;
    use sonde_model::{CallCounts, Role};

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_000 + second).expect("in range")
    }

    fn harvest(calls: u64, edges: u8) -> Vec<Harvested> {
        let one = |last: u8| Harvested {
            key: EdgeKey {
                group: 7,
                remote: IpAddr::from([10, 0, 0, last]),
                netns: 1,
                port: 80,
                role: Role::Client,
                protocol: None,
            },
            first: Duration::ZERO,
            counts: CallCounts {
                calls,
                ..CallCounts::default()
            },
        };
        (0..edges).map(one).collect()
    }

    fn owner(group: u64) -> Owner {
        Owner {
            group: group.to_string().into(),
            ..Owner::default()
        }
    }

    #[test]
    fn spans_add_up_and_old_ones_go() {
        let mut traffic = Traffic::default();
        for (begin, calls) in [(0, 1), (5, 10), (62, 100)] {
            traffic.take((at(begin), at(begin + 5)), harvest(calls, 2), at(0), owner);
        }
        let all = traffic.calls("n1", 0, None, at(70));
        // The span from 0 is more than a minute old.
        assert_eq!(
            all.edges.iter().map(|edge| edge.counts.calls).collect::<Vec<_>>(),
            [100, 100]
        );
        assert_eq!((all.since, all.now), (at(62), at(67)));
        traffic.take((at(67), at(72)), harvest(1000, 2), at(0), owner);
        let all = traffic.calls("n1", 0, None, at(72));
        assert_eq!(all.edges[0].counts.calls, 1100);
        assert_eq!(&*all.edges[0].owner.group, "7");
        let last = traffic.calls("n1", 0, Some(SignedDuration::from_secs(5)), at(72));
        assert_eq!((last.edges[0].counts.calls, last.since), (1000, at(67)));
    }

    #[test]
    fn what_does_not_fit_is_counted() {
        let mut traffic = Traffic::default();
        let many: Vec<_> = (0..=EDGES_MAX as u64).map(|_| harvest(1, 1).remove(0)).collect();
        traffic.take((at(0), at(5)), many, at(0), owner);
        assert_eq!((traffic.edges(), traffic.dropped), (EDGES_MAX, 1));
        assert_eq!(traffic.calls("n1", 0, None, at(5)).overflowed, 1);
    }

    #[test]
    fn nothing_yet_is_an_empty_span() {
        let calls = Traffic::default().calls("n1", 0, None, at(3));
        assert_eq!((calls.since, calls.now, calls.edges.len()), (at(3), at(3), 0));
    }
}
