//! The smallest changes that would make a pod fit; each one tried on a fork before it is named.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

use sonde_model::{Kind, ObjectRef, nearest};
use sonde_world::Object;
use sonde_world::view::{Pod, Taint};

use crate::change::{Change, NEW_NODE};
use crate::fit::{Fit, Miss, NodeFit, Obstacle, Rejection, RejectionKind};
use crate::needs::tolerates;
use crate::room::amount;
use crate::{Cluster, NodeRoom};

/// A change after which the pod fits: the filters were run on a fork that has it.
#[derive(Debug, Clone, PartialEq)]
pub struct Remedy {
    /// The change.
    pub change: Change,
    /// Where the pod fits then.
    pub node: Arc<str>,
    /// For a toleration: workloads that have it already, five at most.
    pub used_by: Vec<ObjectRef>,
}

/// Of each sort of change so many candidates are tried.
const TRIES_MAX: usize = 3;
/// On so many nodes it is worked out who would have to leave.
const NODES_LOOKED_AT_MAX: usize = 64;

impl Cluster {
    /// The smallest changes that would make a pod fit, the least intrusive first; empty where it fits or none was found.
    pub fn remedies(&self, fit: &Fit) -> Vec<Remedy> {
        let gates_only = matches!(fit.before_nodes.as_slice(), [Obstacle::Gates(_)]);
        if fit.fits_somewhere() || (!fit.before_nodes.is_empty() && !gates_only) {
            return Vec::new();
        }
        let sorts: [Vec<Change>; 8] = [
            if gates_only {
                vec![Change::RemoveGates]
            } else {
                Vec::new()
            },
            self.corrections(fit),
            self.uncordons(fit),
            self.tolerations(fit),
            self.departures(fit),
            self.lower_requests(fit),
            self.labels(fit),
            self.additions(fit),
        ];
        sorts
            .into_iter()
            .filter_map(|changes| {
                changes
                    .into_iter()
                    .take(TRIES_MAX)
                    .find_map(|change| self.verified(fit, change))
            })
            .collect()
    }

    /// Runs the filters on a fork with the change.
    fn verified(&self, fit: &Fit, change: Change) -> Option<Remedy> {
        let mut fork = self.snapshot.fork();
        let touched = change.apply(&self.snapshot, &fit.pod, &mut fork).ok()?;
        let changed = self.updated(&fork.snapshot(), &touched);
        let node = match &change {
            Change::RemovePods { node, .. } | Change::Uncordon(node) | Change::LabelNode { node, .. } => {
                changed.fits_on(&fit.pod, node).then(|| node.clone())
            }
            Change::AddNode { .. } => changed.fits_on(&fit.pod, NEW_NODE).then(|| NEW_NODE.into()),
            _ => changed.first_fit(&fit.pod),
        }?;
        let used_by = match &change {
            Change::Tolerate(taint) => self.who_tolerates(taint),
            _ => Vec::new(),
        };
        Some(Remedy {
            change,
            node,
            used_by,
        })
    }

    /// Workloads with pods on nodes that have the taint and that tolerate it: a pod may have been there before the taint.
    fn who_tolerates(&self, taint: &Taint) -> Vec<ObjectRef> {
        let same = |have: &Taint| have.key == taint.key && have.value == taint.value;
        let mut owners: Vec<ObjectRef> = self
            .nodes()
            .iter()
            .filter(|node| node.hard_taints().any(same))
            .take(20)
            .flat_map(|node| &node.pods)
            .filter(|pod| !is_of_node(pod))
            .filter(|pod| {
                let pod = self.snapshot.view::<Pod>(&pod.reference);
                pod.is_some_and(|pod| pod.spec.tolerations.iter().any(|it| tolerates(it, taint)))
            })
            .map(|pod| self.snapshot.root_owner(&pod.reference))
            .filter(|owner| owner.kind != Kind::DaemonSet)
            .collect();
        owners.sort();
        owners.dedup();
        owners.truncate(5);
        owners
    }

    /// A label key or value that is most likely misspelt.
    fn corrections(&self, fit: &Fit) -> Vec<Change> {
        let mut out = Vec::new();
        for miss in common_misses(fit) {
            let requirement = &miss.requirement.requirement;
            if miss.requirement.of_field || requirement.operator != "In" {
                continue;
            }
            let mut keys: BTreeMap<&str, BTreeMap<&str, usize>> = BTreeMap::new();
            for node in self.nodes() {
                for (key, value) in &node.object.labels {
                    *keys.entry(key).or_default().entry(value).or_default() += 1;
                }
            }
            let correct = |key: &str, value: &str| Change::Correct {
                requirement: miss.requirement.clone(),
                key: key.to_owned(),
                value: value.to_owned(),
            };
            match keys.get(requirement.key.as_str()) {
                Some(values) => {
                    let near = requirement
                        .values
                        .iter()
                        .find_map(|wanted| nearest(wanted, values.keys().copied()));
                    out.extend(near.map(|value| correct(&requirement.key, value)));
                }
                None => {
                    // The same name under another prefix is nearer than any other spelling.
                    let name = |key: &str| key.rsplit('/').next().unwrap_or(key).to_owned();
                    let wanted = name(&requirement.key);
                    let near = keys
                        .keys()
                        .copied()
                        .find(|key| name(key) == wanted)
                        .or_else(|| nearest(&requirement.key, keys.keys().copied()));
                    let value = requirement
                        .values
                        .iter()
                        .find(|wanted| near.is_some_and(|key| keys[key].contains_key(wanted.as_str())));
                    out.extend(near.zip(value).map(|(key, value)| correct(key, value)));
                }
            }
        }
        out
    }

