//! Every cause of the family against its contract.

use serde_json::{Value, json};
use sonde_model::Verdict;

use super::CAUSES;
use crate::testing::Scene;
use crate::testing::contract::{Contract, keep};

/// A node with a condition, in the words of its kubelet or of whoever sets it.
fn node(kind: &str, status: &str, reason: &str, message: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1", "creationTimestamp": "2026-02-01T00:00:00Z"}, "status": {"conditions": [
        {"type": kind, "status": status, "reason": reason, "message": message, "lastTransitionTime": "2026-03-01T11:00:00Z"},
        {"type": "Ready", "status": "True", "reason": "KubeletReady", "message": "kubelet is posting ready status"}]}})
}

fn short(kind: &str) -> Scene {
    let (reason, message) = match kind {
        "MemoryPressure" => (
            "KubeletHasInsufficientMemory",
            "kubelet has insufficient memory available",
        ),
        "DiskPressure" => ("KubeletHasDiskPressure", "kubelet has disk pressure"),
        "PIDPressure" => (
            "KubeletHasInsufficientPID",
            "kubelet has insufficient PID available",
        ),
        "NetworkUnavailable" => ("NoRouteCreated", "Node created without a route"),
        _ => ("DockerHung", "task docker:7 blocked for more than 300 seconds."),
    };
    Scene::new().object(node(kind, "True", reason, message))
}

/// Nobody knows: the node's words are missing.
fn unknown(kind: &str) -> Scene {
    Scene::new().object(node(
        kind,
        "Unknown",
        "NodeStatusUnknown",
        "Kubelet stopped posting node status.",
    ))
}

/// The condition is false, and an event of the trouble is left.
fn past(kind: &str, reason: &str) -> Scene {
    let text = format!("Node n1 status is now: {reason}");
    Scene::new().object(node(kind, "False", "r", "m")).event(
        "Node//n1",
        reason,
        &text,
        "2026-03-01T11:10:00Z",
    )
}

const TABLE: &[Contract] = &[
    Contract {
        code: "NOD-MEMORY-PRESSURE",
        verdict: Verdict::Proven,
        found: || short("MemoryPressure"),
        rival: ("NOD-PID-PRESSURE", || short("PIDPressure")),
        open: || unknown("MemoryPressure"),
        healthy: || Scene::new().object(node("MemoryPressure", "False", "KubeletHasSufficientMemory", "m")),
        over: || past("MemoryPressure", "NodeHasInsufficientMemory"),
    },
    Contract {
        code: "NOD-DISK-PRESSURE",
        verdict: Verdict::Proven,
        found: || short("DiskPressure"),
        rival: ("NOD-MEMORY-PRESSURE", || short("MemoryPressure")),
        open: || unknown("DiskPressure"),
        healthy: || Scene::new().object(node("DiskPressure", "False", "KubeletHasNoDiskPressure", "m")),
        over: || past("DiskPressure", "NodeHasDiskPressure"),
    },
    Contract {
        code: "NOD-PID-PRESSURE",
        verdict: Verdict::Proven,
        found: || short("PIDPressure"),
        rival: ("NOD-DISK-PRESSURE", || short("DiskPressure")),
        open: || unknown("PIDPressure"),
        healthy: || Scene::new().object(node("PIDPressure", "False", "KubeletHasSufficientPID", "m")),
        over: || past("PIDPressure", "NodeHasInsufficientPID"),
    },
    Contract {
        code: "NOD-NETWORK-UNAVAILABLE",
        verdict: Verdict::Proven,
        found: || short("NetworkUnavailable"),
        rival: ("NOD-DISK-PRESSURE", || short("DiskPressure")),
        open: || unknown("NetworkUnavailable"),
        healthy: || Scene::new().object(node("NetworkUnavailable", "False", "RouteCreated", "m")),
        over: || {
            Scene::new().object(node(
                "NetworkUnavailable",
                "False",
                "CalicoIsUp",
                "Calico is running on this node",
            ))
        },
    },
    Contract {
        code: "NOD-KERNEL-TROUBLE",
        verdict: Verdict::Proven,
        found: || short("KernelDeadlock"),
        rival: ("NOD-NETWORK-UNAVAILABLE", || short("NetworkUnavailable")),
        open: || unknown("KernelDeadlock"),
        healthy: || Scene::new().object(node("SysctlChanged", "True", "r", "m")),
        over: || {
            Scene::new().object(node(
                "KernelDeadlock",
                "False",
                "KernelHasNoDeadlock",
                "kernel has no deadlock",
            ))
        },
    },
];

#[test]
fn every_cause_keeps_its_contract() {
    keep(CAUSES, &[TABLE, super::checks::TABLE].concat());
}

/// Up to 1.12 a kubelet had a condition for a disk that is full altogether.
#[test]
fn a_disk_that_is_full_altogether_is_short_of_disk() {
    let full = node("OutOfDisk", "True", "KubeletOutOfDisk", "out of disk space");
    Scene::new()
        .object(full)
        .diagnose()
        .finds_only("NOD-DISK-PRESSURE", Verdict::Proven);
    let well = node(
        "OutOfDisk",
        "False",
        "KubeletHasSufficientDisk",
        "kubelet has sufficient disk space available",
    );
    Scene::new().object(well).diagnose().is_calm();
}

#[test]
fn events_alone_tell_of_a_shortage() {
    for (reason, message, code) in [
        (
            "NodeHasDiskPressure",
            "Node n1 status is now: NodeHasDiskPressure",
            "NOD-DISK-PRESSURE",
        ),
        (
            "EvictionThresholdMet",
            "Attempting to reclaim ephemeral-storage",
            "NOD-DISK-PRESSURE",
        ),
        (
            "NodeHasInsufficientMemory",
            "Node n1 status is now: NodeHasInsufficientMemory",
            "NOD-MEMORY-PRESSURE",
        ),
        (
            "EvictionThresholdMet",
            "Attempting to reclaim memory",
            "NOD-MEMORY-PRESSURE",
        ),
        (
            "NodeHasInsufficientPID",
            "Node n1 status is now: NodeHasInsufficientPID",
            "NOD-PID-PRESSURE",
        ),
    ] {
        let scene = || Scene::new().event("Node//n1", reason, message, "2026-03-01T11:50:00Z");
        scene().diagnose().finds_only(code, Verdict::Proven);
        let well = scene()
            .event("Node//n1", "NodeHasNoDiskPressure", "m", "2026-03-01T11:55:00Z")
            .event("Node//n1", "NodeHasSufficientMemory", "m", "2026-03-01T11:55:00Z");
        well.diagnose().is_calm();
    }
}
