//! SCH-REJECTED-DEVICES: the kubelet refused the pod because a device plugin could not give the devices that the node offers.

use sonde_grammar::fact::RejectFact;
use sonde_model::{Code, Risk};

use super::refused::{finish, kubelet, refusal};
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("SCH-REJECTED-DEVICES"),
    title: "a device plugin could not give what it offers",
    explains: &[Symptom::Rejected],
    reads: &[],
    state,
    page: page!("SCH-REJECTED-DEVICES"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let Some((RejectFact::Devices { detail }, message)) = refusal(facts) else {
        return;
    };
    case.proven_by(message.seen());
    case.headline(format!("{} refused the pod: its devices cannot be given ({detail})", kubelet(facts)));
    case.step(
        "the node counts devices that its plugin does not have or that are unhealthy",
        [message.seen()],
    );
    finish(facts, case, message);
    case.look("whether the device plugin runs on that node", "kubectl get pods -A -o wide");
    case.advice("restart the device plugin of the node, and look at the health of its devices", Risk::Wide);
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use sonde_model::Verdict;

    use super::super::testing::scheduled;
    use crate::testing::Scene;

    const SAID: &str = "Pod was rejected: Allocate failed due to requested number of devices unavailable for nvidia.com/gpu. Requested: 1, Available: 0, which is unexpected";

    fn refused(owner: bool) -> serde_json::Value {
        let mut pod = scheduled(json!({"status": {"phase": "Failed", "reason": "UnexpectedAdmissionError", "message": SAID, "conditions": null, "containerStatuses": null}}));
        if !owner {
            pod["metadata"]["ownerReferences"] = json!(null);
        }
        pod
    }

    #[test]
    fn found_in_the_status() {
        let outcome = Scene::new().object(refused(false)).diagnose();
        let finding = outcome.finds_only("SCH-REJECTED-DEVICES", Verdict::Proven);
        assert!(finding.headline.contains("its devices cannot be given"), "{}", finding.headline);
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
