//! Counts of calls since the agent's start, by owner and protocol: what metrics are made of. Pure.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use sonde_model::{CallCounts, CallEdge, Role};

/// Series of one metric; what comes after adds up under [`OTHER`].
pub(crate) const SERIES_MAX: usize = 1_000;
/// The namespace of what found no room.
pub(crate) const OTHER: &str = "(other)";
/// A series of which nothing was heard for so long makes room for a new one: pods go.
const IDLE: SignedDuration = SignedDuration::from_mins(15);

/// Whose calls they are. Remote addresses are left out: there is no bound to them.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Series {
    pub(crate) namespace: Arc<str>,
    pub(crate) pod: Arc<str>,
    pub(crate) container: Arc<str>,
    pub(crate) role: Role,
    pub(crate) port: u16,
    pub(crate) protocol: String,
}

/// All of them.
#[derive(Debug, Default)]
pub(crate) struct Totals {
    series: HashMap<Series, (CallCounts, Timestamp)>,
    /// Edges whose counts went to [`OTHER`].
    pub(crate) overflowed: u64,
}

impl Totals {
    /// Adds what was counted on an edge until `now`.
    pub(crate) fn add(&mut self, edge: &CallEdge, now: Timestamp) {
        let mut series = Series {
            namespace: edge.owner.namespace.clone(),
            pod: edge.owner.pod.clone(),
            container: edge.owner.container.clone(),
            role: edge.role,
            port: match edge.role {
                Role::Server => edge.port,
                // A client's far end may be anything, and its port then tells nothing that the protocol does not.
                Role::Client => 0,
            },
            protocol: edge.protocol.clone(),
        };
        if self.series.len() >= SERIES_MAX && !self.series.contains_key(&series) {
            self.series
                .retain(|_, (_, heard)| now.duration_since(*heard) < IDLE);
        }
        if self.series.len() >= SERIES_MAX && !self.series.contains_key(&series) {
            self.overflowed += 1;
            series.namespace = OTHER.into();
            series.pod = "".into();
            series.container = "".into();
            series.port = 0;
            series.protocol = String::new();
        }
        let (counts, heard) = self.series.entry(series).or_default();
        counts.add(&edge.counts);
        *heard = now;
    }

    /// All series, in order.
    pub(crate) fn series(&self) -> Vec<(&Series, &CallCounts)> {
        let mut all: Vec<_> = self
            .series
            .iter()
            .map(|(series, (counts, _))| (series, counts))
            .collect();
        all.sort_by_key(|(series, _)| *series);
        all
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.series.len()
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use sonde_model::Owner;

    use super::*;

    fn edge(pod: usize, remote: u8) -> CallEdge {
        CallEdge {
            since: Timestamp::UNIX_EPOCH,
            owner: Owner {
                namespace: "shop".into(),
                pod: format!("p{pod}").into(),
                ..Owner::default()
            },
            role: Role::Server,
            remote: Ipv4Addr::new(10, 0, 0, remote).into(),
            port: 80,
            protocol: "http1".into(),
            counts: CallCounts {
                calls: 1,
                ..CallCounts::default()
            },
        }
    }

    fn second(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("in range")
    }

    #[test]
    fn callers_add_up() {
        let mut totals = Totals::default();
        for remote in 0..5 {
            totals.add(&edge(0, remote), second(1));
        }
        let series = totals.series();
        assert_eq!((series.len(), series[0].1.calls), (1, 5));
    }

    #[test]
    fn series_are_bounded_nothing_is_lost_and_the_silent_make_room() {
        let mut totals = Totals::default();
        for pod in 0..SERIES_MAX + 50 {
            totals.add(&edge(pod, 0), second(1));
        }
        assert_eq!((totals.len(), totals.overflowed), (SERIES_MAX + 1, 50));
        let calls: u64 = totals.series().iter().map(|(_, counts)| counts.calls).sum();
        assert_eq!(calls, (SERIES_MAX + 50) as u64);
        totals.add(&edge(usize::MAX, 0), second(3600));
        assert_eq!((totals.len(), totals.overflowed), (1, 50));
    }
}
