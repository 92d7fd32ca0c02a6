//! Everything known about one subject under suspicion, decoded once for all its episodes.

use std::sync::Arc;

use sonde_grammar::Fact;
use sonde_grammar::fact::HookKind;
use sonde_grammar::log::NodeLog;
use sonde_grammar::message::{facts, is_known_harmless};
use sonde_model::{EvidenceKind, Kind, ObjectRef, Problem};
use sonde_world::view::{Condition, ConditionedStatus, ContainerStatus, ObjectMeta, Pod, ReplicaSet};
use sonde_world::{EventColumns, Object, Snapshot};

use crate::Texts;
use crate::case::Seen;
use crate::episode::Run;
use crate::message::{Message, Origin};
use crate::triage::nameless;

/// One subject.
#[derive(Debug, Default)]
pub(crate) struct Subject {
    pub(crate) pod: Pod,
    pub(crate) partial: bool,
    /// Newest first.
    pub(crate) messages: Vec<Message>,
    pub(crate) problems: Vec<Problem>,
}

/// The conditions of any kind.
#[derive(serde::Deserialize)]
struct Conditioned {
    #[serde(default)]
    metadata: ObjectMeta,
    #[serde(default)]
    status: ConditionedStatus,
}

impl Subject {
    pub(crate) fn load(reference: &ObjectRef, snapshot: &Snapshot, texts: &Texts) -> Subject {
        let mut subject = Subject::default();
        if let Some(object) = snapshot.get(reference) {
            subject.partial = object.partial;
            subject.read_status(reference, object);
        }
        let uid: Arc<str> = snapshot
            .get(reference)
            .map_or_else(|| "".into(), |object| object.uid.clone());
        // Newest first: the sort below keeps the order of events whose times are equal or, in a paste, missing.
        for event in snapshot.events_about(reference).into_iter().rev() {
            let Some(columns) = event.event() else { continue };
            // An event of another object that had the same name before.
            let other = !uid.is_empty() && !columns.about_uid.is_empty() && columns.about_uid != uid;
            if !other || reference.kind == Kind::Node {
                subject.messages.push(event_message(event, columns));
            }
        }
        subject.read_node_lines(reference, &uid, texts);
        subject.read_loose(reference, texts);
        // Newest first, what has no time before all: a status is true now.
        subject
            .messages
            .sort_by_key(|it| std::cmp::Reverse((it.seen.time.is_none(), it.seen.time)));
        subject.name_hooks(reference, snapshot);
        subject.supersede();
        subject
    }

    /// The kubelet's `Exec lifecycle hook … failed` does not say which hook; the grammar takes it for the one at start.
    /// The container's own settings know better.
    fn name_hooks(&mut self, reference: &ObjectRef, snapshot: &Snapshot) {
        let tells_hook = |message: &Message| message.facts.iter().any(|fact| matches!(fact, Fact::Hook(_)));
        if !self.messages.iter().any(tells_hook) {
            return;
        }
        // Of a pod that is gone its ReplicaSet knows.
        let replaced = || {
            let (set, _) = reference.name.rsplit_once('-')?;
            let set = ObjectRef::new(Kind::ReplicaSet, &reference.namespace, set);
            let spec = snapshot.view::<ReplicaSet>(&set)?.spec.template.spec;
            Some(Pod {
                spec,
                ..Pod::default()
            })
        };
        let unknown = self.pod.spec.containers.is_empty() && reference.kind == Kind::Pod;
        let pod = if unknown { replaced() } else { None };
        let pod = pod.as_ref().unwrap_or(&self.pod);
        let words = |text: &str| -> Vec<String> {
            text.split(|c: char| c.is_whitespace() || "[]\",'".contains(c))
                .filter(|word| !word.is_empty())
                .map(ToOwned::to_owned)
                .collect()
        };
        for message in &mut self.messages {
            for fact in &mut message.facts {
                let Fact::Hook(hook) = fact else { continue };
                let name = hook.container.as_deref().or(message.container.as_deref());
                let lifecycle = name
                    .and_then(|name| pod.container(name))
                    .and_then(|(container, _)| container.lifecycle.as_ref());
                let Some((lifecycle, pre_stop)) = lifecycle.and_then(|it| Some((it, it.pre_stop.as_ref()?)))
                else {
                    continue;
                };
                let named = ["PreStop", "PostStart"]
                    .iter()
                    .any(|it| message.seen.text.contains(it));
                let is_its_command = hook
                    .command
                    .as_deref()
                    .zip(pre_stop.exec.as_ref())
                    .is_some_and(|(said, exec)| words(said) == words(&exec.command.join(" ")));
                if !named && (lifecycle.post_start.is_none() || is_its_command) {
                    hook.hook = HookKind::PreStop;
                }
            }
        }
    }