    fn uncordons(&self, fit: &Fit) -> Vec<Change> {
        let cordon = |rejection: &Rejection| match rejection {
            Rejection::Unschedulable => true,
            Rejection::Taint(taint) => taint.key == "node.kubernetes.io/unschedulable",
            _ => false,
        };
        rejected_for(fit, cordon)
            .map(|node| Change::Uncordon(node.node.clone()))
            .collect()
    }

    /// Taints that someone put there on purpose; those of the node's own troubles are not to be tolerated away.
    fn tolerations(&self, fit: &Fit) -> Vec<Change> {
        let own = |rejection: &Rejection| {
            matches!(rejection, Rejection::Taint(taint) if !taint.key.starts_with("node.kubernetes.io/")
                && !taint.key.starts_with("node.cloudprovider.kubernetes.io/"))
        };
        let mut counts: Vec<(Taint, usize)> = Vec::new();
        for node in rejected_for(fit, own) {
            let [Rejection::Taint(taint)] = node.rejections.as_slice() else {
                continue;
            };
            let same = |it: &(Taint, usize)| {
                (&it.0.key, &it.0.value, &it.0.effect) == (&taint.key, &taint.value, &taint.effect)
            };
            match counts.iter_mut().find(|it| same(it)) {
                Some(it) => it.1 += 1,
                None => counts.push((taint.clone(), 1)),
            }
        }
        // A control plane is the last place for a workload.
        counts.sort_by_key(|(taint, count)| {
            (taint.key.starts_with("node-role.kubernetes.io/"), Reverse(*count))
        });
        counts
            .into_iter()
            .map(|(taint, _)| Change::Tolerate(taint))
            .collect()
    }

    /// Who would have to leave: as few pods as possible, on the node that lacks least.
    fn departures(&self, fit: &Fit) -> Vec<Change> {
        let by_pods = |rejection: &Rejection| rejection.yields_to_preemption();
        // Where least is lacking, few pods have to go.
        let lacking = |node: &NodeFit| {
            let short = node.rejections.iter().filter_map(Rejection::shortfall);
            (
                node.rejections.len(),
                short.map(|(_, missing)| missing).fold(0, i64::saturating_add),
            )
        };
        let mut nodes: Vec<&NodeFit> = rejected_for(fit, by_pods).collect();
        nodes.sort_by_key(|node| lacking(node));
        nodes.truncate(NODES_LOOKED_AT_MAX);
        let mut ways: Vec<((usize, i64, i64), Change)> = Vec::new();
        for node in nodes {
            let Some(room) = self.node(&node.node) else {
                continue;
            };
            let Some(pods) = who_leaves(room, node) else {
                continue;
            };
            let held = |resource| {
                let leaving = room.pods.iter().filter(|pod| pods.contains(&pod.reference));
                leaving
                    .map(|pod| amount(pod, resource))
                    .fold(0, i64::saturating_add)
            };
            let harm = (pods.len(), held("cpu"), held("memory"));
            let node = node.node.clone();
            ways.push((harm, Change::RemovePods { node, pods }));
        }
        ways.sort_by_key(|(harm, _)| *harm);
        ways.into_iter().map(|(_, change)| change).collect()
    }

    /// The request that the largest hole would take.
    fn lower_requests(&self, fit: &Fit) -> Vec<Change> {
        let mut ways: Vec<(Reverse<i64>, Change)> = fit
            .nodes
            .iter()
            .filter_map(|node| match node.rejections.as_slice() {
                [
                    Rejection::Insufficient {
                        resource,
                        requested,
                        used: Some(used),
                        allocatable,
                    },
                ] => {
                    let free = allocatable.saturating_sub(*used);
                    (free > 0).then(|| {
                        (
                            Reverse(free),
                            Change::LowerRequest {
                                resource: resource.clone(),
                                from: *requested,
                                to: free,
                            },
                        )
                    })
                }
                _ => None,
            })
            .collect();
        ways.sort_by_key(|(free, _)| *free);
        ways.into_iter().map(|(_, change)| change).collect()
    }

    /// A node that lacks nothing but one label.
    fn labels(&self, fit: &Fit) -> Vec<Change> {
        fit.nodes
            .iter()
            .filter_map(|node| match node.rejections.as_slice() {
                [Rejection::NodeAffinity(misses)] => match misses.as_slice() {
                    [miss] if !miss.requirement.of_field && miss.actual.is_none() => {
                        let requirement = &miss.requirement.requirement;
                        let value = match requirement.operator.as_str() {
                            "In" => requirement.values.first()?.clone(),
                            "Exists" => String::new(),
                            _ => return None,
                        };
                        Some(Change::LabelNode {
                            node: node.node.clone(),
                            key: requirement.key.clone(),
                            value,
                        })
                    }
                    _ => None,
                },
                _ => None,
            })
            .collect()
    }

