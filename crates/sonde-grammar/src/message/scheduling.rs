//! The scheduler's words: event `FailedScheduling`, condition `PodScheduled`.
//!
//! `0/N nodes are available: <before any node> | <count reason, ...>. <preemption>`, in the forms of 1.5 to 1.36.

use super::words::{after, any, between, detail, list, name_after, name_before, number};
use crate::fact::{Fact, NodeReason, PreFilter, Preemption, Unschedulable};

/// More reasons than this are noise: each is a sentence of a fixed set, a taint or a resource.
const REASONS_MAX: usize = 64;

const AVAILABLE: &str = "nodes are available:";
const PREEMPTION: &str = "preemption: ";

/// Texts that only a scheduler writes.
pub(super) const ANCHORS: &[&str] = &[
    AVAILABLE,
    "no nodes available to schedule pods",
    "unbound immediate PersistentVolumeClaims",
    "unbound PersistentVolumeClaims",
    "No nodes are available that match all of the",
    "failed to fit in any node",
    "waiting for scheduling gates",
    "non-empty scheduling gates",
    "waiting for the preemption for this pod",
    "controller to create the persistentvolumeclaim",
    "binding volumes: ",
    "Failed to bind volumes: ",
    "filter plugin for pod \"",
];

/// Reads a text whose reason says that it is the scheduler's.
pub(super) fn read(text: &str, out: &mut Vec<Fact>) {
    const PASSING: &[&str] = &[
        "skip schedule deleting pod",
        "is in the cache, so can't be assumed",
    ];
    // Karpenter reports under the scheduler's reason why it adds no node.
    const PROVISIONERS: &[&str] = &[
        "Failed to schedule pod, ",
        "incompatible with nodepool",
        "incompatible with provisioner",
    ];
    if text.is_empty() || any(text, PASSING) {
        return;
    }
    if any(text, PROVISIONERS) {
        out.push(Fact::Workload(crate::fact::WorkloadFact::NoScaleUp {
            detail: detail(text),
        }));
        return;
    }
    if let Some(found) = unschedulable(text) {
        out.push(Fact::Unschedulable(found));
    } else if !any(text, &["nodes are avail", "nodes availab"]) {
        out.push(other(text));
    }
}

/// Reads a text of unknown origin.
pub(super) fn by_text(text: &str, out: &mut Vec<Fact>) {
    if any(text, ANCHORS) {
        out.extend(unschedulable(text).map(Fact::Unschedulable));
    }
}

fn other(text: &str) -> Fact {
    Fact::Unschedulable(Unschedulable {
        pre_filter: vec![PreFilter::Other(detail(text))],
        ..Unschedulable::default()
    })
}

fn unschedulable(text: &str) -> Option<Unschedulable> {
    let mut found = Unschedulable::default();
    if let Some((head, body)) = text.split_once(AVAILABLE) {
        found.nodes_total = total(head);
        let (body, preemption) = split_preemption(body);
        read_body(body, &mut found);
        if let Some(preemption) = preemption {
            read_preemption(preemption, &mut found.preemption);
        }
        // The preemption part alone (a cut off head) is worth telling too; nothing at all is not.
        let empty = found.reasons.is_empty() && found.pre_filter.is_empty() && found.preemption.is_empty();
        return (!empty || found.nodes_total == Some(0)).then_some(found);
    }
    if text.contains("no nodes available to schedule pods") {
        found.nodes_total = Some(0);
        return Some(found);
    }
    if text.contains("non-empty scheduling gates") {
        found.pre_filter.push(PreFilter::Gates(Vec::new()));
        return Some(found);
    }
    if let Some(body) = legacy_body(text) {
        read_legacy(body, &mut found.reasons);
        return (!found.reasons.is_empty()).then_some(found);
    }
    found.pre_filter.push(pre_filter(text)?);
    Some(found)
}

/// `0/5 ` of `0/5 nodes are available:`.
fn total(head: &str) -> Option<u32> {
    let (_, digits) = head.trim_end().rsplit_once('/')?;
    digits.parse().ok()
}

/// The part before the post-filter messages, and the preemption part.
fn split_preemption(body: &str) -> (&str, Option<&str>) {
    // Dynamic resources add their word to every failure from 1.26 on; it says nothing.
    const POST_FILTERS: &[&str] = &[
        ". preemption: ",
        ". no new claims to deallocate",
        ". still not schedulable",
        ". not found",
    ];
    let end = POST_FILTERS.iter().filter_map(|marker| body.find(marker)).min();
    let preemption = after(body, PREEMPTION);
    match (end, preemption) {
        // The dot stays: it tells that the last reason is whole.
        (Some(end), _) => (&body[..=end], preemption),
        (None, Some(tail)) => (&body[..body.len() - tail.len() - PREEMPTION.len()], preemption),
        (None, None) => (body, None),
    }
}

