//! Every cause of the family against its contract.

use serde_json::{Value, json};
use sonde_model::Verdict;

use super::CAUSES;
use super::pressure::tests::evicted;
use crate::testing::contract::{Contract, keep};
use crate::testing::{Scene, merge, pod, status};

const MEMORY: &str = "The node was low on resource: memory. Threshold quantity: 100Mi, available: 90Mi. Container app was using 300Mi, request is 100Mi, has larger consumption of memory. ";
const DISK: &str = "The node was low on resource: ephemeral-storage. Threshold quantity: 5Gi, available: 3.1Gi. Container app was using 12Gi, request is 0, has larger consumption of ephemeral-storage. ";
const INODES: &str = "The node was low on resource: inodes. Threshold quantity: 1000, available: 800. ";
const PIDS: &str = "The node was low on resource: pids. Threshold quantity: 1000, available: 300. ";
const POD_LIMIT: &str = "Pod ephemeral local storage usage exceeds the total limit of containers 10Mi. ";
const DIR_LIMIT: &str = "Usage of EmptyDir volume \"scratch\" exceeds the limit \"8Mi\". ";
const CONDITION: &str = "Pod was rejected: The node had condition: [DiskPressure]. ";
const SHUTDOWN: &str = "Pod was terminated in response to imminent node shutdown.";
const CRITICAL: &str = "Preempted in order to admit critical pod";

fn says(message: &str) -> Scene {
    Scene::new().object(evicted("Evicted", message))
}

fn disrupted_pod(reason: &str, message: &str) -> Value {
    let end = json!({"exitCode": 143, "reason": "Error", "startedAt": "2026-03-01T11:50:00Z", "finishedAt": "2026-03-01T11:58:00Z"});
    let mut it = evicted("", "");
    merge(
        &mut it,
        json!({"status": {"reason": null, "message": null,
            "conditions": [{"type": "DisruptionTarget", "status": "True", "reason": reason, "message": message}],
            "containerStatuses": [status(json!({"ready": false, "state": {"running": null, "terminated": end}}))]}}),
    );
    it
}

fn disrupted(reason: &str, message: &str) -> Scene {
    Scene::new().object(disrupted_pod(reason, message))
}

fn drained() -> Scene {
    disrupted("EvictionByEvictionAPI", "Eviction API: evicting")
}

fn tainted() -> Scene {
    disrupted(
        "DeletionByTaintManager",
        "Taint manager: deleting due to NoExecute taint",
    )
}

fn preempted() -> Scene {
    disrupted(
        "PreemptionByScheduler",
        "default-scheduler: preempting to accommodate a higher priority pod",
    )
}

/// Evicted, and nobody says why.
fn wordless() -> Scene {
    says("")
}

/// Failed after SIGTERM, and nobody says who sent it.
fn ended() -> Scene {
    let mut it = disrupted_pod("", "");
    merge(&mut it, json!({"status": {"conditions": []}}));
    Scene::new().object(it)
}

/// A pod that runs, on a node whose pressure is over, after another of the same name was evicted.
fn healthy(message: &str) -> Scene {
    let node = json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1"}, "status": {"conditions": [
        {"type": "MemoryPressure", "status": "False", "reason": "KubeletHasSufficientMemory"},
        {"type": "DiskPressure", "status": "False", "reason": "KubeletHasNoDiskPressure"},
        {"type": "PIDPressure", "status": "False", "reason": "KubeletHasSufficientPID"},
        {"type": "Ready", "status": "True", "reason": "KubeletReady"}]}});
    Scene::new()
        .object(node)
        .object(pod(
            json!({"spec": {"volumes": [{"name": "scratch", "emptyDir": {"sizeLimit": "8Mi"}}]}}),
        ))
        .event("Pod/shop/app-0", "Evicted", message, "2026-03-01T11:00:00Z")
        .event(
            "Node//n1",
            "EvictionThresholdMet",
            "Attempting to reclaim memory",
            "2026-03-01T11:00:00Z",
        )
}

/// Its controller has made another, which is ready.
fn replaced(scene: Scene) -> Scene {
    scene.object(json!({"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {"name": "app", "namespace": "shop", "uid": "u-rs"},
        "spec": {"replicas": 1}, "status": {"replicas": 1, "readyReplicas": 1}}))
}

