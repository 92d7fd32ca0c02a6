//! SCH-REJECTED-RESOURCES: the pod was bound to a node whose kubelet found too little of a resource for it.

use sonde_grammar::fact::RejectFact;
use sonde_model::{Code, Risk};

use super::refused::{finish, kubelet, refusal};
use super::words;
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("SCH-REJECTED-RESOURCES"),
    title: "the kubelet had too little of a resource",
    explains: &[Symptom::Rejected],
    reads: &[],
    state,
    page: page!("SCH-REJECTED-RESOURCES"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let Some((
        RejectFact::OutOf {
            resource,
            requested,
            used,
            capacity,
        },
        message,
    )) = refusal(facts)
    else {
        return;
    };
    case.proven_by(message.seen());
    // The kubelet writes CPU in millicores.
    let amount = |text: &Option<String>| {
        let number = text.as_deref().and_then(|text| text.parse().ok())?;
        Some(words::amount(resource, number))
    };
    let numbers = match (amount(requested), amount(used), amount(capacity)) {
        (Some(requested), Some(used), Some(capacity)) => {
            format!(": {requested} asked for, {used} of {capacity} in use")
        }
        _ => String::new(),
    };
    case.headline(format!(
        "{} refused the pod for want of {resource}{numbers}",
        kubelet(facts)
    ));
    case.step(
        "the pod was bound without the scheduler's look at the room, or the node's room had changed since",
        [facts.field("spec.nodeName", &facts.pod().spec.node_name)],
    );
    finish(facts, case, message);
    case.advice(
        "let the scheduler choose the node (no spec.nodeName), and look whether static pods or a kubelet restart took the room",
        Risk::Restart,
    );
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use sonde_model::Verdict;

    use super::super::testing::scheduled;
    use crate::testing::Scene;

    const SAID: &str = "Pod was rejected: Node didn't have enough resource: cpu, requested: 2000, used: 3000, capacity: 4000";

    fn refused(owner: bool) -> serde_json::Value {
        let mut pod = scheduled(json!({"status": {"phase": "Failed", "reason": "OutOfcpu", "message": SAID, "conditions": null, "containerStatuses": null}}));
        if !owner {
            pod["metadata"]["ownerReferences"] = json!(null);
        }
        pod
    }

    #[test]
    fn found_in_the_status() {
        let outcome = Scene::new().object(refused(false)).diagnose();
        let finding = outcome.finds_only("SCH-REJECTED-RESOURCES", Verdict::Proven);
        assert!(finding.headline.contains("for want of cpu: 2 CPU asked for, 3 CPU of 4 CPU in use"), "{}", finding.headline);
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