fn read_body(body: &str, found: &mut Unschedulable) {
    let body = body.trim();
    if body.is_empty() {
        return;
    }
    if !body.starts_with(|char: char| char.is_ascii_digit()) {
        read_pre_filter(body, found);
        return;
    }
    for (count, words) in items(body) {
        if found.reasons.len() + found.pre_filter.len() >= REASONS_MAX {
            break;
        }
        // Until 1.22 what stops the search before any node was counted per node like the rest.
        if let Some(stop) = known_pre_filter(words) {
            if !found.pre_filter.contains(&stop) {
                found.pre_filter.push(stop);
            }
        } else {
            found.reasons.push((count, reason(words)));
        }
    }
}

fn read_pre_filter(body: &str, found: &mut Unschedulable) {
    let whole = body.ends_with('.');
    let words = body.trim_end_matches('.');
    match node_reason(words) {
        // `node(s) didn't satisfy plugin(s) [...]` stands for all nodes.
        Some(reason) => found.reasons.push((found.nodes_total.unwrap_or(0), reason)),
        None => match known_pre_filter(words) {
            Some(stop) => found.pre_filter.push(stop),
            None if whole => found.pre_filter.push(PreFilter::Other(detail(words))),
            None => {}
        },
    }
}

/// `3 Insufficient cpu, 2 node(s) ...` as counts and words. A last item that may be cut is left out.
fn items(body: &str) -> Vec<(u32, &str)> {
    let body = body.trim();
    let whole = body.ends_with('.') && !body.ends_with("..");
    let body = body.trim_end_matches(['.', ' ', '\u{2026}']);
    let mut out = Vec::new();
    let mut rest = body;
    while !rest.is_empty() && out.len() < REASONS_MAX {
        let end = next_item(rest);
        let item = rest[..end].trim_end_matches([',', ' ']);
        let last = end == rest.len();
        if let Some((count, words)) = item.split_once(' ')
            && let Ok(count) = count.parse()
            && (!last || whole || closed(words))
        {
            out.push((count, words.trim()));
        }
        rest = rest[end..].trim_start_matches([',', ' ']);
    }
    out
}

/// Where the next `, <digits> ` begins: reasons themselves contain commas.
fn next_item(text: &str) -> usize {
    let mut from = 0;
    while let Some(at) = text[from..].find(',').map(|at| from + at) {
        // People who retype a message leave the blank out.
        let after = text[at + 1..].trim_start_matches(' ');
        let digits = after.len() - after.trim_start_matches(|char: char| char.is_ascii_digit()).len();
        // At the very end the words of the next item are cut off.
        if digits > 0 && (after[digits..].starts_with(' ') || after.len() == digits) {
            return at;
        }
        from = at + 1;
    }
    text.len()
}

/// Whether words without a final dot are surely whole: nothing that the scheduler says begins with them and goes on.
fn closed(words: &str) -> bool {
    match node_reason(words) {
        Some(NodeReason::Insufficient(resource)) => !resource.contains(['.', '/']) && is_core(&resource),
        Some(NodeReason::TopologySpread { missing_label }) => missing_label,
        Some(_) => true,
        None => known_pre_filter(words).is_some(),
    }
}

fn is_core(resource: &str) -> bool {
    matches!(resource, "cpu" | "memory" | "ephemeral-storage")
}

fn reason(words: &str) -> NodeReason {
    node_reason(words).unwrap_or_else(|| NodeReason::Other(detail(words)))
}

