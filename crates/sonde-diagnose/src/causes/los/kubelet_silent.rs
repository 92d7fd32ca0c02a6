//! LOS-KUBELET-SILENT: the node's kubelet has stopped reporting, so nobody knows what its pods do.

use sonde_model::{Code, Kind, Risk, Severity};

use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom, field_on};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("LOS-KUBELET-SILENT"),
    title: "kubelet stopped reporting",
    explains: &[Symptom::NodeNotReady, Symptom::Lost, Symptom::Deleting],
    reads: &[Kind::Node, Kind::Lease],
    state,
    page: page!("LOS-KUBELET-SILENT"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let Some(node_ref) = facts.node_ref() else { return };
    let Some(node) = facts.node() else { return };
    let Some(ready) = node.condition("Ready") else { return };
    let path = "status.conditions[Ready]";
    if ready.status != "Unknown" {
        if facts.episode.symptom == Symptom::NodeNotReady || facts.episode.symptom == Symptom::Lost {
            let seen = field_on(&node_ref, path, format!("{}: {}", ready.reason, ready.message));
            case.refuted_by(seen, "the kubelet reports");
        }
        return;
    }
    let mut silent = field_on(&node_ref, path, format!("{}: {}", ready.reason, ready.message));
    silent.time = ready.last_transition_time.0;
    case.proven_by(silent.clone());
    let heartbeat = ready.last_heartbeat_time.0;
    let last_seen = heartbeat.map(|time| {
        let mut seen = field_on(&node_ref, "status.conditions[Ready].lastHeartbeatTime", time);
        seen.time = Some(time);
        seen
    });
    let others = facts.snapshot.pods_on_node(&node_ref.name).filter(|it| it.pod().is_some_and(|it| !it.is_terminal()));
    let count = others.count();
    match heartbeat {
        Some(time) => case.step(format!("the kubelet of {} reported last at {time}", node_ref.name), last_seen),
        None => case.step(format!("the kubelet of {} has stopped reporting", node_ref.name), []),
    };
    case.step("the control plane marks the node Unknown", [silent]);
    case.step(
        format!("what its {count} pods do is not known; they may still run"),
        [facts.computed(format!("pods on {}", node_ref.name), format!("{count} pods that have not ended"))],
    );
    case.headline(format!("node {} is lost: its kubelet has stopped reporting", node_ref.name));
    case.severity(Severity::Critical);
    case.root(node_ref.clone());
    case.look(
        "whether the machine answers, and what its kubelet says",
        format!("ssh {} 'systemctl status kubelet; journalctl -u kubelet -n 50'", node_ref.name),
    );
    case.fix(
        "if the machine is gone for good, remove its node so that its pods move: only then is their storage freed",
        format!("kubectl delete {node_ref}"),
        Risk::DataLoss,
    );
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use sonde_model::{Kind, Verdict};

    use crate::testing::{Scene, pod};

    fn node(status: &str, reason: &str, message: &str) -> Value {
        json!({
            "apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1"},
            "status": {"conditions": [{"type": "Ready", "status": status, "reason": reason, "message": message,
                "lastHeartbeatTime": "2026-03-01T11:40:00Z", "lastTransitionTime": "2026-03-01T11:41:00Z"}]}
        })
    }

    #[test]
    fn a_lost_node_and_its_pods_are_one_finding() {
        let outcome = Scene::new()
            .object(node("Unknown", "NodeStatusUnknown", "Kubelet stopped posting node status."))
            .object(pod(json!({})))
            .object(pod(json!({"metadata": {"name": "app-2", "deletionTimestamp": "2026-03-01T11:47:00Z"}})))
            .diagnose();
        let finding = outcome.finds_only("LOS-KUBELET-SILENT", Verdict::Proven);
        assert_eq!(finding.subject.kind, Kind::Node);
        assert_eq!(finding.explains.len(), 3);
    }

    #[test]
    fn refuted_when_the_kubelet_says_not_ready_itself() {
        let outcome = Scene::new()
            .object(node("False", "KubeletNotReady", "container runtime network not ready: cni plugin not initialized"))
            .diagnose();
        outcome.lacks("LOS-KUBELET-SILENT").rules_out("LOS-KUBELET-SILENT");
    }

    #[test]
    fn silent_on_a_healthy_node() {
        let outcome = Scene::new()
            .object(node("True", "KubeletReady", "kubelet is posting ready status"))
            .object(pod(json!({})))
            .diagnose();
        outcome.is_calm();
    }
}
