//! What a cause can ask about an episode: the subject's typed view, messages, logs, kernel lines, the snapshot.

use std::cell::OnceCell;
use std::fmt::Display;
use std::rc::Rc;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use sonde_grammar::Fact;
use sonde_grammar::counters::CpuThrottling;
use sonde_grammar::fact::OomKill;
use sonde_grammar::log::{AppSign, NodeLog, TellingLine};
use sonde_model::{EvidenceKind, Kind, ObjectRef};
use sonde_world::Snapshot;
use sonde_world::view::{Container, ContainerStatus, Job, Node, ObjectMeta, Pod};

use crate::case::Seen;
use crate::deaths::{Witness, agent_seen};
use crate::message::Message;
use crate::placement::{Placement, Placements};
use crate::subject::{Subject, log_words};
use crate::survey::Survey;
use crate::triage::nameless;
use crate::{Episode, LogKey, Texts, Want};

/// The view that a cause has of one episode.
pub struct Facts<'a> {
    /// The episode.
    pub episode: &'a Episode,
    /// The world.
    pub snapshot: &'a Snapshot,
    /// "Now"; `None` where the source has no time at all.
    pub now: Option<Timestamp>,
    pub(crate) texts: &'a Texts,
    pub(crate) subject: &'a Subject,
    pub(crate) survey: &'a OnceCell<Survey>,
    pub(crate) placements: &'a Placements<'a>,
    /// The log's telling lines, read once for all causes.
    pub(crate) words: OnceCell<Vec<(TellingLine, Seen)>>,
    /// What agents saw of the run, read once for all causes.
    pub(crate) witness: OnceCell<Witness<'a>>,
    /// That the run ended, as evidence.
    pub(crate) ended: OnceCell<Option<(Option<i64>, Seen)>>,
}

