//! SCH-CORDONED: the nodes that would take the pod are cordoned.

use sonde_model::{Code, Kind, ObjectRef};
use sonde_world::view::Node;

use super::stated::{decides, who};
use crate::cause::page;
use crate::field_on;
use crate::placement::Why;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("SCH-CORDONED"),
    title: "the nodes that would take it are cordoned",
    explains: &[Symptom::Unschedulable],
    reads: &[],
    state,
    page: page!("SCH-CORDONED"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let Some(stated) = decides(facts, case, Why::Cordoned) else {
        return;
    };
    let who = who(facts);
    let nodes: Vec<ObjectRef> = stated
        .nodes()
        .iter()
        .map(|node| ObjectRef::cluster(Kind::Node, &node.node))
        .collect();
    case.headline(if nodes.is_empty() {
        format!("the nodes are cordoned, so {who} has no node")
    } else if stated.alone {
        format!("{} would take {who} and cannot: cordoned", stated.node_names())
    } else {
        format!("{} takes no pods, {who} neither: cordoned", stated.node_names())
    });
    for node in nodes.iter().take(3) {
        let mut seen = field_on(node, "spec.unschedulable", "true");
        seen.time = facts
            .snapshot
            .view::<Node>(node)
            .and_then(|view| view.spec.taints.into_iter().find(is_cordon))
            .and_then(|taint| taint.time_added.0);
        let since = seen.time.map_or(String::new(), |time| format!(" since {time}"));
        case.step(format!("{node} is cordoned{since}"), [seen]);
    }
    if nodes.is_empty() {
        case.look("which nodes are cordoned", "kubectl get nodes");
    }
    if let [node] = nodes.as_slice() {
        case.root(node.clone());
    }
    stated.finish(facts, case);
}

fn is_cordon(taint: &sonde_world::view::Taint) -> bool {
    taint.key == "node.kubernetes.io/unschedulable"
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use sonde_model::Verdict;

    use super::super::testing::*;
    use crate::testing::Scene;

    const SAID: &str = "0/2 nodes are available: 1 Insufficient cpu, 1 node(s) were unschedulable. preemption: 0/2 nodes are available: 1 No preemption victims found for incoming pod, 1 Preemption is not helpful for scheduling.";

    fn cordoned(name: &str) -> serde_json::Value {
        node(
            name,
            json!({"spec": {"unschedulable": true, "taints": [{"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule", "timeAdded": "2026-03-01T11:30:00Z"}]}}),
        )
    }

    #[test]
    fn found_when_the_only_other_node_is_full() {
        let outcome = scene()
            .object(node("n1", json!({})))
            .object(other("a", "n1", "4", json!({})))
            .object(cordoned("n2"))
            .object(pending(SAID, json!({})))
            .diagnose();
        let finding = outcome.finds_only("SCH-CORDONED", Verdict::Proven);
        assert!(
            finding
                .headline
                .contains("node n2 would take rs/app and cannot: cordoned"),
            "{}",
            finding.headline
        );
        assert!(
            finding
                .fixes
                .iter()
                .any(|fix| fix.command.as_deref() == Some("kubectl uncordon n2"))
        );
        assert!(
            finding
                .chain
                .iter()
                .any(|step| step.text.contains("since 2026-03-01T11:30:00Z"))
        );
    }

    #[test]
    fn not_when_the_cordoned_node_is_full_too() {
        scene()
            .object(node("n1", json!({})))
            .object(other("a", "n1", "4", json!({})))
            .object(cordoned("n2"))
            .object(other("b", "n2", "4", json!({})))
            .object(pending(SAID, json!({})))
            .diagnose()
            .lacks("SCH-CORDONED");
    }

    #[test]
    fn proven_by_the_words_alone() {
        Scene::new()
            .loose("0/2 nodes are available: 2 node(s) were unschedulable.")
            .diagnose()
            .finds_only("SCH-CORDONED", Verdict::Proven);
    }

    #[test]
    fn a_cordoned_node_alone_is_no_trouble() {
        scene()
            .object(cordoned("n2"))
            .object(node("n1", json!({})))
            .object(scheduled(json!({})))
            .diagnose()
            .is_calm();
    }
}
