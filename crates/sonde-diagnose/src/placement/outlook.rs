//! From every reason against every node to the one that decides.
//!
//! Nodes are sorted out in the order in which a person would: those that the pod may not use by its own words, those
//! that its volumes cannot reach, those that do not take it, and of the rest those that have no room. What leaves no
//! node is what decides; what only removed some is part of the story.

use sonde_schedule::{Fit, NodeFit, Obstacle, Rejection, RejectionKind};
use sonde_world::view::Taint;

/// What decides that a pod fits nowhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Why {
    Gates,
    UnknownScheduler,
    ClaimMissing,
    UnboundClaim,
    NoNode,
    NodeName,
    NodeAffinity,
    ExtendedUnknown,
    VolumeAffinity,
    Rwop,
    Taint,
    NoNodeReady,
    Cordoned,
    TooLarge,
    PodAffinity,
    PodAntiAffinity,
    Spread,
    HostPort,
    PodCount,
    VolumeLimit,
    ExtendedInUse,
    NoRoom,
    PreemptionUnderWay,
}

/// The decision, with the nodes that it is about as places in the fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Outlook {
    pub(crate) why: Why,
    pub(crate) nodes: Vec<usize>,
}

/// Taints that say that a node is not well, or not yet.
pub(crate) fn is_abnormal(taint: &Taint) -> bool {
    is_abnormal_key(&taint.key)
}

/// As [`is_abnormal`], where only the key is known.
pub(crate) fn is_abnormal_key(key: &str) -> bool {
    key.starts_with("node.kubernetes.io/")
        || key.starts_with("node.cloudprovider.kubernetes.io/")
        || key.ends_with("agent-not-ready")
}

pub(crate) fn is_cordon(taint: &Taint) -> bool {
    taint.key == "node.kubernetes.io/unschedulable"
}

pub(crate) fn is_not_ready(taint: &Taint) -> bool {
    matches!(
        taint.key.as_str(),
        "node.kubernetes.io/not-ready" | "node.kubernetes.io/unreachable"
    )
}

/// Not one of the resources that every node has.
pub(crate) fn is_extended(resource: &str) -> bool {
    !matches!(resource, "cpu" | "memory" | "ephemeral-storage")
}

fn keeps_pods_away(rejection: &Rejection) -> bool {
    matches!(rejection, Rejection::Taint(_) | Rejection::Unschedulable)
}

fn is_passing(rejection: &Rejection) -> bool {
    match rejection {
        Rejection::Unschedulable => true,
        Rejection::Taint(taint) => is_abnormal(taint),
        _ => false,
    }
}

/// The node is too small even when it is empty.
fn too_small(rejection: &Rejection, extended: bool) -> bool {
    matches!(rejection, Rejection::Insufficient { resource, requested, allocatable, .. }
        if requested > allocatable && is_extended(resource) == extended)
}

type Stage = (fn(&Rejection) -> bool, fn(&[&NodeFit]) -> Why);

/// What sorts nodes out, in order, and what it means when no node is left.
const STAGES: &[Stage] = &[
    (
        |rejection| rejection.kind() == RejectionKind::NodeName,
        |_| Why::NodeName,
    ),
    (
        |rejection| rejection.kind() == RejectionKind::NodeAffinity,
        |_| Why::NodeAffinity,
    ),
    (|rejection| too_small(rejection, true), |_| Why::ExtendedUnknown),
    (
        |rejection| {
            matches!(
                rejection.kind(),
                RejectionKind::VolumeNodeAffinity
                    | RejectionKind::VolumeZone
                    | RejectionKind::VolumeGone
                    | RejectionKind::NoVolume
            )
        },
        |_| Why::VolumeAffinity,
    ),
    (
        |rejection| rejection.kind() == RejectionKind::ReadWriteOncePod,
        |_| Why::Rwop,
    ),
    (keeps_pods_away, why_away),
    (|rejection| too_small(rejection, false), |_| Why::TooLarge),
    (
        |rejection| {
            matches!(
                rejection.kind(),
                RejectionKind::PodAffinity
                    | RejectionKind::PodAntiAffinity
                    | RejectionKind::Spread
                    | RejectionKind::SpreadLabelMissing
            )
        },
        why_related,
    ),
    (|_| true, why_no_room),
];

