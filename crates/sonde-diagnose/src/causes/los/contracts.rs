//! Every cause of the family against its contract.

use serde_json::{Value, json};
use sonde_model::{Kind, Severity, Verdict};

use super::CAUSES;
use crate::testing::contract::{Contract, keep};
use crate::testing::{Scene, pod};

const RUNTIME: &str = "container runtime is down";
const PLEG: &str = "PLEG is not healthy: pleg was last seen active 3m3.9s ago; threshold is 3m0s";
const NETWORK: &str = "container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady message:Network plugin returns error: cni plugin not initialized";
const CERTIFICATE: &str = "E0301 11:40:30.000000     812 certificate_manager.go:562] kubernetes.io/kube-apiserver-client-kubelet: Failed while requesting a signed certificate from the control plane: x509: certificate has expired or is not yet valid";
const UNREACHABLE: &str = "E0301 11:40:30.000000     812 controller.go:145] \"Failed to ensure lease exists, will retry\" err=\"Get \\\"https://10.0.0.1:6443/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/n1\\\": dial tcp 10.0.0.1:6443: i/o timeout\"";
const GOES_DOWN: &str = "I0301 11:40:05.000000     812 nodeshutdown_manager_linux.go:265] \"Shutdown manager detected new shutdown event, isNodeShuttingDownNow\" event=true";

fn node(status: &str, reason: &str, message: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Node",
        "metadata": {"name": "n1", "creationTimestamp": "2026-02-01T00:00:00Z"},
        "status": {"conditions": [
            {"type": "MemoryPressure", "status": status.replace("True", "False"), "reason": "r"},
            {"type": "Ready", "status": status, "reason": reason, "message": message,
                "lastHeartbeatTime": "2026-03-01T11:40:00Z", "lastTransitionTime": "2026-03-01T11:41:00Z"}]}})
}

/// The control plane has heard nothing since 11:40.
fn silent() -> Scene {
    Scene::new().object(node(
        "Unknown",
        "NodeStatusUnknown",
        "Kubelet stopped posting node status.",
    ))
}

/// The kubelet says so itself.
fn reports(message: &str) -> Scene {
    Scene::new().object(node("False", "KubeletNotReady", message))
}

fn well() -> Scene {
    Scene::new()
        .object(node("True", "KubeletReady", "kubelet is posting ready status"))
        .object(pod(json!({})))
}

/// It writes an event after it was given up.
fn alive(time: &str) -> Scene {
    silent().object(json!({"apiVersion": "v1", "kind": "Event", "metadata": {"name": "e", "namespace": "shop"},
        "involvedObject": {"kind": "Pod", "namespace": "shop", "name": "app-1"}, "reason": "Pulled", "message": "m",
        "lastTimestamp": time, "count": 1, "source": {"component": "kubelet", "host": "n1"}}))
}

fn orphan() -> Scene {
    Scene::new().object(pod(json!({})))
}