const TABLE: &[Contract] = &[
    Contract {
        code: "EVI-MEMORY",
        verdict: Verdict::Proven,
        found: || says(MEMORY),
        rival: ("EVI-NODE-DISK", || says(DISK)),
        open: wordless,
        healthy: || healthy(MEMORY),
        over: || replaced(says(MEMORY)),
    },
    Contract {
        code: "EVI-NODE-DISK",
        verdict: Verdict::Proven,
        found: || says(DISK),
        rival: ("EVI-EPHEMERAL-LIMIT", || says(POD_LIMIT)),
        open: wordless,
        healthy: || healthy(DISK),
        over: || replaced(says(DISK)),
    },
    Contract {
        code: "EVI-INODES",
        verdict: Verdict::Proven,
        found: || says(INODES),
        rival: ("EVI-NODE-DISK", || says(DISK)),
        open: wordless,
        healthy: || healthy(INODES),
        over: || replaced(says(INODES)),
    },
    Contract {
        code: "EVI-PIDS",
        verdict: Verdict::Proven,
        found: || says(PIDS),
        rival: ("EVI-MEMORY", || says(MEMORY)),
        open: wordless,
        healthy: || healthy(PIDS),
        over: || replaced(says(PIDS)),
    },
    Contract {
        code: "EVI-EPHEMERAL-LIMIT",
        verdict: Verdict::Proven,
        found: || says(POD_LIMIT),
        rival: ("EVI-EMPTY-DIR-LIMIT", || says(DIR_LIMIT)),
        open: wordless,
        healthy: || healthy(POD_LIMIT),
        over: || replaced(says(POD_LIMIT)),
    },
    Contract {
        code: "EVI-EMPTY-DIR-LIMIT",
        verdict: Verdict::Proven,
        found: || says(DIR_LIMIT),
        rival: ("EVI-NODE-DISK", || says(DISK)),
        open: wordless,
        healthy: || healthy(DIR_LIMIT),
        over: || replaced(says(DIR_LIMIT)),
    },
    Contract {
        code: "EVI-NODE-CONDITION",
        verdict: Verdict::Proven,
        found: || says(CONDITION),
        rival: ("EVI-NODE-DISK", || says(DISK)),
        open: wordless,
        healthy: || healthy(CONDITION),
        over: || replaced(says(CONDITION)),
    },
    Contract {
        code: "EVI-NODE-SHUTDOWN",
        verdict: Verdict::Proven,
        found: || Scene::new().object(evicted("Terminated", SHUTDOWN)),
        rival: ("EVI-API", drained),
        open: ended,
        healthy: || healthy(SHUTDOWN),
        over: || replaced(Scene::new().object(evicted("Terminated", SHUTDOWN))),
    },
    Contract {
        code: "EVI-PREEMPTED-CRITICAL",
        verdict: Verdict::Proven,
        found: || Scene::new().object(evicted("Preempting", CRITICAL)),
        rival: ("EVI-PREEMPTED", preempted),
        open: ended,
        healthy: || healthy(CRITICAL),
        over: || replaced(Scene::new().object(evicted("Preempting", CRITICAL))),
    },
    Contract {
        code: "EVI-PREEMPTED",
        verdict: Verdict::Proven,
        found: preempted,
        rival: ("EVI-TAINT", tainted),
        open: ended,
        healthy: || healthy("Preempted by shop/big on node n1"),
        over: || replaced(preempted()),
    },
    Contract {
        code: "EVI-TAINT",
        verdict: Verdict::Proven,
        found: tainted,
        rival: ("EVI-API", drained),
        open: ended,
        // A taint that was lifted in time: the pod stays.
        healthy: || {
            Scene::new().object(pod(json!({}))).event(
                "Pod/shop/app-1",
                "TaintManagerEviction",
                "Cancelling deletion of Pod shop/app-1",
                "2026-03-01T11:58:00Z",
            )
        },
        over: || replaced(tainted()),
    },
    Contract {
        code: "EVI-API",
        verdict: Verdict::Proven,
        found: drained,
        rival: ("EVI-PREEMPTED", preempted),
        open: ended,
        healthy: || healthy("Evicted pod"),
        over: || replaced(drained()),
    },
];

#[test]
fn every_cause_keeps_its_contract() {
    keep(CAUSES, TABLE);
}