impl<'a> Facts<'a> {
    /// The pod, for episodes of pods; else an empty one.
    pub fn pod(&self) -> &'a Pod {
        &self.subject.pod
    }

    /// The pod has ended for good.
    pub(crate) fn pod_is_terminal(&self) -> bool {
        matches!(self.subject.pod.status.phase.as_str(), "Succeeded" | "Failed")
    }

    /// The source shows only a part of the subject: an absent field proves nothing.
    pub fn is_partial(&self) -> bool {
        self.subject.partial
    }

    /// The episode's container: its spec and the path of its spec.
    pub fn container(&self) -> Option<(&'a Container, String)> {
        self.subject.pod.container(self.episode.container.as_deref()?)
    }

    /// The episode's container: its status and the path of its status.
    pub fn status(&self) -> Option<(&'a ContainerStatus, String)> {
        self.subject
            .pod
            .container_status(self.episode.container.as_deref()?)
    }

    /// The subject's node: for a node itself, for a pod the one it is bound to.
    pub fn node_ref(&self) -> Option<ObjectRef> {
        match self.episode.subject.kind {
            Kind::Node => Some(self.episode.subject.clone()),
            _ => Some(self.subject.pod.spec.node_name.as_str())
                .filter(|name| !name.is_empty())
                .map(|name| ObjectRef::cluster(Kind::Node, name)),
        }
    }

    /// The subject's node, where it is known.
    pub fn node(&self) -> Option<Node> {
        self.snapshot.view(&self.node_ref()?)
    }

    /// The subject's topmost controller, itself where it has none.
    pub fn workload(&self) -> ObjectRef {
        self.snapshot.root_owner(&self.episode.subject)
    }

    /// `container app`, `init container wait (1 of 2)`, or `the container` where the source does not name it.
    pub fn container_phrase(&self) -> String {
        let Some(name) = self.episode.container.as_deref().filter(|name| !name.is_empty()) else {
            return "the container".into();
        };
        match self.init_position() {
            Some((at, of)) => format!("init container {name} ({at} of {of})"),
            None => format!("container {name}"),
        }
    }

    /// Which init container the episode's is, from one, and of how many.
    pub fn init_position(&self) -> Option<(usize, usize)> {
        let name = self.episode.container.as_deref()?;
        let init = &self.subject.pod.spec.init_containers;
        let at = init.iter().position(|container| container.name == name)?;
        Some((at + 1, init.len()))
    }

    /// The pod is one try of a Job that goes on: how often it has failed and may fail.
    pub(crate) fn tried_again(&self) -> Option<(String, Seen)> {
        let owner = self.snapshot.get(&self.episode.subject)?.owner.as_ref()?;
        let job = self.snapshot.view::<Job>(&owner.reference)?;
        let is_over =
            job.status.conditions.iter().any(|it| {
                matches!(it.kind.as_str(), "Failed" | "FailureTarget" | "Complete") && it.is_true()
            });
        // The API's default (batch/v1, JobSpec.backoffLimit).
        let (failed, limit) = (job.status.failed, job.spec.backoff_limit.unwrap_or(6));
        let goes_on = !is_over && self.pod().status.phase == "Failed" && failed > 0 && failed <= limit;
        goes_on.then(|| {
            (
                format!(
                    "it is one try of {}, which failed {failed} of {limit} times and tries again",
                    owner.reference
                ),
                field_on(&owner.reference, "status.failed", failed),
            )
        })
    }

    /// What waits for the episode's init container, while it does: the step that ends every chain about one.
    pub(crate) fn held_back(&self) -> Option<(String, Seen)> {
        let (at, of) = self.init_position()?;
        let pod = &self.subject.pod;
        let started = |status: &ContainerStatus| {
            status.state.running.is_some() || status.state.terminated.is_some() || status.restart_count > 0
        };
        if pod.status.container_statuses.iter().any(started) {
            return None;
        }
        let names = |containers: &[Container]| {
            let names: Vec<&str> = containers.iter().map(|it| it.name.as_str()).collect();
            names.join(", ")
        };
        let init = &pod.spec.init_containers;
        let this = &init[at - 1];
        let until = if this.restart_policy == "Always" {
            "has started"
        } else {
            "has ended well"
        };
        let mut behind = Vec::new();
        if at < of {
            behind.push(format!("init container {}", names(&init[at..])));
        }
        behind.push(format!("container {}", names(&pod.spec.containers)));
        let text = format!(
            "{} blocks {} until it {until}",
            self.container_phrase(),
            behind.join(" and ")
        );
        let path = format!("spec.initContainers[{}].name", at - 1);
        Some((text, self.field(&path, &this.name)))
    }

    /// What is true of many subjects at once, looked up when the first cause asks.
    pub(crate) fn survey(&self) -> &'a Survey {
        self.survey.get_or_init(|| Survey::new(self.snapshot))
    }

    /// Messages about the subject that can belong to the episode, newest first. Messages that name another container
    /// than the episode's are left out.
    pub fn messages(&self) -> impl Iterator<Item = &'a Message> {
        self.all_messages()
            .filter(|message| self.episode.covers(message.seen.time))
    }

    /// As [`Facts::messages`], for the subject's whole life: what was seen before and after the episode too.
    pub fn all_messages(&self) -> impl Iterator<Item = &'a Message> {
        let wanted = self.episode.container.as_deref();
        self.subject
            .messages
            .iter()
            .filter(move |message| match (wanted, message.container.as_deref()) {
                (Some(wanted), Some(named)) => wanted == named,
                _ => true,
            })
    }

    /// The newest message of the episode with a fact that `pick` takes.
    pub fn find<T>(&self, pick: impl Fn(&'a Fact) -> Option<T>) -> Option<(T, &'a Message)> {
        self.messages()
            .find_map(|message| Some((message.facts.iter().find_map(&pick)?, message)))
    }

    /// Every message of the episode with a fact that `pick` takes, newest first.
    pub fn find_all<T>(&self, pick: impl Fn(&'a Fact) -> Option<T>) -> Vec<(T, &'a Message)> {
        self.messages()
            .filter_map(|message| Some((message.facts.iter().find_map(&pick)?, message)))
            .collect()
    }

    /// An object's metadata: finalizers, owners, annotations.
    pub fn metadata_of(&self, object: &ObjectRef) -> Option<ObjectMeta> {
        #[derive(serde::Deserialize)]
        struct Meta {
            metadata: ObjectMeta,
        }
        Some(self.snapshot.view::<Meta>(object)?.metadata)
    }

    /// The messages about another object, its node for example, newest first.
    pub fn messages_about(&self, object: &ObjectRef) -> Vec<Message> {
        if *object == self.episode.subject {
            return self.subject.messages.clone();
        }
        Subject::load(object, self.snapshot, self.texts).messages
    }

    /// A field of the subject as evidence.
    pub fn field(&self, path: &str, value: impl Display) -> Seen {
        field_on(&self.episode.subject, path, value)
    }

    /// Seconds between SIGTERM and SIGKILL, from the field that says so; 30 where none does (the API's default).
    pub fn grace(&self) -> (i64, Seen) {
        let pod = self.pod();
        let (path, set) = match pod.metadata.deletion_grace_period_seconds {
            Some(seconds) => ("metadata.deletionGracePeriodSeconds", Some(seconds)),
            None => (
                "spec.terminationGracePeriodSeconds",
                pod.spec.termination_grace_period_seconds,
            ),
        };
        let seen = set.map_or_else(|| self.unset(path), |seconds| self.field(path, seconds));
        (pod.grace_seconds(), seen)
    }

    /// That a field is not set; of a part of an object, that the source does not show it.
    pub fn unset(&self, path: &str) -> Seen {
        self.field(path, if self.is_partial() { "not shown" } else { "not set" })
    }

    /// The field in which the episode's symptom stands; the word that people see where no single field has it.
    pub fn seen_as(&self) -> Seen {
        let word = &self.episode.word;
        if let Some((status, path)) = self.status() {
            return match &status.state.waiting {
                Some(waiting) if waiting.reason == *word => {
                    self.field(&format!("{path}.state.waiting.reason"), word)
                }
                _ => self.field(&format!("{path}.ready"), status.ready),
            };
        }
        match self.pod().status.phase.as_str() {
            "" => self.computed(format!("status of {}", self.episode.subject), word),
            phase => self.field("status.phase", phase),
        }
    }

    /// That an object does not exist: its kind and namespace were completely listed, or the API server said so.
    pub fn absence(&self, object: &ObjectRef) -> Option<Seen> {
        self.snapshot.is_absent(object).then(|| Seen {
            kind: EvidenceKind::Absence,
            source: if !self.snapshot.is_complete(&object.kind, &object.namespace) {
                "answer of the API server".to_owned()
            } else if object.namespace.is_empty() {
                format!("complete list of {}", plural(&object.kind))
            } else {
                format!(
                    "complete list of {} in {}",
                    plural(&object.kind),
                    object.namespace
                )
            },
            object: Some(object.clone()),
            time: None,
            text: format!("no {object}"),
        })
    }

    /// A number computed from the snapshot.
    pub fn computed(&self, source: impl Into<String>, text: impl Into<String>) -> Seen {
        Seen {
            kind: EvidenceKind::Computed,
            source: source.into(),
            object: None,
            time: None,
            text: text.into(),
        }
    }

    /// The log of the run that ended (for [`crate::Symptom::Terminated`]), else the container's current log.
    pub fn log(&self) -> Option<&'a [String]> {
        let logs = &self.texts.container_logs;
        let mut key = self.log_key()?;
        if let Some(lines) = logs.get(&key) {
            return Some(lines);
        }
        // Of a log alone no status tells which run it is of.
        key.previous = self.is_text() && !key.previous;
        logs.get(&key).map(Vec::as_slice)
    }

    /// The lines of that log which tell why the application stopped or does not work, most telling first.
    pub fn last_words(&self) -> Vec<(TellingLine, Seen)> {
        self.words.get_or_init(|| self.read_last_words()).clone()
    }

    fn read_last_words(&self) -> Vec<(TellingLine, Seen)> {
        let Some((key, lines)) = self.log_key().zip(self.log()) else {
            return Vec::new();
        };
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        sonde_grammar::log::application(&lines)
            .into_iter()
            .map(|line| {
                let seen = Seen {
                    kind: EvidenceKind::ContainerLog,
                    source: format!(
                        "{}log of {} line {}",
                        if key.previous { "previous " } else { "" },
                        key.container,
                        line.line + 1
                    ),
                    object: Some(self.episode.subject.clone()),
                    time: line.time,
                    text: as_written(lines[line.line], &line.text),
                };
                (line, seen)
            })
            .collect()
    }

    /// The first of the last words that `pick` takes.
    pub fn last_word<T>(&self, pick: impl Fn(&AppSign) -> Option<T>) -> Option<(T, Seen)> {
        self.last_words()
            .into_iter()
            .find_map(|(line, seen)| Some((pick(&line.sign)?, seen)))
    }

    /// The kernel's memory kills inside the subject pod's cgroups during the episode; of the episode's container where
    /// the container is known, and of the pod as a whole.
    pub fn oom_kills(&self) -> Vec<(&'a OomKill, Seen)> {
        let node = &self.subject.pod.spec.node_name;
        let uid = &self.subject.pod.metadata.uid;
        let container_id = self.container_id();
        // Pasted kernel lines without any object are all there is to the episode.
        let alone = self.episode.subject == nameless();
        let mut kills = self.kills_seen_by_agents(container_id.as_deref());
        for (name, lines) in &self.texts.kernel {
            if !name.is_empty() && !node.is_empty() && name.as_ref() != node {
                continue;
            }
            for line in lines {
                let Fact::OomKill(kill) = &line.fact else { continue };
                let ours = match (kill.container_id(), &container_id) {
                    (Some(theirs), Some(ours)) => theirs == *ours,
                    _ => kill.pod_uid().is_some_and(|theirs| theirs == *uid),
                };
                if (ours || alone) && self.episode.covers(line.time) {
                    // The kernel's own lines tell of more than the victim.
                    kills.retain(|(seen, _)| seen.pid.is_none() || seen.pid != kill.pid);
                    kills.push((kill, kernel_seen(name, line)));
                }
            }
        }
        kills
    }

    /// As above, by what agents saw; first what they saw of other processes than the container's first.
    fn kills_seen_by_agents(&self, container_id: Option<&str>) -> Vec<(&'a OomKill, Seen)> {
        let uid = &self.subject.pod.metadata.uid;
        let kills = self.agents_lines().filter_map(|(node, line)| {
            let Fact::OomKill(kill) = line.facts.first()? else {
                return None;
            };
            let ours = match (line.container_id.as_deref(), container_id) {
                (Some(theirs), Some(ours)) => theirs == ours,
                _ => line.pod_uid.as_deref() == Some(uid),
            };
            (ours && self.episode.covers(line.time)).then(|| (kill, agent_seen(node, line)))
        });
        let mut kills: Vec<_> = kills.collect();
        kills.sort_by_key(|(kill, _)| kill.is_first);
        kills
    }

    /// That a log of the subject's node was read over the end of the run, or the time at which the episode began; none
    /// where it was not, or its lines have no times.
    pub fn log_read(&self, log: NodeLog) -> Option<Seen> {
        let node = self.node_ref()?;
        let moment = self.moment()?;
        let read = self.texts.read.get(&(node.name.clone(), log))?;
        let (from, until) = read.span?;
        let (_, name) = log_words(log);
        read.covers(moment).then(|| {
            self.computed(
                format!("{name} of node {}", node.name),
                format!("read from {from} to {until}"),
            )
        })
    }

    /// As above, of a kubelet that writes down each kill of a container.
    pub fn kubelet_log_tells_kills(&self) -> Option<Seen> {
        let node = self.node_ref()?;
        let read = self.texts.read.get(&(node.name, NodeLog::Kubelet))?;
        self.log_read(NodeLog::Kubelet).filter(|_| read.verbose)
    }

    /// The 64 digits of the episode's container run, where the status names them.
    pub fn container_id(&self) -> Option<String> {
        let of_run = self.episode.run.as_ref().map(|run| run.end.container_id.as_str());
        let of_status = self.status().map(|(status, _)| status.container_id.as_str());
        let id = of_run.filter(|id| !id.is_empty()).or(of_status)?;
        let bare = id.rsplit("://").next().unwrap_or(id);
        (!bare.is_empty()).then(|| bare.to_owned())
    }

    /// The names of all objects of a kind that has no namespace, where the list is complete: `these exist: a, b`.
    pub fn existing(&self, kind: &Kind) -> Option<(String, Seen)> {
        const SHOWN: usize = 10;
        if !self.snapshot.is_complete_everywhere(kind) {
            return None;
        }
        let names: Vec<String> = self
            .snapshot
            .of_kind(kind.clone())
            .map(|it| it.reference.name.to_string())
            .collect();
        let text = match names.len() {
            0 => "there are none".to_owned(),
            count if count > SHOWN => format!(
                "these exist: {} and {} more",
                names[..SHOWN].join(", "),
                count - SHOWN
            ),
            _ => format!("these exist: {}", names.join(", ")),
        };
        let seen = self.computed(format!("complete list of kind {kind}"), &text);
        Some((text, seen))
    }

    /// The wish for the log of the run that ended, else the current log.
    pub fn want_log(&self) -> Option<Want> {
        self.log_key().map(Want::ContainerLog)
    }

    /// The wish for the node's kernel log around the end of the run.
    pub fn want_kernel_log(&self) -> Option<Want> {
        let node = self.node_ref()?.name;
        Some(Want::KernelLog {
            node,
            around: self.moment(),
        })
    }

    /// How often the CPU limit held back the run of the episode's container that goes on.
    pub fn throttling(&self) -> Option<(&'a CpuThrottling, Seen)> {
        let (status, _) = self.status()?;
        let subject = &self.episode.subject;
        let id = status.container_id.rsplit("://").next().unwrap_or_default();
        let (node, read) = self
            .texts
            .throttling
            .iter()
            .flat_map(|(node, all)| all.iter().map(move |it| (node, it)))
            .find(|(_, it)| {
                it.namespace == *subject.namespace
                    && it.pod == *subject.name
                    && it.container == status.name
                    // Another run's counters say nothing of this one.
                    && (id.is_empty() || it.container_id.is_empty() || it.container_id == id)
            })?;
        let seen = Seen {
            kind: EvidenceKind::Metric,
            source: if node.is_empty() {
                "container_cpu_cfs_throttled_periods_total".into()
            } else {
                format!("container_cpu_cfs_throttled_periods_total of node {node}")
            },
            object: Some(subject.clone()),
            time: read.time,
            text: format!(
                "container {} was throttled in {} of {} periods ({} %)",
                read.container,
                read.throttled,
                read.periods,
                read.percent()
            ),
        };
        Some((read, seen))
    }

    /// The wish for the counters of the containers on the node.
    pub fn want_counters(&self) -> Option<Want> {
        let node = self.node_ref()?.name;
        Some(Want::Counters { node })
    }

    /// The wish for the node's kubelet log around the end of the run, else the start of the episode.
    pub fn want_kubelet_log(&self) -> Option<Want> {
        let node = self.node_ref()?.name;
        Some(Want::KubeletLog {
            node,
            around: self.moment(),
        })
    }

    /// The wish for a complete list of a kind in the subject's namespace.
    pub fn want_kind(&self, kind: Kind) -> Want {
        let namespace: Arc<str> = if kind.is_namespaced() {
            self.episode.subject.namespace.clone()
        } else {
            "".into()
        };
        Want::Kind { kind, namespace }
    }

    /// The pod has a node that no scheduler gave it, and no kubelet has taken it.
    pub fn was_bound_by_hand(&self) -> bool {
        let pod = self.pod();
        !pod.spec.node_name.is_empty()
            && pod.status.start_time.0.is_none()
            && pod.condition("PodScheduled").is_none()
    }

    /// Where the subject pod fits and why not elsewhere, by the scheduler's filters.
    pub(crate) fn placement(&self) -> Option<Rc<Placement>> {
        self.placements.of(&self.episode.subject, &self.subject.pod)
    }

    /// How long the episode has lasted.
    pub fn age(&self) -> Option<SignedDuration> {
        Some(self.now?.duration_since(self.episode.since?))
    }

    pub(crate) fn moment(&self) -> Option<Timestamp> {
        let end = self.episode.run.as_ref().and_then(|run| run.end.finished_at.0);
        end.or(self.episode.since)
    }

    fn log_key(&self) -> Option<LogKey> {
        Some(LogKey {
            namespace: self.episode.subject.namespace.clone(),
            pod: if self.episode.subject == nameless() {
                "".into()
            } else {
                self.episode.subject.name.clone()
            },
            container: self.episode.container.clone()?,
            previous: self.episode.run.as_ref().is_some_and(|run| run.previous),
        })
    }
}

