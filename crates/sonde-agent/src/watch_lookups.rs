//! The programs of questions for names at work.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

use jiff::Timestamp;
use sonde_bpf::Error;
use sonde_bpf::lookups::{Lookup, Lookups};

use crate::agent::hand_over;
use crate::group_names::GroupNames;
use crate::state::State;
use crate::{Options, clock};

/// Questions that wait between the ring and here.
const WAITING_MAX: usize = 4_096;
/// A question without an answer is given up: resolvers ask again after 5 s (resolv.conf(5), `timeout`).
const UNANSWERED: Duration = Duration::from_secs(10);

/// The programs, and whose the control groups are that they name.
pub(crate) struct LookupWatch {
    lookups: Lookups,
    kept: Receiver<Lookup>,
    overrun: Arc<AtomicU64>,
    groups: GroupNames,
}

impl LookupWatch {
    pub(crate) fn start(options: &Options) -> Result<Self, Error> {
        let (to, kept) = sync_channel(WAITING_MAX);
        let overrun = Arc::new(AtomicU64::new(0));
        let counter = overrun.clone();
        let lookups = Lookups::start(&options.of_programs(), move |lookup| {
            hand_over(&to, lookup, &counter);
        })?;
        let groups = GroupNames::new(lookups.hierarchy());
        Ok(Self {
            lookups,
            kept,
            overrun,
            groups,
        })
    }

    /// Takes what waits; called each second.
    pub(crate) fn take(&mut self, state: &mut State) {
        // What is lost meanwhile is counted by the kernel.
        let _ = self.lookups.consume();
        let mut taken: Vec<Lookup> = self.kept.try_iter().collect();
        taken.extend(self.lookups.take_unanswered(UNANSWERED).unwrap_or_default());
        state.lookups.lost = self.lookups.lost().unwrap_or_default() + self.overrun.load(Ordering::Relaxed);
        let booted = clock::booted();
        for lookup in taken {
            let owner = self.groups.owner(lookup.edge.group, state);
            let time = lookup
                .answered
                .map_or_else(Timestamp::now, |it| clock::at(booted, it));
            state.lookups.take(lookup, time, owner);
        }
    }

    /// Takes the counts of a span of time.
    pub(crate) fn harvest(&mut self, span: (Timestamp, Timestamp), state: &mut State) {
        // What cannot be read now is in the next harvest.
        let harvest = self.lookups.harvest().unwrap_or_default();
        let owners = self.groups.owners(&harvest, state);
        let owner = |group: u64| owners.get(&group).cloned().unwrap_or_default();
        state.traffic.take(span, harvest, clock::booted(), owner);
    }
}