    /// A node like one that would take the pod if it were empty; the smallest such.
    fn additions(&self, fit: &Fit) -> Vec<Change> {
        let mut nodes: Vec<&Arc<NodeRoom>> = fit
            .nodes
            .iter()
            .filter(|node| !node.rejections.is_empty() && node.rejections.iter().all(gone_on_a_new_node))
            .filter_map(|node| self.node(&node.node))
            .collect();
        nodes.sort_by_key(|node| {
            let offers = &node.columns().allocatable;
            (offers.cpu_milli, offers.memory)
        });
        nodes
            .into_iter()
            .map(|node| Change::AddNode {
                like: node.name().clone(),
            })
            .collect()
    }
}

/// Reasons that a fresh node of the same shape would not have.
fn gone_on_a_new_node(rejection: &Rejection) -> bool {
    match rejection {
        Rejection::Taint(taint) => taint.key.starts_with("node.kubernetes.io/"),
        Rejection::Unschedulable => true,
        Rejection::ReadWriteOncePod { .. } => false,
        other => other.yields_to_preemption(),
    }
}

/// Nodes that reject the pod for reasons that `reason` takes, and for no other.
fn rejected_for(fit: &Fit, reason: impl Fn(&Rejection) -> bool) -> impl Iterator<Item = &NodeFit> {
    fit.nodes
        .iter()
        .filter(move |node| !node.rejections.is_empty() && node.rejections.iter().all(&reason))
}

/// The requirements that every node misses, each once.
fn common_misses(fit: &Fit) -> Vec<&Miss> {
    let of = |node: &'_ NodeFit| -> Vec<Miss> {
        node.rejections
            .iter()
            .filter_map(|rejection| match rejection {
                Rejection::NodeAffinity(misses) => Some(misses.clone()),
                _ => None,
            })
            .flatten()
            .collect()
    };
    let mut seen: Vec<&Miss> = Vec::new();
    let Some(first) = fit.nodes.first() else {
        return seen;
    };
    let everywhere = |miss: &Miss| {
        fit.nodes
            .iter()
            .all(|node| of(node).iter().any(|have| have.requirement == miss.requirement))
    };
    for rejection in &first.rejections {
        if let Rejection::NodeAffinity(misses) = rejection {
            seen.extend(misses.iter().filter(|miss| everywhere(miss)));
        }
    }
    seen
}

/// Pods that come back wherever they are removed from: of DaemonSets, and static ones.
fn is_of_node(pod: &Object) -> bool {
    pod.owner
        .as_ref()
        .is_some_and(|owner| matches!(owner.reference.kind, Kind::DaemonSet | Kind::Node))
}

/// The fewest pods whose leaving would undo every reason against the node.
fn who_leaves(room: &NodeRoom, node: &NodeFit) -> Option<Vec<ObjectRef>> {
    let mut leave: Vec<ObjectRef> = Vec::new();
    let movable = |reference: &ObjectRef| {
        room.pods
            .iter()
            .any(|pod| pod.reference == *reference && !is_of_node(pod))
    };
    for rejection in &node.rejections {
        match rejection {
            Rejection::HostPort { held_by: holder, .. }
            | Rejection::ReadWriteOncePod { holder, .. }
            | Rejection::PodAntiAffinity { with: holder, .. } => {
                if !movable(holder) {
                    return None;
                }
                leave.push(holder.clone());
            }
            _ => {}
        }
    }
    leave.sort();
    leave.dedup();
    for rejection in &node.rejections {
        if rejection.kind() == RejectionKind::TooManyPods && leave.is_empty() {
            let smallest = room
                .pods
                .iter()
                .filter(|pod| !is_of_node(pod))
                .min_by_key(|pod| (amount(pod, "memory"), amount(pod, "cpu")))?;
            leave.push(smallest.reference.clone());
        }
        let Some((resource, shortfall)) = rejection.shortfall() else {
            continue;
        };
        let freed = |pods: &[ObjectRef]| {
            let leaving = room.pods.iter().filter(|pod| pods.contains(&pod.reference));
            leaving
                .map(|pod| amount(pod, resource))
                .fold(0, i64::saturating_add)
        };
        let mut missing = shortfall.saturating_sub(freed(&leave));
        let mut holders = room.holders(resource);
        holders.retain(|holder| !leave.contains(&holder.pod) && movable(&holder.pod));
        while missing > 0 {
            // One pod that is just large enough beats the largest.
            let at = holders
                .iter()
                .rposition(|holder| holder.amount >= missing)
                .or((!holders.is_empty()).then_some(0))?;
            let holder = holders.remove(at);
            missing = missing.saturating_sub(holder.amount);
            leave.push(holder.pod);
        }
    }
    (!leave.is_empty()).then_some(leave)
}

#[cfg(test)]
mod tests;
