//! How much room there is, where, and who holds the rest.

use std::sync::Arc;

use sonde_model::ObjectRef;
use sonde_world::Object;

use crate::fit::{Fit, NodeFit, RejectionKind};
use crate::{Cluster, NodeRoom};

/// What a pod holds of a resource; CPU in millicores.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// The pod.
    pub pod: ObjectRef,
    /// How much it requested.
    pub amount: i64,
}

/// The room for one resource on the nodes that reject a pod for want of room alone; CPU in millicores.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Room {
    /// The resource.
    pub resource: Arc<str>,
    /// What the pod asks for.
    pub requested: i64,
    /// How many nodes would take the pod if they had room.
    pub nodes: usize,
    /// What is free on them together.
    pub total_free: i64,
    /// The most that is free on one of them.
    pub largest_hole: i64,
    /// Where that is.
    pub largest_hole_on: Arc<str>,
    /// The most that one of them offers in all.
    pub largest_node: i64,
    /// Which one that is.
    pub largest_node_name: Arc<str>,
    /// Who holds the rest on the node with the largest hole, the biggest first; ten at most.
    pub holders: Vec<Holder>,
}

impl Room {
    /// No node is large enough, even if it were empty.
    pub fn exceeds_every_node(&self) -> bool {
        self.requested > self.largest_node
    }

    /// There is enough in total and on no single node.
    pub fn is_fragmented(&self) -> bool {
        !self.exceeds_every_node() && self.total_free >= self.requested && self.largest_hole < self.requested
    }

    /// There is not enough, even in total.
    pub fn is_full(&self) -> bool {
        !self.exceeds_every_node() && self.total_free < self.requested
    }
}

impl NodeRoom {
    /// Who holds a resource there, the biggest first.
    pub fn holders(&self, resource: &str) -> Vec<Holder> {
        let mut holders: Vec<Holder> = self
            .pods
            .iter()
            .map(|pod| Holder {
                pod: pod.reference.clone(),
                amount: amount(pod, resource),
            })
            .filter(|holder| holder.amount > 0)
            .collect();
        holders.sort_by(|a, b| b.amount.cmp(&a.amount).then_with(|| a.pod.cmp(&b.pod)));
        holders
    }
}

pub(crate) fn amount(pod: &Object, resource: &str) -> i64 {
    pod.pod().map_or(0, |columns| columns.requests.get(resource))
}

impl Fit {
    /// The nodes that would take the pod if they had room: those where it fits, and those that lack room alone.
    pub fn willing(&self) -> impl Iterator<Item = &NodeFit> {
        self.nodes.iter().filter(|node| {
            node.rejections.iter().all(|rejection| {
                matches!(
                    rejection.kind(),
                    RejectionKind::Insufficient | RejectionKind::TooManyPods
                )
            })
        })
    }
}

impl Cluster {
    /// The room for each resource that the pod asks for, on the nodes that would take it.
    pub fn room(&self, fit: &Fit) -> Vec<Room> {
        let Some(columns) = self.snapshot.get(&fit.pod).and_then(|pod| pod.pod()) else {
            return Vec::new();
        };
        let unbound = self.unbound(&fit.pod);
        let cluster = unbound.as_ref().unwrap_or(self);
        let willing: Vec<&Arc<NodeRoom>> = fit
            .willing()
            .filter_map(|node| cluster.node(&node.node))
            .collect();
        let wanted = columns.requests.iter().filter(|(_, amount)| *amount > 0);
        wanted
            .filter_map(|(resource, requested)| {
                // Of equal nodes the first by name, so that the answer does not change from run to run.
                let hole = willing.iter().rev().max_by_key(|node| node.free(resource))?;
                let largest = willing
                    .iter()
                    .rev()
                    .max_by_key(|node| node.columns().allocatable.get(resource))?;
                let mut holders = hole.holders(resource);
                holders.truncate(10);
                Some(Room {
                    resource: resource.into(),
                    requested,
                    nodes: willing.len(),
                    total_free: willing
                        .iter()
                        .map(|node| node.free(resource).max(0))
                        .fold(0, i64::saturating_add),
                    largest_hole: hole.free(resource).max(0),
                    largest_hole_on: hole.name().clone(),
                    largest_node: largest.columns().allocatable.get(resource),
                    largest_node_name: largest.name().clone(),
                    holders,
                })
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::testing::{Stage, pod_ref};

    #[test]
    fn tells_too_large_full_and_fragmented_apart() {
        for (request, on_each, expected) in [
            ("5", "1", (true, false, false)),
            ("3", "2", (false, true, false)),
            ("3", "4", (false, false, true)),
            ("2", "2", (false, false, false)),
        ] {
            let mut stage = Stage::new();
            for node in ["n1", "n2", "n3"] {
                stage
                    .node(node, json!({}))
                    .running(&format!("on-{node}"), node, on_each, json!({}));
            }
            // A node that would not take the pod anyway has no say.
            stage.node(
                "n4",
                json!({"spec": {"unschedulable": true}, "status": {"allocatable": {"cpu": "64"}}}),
            );
            stage.pod("new", json!({"spec": {"containers": [{"name": "app", "resources": {"requests": {"cpu": request}}}]}}));
            let cluster = Cluster::prepare(&stage.snapshot());
            let fit = cluster.explain(&pod_ref("new")).unwrap();
            let room = &cluster.room(&fit)[0];
            assert_eq!(
                (room.exceeds_every_node(), room.is_fragmented(), room.is_full()),
                expected,
                "{request} {room:?}"
            );
            assert_eq!((room.nodes, room.largest_hole_on.as_ref()), (3, "n1"));
            assert_eq!(room.holders[0].pod, pod_ref("on-n1"));
        }
    }
}