/// A node that is still short of what it evicted for has one trouble, not two.
#[test]
fn the_victim_and_the_nodes_condition_are_one_finding() {
    for (message, kind, reason, text, code) in [
        (
            MEMORY,
            "MemoryPressure",
            "KubeletHasInsufficientMemory",
            "kubelet has insufficient memory available",
            "EVI-MEMORY",
        ),
        (
            DISK,
            "DiskPressure",
            "KubeletHasDiskPressure",
            "kubelet has disk pressure",
            "EVI-NODE-DISK",
        ),
        (
            INODES,
            "DiskPressure",
            "KubeletHasDiskPressure",
            "kubelet has disk pressure",
            "EVI-INODES",
        ),
        (
            CONDITION,
            "DiskPressure",
            "KubeletHasDiskPressure",
            "kubelet has disk pressure",
            "EVI-NODE-CONDITION",
        ),
        (
            PIDS,
            "PIDPressure",
            "KubeletHasInsufficientPID",
            "kubelet has insufficient PID available",
            "EVI-PIDS",
        ),
    ] {
        let node = json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1", "creationTimestamp": "2026-02-01T00:00:00Z"},
            "spec": {"taints": [{"key": "node.kubernetes.io/memory-pressure", "effect": "NoSchedule"}]},
            "status": {"conditions": [
                {"type": kind, "status": "True", "reason": reason, "message": text, "lastTransitionTime": "2026-03-01T11:50:00Z"},
                {"type": "Ready", "status": "True", "reason": "KubeletReady", "message": "kubelet is posting ready status"}]}});
        let outcome = says(message)
            .object(node)
            .event(
                "Node//n1",
                "EvictionThresholdMet",
                "Attempting to reclaim memory",
                "2026-03-01T11:50:00Z",
            )
            .diagnose();
        outcome.finds_only(code, Verdict::Proven);
    }
}

#[test]
fn the_preemptor_is_named_by_its_uid_too() {
    let big = pod(json!({"metadata": {"name": "big", "uid": "u-big"}, "spec": {"priority": 1000}}));
    let mut it = disrupted_pod("", "");
    merge(
        &mut it,
        json!({"spec": {"priority": 10, "priorityClassName": "low"}, "status": {"conditions": []}}),
    );
    let outcome = Scene::new()
        .object(big)
        .object(it)
        .event(
            "Pod/shop/app-1",
            "Preempted",
            "Preempted by pod u-big on node n1",
            "2026-03-01T11:57:58Z",
        )
        .diagnose();
    let finding = outcome.finds_only("EVI-PREEMPTED", Verdict::Proven);
    assert!(finding.headline.contains("shop/big"), "{}", finding.headline);
    assert!(
        finding
            .chain
            .iter()
            .any(|step| step.text.contains("priority 10 (priority class low)")),
        "{:?}",
        finding.chain
    );
}

/// The "say": class, request, usage, threshold, and what else the node's pods may take.
#[test]
fn an_eviction_for_memory_tells_class_request_usage_and_threshold() {
    let mut victim = evicted("Evicted", MEMORY);
    merge(
        &mut victim,
        json!({"spec": {"containers": [{"name": "app", "resources": {"requests": {"memory": "100Mi"}}}]}, "status": {"qosClass": "Burstable"}}),
    );
    let other = pod(json!({"metadata": {"name": "hungry", "uid": "h", "ownerReferences": null}}));
    let outcome = Scene::new().object(victim).object(other).diagnose();
    let finding = outcome.finds_only("EVI-MEMORY", Verdict::Proven);
    let told: String = finding
        .chain
        .iter()
        .map(|step| format!("{}\n", step.text))
        .collect();
    for words in ["Burstable", "requests 100Mi", "used 300Mi", "threshold 100Mi"] {
        assert!(told.contains(words), "{words}: {told}");
    }
    assert!(
        finding.evidence.iter().any(|it| it.text.contains("shop/hungry")),
        "{:?}",
        finding.evidence
    );
}

/// A pod of a Job that goes on with another pod.
#[test]
fn a_drained_pod_of_a_job_that_goes_on_is_over() {
    let mut it = disrupted_pod("EvictionByEvictionAPI", "Eviction API: evicting");
    it["metadata"]["ownerReferences"] = json!([{"apiVersion": "batch/v1", "kind": "Job", "name": "report", "uid": "u-job", "controller": true}]);
    let job = json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "report", "namespace": "shop", "uid": "u-job"},
        "spec": {"backoffLimit": 6}, "status": {"active": 1, "failed": 1}});
    let next = pod(
        json!({"metadata": {"name": "report-2", "uid": "n2", "ownerReferences": it["metadata"]["ownerReferences"]},
        "spec": {"restartPolicy": "Never"}}),
    );
    Scene::new()
        .object(it)
        .object(job)
        .object(next)
        .diagnose()
        .is_calm();
}
