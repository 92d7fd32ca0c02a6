//! SCH-POD-COUNT: every node that would take the pod runs as many pods as it may.

use sonde_model::{Code, Risk};
use sonde_schedule::Rejection;

use super::stated::{decides, who};
use crate::cause::page;
use crate::placement::Why;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("SCH-POD-COUNT"),
    title: "the number of pods of every node is reached",
    explains: &[Symptom::Unschedulable],
    reads: &[],
    state,
    page: page!("SCH-POD-COUNT"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let Some(stated) = decides(facts, case, Why::PodCount) else {
        return;
    };
    let who = who(facts);
    let most = stated.rejections().find_map(|rejection| match rejection {
        Rejection::TooManyPods { pods, max } => Some((*pods, *max)),
        _ => None,
    });
    case.headline(match most {
        Some((pods, max)) => format!(
            "{} can take no more pods ({pods} of {max}), so {who} has no node",
            stated.node_names()
        ),
        None => format!("every node runs as many pods as it may, so {who} has no node"),
    });
    case.advice(
        "raise maxPods in the kubelet's configuration where the node's address range allows it, or add a node",
        Risk::Wide,
    );
    stated.finish(facts, case);
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use sonde_model::Verdict;

    use super::super::testing::*;
    use crate::testing::Scene;

    const SAID: &str = "0/1 nodes are available: 1 Too many pods. preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod.";

    fn scene_with(max: &str) -> Scene {
        scene()
            .object(node("n1", json!({"status": {"allocatable": {"pods": max}}})))
            .object(other("a", "n1", "0", json!({})))
            .object(pending(SAID, json!({})))
    }

    #[test]
    fn found_with_the_number() {
        let outcome = scene_with("1").diagnose();
        let finding = outcome.finds_only("SCH-POD-COUNT", Verdict::Proven);
        assert!(
            finding
                .headline
                .contains("node n1 can take no more pods (1 of 1)"),
            "{}",
            finding.headline
        );
    }

    #[test]
    fn over_when_a_pod_left() {
        scene_with("2").diagnose().lacks("SCH-POD-COUNT");
    }

    #[test]
    fn proven_by_the_words_alone() {
        Scene::new()
            .loose(SAID)
            .diagnose()
            .finds_only("SCH-POD-COUNT", Verdict::Proven);
    }
}