/// What stands against a pod that fits nowhere: what decides first, then what would decide once that is mended; none
/// where it fits. `nodes_known` says that "no node fits" is proven.
pub(crate) fn outlooks(fit: &Fit, nodes_known: bool) -> Vec<Outlook> {
    let mut stops: Vec<Why> = fit.before_nodes.iter().map(before_nodes).collect();
    stops.sort_unstable();
    stops.dedup();
    let mut found: Vec<Outlook> = stops
        .iter()
        .map(|why| Outlook {
            why: *why,
            nodes: Vec::new(),
        })
        .collect();
    // Who holds a pod back on purpose may change it before it is let go, and another scheduler has rules of its own.
    if let Some(Why::Gates | Why::UnknownScheduler) = stops.first() {
        found.truncate(1);
        return found;
    }
    if !nodes_known {
        return found;
    }
    // What is wrong with a claim shows in its volume too.
    let no_volumes = |rejection: &Rejection| !stops.is_empty() && is_of_volume(rejection);
    let Some(first) = among_nodes(fit, no_volumes).filter(|first| !stops.contains(&first.why)) else {
        return found;
    };
    let next = mended_by(first.why).and_then(|mended| {
        among_nodes(fit, |rejection| no_volumes(rejection) || mended(rejection))
            .filter(|next| stays_true(fit, first.why, next))
    });
    found.push(first);
    found.extend(next);
    found
}

/// The reasons that go when what decides is mended; `None` where that is not plain.
fn mended_by(why: Why) -> Option<fn(&Rejection) -> bool> {
    match why {
        Why::Taint | Why::NoNodeReady | Why::Cordoned => Some(keeps_pods_away),
        Why::NodeAffinity => Some(|rejection| rejection.kind() == RejectionKind::NodeAffinity),
        Why::TooLarge => Some(|rejection| too_small(rejection, false)),
        _ => None,
    }
}

/// Whether what would decide next is a fault of its own, whatever becomes of the nodes: room comes and goes, and nodes
/// that the pod does not want, or that are yet to come, say nothing of its size.
fn stays_true(fit: &Fit, first: Why, next: &Outlook) -> bool {
    match next.why {
        Why::TooLarge => first != Why::NodeAffinity,
        Why::PodAffinity => next.nodes.iter().all(|at| {
            fit.nodes[*at]
                .rejections
                .iter()
                .any(|rejection| matches!(rejection, Rejection::PodAffinity { nowhere: true, .. }))
        }),
        _ => false,
    }
}

fn is_of_volume(rejection: &Rejection) -> bool {
    matches!(
        rejection.kind(),
        RejectionKind::VolumeNodeAffinity
            | RejectionKind::VolumeZone
            | RejectionKind::VolumeGone
            | RejectionKind::NoVolume
            | RejectionKind::VolumeLimit
            | RejectionKind::ReadWriteOncePod
    )
}

/// What decides among the nodes, apart from the reasons that are `left_out`; `None` where one fits.
fn among_nodes(fit: &Fit, left_out: impl Fn(&Rejection) -> bool) -> Option<Outlook> {
    let kept = Fit {
        pod: fit.pod.clone(),
        before_nodes: Vec::new(),
        nodes: fit
            .nodes
            .iter()
            .map(|node| NodeFit {
                node: node.node.clone(),
                rejections: node
                    .rejections
                    .iter()
                    .filter(|rejection| !left_out(rejection))
                    .cloned()
                    .collect(),
            })
            .collect(),
        unknowns: Vec::new(),
    };
    decides(&kept)
}

fn decides(fit: &Fit) -> Option<Outlook> {
    if fit.nodes.is_empty() {
        return Some(Outlook {
            why: Why::NoNode,
            nodes: Vec::new(),
        });
    }
    let mut left: Vec<usize> = (0..fit.nodes.len()).collect();
    for (place, (sorts_out, why)) in STAGES.iter().enumerate() {
        let rest: Vec<usize> = left
            .iter()
            .copied()
            .filter(|at| !fit.nodes[*at].rejections.iter().any(sorts_out))
            .collect();
        if rest.is_empty() {
            const TAINTS: usize = 5;
            if place > TAINTS
                && let Some(passing) = passing(fit, left.len())
            {
                return Some(passing);
            }
            let nodes: Vec<&NodeFit> = left.iter().map(|at| &fit.nodes[*at]).collect();
            return Some(Outlook {
                why: why(&nodes),
                nodes: left,
            });
        }
        left = rest;
    }
    None
}

