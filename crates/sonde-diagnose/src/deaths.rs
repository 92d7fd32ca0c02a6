//! What agents saw of a run: the signals that its first process was sent, by whom, and how it ended.

use jiff::{SignedDuration, Timestamp};
use sonde_grammar::Fact;
use sonde_grammar::fact::OomKill;
use sonde_grammar::log::agent::{brief, signal_word};
use sonde_grammar::log::{NodeLine, NodeLog};
use sonde_model::{
    Death, DeathKind, EvidenceKind, Moment as _, ObjectRef, ProcessSeen, SenderKind, SenderSeen,
};

use crate::case::Seen;
use crate::texts::AGENT_REMEMBERS;
use crate::{Case, Facts, Symptom, Want};

/// The kernel's number of the signal that nobody can refuse.
pub(crate) const SIGKILL: i32 = 9;
/// Statuses have whole seconds, and the runtime notices an end a moment later.
const SECOND: SignedDuration = SignedDuration::from_secs(1);
/// A process whose memory was taken, or whose child was killed, ends within this. A guess, generous.
const SOON: SignedDuration = SignedDuration::from_secs(10);
/// More of one run are not looked at: a run has one end.
const KEPT_MAX: usize = 256;

/// A signal that an agent saw being sent.
#[derive(Debug, Clone)]
pub(crate) struct Sent<'a> {
    pub(crate) time: Timestamp,
    pub(crate) signal: i32,
    pub(crate) sender: &'a SenderSeen,
    pub(crate) process: &'a ProcessSeen,
    /// It reached the process; one that it ignores does not.
    pub(crate) delivered: bool,
    pub(crate) seen: Seen,
}

impl Sent<'_> {
    /// By the container runtime, on whoever's word.
    pub(crate) fn by_runtime(&self) -> bool {
        self.sender.kind == SenderKind::Runtime
    }

    /// By the kernel, for want of memory.
    pub(crate) fn for_memory(&self) -> bool {
        self.sender.kind == SenderKind::OutOfMemory
    }

    /// By a process that somebody ran: neither the kernel nor the container runtime.
    pub(crate) fn by_somebody(&self) -> bool {
        matches!(
            self.sender.kind,
            SenderKind::Itself
                | SenderKind::SameContainer
                | SenderKind::OtherContainer
                | SenderKind::Kubelet
                | SenderKind::ServiceManager
                | SenderKind::NodeProcess
        )
    }

    /// `SIGKILL`.
    pub(crate) fn name(&self) -> String {
        format!("SIG{}", signal_word(self.signal))
    }

    /// Who sent it: `python3 (pid 4711, uid 1000, started by sshd) on the node`.
    pub(crate) fn from(&self) -> String {
        let it = &self.sender.process;
        let who = process_text(it);
        match self.sender.kind {
            SenderKind::OutOfMemory => "the kernel, for want of memory".into(),
            SenderKind::NamespaceEnd => {
                "the kernel, because the first process of its pid namespace ended".into()
            }
            SenderKind::Fault => "the kernel, for a fault of the process itself".into(),
            SenderKind::Kernel => "the kernel".into(),
            SenderKind::Itself => "the process itself".into(),
            SenderKind::SameContainer => format!("{who}, a process of its own container"),
            SenderKind::OtherContainer => format!("{who} of {}", owner_text(it)),
            SenderKind::Runtime => format!("the container runtime ({}, pid {})", it.command, it.pid),
            SenderKind::Kubelet => format!("the kubelet (pid {})", it.pid),
            SenderKind::ServiceManager => {
                format!("the node's service manager ({}, pid {})", it.command, it.pid)
            }
            SenderKind::NodeProcess => format!("{who} on the node"),
        }
    }
}

/// `python3 (pid 4711, uid 1000, started by sshd)`.
fn process_text(it: &ProcessSeen) -> String {
    let name = if it.command.is_empty() {
        "a process"
    } else {
        &it.command
    };
    let started = if it.parent_command.is_empty() {
        String::new()
    } else {
        format!(", started by {}", it.parent_command)
    };
    format!("{name} (pid {}, uid {}{started})", it.pid, it.uid)
}

