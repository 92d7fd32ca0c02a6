//! Lines of the kubelet and of container runtimes.

mod klog;
mod logrus;
mod subject;
mod verdict;

use std::borrow::Cow;
use std::sync::Arc;

use jiff::Timestamp;

use crate::Fact;

use super::agent;
use super::kernel::{is_kernel_text, kernel_in_year};
use super::prefix::{Bare, strip};

pub(crate) use subject::pod_with_uid;

/// Who wrote a node's log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum NodeLog {
    /// The kubelet.
    Kubelet,
    /// containerd.
    Containerd,
    /// CRI-O.
    Crio,
    /// dockerd or cri-dockerd.
    Dockerd,
    /// The kernel.
    Kernel,
    /// Sonde's agent on the node, which sees deaths in the kernel.
    Agent,
}

/// A pod by namespace and name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PodKey {
    /// The namespace; empty where the text does not name it.
    pub namespace: String,
    /// The name.
    pub name: String,
}

/// A line of a kubelet's, runtime's or kernel's log that says something about a pod or the node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeLine {
    /// Index in the input.
    pub line: usize,
    /// The line without shipper prefixes.
    pub text: String,
    /// When; klog and syslog lines need the year from elsewhere.
    pub time: Option<Timestamp>,
    /// The node, where syslog or the journal names it.
    pub host: Option<String>,
    /// Who wrote it.
    pub origin: NodeLog,
    /// The pod that the line is about.
    pub pod: Option<PodKey>,
    /// The pod's uid.
    pub pod_uid: Option<String>,
    /// The container's name.
    pub container: Option<String>,
    /// The container's (or its sandbox') id without the runtime's prefix.
    pub container_id: Option<String>,
    /// What it says; empty for an error that no grammar knows.
    pub facts: Vec<Fact>,
}

/// A line taken apart, whatever its format.
#[derive(Debug, Default)]
struct Record<'a> {
    time: Option<Timestamp>,
    error: bool,
    /// The source file, `pod_workers.go`.
    file: &'a str,
    message: Cow<'a, str>,
    fields: Vec<(Cow<'a, str>, Cow<'a, str>)>,
}

impl Record<'_> {
    fn field(&self, key: &str) -> Option<&str> {
        self.fields
            .iter()
            .find(|(k, _)| k == key)
            .map(|(_, v)| v.as_ref())
            .filter(|v| !v.is_empty())
    }

    fn first(&self, keys: &[&str]) -> Option<&str> {
        keys.iter().find_map(|key| self.field(key))
    }
}

/// klog writes a value of several lines as `err=<`, the lines, ` >`; longer ones are cut.
const VALUE_LINES_MAX: usize = 64;

/// Reads a node's log: klog text of all versions and klog JSON, logrus lines of containerd, CRI-O and dockerd, and
/// kernel lines, each with or without syslog's or the journal's prefix.
///
/// `hint` says who wrote lines that do not tell; `year_hint` dates lines that have no year. Lines that say nothing
/// known are left out, unless they are errors about a pod.
pub fn node(lines: &[&str], hint: Option<NodeLog>, year_hint: Option<i16>) -> Vec<NodeLine> {
    let mut found = Vec::new();
    let mut kernel_indexes = Vec::new();
    let mut context = verdict::Context::default();
    let mut index = 0;
    while index < lines.len() {
        let first = index;
        index += 1;
        let bare = strip(lines[first], year_hint);
        if agent::is_agent_text(&bare.text) {
            found.extend(agents_line(first, &bare));
            continue;
        }
        let kernel = bare.sender.as_deref() == Some("kernel")
            || (bare.sender.is_none() && (hint == Some(NodeLog::Kernel) || bare.uptime_seconds.is_some()))
            || (bare.sender.is_none() && is_kernel_text(&bare.text));
        if kernel {
            kernel_indexes.push(first);
            continue;
        }
        let bare = if bare.text.trim_end().ends_with("=<") {
            let (joined, next) = joined_value(lines, first, &bare, year_hint);
            index = next;
            Bare {
                text: Cow::Owned(joined),
                ..bare
            }
        } else {
            bare
        };
        if let Some(line) = read(first, &bare, hint, year_hint, &mut context) {
            found.push(line);
        }
    }
    found.extend(kernel_lines(lines, &kernel_indexes, year_hint));
    found.sort_by_key(|line| line.line);
    found
}