/// The fixed texts of all versions. Predicate names are those of 1.5 to 1.9.
fn node_reason(words: &str) -> Option<NodeReason> {
    let condition = |name: &str| NodeReason::Taint {
        key: format!("node.kubernetes.io/{name}"),
        value: String::new(),
    };
    let found = match words {
        "Too many pods" | "Insufficient pods" => NodeReason::TooManyPods,
        "node(s) were unschedulable" | "NodeUnschedulable" => NodeReason::Unschedulable,
        "node(s) had unknown conditions" | "NodeUnknownCondition" => NodeReason::UnknownConditions,
        // Conditions were predicates of their own until the taints took over.
        "node(s) were not ready" | "NodeNotReady" => condition("not-ready"),
        "node(s) were out of disk space" | "NodeOutOfDisk" => condition("out-of-disk"),
        "node(s) had unavailable network" | "NodeNetworkUnavailable" => condition("network-unavailable"),
        "node(s) had memory pressure" | "NodeUnderMemoryPressure" => condition("memory-pressure"),
        "node(s) had disk pressure" | "NodeUnderDiskPressure" => condition("disk-pressure"),
        "node(s) had pid pressure" | "NodeUnderPIDPressure" => condition("pid-pressure"),
        "node(s) had taints that the pod didn't tolerate"
        | "node(s) had untolerated taint(s)"
        | "node(s) had untolerated taints"
        | "PodToleratesNodeTaints" => NodeReason::Taint {
            key: String::new(),
            value: String::new(),
        },
        "node(s) didn't match node selector"
        | "node(s) didn't match Pod's node affinity"
        | "node(s) didn't match Pod's node affinity/selector"
        | "node(s) didn't match pod's node affinity/selector"
        | "MatchNodeSelector" => NodeReason::NodeAffinity,
        "node(s) didn't match scheduler-enforced node affinity" => NodeReason::EnforcedNodeAffinity,
        "node(s) didn't match pod affinity rules" => NodeReason::PodAffinity,
        "node(s) didn't match pod anti-affinity rules" => NodeReason::PodAntiAffinity,
        "node(s) didn't satisfy existing pods anti-affinity rules" => NodeReason::ExistingAntiAffinity,
        "node(s) didn't match pod affinity/anti-affinity"
        | "node(s) didn't match pod affinity/anti-affinity rules"
        | "MatchInterPodAffinity" => NodeReason::PodAffinityOrAnti,
        "node(s) didn't match pod topology spread constraints" => {
            NodeReason::TopologySpread { missing_label: false }
        }
        "node(s) didn't match pod topology spread constraints (missing required label)" => {
            NodeReason::TopologySpread { missing_label: true }
        }
        "node(s) didn't have free ports for the requested pod ports" | "PodFitsHostPorts" => {
            NodeReason::HostPorts
        }
        "node(s) didn't match the requested hostname"
        | "node(s) didn't match the requested node name"
        | "HostName" => NodeReason::NodeName,
        "node(s) had volume node affinity conflict"
        | "node(s) didn't match PersistentVolume's node affinity"
        | "NoVolumeNodeConflict" => NodeReason::VolumeNodeAffinity,
        "node(s) had no available volume zone" | "NoVolumeZoneConflict" => NodeReason::VolumeZone,
        "node(s) exceed max volume count" | "MaxVolumeCount" => NodeReason::VolumeLimit,
        "node(s) had no available disk" | "NoDiskConflict" => NodeReason::DiskConflict,
        "node(s) didn't find available persistent volumes to bind" | "NoVolumeBindConflict" => {
            NodeReason::NoVolumeToBind
        }
        "node(s) did not have enough free storage" => NodeReason::NoStorageCapacity,
        "node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)"
        | "node(s) unavailable due to persistentvolumeclaims bound to non-existent persistentvolumes"
        | "persistentvolume(s) not found" => NodeReason::VolumeGone,
        "node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already in-use by another pod" => {
            NodeReason::ReadWriteOncePod
        }
        _ => return named_reason(words),
    };
    Some(found)
}

/// Texts with a name in them.
fn named_reason(words: &str) -> Option<NodeReason> {
    if let Some(resource) = words.strip_prefix("Insufficient ") {
        return (!resource.is_empty() && !resource.contains(' '))
            .then(|| NodeReason::Insufficient(resource.to_owned()));
    }
    if words.contains(" taint {") {
        let (key, value) = between(words, "taint {", "}")?.split_once(':')?;
        return Some(NodeReason::Taint {
            key: key.trim().to_owned(),
            value: value.trim().to_owned(),
        });
    }
    if let Some(plugins) = between(words, "didn't satisfy plugin(s) [", "]") {
        return Some(if plugins == "NodeAffinity" {
            NodeReason::NodeAffinity
        } else {
            NodeReason::Other(detail(words))
        });
    }
    const OF_NODE: &[&str] = &[
        "cannot allocate all claims",
        "resourceclaim not available on the node",
        "extended resource claim",
        "cannot fit resource",
    ];
    any(words, OF_NODE).then(|| NodeReason::ResourceClaim(detail(words)))
}

/// Dynamic resource allocation, 1.26 to 1.36.
fn is_resource_claim(words: &str) -> bool {
    const MARKERS: &[&str] = &[
        "resourceclaim",
        "resource claim",
        "ResourceClaim",
        "device class ",
        "deviceclass ",
        "resource driver",
    ];
    any(words, MARKERS)
}