/// Nodes that would take the pod if they were well and open decide where they are a good part of those that could:
/// then the cluster is large enough, and a few nodes out of service are the news. The third is a guess.
fn passing(fit: &Fit, without_room: usize) -> Option<Outlook> {
    let nodes: Vec<usize> = (0..fit.nodes.len())
        .filter(|at| {
            let rejections = &fit.nodes[*at].rejections;
            !rejections.is_empty() && rejections.iter().all(is_passing)
        })
        .collect();
    if nodes.is_empty() || nodes.len() * 3 < without_room {
        return None;
    }
    let views: Vec<&NodeFit> = nodes.iter().map(|at| &fit.nodes[*at]).collect();
    Some(Outlook {
        why: why_away(&views),
        nodes,
    })
}

fn before_nodes(obstacle: &Obstacle) -> Why {
    match obstacle {
        Obstacle::Gates(_) => Why::Gates,
        Obstacle::UnknownScheduler(_) => Why::UnknownScheduler,
        Obstacle::ClaimMissing { .. } | Obstacle::ClaimDeleting(_) => Why::ClaimMissing,
        Obstacle::ClaimLost { .. } | Obstacle::UnboundClaims(_) => Why::UnboundClaim,
        Obstacle::AffinityConflict => Why::NodeAffinity,
    }
}

/// Every node is tainted or cordoned. Nodes that are only out of service for now tell more than those that are kept
/// for others on purpose.
fn why_away(nodes: &[&NodeFit]) -> Why {
    let taints = |node: &NodeFit, is: fn(&Taint) -> bool| {
        node.rejections
            .iter()
            .any(|rejection| matches!(rejection, Rejection::Taint(taint) if is(taint)))
    };
    let for_now: Vec<&&NodeFit> = nodes
        .iter()
        .filter(|node| {
            let mut away = node
                .rejections
                .iter()
                .filter(|rejection| keeps_pods_away(rejection));
            away.all(is_passing)
        })
        .collect();
    let not_ready = for_now.iter().filter(|node| taints(node, is_not_ready)).count();
    let cordoned = for_now
        .iter()
        .filter(|node| {
            !taints(node, is_not_ready) && (node.has(RejectionKind::Unschedulable) || taints(node, is_cordon))
        })
        .count();
    if not_ready > 0 && not_ready >= cordoned {
        Why::NoNodeReady
    } else if cordoned > 0 {
        Why::Cordoned
    } else {
        Why::Taint
    }
}

fn most(nodes: &[&NodeFit], kinds: &[(&[RejectionKind], Why)], otherwise: Why) -> Why {
    let count = |of: &[RejectionKind]| {
        nodes
            .iter()
            .filter(|node| of.iter().any(|kind| node.has(*kind)))
            .count()
    };
    // Of equals the first.
    let mut best = (0, otherwise);
    for (of, why) in kinds {
        let found = count(of);
        if found > best.0 {
            best = (found, *why);
        }
    }
    best.1
}

fn why_related(nodes: &[&NodeFit]) -> Why {
    most(
        nodes,
        &[
            (&[RejectionKind::PodAffinity], Why::PodAffinity),
            (&[RejectionKind::PodAntiAffinity], Why::PodAntiAffinity),
            (
                &[RejectionKind::Spread, RejectionKind::SpreadLabelMissing],
                Why::Spread,
            ),
        ],
        Why::PodAntiAffinity,
    )
}

fn why_no_room(nodes: &[&NodeFit]) -> Why {
    let why = most(
        nodes,
        &[
            (&[RejectionKind::Insufficient], Why::NoRoom),
            (&[RejectionKind::HostPort], Why::HostPort),
            (&[RejectionKind::TooManyPods], Why::PodCount),
            (&[RejectionKind::VolumeLimit], Why::VolumeLimit),
        ],
        Why::NoRoom,
    );
    let extended = |node: &&NodeFit| {
        let mut short = node.rejections.iter().filter_map(Rejection::shortfall);
        short.any(|(resource, _)| is_extended(resource))
    };
    if why == Why::NoRoom && nodes.iter().all(extended) {
        return Why::ExtendedInUse;
    }
    why
}

#[cfg(test)]
mod tests {
    use sonde_model::{Kind, ObjectRef};

    use super::*;

    fn taint(key: &str) -> Rejection {
        Rejection::Taint(Taint {
            key: key.to_owned(),
            effect: "NoSchedule".to_owned(),
            ..Taint::default()
        })
    }

    fn lacks(resource: &str, requested: i64, used: i64, allocatable: i64) -> Rejection {
        Rejection::Insufficient {
            resource: resource.into(),
            requested,
            used: Some(used),
            allocatable,
        }
    }

