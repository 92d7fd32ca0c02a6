//! Whether the scheduler could make room by removing pods of lower priority (`defaultpreemption`).
//!
//! Disruption budgets are left out: the scheduler prefers victims that violate none, and takes others if it must.

use std::cmp::Reverse;
use std::sync::Arc;

use sonde_model::ObjectRef;
use sonde_world::Object;

use crate::explain::Assessment;
use crate::fit::Rejection;
use crate::{Cluster, Fit, NodeRoom};

/// What preemption can do for a pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Preemption {
    /// The pod's policy is `Never`.
    Never,
    /// Room is being made: these pods are ending on the node that was chosen.
    UnderWay {
        /// The node.
        node: Arc<str>,
        /// The pods that end.
        victims: Vec<ObjectRef>,
    },
    /// Removing these pods would make it fit; the least harm first, five plans at most.
    Possible(Vec<PreemptionPlan>),
    /// Nodes reject the pod for reasons that pods cause, but none there has a lower priority, or too few.
    NoVictims,
    /// Every node rejects the pod for reasons that removing pods cannot change.
    NotHelpful,
}

/// One way to make room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreemptionPlan {
    /// The node.
    pub node: Arc<str>,
    /// Who would have to go, the most important first.
    pub victims: Vec<ObjectRef>,
    /// The highest priority among them.
    pub highest_priority: i64,
}

/// As many nodes are tried as the scheduler tries by default in a small cluster (`minCandidateNodesAbsolute`).
const NODES_TRIED_MAX: usize = 100;
const PLANS_MAX: usize = 5;

impl Cluster {
    /// What preemption can do for a pod that fits nowhere.
    pub fn preemption(&self, fit: &Fit) -> Option<Preemption> {
        let mut assessment = Assessment::of(self, &fit.pod)?;
        if let Some(under_way) = self.preemption_under_way(&assessment) {
            return Some(under_way);
        }
        if assessment.needs.never_preempts {
            return Some(Preemption::Never);
        }
        let mut helpful = fit
            .nodes
            .iter()
            .filter(|node| !node.fits() && node.rejections.iter().all(Rejection::yields_to_preemption))
            .filter_map(|node| self.node(&node.node))
            .peekable();
        if helpful.peek().is_none() {
            return Some(Preemption::NotHelpful);
        }
        let own = assessment.needs.priority;
        let mut plans: Vec<PreemptionPlan> = helpful
            .filter(|node| node.pods.iter().any(|pod| priority(pod) < own))
            .take(NODES_TRIED_MAX)
            .filter_map(|node| assessment.plan(node))
            .collect();
        plans.sort_by(|a, b| {
            let harm = |plan: &PreemptionPlan| (plan.highest_priority, plan.victims.len());
            harm(a).cmp(&harm(b)).then_with(|| a.node.cmp(&b.node))
        });
        plans.truncate(PLANS_MAX);
        Some(if plans.is_empty() {
            Preemption::NoVictims
        } else {
            Preemption::Possible(plans)
        })
    }

    fn preemption_under_way(&self, assessment: &Assessment<'_>) -> Option<Preemption> {
        let node = self.node(assessment.needs.nominated.as_ref()?)?;
        let victims: Vec<ObjectRef> = node
            .pods
            .iter()
            .filter(|pod| pod.deletion.is_some() && priority(pod) < assessment.needs.priority)
            .map(|pod| pod.reference.clone())
            .collect();
        (!victims.is_empty()).then(|| Preemption::UnderWay {
            node: node.name().clone(),
            victims,
        })
    }
}

impl Assessment<'_> {
    /// `SelectVictimsOnNode`: everyone of lower priority goes, then who can stay comes back, the most important first.
    fn plan(&mut self, room: &NodeRoom) -> Option<PreemptionPlan> {
        let mut node = room.clone();
        let mut lower: Vec<Arc<Object>> = room
            .pods
            .iter()
            .filter(|pod| priority(pod) < self.needs.priority)
            .cloned()
            .collect();
        lower.sort_by_key(|pod| {
            let started = pod.pod().and_then(|columns| columns.started);
            (
                Reverse(priority(pod)),
                started.is_none(),
                started,
                pod.reference.clone(),
            )
        });
        for pod in &lower {
            node.take(&pod.reference);
            self.counts.remove(&self.needs, self.cluster, pod);
        }
        let mut gone: Vec<ObjectRef> = lower.iter().map(|pod| pod.reference.clone()).collect();
        let helps = self.fits_without(&node, &gone);
        let mut victims: Vec<Arc<Object>> = Vec::new();
        for pod in lower {
            self.counts.restore(&self.needs, self.cluster, &pod);
            if !helps {
                continue;
            }
            node.add(&pod);
            gone.retain(|reference| *reference != pod.reference);
            if !self.fits_without(&node, &gone) {
                node.take(&pod.reference);
                gone.push(pod.reference.clone());
                self.counts.remove(&self.needs, self.cluster, &pod);
                victims.push(pod);
            }
        }
        for pod in &victims {
            self.counts.restore(&self.needs, self.cluster, pod);
        }
        helps.then(|| PreemptionPlan {
            node: room.name().clone(),
            highest_priority: victims.first().map_or(i64::MIN, |pod| priority(pod)),
            victims: victims.iter().map(|pod| pod.reference.clone()).collect(),
        })
    }

    fn fits_without(&self, node: &NodeRoom, gone: &[ObjectRef]) -> bool {
        self.rejections(node).iter().all(
            |rejection| matches!(rejection, Rejection::ReadWriteOncePod { holder, .. } if gone.contains(holder)),
        )
    }
}