fn owner_text(it: &ProcessSeen) -> String {
    let owner = &it.owner;
    match (&*owner.container, &*owner.pod) {
        ("", "") => format!(
            "container {}",
            owner.container_id.chars().take(12).collect::<String>()
        ),
        ("", pod) => format!("pod {}/{pod}", owner.namespace),
        (container, pod) => format!("container {container} of pod {}/{pod}", owner.namespace),
    }
}

/// How an agent saw the first process end.
#[derive(Debug, Clone)]
pub(crate) struct SeenEnd {
    /// The code, if it left by itself.
    pub(crate) code: Option<u8>,
    /// The signal that ended it.
    pub(crate) signal: Option<u8>,
    pub(crate) seen: Seen,
}

/// All that agents saw of one run.
#[derive(Debug, Clone, Default)]
pub(crate) struct Witness<'a> {
    /// To its first process, oldest first.
    sent: Vec<Sent<'a>>,
    /// SIGKILL to its other processes, oldest first; what ends with the first process is not among them.
    to_others: Vec<Sent<'a>>,
    end: Option<SeenEnd>,
}

impl<'a> Witness<'a> {
    /// The SIGKILL that ended the first process: later ones meet a process that is on its way out.
    pub(crate) fn kill(&self) -> Option<&Sent<'a>> {
        // It left by itself, whatever it was sent.
        if self.end.as_ref().is_some_and(|end| end.code.is_some()) {
            return None;
        }
        self.sent
            .iter()
            .find(|sent| sent.signal == SIGKILL && sent.delivered)
    }

    /// The first signal that asks for the end: any but SIGKILL, the kernel's own and those for a fault.
    pub(crate) fn asked(&self) -> Option<&Sent<'a>> {
        const ASKING: &[i32] = &[1, 2, 3, 15];
        self.sent
            .iter()
            .find(|sent| ASKING.contains(&sent.signal) && (sent.by_runtime() || sent.by_somebody()))
    }

    /// The signal of this number that the first process was sent last.
    pub(crate) fn signal(&self, signal: i64) -> Option<&Sent<'a>> {
        let is_it = |sent: &&Sent<'a>| i64::from(sent.signal) == signal && sent.delivered;
        self.sent.iter().rfind(is_it)
    }

    /// How the first process ended.
    pub(crate) fn end(&self) -> Option<&SeenEnd> {
        self.end.as_ref()
    }

    /// The newest SIGKILL to another process of the container shortly before `end`.
    pub(crate) fn killed_child(&self, end: Option<Timestamp>) -> Option<&Sent<'a>> {
        self.to_others
            .iter()
            .rfind(|sent| end.is_none_or(|end| end.later(SECOND).duration_since(sent.time) <= SOON))
    }
}

/// Which run of which container.
struct Key<'k> {
    container: &'k str,
    id: Option<&'k str>,
    from: Option<Timestamp>,
    until: Option<Timestamp>,
}

