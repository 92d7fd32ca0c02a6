//! SCH-NO-NODE: the cluster has no node at all.

use sonde_model::{Code, EvidenceKind, Kind, ObjectRef, Risk, Severity};

use super::stated::decides;
use crate::Seen;
use crate::cause::page;
use crate::placement::Why;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("SCH-NO-NODE"),
    title: "the cluster has no node",
    explains: &[Symptom::Unschedulable],
    reads: &[],
    state,
    page: page!("SCH-NO-NODE"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let Some(stated) = decides(facts, case, Why::NoNode) else {
        return;
    };
    case.headline("the cluster has no node, so no pod can start");
    case.severity(Severity::Critical);
    if facts.snapshot.of_kind(Kind::Node).next().is_none()
        && facts.snapshot.is_complete_everywhere(&Kind::Node)
    {
        let absence = Seen {
            kind: EvidenceKind::Absence,
            source: "complete list of nodes".into(),
            object: None,
            time: None,
            text: "no node".into(),
        };
        case.proven_by(absence.clone());
        case.step("no node has joined the cluster", [absence]);
    }
    case.advice(
        "join a node, or look why the node group or autoscaler brings none",
        Risk::Wide,
    );
    case.root(ObjectRef::cluster(Kind::Node, "none"));
    stated.finish(facts, case);
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use sonde_model::Verdict;

    use super::super::testing::*;
    use crate::testing::Scene;

    const SAID: &str = "no nodes available to schedule pods";

    #[test]
    fn found_in_an_empty_cluster() {
        scene()
            .object(pending(SAID, json!({})))
            .diagnose()
            .finds_only("SCH-NO-NODE", Verdict::Proven);
    }

    #[test]
    fn proven_by_the_words_alone() {
        Scene::new()
            .loose(SAID)
            .diagnose()
            .finds_only("SCH-NO-NODE", Verdict::Proven);
    }

    #[test]
    fn over_when_a_node_joined() {
        scene()
            .object(node("n1", json!({})))
            .object(pending(SAID, json!({})))
            .diagnose()
            .lacks("SCH-NO-NODE");
    }

    #[test]
    fn not_claimed_when_nodes_were_not_listed() {
        let said = "0/3 nodes are available: 3 Too many pods.";
        Scene::new()
            .object(pending(said, json!({})))
            .diagnose()
            .lacks("SCH-NO-NODE");
    }
}
