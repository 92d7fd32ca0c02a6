//! SCH-REJECTED-TOPOLOGY: the kubelet's topology manager could not align CPU, memory and devices as its policy asks.

use sonde_grammar::fact::RejectFact;
use sonde_model::{Code, Risk};

use super::refused::{finish, kubelet, refusal};
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("SCH-REJECTED-TOPOLOGY"),
    title: "the resources cannot be aligned on one NUMA node",
    explains: &[Symptom::Rejected],
    reads: &[],
    state,
    page: page!("SCH-REJECTED-TOPOLOGY"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let Some((RejectFact::Topology { .. }, message)) = refusal(facts) else {
        return;
    };
    case.proven_by(message.seen());
    case.headline(format!(
        "{} refused the pod: its CPU, memory and devices do not fit on one NUMA node together",
        kubelet(facts)
    ));
    case.step(
        "the scheduler counts the node as a whole, the kubelet's topology manager each NUMA node",
        [message.seen()],
    );
    finish(facts, case, message);
    case.advice(
        "ask for less per pod, or use topologyManagerPolicy best-effort on these nodes",
        Risk::Wide,
    );
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use sonde_model::Verdict;

    use super::super::testing::scheduled;
    use crate::testing::Scene;

    const SAID: &str = "Pod was rejected: Resources cannot be allocated with Topology locality";

    fn refused(owner: bool) -> serde_json::Value {
        let mut pod = scheduled(json!({"status": {"phase": "Failed", "reason": "TopologyAffinityError", "message": SAID, "conditions": null, "containerStatuses": null}}));
        if !owner {
            pod["metadata"]["ownerReferences"] = json!(null);
        }
        pod
    }

    #[test]
    fn found_in_the_status() {
        let outcome = Scene::new().object(refused(false)).diagnose();
        let finding = outcome.finds_only("SCH-REJECTED-TOPOLOGY", Verdict::Proven);
        assert!(finding.headline.contains("NUMA node"), "{}", finding.headline);
    }

    #[test]
    fn over_when_the_controller_made_another() {
        let set = json!({"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {"name": "app", "namespace": "shop", "uid": "u-rs"},
            "spec": {"replicas": 1}, "status": {"replicas": 1, "readyReplicas": 1}});
        Scene::new().object(set).object(refused(true)).diagnose().is_calm();
    }

    #[test]
    fn calm_when_it_runs() {
        Scene::new().object(scheduled(json!({}))).diagnose().is_calm();
    }
}