fn priority(pod: &Object) -> i64 {
    pod.pod().map_or(0, |columns| columns.priority)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::testing::{Stage, merge, pod_ref};

    fn stage(new: Value) -> Stage {
        let mut stage = Stage::new();
        let mut pod = json!({"spec": {"priority": 100, "containers": [{"name": "app", "resources": {"requests": {"cpu": "2"}}}]}});
        merge(&mut pod, new);
        stage.pod("new", pod);
        stage
    }

    fn outcome(stage: &Stage) -> Preemption {
        let cluster = Cluster::prepare(&stage.snapshot());
        let fit = cluster.explain(&pod_ref("new")).unwrap();
        assert!(!fit.fits_somewhere());
        cluster.preemption(&fit).unwrap()
    }

    #[test]
    fn the_fewest_and_least_important_go() {
        let mut stage = stage(json!({}));
        stage
            .node("n1", json!({}))
            .running("small", "n1", "1", json!({"spec": {"priority": 5}}))
            .running("large", "n1", "2", json!({"spec": {"priority": 1}}))
            .running("high", "n1", "1", json!({"spec": {"priority": 200}}))
            .node("n2", json!({}))
            .running("above", "n2", "4", json!({"spec": {"priority": 100}}));
        assert_eq!(
            outcome(&stage),
            Preemption::Possible(vec![PreemptionPlan {
                node: "n1".into(),
                victims: vec![pod_ref("large")],
                highest_priority: 1
            }])
        );
    }

    #[test]
    fn what_preemption_cannot_do() {
        let mut never = stage(json!({"spec": {"preemptionPolicy": "Never"}}));
        never.node("n1", json!({})).running("low", "n1", "4", json!({}));
        assert_eq!(outcome(&never), Preemption::Never);

        let mut equal = stage(json!({}));
        equal
            .node("n1", json!({}))
            .running("equal", "n1", "4", json!({"spec": {"priority": 100}}));
        assert_eq!(outcome(&equal), Preemption::NoVictims);

        let mut tainted = stage(json!({}));
        tainted
            .node(
                "n1",
                json!({"spec": {"taints": [{"key": "x", "effect": "NoSchedule"}]}}),
            )
            .running("low", "n1", "4", json!({}));
        assert_eq!(outcome(&tainted), Preemption::NotHelpful);

        let mut too_small = stage(json!({}));
        too_small
            .node("n1", json!({"status": {"allocatable": {"cpu": "1"}}}))
            .running("low", "n1", "1", json!({}));
        assert_eq!(outcome(&too_small), Preemption::NotHelpful);
    }

    #[test]
    fn victims_that_end_make_room() {
        let mut stage = stage(json!({"status": {"nominatedNodeName": "n1"}}));
        stage.node("n1", json!({})).running(
            "low",
            "n1",
            "4",
            json!({"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}}),
        );
        assert_eq!(
            outcome(&stage),
            Preemption::UnderWay {
                node: "n1".into(),
                victims: vec![pod_ref("low")]
            }
        );
    }

    #[test]
    fn anti_affinity_yields_too_and_counts_are_put_back() {
        let apart = json!({"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [
            {"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": {"app": "web"}}}]}});
        let mut stage = stage(json!({"metadata": {"labels": {"app": "web"}}, "spec": {"affinity": apart}}));
        for node in ["n1", "n2"] {
            let web = json!({"metadata": {"labels": {"app": "web"}}, "spec": {"affinity": apart}});
            stage
                .node(node, json!({}))
                .running(&format!("web-{node}"), node, "1", web);
        }
        let Preemption::Possible(plans) = outcome(&stage) else {
            panic!("possible");
        };
        let victims: Vec<_> = plans.iter().flat_map(|plan| plan.victims.clone()).collect();
        assert_eq!(victims, [pod_ref("web-n1"), pod_ref("web-n2")]);
    }
}
