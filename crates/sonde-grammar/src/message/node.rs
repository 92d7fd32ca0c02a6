//! Nodes: their conditions and events, evictions from them, and what their kubelets refuse.

mod eviction;
mod reject;

use super::words::{after, any, detail, name_after, number};
use crate::fact::{Fact, KernelArea, NodeFact, OomConstraint, OomKill};

pub(super) use eviction::{
    OPENERS as EVICTION_OPENERS, by_text as eviction_by_text, disruption, evicted, preempted, taint,
};
pub(super) use reject::{ANCHORS as REJECT_ANCHORS, by_text as reject_by_text, read as rejected};

type Row = (&'static [&'static str], fn(&str) -> NodeFact);

/// What a kubelet that is not ready says of itself.
pub(super) const KUBELET: &[&str] = &[
    "PLEG is not healthy",
    "container runtime is down",
    "NetworkReady=false",
    "RuntimeReady=false",
    "runtime network not ready",
];

/// Words of events and conditions, and the reasons under which they are said.
pub(super) const TEXTS: &[(&str, &str)] = &[
    ("elet stopped posting node status", "NodeStatusUnknown"),
    ("elet never posted node status", "NodeStatusUnknown"),
    (" which was running pod ", "NodeStatusUnknown"),
    ("System OOM encountered", "SystemOOM"),
    ("Attempting to reclaim ", "EvictionThresholdMet"),
    ("required amount of images", "FreeDiskSpaceFailed"),
    ("kubelet has disk pressure", "KubeletHasDiskPressure"),
    (
        "kubelet has insufficient memory available",
        "KubeletHasInsufficientMemory",
    ),
    (
        "kubelet has insufficient PID available",
        "KubeletHasInsufficientPID",
    ),
    (" has been rebooted, boot id: ", "Rebooted"),
    ("Shutdown manager detected shutdown event", "Shutdown"),
    ("status is now: NodeHasDiskPressure", "NodeHasDiskPressure"),
    (
        "status is now: NodeHasInsufficientMemory",
        "NodeHasInsufficientMemory",
    ),
    ("status is now: NodeHasInsufficientPID", "NodeHasInsufficientPID"),
    ("status is now: NodeNotReady", "NodeNotReady"),
    (
        "kubelet does not have ClusterDNS IP configured",
        "MissingClusterDNS",
    ),
    ("it does not exist in the cloud provider", "DeletingNode"),
];

/// Other words that open [`by_text`].
pub(super) const LEADS: &[&str] = &["Node is not ready", "Starting kubelet"];

/// What keeps a kubelet from being ready; one message may say several.
const NOT_READY: &[Row] = &[
    (&["PLEG is not healthy"], |text| NodeFact::PlegUnhealthy {
        detail: part(text, "PLEG is not healthy"),
    }),
    (
        &[
            "container runtime is down",
            "container runtime not ready",
            "container runtime status check",
            "runtime is not up",
            "RuntimeReady=false",
        ],
        |text| NodeFact::RuntimeDown { detail: detail(text) },
    ),
    (
        &[
            "NetworkReady=false",
            "NetworkPluginNotReady",
            "runtime network not ready",
            "cni plugin not initialized",
            "cni config uninitialized",
        ],
        |text| NodeFact::NetworkNotReady { detail: detail(text) },
    ),
    (&["node is shutting down"], |_| NodeFact::ShuttingDown),
];

/// Reads condition `Ready` with `KubeletNotReady`.
pub(super) fn kubelet_not_ready(text: &str, out: &mut Vec<Fact>) {
    let before = out.len();
    for (markers, make) in NOT_READY {
        if any(text, markers) {
            out.push(Fact::Node(make(text)));
        }
    }
    if out.len() == before {
        out.push(Fact::Node(if text.is_empty() {
            NodeFact::NotReady
        } else {
            NodeFact::KubeletNotReady { detail: detail(text) }
        }));
    }
}

/// The clause that begins with the words, of a list in brackets.
fn part(text: &str, words: &str) -> String {
    let clause = text.find(words).map_or(text, |at| &text[at..]);
    detail(clause.split([',', ']']).next().unwrap_or(clause))
}