    fn decided(nodes: Vec<Vec<Rejection>>) -> Option<(Why, Vec<usize>)> {
        let fit = Fit {
            pod: ObjectRef::new(Kind::Pod, "shop", "new"),
            before_nodes: Vec::new(),
            nodes: nodes
                .into_iter()
                .enumerate()
                .map(|(at, rejections)| NodeFit {
                    node: format!("n{at}").into(),
                    rejections,
                })
                .collect(),
            unknowns: Vec::new(),
        };
        let first = outlooks(&fit, true).into_iter().next();
        first.map(|outlook| (outlook.why, outlook.nodes))
    }

    #[test]
    fn what_leaves_no_node_decides() {
        let control_plane = || taint("node-role.kubernetes.io/control-plane");
        let affinity = || Rejection::NodeAffinity(Vec::new());
        let port = || Rejection::HostPort {
            port: 80,
            protocol: "TCP".into(),
            held_by: ObjectRef::new(Kind::Pod, "shop", "x"),
        };
        let full = || lacks("cpu", 2, 3, 4);
        for (case, nodes, why) in [
            ("no node", vec![], Some(Why::NoNode)),
            ("it fits", vec![vec![]], None),
            (
                "full beside a control plane",
                vec![vec![control_plane()], vec![full()]],
                Some(Why::NoRoom),
            ),
            (
                "only a control plane",
                vec![vec![control_plane()]],
                Some(Why::Taint),
            ),
            (
                "selector",
                vec![vec![affinity()], vec![affinity(), full()]],
                Some(Why::NodeAffinity),
            ),
            (
                "the chosen ones are tainted",
                vec![vec![affinity()], vec![taint("dedicated")]],
                Some(Why::Taint),
            ),
            (
                "GPU nodes are tainted",
                vec![vec![lacks("nvidia.com/gpu", 1, 0, 0)], vec![taint("gpu")]],
                Some(Why::Taint),
            ),
            (
                "no GPU",
                vec![
                    vec![lacks("nvidia.com/gpu", 1, 0, 0)],
                    vec![control_plane(), lacks("nvidia.com/gpu", 1, 0, 0)],
                ],
                Some(Why::ExtendedUnknown),
            ),
            (
                "GPUs in use",
                vec![
                    vec![lacks("nvidia.com/gpu", 1, 4, 4)],
                    vec![lacks("nvidia.com/gpu", 1, 0, 0)],
                ],
                Some(Why::ExtendedInUse),
            ),
            (
                "too large",
                vec![vec![lacks("cpu", 9, 0, 4)], vec![lacks("cpu", 9, 0, 8)]],
                Some(Why::TooLarge),
            ),
            (
                "too large for some, no room on the rest",
                vec![vec![lacks("cpu", 6, 0, 4)], vec![lacks("cpu", 6, 5, 8)]],
                Some(Why::NoRoom),
            ),
            (
                "not ready",
                vec![vec![taint("node.kubernetes.io/not-ready")]],
                Some(Why::NoNodeReady),
            ),
            (
                "one full, one not ready",
                vec![vec![full()], vec![taint("node.kubernetes.io/unreachable")]],
                Some(Why::NoNodeReady),
            ),
            (
                "one full, one cordoned",
                vec![
                    vec![full()],
                    vec![
                        Rejection::Unschedulable,
                        taint("node.kubernetes.io/unschedulable"),
                    ],
                ],
                Some(Why::Cordoned),
            ),
            (
                "many full, one cordoned",
                vec![
                    vec![full()],
                    vec![full()],
                    vec![full()],
                    vec![full()],
                    vec![Rejection::Unschedulable],
                ],
                Some(Why::NoRoom),
            ),
            (
                "cordoned and full",
                vec![vec![full()], vec![Rejection::Unschedulable, full()]],
                Some(Why::NoRoom),
            ),
            ("ports", vec![vec![port()], vec![port()]], Some(Why::HostPort)),
        ] {
            assert_eq!(decided(nodes).map(|it| it.0), why, "{case}");
        }
    }

    #[test]
    fn the_nodes_are_those_that_were_left() {
        let found = decided(vec![
            vec![taint("dedicated")],
            vec![lacks("cpu", 2, 3, 4)],
            vec![Rejection::NodeAffinity(Vec::new())],
        ]);
        assert_eq!(found, Some((Why::NoRoom, vec![1])));
    }
}
