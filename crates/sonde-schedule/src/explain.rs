//! Asks every filter about every node.

use std::sync::Arc;

use sonde_model::{Kind, ObjectRef};
use sonde_world::Snapshot;

use crate::counts::Counts;
use crate::filter::volumes::VolumeUse;
use crate::filter::{Place, rejections};
use crate::fit::{Fit, NodeFit, Obstacle, Rejection, Unknown};
use crate::needs::{DEFAULT_SCHEDULER, PodNeeds, scheduler_is_seen};
use crate::{Cluster, NodeRoom};

/// Where a pod of the snapshot fits and why not elsewhere; `None` where there is no such pod.
/// For several pods prepare a [`Cluster`] once.
pub fn explain(snapshot: &Snapshot, pod: &ObjectRef) -> Option<Fit> {
    Cluster::prepare(snapshot).explain(pod)
}

/// A pod's needs with the counts that its rules ask for.
pub(crate) struct Assessment<'a> {
    pub(crate) cluster: &'a Cluster,
    pub(crate) needs: PodNeeds,
    pub(crate) counts: Counts,
}

impl<'a> Assessment<'a> {
    pub(crate) fn of(cluster: &'a Cluster, pod: &ObjectRef) -> Option<Self> {
        let mut needs = PodNeeds::of(&cluster.snapshot, pod)?;
        // A pod that is bound to a known node was placed there: the question is where else it could be.
        let placed = |name: &Arc<str>| cluster.position(name).is_some();
        needs.node_name = needs.node_name.filter(|name| !placed(name));
        let counts = Counts::of(&needs, cluster);
        Some(Self {
            cluster,
            needs,
            counts,
        })
    }

    /// Why the pod does not fit on a node; the node may be a changed one.
    pub(crate) fn rejections(&self, node: &NodeRoom) -> Vec<Rejection> {
        static NO_VOLUMES: std::sync::OnceLock<VolumeUse> = std::sync::OnceLock::new();
        rejections(&Place {
            needs: &self.needs,
            counts: &self.counts,
            node,
            attached: if self.needs.volumes.attachments.is_empty() {
                NO_VOLUMES.get_or_init(VolumeUse::default)
            } else {
                self.cluster.volume_use()
            },
        })
    }
}

impl Cluster {
    /// Where a pod fits and why not elsewhere; `None` where there is no such pod.
    ///
    /// A pod that is bound is asked about as if its own room were free.
    pub fn explain(&self, pod: &ObjectRef) -> Option<Fit> {
        let unbound = self.unbound(pod);
        let cluster = unbound.as_ref().unwrap_or(self);
        let assessment = Assessment::of(cluster, pod)?;
        let mut nodes: Vec<NodeFit> = cluster
            .nodes()
            .iter()
            .filter(|node| node.is_told())
            .map(|node| NodeFit {
                node: node.name().clone(),
                rejections: assessment.rejections(node),
            })
            .collect();
        nodes.sort_by(|a, b| a.node.cmp(&b.node));
        let needs = assessment.needs;
        let mut before_nodes = needs.obstacles;
        if needs.scheduler.as_ref() != DEFAULT_SCHEDULER
            && !scheduler_is_seen(&self.snapshot, &needs.scheduler)
        {
            before_nodes.push(Obstacle::UnknownScheduler(needs.scheduler));
        }
        let mut unknowns = needs.unknowns;
        let listed = |kind| self.snapshot.is_complete_everywhere(&kind);
        if !listed(Kind::Node) || !cluster.nodes().iter().all(|node| node.is_told()) {
            unknowns.push(Unknown::Nodes);
        }
        if !listed(Kind::Pod) {
            unknowns.push(Unknown::Pods);
            for rejection in nodes.iter_mut().flat_map(|node| &mut node.rejections) {
                if let Rejection::Insufficient { used, .. } = rejection {
                    *used = None;
                }
            }
        }
        if !needs.volumes.attachments.is_empty() && !listed(Kind::CSINode) {
            unknowns.push(Unknown::VolumeLimits);
        }
        unknowns.sort();
        Some(Fit {
            pod: pod.clone(),
            before_nodes,
            nodes,
            unknowns,
        })
    }

