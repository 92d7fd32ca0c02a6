//! Everything that an agent remembers, in one place. Pure but for what it is told; one thread touches it.

use jiff::{SignedDuration, Timestamp};
use sonde_bpf::Tier;
use sonde_bpf::deaths::{Ending, Event, Process, Sender, What};
use sonde_bpf::sockets::Refusal;
use sonde_model::{
    Death, DeathKind, Deaths, GroupMemory, Owner, ProcessSeen, Program, SenderKind, SenderSeen,
};

use crate::budget::Budget;
use crate::export::Exported;
use crate::metrics::Counts;
use crate::names::{Named, Names};
use crate::signals::{Sent, Signals, Which};
use crate::store::Store;
use crate::traffic::{self, KeptLookups, Traced, Traffic};
use crate::{owners, senders};

/// What came too late to be learned from within this time is counted as it is.
const SETTLED_AFTER: SignedDuration = SignedDuration::from_secs(30);
/// The kernel tells of one death in several events.
const COUNTED_AFTER: SignedDuration = SignedDuration::from_secs(2);

/// The memory of an agent.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) node: String,
    pub(crate) since: Timestamp,
    pub(crate) programs: Vec<Program>,
    /// How calls are seen, while they are.
    pub(crate) tier: Option<Tier>,
    /// Why not in a better way, or not at all.
    pub(crate) refused: Vec<Refusal>,
    pub(crate) runtimes: Vec<RuntimeState>,
    /// Why a container is named by its group alone, where the group tells too little.
    pub(crate) hierarchy: String,
    /// The groups of others are not seen.
    pub(crate) own_groups_only: bool,
    /// Events that did not fit into the kernel's ring.
    pub(crate) lost: u64,
    /// Events that did not fit between the ring and here.
    pub(crate) overrun: u64,
    pub(crate) connections: Connections,
    /// Tasks that were started again after a fault of ours.
    pub(crate) restarts: u64,
    pub(crate) counts: Counts,
    /// Counts of calls by edge.
    pub(crate) traffic: Traffic,
    /// Single calls.
    pub(crate) traced: Traced,
    /// Single questions for names.
    pub(crate) lookups: KeptLookups,
    /// Why no questions for names are seen; empty while they are.
    pub(crate) no_lookups: String,
    /// Samples of calls that did not fit into the kernel's ring, or between the ring and here.
    pub(crate) samples_lost: u64,
    /// Samples that the kernel left out to stay within the budget.
    pub(crate) samples_thinned: u64,
    /// What the agent may take of the processors.
    pub(crate) budget: Budget,
    /// How sending to a collector goes.
    pub(crate) exported: Exported,
    store: Store,
    signals: Signals,
    names: Names,
}

/// One socket of a container runtime.
#[derive(Debug, Clone, Default)]
pub(crate) struct RuntimeState {
    pub(crate) socket: String,
    /// It was named by a person, so its absence is told.
    pub(crate) asked_for: bool,
    pub(crate) condition: Condition,
    pub(crate) lists: u64,
    pub(crate) failures: u64,
}

/// How it stands with a container runtime.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum Condition {
    /// It has not been asked yet.
    #[default]
    New,
    /// There is no such socket.
    Absent,
    /// It told of so many containers and sandboxes.
    Answers(usize),
    /// It did not answer.
    Fails(String),
}

/// Connections to the agent's socket.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Connections {
    pub(crate) open: u64,
    pub(crate) refused: u64,
}

impl State {
    pub(crate) fn new(node: String, since: Timestamp) -> Self {
        Self {
            node,
            since,
            programs: Vec::new(),
            tier: None,
            refused: Vec::new(),
            runtimes: Vec::new(),
            hierarchy: String::new(),
            own_groups_only: false,
            lost: 0,
            overrun: 0,
            connections: Connections::default(),
            restarts: 0,
            counts: Counts::default(),
            traffic: Traffic::default(),
            traced: Traced::default(),
            lookups: KeptLookups::default(),
            no_lookups: String::new(),
            samples_lost: 0,
            samples_thinned: 0,
            budget: Budget::new(0.0, 1),
            exported: Exported::default(),
            store: Store::default(),
            signals: Signals::default(),
            names: Names::default(),
        }
    }

