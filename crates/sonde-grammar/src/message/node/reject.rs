//! What the kubelet refuses when a pod that is bound to its node arrives; the pod is Failed and never ran.

use super::super::words::{any, detail, name_after};
use crate::fact::{Fact, RejectFact};

/// Texts that only a refusing kubelet writes.
pub(in crate::message) const ANCHORS: &[&str] = &[
    "Predicate ",
    "Pod was rejected",
    "Node didn't have enough resource: ",
    "Update plugin resources failed due to ",
    "Allocate failed due to ",
    "cannot be allocated with Topology locality",
    "in progress of shutting down, not admitting",
    "forbidden sysctl: ",
    "Cannot enforce AppArmor",
];

/// Reasons that name what the kubelet looked at.
const PREDICATES: &[&str] = &[
    "AppArmor",
    "HostPortConflict",
    "MatchNodeSelector",
    "NodeAffinity",
    "NodeName",
    "NodePorts",
    "PodLevelResourcesNotSupported",
    "PodOSNotSupported",
    "PodOSSelectorNodeLabelDoesNotMatch",
    "SysctlForbidden",
    "TaintToleration",
];

/// Words of admission handlers, and the reasons under which they say them (`pkg/kubelet/sysctl/allowlist.go`).
const PREDICATE_TEXTS: &[(&str, &str)] = &[
    ("forbidden sysctl: ", "SysctlForbidden"),
    ("Cannot enforce AppArmor", "AppArmor"),
];

/// Reads a text of unknown origin.
pub(in crate::message) fn by_text(text: &str, out: &mut Vec<Fact>) {
    let predicate = text.starts_with("Predicate ") || text.starts_with("Pod Predicate ");
    // The word alone, amid a text, is not theirs.
    if predicate || any(text, &ANCHORS[1..]) {
        read("", text, out);
    }
}

/// Reads status reason and message of a refused pod.
pub(in crate::message) fn read(reason: &str, text: &str, out: &mut Vec<Fact>) {
    // Pressure is refused under the eviction's reason and told as one.
    super::eviction::by_text(text, out);
    if out.is_empty() {
        out.push(Fact::Reject(reject(reason, text)));
    }
}

fn reject(reason: &str, text: &str) -> RejectFact {
    let short =
        name_after(text, "Node didn't have enough resource: ").or_else(|| reason.strip_prefix("OutOf"));
    if let Some(resource) = short {
        let amount = |marker: &str| name_after(text, marker).map(str::to_owned);
        return RejectFact::OutOf {
            resource: resource.to_owned(),
            requested: amount("requested: "),
            used: amount("used: "),
            capacity: amount("capacity: "),
        };
    }
    // In progress until 1.31, then `the node is shutting down`.
    if reason == "NodeShutdown" || text.contains("shutting down") {
        return RejectFact::NodeShutdown;
    }
    if reason == "TopologyAffinityError" || text.contains("Topology locality") {
        return RejectFact::Topology { detail: words(text) };
    }
    if any(
        text,
        &[
            "plugin resources failed due to",
            "Allocate failed due to",
            "devices unavailable",
        ],
    ) {
        return RejectFact::Devices { detail: words(text) };
    }
    if let Some(name) = name_after(text, "Predicate ") {
        return RejectFact::Predicate {
            name: name.to_owned(),
        };
    }
    let named = PREDICATES.contains(&reason).then_some(reason);
    let told = PREDICATE_TEXTS
        .iter()
        .find(|(words, _)| text.contains(words))
        .map(|(_, name)| *name);
    match named.or(told) {
        Some(name) => RejectFact::Predicate {
            name: name.to_owned(),
        },
        None => RejectFact::Other { detail: words(text) },
    }
}

/// Without the prefix, which is `Pod ` until 1.24 and `Pod was rejected: ` since.
fn words(text: &str) -> String {
    let text = text
        .strip_prefix("Pod was rejected: ")
        .or_else(|| text.strip_prefix("Pod "))
        .unwrap_or(text);
    detail(text)
}
