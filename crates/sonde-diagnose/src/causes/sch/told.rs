//! What the scheduler's own words decide, for times when the nodes are not known.

use sonde_grammar::fact::{NodeReason, PreFilter, Preemption, Unschedulable};

use crate::placement::{Why, is_abnormal_key, is_extended};

/// What a message decides, and whether it decides it alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) why: Why,
    /// The words leave no other reading.
    pub(super) certain: bool,
}

/// The scheduler counts a node under the first filter that rejects it (`default_plugins.go`), so nodes that a later
/// filter rejects were nearer to fitting; what rejected them decides.
pub(super) fn told(said: &Unschedulable) -> Vec<Told> {
    if let Some(stop) = said.pre_filter.iter().find_map(before_nodes) {
        return vec![Told {
            why: stop,
            certain: true,
        }];
    }
    if said.nodes_total == Some(0) {
        return vec![Told {
            why: Why::NoNode,
            certain: true,
        }];
    }
    let read: Vec<(u8, &'static [Why], &NodeReason)> = said
        .reasons
        .iter()
        .filter_map(|(_, reason)| {
            let (rank, whys) = of_reason(reason, said)?;
            Some((rank, whys, reason))
        })
        .collect();
    let Some(deepest) = read.iter().map(|(rank, ..)| *rank).max() else {
        return if said.preemption.contains(&Preemption::VictimsTerminating) {
            vec![Told {
                why: Why::PreemptionUnderWay,
                certain: true,
            }]
        } else {
            Vec::new()
        };
    };
    let mut deciding: Vec<Why> = Vec::new();
    for (_, whys, _) in read.iter().filter(|(rank, ..)| *rank == deepest) {
        deciding.extend(
            whys.iter()
                .filter(|why| !deciding.contains(why))
                .copied()
                .collect::<Vec<_>>(),
        );
    }
    let affinity = deciding.contains(&Why::NodeAffinity);
    // Taints are looked at first, so the tainted nodes may be the very ones that are asked for, or have the room: where
    // they are out of service for now, or where the others are not what the pod asks for.
    for (_, whys, reason) in read.iter().filter(|(rank, ..)| *rank < deepest) {
        let away = match whys {
            [why @ (Why::Cordoned | Why::NoNodeReady)] => Some(*why),
            [why @ Why::Taint] if !is_control_plane(reason) && (affinity || is_abnormal(reason)) => {
                Some(*why)
            }
            _ => None,
        };
        deciding.extend(away.filter(|why| !deciding.contains(why)));
    }
    // Where most nodes fall to an earlier filter, the few that came further may not be the ones that are meant.
    if let Some(most) = of_most(&read, said)
        && !most.iter().any(|why| deciding.contains(why))
    {
        deciding.splice(0..0, most.iter().copied());
    }
    // A control plane keeps itself to itself in every cluster; any other reason may be the one that matters.
    let plain = said.reasons.iter().all(|(_, reason)| {
        is_control_plane(reason)
            || of_reason(reason, said).is_some_and(|(_, whys)| whys.iter().all(|why| deciding.contains(why)))
    });
    let certain = plain
        && matches!(deciding.as_slice(), [why] if *why != Why::TooLarge && *why != Why::ExtendedUnknown);
    deciding.into_iter().map(|why| Told { why, certain }).collect()
}

/// What more than half of all nodes fail, control planes and nodes that are out of service for now left out.
fn of_most(read: &[(u8, &'static [Why], &NodeReason)], said: &Unschedulable) -> Option<&'static [Why]> {
    let count = |wanted: &NodeReason| {
        let of_reason = said.reasons.iter().filter(|(_, reason)| reason == wanted);
        of_reason.map(|(count, _)| *count).sum::<u32>()
    };
    let all = said.nodes_total?;
    let of_nodes = read
        .iter()
        .filter(|(_, _, reason)| !is_control_plane(reason) && !is_abnormal(reason));
    let (_, whys, most) = of_nodes.max_by_key(|(rank, _, reason)| (count(reason), *rank))?;
    (count(most).saturating_mul(2) > all).then_some(*whys)
}

/// Of several reasons that no one of them decides, each with its nodes: `19 for its node selector or affinity, 1 for its
/// pod affinity`. Nothing where one reason is all there is, a control plane beside it or not.
pub(super) fn mix(said: &Unschedulable) -> Option<String> {
    const SHOWN: usize = 4;
    let mut reasons: Vec<&(u32, NodeReason)> = said.reasons.iter().collect();
    let meant = reasons.iter().filter(|(_, reason)| !is_control_plane(reason));
    if !said.pre_filter.is_empty() || meant.count() < 2 {
        return None;
    }
    reasons.sort_by_key(|(count, _)| std::cmp::Reverse(*count));
    let more = reasons.len().saturating_sub(SHOWN);
    let mut parts: Vec<String> = reasons
        .iter()
        .take(SHOWN)
        .map(|(count, reason)| format!("{count} for {}", in_words(reason)))
        .collect();
    if more > 0 {
        parts.push(format!("others for {more} more"));
    }
    Some(parts.join(", "))
}

/// What a node is refused for.
fn in_words(reason: &NodeReason) -> String {
    match reason {
        NodeReason::Insufficient(resource) => return format!("too little {resource}"),
        NodeReason::Taint { key, .. } if !key.is_empty() => return format!("the taint {key}"),
        NodeReason::ResourceClaim(words) | NodeReason::Other(words) => return format!("\"{words}\""),
        NodeReason::Taint { .. } => "a taint",
        NodeReason::TooManyPods => "the number of their pods",
        NodeReason::Unschedulable => "a cordon",
        NodeReason::UnknownConditions => "conditions that are not known",
        NodeReason::NodeAffinity => "its node selector or affinity",
        NodeReason::EnforcedNodeAffinity => "the affinity that the scheduler adds",
        NodeReason::PodAffinity => "its pod affinity",
        NodeReason::PodAntiAffinity => "its anti-affinity",
        NodeReason::ExistingAntiAffinity => "another pod's anti-affinity",
        NodeReason::PodAffinityOrAnti => "pod affinity or anti-affinity",
        NodeReason::TopologySpread { .. } => "its topology spread",
        NodeReason::HostPorts => "a host port",
        NodeReason::NodeName => "the node that it names",
        NodeReason::VolumeNodeAffinity | NodeReason::VolumeZone => "the place of its volumes",
        NodeReason::VolumeLimit => "the number of their volumes",
        NodeReason::VolumeGone => "a volume that is gone",
        NodeReason::NoVolumeToBind => "a volume that its claim could have",
        NodeReason::NoStorageCapacity => "too little storage",
        NodeReason::ReadWriteOncePod => "a claim that is for one pod only",
        NodeReason::DiskConflict => "a disk that is in use",
    }
    .to_owned()
}

pub(super) fn before_nodes(stop: &PreFilter) -> Option<Why> {
    Some(match stop {
        PreFilter::UnboundClaims | PreFilter::ClaimVolumeGone { .. } => Why::UnboundClaim,
        PreFilter::ClaimNotFound(_) | PreFilter::ClaimDeleting(_) | PreFilter::EphemeralClaim(_) => {
            Why::ClaimMissing
        }
        PreFilter::Gates(_) => Why::Gates,
        PreFilter::AffinityConflict => Why::NodeAffinity,
        PreFilter::WaitingForPreemption => Why::PreemptionUnderWay,
        PreFilter::ResourceClaim(_) | PreFilter::VolumeBinding { .. } | PreFilter::Other(_) => return None,
    })
}

fn is_control_plane(reason: &NodeReason) -> bool {
    matches!(reason, NodeReason::Taint { key, .. } if key.starts_with("node-role.kubernetes.io/"))
}

fn is_abnormal(reason: &NodeReason) -> bool {
    matches!(reason, NodeReason::Taint { key, .. } if is_abnormal_key(key))
}

/// The place of the filter in the scheduler's order, and what it can mean when it decides.
fn of_reason(reason: &NodeReason, said: &Unschedulable) -> Option<(u8, &'static [Why])> {
    Some(match reason {
        NodeReason::Unschedulable => (1, &[Why::Cordoned]),
        NodeReason::NodeName => (2, &[Why::NodeName]),
        NodeReason::UnknownConditions => (3, &[Why::NoNodeReady]),
        NodeReason::Taint { key, .. } => (
            3,
            match key.as_str() {
                "node.kubernetes.io/unschedulable" => &[Why::Cordoned],
                "node.kubernetes.io/not-ready" | "node.kubernetes.io/unreachable" => &[Why::NoNodeReady],
                _ => &[Why::Taint],
            },
        ),
        NodeReason::NodeAffinity | NodeReason::EnforcedNodeAffinity => (4, &[Why::NodeAffinity]),
        NodeReason::HostPorts => (5, &[Why::HostPort]),
        NodeReason::TooManyPods => (6, &[Why::PodCount]),
        NodeReason::Insufficient(resource) => (6, short_of(resource, said)),
        NodeReason::ReadWriteOncePod => (7, &[Why::Rwop]),
        NodeReason::VolumeLimit => (8, &[Why::VolumeLimit]),
        NodeReason::VolumeNodeAffinity
        | NodeReason::VolumeGone
        | NodeReason::NoVolumeToBind
        | NodeReason::NoStorageCapacity => (9, &[Why::VolumeAffinity]),
        NodeReason::VolumeZone => (10, &[Why::VolumeAffinity]),
        NodeReason::TopologySpread { .. } => (11, &[Why::Spread]),
        NodeReason::PodAffinity => (12, &[Why::PodAffinity]),
        NodeReason::PodAntiAffinity | NodeReason::ExistingAntiAffinity => (12, &[Why::PodAntiAffinity]),
        NodeReason::PodAffinityOrAnti => (12, related(said)),
        NodeReason::DiskConflict | NodeReason::ResourceClaim(_) | NodeReason::Other(_) => return None,
    })
}

/// Until 1.20 affinity and anti-affinity had words in common, mostly with the exact ones behind them.
fn related(said: &Unschedulable) -> &'static [Why] {
    let has = |of: &[NodeReason]| said.reasons.iter().any(|(_, reason)| of.contains(reason));
    let near = has(&[NodeReason::PodAffinity]);
    let apart = has(&[NodeReason::PodAntiAffinity, NodeReason::ExistingAntiAffinity]);
    match (near, apart) {
        (true, false) => &[Why::PodAffinity],
        (false, true) => &[Why::PodAntiAffinity],
        _ => &[Why::PodAffinity, Why::PodAntiAffinity],
    }
}

/// Where removing pods would help on no node at all, even an empty node is too small. Older schedulers (1.32 still)
/// say "No preemption victims found" of such nodes, as of nodes that are only full.
fn short_of(resource: &str, said: &Unschedulable) -> &'static [Why] {
    let all = said.nodes_total.unwrap_or(u32::MAX);
    let hopeless = said
        .preemption
        .iter()
        .any(|it| matches!(it, Preemption::NotHelpful(nodes) if *nodes >= all));
    match (is_extended(resource), hopeless) {
        (true, true) => &[Why::ExtendedUnknown],
        (true, false) => &[Why::ExtendedInUse, Why::ExtendedUnknown],
        (false, true) => &[Why::TooLarge],
        (false, false) => &[Why::NoRoom, Why::TooLarge],
    }
}

#[cfg(test)]
mod tests {
    use sonde_grammar::Fact;

    use super::*;

    fn read(text: &str) -> Vec<(Why, bool)> {
        let facts = sonde_grammar::message::facts("FailedScheduling", text);
        let said = facts.iter().find_map(|fact| match fact {
            Fact::Unschedulable(said) => Some(said),
            _ => None,
        });
        told(said.unwrap())
            .iter()
            .map(|it| (it.why, it.certain))
            .collect()
    }

    #[test]
    fn words_of_many_versions() {
        for (text, expected) in [
            (
                "0/3 nodes are available: 3 node(s) didn't match Pod's node affinity/selector. preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling.",
                vec![(Why::NodeAffinity, true)],
            ),
            (
                "0/3 nodes are available: 1 node(s) had untolerated taint {node-role.kubernetes.io/control-plane: }, 2 node(s) didn't match Pod's node affinity/selector.",
                vec![(Why::NodeAffinity, true)],
            ),
            (
                "0/3 nodes are available: 1 node(s) had untolerated taint {dedicated: gpu}, 2 node(s) didn't match Pod's node affinity/selector.",
                vec![(Why::NodeAffinity, false), (Why::Taint, false)],
            ),
            (
                "0/3 nodes are available: 3 node(s) had untolerated taint {dedicated: gpu}.",
                vec![(Why::Taint, true)],
            ),
            (
                "0/2 nodes are available: 2 node(s) were unschedulable.",
                vec![(Why::Cordoned, true)],
            ),
            (
                "0/1 nodes are available: 1 node(s) had untolerated taint {node.kubernetes.io/not-ready: }.",
                vec![(Why::NoNodeReady, true)],
            ),
            (
                "0/3 nodes are available: 1 node(s) had untolerated taint {node-role.kubernetes.io/control-plane: }, 2 Insufficient cpu. preemption: 0/3 nodes are available: 1 Preemption is not helpful for scheduling, 2 No preemption victims found for incoming pod.",
                vec![(Why::NoRoom, false), (Why::TooLarge, false)],
            ),
            (
                "0/3 nodes are available: 1 node(s) had untolerated taint {node-role.kubernetes.io/control-plane: }, 2 Insufficient cpu. preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling.",
                vec![(Why::TooLarge, false)],
            ),
            (
                "0/3 nodes are available: 1 node(s) were unschedulable, 2 Insufficient memory.",
                vec![
                    (Why::NoRoom, false),
                    (Why::TooLarge, false),
                    (Why::Cordoned, false),
                ],
            ),
            (
                "0/3 nodes are available: 1 node(s) had untolerated taint {node.kubernetes.io/disk-pressure: }, 2 Too many pods.",
                vec![(Why::PodCount, false), (Why::Taint, false)],
            ),
            (
                "0/3 nodes are available: 1 node(s) had untolerated taint {dedicated: gpu}, 2 Too many pods.",
                vec![(Why::PodCount, false)],
            ),
            (
                "0/3 nodes are available: 1 node(s) were unschedulable, 2 node(s) didn't match node selector.",
                vec![(Why::NodeAffinity, false), (Why::Cordoned, false)],
            ),
            (
                "0/3 nodes are available: 3 node(s) didn't match pod affinity/anti-affinity.",
                vec![(Why::PodAffinity, false), (Why::PodAntiAffinity, false)],
            ),
            (
                "0/3 nodes are available: 3 node(s) didn't match pod affinity/anti-affinity rules, 3 node(s) didn't match pod anti-affinity rules.",
                vec![(Why::PodAntiAffinity, true)],
            ),
            (
                "0/3 nodes are available: 3 Insufficient cpu. preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling.",
                vec![(Why::TooLarge, false)],
            ),
            (
                "0/3 nodes are available: 3 Insufficient nvidia.com/gpu.",
                vec![(Why::ExtendedInUse, false), (Why::ExtendedUnknown, false)],
            ),
            (
                "0/3 nodes are available: 3 Too many pods.",
                vec![(Why::PodCount, true)],
            ),
            (
                "0/1 nodes are available: 1 node(s) didn't have free ports for the requested pod ports.",
                vec![(Why::HostPort, true)],
            ),
            (
                "0/3 nodes are available: 3 node(s) didn't match pod anti-affinity rules.",
                vec![(Why::PodAntiAffinity, true)],
            ),
            (
                "0/3 nodes are available: pod has unbound immediate PersistentVolumeClaims.",
                vec![(Why::UnboundClaim, true)],
            ),
            (
                "0/3 nodes are available: persistentvolumeclaim \"data\" not found.",
                vec![(Why::ClaimMissing, true)],
            ),
            ("no nodes available to schedule pods", vec![(Why::NoNode, true)]),
            (
                "0/3 nodes are available: 3 node(s) had volume node affinity conflict.",
                vec![(Why::VolumeAffinity, true)],
            ),
            (
                "0/20 nodes are available: 1 node(s) didn't match pod affinity rules, 19 node(s) didn't match Pod's node affinity/selector.",
                vec![(Why::NodeAffinity, false), (Why::PodAffinity, false)],
            ),
            (
                "0/3 nodes are available: 1 Insufficient memory, 2 node(s) didn't match pod topology spread constraints.",
                vec![(Why::Spread, false)],
            ),
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
    }
}