    /// Takes what the kernel told.
    pub(crate) fn take(&mut self, event: Event, time: Timestamp) {
        let subject = &event.subject;
        let owner = self.owner(subject);
        let which = Which {
            pid: subject.pid,
            group: subject.group.id,
        };
        let mut reached = None;
        let kind = match event.what {
            What::Signal {
                signal,
                sender,
                delivered,
            } => {
                let sender = self.sender(signal, &sender, subject, &owner, time);
                reached = delivered.then(|| (signal, sender.clone()));
                DeathKind::Signal {
                    signal,
                    sender,
                    delivered,
                }
            }
            What::Exit(Ending::Code(code)) => {
                self.signals.end(which, None);
                DeathKind::Exit {
                    code: Some(code),
                    signal: None,
                    sender: None,
                }
            }
            What::Exit(Ending::Signal(signal)) => DeathKind::Exit {
                code: None,
                signal: Some(signal),
                sender: self.signals.end(which, Some(i32::from(signal))),
            },
            What::Oom {
                trigger,
                held,
                groups,
            } => {
                if let Some(entry) = self.signals.mark_victim(which, time) {
                    self.amend(entry);
                }
                let trigger_owner = self.owner(&trigger);
                DeathKind::OutOfMemory {
                    trigger: owners::seen(&trigger, trigger_owner),
                    anonymous_bytes: held.anonymous,
                    file_bytes: held.file,
                    shared_bytes: held.shared,
                    groups: groups
                        .into_iter()
                        .map(|group| GroupMemory {
                            name: group.name,
                            usage_bytes: group.usage,
                            limit_bytes: group.limit,
                        })
                        .collect(),
                }
            }
        };
        let process = owners::seen(subject, owner);
        let (entry, gone) = self.store.push(Death { time, process, kind });
        if let Some(gone) = gone.filter(|gone| !gone.counted) {
            self.counts.add(&gone.death);
        }
        if let Some((signal, sender)) = reached {
            let sent = Sent {
                time,
                signal,
                sender,
                entry,
            };
            self.signals.remember(which, sent);
        }
    }

    /// Takes a runtime's answer, and names what waits for it.
    pub(crate) fn learn(&mut self, runtime: usize, answer: Result<Vec<Named>, Condition>, now: Timestamp) {
        let Some(state) = self.runtimes.get_mut(runtime) else {
            return;
        };
        match answer {
            Ok(list) => {
                state.lists += 1;
                state.condition = Condition::Answers(list.len());
                self.names.learn(list, now);
                self.name_all(now);
            }
            Err(condition) => {
                state.failures += u64::from(matches!(condition, Condition::Fails(_)));
                state.condition = condition;
            }
        }
    }

    /// Whether a runtime should be asked again.
    pub(crate) fn wants_names(&self) -> bool {
        self.names.wants_more()
    }

    /// Once a second: forgets what is old, counts what is settled.
    pub(crate) fn tick(&mut self, now: Timestamp) {
        self.store.expire(now);
        self.signals.expire(now);
        self.names.expire(now);
        let (names, counts) = (&self.names, &mut self.counts);
        for kept in self.store.recent_mut(before(now, SETTLED_AFTER + SETTLED_AFTER)) {
            let age = now.duration_since(kept.death.time);
            if kept.counted || age < COUNTED_AFTER {
                continue;
            }
            let owner = &kept.death.process.owner;
            let waits = is_unnamed(owner) && names.may_learn(&owner.container_id);
            if !waits || age >= SETTLED_AFTER {
                counts.add(&kept.death);
                kept.counted = true;
            }
        }
    }

    /// What is remembered of deaths.
    pub(crate) fn deaths(&self, since: Option<Timestamp>, now: Timestamp) -> Deaths {
        Deaths {
            schema: Deaths::SCHEMA.to_owned(),
            node: self.node.clone(),
            since: self.since,
            now,
            deaths: self.store.since(since).into_iter().cloned().collect(),
            lost: self.lost,
            dropped: self.store.dropped() + self.overrun,
        }
    }