fn pre_filter(text: &str) -> Option<PreFilter> {
    known_pre_filter(text).or_else(|| any(text, ANCHORS).then(|| PreFilter::Other(detail(text))))
}

/// What stops the search before any node is looked at, and what fails after one was found.
fn known_pre_filter(words: &str) -> Option<PreFilter> {
    let owned = |name: &str| name.rsplit('/').next().unwrap_or(name).to_owned();
    if words.contains("unbound immediate PersistentVolumeClaims")
        || words.contains("unbound PersistentVolumeClaims")
    {
        return Some(PreFilter::UnboundClaims);
    }
    if words.contains("persistentvolumeclaim ") {
        if let Some(claim) = name_after(words, "to create the persistentvolumeclaim ") {
            return Some(PreFilter::EphemeralClaim(owned(claim)));
        }
        let claim = name_after(words, "persistentvolumeclaim ")?;
        if words.contains("is being deleted") {
            return Some(PreFilter::ClaimDeleting(owned(claim)));
        }
        if let Some(volume) = name_after(words, "non-existent persistentvolume ") {
            return Some(PreFilter::ClaimVolumeGone {
                claim: owned(claim),
                volume: owned(volume),
            });
        }
        if words.contains("not found") {
            return Some(PreFilter::ClaimNotFound(owned(claim)));
        }
    }
    if let Some(claim) = name_after(words, "could not find v1.PersistentVolumeClaim ") {
        return Some(PreFilter::ClaimNotFound(owned(claim)));
    }
    if let Some(gates) = between(words, "waiting for scheduling gates: [", "]") {
        return Some(PreFilter::Gates(list(gates)));
    }
    if words.contains("pod affinity terms conflict") {
        return Some(PreFilter::AffinityConflict);
    }
    if words.contains("waiting for the preemption for this pod") {
        return Some(PreFilter::WaitingForPreemption);
    }
    if any(
        words,
        &[
            "binding volumes: ",
            "Failed to bind volumes: ",
            "provisioning failed for PVC ",
        ],
    ) {
        let claim = name_after(words, "for PVC ").map(owned);
        return Some(PreFilter::VolumeBinding {
            claim,
            detail: detail(words),
        });
    }
    (is_resource_claim(words) && node_reason(words).is_none())
        .then(|| PreFilter::ResourceClaim(detail(words)))
}

fn read_preemption(text: &str, out: &mut Vec<Preemption>) {
    if text.contains("preemptionPolicy=Never") {
        out.push(Preemption::PolicyNever);
    }
    if text.contains("a terminating pod on the nominated node") {
        out.push(Preemption::VictimsTerminating);
    }
    let Some(body) = after(text, AVAILABLE) else {
        return;
    };
    // 1.36 appends other post-filters' words behind the sentence.
    let body = body.find(". ").map_or(body, |end| &body[..=end]);
    for (count, words) in items(body) {
        match words {
            "Preemption is not helpful for scheduling" => out.push(Preemption::NotHelpful(count)),
            "No preemption victims found for incoming pod"
            | "No preemption victims found for incoming preemptor" => {
                out.push(Preemption::NoVictims(count));
            }
            _ => {
                if let Some(reason) = node_reason(words) {
                    out.push(Preemption::StillNoFit(count, reason));
                }
            }
        }
    }
}

/// What follows the heading of 1.5 to 1.9.
fn legacy_body(text: &str) -> Option<&str> {
    let tail = after(text, "No nodes are available that match all of the")
        .or_else(|| after(text, "fit failure summary on nodes"))?;
    tail.split_once(':')
        .map(|(_, body)| body.trim_start_matches([':', ' ']))
}

/// `PodFitsHostPorts (1), Insufficient cpu (3).`
fn read_legacy(body: &str, out: &mut Vec<(u32, NodeReason)>) {
    for item in body.split(", ").take(REASONS_MAX) {
        if let Some((words, count)) = item.rsplit_once(" (")
            && count.contains(')')
            && let Some(count) = number(count).and_then(|count| u32::try_from(count).ok())
        {
            out.push((count, reason(words.trim())));
        }
    }
}

/// A claim that a text of another area says is missing: `persistentvolumeclaim "x" not found`.
pub(super) fn claim_not_found(text: &str) -> Option<&str> {
    let claim =
        name_after(text, "persistentvolumeclaims ").or_else(|| name_after(text, "persistentvolumeclaim "))?;
    let missing = name_before(text, " not found").is_some_and(|name| name == claim);
    missing.then(|| claim.rsplit('/').next().unwrap_or(claim))
}