const TABLE: &[Contract] = &[
    Contract {
        code: "LOS-KUBELET-SILENT",
        verdict: Verdict::Proven,
        found: silent,
        rival: ("LOS-RUNTIME-DOWN", || reports(RUNTIME)),
        // Only an event of the past that the node is not ready.
        open: || {
            Scene::new().event(
                "Node//n1",
                "NodeNotReady",
                "Node n1 status is now: NodeNotReady",
                "2026-03-01T11:41:00Z",
            )
        },
        healthy: well,
        over: || {
            well().event(
                "Node//n1",
                "NodeNotReady",
                "Node n1 status is now: NodeNotReady",
                "2026-03-01T11:20:00Z",
            )
        },
    },
    Contract {
        code: "LOS-RUNTIME-DOWN",
        verdict: Verdict::Proven,
        found: || reports(RUNTIME),
        rival: ("LOS-PLEG", || reports(PLEG)),
        open: || reports(""),
        // The kubelet was started a moment ago.
        healthy: || {
            let text = "[container runtime status check may not have completed yet, PLEG is not healthy: pleg has yet to be successful]";
            reports(text).now("2026-03-01T11:41:20Z")
        },
        over: || {
            well().kubelet("n1", &format!("E0301 11:30:00.000000     812 kubelet.go:2347] \"Skipping pod synchronization\" err=\"{RUNTIME}\""))
        },
    },
    Contract {
        code: "LOS-PLEG",
        verdict: Verdict::Proven,
        found: || reports(PLEG),
        rival: ("LOS-RUNTIME-DOWN", || {
            reports(
                "[container runtime is down, PLEG is not healthy: pleg was last seen active 3m3.9s ago; threshold is 3m0s]",
            )
        }),
        open: || reports(""),
        healthy: || reports("PLEG is not healthy: pleg has yet to be successful").now("2026-03-01T11:41:20Z"),
        over: || {
            well().kubelet("n1", &format!("E0301 11:30:00.000000     812 kubelet.go:2347] \"Skipping pod synchronization\" err=\"{PLEG}\""))
        },
    },
    Contract {
        code: "LOS-NETWORK-NOT-READY",
        verdict: Verdict::Proven,
        found: || reports(NETWORK),
        rival: ("LOS-RUNTIME-DOWN", || {
            reports(
                "[container runtime is down, container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady message:Network plugin returns error: cni plugin not initialized]",
            )
        }),
        open: || reports(""),
        // It has just joined: its network plugin's pod is being started.
        healthy: || {
            reports(NETWORK).object(json!({"apiVersion": "v1", "kind": "Node",
            "metadata": {"name": "n1", "creationTimestamp": "2026-03-01T11:59:30Z"},
            "status": {"conditions": [{"type": "Ready", "status": "False", "reason": "KubeletNotReady", "message": NETWORK,
                "lastTransitionTime": "2026-03-01T11:59:30Z"}]}}))
        },
        over: || {
            well().kubelet("n1", &format!("E0301 11:30:00.000000     812 kubelet.go:2347] \"Container runtime network not ready\" networkReady=\"{NETWORK}\""))
        },
    },
    Contract {
        code: "LOS-CERTIFICATE",
        verdict: Verdict::Proven,
        found: || silent().kubelet("n1", CERTIFICATE),
        rival: ("LOS-API-UNREACHABLE", || silent().kubelet("n1", UNREACHABLE)),
        open: silent,
        healthy: || well().kubelet("n1", CERTIFICATE),
        // It was renewed; what the node was lost for half an hour later is not that.
        over: || well().kubelet("n1", &CERTIFICATE.replace("11:40", "11:05")),
    },
    Contract {
        code: "LOS-API-UNREACHABLE",
        verdict: Verdict::Proven,
        found: || silent().kubelet("n1", UNREACHABLE),
        rival: ("LOS-CERTIFICATE", || silent().kubelet("n1", CERTIFICATE)),
        // A restart of the API server long before the node was lost explains nothing.
        open: || silent().kubelet("n1", &UNREACHABLE.replace("11:40:30", "11:20:30")),
        healthy: || well().kubelet("n1", UNREACHABLE),
        over: || well().kubelet("n1", UNREACHABLE),
    },
    Contract {
        code: "LOS-NODE-SHUT-DOWN",
        verdict: Verdict::Proven,
        found: || silent().kubelet("n1", GOES_DOWN),
        rival: ("LOS-API-UNREACHABLE", || {
            silent().kubelet(
                "n1",
                &format!("{}\n{UNREACHABLE}", GOES_DOWN.replace("11:40:05", "11:10:05")),
            )
        }),
        open: silent,
        healthy: well,
        over: || well().kubelet("n1", GOES_DOWN),
    },
    Contract {
        code: "LOS-LEASE-OLD-NODE-ALIVE",
        verdict: Verdict::Proven,
        found: || alive("2026-03-01T11:58:00Z"),
        rival: ("LOS-KUBELET-SILENT", || alive("2026-03-01T11:40:30Z")),
        open: silent,
        healthy: well,
        over: || {
            alive("2026-03-01T11:58:00Z").object(node(
                "True",
                "KubeletReady",
                "kubelet is posting ready status",
            ))
        },
    },
    Contract {
        code: "LOS-NODE-DELETED",
        verdict: Verdict::Proven,
        found: || orphan().complete(&[Kind::Node]),
        rival: ("LOS-KUBELET-SILENT", || {
            silent().object(pod(json!({}))).complete(&[Kind::Node])
        }),
        // Nodes were not read: nothing shows that it is gone.
        open: orphan,
        healthy: || well().complete(&[Kind::Node]),
        // The control plane has ended the pod, and its Job goes on with another.
        over: || {
            let owner = json!([{"apiVersion": "batch/v1", "kind": "Job", "name": "report", "uid": "u-job", "controller": true}]);
            Scene::new()
                .object(pod(json!({"metadata": {"ownerReferences": owner}, "spec": {"restartPolicy": "Never"}, "status": {"phase": "Failed", "conditions": [
                    {"type": "DisruptionTarget", "status": "True", "reason": "DeletionByPodGC", "message": "PodGC: node no longer exists"}]}})))
                .object(json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "report", "namespace": "shop", "uid": "u-job"},
                    "spec": {}, "status": {"active": 1}}))
        },
    },
];

