//! SCH-REQUEST-TOO-LARGE: the pod asks for more than any node that it may use has, even if that node were empty.

use sonde_model::{Code, Kind, Risk};
use sonde_schedule::Rejection;

use super::stated::{decides, request_field, who};
use super::words;
use crate::cause::page;
use crate::placement::Why;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("SCH-REQUEST-TOO-LARGE"),
    title: "the pod asks for more than any node has",
    explains: &[Symptom::Unschedulable],
    reads: &[],
    state,
    page: page!("SCH-REQUEST-TOO-LARGE"),
};

/// All nodes are known, and none is too small: the words are older than the nodes.
fn no_node_is_too_small(facts: &Facts<'_>) -> bool {
    let too_small = |rejection: &Rejection| matches!(rejection, Rejection::Insufficient { requested, allocatable, .. } if requested > allocatable);
    facts.snapshot.is_complete_everywhere(&Kind::Node)
        && facts.placement().is_some_and(|placement| {
            let nodes = &placement.fit.nodes;
            !nodes.is_empty() && !nodes.iter().any(|node| node.rejections.iter().any(too_small))
        })
}

fn state(facts: &Facts<'_>, case: &mut Case) {
    if no_node_is_too_small(facts) {
        return;
    }
    let Some(stated) = decides(facts, case, Why::TooLarge) else {
        return;
    };
    let who = who(facts);
    // The resource and node that come nearest to the request.
    let nearest = stated
        .nodes()
        .into_iter()
        .flat_map(|node| node.rejections.iter().map(move |rejection| (node, rejection)))
        .filter_map(|(node, rejection)| match rejection {
            Rejection::Insufficient {
                resource,
                requested,
                allocatable,
                ..
            } if requested > allocatable => {
                Some((resource.clone(), *requested, *allocatable, node.node.clone()))
            }
            _ => None,
        })
        .max_by(|a, b| (a.2.cmp(&b.2)).then_with(|| b.3.cmp(&a.3)));
    match nearest {
        Some((resource, requested, most, node)) => {
            let wanted = words::amount(&resource, requested);
            case.headline(format!(
                "{who} asks for {wanted}, and the largest node that it may use ({node}) has {}",
                words::amount(&resource, most)
            ));
            case.step(
                format!("the pod asks for {wanted}"),
                request_field(facts, &resource),
            );
        }
        None => {
            case.headline(format!(
                "{who} asks for more {} than any node has, even if it were empty",
                stated.named_short(false)
            ));
        }
    }
    case.advice(
        "check the request for a unit that was not meant, or add a node that is large enough",
        Risk::Restart,
    );
    stated.finish(facts, case);
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use sonde_model::Verdict;

    use super::super::testing::*;
    use crate::testing::Scene;

    const SAID: &str = "0/2 nodes are available: 2 Insufficient cpu. preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling.";

    fn nodes() -> Scene {
        scene()
            .object(node("n1", json!({})))
            .object(node("n2", json!({"status": {"allocatable": {"cpu": "8"}}})))
    }

    #[test]
    fn found_with_the_largest_node() {
        let outcome = nodes()
            .object(pending(SAID, asks(json!({"cpu": "16"}))))
            .diagnose();
        let finding = outcome.finds_only("SCH-REQUEST-TOO-LARGE", Verdict::Proven);
        assert!(
            finding.headline.contains("asks for 16 CPU") && finding.headline.contains("(n2) has 8 CPU"),
            "{}",
            finding.headline
        );
    }

    #[test]
    fn not_when_a_node_is_only_busy() {
        let outcome = nodes()
            .object(other("a", "n2", "4", json!({})))
            .object(pending(SAID, asks(json!({"cpu": "6"}))))
            .diagnose();
        outcome.lacks("SCH-REQUEST-TOO-LARGE");
    }

    /// The pod as `kubectl describe pod` shows it: in part.
    fn described(said: &str, requests: serde_json::Value) -> Scene {
        Scene::new().partial(pending(said, asks(requests)))
    }

    #[test]
    fn proven_for_a_pod_known_in_part_where_the_sizes_of_all_nodes_are_known() {
        // Schedulers until 1.32 have the same words for full nodes.
        let said = "0/2 nodes are available: 2 Insufficient cpu. preemption: 0/2 nodes are available: 2 No preemption victims found for incoming pod.";
        let two = |scene: Scene| {
            scene
                .object(node("n1", json!({})))
                .object(node("n2", json!({"status": {"allocatable": {"cpu": "8"}}})))
        };
        let outcome = two(described(said, json!({"cpu": "100"}))).diagnose();
        let finding = outcome.finds_only("SCH-REQUEST-TOO-LARGE", Verdict::Proven);
        assert!(
            finding.headline.contains("100 CPU") && finding.headline.contains("(n2) has 8 CPU"),
            "{}",
            finding.headline
        );
        outcome.rules_out("SCH-CLUSTER-FULL");
        // What else is on the nodes is not known.
        let numbers = finding.evidence.iter().any(|it| it.text.contains("free"));
        let sure = finding.fixes.iter().any(|fix| fix.text.contains("fits on"));
        assert!(!numbers && !sure, "{:?} {:?}", finding.evidence, finding.fixes);
        // A node that is large enough may be full, and a third one may be larger.
        two(described(said, json!({"cpu": "6"})))
            .diagnose()
            .finds_only("SCH-CLUSTER-FULL", Verdict::Possible);
        let of_three = said.replace("0/2", "0/3");
        two(described(&of_three, json!({"cpu": "100"})))
            .diagnose()
            .finds_only("SCH-CLUSTER-FULL", Verdict::Possible);
        let gpu = "0/2 nodes are available: 2 Insufficient nvidia.com/gpu.";
        let outcome = two(described(gpu, json!({"nvidia.com/gpu": "1"}))).diagnose();
        outcome.finds_only("SCH-EXTENDED-RESOURCE-UNKNOWN", Verdict::Proven);
    }

    #[test]
    fn likely_from_the_words_alone() {
        Scene::new()
            .loose(SAID)
            .diagnose()
            .finds_only("SCH-REQUEST-TOO-LARGE", Verdict::Likely);
    }

    #[test]
    fn calm_when_it_runs_and_over_when_a_larger_node_came() {
        nodes().object(scheduled(json!({}))).diagnose().is_calm();
        nodes()
            .object(node("n3", json!({"status": {"allocatable": {"cpu": "32"}}})))
            .object(pending(SAID, asks(json!({"cpu": "16"}))))
            .diagnose()
            .lacks("SCH-REQUEST-TOO-LARGE");
    }
}
