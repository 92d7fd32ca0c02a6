//! LOS-KUBELET-SILENT: the node's kubelet has stopped reporting, so nobody knows what its pods do.

use sonde_grammar::Fact;
use sonde_grammar::fact::NodeFact;
use sonde_model::{Code, Kind, ObjectRef, Risk, Severity};

use super::node::troubled;
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom, Want};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("LOS-KUBELET-SILENT"),
    title: "kubelet stopped reporting",
    explains: &[Symptom::NodeNotReady, Symptom::Lost, Symptom::Deleting],
    reads: &[Kind::Node, Kind::Lease],
    state,
    page: page!("LOS-KUBELET-SILENT"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let Some(home) = troubled(facts) else {
        return by_the_pod(facts, case);
    };
    if home.is_text {
        let Some((_, seen)) = home.word(None, |fact| *fact == NodeFact::KubeletSilent) else {
            return;
        };
        case.generally_proven_by(seen.clone());
        case.step("the control plane has heard nothing of the kubelet", [seen]);
        case.headline(format!(
            "{} is lost: its kubelet has stopped reporting",
            home.phrase()
        ));
        case.look("how the node is", "kubectl get nodes; kubectl describe node NAME");
        return;
    }
    let Some((ready, seen)) = home.ready() else { return };
    if !home.is_silent() {
        // A table prints NotReady for a kubelet that says so and for one that says nothing.
        if home.is_bare(facts) {
            case.hinted_by(seen.clone());
            case.step("the node is not ready", [seen]);
            case.headline(format!(
                "node {} is not ready; a table does not tell whether its kubelet is silent, or says what it lacks",
                home.reference.name
            ));
            case.wants(
                Want::Object(home.reference.clone()),
                "whether the kubelet still reports, and what it says",
            );
            case.severity(Severity::Critical);
            case.root(home.reference.clone());
        } else {
            case.refuted_by(seen, "the kubelet reports");
        }
        return;
    }
    // Why it is silent (machine off, network cut, kubelet stopped, certificate) only the machine can tell.
    case.generally_proven_by(seen.clone());
    let name = &home.reference.name;
    let never = ready.reason == "NodeStatusNeverUpdated";
    if !never && home.last_heartbeat(facts).is_none() {
        case.step(format!("the kubelet of {name} has stopped reporting"), []);
    }
    case.step("the control plane marks the node Unknown", [seen]);
    home.conclude(facts, case);
    case.headline(format!(
        "node {name} is lost: its kubelet has {}",
        if never {
            "never reported"
        } else {
            "stopped reporting"
        }
    ));
    if let Some(want) = facts.want_kubelet_log() {
        case.wants(want, "why the kubelet is silent: stopped, cut off, or refused");
    }
    case.look(
        "whether the machine answers, and what its kubelet says",
        format!("ssh {name} 'systemctl status kubelet; journalctl -u kubelet -n 50'"),
    );
    case.fix(
        "if the machine is gone for good, remove its node so that its pods move: only then is their storage freed",
        format!("kubectl delete {}", home.reference),
        Risk::DataLoss,
    );
}

