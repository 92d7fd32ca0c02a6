//! SCH-NODE-NAME: the pod names its node, and that node does not exist or is another one.

use sonde_model::{Code, Risk};
use sonde_schedule::Rejection;

use super::stated::{decides, who};
use crate::cause::page;
use crate::placement::Why;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("SCH-NODE-NAME"),
    title: "the pod names a node that is not there",
    explains: &[Symptom::Unschedulable, Symptom::Lost],
    reads: &[],
    state,
    page: page!("SCH-NODE-NAME"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    if facts.episode.symptom == Symptom::Lost {
        by_hand(facts, case);
        return;
    }
    let Some(stated) = decides(facts, case, Why::NodeName) else {
        return;
    };
    let who = who(facts);
    let wanted = stated.rejections().find_map(|rejection| match rejection {
        Rejection::NodeName { wanted } => Some(wanted.clone()),
        _ => None,
    });
    case.headline(match &wanted {
        Some(name) => format!("{who} names node {name}, which does not exist"),
        None => format!("{who} names a node that does not exist"),
    });
    if let Some(name) = wanted {
        case.step("the pod names its node", [facts.field("spec.nodeName", name)]);
    }
    case.advice(
        "remove spec.nodeName from the pod template; a node selector lets the scheduler choose",
        Risk::Restart,
    );
    stated.finish(facts, case);
}

/// Bound without a scheduler to a node that is not there: nobody will ever start it.
fn by_hand(facts: &Facts<'_>, case: &mut Case) {
    if facts.is_partial() || !facts.was_bound_by_hand() {
        return;
    }
    let Some((node, absence)) = facts.node_ref().and_then(|node| {
        let absence = facts.absence(&node)?;
        Some((node, absence))
    }) else {
        return;
    };
    let named = facts.field("spec.nodeName", &node.name);
    case.supported_by(named.clone()).supported_by(absence.clone());
    case.headline(format!(
        "{} names node {}, which does not exist",
        who(facts),
        node.name
    ));
    case.step("the pod names its node, so no scheduler looks at it", [named]);
    case.step(format!("there is no node {}", node.name), [absence]);
    case.step(
        "so no kubelet takes it, and the control plane removes it after a while",
        [facts.field("status.phase", &facts.pod().status.phase)],
    );
    case.advice(
        "remove spec.nodeName from the pod template; a node selector lets the scheduler choose",
        Risk::Restart,
    );
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use sonde_model::Verdict;

    use super::super::testing::*;
    use crate::testing::Scene;

    const SAID: &str = "0/3 nodes are available: 3 node(s) didn't match the requested node name.";

    #[test]
    fn found_when_it_was_bound_by_hand() {
        let by_hand = json!({"spec": {"nodeName": "worker-9"}, "status": {"conditions": null}});
        let outcome = scene()
            .object(node("n1", json!({})))
            .object(pending("", by_hand))
            .diagnose();
        let finding = outcome.finds_only("SCH-NODE-NAME", Verdict::Likely);
        // There is no kubelet to be silent, and the pod waits since it was made.
        assert!(finding.rivals.is_empty(), "{:?}", finding.rivals);
        assert_eq!(finding.symptom, "Pending");
        assert!(finding.since.is_some());
        assert!(
            finding
                .headline
                .contains("names node worker-9, which does not exist"),
            "{}",
            finding.headline
        );
    }

    #[test]
    fn not_when_the_node_was_removed_later() {
        let outcome = scene()
            .object(node("n2", json!({})))
            .object(scheduled(json!({})))
            .diagnose();
        outcome.lacks("SCH-NODE-NAME");
    }

    #[test]
    fn proven_by_the_words_of_the_scheduler() {
        Scene::new()
            .loose(SAID)
            .diagnose()
            .finds_only("SCH-NODE-NAME", Verdict::Proven);
    }

    #[test]
    fn calm_when_it_runs() {
        scene()
            .object(node("n1", json!({})))
            .object(scheduled(json!({})))
            .diagnose()
            .is_calm();
    }

    #[test]
    fn not_claimed_when_nodes_were_not_listed_nor_when_the_node_is_there() {
        let by_hand = || {
            pending(
                "",
                json!({"spec": {"nodeName": "worker-9"}, "status": {"conditions": null}}),
            )
        };
        Scene::new().object(by_hand()).diagnose().lacks("SCH-NODE-NAME");
        scene()
            .object(node("worker-9", json!({})))
            .object(by_hand())
            .diagnose()
            .lacks("SCH-NODE-NAME");
    }
}
