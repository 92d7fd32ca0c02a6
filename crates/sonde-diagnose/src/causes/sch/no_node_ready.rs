//! SCH-NO-NODE-READY: the nodes that would take the pod are not ready or do not report.

use sonde_model::{Code, Kind, ObjectRef};
use sonde_world::view::Node;

use super::stated::{decides, who};
use crate::cause::page;
use crate::field_on;
use crate::placement::Why;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("SCH-NO-NODE-READY"),
    title: "the nodes that would take it are not ready",
    explains: &[Symptom::Unschedulable],
    reads: &[],
    state,
    page: page!("SCH-NO-NODE-READY"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let Some(stated) = decides(facts, case, Why::NoNodeReady) else {
        return;
    };
    let who = who(facts);
    let nodes: Vec<ObjectRef> = stated
        .nodes()
        .iter()
        .map(|node| ObjectRef::cluster(Kind::Node, &node.node))
        .collect();
    case.headline(if nodes.is_empty() {
        format!("no usable node is ready, so {who} has no node")
    } else if stated.alone {
        format!("{} would take {who} and cannot: not ready", stated.node_names())
    } else {
        format!("{} takes no pods, {who} neither: not ready", stated.node_names())
    });
    for node in nodes.iter().take(3) {
        let Some(view) = facts.snapshot.view::<Node>(node) else {
            continue;
        };
        let Some(ready) = view.condition("Ready").filter(|ready| !ready.is_true()) else {
            continue;
        };
        let mut seen = field_on(
            node,
            "status.conditions[Ready]",
            format!("{}: {}: {}", ready.status, ready.reason, ready.message),
        );
        seen.time = ready.last_transition_time.0;
        case.step(format!("{node} is not ready"), [seen]);
    }
    case.look("which nodes are ready", "kubectl get nodes");
    if let Some(node) = nodes.first() {
        case.follows(node.clone());
    }
    stated.finish(facts, case);
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use sonde_model::Verdict;

    use super::super::testing::*;
    use crate::testing::Scene;

    const SAID: &str = "0/1 nodes are available: 1 node(s) had untolerated taint {node.kubernetes.io/not-ready: }. preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.";

    fn not_ready(name: &str) -> serde_json::Value {
        node(
            name,
            json!({"spec": {"taints": [{"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"}]},
            "status": {"conditions": [{"type": "Ready", "status": "False", "reason": "KubeletNotReady", "message": "container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady message:Network plugin returns error: cni plugin not initialized", "lastTransitionTime": "2026-03-01T11:00:00Z", "lastHeartbeatTime": "2026-03-01T11:59:30Z"}]}}),
        )
    }

    #[test]
    fn the_nodes_own_finding_explains_the_pod() {
        let outcome = scene()
            .object(not_ready("n1"))
            .object(pending(SAID, json!({})))
            .diagnose();
        outcome.lacks("SCH-NO-NODE-READY");
        assert_eq!(outcome.report.findings.len(), 1);
        let finding = &outcome.report.findings[0];
        assert!(
            finding.explains.iter().any(|it| it.name.as_ref() == "app-1"),
            "{:?}",
            finding.explains
        );
    }

    #[test]
    fn proven_by_the_words_alone() {
        Scene::new()
            .loose(SAID)
            .diagnose()
            .finds_only("SCH-NO-NODE-READY", Verdict::Proven);
    }

    #[test]
    fn over_when_the_node_is_ready() {
        scene()
            .object(node("n1", json!({})))
            .object(pending(SAID, json!({})))
            .diagnose()
            .lacks("SCH-NO-NODE-READY");
    }
}