/// When a line was written, by its prefix or in its own format.
pub(super) fn time_of(line: &str, year: Option<i16>) -> Option<Timestamp> {
    let bare = strip(line, year);
    let text = bare.text.trim();
    let own = || klog::record(text, year).or_else(|| logrus::record(text))?.time;
    bare.time.or_else(own)
}

fn read(
    index: usize,
    bare: &Bare<'_>,
    hint: Option<NodeLog>,
    year: Option<i16>,
    context: &mut verdict::Context,
) -> Option<NodeLine> {
    let text = bare.text.trim();
    if bare.sender.is_none() && hint.is_none() && is_refused_account(text) {
        return None;
    }
    let by_sender = bare.sender.as_deref().and_then(origin_of);
    let (record, by_format) = match klog::record(text, year) {
        Some(record) => (record, Some(NodeLog::Kubelet)),
        None => match logrus::record(text) {
            Some(record) => {
                let origin = logrus::origin(&record);
                (record, origin)
            }
            None => {
                by_sender.or(hint)?;
                (klog::plain(text), None)
            }
        },
    };
    let origin = by_sender.or(by_format).or(hint)?;
    let subject = subject::of(&record);
    let facts = verdict::facts(&record, &subject, origin, context)?;
    if facts.is_empty() && !(record.error && (subject.pod.is_some() || subject.pod_uid.is_some())) {
        return None;
    }
    Some(NodeLine {
        line: index,
        text: text.to_owned(),
        time: bare.time.or(record.time),
        host: bare.host.clone(),
        origin,
        pod: subject.pod,
        pod_uid: subject.pod_uid,
        container: subject.container,
        container_id: subject.container_id,
        facts,
    })
}

/// A line that Sonde's agent wrote.
fn agents_line(index: usize, bare: &Bare<'_>) -> Option<NodeLine> {
    if let Some((time, check)) = agent::check::read(&bare.text) {
        return Some(NodeLine {
            line: index,
            text: bare.text.trim().to_owned(),
            time: Some(time),
            host: Some(check.node.to_string()),
            origin: NodeLog::Agent,
            pod: None,
            pod_uid: None,
            container: None,
            container_id: None,
            facts: vec![Fact::NodeCheck(Arc::new(check))],
        });
    }
    let death = agent::read(&bare.text)?;
    let owner = &death.process.owner;
    let known = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    Some(NodeLine {
        line: index,
        text: bare.text.trim().to_owned(),
        time: Some(death.time),
        host: bare.host.clone(),
        origin: NodeLog::Agent,
        pod: known(&owner.pod).map(|name| PodKey {
            namespace: owner.namespace.to_string(),
            name,
        }),
        pod_uid: known(&owner.pod_uid),
        container: known(&owner.container),
        container_id: known(&owner.container_id),
        facts: agent::facts(death),
    })
}

fn origin_of(sender: &str) -> Option<NodeLog> {
    Some(match sender {
        "kubelet" | "hyperkube" | "k3s" | "rke2" | "microk8s.daemon-kubelet" => NodeLog::Kubelet,
        "containerd" | "containerd-shim" => NodeLog::Containerd,
        "crio" | "cri-o" | "conmon" => NodeLog::Crio,
        "dockerd" | "docker" | "cri-dockerd" => NodeLog::Dockerd,
        "sonde-agent" => NodeLog::Agent,
        _ => return None,
    })
}

/// `err=<` and its lines as one quoted value, and the index after them.
fn joined_value(lines: &[&str], first: usize, bare: &Bare<'_>, year: Option<i16>) -> (String, usize) {
    let head = bare.text.trim_end();
    let mut joined = String::from(&head[..head.len() - 1]);
    joined.push('"');
    let mut index = first + 1;
    while index < lines.len() && index - first <= VALUE_LINES_MAX {
        let next = strip(lines[index], year);
        let text = next.text.as_ref();
        // The next record begins: the value was cut.
        if klog::record(text.trim(), year).is_some() {
            joined.push('"');
            return (joined, index);
        }
        index += 1;
        let closed = text.trim_start().starts_with('>') && !text.starts_with('\t');
        if closed {
            joined.push('"');
            joined.push_str(text.trim_start().trim_start_matches('>'));
            return (joined, index);
        }
        if index > first + 2 {
            joined.push_str("\\n");
        }
        for c in text.trim_start_matches(['\t', ' ']).chars() {
            if matches!(c, '"' | '\\') {
                joined.push('\\');
            }
            joined.push(c);
        }
    }
    joined.push('"');
    (joined, index)
}