#[test]
fn every_cause_keeps_its_contract() {
    keep(CAUSES, TABLE);
}

/// What kubelets of 1.10 to 1.36 really write when a runtime dies, in any order and with what follows from it.
#[test]
fn a_runtime_that_is_down_is_the_root_of_what_is_said_beside_it() {
    for message in [
        "container runtime is down",
        "[container runtime is down, PLEG is not healthy: pleg was last seen active 3m3.9s ago; threshold is 3m0s]",
        "[container runtime is down, container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady message:Network plugin returns error: cni plugin not initialized]",
        "runtime is down, runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady message:docker: network plugin is not ready: cni config uninitialized, container runtime is down",
        "[PLEG is not healthy: pleg was last seen active 10m; threshold is 3m0s, container runtime is down]",
    ] {
        let outcome = reports(message).diagnose();
        outcome.finds_only("LOS-RUNTIME-DOWN", Verdict::Proven);
        // What the kubelet wrote about its network when it was started is no present state.
        let log = "E0301 11:20:00.000000     812 kubelet.go:2900] \"Container runtime network not ready\" networkReady=\"NetworkReady=false reason:NetworkPluginNotReady message:Network plugin returns error: cni plugin not initialized\"\nE0301 11:40:59.000000     812 kubelet.go:2900] \"Container runtime network not ready\" networkReady=\"NetworkReady=false reason:NetworkPluginNotReady message:Network plugin returns error: cni plugin not initialized\"";
        let outcome = reports(message).kubelet("n1", log).diagnose();
        outcome.finds_only("LOS-RUNTIME-DOWN", Verdict::Proven);
    }
}

#[test]
fn a_start_that_lasts_is_a_runtime_that_does_not_answer() {
    let text = "[container runtime status check may not have completed yet, PLEG is not healthy: pleg has yet to be successful]";
    reports(text)
        .diagnose()
        .finds_only("LOS-RUNTIME-DOWN", Verdict::Likely);
}

#[test]
fn a_silent_node_tells_its_last_heartbeat_and_its_pods() {
    let lease = json!({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": "n1", "namespace": "kube-node-lease"},
        "spec": {"holderIdentity": "n1", "renewTime": "2026-03-01T11:40:20.000000Z", "leaseDurationSeconds": 40}});
    for (scene, code) in [
        (silent(), "LOS-KUBELET-SILENT"),
        (silent().kubelet("n1", CERTIFICATE), "LOS-CERTIFICATE"),
    ] {
        let outcome = scene.object(lease.clone()).object(pod(json!({}))).diagnose();
        let finding = outcome.finds_only(code, Verdict::Proven);
        assert!(
            finding.chain.iter().any(|step| step.text.contains("11:40:20")),
            "{:?}",
            finding.chain
        );
        assert!(
            finding.evidence.iter().any(|it| it.text.contains("shop/app-1")),
            "{:?}",
            finding.evidence
        );
    }
}

#[test]
fn a_pod_alone_tells_that_its_node_is_lost() {
    let lost = pod(
        json!({"status": {"phase": "Unknown", "reason": "NodeLost", "message": "Node n1 which was running pod app-1 is unresponsive"}}),
    );
    let outcome = Scene::new().object(lost).diagnose();
    let finding = outcome.finds_only("LOS-KUBELET-SILENT", Verdict::Proven);
    assert_eq!(finding.subject.kind, Kind::Node);
}