/// The control plane says so on the pod; the node itself was not read.
fn by_the_pod(facts: &Facts<'_>, case: &mut Case) {
    // Of a node that is known not to exist there is no kubelet to be silent.
    let unread = |node: &ObjectRef| facts.snapshot.get(node).is_none() && !facts.snapshot.is_absent(node);
    let Some(node) = facts.node_ref().filter(unread) else {
        return;
    };
    let said = facts.find(|fact| match fact {
        Fact::Node(NodeFact::KubeletSilent) => Some(true),
        Fact::Node(NodeFact::NotReady) => Some(false),
        _ => None,
    });
    let Some((silent, message)) = said else {
        if facts.episode.symptom != Symptom::Lost {
            return;
        }
        let ready = facts.pod().condition("Ready").map_or("", |it| it.status.as_str());
        case.hinted_by(facts.field("status.conditions[Ready]", ready));
        case.hinted_by(facts.computed("containers of the pod that are ready", "all"));
        case.step(
            "the control plane counts the pod as not ready, its kubelet did not",
            [],
        );
        case.headline(format!(
            "node {} may be lost: its pod counts as not ready although its containers are",
            node.name
        ));
        case.wants(
            Want::Object(node.clone()),
            "whether the node is lost, and since when",
        );
        case.root(node);
        return;
    };
    if silent {
        case.generally_proven_by(message.seen());
    } else {
        // It may report and not be ready.
        case.supported_by(message.seen());
    }
    case.step(
        format!("the control plane counts node {} as not ready", node.name),
        [message.seen()],
    );
    case.step("what its pods do is not known, and they may still run", []);
    case.headline(format!(
        "node {} is lost: its kubelet has stopped reporting",
        node.name
    ));
    case.severity(Severity::Critical);
    case.wants(
        Want::Object(node.clone()),
        "since when the node is lost, and whether it is back",
    );
    case.root(node);
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

    fn silent() -> Value {
        node(
            "Unknown",
            "NodeStatusUnknown",
            "Kubelet stopped posting node status.",
        )
    }

    #[test]
    fn a_lost_node_and_its_pods_are_one_finding() {
        let outcome = Scene::new()
            .object(silent())
            .object(pod(json!({})))
            .object(pod(
                json!({"metadata": {"name": "app-2", "deletionTimestamp": "2026-03-01T11:47:00Z"}}),
            ))
            .diagnose();
        let finding = outcome.finds_only("LOS-KUBELET-SILENT", Verdict::Proven);
        assert_eq!(finding.subject.kind, Kind::Node);
        assert_eq!(finding.explains.len(), 3);
    }

    #[test]
    fn the_machines_own_words_say_more() {
        for (code, line) in [
            (
                "LOS-CERTIFICATE",
                "E0301 11:40:10.000000     812 certificate_manager.go:562] kubernetes.io/kube-apiserver-client-kubelet: Failed while requesting a signed certificate from the control plane: x509: certificate has expired or is not yet valid",
            ),
            (
                "LOS-API-UNREACHABLE",
                "E0301 11:40:10.000000     812 controller.go:145] \"Failed to ensure lease exists, will retry\" err=\"Get \\\"https://10.0.0.1:6443/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/n1\\\": dial tcp 10.0.0.1:6443: i/o timeout\"",
            ),
        ] {
            let outcome = Scene::new().object(silent()).kubelet("n1", line).diagnose();
            outcome.finds_only(code, Verdict::Proven);
        }
    }

    #[test]
    fn each_state_that_the_kubelet_reports_is_its_own_cause() {
        for (code, message) in [
            (
                "LOS-NETWORK-NOT-READY",
                "container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady message:Network plugin returns error: cni plugin not initialized",
            ),
            (
                "LOS-PLEG",
                "PLEG is not healthy: pleg was last seen active 3m3.9s ago; threshold is 3m0s",
            ),
            ("LOS-RUNTIME-DOWN", "container runtime is down"),
        ] {
            let outcome = Scene::new()
                .object(node("False", "KubeletNotReady", message))
                .diagnose();
            outcome.finds_only(code, Verdict::Proven);
            outcome.rules_out("LOS-KUBELET-SILENT");
        }
    }

    #[test]
    fn a_kubelet_that_goes_on_talking_is_not_stopped() {
        let outcome = Scene::new()
            .object(silent())
            .event(
                "Pod/shop/app-1",
                "Pulled",
                "Container image \"a\" already present on machine",
                "2026-03-01T11:59:00Z",
            )
            .object(pod(json!({})))
            .diagnose();
        outcome.lacks("LOS-LEASE-OLD-NODE-ALIVE");
    }

    #[test]
    fn a_pod_of_a_removed_node_is_told_so() {
        let outcome = Scene::new()
            .object(pod(json!({})))
            .complete(&[Kind::Node])
            .diagnose();
        outcome.finds_only("LOS-NODE-DELETED", Verdict::Proven);
        Scene::new().object(pod(json!({}))).diagnose().is_calm();
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
