//! EVI-TAINT: the taint manager deleted the pod for a NoExecute taint that it does not tolerate.

use sonde_grammar::fact::EvictionFact;
use sonde_model::{Code, Kind, Risk, Severity};

use super::evicted::{node_name, said, victim};
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("EVI-TAINT"),
    title: "evicted by a taint",
    explains: &[Symptom::Evicted, Symptom::Terminated],
    reads: &[Kind::Node],
    state,
    page: page!("EVI-TAINT"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let found = said(facts, |it| match it {
        EvictionFact::Taint => Some(taint_text(facts)),
        _ => None,
    });
    let Some((how, message)) = found else { return };
    case.proven_by(message.seen());
    let node = facts.node_ref();
    let (node_text, victim) = (node_name(node.as_ref()), victim(facts));
    case.step(how, [message.seen()]);
    if let Some((code, ended)) = facts.exit() {
        case.step(format!("its process ends with exit code {code}"), [ended]);
    }
    case.headline(format!("{victim} was deleted because {node_text} has a NoExecute taint that it does not tolerate"));
    case.severity(Severity::Warning);
    if let Some(node) = node {
        case.root(node);
    }
    case.advice("see why the node has the taint (not ready, unreachable, drained by hand), or tolerate it", Risk::None);
}

/// The node's NoExecute taints, where the node is known.
fn taint_text(facts: &Facts<'_>) -> String {
    let taints = facts.node().map_or_else(Vec::new, |node| node.spec.taints);
    let named: Vec<String> =
        taints.iter().filter(|taint| taint.effect == "NoExecute").map(|taint| taint.key.clone()).collect();
    if named.is_empty() {
        "a NoExecute taint of the node makes the control plane delete it".into()
    } else {
        format!("the node has the NoExecute taint {}, so the control plane deletes it", named.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use sonde_model::Verdict;

    use super::super::pressure::tests::evicted;
    use crate::testing::{Scene, merge, pod};

    #[test]
    fn found_when_the_status_says_so() {
        let mut it = evicted("Evicted", "");
        merge(&mut it, json!({"status": {"reason": "", "conditions": [{"type": "DisruptionTarget", "status": "True", "reason": "DeletionByTaintManager", "message": "Taint manager: deleting due to NoExecute taint"}], "containerStatuses": [crate::testing::status(json!({"ready": false, "state": {"running": null, "terminated": {"exitCode": 143, "reason": "Error", "startedAt": "2026-03-01T11:50:00Z", "finishedAt": "2026-03-01T11:58:00Z"}}}))]}}));
        Scene::new().object(it).diagnose().finds_only("EVI-TAINT", Verdict::Proven);
    }

    #[test]
    fn not_found_without_the_words_and_calm_when_healthy() {
        Scene::new().object(evicted("Evicted", "")).diagnose().lacks("EVI-TAINT");
        Scene::new().object(pod(json!({}))).diagnose().is_calm();
    }
}