/// With rights to one namespace only the node cannot be looked at: the control plane's mark on the pod is left.
#[test]
fn a_pod_that_the_control_plane_marks_tells_of_its_node() {
    let marked = || {
        Scene::new().object(pod(json!({"status": {"conditions": [
            {"type": "ContainersReady", "status": "True"},
            {"type": "Ready", "status": "False", "lastTransitionTime": "2026-03-01T11:45:00Z"}]}})))
    };
    let event = |scene: Scene| {
        scene.event(
            "Pod/shop/app-1",
            "NodeNotReady",
            "Node is not ready",
            "2026-03-01T11:45:00Z",
        )
    };
    event(marked())
        .diagnose()
        .finds_only("LOS-KUBELET-SILENT", Verdict::Likely);
    let outcome = marked().diagnose();
    outcome.finds_only("LOS-KUBELET-SILENT", Verdict::Possible);
    assert!(!outcome.wants.is_empty());
    // Where the node is known and well, the status is just being written.
    event(marked())
        .object(node("True", "KubeletReady", "m"))
        .diagnose()
        .is_calm();
    marked().now("2026-03-01T11:45:20Z").diagnose().is_calm();
}

#[test]
fn lines_alone_tell_of_a_node() {
    for (line, code, verdict) in [
        (RUNTIME, "LOS-RUNTIME-DOWN", Verdict::Likely),
        (PLEG, "LOS-PLEG", Verdict::Likely),
        (NETWORK, "LOS-NETWORK-NOT-READY", Verdict::Likely),
        (
            "Kubelet stopped posting node status.",
            "LOS-KUBELET-SILENT",
            Verdict::Proven,
        ),
    ] {
        Scene::new().loose(line).diagnose().finds_only(code, verdict);
    }
    for (reason, message) in [
        ("Starting", "Starting kubelet."),
        ("Rebooted", "Node n1 has been rebooted, boot id: 6f1c"),
    ] {
        Scene::new()
            .event("Node//n1", reason, message, "2026-03-01T11:50:00Z")
            .diagnose()
            .is_calm();
    }
}

#[test]
fn a_pod_that_ended_with_its_node_is_told_so() {
    let ended = pod(
        json!({"spec": {"restartPolicy": "Never"}, "status": {"phase": "Failed", "conditions": [
        {"type": "DisruptionTarget", "status": "True", "reason": "DeletionByPodGC", "message": "PodGC: node no longer exists"}]}}),
    );
    let outcome = Scene::new().object(ended).diagnose();
    assert_eq!(
        outcome.finds_only("LOS-NODE-DELETED", Verdict::Proven).severity,
        Severity::Warning
    );
}

/// A pod that is to go and whose node is lost: what a forced delete would leave there.
#[test]
fn a_pod_that_cannot_go_tells_what_a_forced_delete_leaves() {
    let stuck = pod(json!({"metadata": {"deletionTimestamp": "2026-03-01T11:50:00Z"},
        "spec": {"volumes": [{"name": "d", "persistentVolumeClaim": {"claimName": "data"}}]}}));
    let outcome = Scene::new().object(stuck).complete(&[Kind::Node]).diagnose();
    let finding = outcome.finds_only("LOS-NODE-DELETED", Verdict::Proven);
    assert!(
        finding
            .fixes
            .iter()
            .any(|fix| fix.text.contains("only the object") && fix.text.contains("claim data")),
        "{:?}",
        finding.fixes
    );
}

/// A table prints the same word for a kubelet that says that it is not ready and for one that is silent.
#[test]
fn a_table_does_not_rule_out_that_the_kubelet_is_silent() {
    let table = "NAME       STATUS     ROLES    AGE   VERSION\nworker-1   NotReady   <none>   41d   v1.33.1\nworker-2   Ready      <none>   41d   v1.33.1\n";
    let outcome = Scene::new().pasted(table).diagnose();
    let finding = outcome.finds_only("LOS-KUBELET-SILENT", Verdict::Possible);
    assert!(!finding.next.is_empty());
    assert!(
        finding.evidence.iter().all(|it| !it.text.ends_with(": ")),
        "{:?}",
        finding.evidence
    );
}