impl<'a> Facts<'a> {
    /// What agents saw of the episode's run.
    pub(crate) fn witness(&self) -> &Witness<'a> {
        self.witness.get_or_init(|| {
            // What ends a whole pod ends its only container.
            let only = match self.subject.pod.spec.containers.as_slice() {
                [only] if self.episode.symptom == Symptom::Evicted => Some(only.name.as_str()),
                _ => None,
            };
            let Some(container) = self.episode.container.as_deref().or(only) else {
                return Witness::default();
            };
            let id = self.run_id(container);
            let (from, until) = match (self.span(), &self.episode.run) {
                (Some((from, until)), _) => (Some(from), Some(until)),
                (None, Some(run)) => (None, run.end.finished_at.0),
                (None, None) => (self.episode.since, None),
            };
            self.witness_of(&Key {
                container,
                id: id.as_deref(),
                from,
                until,
            })
        })
    }

    /// What agents saw of the run of a container that goes on.
    pub(crate) fn witness_of_running(&self, container: &str) -> Witness<'a> {
        let Some((status, _)) = self.subject.pod.container_status(container) else {
            return Witness::default();
        };
        let id = bare_id(&status.container_id);
        self.witness_of(&Key {
            container,
            id: (!id.is_empty()).then_some(id),
            from: status.state.running.as_ref().and_then(|it| it.started_at.0),
            until: None,
        })
    }

    /// The container's id of the episode's run alone: once another run goes on, the status has that one's.
    fn run_id(&self, container: &str) -> Option<String> {
        let run = self.episode.run.as_ref();
        let of_run = run.map_or("", |run| bare_id(&run.end.container_id));
        if !of_run.is_empty() {
            return Some(of_run.to_owned());
        }
        let (status, _) = self.subject.pod.container_status(container)?;
        let goes_on = status.state.running.is_some();
        let id = bare_id(&status.container_id);
        let is_it = !id.is_empty() && (run.is_none() || !goes_on);
        is_it.then(|| id.to_owned())
    }

    fn witness_of(&self, key: &Key<'_>) -> Witness<'a> {
        let mut witness = Witness::default();
        let mut lines: Vec<(&'a str, &'a NodeLine, &'a Death)> = self
            .agents_lines()
            .filter_map(|(node, line)| {
                let death = line.facts.iter().find_map(|fact| match fact {
                    Fact::Death(death) => Some(&**death),
                    _ => None,
                })?;
                self.is_of(key, death).then_some((node, line, death))
            })
            .take(KEPT_MAX)
            .collect();
        lines.sort_by_key(|(_, _, death)| death.time);
        for (node, line, death) in lines {
            let seen = agent_seen(node, line);
            match &death.kind {
                DeathKind::Signal {
                    signal,
                    sender,
                    delivered,
                } => {
                    let sent = Sent {
                        time: death.time,
                        signal: *signal,
                        sender,
                        process: &death.process,
                        delivered: *delivered,
                        seen,
                    };
                    if death.process.first {
                        witness.sent.push(sent);
                    } else if *signal == SIGKILL && *delivered && sender.kind != SenderKind::NamespaceEnd {
                        witness.to_others.push(sent);
                    }
                }
                DeathKind::Exit { code, signal, .. } if death.process.first => {
                    witness.end = Some(SeenEnd {
                        code: *code,
                        signal: *signal,
                        seen,
                    });
                }
                DeathKind::Exit { .. } | DeathKind::OutOfMemory { .. } => {}
            }
        }
        witness
    }

    /// The lines of agents on the subject's node.
    pub(crate) fn agents_lines(&self) -> impl Iterator<Item = (&'a str, &'a NodeLine)> {
        let node = self.subject.pod.spec.node_name.as_str();
        self.texts
            .node
            .iter()
            .filter(move |(name, _)| name.is_empty() || node.is_empty() || ***name == *node)
            .flat_map(|(name, lines)| lines.iter().map(move |line| (&**name, line)))
            .filter(|(_, line)| line.origin == NodeLog::Agent)
    }

    /// The container's id is a run's own; without one, the pod, the container's name and the time must fit.
    fn is_of(&self, key: &Key<'_>, death: &Death) -> bool {
        let owner = &death.process.owner;
        if let (Some(id), false) = (key.id, owner.container_id.is_empty()) {
            return *id == *owner.container_id;
        }
        let meta = &self.subject.pod.metadata;
        let is_pod = match (meta.uid.is_empty(), owner.pod_uid.is_empty()) {
            (false, false) => *meta.uid == *owner.pod_uid,
            _ => {
                let subject = &self.episode.subject;
                *subject.name == *owner.pod && *subject.namespace == *owner.namespace
            }
        };
        let within = key.from.is_none_or(|from| death.time >= from)
            && key.until.is_none_or(|until| death.time <= until.later(SECOND));
        is_pod && *key.container == *owner.container && within && (key.from.is_some() || key.until.is_some())
    }

    /// Adds the runtime's signals to a chain whose cause is told by other evidence: how it was carried out.
    pub(crate) fn tell_signals(&self, case: &mut Case) {
        let ends = matches!(self.episode.symptom, Symptom::Terminated | Symptom::Evicted);
        if !ends || case.has_seen(EvidenceKind::Agent) {
            return;
        }
        let witness = self.witness();
        let asked = witness.asked().filter(|sent| sent.by_runtime());
        let kill = witness.kill().filter(|sent| sent.by_runtime());
        match (asked, kill) {
            (Some(asked), Some(kill)) if kill.time > asked.time => {
                let waited = kill.time.duration_since(asked.time);
                let text = format!(
                    "{} sends {}{} and {:.1} s later SIGKILL",
                    asked.from(),
                    asked.name(),
                    if asked.delivered {
                        ""
                    } else {
                        ", which the process ignores,"
                    },
                    waited.as_secs_f64()
                );
                case.step_before_end(text, [asked.seen.clone(), kill.seen.clone()]);
            }
            (Some(sent), _) | (None, Some(sent)) => {
                let text = format!("{} sends {}", sent.from(), sent.name());
                case.step_before_end(text, [sent.seen.clone()]);
            }
            (None, None) => {}
        }
    }

    /// A signal ended the run, by the runtime's word or an agent's; the exit code alone may be a program's own.
    pub(crate) fn by_signal(&self) -> bool {
        let told = self.episode.run.as_ref().is_some_and(|run| run.end.signal > 0);
        let seen = self.witness().end().and_then(|end| end.signal);
        told || seen.is_some_and(|seen| Some(i64::from(seen)) == self.signal())
    }

    /// Whether a kill for memory hit the first process, with which the container ends; only an agent tells.
    pub(crate) fn hit_first_process(&self, kill: &OomKill) -> Option<bool> {
        kill.is_first.or_else(|| {
            let pid = kill.pid?;
            self.agents_lines()
                .find_map(|(_, line)| match line.facts.first() {
                    Some(Fact::OomKill(seen)) if seen.pid == Some(pid) => seen.is_first,
                    _ => None,
                })
        })
    }

    /// As evidence, that an agent on the node watched the end of the run and what came shortly before it, and lost
    /// nothing: what it does not tell of was not.
    pub(crate) fn agent_watched(&self) -> Option<Seen> {
        let node = self.node_ref()?;
        let moment = self.moment()?;
        let read = self.texts.read.get(&(node.name.clone(), NodeLog::Agent))?;
        let (from, until) = read.span?;
        (read.whole && from <= moment.earlier(SOON) && moment.later(SECOND) <= until).then(|| Seen {
            kind: EvidenceKind::Agent,
            source: format!("agent of node {}", node.name),
            object: Some(node.clone()),
            time: None,
            text: format!("watched from {from} to {until} and lost nothing"),
        })
    }

    /// The wish for what an agent on the node saw, where it was not read.
    pub(crate) fn want_agent(&self) -> Option<Want> {
        let node = self.node_ref()?.name;
        let want = Want::AgentDeaths { node };
        (!self.texts.was_read(&want)).then_some(want)
    }

    /// As above, where an agent may still remember the end.
    pub(crate) fn wish_for_agent(&self) -> Option<Want> {
        let ends = matches!(self.episode.symptom, Symptom::Terminated | Symptom::Deleting);
        let age = self.now?.duration_since(self.moment()?);
        self.want_agent().filter(|_| ends && age <= AGENT_REMEMBERS)
    }
}

/// A line of an agent as evidence.
pub(crate) fn agent_seen(node: &str, line: &NodeLine) -> Seen {
    let object = |name: &str| ObjectRef::cluster(sonde_model::Kind::Node, name);
    Seen {
        kind: EvidenceKind::Agent,
        source: if node.is_empty() {
            "agent".into()
        } else {
            format!("agent of node {node}")
        },
        object: (!node.is_empty()).then(|| object(node)),
        time: line.time,
        text: brief(&line.text),
    }
}

fn bare_id(id: &str) -> &str {
    id.rsplit("://").next().unwrap_or(id)
}

#[cfg(test)]
mod tests;
