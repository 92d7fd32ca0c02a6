//! How a run ended, and whose hand in it was heard.

use jiff::{SignedDuration, Timestamp};
use sonde_grammar::Fact;
use sonde_grammar::fact::KillReason;
use sonde_grammar::log::{AppSign, NodeLog, TellingLine, application};
use sonde_model::{EvidenceKind, Kind, Moment as _, ObjectRef};

use crate::message::{Message, Origin};
use crate::{Facts, Seen};

/// Events and statuses are written in whole seconds.
const SECOND: SignedDuration = SignedDuration::from_secs(1);
/// 128 + the highest signal number of Linux.
const HIGHEST_SIGNAL_CODE: i64 = 128 + 64;

impl<'a> Facts<'a> {
    /// The exit code of the run that ended, with its evidence; none where the source does not show the code.
    pub(crate) fn exit(&self) -> Option<(i64, Seen)> {
        let (code, seen) = self.ended()?;
        Some((code?, seen))
    }

    /// That the run ended, with its exit code where the source shows it.
    pub(crate) fn ended(&self) -> Option<(Option<i64>, Seen)> {
        // Nearly every cause of an end asks for it.
        let ended = self.ended.get_or_init(|| {
            let run = self.episode.run.as_ref()?;
            let mut seen = self.field(&run.path, run.end.text());
            seen.time = run.end.finished_at.0.filter(|time| time.as_second() > 0);
            Some((run.end.exit_code, seen))
        });
        ended.clone()
    }

    /// The signal that ended the run, by its exit code.
    pub(crate) fn signal(&self) -> Option<i64> {
        let end = &self.episode.run.as_ref()?.end;
        if end.signal > 0 {
            return Some(end.signal);
        }
        let code = end.exit_code?;
        (code > 128 && code <= HIGHEST_SIGNAL_CODE).then(|| code.saturating_sub(128))
    }

    /// When the run began and ended, where the status says both.
    pub(crate) fn span(&self) -> Option<(Timestamp, Timestamp)> {
        let end = &self.episode.run.as_ref()?.end;
        let known = |time: Option<Timestamp>| time.filter(|time| time.as_second() > 0);
        known(end.started_at.0)
            .zip(known(end.finished_at.0))
            .filter(|(start, end)| start <= end)
    }

    /// How long the run lasted.
    pub(crate) fn lived(&self) -> Option<SignedDuration> {
        self.span().map(|(start, end)| end.duration_since(start))
    }

    /// Whether a message was written during this very run. A quick restart leaves a second between the kill of one
    /// run and the start of the next, so there is no slack before the start.
    pub(crate) fn in_run(&self, message: &Message) -> bool {
        match (self.span(), message.seen.time) {
            (Some((start, end)), Some(time)) => time >= start && time <= end.later(SECOND),
            (None, Some(_)) => self.episode.covers(message.seen.time),
            // A status is about the container as it is now, which may be a later run.
            (_, None) => self.episode.run.is_none() || message.origin != Origin::Status,
        }
    }

    /// As [`Facts::in_run`]; of an event that was seen several times, any of the times may lie in the run.
    pub(crate) fn touches_run(&self, message: &Message) -> bool {
        self.in_run(message)
            || match (self.span(), message.first, message.seen.time) {
                (Some((start, end)), Some(first), Some(last)) => {
                    message.count > 1 && first <= end.later(SECOND) && last >= start
                }
                _ => false,
            }
    }

    /// The newest message of this very run with a fact that `pick` takes.
    pub(crate) fn heard<T>(&self, pick: impl Fn(&'a Fact) -> Option<T>) -> Option<(T, &'a Message)> {
        self.all_messages()
            .filter(|message| self.in_run(message))
            .find_map(|message| Some((message.facts.iter().find_map(&pick)?, message)))
    }

    /// The kubelet's word that it ended this run.
    pub(crate) fn killing(&self) -> Option<(&'a KillReason, &'a Message)> {
        self.heard(|fact| match fact {
            Fact::Killing { reason, .. } => Some(reason),
            _ => None,
        })
    }

    /// The application's telling lines: of its log, else of its termination message.
    pub(crate) fn own_words(&self) -> Vec<(TellingLine, Seen)> {
        let words = self.last_words();
        let Some(run) = self
            .episode
            .run
            .as_ref()
            .filter(|run| words.is_empty() && !run.end.message.is_empty())
        else {
            return words;
        };
        let lines: Vec<&str> = run.end.message.lines().collect();
        application(&lines)
            .into_iter()
            .map(|line| {
                let mut seen = self.field(&format!("{}.message", run.path), &line.text);
                seen.time = run.end.finished_at.0;
                (line, seen)
            })
            .collect()
    }

    /// The first of the application's telling lines that `pick` takes.
    pub(crate) fn own_word<T>(&self, pick: impl Fn(&AppSign) -> Option<T>) -> Option<(T, Seen)> {
        self.own_words()
            .into_iter()
            .find_map(|(line, seen)| Some((pick(&line.sign)?, seen)))
    }

    /// The last line of the log, or of the termination message, that is not empty.
    pub(crate) fn last_line(&self) -> Option<Seen> {
        if let Some(at) = self
            .log()
            .and_then(|lines| lines.iter().rposition(|line| !line.trim().is_empty()))
        {
            return self.log_line(at);
        }
        let run = self.episode.run.as_ref()?;
        let line = run.end.message.lines().rfind(|line| !line.trim().is_empty())?;
        Some(self.field(&format!("{}.message", run.path), line.trim()))
    }

    /// A line of the container's log as evidence.
    pub(crate) fn log_line(&self, at: usize) -> Option<Seen> {
        let (time, text) = sonde_grammar::log::unwrap_line(self.log()?.get(at)?);
        let previous = self.episode.run.as_ref().is_some_and(|run| run.previous);
        Some(Seen {
            kind: EvidenceKind::ContainerLog,
            source: format!(
                "{}log of {} line {}",
                if previous { "previous " } else { "" },
                self.episode.container.as_deref().unwrap_or(""),
                at + 1
            ),
            object: Some(self.episode.subject.clone()),
            time,
            text: text.trim().to_owned(),
        })
    }

    /// The command that shows the log of the run.
    pub(crate) fn logs_command(&self) -> String {
        let subject = &self.episode.subject;
        let previous = self.episode.run.as_ref().is_some_and(|run| run.previous);
        format!(
            "kubectl logs {} -n {} -c {}{} --tail=200",
            subject.name,
            subject.namespace,
            self.episode.container.as_deref().unwrap_or(""),
            if previous { " --previous" } else { "" }
        )
    }

    /// The workload whose template can be changed; a bare pod's, a Job's or a static pod's cannot.
    pub(crate) fn template_owner(&self) -> Option<ObjectRef> {
        let owner = self.workload();
        matches!(
            owner.kind,
            Kind::Deployment
                | Kind::StatefulSet
                | Kind::DaemonSet
                | Kind::ReplicaSet
                | Kind::ReplicationController
        )
        .then_some(owner)
    }

    /// The list of the episode's container inside a template: `initContainers` or `containers`.
    pub(crate) fn container_list(&self) -> &'static str {
        let name = self.episode.container.as_deref().unwrap_or("");
        if self.pod().spec.init_containers.iter().any(|it| it.name == name) {
            "initContainers"
        } else {
            "containers"
        }
    }