    /// Everything that is bounded: its name, use, limit and what did not fit.
    pub(crate) fn fills(&self) -> Vec<(&'static str, Option<usize>, Option<usize>, u64)> {
        let [containers, node] = self.store.fill();
        let (signals, signals_max) = self.signals.fill();
        let (names, names_max, names_dropped) = self.names.fill();
        let connections = usize::try_from(self.connections.open).unwrap_or(usize::MAX);
        vec![
            (
                "deaths of containers",
                Some(containers.0),
                Some(containers.1),
                self.store.dropped(),
            ),
            (
                "deaths of the node's own processes",
                Some(node.0),
                Some(node.1),
                0,
            ),
            ("events in the kernel's ring", None, None, self.lost),
            (
                "events between ring and memory",
                None,
                Some(crate::agent::EVENTS_MAX),
                self.overrun,
            ),
            (
                "signals that wait for an end",
                Some(signals),
                Some(signals_max),
                0,
            ),
            ("names of containers", Some(names), Some(names_max), names_dropped),
            (
                "edges of the last minute",
                Some(self.traffic.edges()),
                Some(traffic::EDGES_MAX),
                self.traffic.dropped,
            ),
            (
                "series of calls since the start",
                Some(self.traffic.totals.len()),
                Some(traffic::SERIES_MAX),
                self.traffic.totals.overflowed,
            ),
            (
                "single calls",
                Some(self.traced.len()),
                Some(traffic::TRACES_MAX),
                self.traced.dropped,
            ),
            (
                "questions for names",
                Some(self.lookups.len()),
                Some(traffic::LOOKUPS_MAX),
                self.lookups.dropped + self.lookups.lost,
            ),
            (
                "samples left out for the agent's own processor time",
                None,
                None,
                self.samples_thinned,
            ),
            (
                "samples of calls on their way",
                None,
                Some(crate::watch_sockets::SAMPLES_MAX),
                self.samples_lost,
            ),
            (
                "connections",
                Some(connections),
                Some(crate::serve::CONNECTIONS_MAX),
                self.connections.refused,
            ),
        ]
    }

    /// Whose a process is.
    fn owner(&mut self, process: &Process) -> Owner {
        self.name(owners::owner(&process.group))
    }

    /// An owner with the names that the runtime told; a container without a name will be asked for.
    pub(crate) fn name(&mut self, mut owner: Owner) -> Owner {
        if owner.is_container() && !self.names.name(&mut owner) {
            self.names.miss(&owner.container_id);
        }
        owner
    }

    fn sender(
        &mut self,
        signal: i32,
        sender: &Sender,
        subject: &Process,
        subject_owner: &Owner,
        time: Timestamp,
    ) -> SenderSeen {
        let (Sender::Kernel(process) | Sender::Process(process)) = sender;
        let owner = self.owner(process);
        let victim = self.signals.is_victim(subject.pid, time);
        SenderSeen {
            kind: senders::kind(signal, sender, &owner, subject, subject_owner, victim),
            process: owners::seen(process, owner),
        }
    }

    /// The kernel marks its victim after it sent the signal, so the signal's entry was made without knowing.
    fn amend(&mut self, entry: u64) {
        if let Some(kept) = self.store.get_mut(entry)
            && let DeathKind::Signal { sender, .. } = &mut kept.death.kind
        {
            sender.kind = SenderKind::OutOfMemory;
        }
    }

    fn name_all(&mut self, now: Timestamp) {
        let names = &self.names;
        for kept in self.store.recent_mut(before(now, SETTLED_AFTER + SETTLED_AFTER)) {
            for owner in owners_of(&mut kept.death) {
                if is_unnamed(owner) {
                    names.name(owner);
                }
            }
        }
    }
}

/// Whether only the container's id is known.
fn is_unnamed(owner: &Owner) -> bool {
    owner.is_container() && owner.pod.is_empty()
}

/// The owners of all processes that an entry names.
fn owners_of(death: &mut Death) -> impl Iterator<Item = &mut Owner> {
    let other: Option<&mut ProcessSeen> = match &mut death.kind {
        DeathKind::Signal { sender, .. } => Some(&mut sender.process),
        DeathKind::Exit { sender, .. } => sender.as_mut().map(|sender| &mut sender.process),
        DeathKind::OutOfMemory { trigger, .. } => Some(trigger),
    };
    std::iter::once(&mut death.process)
        .chain(other)
        .map(|process| &mut process.owner)
}

fn before(now: Timestamp, by: SignedDuration) -> Timestamp {
    now.saturating_sub(by).unwrap_or(Timestamp::MIN)
}

#[cfg(test)]
mod tests;