/// A structured line is quoted as it stands in the log, so that it is found there; others without what shippers put
/// before them.
fn as_written(raw: &str, told: &str) -> String {
    const CHARS_MAX: usize = 400;
    let raw = raw.trim();
    let structured = raw.starts_with('{') && !raw.contains(told) && raw.chars().count() <= CHARS_MAX;
    if structured { raw } else { told }.to_owned()
}

/// A field of any object as evidence.
pub fn field_on(object: &ObjectRef, path: &str, value: impl Display) -> Seen {
    Seen {
        kind: EvidenceKind::Field,
        source: format!("{object} {path}"),
        object: Some(object.clone()),
        time: None,
        text: value.to_string(),
    }
}

pub(crate) fn kernel_seen(node: &str, line: &sonde_grammar::log::KernelLine) -> Seen {
    Seen {
        kind: EvidenceKind::KernelLog,
        source: if node.is_empty() {
            "kernel log".into()
        } else {
            format!("kernel log of node {node}")
        },
        object: (!node.is_empty()).then(|| ObjectRef::cluster(Kind::Node, node)),
        time: line.time,
        text: line.text.clone(),
    }
}

fn plural(kind: &Kind) -> String {
    kind.info()
        .map_or_else(|| kind.word(), |info| info.plural.to_owned())
}