    /// A `kubectl patch` of the container in the workload's template: `body` is what to merge, without the braces.
    pub(crate) fn patch_container(&self, body: &str) -> Option<String> {
        let owner = self.template_owner()?;
        let name = self.episode.container.as_deref()?;
        Some(format!(
            "kubectl patch {} --type strategic -p '{{\"spec\":{{\"template\":{{\"spec\":{{\"{}\":[{{\"name\":\"{name}\",{body}}}]}}}}}}}}'",
            owner.kubectl(),
            self.container_list()
        ))
    }

    /// A pod that nobody owns and nobody starts again: somebody ran it by hand.
    pub(crate) fn is_bare_and_final(&self) -> bool {
        self.workload() == self.episode.subject
            && self.pod().spec.restart_policy == "Never"
            && self.pod_is_terminal()
    }

    /// Only a text is about the subject: it is no object of the snapshot.
    pub(crate) fn is_text(&self) -> bool {
        self.snapshot.get(&self.episode.subject).is_none()
    }
}

/// What was heard of the node itself, not of the pod.
impl<'a> Facts<'a> {
    /// A fact about the subject's node between two times: from its events, its kubelet's and runtime's log, its kernel.
    pub(crate) fn node_heard<T>(
        &self,
        from: Timestamp,
        to: Timestamp,
        pick: impl Fn(&Fact) -> Option<T>,
    ) -> Option<(T, Seen)> {
        let node = self.node_ref()?;
        let within = |time: Option<Timestamp>| time.is_some_and(|time| time >= from && time <= to);
        for event in self.snapshot.events_about(&node) {
            let Some(event) = event.event().filter(|event| within(event.last.or(event.first))) else {
                continue;
            };
            let said = sonde_grammar::message::facts(&event.reason, &event.message);
            if let Some(it) = said.iter().find_map(&pick) {
                return Some((
                    it,
                    node_seen(
                        &node,
                        EvidenceKind::Event,
                        &format!("event {} on {node}", event.reason),
                        event.last,
                        &event.message,
                    ),
                ));
            }
        }
        for line in self.texts.node.get(&*node.name).into_iter().flatten() {
            if !within(line.time) || line.pod.is_some() {
                continue;
            }
            if let Some(it) = line.facts.iter().find_map(&pick) {
                let (kind, log) = match line.origin {
                    NodeLog::Kubelet => (EvidenceKind::KubeletLog, "kubelet log"),
                    NodeLog::Kernel => (EvidenceKind::KernelLog, "kernel log"),
                    NodeLog::Agent => (EvidenceKind::Agent, "agent"),
                    _ => (EvidenceKind::RuntimeLog, "runtime log"),
                };
                return Some((
                    it,
                    node_seen(&node, kind, &format!("{log} of {node}"), line.time, &line.text),
                ));
            }
        }
        for line in self.texts.kernel.get(&*node.name).into_iter().flatten() {
            if within(line.time)
                && let Some(it) = pick(&line.fact)
            {
                return Some((it, crate::facts::kernel_seen(&node.name, line)));
            }
        }
        None
    }

    /// When the container ran again after the run, else now.
    pub(crate) fn next_start(&self) -> Option<Timestamp> {
        let running = self
            .status()
            .and_then(|(status, _)| status.state.running.as_ref()?.started_at.0);
        running.or(self.now)
    }
}

fn node_seen(
    node: &ObjectRef,
    kind: EvidenceKind,
    source: &str,
    time: Option<Timestamp>,
    text: &str,
) -> Seen {
    Seen {
        kind,
        source: source.to_owned(),
        object: Some(node.clone()),
        time,
        text: text.to_owned(),
    }
}