fn kernel_lines(lines: &[&str], indexes: &[usize], year: Option<i16>) -> Vec<NodeLine> {
    let picked: Vec<&str> = indexes.iter().map(|&index| lines[index]).collect();
    kernel_in_year(&picked, year)
        .into_iter()
        .map(|line| {
            let (pod_uid, container_id) = match &line.fact {
                Fact::OomKill(kill) => (kill.pod_uid(), kill.container_id()),
                _ => (None, None),
            };
            NodeLine {
                line: indexes[line.line],
                text: line.text,
                time: line.time,
                host: line.host,
                origin: NodeLog::Kernel,
                pod: None,
                pod_uid,
                container: None,
                container_id,
                facts: vec![line.fact],
            }
        })
        .collect()
}

/// What a component says of its own end, or of trouble that no healthy one has. A text that holds such a line tells of
/// trouble, known or not.
const GRAVE: &[&str] = &[
    "\"command failed\"",
    "Failed to run kubelet",
    "failed to run Kubelet",
    "garbage collection failed",
    "database space exceeded",
    "is evicted successfully",
    "evicted, waiting for pod to be cleaned up",
    "Failed to execute iptables-restore",
    " is forbidden: User ",
    "TaskOOM event",
];

/// The line, of a component's log, tells of trouble, whether or not a grammar knows which: its level is fatal, or its
/// words are those of a failure.
pub(crate) fn is_grave(text: &str) -> bool {
    let bare = strip(text, None);
    let text = bare.text.trim();
    let level_is_fatal = if text.starts_with('F') {
        klog::record(text, None).is_some()
    } else {
        [
            "\"level\":\"fatal\"",
            "\"level\":\"panic\"",
            "level=fatal",
            "level=panic",
        ]
        .iter()
        .any(|level| text.contains(level))
    };
    level_is_fatal || GRAVE.iter().any(|words| text.contains(words))
}

/// A program that a container runs wrote the line, in a format that it shares with the kubelet: klog of the first
/// process, zap's JSON with its level, which klog's JSON lacks (k8s.io/component-base, logs/json).
pub(crate) fn is_of_container(text: &str) -> bool {
    let bare = strip(text, None);
    let text = bare.text.trim();
    if bare.sender.is_some() {
        return false;
    }
    if text.starts_with('{') {
        return text.contains("\"level\":\"") && text.contains("\"msg\"");
    }
    klog::record(text, None).is_some() && text.split_whitespace().nth(2) == Some("1")
}

/// A healthy kubelet writes the line too, whatever its level.
pub(crate) fn is_harmless(text: &str) -> bool {
    let bare = strip(text, None);
    klog::record(bare.text.trim(), None).is_some_and(|record| {
        let error = record.first(&["err", "error"]).unwrap_or("");
        verdict::is_harmless(&record, &record.message, error)
    })
}

fn is_refused_account(text: &str) -> bool {
    text.contains("is forbidden: User \"system:serviceaccount:")
        || text.contains("is forbidden: User \\\"system:serviceaccount:")
}

/// The line is of a node's log, by its format alone. Controllers log in the kubelet's format; one that the API server
/// refuses is known by its service account, which no kubelet has.
pub(crate) fn is_node_text(text: &str) -> bool {
    let bare = strip(text, None);
    if bare.sender.is_none() && is_refused_account(&bare.text) {
        return false;
    }
    bare.sender
        .as_deref()
        .is_some_and(|sender| origin_of(sender).is_some())
        || agent::is_agent_text(&bare.text)
        || klog::record(bare.text.trim(), None).is_some()
        || logrus::record(bare.text.trim()).is_some_and(|record| logrus::origin(&record).is_some())
}

#[cfg(test)]
mod tests;
