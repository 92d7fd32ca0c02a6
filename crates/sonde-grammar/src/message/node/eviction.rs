//! Evictions: by the kubelet, by taints, through the API, and preemption.

use super::super::words::{after, any, between, detail, list, name, name_after, name_after_any};
use crate::fact::{EvictionFact, Fact};

/// A pod has fewer containers.
const CONTAINERS_MAX: usize = 64;

const SHUTDOWN: &[&str] = &[
    "in response to imminent node shutdown",
    "Node is shutting, evicting pods",
    "Node is shutting down, evicting pods",
];

/// Words that open [`by_text`].
pub(in crate::message) const OPENERS: &[&[&str]] = &[
    &[
        "The node was low on resource: ",
        "The node had condition: [",
        "usage exceeds the total limit of containers ",
        " exceeded its local ephemeral storage limit ",
        "Usage of EmptyDir volume ",
        "Preempted in order to admit critical pod",
        "Preempted by ",
        "Marking for deletion Pod ",
        "deleting due to NoExecute taint",
        "PodGC: node no longer exists",
        "preempting to accommodate a higher priority pod",
        "Eviction API: evicting",
    ],
    SHUTDOWN,
];

/// Status and event reason `Evicted`.
pub(in crate::message) fn evicted(text: &str, out: &mut Vec<Fact>) {
    if let Some(fact) = by_kubelet(text).or_else(|| shutdown(text)) {
        out.push(Fact::Eviction(fact));
    } else if any(text, &["victed", "viction", "victing"]) {
        // Descheduler, Karpenter and others evict through the API and report under the same reason.
        out.push(Fact::Eviction(EvictionFact::Api { detail: detail(text) }));
    }
}

fn by_kubelet(text: &str) -> Option<EvictionFact> {
    if let Some(rest) = after(text, "The node was low on resource: ") {
        // Until 1.11 the refusal on arrival was worded like the eviction, with the conditions in brackets.
        if rest.starts_with('[') {
            return Some(EvictionFact::NodeCondition {
                conditions: list(rest.split(']').next()?),
            });
        }
        return Some(EvictionFact::NodePressure {
            resource: name(rest)?.to_owned(),
            threshold: amount(text, "Threshold quantity: "),
            available: amount(text, ", available: "),
            over_request: over_request(text),
        });
    }
    if let Some(conditions) = between(text, "The node had condition: [", "]") {
        return Some(EvictionFact::NodeCondition {
            conditions: list(conditions),
        });
    }
    if let Some(limit) = name_after(text, "usage exceeds the total limit of containers ") {
        return Some(EvictionFact::PodEphemeralLimit {
            limit: limit.to_owned(),
        });
    }
    if let Some(limit) = name_after(text, " exceeded its local ephemeral storage limit ") {
        let container = name_after(text, "Container ")?.to_owned();
        return Some(EvictionFact::ContainerEphemeralLimit {
            container,
            limit: limit.to_owned(),
        });
    }
    if let Some(volume) = name_after(text, "Usage of EmptyDir volume ") {
        let limit = name_after(text, " exceeds the limit ")
            .or_else(|| name_after(text, "exceeds the total limit "))?;
        return Some(EvictionFact::EmptyDirLimit {
            volume: volume.to_owned(),
            limit: limit.to_owned(),
        });
    }
    None
}

fn amount(text: &str, marker: &str) -> Option<String> {
    name_after(text, marker).map(str::to_owned)
}

/// `Container app was using 5Gi, which exceeds its request of 1Gi. ` / `..., request is 1Gi, has larger consumption of memory. `
fn over_request(text: &str) -> Vec<(String, String, String)> {
    text.match_indices("Container ")
        .take(CONTAINERS_MAX)
        .filter_map(|(at, marker)| {
            let rest = &text[at + marker.len()..];
            let sentence = rest.split(". Container ").next().unwrap_or(rest);
            let (container, rest) = sentence.split_once(" was using ")?;
            let request = name_after_any(rest, &["exceeds its request of ", "request is "])?;
            Some((container.to_owned(), name(rest)?.to_owned(), request.to_owned()))
        })
        .collect()
}

fn shutdown(text: &str) -> Option<EvictionFact> {
    if text.contains("Preempted in order to admit critical pod") {
        return Some(EvictionFact::PreemptedForCritical);
    }
    any(text, SHUTDOWN).then_some(EvictionFact::NodeShutdown)
}

/// Event `Preempted` on the victim.
pub(in crate::message) fn preempted(text: &str, out: &mut Vec<Fact>) {
    // `by NS/NAME on node N` (..1.25), `by a pod on node N` (1.26..1.28), `by pod UID on node N` (1.29..).
    let by = name_after(text, "Preempted by pod ")
        .or_else(|| name_after(text, "reempted by podgroup "))
        .or_else(|| name_after(text, "reempted by ").filter(|by| !matches!(*by, "a" | "pod")));
    let node = name_after(text, " on node ").map(str::to_owned);
    out.push(Fact::Eviction(EvictionFact::Preempted {
        by: by.map(str::to_owned),
        node,
    }));
}

/// Events `TaintManagerEviction` and `NodeControllerEviction`.
pub(in crate::message) fn taint(text: &str, out: &mut Vec<Fact>) {
    if !any(text, &["Cancelling deletion", "Canceling deletion"]) {
        out.push(Fact::Eviction(EvictionFact::Taint));
    }
}

/// Condition `DisruptionTarget`.
pub(in crate::message) fn disruption(reason: &str, text: &str, out: &mut Vec<Fact>) {
    match reason {
        "DeletionByTaintManager" => out.push(Fact::Eviction(EvictionFact::Taint)),
        "DeletionByPodGC" => out.push(Fact::Eviction(EvictionFact::NodeGone)),
        "PreemptionByScheduler" => out.push(Fact::Eviction(EvictionFact::Preempted { by: None, node: None })),
        "TerminationByKubelet" => evicted(text, out),
        // The cluster autoscaler says it of nodes too.
        "ScaleDown" if !text.contains("deleting pod") => {}
        // `EvictionByEvictionAPI`, and what autoscalers and the descheduler report.
        _ => out.push(Fact::Eviction(EvictionFact::Api { detail: detail(text) })),
    }
}

/// Reads a text of unknown origin.
pub(in crate::message) fn by_text(text: &str, out: &mut Vec<Fact>) {
    if let Some(fact) = by_kubelet(text).or_else(|| shutdown(text)) {
        out.push(Fact::Eviction(fact));
    } else if text.starts_with("Preempted by ") {
        preempted(text, out);
    } else if text.starts_with("Marking for deletion Pod ")
        || text.contains("deleting due to NoExecute taint")
    {
        taint(text, out);
    } else if text == "PodGC: node no longer exists" {
        disruption("DeletionByPodGC", text, out);
    } else if text.contains("preempting to accommodate a higher priority pod") {
        disruption("PreemptionByScheduler", text, out);
    } else if text == "Eviction API: evicting" {
        disruption("EvictionByEvictionAPI", text, out);
    }
}
