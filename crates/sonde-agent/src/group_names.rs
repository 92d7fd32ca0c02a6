//! Whose the control groups are that the kernel names by number.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use sonde_bpf::sockets::Harvested;
use sonde_bpf::{Groups, Hierarchy};
use sonde_model::Owner;

use crate::owners;
use crate::state::State;

/// Walking the control groups costs some milliseconds; new ones are looked for no more often.
const WALK: Duration = Duration::from_secs(1);
/// Groups that are remembered as not there.
const MISSING_MAX: usize = 4_096;

/// The groups of a hierarchy.
pub(crate) struct GroupNames {
    groups: Groups,
    /// Groups that were looked for in vain since the last walk.
    missing: HashSet<u64>,
    walked: Option<Instant>,
}

impl GroupNames {
    pub(crate) fn new(hierarchy: &Hierarchy) -> Self {
        Self {
            groups: Groups::new(hierarchy),
            missing: HashSet::new(),
            walked: None,
        }
    }

    /// The owners of edges, by their groups.
    pub(crate) fn owners(&mut self, edges: &[Harvested], state: &mut State) -> HashMap<u64, Owner> {
        let groups: HashSet<u64> = edges.iter().map(|edge| edge.key.group).collect();
        groups
            .into_iter()
            .map(|group| (group, self.owner(group, state)))
            .collect()
    }

    /// Who runs in a group; nobody where it is 0, or gone.
    pub(crate) fn owner(&mut self, group: u64, state: &mut State) -> Owner {
        if group == 0 {
            return Owner::default();
        }
        if self.groups.get(group).is_none() && !self.missing.contains(&group) {
            if self.walked.is_none_or(|at| at.elapsed() >= WALK) {
                self.groups.refresh();
                self.walked = Some(Instant::now());
                self.missing.clear();
            }
            if self.groups.get(group).is_none() && self.missing.len() < MISSING_MAX {
                self.missing.insert(group);
            }
        }
        match self.groups.get(group) {
            Some(group) => state.name(owners::owner(group)),
            None => Owner::default(),
        }
    }
}
