//! Logs and lines at hand, by where they come from. The adapter that reads them has redacted them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use sonde_grammar::Fact;
use sonde_grammar::counters::CpuThrottling;
use sonde_grammar::log::{KernelLine, NodeLine, NodeLog};
use sonde_model::{Moment as _, ObjectRef};

use crate::Want;

/// Which log of which container.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct LogKey {
    /// The pod's namespace.
    pub namespace: Arc<str>,
    /// The pod.
    pub pod: Arc<str>,
    /// The container.
    pub container: Arc<str>,
    /// The log of the run before the last restart.
    pub previous: bool,
}

/// A message that is about no known object, as in a pasted line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LooseMessage {
    /// The line as it was.
    pub text: String,
    /// Its time, where it has one.
    pub time: Option<Timestamp>,
    /// The object that the line names, where it does.
    pub about: Option<ObjectRef>,
    /// The container that the line names, where it does.
    pub container: Option<String>,
    /// What it says.
    pub facts: Vec<Fact>,
}

/// How much of a node's log was read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct NodeLogRead {
    /// From when to when; `None` where its lines have no times.
    pub span: Option<(Timestamp, Timestamp)>,
    /// It is a kubelet's log at verbosity 2 or more, in which each kill of a container is a line
    /// (`pkg/kubelet/kuberuntime/kuberuntime_container.go`).
    pub verbose: bool,
    /// It is the word of an agent that watched the whole span and lost nothing of it.
    pub whole: bool,
    /// It was read on the machine itself, not through the API server.
    pub here: bool,
}

/// An agent remembers for so long, however long it has watched.
pub(crate) const AGENT_REMEMBERS: SignedDuration = SignedDuration::from_hours(1);

impl NodeLogRead {
    /// Of the lines of a log; `year` serves times that have none.
    pub fn of(log: NodeLog, lines: &[&str], year: Option<i16>) -> Self {
        if log == NodeLog::Agent {
            return Self::of_agent(lines);
        }
        Self {
            whole: false,
            here: false,
            span: sonde_grammar::log::span(lines, year),
            // `SyncLoop ADD` and its kind are of the same verbosity as `Killing container with a grace period`.
            verbose: log == NodeLog::Kubelet && lines.iter().any(|line| line.contains("SyncLoop")),
        }
    }

    /// Of an agent its first line tells; without it, nothing is known of what it does not tell.
    fn of_agent(lines: &[&str]) -> Self {
        let watches = lines
            .iter()
            .filter_map(|line| sonde_grammar::log::agent::watch(line));
        let mut all = Self::default();
        for watch in watches {
            all.join(Self {
                span: Some((watch.since.max(watch.now.earlier(AGENT_REMEMBERS)), watch.now)),
                whole: watch.is_whole(),
                ..Self::default()
            });
        }
        all
    }

    /// The time lies between the first line and the last.
    pub fn covers(&self, time: Timestamp) -> bool {
        self.span
            .is_some_and(|(from, until)| from <= time && time <= until)
    }

    /// Adds another part of the same log.
    pub fn join(&mut self, part: Self) {
        if self.whole || part.whole {
            // Nobody watched between two spans that do not meet: the later one counts.
            let (mine, other) = (self.span, part.span);
            let meet = mine
                .zip(other)
                .is_some_and(|(mine, other)| mine.0 <= other.1 && other.0 <= mine.1);
            if !(meet && self.whole && part.whole) {
                if other > mine {
                    *self = part;
                }
                return;
            }
        }
        self.span = match (self.span, part.span) {
            (Some((first, last)), Some((from, until))) => Some((first.min(from), last.max(until))),
            (one, other) => one.or(other),
        };
        self.verbose |= part.verbose;
        self.here |= part.here;
    }
}

/// Everything at hand that is not an object.
#[derive(Debug, Clone, Default)]
pub struct Texts {
    /// The last lines of containers' logs, oldest first.
    pub container_logs: BTreeMap<LogKey, Vec<String>>,
    /// Logs of containers that were asked for, and there is none.
    pub none: BTreeSet<LogKey>,
    /// Understood kernel lines by node; the node is empty where the source does not tell.
    pub kernel: BTreeMap<Arc<str>, Vec<KernelLine>>,
    /// Understood kubelet and runtime lines by node; as above.
    pub node: BTreeMap<Arc<str>, Vec<NodeLine>>,
    /// The logs of nodes that were read, whatever they say; the node as above. What is not here was not read.
    pub read: BTreeMap<(Arc<str>, NodeLog), NodeLogRead>,
    /// CPU throttling of containers by node, as of the newest reading; as above.
    pub throttling: BTreeMap<Arc<str>, Vec<CpuThrottling>>,
    /// Messages about no known object.
    pub loose: Vec<LooseMessage>,
    /// How many lines were read in all.
    pub lines: usize,
}

impl Texts {
    /// It was asked for: the node's log was read over the time that is meant, whatever it says; of a container there is no log.
    pub(crate) fn was_read(&self, want: &Want) -> bool {
        if let Want::ContainerLog(key) = want {
            return self.none.contains(key);
        }
        let Some((node, log, around)) = want.node_log() else {
            return false;
        };
        let Some(read) = self.read.get(&(node.clone(), log)) else {
            return false;
        };
        around.map_or(read.span.is_some(), |at| read.covers(at))
    }

    /// What is wanted was looked at, and tells nothing of it: that is no gap in what was looked at.
    pub(crate) fn says_nothing_of(&self, want: &Want) -> bool {
        let is_mute = |node: &Arc<str>, log| {
            let read = self.read.get(&(node.clone(), log));
            log == NodeLog::Kubelet && read.is_some_and(|it| !it.verbose)
        };
        self.was_read(want) && want.node_log().is_some_and(|(node, log, _)| !is_mute(node, log))
            || matches!(want, Want::ContainerLog(key) if self.container_logs.contains_key(key))
    }

    /// Why something that is wanted is still missing.
    pub(crate) fn why_unmet(&self, want: &Want) -> String {
        let Some((node, log, around)) = want.node_log() else {
            return match want {
                Want::ContainerLog(key) if self.none.contains(key) => {
                    "it was asked for, and there is none (any more)".to_owned()
                }
                _ => NOT_READ.to_owned(),
            };
        };
        let Some(read) = self.read.get(&(node.clone(), log)) else {
            return NOT_READ.to_owned();
        };
        match (read.span, around) {
            (None, _) => "its lines have no times".to_owned(),
            (Some((from, until)), Some(at)) if !read.covers(at) => {
                format!("its lines reach from {from} to {until} only")
            }
            _ if log == NodeLog::Kubelet && !read.verbose => {
                "at its verbosity a kubelet does not write down what it kills".to_owned()
            }
            _ => "it was read and does not tell".to_owned(),
        }
    }
}

const NOT_READ: &str = "not among what was read";