/// Events and conditions of nodes whose reason tells what they are.
pub(super) fn read(reason: &str, text: &str, out: &mut Vec<Fact>) {
    let fact = match reason {
        "NodeStatusUnknown" | "NodeStatusNeverUpdated" | "NodeLost" => NodeFact::KubeletSilent,
        "NodeNotReady" => NodeFact::NotReady,
        "KubeletHasInsufficientMemory" | "NodeHasInsufficientMemory" | "NodeUnderMemoryPressure" => {
            pressure("memory")
        }
        "KubeletHasDiskPressure" | "NodeHasDiskPressure" | "KubeletOutOfDisk" => pressure("disk"),
        "KubeletHasInsufficientPID" | "NodeHasInsufficientPID" => pressure("pids"),
        "EvictionThresholdMet" => NodeFact::Reclaiming {
            resource: name_after(text, "Attempting to reclaim ")
                .unwrap_or_default()
                .to_owned(),
        },
        "FreeDiskSpaceFailed" | "ImageGCFailed" => NodeFact::FreeDiskFailed { detail: detail(text) },
        "SystemOOM" => NodeFact::SystemOom {
            process: name_after(text, "victim process: ").map(str::to_owned),
            pid: after(text, "pid: ")
                .and_then(number)
                .and_then(|pid| u32::try_from(pid).ok()),
        },
        "Rebooted" => NodeFact::Rebooted,
        // kube-proxy and others start too.
        "Starting" if text.contains("kubelet") => NodeFact::KubeletStarted,
        "Shutdown" | "NodeShutdown" if text.contains("detected") && !text.contains("cancellation") => {
            NodeFact::ShuttingDown
        }
        "RemovingNode" | "DeletingNode" => NodeFact::Deleted,
        "MissingClusterDNS" => NodeFact::MissingClusterDns,
        "TaskHung" => return problem(text, out),
        "OOMKilling" => return oom_killing(text, out),
        "ContainerGCFailed"
            if any(
                text,
                &["connection refused", "Error while dialing", "deadline exceeded"],
            ) =>
        {
            NodeFact::RuntimeDown { detail: detail(text) }
        }
        // What the node problem detector found in the kernel's log.
        "KernelOops" | "KernelDeadlock" => trouble(KernelArea::Processors, text),
        "DockerHung" | "AUFSUmountHung" => trouble(KernelArea::Other, text),
        "Ext4Error"
        | "Ext4Warning"
        | "IOError"
        | "ReadonlyFilesystem"
        | "FilesystemIsReadOnly"
        | "XfsShutdown" => trouble(KernelArea::Storage, text),
        "MemoryReadError" | "CperHardwareErrorFatal" => trouble(KernelArea::Hardware, text),
        _ => return,
    };
    out.push(Fact::Node(fact));
}

fn pressure(resource: &str) -> NodeFact {
    NodeFact::Pressure {
        resource: resource.to_owned(),
    }
}

fn trouble(area: KernelArea, text: &str) -> NodeFact {
    NodeFact::KernelTrouble {
        area,
        detail: detail(text),
    }
}

/// `task dockerd:1234 blocked for more than 120 seconds.`
fn problem(text: &str, out: &mut Vec<Fact>) {
    let task = text
        .find("task ")
        .filter(|_| text.contains("blocked for more than"))
        .and_then(|at| text[at + 5..].split(' ').next());
    let fact = match task.and_then(|task| task.rsplit_once(':')) {
        Some((process, pid)) => NodeFact::HungTask {
            process: process.to_owned(),
            pid: pid.parse().ok(),
        },
        None => trouble(KernelArea::Other, text),
    };
    out.push(Fact::Node(fact));
}

/// The node problem detector's copy of the kernel's line: `Memory cgroup out of memory: Killed process 7 (java) ...`.
fn oom_killing(text: &str, out: &mut Vec<Fact>) {
    let Some(rest) = after(text, "ill process ").or_else(|| after(text, "illed process ")) else {
        return;
    };
    let process = rest
        .split_once('(')
        .and_then(|(_, rest)| rest.split_once(')'))
        .map(|(process, _)| process.to_owned());
    let kib = |marker: &str| after(rest, marker).and_then(number);
    let constraint = if text.contains("emory cgroup out of memory") {
        OomConstraint::Cgroup
    } else {
        OomConstraint::Global
    };
    out.push(Fact::OomKill(OomKill {
        constraint: Some(constraint),
        process,
        pid: number(rest).and_then(|pid| u32::try_from(pid).ok()),
        anon_rss_kib: kib("anon-rss:"),
        shmem_rss_kib: kib("shmem-rss:"),
        ..OomKill::default()
    }));
}

/// Reads a text of unknown origin.
pub(super) fn by_text(text: &str, out: &mut Vec<Fact>) {
    if any(text, KUBELET) {
        return kubelet_not_ready(text, out);
    }
    if let Some((_, reason)) = TEXTS.iter().find(|(marker, _)| text.contains(marker)) {
        read(reason, text, out);
    } else if matches!(text, "Node is not ready" | "Node is not ready.") {
        out.push(Fact::Node(NodeFact::NotReady));
    } else if text.starts_with("Starting kubelet") {
        out.push(Fact::Node(NodeFact::KubeletStarted));
    }
}