    /// The scheduler looks at everything anew each time: what it said before its newest word is over.
    fn supersede(&mut self) {
        let is_scheduler = |fact: &Fact| matches!(fact, Fact::Unschedulable(_));
        let mut newest: Option<Vec<Fact>> = None;
        for message in &mut self.messages {
            let said: Vec<Fact> = message
                .facts
                .iter()
                .filter(|it| is_scheduler(it))
                .cloned()
                .collect();
            if said.is_empty() {
                continue;
            }
            // Condition and event say the same.
            if newest.get_or_insert_with(|| said.clone()) != &said {
                message.facts.retain(|fact| !is_scheduler(fact));
                message.superseded = true;
            }
        }
    }

    /// Warnings that no grammar knows.
    pub(crate) fn not_understood(&self) -> impl Iterator<Item = &Message> {
        self.messages.iter().filter(|message| {
            message.warning
                && message.facts.is_empty()
                && !message.superseded
                && !is_known_harmless(&message.reason)
        })
    }

    /// The newest run of a container that ended: its present state, else the one before the last restart.
    pub(crate) fn newest_run(&self, container: Option<&str>) -> Option<Run> {
        let (status, path) = self.pod.container_status(container?)?;
        let (end, place, previous) = match (&status.state.terminated, &status.last_state.terminated) {
            (Some(end), _) => (end, "state", false),
            (None, Some(end)) => (end, "lastState", true),
            (None, None) => return None,
        };
        Some(Run {
            end: end.clone(),
            path: format!("{path}.{place}.terminated"),
            previous,
            restarts: status.restart_count,
        })
    }

    fn read_status(&mut self, reference: &ObjectRef, object: &Object) {
        if reference.kind == Kind::Pod {
            match object.encoded.decode::<Pod>() {
                Ok(pod) => self.pod = pod,
                Err(error) => self.problems.push(Problem {
                    place: reference.kubectl(),
                    text: format!("the pod cannot be decoded ({error}); only its columns were used"),
                }),
            }
            self.read_pod_messages(reference);
        } else if let Ok(it) = object.encoded.decode::<Conditioned>() {
            debug_assert!(it.metadata.name.is_empty() || *it.metadata.name == *reference.name);
            self.read_conditions(reference, &it.status.conditions);
        }
    }

    fn read_pod_messages(&mut self, reference: &ObjectRef) {
        let pod = std::mem::take(&mut self.pod);
        let status = &pod.status;
        if !status.reason.is_empty() || !status.message.is_empty() {
            self.push_status(reference, "status.message", &status.reason, &status.message, None);
        }
        self.read_conditions(reference, &status.conditions);
        for (list, statuses) in [
            ("initContainerStatuses", &status.init_container_statuses),
            ("containerStatuses", &status.container_statuses),
        ] {
            for (at, container) in statuses.iter().enumerate() {
                self.read_container(reference, &format!("status.{list}[{at}]"), container);
            }
        }
        self.pod = pod;
    }

    fn read_container(&mut self, reference: &ObjectRef, path: &str, status: &ContainerStatus) {
        if let Some(waiting) = &status.state.waiting {
            let path = format!("{path}.state.waiting");
            self.push_status(
                reference,
                &path,
                &waiting.reason,
                &waiting.message,
                Some(&status.name),
            );
        }
        for (place, state) in [("state", &status.state), ("lastState", &status.last_state)] {
            let Some(end) = &state.terminated else { continue };
            // Otherwise the message is the application's own, from its termination log.
            if matches!(
                end.reason.as_str(),
                "StartError" | "ContainerCannotRun" | "ContainerStatusUnknown"
            ) {
                let path = format!("{path}.{place}.terminated");
                self.push_status(reference, &path, &end.reason, &end.message, Some(&status.name));
                if let Some(message) = self.messages.last_mut() {
                    message.seen.time = end.finished_at.0;
                }
            }
        }
    }

    fn read_conditions(&mut self, reference: &ObjectRef, conditions: &[Condition]) {
        for condition in conditions
            .iter()
            .filter(|condition| !condition.message.is_empty())
        {
            let path = format!("status.conditions[{}]", condition.kind);
            self.push_status(reference, &path, &condition.reason, &condition.message, None);
            // Controllers leave the first failure's words in this condition for as long as they fail
            // (`replica_set_utils.go`, `SetCondition`): events may be newer.
            if condition.kind == "ReplicaFailure"
                && let Some(message) = self.messages.last_mut()
            {
                message.seen.time = condition.last_transition_time.0;
            }
        }
    }