    /// The first node where a pod fits, if nothing else stops it.
    pub fn first_fit(&self, pod: &ObjectRef) -> Option<Arc<str>> {
        let unbound = self.unbound(pod);
        let cluster = unbound.as_ref().unwrap_or(self);
        let assessment = Assessment::of(cluster, pod)?;
        if !assessment.needs.obstacles.is_empty() {
            return None;
        }
        let fits = |node: &&Arc<NodeRoom>| assessment.rejections(node).is_empty();
        cluster.nodes().iter().find(fits).map(|node| node.name().clone())
    }

    /// Whether a pod fits on a node, if nothing else stops it.
    pub fn fits_on(&self, pod: &ObjectRef, node: &str) -> bool {
        let unbound = self.unbound(pod);
        let cluster = unbound.as_ref().unwrap_or(self);
        let Some(assessment) = Assessment::of(cluster, pod) else {
            return false;
        };
        assessment.needs.obstacles.is_empty()
            && cluster
                .node(node)
                .is_some_and(|node| assessment.rejections(node).is_empty())
    }

    /// The cluster with the pod's own room freed, where it is bound.
    pub(crate) fn unbound(&self, pod: &ObjectRef) -> Option<Cluster> {
        let columns = self.snapshot.get(pod)?.pod()?;
        if columns.node.is_empty() || columns.is_terminal() {
            return None;
        }
        self.with_room_of(pod, &columns.node)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::testing::{Stage, pod_ref};

    #[test]
    fn obstacles_come_before_nodes() {
        let names =
            |values: [&str; 2]| json!({"key": "metadata.name", "operator": "In", "values": [values[0]]});
        let conflict = json!([{"matchFields": [names(["a", ""]), names(["b", ""])]}]);
        for (spec, expected) in [
            (json!({}), vec![]),
            (json!({"schedulerName": "default-scheduler"}), vec![]),
            (
                json!({"schedulingGates": [{"name": "quota"}]}),
                vec![Obstacle::Gates(vec!["quota".into()])],
            ),
            (
                json!({"schedulerName": "typo"}),
                vec![Obstacle::UnknownScheduler("typo".into())],
            ),
            (json!({"schedulerName": "seen"}), vec![]),
            (
                json!({"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": conflict}}}}),
                vec![Obstacle::AffinityConflict],
            ),
        ] {
            let mut stage = Stage::new();
            stage
                .running("other", "n1", "1", json!({"spec": {"schedulerName": "seen"}}))
                .node("n1", json!({}))
                .pod("new", json!({"spec": spec}));
            let fit = explain(&stage.snapshot(), &pod_ref("new")).unwrap();
            assert_eq!(fit.before_nodes, expected, "{spec}");
        }
    }

    #[test]
    fn of_a_node_that_only_a_table_tells_nothing_is_known() {
        let mut stage = Stage::new();
        stage
            .partial(
                json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1"},
                "status": {"conditions": [{"type": "Ready", "status": "True"}]}}),
            )
            .pod("new", json!({"spec": {"nodeSelector": {"disk": "ssd"}}}));
        let fit = explain(&stage.snapshot(), &pod_ref("new")).unwrap();
        assert!(fit.nodes.is_empty(), "{:?}", fit.nodes);
        assert!(fit.unknowns.contains(&Unknown::Nodes));
    }

    #[test]
    fn a_bound_pod_is_asked_about_as_if_its_room_were_free() {
        let mut stage = Stage::new();
        stage
            .node("n1", json!({}))
            .running("new", "n1", "4", json!({}))
            .node("n2", json!({}))
            .running("other", "n2", "1", json!({}));
        let fit = explain(&stage.snapshot(), &pod_ref("new")).unwrap();
        assert_eq!(
            fit.fitting().map(|node| node.node.as_ref()).collect::<Vec<_>>(),
            ["n1"]
        );
    }
}
