//! Pending pods and nodes for the family's tests.

use serde_json::{Value, json};
use sonde_model::Kind;

use crate::testing::{Scene, merge, pod};

/// Everything is completely listed.
pub(super) fn scene() -> Scene {
    Scene::new().complete(Kind::KNOWN)
}

/// `shop/app-1`, pending since 11:50 with the scheduler's words; asks for 2 CPU.
pub(super) fn pending(said: &str, patch: Value) -> Value {
    let mut new = pod(json!({
        "spec": {"nodeName": null, "containers": [{"name": "app", "image": "registry.example/app:1", "resources": {"requests": {"cpu": "2"}}}]},
        "status": {"phase": "Pending", "startTime": null, "containerStatuses": null, "conditions": [
            {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": said, "lastTransitionTime": "2026-03-01T11:50:00Z"}]}
    }));
    merge(&mut new, patch);
    new
}

/// The pod asks for these resources.
pub(super) fn asks(requests: Value) -> Value {
    json!({"spec": {"containers": [{"name": "app", "image": "registry.example/app:1", "resources": {"requests": requests}}]}})
}

/// A ready node with 4 CPU, 8Gi and 110 pods.
pub(super) fn node(name: &str, patch: Value) -> Value {
    let mut node = json!({
        "apiVersion": "v1", "kind": "Node",
        "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name}}, "spec": {},
        "status": {"allocatable": {"cpu": "4", "memory": "8Gi", "pods": "110"},
            "conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": "2026-02-01T00:00:00Z", "lastHeartbeatTime": "2026-03-01T11:59:30Z"}]}
    });
    merge(&mut node, patch);
    node
}

/// A healthy pod on a node that asks for CPU.
pub(super) fn other(name: &str, node: &str, cpu: &str, patch: Value) -> Value {
    let mut other = pod(json!({
        "metadata": {"name": name, "uid": format!("u-{name}"), "labels": {"app": name}, "ownerReferences": [
            {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": name, "uid": format!("u-rs-{name}"), "controller": true}]},
        "spec": {"nodeName": node, "containers": [{"name": "app", "image": "registry.example/app:1", "resources": {"requests": {"cpu": cpu}}}]}
    }));
    merge(&mut other, patch);
    other
}

/// The pod runs: nothing of the family may be said.
pub(super) fn scheduled(patch: Value) -> Value {
    let mut new = pod(json!({}));
    merge(&mut new, patch);
    new
}