    fn push_status(
        &mut self,
        reference: &ObjectRef,
        path: &str,
        reason: &str,
        text: &str,
        container: Option<&str>,
    ) {
        let shown = match (reason, text) {
            (reason, "") => reason.to_owned(),
            ("", text) => text.to_owned(),
            (reason, text) => format!("{reason}: {text}"),
        };
        self.messages.push(Message {
            origin: Origin::Status,
            reason: reason.to_owned(),
            container: container.map(ToOwned::to_owned),
            warning: false,
            count: 1,
            first: None,
            superseded: false,
            facts: facts(reason, text),
            seen: Seen {
                kind: EvidenceKind::Field,
                source: format!("{reference} {path}"),
                object: Some(reference.clone()),
                time: None,
                text: shown,
            },
        });
    }

    fn read_node_lines(&mut self, reference: &ObjectRef, uid: &str, texts: &Texts) {
        for (node, lines) in &texts.node {
            if !node.is_empty() && !self.pod.spec.node_name.is_empty() && **node != *self.pod.spec.node_name {
                continue;
            }
            for line in lines {
                let named =
                    line.pod.as_ref().is_some_and(|key| {
                        key.namespace == *reference.namespace && key.name == *reference.name
                    }) || (!uid.is_empty() && line.pod_uid.as_deref() == Some(uid));
                let about = match reference.kind {
                    Kind::Pod => named,
                    _ if *reference == nameless() => line.pod.is_none(),
                    Kind::Node => line.pod.is_none() && line.pod_uid.is_none() && **node == *reference.name,
                    _ => false,
                };
                if about {
                    self.messages.push(node_message(reference, node, line));
                }
            }
        }
    }

    fn read_loose(&mut self, reference: &ObjectRef, texts: &Texts) {
        for message in texts
            .loose
            .iter()
            .filter(|message| message.about.as_ref().unwrap_or(&nameless()) == reference)
        {
            self.messages.push(Message {
                origin: Origin::Text,
                reason: String::new(),
                container: message.container.clone(),
                warning: true,
                count: 1,
                first: message.time,
                superseded: false,
                facts: message.facts.clone(),
                seen: Seen {
                    kind: EvidenceKind::Text,
                    source: "text".into(),
                    object: None,
                    time: message.time,
                    text: message.text.clone(),
                },
            });
        }
    }
}

fn event_message(event: &Object, columns: &EventColumns) -> Message {
    let times = if columns.count > 1 {
        format!(" (x{})", columns.count)
    } else {
        String::new()
    };
    Message {
        origin: Origin::Event,
        reason: columns.reason.to_string(),
        container: columns.container.as_ref().map(ToString::to_string),
        warning: columns.warning,
        count: columns.count,
        first: columns.first,
        superseded: false,
        facts: facts(&columns.reason, &columns.message),
        seen: Seen {
            kind: EvidenceKind::Event,
            source: format!(
                "event {}{times} from {}",
                columns.reason,
                if columns.component.is_empty() {
                    "an unnamed sender"
                } else {
                    &columns.component
                }
            ),
            object: Some(columns.about.clone()),
            time: columns.last.or(event.created),
            text: columns.message.to_string(),
        },
    }
}

/// How a node's log is called as evidence.
pub(crate) fn log_words(log: NodeLog) -> (EvidenceKind, &'static str) {
    match log {
        NodeLog::Kubelet => (EvidenceKind::KubeletLog, "kubelet log"),
        NodeLog::Kernel => (EvidenceKind::KernelLog, "kernel log"),
        NodeLog::Containerd => (EvidenceKind::RuntimeLog, "containerd log"),
        NodeLog::Crio => (EvidenceKind::RuntimeLog, "CRI-O log"),
        NodeLog::Dockerd => (EvidenceKind::RuntimeLog, "dockerd log"),
        NodeLog::Agent => (EvidenceKind::Agent, "agent"),
    }
}

fn node_message(reference: &ObjectRef, node: &str, line: &sonde_grammar::log::NodeLine) -> Message {
    let (kind, log) = log_words(line.origin);
    Message {
        origin: Origin::NodeLog,
        reason: String::new(),
        container: line.container.clone(),
        warning: false,
        count: 1,
        first: line.time,
        superseded: false,
        facts: line.facts.clone(),
        seen: Seen {
            kind,
            source: if node.is_empty() {
                log.into()
            } else {
                format!("{log} of node {node}")
            },
            object: Some(reference.clone()),
            time: line.time,
            text: line.text.clone(),
        },
    }
}
