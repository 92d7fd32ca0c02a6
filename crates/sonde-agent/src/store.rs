//! Deaths of the last hour, bounded. Pure.

use std::collections::VecDeque;

use jiff::{SignedDuration, Timestamp};
use sonde_model::Death;

/// So long a death is kept.
const KEPT: SignedDuration = SignedDuration::from_hours(1);
/// Deaths of containers: some 8 MB.
const OF_CONTAINERS_MAX: usize = 8_192;
/// Deaths of the node's own processes: a build that kills a thousand of its own must not push a container's out.
const OF_NODE_MAX: usize = 2_048;

/// A death, and what is still to be done with it.
#[derive(Debug, Clone)]
pub(crate) struct Kept {
    pub(crate) entry: u64,
    pub(crate) death: Death,
    /// It is in the counters of `/metrics`.
    pub(crate) counted: bool,
}

/// What is kept.
#[derive(Debug, Default)]
pub(crate) struct Store {
    of_containers: VecDeque<Kept>,
    of_node: VecDeque<Kept>,
    next: u64,
    dropped: u64,
}

impl Store {
    /// Keeps a death; returns its entry, and what went for it.
    pub(crate) fn push(&mut self, death: Death) -> (u64, Option<Kept>) {
        let entry = self.next;
        self.next += 1;
        let (list, max) = if death.process.owner.is_container() {
            (&mut self.of_containers, OF_CONTAINERS_MAX)
        } else {
            (&mut self.of_node, OF_NODE_MAX)
        };
        let gone = if list.len() >= max { list.pop_front() } else { None };
        self.dropped += u64::from(gone.is_some());
        list.push_back(Kept {
            entry,
            death,
            counted: false,
        });
        (entry, gone)
    }

    /// The death of an entry, if it is still kept.
    pub(crate) fn get_mut(&mut self, entry: u64) -> Option<&mut Kept> {
        [&mut self.of_containers, &mut self.of_node]
            .into_iter()
            .find_map(|list| {
                let at = list.binary_search_by_key(&entry, |kept| kept.entry).ok()?;
                list.get_mut(at)
            })
    }

    /// Deaths at or after `since`, in no order.
    pub(crate) fn recent_mut(&mut self, since: Timestamp) -> impl Iterator<Item = &mut Kept> {
        // What is recent is at the end. Several processors write, so a few may stand a little before their time.
        [&mut self.of_containers, &mut self.of_node]
            .into_iter()
            .flat_map(move |list| {
                list.iter_mut()
                    .rev()
                    .take_while(move |kept| kept.death.time >= since)
            })
    }

    /// Deaths at or after `since`, oldest first.
    pub(crate) fn since(&self, since: Option<Timestamp>) -> Vec<&Death> {
        let wanted = |kept: &&Kept| since.is_none_or(|since| kept.death.time >= since);
        let mut all: Vec<&Kept> = self
            .of_containers
            .iter()
            .chain(&self.of_node)
            .filter(wanted)
            .collect();
        all.sort_by_key(|kept| kept.entry);
        all.into_iter().map(|kept| &kept.death).collect()
    }

    /// Forgets what is older than an hour.
    pub(crate) fn expire(&mut self, now: Timestamp) {
        for list in [&mut self.of_containers, &mut self.of_node] {
            while list
                .front()
                .is_some_and(|kept| now.duration_since(kept.death.time) > KEPT)
            {
                list.pop_front();
            }
        }
    }

    /// How many went because there was no room.
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Use and limit of both lists: containers' and the node's own.
    pub(crate) fn fill(&self) -> [(usize, usize); 2] {
        [
            (self.of_containers.len(), OF_CONTAINERS_MAX),
            (self.of_node.len(), OF_NODE_MAX),
        ]
    }
}

#[cfg(test)]
mod tests {
    use sonde_model::{DeathKind, Owner, ProcessSeen};

    use super::*;

    fn death(second: i64, owner: Owner) -> Death {
        Death {
            time: Timestamp::from_second(1_790_000_000 + second).unwrap(),
            process: ProcessSeen {
                owner,
                ..ProcessSeen::default()
            },
            kind: DeathKind::Exit {
                code: Some(0),
                signal: None,
                sender: None,
            },
        }
    }

    #[test]
    fn a_storm_on_the_node_does_not_push_a_container_out() {
        let mut store = Store::default();
        let (first, _) = store.push(death(0, crate::owners::testing::container("a")));
        for second in 0..(OF_NODE_MAX as i64 + 5) {
            store.push(death(second, Owner::default()));
        }
        assert_eq!(store.dropped(), 5);
        assert!(store.get_mut(first).is_some());
        assert!(store.get_mut(first + 1).is_none());
        assert_eq!(store.since(None).len(), OF_NODE_MAX + 1);
    }

    #[test]
    fn an_hour_is_kept_in_order() {
        let mut store = Store::default();
        store.push(death(0, Owner::default()));
        store.push(death(10, crate::owners::testing::container("a")));
        store.push(death(20, Owner::default()));
        let start = death(0, Owner::default()).time;
        let seconds = |store: &Store, since: Option<i64>| -> Vec<i64> {
            let since = since.map(|second| start + SignedDuration::from_secs(second));
            let all = store.since(since);
            all.iter()
                .map(|death| death.time.as_second() - start.as_second())
                .collect()
        };
        assert_eq!(seconds(&store, None), [0, 10, 20]);
        assert_eq!(seconds(&store, Some(10)), [10, 20]);
        store.expire(start + SignedDuration::from_secs(3_605));
        assert_eq!(seconds(&store, None), [10, 20]);
        assert_eq!(store.dropped(), 0, "what is too old is not lost");
    }
}
